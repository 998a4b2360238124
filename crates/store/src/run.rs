//! A run as it is recorded.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use handloom_engine::{Numerics, parallel};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::epoch::text;
use crate::error::Error;

/// After this long without a heartbeat, a run on another machine counts as killed, in milliseconds.
pub const SILENCE_MS: u64 = 30_000;

/// The record of a run.
///
/// `name`, `tags` and `notes` are its labels: they are stored when the run is first put, and changed by
/// [`Store::relabel`](crate::Store::relabel) only, so that a process that trains never overwrites a user's edits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// Eight characters `[a-z0-9]`.
    pub id: String,
    /// Made from the settings, or given.
    pub name: String,
    /// Status when the record was written; [`Run::effective_status`] detects processes that have died since.
    pub status: Status,
    /// The sweep that it is a trial of.
    pub sweep: Option<String>,
    /// Unix time of its start, in milliseconds.
    pub started_ms: u64,
    /// Unix time of its end, in milliseconds.
    pub ended_ms: Option<u64>,
    /// The command as typed; a password belongs [`masked`](crate::masked).
    pub command: Vec<String>,
    /// Version of the program.
    pub version: String,
    /// Instruction set: bits are the same only within one.
    pub isa: String,
    /// Version of the arithmetic, [`handloom_engine::NUMERICS`]; none in records of older programs.
    pub numerics: Option<u32>,
    /// Processor architecture, such as `x86_64`; none in records of older programs.
    pub arch: Option<String>,
    /// Name of the machine, which no other machine has.
    pub host: String,
    /// Process id.
    pub process: u32,
    /// Git commit of the folder it was started in.
    pub git_commit: Option<String>,
    /// The dataset that was used; `config` has the requested one.
    pub dataset: String,
    /// Its folder, unless it is built in.
    pub data_path: Option<PathBuf>,
    /// SHA-256 of its training images and labels.
    pub data_sha256: String,
    /// Notes on its data: conversions, files left out, and signs that the data is wrong.
    pub data_notes: Vec<String>,
    /// Reason why a dataset other than the default was used.
    pub fallback: Option<String>,
    /// Tags, a label.
    pub tags: Vec<String>,
    /// Group.
    pub group: Option<String>,
    /// Notes, a label.
    pub notes: Option<String>,
    /// True if the test set is never evaluated.
    pub no_test: bool,
    /// File in which the model is saved in addition to the run's folder.
    pub out: Option<PathBuf>,
    /// Weights & Biases as asked for: mode, project, entity.
    pub wandb: Map<String, Value>,
    /// Seed.
    pub seed: u64,
    /// The flat configuration.
    pub config: Map<String, Value>,
    /// Norm of each layer's gradient before the first step; empty in records of older programs, or where one is not
    /// finite.
    pub initial_norms: Vec<f64>,
    /// Finished epochs.
    pub epochs: u64,
    /// Epoch of the saved weights.
    pub best_epoch: Option<u64>,
    /// Accuracy of the saved weights on validation data.
    pub val_accuracy: Option<f64>,
    /// Accuracy of the saved weights on the test set, if it was opened.
    pub test_accuracy: Option<f64>,
    /// Their loss on the test set.
    pub test_loss: Option<f64>,
    /// The reason of its end in words, if it diverged: `training diverged in epoch 1: ...`. None in records of older programs.
    pub reason: Option<String>,
    /// SHA-256 of the saved weights.
    pub weights_sha256: Option<String>,
    /// SHA-256 of the whole model file; none in records of older programs.
    pub model_sha256: Option<String>,
    /// SHA-256 of everything that decides its weights: effective configuration, data, arithmetic. Runs with the same
    /// one have the same bits. None in records of older programs.
    pub training_sha256: Option<String>,
    /// The finished run that this one continues to more epochs.
    pub parent: Option<String>,
    /// Milliseconds since its last heartbeat, by the clock of the database; set when a run is read.
    #[serde(skip)]
    pub heartbeat_age_ms: Option<u64>,
}

/// Statuses of a run that [`best`] may choose where a result is wanted at all: finished, or without any those that have
/// come to something.
pub const WITH_RESULT: [&[Status]; 2] =
    [&[Status::Finished], &[Status::Running, Status::Stopped, Status::Killed, Status::Pruned]];

