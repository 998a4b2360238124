//! Weights & Biases: whether a run is logged there, and what of it.
//!
//! - `asked`: the decision, from flags, the variables `WANDB_*` and, for a run that goes on, its record
//! - `journal`: a run as it is written while it trains
//! - `uploads`: what became of the uploads of a sweep's runs
//! - `client`: where W&B's own client is, which uploads it
//! - `rows`: the figures of epochs as rows and as a summary
//! - `pictures`: sample grid, confusion matrix, curves and predictions of the row after the last epoch
//!
//! `handloom_export` defines the format of the files. No file is written, and no connection made, unless a run is to be
//! logged.

mod client;
mod logger;
mod options;
pub(crate) mod pictures;
pub(crate) mod rows;
mod uploads;

pub(crate) use logger::WandbLogger;
pub(crate) use options::{Flags, SWEEP, WandbOptions};
pub(crate) use uploads::{Upload, Uploads};

use std::path::Path;

/// The command that uploads the run in `folder`, for a shell.
pub(crate) fn sync(folder: &Path) -> String {
    let folder = folder.display().to_string();
    let plain = folder.chars().all(|c| c.is_alphanumeric() || "/\\:._-+@%,".contains(c));
    if plain { format!("wandb sync {folder}") } else { format!("wandb sync '{}'", folder.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_with_spaces_and_quotes_survive_a_shell() {
        assert_eq!(sync(Path::new("wandb/offline-run-1")), "wandb sync wandb/offline-run-1");
        assert_eq!(sync(Path::new("it's here/x")), r"wandb sync 'it'\''s here/x'");
    }
}
