//! What a recorder could not store.

use std::fmt;

/// What was not stored, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not everything of run `{run}` was stored: {} missing in `{at}`\n{why}", Missing(self))]
pub struct Lost {
    /// The run.
    pub run: String,
    /// The store.
    pub at: String,
    /// Its epochs that are not there.
    pub epochs: Vec<u64>,
    /// Whether its record is not the latest.
    pub record: bool,
    /// Its files that are not there.
    pub files: Vec<String>,
    /// What the store said.
    pub why: String,
}

/// `epochs 3-7, 9, its record and model.safetensors`.
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
