//! Datasets: finding, downloading and reading them, and one that Handloom draws itself.
//!
//! [`locate`] finds a dataset by name or folder and never touches the network; [`fetch_or_locate`] downloads it too.
//! Both open no image: [`DataSource::train`] and [`DataSource::test`] read one part each, so that training need not touch
//! the test set. Untrusted bytes are parsed by [`idx::parse`], [`folder::decode_image`] and [`photo::read`], which
//! return an [`Error`] for broken input and never panic.
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
mod data_source;
mod decode;
pub mod fetch;
pub mod folder;
pub mod garments;
pub mod home;
pub mod idx;
pub mod notes;
pub mod photo;
mod reading;
mod walk;

use std::io;
use std::path::{Path, PathBuf};

pub use data_source::{DataSource, fetch_or_locate, in_folder, locate};
pub use decode::ENDINGS as IMAGE_ENDINGS;
pub(crate) use reading::Images;
pub use reading::{Reading, Rules, TestPart};

/// Failure to find, download or read a dataset.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name is neither that of a dataset nor an existing folder: a mistake in the command, not in the data.
    #[error(
        "there is no data set and no folder `{name}`\nhint: {}name {}, or a folder that exists",
        nearest(name).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default(),
        catalog::names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    )]
    Unknown {
        /// The name as given.
        name: String,
    },
    /// The name is written like a path, and no such folder exists.
    #[error(
        "there is no folder `{name}`\nhint: a data set in a folder is named by the folder's path; `handloom data ls` lists the known ones"
    )]
    NoFolder {
        /// The name as given.
        name: String,
    },
    /// A known dataset is not on this disk and was not downloaded.
    #[error(
        "`{name}` is not on this disk and was not downloaded: {reason}\n\
         hint: put these four files into `DIR/{folder}` and pass `--data-dir DIR`\n{files}"
    )]
    Unavailable {
        /// The dataset.
        name: &'static str,
        /// The folder below a data directory in which its files belong.
        folder: &'static str,
        /// Reason of the failure, for each mirror.
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
        /// Error of the operating system.
        cause: io::Error,
    },
    /// The dataset has no test set.
    #[error("`{name}` has no test set: {why}\nhint: add the missing files, or name another data set")]
    NoTest {
        /// The dataset.
        name: String,
        /// The file or folder that is missing.
        why: String,
    },
    /// A file or folder exists but has the wrong content.
    #[error("`{file}` is damaged or not understood: expected {expected}, found {found}\nhint: {hint}")]
    Damaged {
        /// The file or folder.
        file: String,
        /// Expected content.
        expected: String,
        /// Actual content.
        found: String,
        /// Suggestion for the user.
        hint: &'static str,
    },
}

/// The known dataset that a mistyped `name` probably means.
fn nearest(name: &str) -> Option<&'static str> {
    handloom_engine::config::neighbors(name, catalog::names()).first().copied()
}

impl Error {
    fn read(path: &Path, cause: io::Error) -> Self {
        Self::Io { path: path.into(), action: "read", cause }
    }

    fn write(path: &Path, cause: io::Error) -> Self {
        Self::Io { path: path.into(), action: "write", cause }
    }
}
