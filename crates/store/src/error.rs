//! Why the store could not do what it was asked to.

use std::io;
use std::path::PathBuf;

/// What a store answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a store could not be read or written. `at` is the database file, or the URL without its password.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The place cannot be a store.
    #[error(
        "`{at}` cannot be a store: {why}\nhint: name a folder, such as `--store .handloom`, or a database, such as \
         `--store postgres://USER@HOST/DATABASE`"
    )]
    Place {
        /// What was asked for.
        at: String,
        /// What is wrong with it.
        why: String,
    },
    /// A newer program made the database.
    #[error(
        "`{at}` has version {found}, and this program knows versions up to {known}\n\
         hint: use the newer program that made it, or another store by `--store`"
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
        /// What was found.
        why: String,
    },
    /// A record in the database cannot be understood.
    #[error("run `{run}` in `{at}` cannot be understood: {why}\nhint: `handloom rm {run}` removes it")]
    Damaged {
        /// The database.
        at: String,
        /// The run.
        run: String,
        /// What is wrong with it.
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
        /// What the system said.
        why: String,
    },
    /// Another process holds the database.
    #[error("`{at}` is in use by another process: {why}\nhint: try again once that process is done")]
    Busy {
        /// The database.
        at: String,
        /// What the database said.
        why: String,
    },
    /// There is no room left.
    #[error("there is no room left for `{at}`: {why}\nhint: make room on its disk")]
    Full {
        /// The database.
        at: String,
        /// What the database said.
        why: String,
    },
    /// The server does not answer, or the connection broke.
    #[error("cannot reach `{at}`: {why}\nhint: check that the server runs and that the address is right")]
    Unreachable {
        /// The database.
        at: String,
        /// What happened.
        why: String,
    },
    /// The server answers and refuses.
    #[error(
        "`{at}` refuses: {why}\nhint: check user, password and database; a password may also stand in `PGPASSWORD`"
    )]
    Refused {
        /// The database.
        at: String,
        /// What the server said.
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
    #[error("sweep `{sweep}` in `{at}` cannot be understood: {why}")]
    DamagedSweep {
        /// The database.
        at: String,
        /// The sweep.
        sweep: String,
        /// What is wrong with it, the number of the entry in its journal, if it is one, included.
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
        /// Its size.
        bytes: u64,
        /// What the run's other files take.
        used: u64,
        /// What a run's files may take, in bytes.
        limit: u64,
    },
    /// Anything else that the database said.
    #[error("`{at}`: {why}")]
    Database {
        /// The database.
        at: String,
        /// What it said.
        why: String,
    },
}

impl Error {
    /// Whether the same may well succeed later.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Io { .. } | Self::Busy { .. } | Self::Full { .. } | Self::Unreachable { .. } | Self::Refused { .. }
        )
    }

    pub(crate) fn damaged(at: &str, run: &str, error: &serde_json::Error) -> Self {
        Self::Damaged { at: at.into(), run: run.into(), why: error.to_string() }
    }

    pub(crate) fn no_sweep(at: &str, sweep: &str) -> Self {
        Self::NoSweep { at: at.into(), sweep: sweep.into() }
    }

    pub(crate) fn io(path: impl Into<PathBuf>, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, action, why: error.to_string() }
    }
}

/// Refuses what is not the plain name of a file or folder: ids and names become paths.
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
