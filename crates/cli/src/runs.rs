//! Runs: what the store knows of them, and their folders `.handloom/runs/ID/`.
//!
//! The store has each run's record and epochs. Its folder has `config.json`, `model.safetensors` and the checkpoint;
//! a store that is a database keeps model and configuration too, and whoever asks gets a copy into the folder here.
//! A run holds a lock on its folder while its process lives: a run that says `running` without a lock was killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use handloom_engine::config::Config;
use handloom_engine::model::write_atomically;
use handloom_store::{self as store, Store};
pub(crate) use handloom_store::{Run as Record, Status};
use handloom_view::format::rate;

use crate::exit::Failure;
use crate::provenance;

/// The runs of a store, and their files on this machine.
pub(crate) struct Runs {
    /// Records and epochs.
    pub(crate) store: Arc<dyn Store>,
    /// Folder whose `runs/ID/` holds files on this machine.
    pub(crate) folder: PathBuf,
    /// The folder or URL that was named.
    named: PathBuf,
    /// Runs whose models were opened without a recorded checksum of the file, and whether that of the weights is known.
    pub(crate) unchecked: Mutex<Vec<(String, bool)>>,
}

/// A run and its folder.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// `.handloom/runs/ID`.
    pub(crate) folder: PathBuf,
    /// Its record in the store.
    pub(crate) record: Record,
}

impl Run {
    /// The kept weights.
    pub(crate) fn model(&self) -> PathBuf {
        self.folder.join(MODEL)
    }

    /// Checkpoint that a resumed run goes on from.
    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.folder.join("checkpoint.safetensors")
    }

    /// Its configuration.
    pub(crate) fn config(&self) -> Result<Config> {
        let mut config = Config::default();
        config
            .merge(&self.record.config)
            .with_context(|| format!("in the configuration of run `{}`", self.record.id))?;
        Ok(config)
    }

    /// Says that this process works on the run, until the file is closed. `None` if another one does.
    pub(crate) fn lock(&self) -> Result<Option<File>> {
        lock(&self.folder)
    }
}

/// Takes the lock in a run's folder. `None` if another process has it.
fn lock(folder: &Path) -> Result<Option<File>> {
    let path = folder.join("lock");
    fs::create_dir_all(folder).with_context(|| format!("making `{}`", folder.display()))?;
    let file = File::create(&path).with_context(|| format!("opening `{}`", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("locking `{}`", path.display())),
    }
}

/// True if a process holds the lock of the run in `folder`. None if there is no lock: with a database for a store, the
/// run may be that of another folder.
fn is_locked(folder: &Path) -> Option<bool> {
    let file = File::open(folder.join("lock")).ok()?;
    match file.try_lock_shared() {
        Ok(()) => Some(false),
        Err(fs::TryLockError::WouldBlock) => Some(true),
        // A file system without locks, or one that gives none to those who may only read.
        Err(fs::TryLockError::Error(_)) => None,
    }
}

/// Name of the file with the kept weights.
pub(crate) const MODEL: &str = "model.safetensors";
/// Name of the file with the configuration.
pub(crate) const CONFIG: &str = "config.json";

impl Runs {
    /// The runs in the folder `at`, in `.handloom` here, or in the database behind a URL. Nothing is made before
    /// the first run.
    pub(crate) fn open(at: Option<PathBuf>) -> Result<Self> {
        let at = at.unwrap_or_else(|| HERE.into());
        let store = store::open(&at)?;
        let folder = store.folder().unwrap_or(Path::new(HERE)).to_owned();
        Ok(Self { store, folder, named: at, unchecked: Mutex::default() })
    }

