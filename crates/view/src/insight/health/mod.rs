//! Health checks of a run: rules over its recorded epochs, each with the run's own numbers.
//!
//! A rule that finds a problem also says what helps against it. One that does not apply, or has nothing recorded to judge
//! by, says so. `show`, the dashboard and reports all show these checks.

mod rules;
#[cfg(test)]
mod tests;

use handloom_store::{Epoch, Run};
use serde_json::{Value, json};

pub(crate) use self::rules::{VANISHED, gradient_ratio};
use crate::words::listed;

/// Result of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The problem is not there.
    Good,
    /// The problem is there.
    Bad,
    /// The rule does not apply, or nothing was recorded to judge by.
    Unknown,
}

/// Result of a rule for a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Name of the rule.
    pub rule: &'static str,
    /// Result of the rule.
    pub state: State,
    /// Result in a sentence.
    pub text: String,
    /// Advice; empty unless the problem is there.
    pub fix: String,
    /// The layer concerned, from 1.
    pub layer: Option<usize>,
}

impl Check {
    fn new(rule: &'static str, state: State, text: impl Into<String>) -> Self {
        Self { rule, state, text: text.into(), fix: String::new(), layer: None }
    }

    fn bad(rule: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: fix.into(), ..Self::new(rule, State::Bad, text) }
    }

    fn of_layer(self, layer: usize) -> Self {
        Self { layer: Some(layer), ..self }
    }

    fn to_value(&self) -> Value {
        let state = match self.state {
            State::Good => "good",
            State::Bad => "bad",
            State::Unknown => "unknown",
        };
        let fix = Some(&self.fix).filter(|fix| !fix.is_empty());
        json!({"rule": self.rule, "state": state, "text": self.text, "fix": fix, "layer": self.layer})
    }
}

/// Results of all rules for a run; `classes` has the names of classes, as far as they are known.
pub fn examine(run: &Run, epochs: &[Epoch], classes: &[String]) -> Vec<Check> {
    rules::ALL.iter().map(|rule| rule(&rules::Case { run, epochs, classes })).collect()
}

/// Checks as JSON.
pub fn values(checks: &[Check]) -> Value {
    checks.iter().map(Check::to_value).collect()
}

/// All checks in a sentence; none where no rule could judge.
pub fn verdict(checks: &[Check]) -> Option<String> {
    let bad: Vec<&Check> = checks.iter().filter(|check| check.state == State::Bad).collect();
    match bad[..] {
        [] if checks.iter().any(|check| check.state == State::Good) => Some("Healthy.".into()),
        [] => None,
        [one] => Some(one.text.clone()),
        [first, ref others @ ..] => {
            let names: Vec<String> = others.iter().map(|check| rules::ailment(check.rule).to_owned()).collect();
            Some(format!("{} Besides: {}.", first.text, listed(&names)))
        }
    }
}
