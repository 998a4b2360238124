//! Host of the dashboard's pages: provides the status of runs, their models, and the data that they were trained on.
//! Models and data are cached, a few of each.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use handloom_data::{DataSource, TestPart, catalog};
use handloom_engine::dataset::Dataset;
use handloom_engine::model::Model;
use handloom_view::site::{self, ApiError};
use handloom_view::words::line;
use serde_json::{Map, Value};

use crate::exit::{self, Exit};
use crate::runs::{Record, Run, Runs, Status};
use crate::source::search::{Lost, Places, Sought};
use crate::test_set_log::{self, Openings};
use crate::{command, provenance, settings};

/// Models that are kept: those of two runs that are compared, and of some that were looked at before.
const MODELS: usize = 8;
/// Data sets that are kept; each takes some 55 MB.
const SETS: usize = 3;

/// Host of the dashboard's pages.
pub(crate) struct Host {
    runs: Runs,
    /// Places that data sets are searched in.
    places: Places,
    /// This machine.
    here: String,
    models: Kept<ModelKey, Arc<Model>>,
    sets: Kept<Sought, Arc<Set>>,
}

/// A model by its run and by what changes when the run goes on.
#[derive(Clone, PartialEq)]
struct ModelKey {
    run: String,
    weights_sha256: Option<String>,
    ended_ms: Option<u64>,
}

/// A data set, whose test part is read when it is first needed.
struct Set {
    located: DataSource,
    train: Arc<Dataset>,
    test: Mutex<Option<Arc<Dataset>>>,
}

impl Host {
    /// A host for the pages of a store.
    pub(crate) fn new(runs: Runs, data_dirs: Vec<PathBuf>) -> Self {
        let (models, sets) = (Kept::new(MODELS), Kept::new(SETS));
        let places = Places::new(&runs, data_dirs);
        Self { runs, places, here: provenance::host(), models, sets }
    }

    fn run(&self, record: &Record) -> Run {
        self.runs.of(record.clone())
    }

    /// The data set of a run, which is looked for on this disk alone: a page starts no download.
    fn set(&self, run: &Record) -> Result<Arc<Set>, ApiError> {
        self.found(Sought::of_run(run))
    }

    fn found(&self, sought: Sought) -> Result<Arc<Set>, ApiError> {
        self.sets.of(sought, |sought| {
            let found = sought.find(&self.places, true, None).map_err(|lost| {
                let status = match lost {
                    Lost::Differs { .. } => 409,
                    Lost::Unread(handloom_data::Error::Damaged { .. }) => 500,
                    _ => 404,
                };
                let trouble = ApiError::told(status, &lost.to_string());
                let hint = match lost {
                    Lost::Unread(handloom_data::Error::Unavailable { name, .. }) => {
                        format!("`handloom data get {name}` downloads it")
                    }
                    Lost::Differs { .. } | Lost::Nowhere { .. } => {
                        "start `handloom ui` with `--data-dir`, the folder with the same data".into()
                    }
                    Lost::Unread(_) => trouble.hint,
                };
                ApiError { hint, ..trouble }
            })?;
            let train = found.train.map_or_else(|| found.located.train(), Ok).map_err(|error| damaged(&error))?;
            Ok(Arc::new(Set { located: found.located, train: Arc::new(train), test: Mutex::default() }))
        })
    }
}

impl Set {
    fn test(&self) -> Result<Arc<Dataset>, ApiError> {
        let mut test = locked(&self.test);
        if let Some(known) = &*test {
            return Ok(Arc::clone(known));
        }
        let read = Arc::new(self.located.test().map_err(|error| damaged(&error))?);
        Ok(Arc::clone(test.insert(read)))
    }
}

impl site::Host for Host {
    fn effective_status(&self, run: &Record) -> Status {
        self.runs.effective_status(run, &self.here)
    }

    fn command(&self, run: &Record) -> String {
        match self.run(run).config() {
            Ok(config) => line(&command::train(&config)),
            // A setting of another version of the program: better what was typed than nothing.
            Err(_) => line(&run.command),
        }
    }

    fn defaults(&self, run: &Record) -> Map<String, Value> {
        settings::usual(&run.config)
    }

    fn model(&self, run: &Record) -> Result<Model, ApiError> {
        let (weights_sha256, ended_ms) = (run.weights_sha256.clone(), run.ended_ms);
        let key = ModelKey { run: run.id.clone(), weights_sha256, ended_ms };
        let model = self.models.of(key, |_| {
            let model = self.runs.kept_model(&self.run(run)).map_err(|error| trouble(&error))?;
            Ok(Arc::new(model))
        })?;
        Ok(Model::clone(&model))
    }

    fn train(&self, run: &Record) -> Result<Arc<Dataset>, ApiError> {
        Ok(Arc::clone(&self.set(run)?.train))
    }

    fn test(&self, run: &Record) -> Result<Arc<Dataset>, ApiError> {
        let set = self.set(run)?;
        set.test()
    }

