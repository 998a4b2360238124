//! Runs on disk: `.handloom/runs/ID/` with `run.json`, `config.json`, `checkpoint.safetensors` and `model.safetensors`.
//!
//! A run holds a lock on its folder while its process lives: a run that says `running` without a lock was killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use handloom_engine::config::Config;
use handloom_engine::model::{Model, write_atomically};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::exit::Failure;

/// Where runs are kept.
pub(crate) struct Store {
    folder: PathBuf,
}

/// What is known of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Version of this form.
    pub(crate) v: u32,
    /// Eight characters `[a-z0-9]`.
    pub(crate) id: String,
    /// Made from the settings, or given.
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) status: Status,
    /// Unix time of its start, in milliseconds.
    pub(crate) started_ms: u64,
    /// Unix time of its end, in milliseconds.
    pub(crate) ended_ms: Option<u64>,
    /// The command as typed.
    pub(crate) command: Vec<String>,
    /// Version of the program.
    pub(crate) version: String,
    /// Instruction set: bits are the same only within one.
    pub(crate) isa: String,
    /// The data set that was used; `config.json` has the one that was asked for.
    pub(crate) dataset: String,
    /// Its folder, unless it is built in.
    pub(crate) data_path: Option<PathBuf>,
    /// SHA-256 of its training images and labels.
    pub(crate) data_sha256: String,
    /// Why another data set than the default was used.
    pub(crate) fallback: Option<String>,
    /// Tags.
    pub(crate) tags: Vec<String>,
    /// Group.
    pub(crate) group: Option<String>,
    /// Notes.
    pub(crate) notes: Option<String>,
    /// Whether the test set stays closed.
    #[serde(default)]
    pub(crate) no_test: bool,
    /// Where the model is saved besides the run's folder.
    #[serde(default)]
    pub(crate) out: Option<PathBuf>,
    /// Weights & Biases as asked for: mode, project, entity.
    pub(crate) wandb: Map<String, Value>,
    /// Finished epochs.
    pub(crate) epochs: u64,
    /// Epoch of the saved weights.
    pub(crate) best_epoch: Option<u64>,
    /// Accuracy of the saved weights on validation data.
    pub(crate) val_accuracy: Option<f64>,
    /// Accuracy of the saved weights on the test set, if it was opened.
    pub(crate) test_accuracy: Option<f64>,
    /// SHA-256 of the saved weights.
    pub(crate) weights_sha256: Option<String>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// Its process trains.
    Running,
    /// Every epoch was trained.
    Finished,
    /// Stopped by Ctrl-C or TERM; may be resumed.
    Stopped,
    /// Could not go on.
    Failed,
    /// The loss or a weight left what numbers can hold.
    Diverged,
    /// The process is gone; may be resumed.
    Killed,
}

impl Status {
    /// The word that is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Diverged => "diverged",
            Self::Killed => "killed",
        }
    }
}

/// A run and its folder.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// `.handloom/runs/ID`.
    pub(crate) folder: PathBuf,
    /// What is known of it.
    pub(crate) record: Record,
}

impl Run {
    /// The kept weights.
    pub(crate) fn model(&self) -> PathBuf {
        self.folder.join("model.safetensors")
    }

    /// What a resumed run goes on from.
    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.folder.join("checkpoint.safetensors")
    }

    /// Its configuration.
    pub(crate) fn config(&self) -> Result<Config> {
        let path = self.folder.join("config.json");
        let text = fs::read(&path).with_context(|| format!("reading `{}`", path.display()))?;
        let map: Map<String, Value> =
            serde_json::from_slice(&text).with_context(|| format!("reading `{}`", path.display()))?;
        let mut config = Config::default();
        config.merge(&map).with_context(|| format!("in `{}`", path.display()))?;
        Ok(config)
    }

    /// Writes the record.
    pub(crate) fn save(&self) -> Result<()> {
        let text = serde_json::to_vec_pretty(&self.record)?;
        Ok(write_atomically(&self.folder.join("run.json"), &text)?)
    }

    /// Says that this process works on the run, until the file is closed. `None` if another one does.
    pub(crate) fn lock(&self) -> Result<Option<File>> {
        let path = self.folder.join("lock");
        let file = File::create(&path).with_context(|| format!("opening `{}`", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("locking `{}`", path.display())),
        }
    }

    fn read(folder: PathBuf) -> Option<Self> {
        let record: Record = serde_json::from_slice(&fs::read(folder.join("run.json")).ok()?).ok()?;
        let mut run = Self { folder, record };
        if run.record.status == Status::Running && matches!(run.lock(), Ok(Some(_))) {
            run.record.status = Status::Killed;
        }
        Some(run)
    }
}