    /// Fails if the store is damaged, of a newer program, or cannot be written: better told of before the first epoch
    /// than after the last. One that is locked or out of reach for a while is no reason not to train.
    pub(crate) fn check(&self) -> Result<()> {
        match self.store.read_only() {
            Ok(Some(why)) => Err(store::Error::ReadOnly { at: self.at(), why }.into()),
            Err(error) if !error.is_temporary() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The same store, opened again.
    pub(crate) fn again(&self) -> Result<Arc<dyn Store>> {
        Ok(store::open(&self.named)?)
    }

    /// Address of the store, for messages.
    pub(crate) fn at(&self) -> String {
        self.store.at()
    }

    /// A new run in a folder of its own. `record.id` is set here; whoever trains has it recorded.
    pub(crate) fn create(&self, mut record: Record) -> Result<Run> {
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
        configured(Run { folder, record })
    }

    /// The run with the id that `record` has already, in its folder.
    pub(crate) fn create_known(&self, record: Record) -> Result<Run> {
        configured(self.of(record))
    }

    /// Every run, the latest started last.
    pub(crate) fn all(&self) -> Result<Vec<Run>> {
        let here = provenance::host();
        let run = |mut record: Record| {
            record.status = self.effective_status(&record, &here);
            self.of(record)
        };
        Ok(self.store.runs()?.into_iter().map(run).collect())
    }

    /// The run of a record, with its folder.
    pub(crate) fn of(&self, record: Record) -> Run {
        Run { folder: self.folder.join("runs").join(&record.id), record }
    }

    /// Effective status of a run, seen from this machine, which is called `here`: a run is killed if it has no live
    /// process by its lock (here) or by its heartbeat (elsewhere).
    pub(crate) fn effective_status(&self, record: &Record, here: &str) -> Status {
        record.effective_status(here, |id| is_locked(&self.folder.join("runs").join(id)))
    }

    /// The run that `name` means: an id, a unique part of a name, `@last` or `@best`.
    pub(crate) fn find(&self, name: &str) -> Result<Run> {
        self.find_in(&self.all()?, name)
    }

    /// The same among `all`, the latest started last.
    pub(crate) fn find_in(&self, all: &[Run], name: &str) -> Result<Run> {
        find(all, name, &self.at()).cloned()
    }

    /// The runs among `all` that `names` mean, each once, in the order of the names.
    pub(crate) fn find_each<'n>(&self, all: &[Run], names: impl IntoIterator<Item = &'n str>) -> Result<Vec<Run>> {
        let mut found: Vec<Run> = Vec::new();
        for name in names {
            let run = self.find_in(all, name)?;
            if found.iter().all(|known| known.record.id != run.record.id) {
                found.push(run);
            }
        }
        Ok(found)
    }
}

/// Writes the configuration into the run's folder.
fn configured(run: Run) -> Result<Run> {
    write_atomically(&run.folder.join(CONFIG), &serde_json::to_vec_pretty(&run.record.config)?)?;
    Ok(run)
}

/// The store where none is named.
const HERE: &str = ".handloom";

/// True if `name` is that of a model file rather than of a run.
pub(crate) fn is_file(name: &str) -> bool {
    name.contains('/') || name.ends_with(".safetensors")
}

/// The one of `runs`, the latest started last, that `name` means.
fn find<'a>(runs: &'a [Run], name: &str, at: &str) -> Result<&'a Run> {
    let missing = || {
        Failure::usage(format!(
            "no run `{name}` in `{at}`\nhint: `handloom train` makes one; `handloom ls` shows what is there"
        ))
    };
    let last = || runs.iter().rev().find(|run| run.record.sweep.is_none());
    match name {
        "@last" => return last().ok_or_else(missing),
        "@best" => {
            let records = runs.iter().map(|run| &run.record);
            let dataset = store::latest_dataset(records.clone()).ok_or_else(missing)?;
            let of_dataset: Vec<&Record> = records.filter(|record| record.dataset == dataset).collect();
            let best = store::best(&of_dataset, &[&[Status::Finished]]);
            return best.and_then(|best| runs.iter().find(|run| run.record.id == best.id)).ok_or_else(|| {
                Failure::usage(format!(
                    "no run on `{dataset}` has finished with a validation accuracy yet\nhint: `@last` is the latest run"
                ))
            });
        }
        _ => {}
    }
    if let Some(run) = runs.iter().find(|run| run.record.id == name) {
        return Ok(run);
    }
    let like = |run: &&Run| run.record.name.contains(name) || run.record.id.starts_with(name);
    match runs.iter().filter(like).collect::<Vec<_>>()[..] {
        [] => Err(missing()),
        [run] => Ok(run),
        ref several => {
            let candidates: Vec<String> =
                several.iter().map(|run| format!("  {}  {}", run.record.id, run.record.name)).collect();
            Err(Failure::usage(format!(
                "`{name}` may be any of {} runs\nhint: name one by its id\n{}",
                several.len(),
                candidates.join("\n")
            )))
        }
    }
}

/// Milliseconds of Unix time.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Eight characters of `[a-z0-9]`, different for every call of every process.
pub(crate) fn new_id() -> String {
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
        rate(config.rate())
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn runs() -> (tempfile::TempDir, Runs) {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::open(Some(folder.path().join("store"))).unwrap();
        (folder, runs)
    }

    fn add(runs: &Runs, name: &str, started_ms: u64, status: Status, val_accuracy: f64) -> Run {
        let record = json!({
            "name": name, "status": status, "started_ms": started_ms, "dataset": "garments", "val_accuracy": val_accuracy,
            "host": provenance::host(),
        });
        let run = runs.create(serde_json::from_value(record).unwrap()).unwrap();
        runs.store.put(&run.record).unwrap();
        run
    }

    #[test]
    fn runs_are_found_by_id_by_part_of_a_name_and_by_rank() {
        let (_folder, runs) = runs();
        assert!(runs.find("@last").is_err());
        let first = add(&runs, "hl_3_op_adam", 1, Status::Finished, 0.9);
        let second = add(&runs, "hl_3_op_sgd", 2, Status::Finished, 0.9);
        let third = add(&runs, "hl_2_op_sgd", 3, Status::Stopped, 0.95);
        let trial = Record { sweep: Some("s".into()), started_ms: 4, ..third.record.clone() };
        runs.store.put(&runs.create(trial).unwrap().record).unwrap();
        let found = |name| runs.find(name).unwrap().record.id;
        assert_eq!([found("@last"), found("@best")], [third.record.id, first.record.id.clone()]);
        assert_eq!([found(&second.record.id), found("adam")], [second.record.id.clone(), first.record.id.clone()]);
        let error = runs.find("hl_3").unwrap_err().to_string();
        assert!(error.contains(&first.record.id) && error.contains(&second.record.id), "{error}");
    }

    #[test]
    fn a_run_whose_process_is_gone_was_killed() {
        let (_folder, runs) = runs();
        let run = add(&runs, "a", 1, Status::Running, 0.0);
        // Its lock may be in another folder: what counts is that it was just heard of.
        assert_eq!(runs.find("a").unwrap().record.status, Status::Running);
        let lock = run.lock().unwrap().unwrap();
        assert_eq!(runs.find("a").unwrap().record.status, Status::Running);
        drop(lock);
        assert_eq!(runs.find("a").unwrap().record.status, Status::Killed);
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