    fn open_test(&self, run: &Record, accuracy: f64) -> Result<u64, ApiError> {
        let (set, run) = (self.set(run)?, self.run(run));
        let model = run.model().display().to_string();
        let opening = test_set_log::opening(&model, Some(&run), &set.located, &*set.test()?, "ui", accuracy);
        Ok(self.runs.store.open_test(&opening)?)
    }

    fn test_openings(&self, run: &Record) -> Result<(bool, u64), ApiError> {
        let openings = Openings::of(&self.run(run), self.runs.store.openings()?);
        Ok((run.test_accuracy.is_some() || !openings.own.is_empty(), openings.total))
    }

    fn data(&self, name: &str) -> Result<(Dataset, usize, Option<PathBuf>), ApiError> {
        let known = catalog::find(name).is_some() || name == catalog::GARMENTS;
        let set = if known {
            self.found(Sought::recorded(format!("`{name}`"), name, "", &Map::new()))?
        } else {
            // A folder is shown only if a run was trained on it: an address opens no other.
            let runs = self.runs.store.runs()?;
            let run = runs.iter().rev().find(|run| run.dataset == name).ok_or_else(|| {
                ApiError::new(
                    404,
                    format!("no run was trained on a data set `{name}`"),
                    "`handloom data ls` lists those that are known",
                )
            })?;
            self.set(run)?
        };
        let test = match set.located.check_test() {
            Ok(TestPart::Missing(_)) => 0,
            _ => set.test()?.len(),
        };
        Ok((Dataset::clone(&set.train), test, set.located.path().map(PathBuf::from)))
    }
}

/// The few things that were asked for last, by what they are asked by.
struct Kept<K, T> {
    most: usize,
    /// The last one is the one that was asked for last.
    all: Mutex<Vec<(K, T)>>,
}

impl<K: PartialEq, T: Clone> Kept<K, T> {
    fn new(most: usize) -> Self {
        Self { most, all: Mutex::default() }
    }

    /// Value for `key`, made if it is not cached. Two concurrent callers may both make it.
    fn of(&self, key: K, make: impl FnOnce(&K) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let find = |all: &mut Vec<(K, T)>, key: &K| {
            let at = all.iter().position(|(known, _)| known == key)?;
            let found = all.remove(at);
            let value = found.1.clone();
            all.push(found);
            Some(value)
        };
        if let Some(value) = find(&mut locked(&self.all), &key) {
            return Ok(value);
        }
        let made = make(&key)?;
        let mut all = locked(&self.all);
        if let Some(value) = find(&mut all, &key) {
            return Ok(value);
        }
        if all.len() >= self.most {
            all.remove(0);
        }
        all.push((key, made.clone()));
        Ok(made)
    }
}

/// Content of the mutex, even after a panic: none leaves it half changed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn damaged(error: &handloom_data::Error) -> ApiError {
    ApiError::told(500, &error.to_string())
}

fn trouble(error: &anyhow::Error) -> ApiError {
    let status = if exit::code(error) == Exit::Failed { 500 } else { 404 };
    ApiError::told(status, &exit::told(error))
}

#[cfg(test)]
mod tests {
    use handloom_data::checksum;
    use handloom_view::site::Host as _;

    use super::*;

    #[test]
    fn the_few_that_were_asked_for_last_are_kept() {
        let kept: Kept<&str, u32> = Kept::new(2);
        let mut made = Vec::new();
        for key in ["a", "b", "a", "c", "a", "b"] {
            kept.of(key, |key| {
                made.push(*key);
                Ok(0)
            })
            .unwrap();
        }
        assert_eq!(made, ["a", "b", "c", "b"]);
        assert!(kept.of("d", |_| Err(ApiError::new(500, "", ""))).is_err());
        assert_eq!(kept.of("a", |_| panic!("what failed took no place")).unwrap(), 0);
    }

    #[test]
    fn data_are_shown_only_if_they_are_the_runs_own() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::new(Runs::open(Some(folder.path().join("store"))).unwrap(), Vec::new());
        let run = |data_sha256: &str| Record {
            id: "a".into(),
            dataset: "garments".into(),
            data_sha256: data_sha256.into(),
            ..Record::default()
        };
        let train = host.train(&run("")).unwrap();
        assert!(host.train(&run(&checksum::of_dataset(&train))).is_ok());
        let wrong = host.test(&run("0f")).unwrap_err();
        assert!(wrong.status == 409 && wrong.error.contains("expected 0f") && !wrong.hint.is_empty(), "{wrong}");
        // A folder that no run was trained on stays closed.
        let closed = host.data(&folder.path().display().to_string()).unwrap_err();
        assert_eq!(closed.status, 404);
        let (shown, tested, path) = host.data("garments").unwrap();
        assert_eq!((shown.len(), tested, path), (train.len(), 2_000, None));
        assert_eq!(host.model(&run("")).unwrap_err().status, 404);
        assert_eq!(host.test_openings(&run("")).unwrap(), (false, 0));
        assert_eq!(host.open_test(&run(""), 0.5).unwrap(), 1);
        assert_eq!(host.test_openings(&run("")).unwrap(), (true, 1));
    }
}
