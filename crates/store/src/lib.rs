//! Storage of runs and sweeps, in SQLite or PostgreSQL.
//!
//! [`open`] takes a folder or a URL and returns a [`Store`]: records of runs, their epochs, their files, the log of
//! test set evaluations, sweeps and their journals. A [`Recorder`] writes a run from its own thread, so that training
//! never waits. A [`Journal`] is the event log of a sweep, which agents read and append to. A [`LivenessLock`] is a lock
//! that shows other processes of this machine that an agent is alive.
//!
//! A folder holds `handloom.db` (SQLite) and `runs/ID/` for files; it is made by the first write, never by reading.
//! A PostgreSQL database keeps the files too, and serves several machines. Both are brought to the latest version
//! when they are opened; `tests/conformance` runs the same tests against both.
//!
//! Reading needs no right to write: a store that cannot be written is read as it is, in whatever version.
//!
//! ```
//! use handloom_store::{Run, open};
//!
//! let folder = tempfile::tempdir()?;
//! let store = open(folder.path().join(".handloom"))?;
//! store.put(&Run { id: "k3v9x0aa".into(), name: "first".into(), ..Run::default() })?;
//! store.relabel("k3v9x0aa", &|labels| labels.tags.push("baseline".into()))?;
//! assert_eq!(store.runs()?[0].tags, ["baseline"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod epoch;
mod error;
mod liveness_lock;
mod lost;
mod postgres;
mod recorder;
mod run;
mod sqlite;
mod sweep;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use handloom_engine::event::EpochMetrics;
use handloom_sweep::{Entry, Page, Seq};

pub use epoch::{Epoch, TestSetAccess};
pub use error::{Error, Result};
pub use liveness_lock::{LivenessLock, liveness};
pub use lost::Lost;
pub use postgres::{Postgres, masked};
pub use recorder::Recorder;
pub use run::{ByRun, Labels, Run, SILENCE_MS, Status, UnknownStatus, WITH_RESULT, best, latest_dataset};
pub use sqlite::Sqlite;
pub use sweep::{Journal, Sweep};

/// Ids of all runs and sweeps in a store, to detect which were added, removed or changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Ids of all runs.
    pub runs: HashSet<String>,
    /// Number of the last journal entry of each sweep, by sweep id; 0 if the journal is empty.
    pub sweeps: HashMap<String, Seq>,
}

/// A database of runs and sweeps. Every method is one transaction: a reader sees all of it or nothing.
pub trait Store: Send + Sync {
    /// The database, for people: its file, or its URL without the password.
    fn at(&self) -> String;

    /// The folder whose `runs/ID/` holds the files of runs, or none if the database does.
    fn folder(&self) -> Option<&Path>;

    /// Records a run, or replaces its record, which counts as a heartbeat. The labels of a recorded run stay.
    fn put(&self, run: &Run) -> Result<()>;

    /// The run with this id.
    fn run(&self, id: &str) -> Result<Option<Run>>;

    /// Every run, by start, then by id.
    fn runs(&self) -> Result<Vec<Run>>;

    /// The runs that were recorded or gave a heartbeat within the last `within_ms` milliseconds, by the clock of the
    /// database; by start, then by id.
    fn recent(&self, within_ms: u64) -> Result<Vec<Run>>;

    /// Change counter: equal to the last value only if no process has written since. Cheap enough to poll many times a
    /// second.
    fn pulse(&self) -> Result<u64>;

    /// The reason why the store can only be read, or none if it can be written or is not there yet. Opens the store.
    fn read_only(&self) -> Result<Option<String>>;

    /// Number of times that the store was found to be replaced by another one. Caches of the former store must then be
    /// dropped. Fails while the store is removed and not replaced.
    fn replacements(&self) -> Result<u64>;

    /// Ids of all runs and sweeps: fast enough for a few times a second.
    fn contents(&self) -> Result<Contents>;

    /// Removes a run with its epochs and files; false if there is no such run. Its test openings stay.
    fn remove(&self, id: &str) -> Result<bool>;

    /// Changes the labels of a run; false if there is no such run. `change` may be called more than once.
    fn relabel(&self, id: &str, change: &dyn Fn(&mut Labels)) -> Result<bool>;

    /// Records epochs of a run, which replace those of the same number.
    fn log(&self, run: &str, epochs: &[Epoch]) -> Result<()>;

    /// The epochs of a run, from the first.
    fn epochs(&self, run: &str) -> Result<Vec<Epoch>>;

    /// Metrics of all epochs of several runs, in order of epochs, without the diagnostics.
    fn rows(&self, runs: &[&str]) -> Result<ByRun<Vec<EpochMetrics>>>;

    /// Metrics of every run's last epoch.
    fn last_rows(&self) -> Result<ByRun<EpochMetrics>>;

    /// Metrics of one given epoch of each of several runs; runs without that epoch are left out.
    fn rows_at(&self, epochs: &[(&str, u64)]) -> Result<ByRun<EpochMetrics>>;

    /// Deletes the epochs of a run that are later than `epoch`.
    fn forget_after(&self, run: &str, epoch: u64) -> Result<()>;

    /// Heartbeat: records that the run's process is alive, by the clock of the database.
    fn heartbeat(&self, run: &str) -> Result<()>;

    /// Records that a test set was opened; returns how often the same test images have been opened, this time included.
    fn open_test(&self, opening: &TestSetAccess) -> Result<u64>;

    /// Every opening of a test set, by time.
    fn openings(&self) -> Result<Vec<TestSetAccess>>;

    /// Stores a file of a run, or replaces it: in `runs/ID/`, or in the database, up to 64 MiB a run.
    fn put_file(&self, run: &str, name: &str, bytes: &[u8]) -> Result<()>;

    /// A file of a run.
    fn file(&self, run: &str, name: &str) -> Result<Option<Vec<u8>>>;

    /// Records a sweep that is not there yet, with the first entries of its journal.
    fn add_sweep(&self, sweep: &Sweep, entries: &[Entry]) -> Result<()>;

    /// The sweep with this id.
    fn sweep(&self, id: &str) -> Result<Option<Sweep>>;

    /// Every sweep, by creation time, then by id.
    fn sweeps(&self) -> Result<Vec<Sweep>>;

    /// Removes a sweep with its journal; false if there is no such sweep. Its runs stay.
    fn remove_sweep(&self, id: &str) -> Result<bool>;

    /// Appends entries to the journal of a sweep, numbered without gaps in the order in which readers see them.
    fn append(&self, sweep: &str, entries: &[Entry]) -> Result<()>;

    /// The entries of a sweep's journal after number `after`; 0 is before the first.
    fn entries(&self, sweep: &str, after: Seq) -> Result<Page>;
}

/// The store in the folder, or behind the `postgres://` URL, `at`. A folder need not exist; a server must answer.
pub fn open(at: impl AsRef<Path>) -> Result<Arc<dyn Store>> {
    let at = at.as_ref();
    match at.to_string_lossy() {
        url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Ok(Arc::new(Postgres::open(&url)?))
        }
        url if url.contains("://") => {
            Err(Error::Place { at: masked(&url), why: "of all databases, only `postgres://` is known".into() })
        }
        _ => Ok(Arc::new(Sqlite::open(at))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_neither_folder_nor_postgres_is_refused() {
        let error = open("mysql://me:secret@host/db").err().unwrap().to_string();
        assert!(error.contains("mysql://me:***@host/db") && error.contains("hint:"), "{error}");
        assert!(open("no/such/folder").is_ok());
    }
}
