//! A journal in memory, for sweeps that nobody resumes and for tests.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{Entry, Error, Journal, Page, Seq, Stamped};

/// A journal in memory, whose clock can be moved.
#[derive(Debug)]
pub struct Memory {
    kept: Mutex<(Vec<Stamped>, i64)>,
    since: Instant,
}

impl Default for Memory {
    fn default() -> Self {
        Self { kept: Mutex::default(), since: Instant::now() }
    }
}

impl Memory {
    /// Moves the clock on.
    pub fn pass(&self, milliseconds: i64) {
        self.kept().1 += milliseconds;
    }

    fn kept(&self) -> MutexGuard<'_, (Vec<Stamped>, i64)> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time, by a clock that has been moved on by `moved`.
    fn now_ms(&self, moved: i64) -> i64 {
        self.since.elapsed().as_millis() as i64 + moved
    }
}

impl Journal for Memory {
    fn append(&self, entries: &[Entry]) -> Result<(), Error> {
        let (kept, moved) = &mut *self.kept();
        let (seq, at_ms) = (kept.len() as Seq, self.now_ms(*moved));
        kept.extend((seq + 1..).zip(entries).map(|(seq, entry)| Stamped { seq, at_ms, entry: entry.clone() }));
        Ok(())
    }

    fn read(&self, after: Seq) -> Result<Page, Error> {
        let (kept, moved) = &*self.kept();
        let entries = kept.get(after.max(0) as usize..).unwrap_or_default().to_vec();
        Ok(Page { now_ms: self.now_ms(*moved), entries })
    }
}