impl Store {
    /// The store in `folder`, or in `.handloom` here. Nothing is made before the first run.
    pub(crate) fn open(folder: Option<PathBuf>) -> Result<Self> {
        let folder = folder.unwrap_or_else(|| ".handloom".into());
        if folder.to_string_lossy().contains("://") {
            return Err(Failure::usage(format!(
                "`--store {}` is not a folder\nhint: this version keeps runs in a folder, such as `--store .handloom`",
                folder.display()
            )));
        }
        Ok(Self { folder })
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new run in a folder of its own. `record.id` is set here.
    pub(crate) fn create(&self, mut record: Record, config: &Config) -> Result<Run> {
        let runs = self.folder.join("runs");
        fs::create_dir_all(&runs).with_context(|| format!("making `{}`", runs.display()))?;
        let folder = loop {
            record.id = new_id();
            let folder = runs.join(&record.id);
            match fs::create_dir(&folder) {
                Ok(()) => break folder,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("making `{}`", folder.display())),
            }
        };
        let run = Run { folder, record };
        write_atomically(&run.folder.join("config.json"), &serde_json::to_vec_pretty(&config.to_map())?)?;
        run.save()?;
        Ok(run)
    }

    /// Every run, the latest started last.
    pub(crate) fn all(&self) -> Vec<Run> {
        let entries = fs::read_dir(self.folder.join("runs")).into_iter().flatten().flatten();
        let mut runs: Vec<Run> = entries.filter_map(|entry| Run::read(entry.path())).collect();
        runs.sort_by(|a, b| (a.record.started_ms, &a.record.id).cmp(&(b.record.started_ms, &b.record.id)));
        runs
    }

    /// The run that `name` means: an id, a unique part of a name, `@last` or `@best`.
    pub(crate) fn find(&self, name: &str) -> Result<Run> {
        let mut runs = self.all();
        let missing = || {
            Failure::usage(format!(
                "no run `{name}` in `{}`\nhint: `handloom train` makes one; `ls {}` shows what is there",
                self.folder.display(),
                self.folder.join("runs").display()
            ))
        };
        let Some(last) = runs.last() else { return Err(missing()) };
        match name {
            "@last" => return Ok(last.clone()),
            "@best" => {
                let dataset = last.record.dataset.clone();
                let finished = runs
                    .into_iter()
                    .filter(|run| run.record.status == Status::Finished && run.record.dataset == dataset);
                // Of equals the earliest, as with epochs.
                let best = finished.rev().max_by(|a, b| {
                    a.record.val_accuracy.unwrap_or(-1.0).total_cmp(&b.record.val_accuracy.unwrap_or(-1.0))
                });
                return best.ok_or_else(|| {
                    Failure::usage(format!("no run on `{dataset}` has finished yet\nhint: `@last` is the latest run"))
                });
            }
            _ => {}
        }
        if let Some(at) = runs.iter().position(|run| run.record.id == name) {
            return Ok(runs.swap_remove(at));
        }
        runs.retain(|run| run.record.name.contains(name) || run.record.id.starts_with(name));
        match runs.len() {
            0 => Err(missing()),
            1 => Ok(runs.swap_remove(0)),
            count => {
                let candidates: Vec<String> =
                    runs.iter().map(|run| format!("  {}  {}", run.record.id, run.record.name)).collect();
                Err(Failure::usage(format!(
                    "`{name}` may be any of {count} runs\nhint: name one by its id\n{}",
                    candidates.join("\n")
                )))
            }
        }
    }