/// The run with the highest validation accuracy, by the rule of [`handloom_sweep::best`]; `tiers` are lists of statuses.
pub fn best<'r>(runs: &[&'r Run], tiers: &[&[Status]]) -> Option<&'r Run> {
    let candidates: Vec<_> = runs.iter().map(|run| (run.status, run.val_accuracy.map(|accuracy| -accuracy))).collect();
    handloom_sweep::best::best(&candidates, tiers).map(|position| runs[position])
}

/// Name of the data set that was worked on last: that of the latest run outside of sweeps, or without any of the latest
/// trial. `runs` are in the order of their start.
pub fn latest_dataset<'r>(runs: impl DoubleEndedIterator<Item = &'r Run> + Clone) -> Option<&'r str> {
    let own = runs.clone().rev().find(|run| run.sweep.is_none());
    own.or_else(|| runs.last()).map(|run| run.dataset.as_str())
}

/// Status of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Its process trains.
    #[default]
    Running,
    /// Every epoch was trained.
    Finished,
    /// Stopped by Ctrl-C or TERM; may be resumed.
    Stopped,
    /// Ended by its sweep, since others did better.
    Pruned,
    /// Ended with an error.
    Failed,
    /// The loss or a weight overflowed or became NaN.
    Diverged,
    /// The process is gone; may be resumed.
    Killed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] =
        [Self::Running, Self::Finished, Self::Stopped, Self::Pruned, Self::Failed, Self::Diverged, Self::Killed];

    /// Name of the status, as stored and displayed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
            Self::Diverged => "diverged",
            Self::Killed => "killed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.pad(self.name())
    }
}

/// The word is no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no status\nhint: one of {}", Status::ALL.map(Status::name).join(", "))]
pub struct UnknownStatus {
    /// The word.
    pub word: String,
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.name() == word).ok_or_else(|| UnknownStatus { word: word.into() })
    }
}

/// Name, tags and notes of a run, which users can edit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Labels {
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its notes.
    pub notes: Option<String>,
}

impl Run {
    /// Effective status of the run, seen from the machine `here`. `locked` is true if a process of this machine holds
    /// the run's lock, false if none does, and `None` if this machine has no such lock to check.
    ///
    /// A run recorded as `running` counts as killed if its process is gone: on this machine if nobody holds the lock;
    /// on another machine, or without a lock to check, if there was no heartbeat for 30 s.
    pub fn effective_status(&self, here: &str, locked: impl FnOnce(&str) -> Option<bool>) -> Status {
        let heard = || self.heartbeat_age_ms.is_some_and(|age| age <= SILENCE_MS);
        let alive = match self.status {
            Status::Running if self.host == here => locked(&self.id).unwrap_or_else(heard),
            Status::Running => heard(),
            ended => return ended,
        };
        if alive { Status::Running } else { Status::Killed }
    }

    /// The arithmetic that trained it.
    pub fn arithmetic(&self) -> Numerics {
        Numerics {
            numerics: self.numerics,
            arch: self.arch.clone(),
            isa: Some(self.isa.clone()).filter(|isa| !isa.is_empty()),
        }
    }

    /// Record without labels, and labels, both as JSON: the two columns of a database.
    pub(crate) fn columns(&self) -> (String, String) {
        let labels = Labels { name: self.name.clone(), tags: self.tags.clone(), notes: self.notes.clone() };
        let bare = Self { name: String::new(), tags: Vec::new(), notes: None, ..self.clone() };
        (text(&bare), text(&labels))
    }
}

/// A row of the table of runs.
pub(crate) struct Kept {
    pub(crate) id: String,
    /// Milliseconds since its last heartbeat.
    pub(crate) age_ms: i64,
    pub(crate) labels: String,
    pub(crate) record: String,
}

impl Kept {
    fn run(&self) -> serde_json::Result<Run> {
        let labels: Labels = serde_json::from_str(&self.labels)?;
        Ok(Run {
            name: labels.name,
            tags: labels.tags,
            notes: labels.notes,
            // If the clock was set back, the age would be negative.
            heartbeat_age_ms: Some(self.age_ms.max(0) as u64),
            ..serde_json::from_str(&self.record)?
        })
    }
}

