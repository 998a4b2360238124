//! Runs for Weights & Biases: the files its client writes offline, and their upload by that client.
//!
//! ```text
//! wandb/                                   `.wandb` instead, if that is there
//!   latest-run -> offline-run-…
//!   offline-run-YYYYMMDD_HHMMSS-ID/        local time; without `offline-` `wandb sync` passes a folder over
//!     run-ID.wandb                         the log: `log.rs` frames it, `record.rs` says what is in it
//!     files/media/images/…  files/media/table/…  files/wandb-metadata.json
//!     artifacts/…                          tables as they are uploaded a second time, as artifacts
//! ```
//!
//! The log is Handloom's only way to W&B: `wandb sync` uploads it at any time, and [`Live`] has W&B's own client
//! upload it while it grows. What is written is the part of the format that has not changed from wandb 0.17 to
//! 0.31, so that old clients read it too: no environment record (0.17 stops at one), no `final` record (0.28 stops
//! at one before `exit`), the whole configuration in the run record (0.28 sends later ones only by chance), values
//! as JSON text.
//!
//! Sources: the protocol buffers of <https://github.com/wandb/wandb> (`wandb/proto`, field numbers), and trials
//! with the clients 0.17.0, 0.28.0 and 0.31.0; `tests/external/` repeats them.

mod chart;
mod environment;
mod identity;
mod live;
mod log;
mod media;
mod record;
mod run;

pub use chart::{Chart, Rows, confusion_rows, precision_recall_rows, roc_rows};
pub use environment::{Environment, Mode};
pub use identity::{Git, Identity};
pub use live::{Live, Problem};
pub use media::Image;
pub use run::OfflineRun;