    /// The model that `name` means: a file if it has a `/` or ends in `.safetensors`, else that of a run.
    pub(crate) fn model(&self, name: &str) -> Result<(Model, PathBuf, Option<Run>)> {
        if name.contains('/') || name.ends_with(".safetensors") {
            let path = PathBuf::from(name);
            return Ok((Model::load(&path)?, path, None));
        }
        let run = self.find(name)?;
        let path = run.model();
        if !path.exists() {
            let status = run.record.status.name();
            return Err(Failure::data(format!(
                "run `{}` ({status}) has no model yet\nhint: `handloom train --resume {}` goes on with it",
                run.record.id, run.record.id
            )));
        }
        Ok((Model::load(&path)?, path, Some(run)))
    }
}

/// Milliseconds of Unix time.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Eight characters of `[a-z0-9]`, different for every call of every process.
fn new_id() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    // The standard library's hasher is seeded by the system.
    let mut bits = RandomState::new().hash_one((std::process::id(), now_ms()));
    let character = |_| {
        let digit = (bits % 36) as u32;
        bits /= 36;
        char::from_digit(digit, 36).expect("a digit below 36")
    };
    (0..8).map(character).collect()
}

/// A run's name: what sets it apart, as the assignment's examples have it.
pub(crate) fn name_of(config: &Config) -> String {
    let sizes = &config.hidden_size;
    let same = sizes.windows(2).all(|pair| pair[0] == pair[1]);
    let width = match sizes.first() {
        None => String::new(),
        Some(width) if same => format!("_sz_{width}"),
        Some(_) => format!("_sz_{}", sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")),
    };
    format!(
        "hl_{}{width}_bs_{}_ac_{}_op_{}_lr_{}",
        sizes.len(),
        config.batch_size,
        config.activation.name(),
        config.optimizer.name(),
        config.rate()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Some(folder.path().join("store"))).unwrap();
        (folder, store)
    }

    fn add(store: &Store, name: &str, started_ms: u64, status: Status, val_accuracy: f64) -> Run {
        let record = serde_json::json!({
            "v": 1, "id": "", "name": name, "status": status, "started_ms": started_ms, "command": [], "version": "", "isa": "",
            "dataset": "garments", "data_sha256": "", "tags": [], "wandb": {}, "epochs": 1, "val_accuracy": val_accuracy
        });
        store.create(serde_json::from_value(record).unwrap(), &Config::default()).unwrap()
    }

    #[test]
    fn runs_are_found_by_id_by_part_of_a_name_and_by_rank() {
        let (_folder, store) = store();
        assert!(store.find("@last").is_err());
        let first = add(&store, "hl_3_op_adam", 1, Status::Finished, 0.9);
        let second = add(&store, "hl_3_op_sgd", 2, Status::Finished, 0.9);
        let third = add(&store, "hl_2_op_sgd", 3, Status::Stopped, 0.95);
        let found = |name| store.find(name).unwrap().record.id;
        assert_eq!([found("@last"), found("@best")], [third.record.id, first.record.id.clone()]);
        assert_eq!([found(&second.record.id), found("adam")], [second.record.id.clone(), first.record.id.clone()]);
        let error = store.find("hl_3").unwrap_err().to_string();
        assert!(error.contains(&first.record.id) && error.contains(&second.record.id), "{error}");
    }

    #[test]
    fn a_run_whose_process_is_gone_was_killed() {
        let (_folder, store) = store();
        let run = add(&store, "a", 1, Status::Running, 0.0);
        assert_eq!(store.find("a").unwrap().record.status, Status::Killed);
        let _lock = run.lock().unwrap().unwrap();
        assert_eq!(store.find("a").unwrap().record.status, Status::Running);
    }

    #[test]
    fn names_say_what_sets_a_run_apart() {
        let mut config =
            Config { hidden_size: vec![64; 3], learning_rate: Some(0.001), batch_size: 32, ..Config::default() };
        config.merge(serde_json::json!({"optimizer": "nadam", "activation": "relu"}).as_object().unwrap()).unwrap();
        assert_eq!(name_of(&config), "hl_3_sz_64_bs_32_ac_relu_op_nadam_lr_0.001");
        config.hidden_size = vec![256, 128];
        assert_eq!(name_of(&config), "hl_2_sz_256-128_bs_32_ac_relu_op_nadam_lr_0.001");
    }
}
