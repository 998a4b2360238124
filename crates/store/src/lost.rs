//! Items that a recorder could not store.

use std::fmt;

/// Items of a run that were not stored, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not everything of run `{run}` was stored: {} missing in `{at}`\n{why}", Missing(self))]
pub struct Lost {
    /// The run.
    pub run: String,
    /// The store.
    pub at: String,
    /// Numbers of the missing epochs.
    pub epochs: Vec<u64>,
    /// True if the latest record is missing.
    pub record: bool,
    /// Names of the missing files.
    pub files: Vec<String>,
    /// Error message of the store.
    pub why: String,
}

/// Formats as `epochs 3-7, 9, its latest record, model.safetensors` (each name in backticks).
struct Missing<'a>(&'a Lost);

impl fmt::Display for Missing<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut epochs = self.0.epochs.clone();
        epochs.sort_unstable();
        epochs.dedup();
        let spans: Vec<String> = epochs
            .chunk_by(|a, b| a + 1 == *b)
            .map(|span| match span {
                [one] => one.to_string(),
                span => format!("{}-{}", span[0], span[span.len() - 1]),
            })
            .collect();
        if !spans.is_empty() {
            parts.push(format!("epochs {}", spans.join(", ")));
        }
        if self.0.record {
            parts.push("its latest record".into());
        }
        parts.extend(self.0.files.iter().map(|name| format!("`{name}`")));
        to.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_in_few_words() {
        let (run, at, why) = ("a".into(), "db".into(), "locked".into());
        let lost = Lost { run, at, epochs: vec![9, 3, 4, 5, 4, 11], record: true, files: vec!["m.png".into()], why };
        let told = "not everything of run `a` was stored: epochs 3-5, 9, 11, its latest record, `m.png` missing in `db`\nlocked";
        assert_eq!(lost.to_string(), told);
    }
}
