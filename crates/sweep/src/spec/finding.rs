//! Errors, warnings and notes about a sweep file, with their places.

use std::fmt::{self, Write as _};

use serde::Serialize;

use super::node::Place;

/// Something about a place in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// Message: a lower-case fragment.
    pub message: String,
    /// Advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Characters that it is about.
    #[serde(skip)]
    length: u64,
}

impl Finding {
    pub(super) fn new(at: Place, message: impl Into<String>, hint: Option<String>) -> Self {
        Self { line: at.line, column: at.column, message: message.into(), hint, length: at.length }
    }

    /// With the line that it is about, as compilers print it; `file` is the name of the file, whose content is `text`.
    pub fn rendered(&self, level: &str, file: &str, text: &str) -> String {
        const MOST: usize = 160;
        let mut out = format!("{level}: {}\n", self.message);
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let _ = writeln!(out, "{margin}--> {file}:{}:{}", self.line, self.column);
        if let Some(line) = text.lines().nth(self.line as usize - 1) {
            let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let before = self.column as usize - 1;
            let from = before.saturating_sub(MOST / 2);
            let shown: String = line.chars().skip(from).take(MOST).collect();
            let room = line.chars().count().saturating_sub(before).min(MOST / 2);
            let carets = "^".repeat((self.length as usize).clamp(1, room.max(1)));
            let _ = writeln!(out, "{margin} |\n{number} | {shown}\n{margin} | {}{carets}", " ".repeat(before - from));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(out, "hint: {hint}");
        }
        out
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "line {}, column {}: {}", self.line, self.column, self.message)?;
        match &self.hint {
            Some(hint) => write!(to, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) violations: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
    pub(super) notes: Vec<Finding>,
}

/// Most violations that are told: a file of another kind has thousands.
const MOST: usize = 100;

impl Findings {
    /// Something that cannot be.
    pub(super) fn wrong(&mut self, at: Place, message: impl Into<String>, hint: impl Into<String>) {
        if self.violations.len() < MOST {
            self.violations.push(Finding::new(at, message, Some(hint.into()).filter(|hint| !hint.is_empty())));
        }
    }

    /// Something that works and had better be changed.
    pub(super) fn warn(&mut self, at: Place, message: impl Into<String>, hint: impl Into<String>) {
        if self.warnings.len() < MOST {
            self.warnings.push(Finding::new(at, message, Some(hint.into()).filter(|hint| !hint.is_empty())));
        }
    }

    /// Something worth knowing.
    pub(super) fn note(&mut self, at: Place, message: impl Into<String>) {
        if self.notes.len() < MOST {
            self.notes.push(Finding::new(at, message, None));
        }
    }

    /// In the order of the file.
    pub(super) fn sorted(mut self) -> Self {
        for list in [&mut self.violations, &mut self.warnings, &mut self.notes] {
            list.sort_by_key(|finding| (finding.line, finding.column));
        }
        self
    }
}
