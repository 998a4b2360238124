//! Why an agent could not go on.

use std::collections::BTreeSet;

use crate::journal::{self, Entry};

/// Why an agent could not go on. What is in the journal stays there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The journal cannot be read or written, and will not be by itself.
    #[error("{}{cause}", told(missing))]
    Journal {
        /// Error of the store.
        #[source]
        cause: journal::Error,
        /// Trials that the journal does not have everything of: those that ended meanwhile are tried again by whoever
        /// goes on with the sweep.
        missing: Vec<u64>,
    },
    /// The system starts no thread.
    #[error(
        "cannot start a thread: {cause}\nhint: run fewer trials at once with `--workers`, or raise the limits of \
         processes and memory (`ulimit -u`, `ulimit -v`)"
    )]
    Threads {
        /// Error of the system.
        #[source]
        cause: std::io::Error,
    },
}

fn told(missing: &[u64]) -> String {
    let numbers: Vec<String> = missing.iter().map(ToString::to_string).collect();
    match numbers.as_slice() {
        [] => "the sweep cannot go on: ".into(),
        [one] => format!("what became of trial {one} is missing in the sweep's journal: "),
        several => format!("what became of trials {} is missing in the sweep's journal: ", several.join(", ")),
    }
}

impl Error {
    pub(super) fn new<'e>(cause: journal::Error, unwritten: impl Iterator<Item = &'e Entry>) -> Self {
        let number = |entry: &Entry| match entry {
            Entry::Reported { number, .. } | Entry::Ended { number, .. } => Some(*number),
            _ => None,
        };
        let missing: BTreeSet<u64> = unwritten.filter_map(number).collect();
        Self::Journal { cause, missing: missing.into_iter().collect() }
    }
}
