//! Data sets: where their files are, how they are read, and one that Handloom draws itself.
//!
//! [`locate`] finds a data set by name or folder and never touches the network; [`obtain`] downloads it too.
//! Both open nothing: [`Located::train`] and [`Located::test`] read one part each, so that who trains need
//! not touch the test set. Bytes from outside are parsed by [`idx::parse`], [`folder::decode_image`] and [`photo::read`],
//! which answer anything, however broken, with an [`Error`].
//!
//! ```
//! let garments = handloom_data::locate("garments", &[])?;
//! let test = garments.test()?;
//! assert_eq!((test.len(), test.pixels()), (2_000, 784));
//! assert_eq!(test.classes[9], "Ankle boot");
//! # Ok::<(), handloom_data::Error>(())
//! ```

pub mod catalog;
pub mod checksum;
pub mod fetch;
pub mod folder;
pub mod garments;
pub mod idx;
mod located;
pub mod photo;

use std::io;
use std::path::{Path, PathBuf};

pub use located::{Located, locate, obtain};

/// Why a data set cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name is neither a data set's nor an existing folder's: a mistake in the command, not in the data.
    #[error(
        "there is no data set and no folder `{name}`\nhint: name {}, or a folder that exists",
        catalog::names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A known data set is not on this disk and was not downloaded.
    #[error(
        "`{name}` is not on this disk and was not downloaded: {reason}\n\
         hint: put these four files into `DIR/{folder}` and pass `--data-dir DIR`\n{files}"
    )]
    Unavailable {
        /// The data set.
        name: &'static str,
        /// The folder below a data directory in which its files belong.
        folder: &'static str,
        /// What happened at each mirror.
        reason: String,
        /// Its files with their addresses and checksums, one a line.
        files: String,
    },
    /// A file or folder could not be opened, read or written.
    #[error("cannot {action} `{}`: {cause}\nhint: check that it exists and that you may {action} it", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// `read` or `write`.
        action: &'static str,
        /// What the system said.
        cause: io::Error,
    },
    /// A file or folder is there but does not hold what it should.
    #[error("`{file}` is damaged or not understood: expected {expected}, found {found}\nhint: {hint}")]
    Damaged {
        /// The file or folder.
        file: String,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
        /// What to do about it.
        hint: &'static str,
    },
}

impl Error {
    fn read(path: &Path, cause: io::Error) -> Self {
        Self::Io { path: path.into(), action: "read", cause }
    }

    fn write(path: &Path, cause: io::Error) -> Self {
        Self::Io { path: path.into(), action: "write", cause }
    }
}
