//! Errors of a store.

use std::io;
use std::path::PathBuf;

use handloom_engine::damage::of_json;

/// Result of a store operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Failure to read or write a store. `at` is the database file, or the URL without its password.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder or URL cannot be a store.
    #[error(
        "`{at}` cannot be a store: {why}\nhint: name a folder, such as `--store .handloom`, or a database, such as \
         `--store postgres://USER@HOST/DATABASE`"
    )]
    Place {
        /// The folder or URL as given.
        at: String,
        /// The fault.
        why: String,
    },
    /// A newer program made the database.
    #[error(
        "`{at}` is a store of a newer Handloom: its format is version {found}, and this program knows versions up to \
         {known}\nhint: use the newer program on every machine, or another store by `--store`"
    )]
    Newer {
        /// The database.
        at: String,
        /// Its version.
        found: i64,
        /// The latest version that this program knows.
        known: usize,
    },
    /// The file is not a store's database, or is damaged.
    #[error(
        "`{at}` is not Handloom's database or is damaged: {why}\n\
         hint: move the file away and a new one is made; the files in `runs/` beside it stay"
    )]
    Foreign {
        /// The file.
        at: String,
        /// SQLite's message, or the reason why the file is not ours.
        why: String,
    },
    /// A record in the database cannot be understood.
    #[error("run `{run}` in `{at}` cannot be understood: {why}\nhint: `handloom rm {run}` removes it")]
    Damaged {
        /// The database.
        at: String,
        /// The run.
        run: String,
        /// The fault.
        why: String,
    },
    /// A file or folder cannot be read or written.
    #[error(
        "cannot {action} `{}`: {why}\nhint: check that you may {action} it, or name another store by `--store`",
        path.display()
    )]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// `read`, `write` or `remove`.
        action: &'static str,
        /// Message of the operating system.
        why: String,
    },
    /// This user may read the database and not write it.
    #[error(
        "`{at}` cannot be written: {why}\nhint: ask its owner for the right to write, or name another store by `--store`"
    )]
    ReadOnly {
        /// The database.
        at: String,
        /// Message of the database.
        why: String,
    },
    /// The database was removed while this process had it open.
    #[error("`{at}` was removed while it was in use\nhint: put it back, or start again, which begins a new store")]
    Removed {
        /// The database.
        at: String,
    },
    /// Another process holds the database.
    #[error("`{at}` is in use by another process: {why}\nhint: try again once that process is done")]
    Busy {
        /// The database.
        at: String,
        /// Message of the database.
        why: String,
    },
    /// There is no room left.
    #[error("there is no room left for `{at}`: {why}\nhint: make room on its disk")]
    Full {
        /// The database.
        at: String,
        /// Message of the database.
        why: String,
    },
    /// The server does not answer, or the connection broke.
    #[error("cannot reach `{at}`: {why}\nhint: check that the server runs and that the address is right")]
    Unreachable {
        /// The database.
        at: String,
        /// Cause of the failed connection.
        why: String,
    },
    /// The server answers and refuses.
    #[error(
        "`{at}` refuses: {why}\nhint: check user, password and database; a password may also stand in `PGPASSWORD`"
    )]
    Refused {
        /// The database.
        at: String,
        /// Message of the server.
        why: String,
    },
    /// The run is not in the store.
    #[error("there is no run `{run}` in `{at}`\nhint: `handloom ls` shows what is there")]
    NoRun {
        /// The database.
        at: String,
        /// The run.
        run: String,
    },
    /// The sweep is not in the store.
    #[error("there is no sweep `{sweep}` in `{at}`\nhint: `handloom sweep ls` shows what is there")]
    NoSweep {
        /// The database.
        at: String,
        /// The sweep.
        sweep: String,
    },
    /// A sweep in the database cannot be understood.
    #[error(
        "sweep `{sweep}` in `{at}` cannot be understood: {why}\nhint: `handloom sweep rm {sweep}` removes it, or a newer program may know it"
    )]
    DamagedSweep {
        /// The database.
        at: String,
        /// The sweep.
        sweep: String,
        /// The fault, with the number of the entry if it is in the journal.
        why: String,
    },
    /// A run's id or a file's name that could leave its folder.
    #[error(
        "`{name}` is not a plain name\nhint: up to 200 bytes without `/`, `\\` or control characters, not beginning with `.`"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A run's files would take more than the database keeps.
    #[error(
        "`{name}` of {bytes} bytes does not fit: the database keeps up to {} MiB of files a run, and run `{run}` has \
         {used} bytes already\nhint: save the model to a file by `--out FILE`",
        limit >> 20
    )]
    TooLarge {
        /// The run.
        run: String,
        /// The file.
        name: String,
        /// Size of the file.
        bytes: u64,
        /// Size of the run's other files, in bytes.
        used: u64,
        /// Maximum total size of a run's files, in bytes.
        limit: u64,
    },
    /// Any other error of the database.
    #[error("`{at}`: {why}")]
    Database {
        /// The database.
        at: String,
        /// Message of the database.
        why: String,
    },
}

impl Error {
    /// True if the same call may succeed later: the database is busy, full or out of reach.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Io { .. } | Self::Busy { .. } | Self::Full { .. } | Self::Unreachable { .. } | Self::Refused { .. }
        )
    }

    pub(crate) fn damaged(at: &str, run: &str, error: &serde_json::Error) -> Self {
        Self::Damaged { at: at.into(), run: run.into(), why: of_json(error) }
    }

    pub(crate) fn no_sweep(at: &str, sweep: &str) -> Self {
        Self::NoSweep { at: at.into(), sweep: sweep.into() }
    }

    pub(crate) fn io(path: impl Into<PathBuf>, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, action, why: error.to_string() }
    }
}

/// The reason that a record of an opened test set is not understood.
pub(crate) fn unreadable_opening(error: &serde_json::Error) -> String {
    format!("a record of an opened test set: {}", of_json(error))
}

/// Refuses anything but a plain file name: ids and names become parts of paths.
pub(crate) fn plain(name: &str) -> Result<()> {
    let broken = |c: char| c == '/' || c == '\\' || c.is_control();
    if name.is_empty() || name.len() > 200 || name.starts_with('.') || name.contains(broken) {
        return Err(Error::Name { name: name.into() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_their_folder_are_refused() {
        for name in ["", ".", "..", ".hidden", "a/b", "a\\b", "/", "a\0", "a\nb", &"x".repeat(201)] {
            assert!(plain(name).is_err(), "{name:?}");
        }
        for name in ["a", "k3v9x0aa", "model.safetensors", "Größe 1.png", "試し", &"x".repeat(200)] {
            assert!(plain(name).is_ok(), "{name:?}");
        }
    }
}