/// The runs that a store keeps, by start, then by id; `at` is the store.
///
/// Most of the time of reading thousands of runs is spent here, so the cores share it.
pub(crate) fn read(kept: &[Kept], at: &str) -> Result<Vec<Run>, Error> {
    let part = |kept: &[Kept]| {
        let damaged = |kept: &Kept, error: serde_json::Error| Error::damaged(at, &kept.id, &error);
        kept.iter().map(|kept| kept.run().map_err(|error| damaged(kept, error))).collect::<Result<Vec<Run>, Error>>()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut runs = Vec::with_capacity(kept.len());
    for read in parallel(kept.chunks(kept.len().div_ceil(cores).max(256)), part) {
        runs.extend(read?);
    }
    runs.sort_unstable_by(|a: &Run, b| (a.started_ms, &a.id).cmp(&(b.started_ms, &b.id)));
    Ok(runs)
}

/// Changes labels written as JSON.
pub(crate) fn relabeled(labels: &str, change: &dyn Fn(&mut Labels)) -> serde_json::Result<String> {
    let mut labels: Labels = serde_json::from_str(labels)?;
    change(&mut labels);
    Ok(text(&labels))
}

/// Figures by run.
pub type ByRun<T> = BTreeMap<String, T>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_as_it_is_written() {
        for status in Status::ALL {
            assert_eq!(status.name().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
        let error = "dead".parse::<Status>().unwrap_err().to_string();
        assert!(error.contains("`dead`") && error.contains("pruned, failed"), "{error}");
    }

    #[test]
    fn a_run_is_killed_without_lock_here_and_without_heartbeat_elsewhere() {
        let run = |age| Run { host: "here".into(), heartbeat_age_ms: age, ..Run::default() };
        assert_eq!(run(Some(90_000)).effective_status("here", |_| Some(true)), Status::Running);
        assert_eq!(run(Some(0)).effective_status("here", |_| Some(false)), Status::Killed);
        // Without a lock to check, as in a database that several folders share, the heartbeat decides.
        assert_eq!(run(Some(30_000)).effective_status("here", |_| None), Status::Running);
        assert_eq!(run(Some(30_001)).effective_status("here", |_| None), Status::Killed);
        let never = |_: &str| unreachable!("a lock says nothing about another machine");
        assert_eq!(run(Some(30_000)).effective_status("there", never), Status::Running);
        assert_eq!(run(Some(30_001)).effective_status("there", never), Status::Killed);
        assert_eq!(run(None).effective_status("there", never), Status::Killed);
        for status in Status::ALL.into_iter().filter(|&status| status != Status::Running) {
            assert_eq!(Run { status, ..run(None) }.effective_status("here", never), status);
        }
    }

    #[test]
    fn a_record_with_less_or_more_in_it_is_read() {
        let (labels, record) = (r#"{"name":"n"}"#.into(), r#"{"id":"a","epochs":3,"later":[1]}"#.into());
        let run = Kept { id: "a".into(), age_ms: -5, labels, record }.run().unwrap();
        assert_eq!((run.id.as_str(), run.name.as_str(), run.epochs), ("a", "n", 3));
        assert_eq!(run.heartbeat_age_ms, Some(0));
    }

    #[test]
    fn every_run_of_thousands_is_read_and_a_broken_one_is_named() {
        let kept = |n: u64| {
            let record = format!(r#"{{"id":"r{n}","started_ms":{}}}"#, n * 7 % 3_001);
            Kept { id: format!("r{n}"), age_ms: 1, labels: "{}".into(), record }
        };
        let mut all: Vec<Kept> = (0..3_001).map(kept).collect();
        let starts: Vec<u64> = read(&all, "db").unwrap().iter().map(|run| run.started_ms).collect();
        assert_eq!(starts, (0..3_001).collect::<Vec<_>>());
        for at in [0, 1_500, 3_000] {
            all[at].record = "{".into();
            let told = read(&all, "db").unwrap_err().to_string();
            assert!(told.contains(&format!("run `r{at}` in `db`")) && told.contains("hint:"), "{told}");
            all[at] = kept(at as u64);
        }
        assert!(read(&[], "db").unwrap().is_empty());
    }
}
