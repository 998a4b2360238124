//! Errors of writing an export.

use std::io;
use std::path::{Path, PathBuf};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An export that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Io {
        /// Path of the file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A file cannot be put in its place.
    #[error(transparent)]
    File(#[from] handloom_engine::model::Error),
    /// W&B would refuse the run's id, or it would leave its folder.
    #[error(
        "`{0}` cannot be the id of a W&B run\nhint: set `WANDB_RUN_ID` to 1 to 128 characters without `/ \\ # ? % :`, control characters and spaces at an end"
    )]
    RunId(String),
    /// A mode of W&B that is none.
    #[error("`{0}` is not a mode of W&B\nhint: `offline`, `online` or `off` (in `WANDB_MODE` also `disabled`)")]
    Mode(String),
    /// Bytes that were to be shown as an image are not a PNG file.
    #[error("the image `{0}` is not a PNG file")]
    Png(String),
    /// A model does not fit into an ONNX file, which may have 2 GiB.
    #[error(
        "the model has {bytes} bytes of weights, more than the 2 GiB of an ONNX file\nhint: `--format safetensors` has no such limit"
    )]
    TooLarge {
        /// Bytes of the weights.
        bytes: usize,
    },
    /// A table cannot be written as CSV.
    #[error("cannot write the table: {0}")]
    Csv(#[from] ::csv::Error),
    /// Arrays cannot be packed.
    #[error("cannot pack the arrays: {0}")]
    Zip(#[from] ::zip::result::ZipError),
}

impl Error {
    /// For `map_err`: `path` could not be written.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path: path.into(), source }
    }
}
