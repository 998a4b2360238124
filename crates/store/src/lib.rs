//! Runs, sweeps and what is known of them, in SQLite or PostgreSQL.
//!
//! [`open`] takes a folder or a URL and answers with a [`Store`]: records of runs, their epochs, their files, the
//! ledger of test sets, sweeps and their journals. A [`Recorder`] writes a run from a thread of its own, so that training
//! never waits; a [`Journal`] is a sweep's, as agents use it, and a [`Presence`] shows others here that an agent lives.
//!
//! A folder holds `handloom.db` (SQLite) and `runs/ID/` for files; it is made by the first write, never by reading.
//! A PostgreSQL database keeps the files too, and serves several machines. Both are brought to the latest version
//! when they are opened; `tests/conformance` holds both to the same promises.
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
mod lost;
mod postgres;
mod presence;
mod recorder;
mod run;
mod sqlite;
mod sweep;

use std::path::Path;
use std::sync::Arc;

use handloom_engine::event::Row;
use handloom_sweep::{Entry, Page, Seq};

pub use epoch::{Epoch, Opening};
pub use error::{Error, Result};
pub use lost::Lost;
pub use postgres::{Postgres, masked};
pub use presence::{Presence, is_dead};
pub use recorder::Recorder;
pub use run::{ByRun, Labels, Run, SILENCE_MS, Status, UnknownStatus};
pub use sqlite::Sqlite;
pub use sweep::{Journal, Sweep};

/// Where runs and sweeps are kept. Every method is one transaction: a reader sees all of it or nothing.
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

    /// A number that is the same as at the last call only if nothing changed since, by whomever. Costs next to
    /// nothing, so that whoever waits for news may ask many times a second.
    fn pulse(&self) -> Result<u64>;

    /// Removes a run with its epochs and files, and says whether it was there. Its test openings stay.
    fn remove(&self, id: &str) -> Result<bool>;

    /// Changes the labels of a run, and says whether it is there. `change` may be called again.
    fn relabel(&self, id: &str, change: &dyn Fn(&mut Labels)) -> Result<bool>;

    /// Records epochs of a run, which replace those of the same number.
    fn log(&self, run: &str, epochs: &[Epoch]) -> Result<()>;

    /// The epochs of a run, from the first.
    fn epochs(&self, run: &str) -> Result<Vec<Epoch>>;

    /// The figures of several runs' epochs, each from the first, without the evidence.
    fn rows(&self, runs: &[&str]) -> Result<ByRun<Vec<Row>>>;

    /// The figures of every run's last epoch.
    fn last_rows(&self) -> Result<ByRun<Row>>;

    /// The figures of one epoch of each of several runs, where it is there.
    fn rows_at(&self, epochs: &[(&str, u64)]) -> Result<ByRun<Row>>;

    /// Drops the epochs of a run that are later than `epoch`.
    fn forget_after(&self, run: &str, epoch: u64) -> Result<()>;

    /// Says that the run's process is alive, by the clock of the database.
    fn heartbeat(&self, run: &str) -> Result<()>;

    /// Records that a test set was opened, and says how often its images now were.
    fn open_test(&self, opening: &Opening) -> Result<u64>;

    /// Every opening of a test set, by time.
    fn openings(&self) -> Result<Vec<Opening>>;

    /// Keeps a file of a run, or replaces it: in `runs/ID/`, or in the database, up to 64 MiB a run.
    fn put_file(&self, run: &str, name: &str, bytes: &[u8]) -> Result<()>;

    /// A file of a run.
    fn file(&self, run: &str, name: &str) -> Result<Option<Vec<u8>>>;

    /// Records a sweep that is not there yet, with the first entries of its journal.
    fn add_sweep(&self, sweep: &Sweep, entries: &[Entry]) -> Result<()>;

    /// The sweep with this id.
    fn sweep(&self, id: &str) -> Result<Option<Sweep>>;

    /// Every sweep, by its making, then by id.
    fn sweeps(&self) -> Result<Vec<Sweep>>;

    /// Removes a sweep with its journal, and says whether it was there. Its runs stay.
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
