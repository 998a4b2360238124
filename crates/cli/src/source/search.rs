//! Search for the data of a recorded run: at the recorded path, at the path as typed, beside the store, or below
//! `--data-dir`.
//!
//! Every command that needs the data of a recorded run searches here, so that a project which was moved as a whole, or
//! whose data were moved, works everywhere alike. The recorded checksum of the training images decides which of the
//! places has the data.

use std::path::{Component, Path, PathBuf};

use handloom_data::catalog::{self, GARMENTS};
use handloom_data::{DataSource, Error, Reading, Rules, checksum};
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use serde_json::{Map, Value};

use crate::output::Output;
use crate::provenance::absolute;
use crate::runs::{Record, Runs};

/// The data of a run, or of all trials of a sweep, as they were recorded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sought {
    /// Owner of the data, for messages: ``run `a1b2c3d4` ``.
    pub(crate) of: String,
    /// The name of the data set.
    pub(crate) dataset: String,
    /// The data set as it was typed.
    pub(crate) typed: Option<String>,
    /// The folder from the root, on the machine of the run.
    pub(crate) path: Option<PathBuf>,
    /// SHA-256 of the training images; nothing is compared if it is empty.
    pub(crate) sha256: String,
    /// Image size and rules by which the files were read.
    pub(crate) reading: Reading,
    /// True if the record has `data_rules`; older programs did not record them and had only the first rules.
    pub(crate) are_rules_known: bool,
    /// True if recorded paths may be opened. False for a report that somebody else wrote: it must not open files of
    /// ours.
    pub(crate) trusts_paths: bool,
}

/// Places to search for data besides the recorded paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Places {
    /// `--data-dir` and `HANDLOOM_DATA_DIR`.
    pub(crate) data_dirs: Vec<PathBuf>,
    /// The folder that the store is in; none for a database.
    pub(crate) beside_store: Option<PathBuf>,
}

/// Data that were found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) located: DataSource,
    /// The training images, if they had to be read.
    pub(crate) train: Option<Dataset>,
    /// Remark about the search, for the user.
    pub(crate) note: Option<String>,
}

/// Failed search for the data of a run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// They are in none of the places.
    #[error(
        "`{dataset}`, the data of {of}, was not found: {}\nhint: `--data-dir DIR` names the folder that has the data, or the one it is in",
        places(looked)
    )]
    Nowhere { dataset: String, of: String, looked: Vec<PathBuf> },
    /// The data that were found have another checksum.
    #[error("`{found}` is not the data that {of} was trained on: SHA-256 {sha256}, expected {expected}\nhint: {hint}")]
    Differs { found: String, of: String, sha256: String, expected: String, hint: String },
    /// The data that were found cannot be read.
    #[error(transparent)]
    Unread(#[from] Error),
}

fn places(looked: &[PathBuf]) -> String {
    if looked.is_empty() {
        return "paths in a report are not opened".into();
    }
    let looked: Vec<_> = looked.iter().map(|path| format!("`{}`", path.display())).collect();
    format!("looked in {}", looked.join(", "))
}

impl Places {
    /// Below `data_dirs`, and beside the store of `runs`.
    pub(crate) fn new(runs: &Runs, data_dirs: Vec<PathBuf>) -> Self {
        let beside_store = runs.store.folder().and_then(|folder| Some(absolute(folder).parent()?.to_owned()));
        Self { data_dirs, beside_store }
    }
}

impl Sought {
    /// The data of a run of our own store.
    pub(crate) fn of_run(run: &Record) -> Self {
        let of = format!("run `{}`", run.id);
        Self { path: run.data_path.clone(), ..Self::recorded(of, &run.dataset, &run.data_sha256, &run.config) }
    }

    /// The data that a configuration names, with the checksum that it is to have.
    pub(crate) fn recorded(of: String, dataset: &str, sha256: &str, config: &Map<String, Value>) -> Self {
        // Only what concerns the reading is taken, so that nothing else in a foreign record can matter.
        let reads = ["image_size", "data_rules"];
        let reads = reads.into_iter().filter_map(|name| Some((name.to_owned(), config.get(name)?.clone()))).collect();
        let mut read = Config::default();
        let is_read = read.merge(&reads).is_ok();
        Self {
            of,
            dataset: dataset.into(),
            typed: config.get("dataset").and_then(Value::as_str).map(Into::into),
            path: None,
            sha256: sha256.into(),
            reading: Reading::of(&read),
            are_rules_known: is_read && config.contains_key("data_rules"),
            trusts_paths: true,
        }
    }

    /// The same, for a record that somebody else wrote: none of its paths is opened.
    pub(crate) fn of_stranger(self) -> Self {
        Self { trusts_paths: false, ..self }
    }

    /// The data set, or why it cannot be had. With an `output`, a known set that is not on this disk is downloaded.
    ///
    /// The training images are read where they are needed or where the checksum has to decide.
    pub(crate) fn find(&self, places: &Places, needs_train: bool, output: Option<&Output>) -> Result<Found, Lost> {
        let mut candidates = self.candidates(places)?;
        if candidates.located.is_empty() && candidates.failed.is_none() && catalog::find(&self.dataset).is_some() {
            let located = match output {
                Some(output) => super::fetch_or_locate(&self.dataset, &candidates.data_dirs, output)?,
                None => handloom_data::locate(&self.dataset, &candidates.data_dirs)?,
            };
            candidates.located.push(located);
        }
        let is_named = catalog::find(&self.dataset).is_some() || self.dataset == GARMENTS;
        let mut first: Option<Lost> = candidates.failed.map(Lost::Unread);
        for located in candidates.located {
            let located = located.read_as(self.reading);
            if !needs_train && (is_named || self.sha256.is_empty()) {
                return Ok(Found { located, train: None, note: None });
            }
            match self.checked(located) {
                Ok(found) => return Ok(found),
                Err(lost) => drop(first.get_or_insert(lost)),
            }
        }
        Err(first.unwrap_or_else(|| Lost::Nowhere {
            dataset: self.dataset.clone(),
            of: self.of.clone(),
            looked: candidates.looked,
        }))
    }

    /// The data set if its training images have the checksum.
    fn checked(&self, located: DataSource) -> Result<Found, Lost> {
        let train = located.train()?;
        let sha256 = checksum::of_dataset(&train);
        if self.sha256.is_empty() || self.sha256 == sha256 {
            return Ok(Found { located: self.called(located), train: Some(train), note: None });
        }
        // The same files may have been read by other rules.
        let rules = match self.reading.rules {
            Rules::First => Rules::Present,
            Rules::Present => Rules::First,
        };
        let other = located.clone().read_as(Reading { rules, ..self.reading });
        let other_train = other.train().ok().filter(|train| checksum::of_dataset(train) == self.sha256);
        let number = rules.number();
        let hint = match other_train {
            Some(train) if !self.are_rules_known || !self.trusts_paths => {
                let note = format!(
                    "`{located}` is read as {} read it, by `--data-rules {number}`{}",
                    self.of,
                    if rules == Rules::First {
                        ": transparency, subfolders, further formats and known files were not seen then"
                    } else {
                        ""
                    }
                );
                return Ok(Found { located: self.called(other), train: Some(train), note: Some(note) });
            }
            Some(_) => format!("the files are the same, read by other rules: `--data-rules {number}`"),
            None => "name the folder with the same data by `--data-dir`".into(),
        };
        let (of, expected) = (self.of.clone(), self.sha256.clone());
        Err(Lost::Differs { found: located.to_string(), of, sha256, expected, hint })
    }

    /// A folder keeps the name that the run has for it.
    fn called(&self, located: DataSource) -> DataSource {
        if located.is_known() || self.dataset.is_empty() { located } else { located.called(&self.dataset) }
    }

    fn candidates(&self, places: &Places) -> Result<Candidates, Lost> {
        let mut candidates = Candidates::default();
        if self.dataset == GARMENTS {
            candidates.located.push(handloom_data::locate(GARMENTS, &[])?);
            return Ok(candidates);
        }
        let recorded = self.path.as_deref().filter(|_| self.trusts_paths);
        candidates.data_dirs.clone_from(&places.data_dirs);
        if let Some(set) = catalog::find(&self.dataset) {
            // The files may be beside the recorded folder, in it, or in a folder that was typed.
            candidates.data_dirs.extend(recorded.and_then(Path::parent).map(Path::to_owned));
            candidates.data_dirs.extend(recorded.map(Path::to_owned));
            let typed = self.typed.as_deref().filter(|typed| self.trusts_paths && catalog::find(typed).is_none());
            candidates.data_dirs.extend(typed.map(PathBuf::from));
            candidates.data_dirs.extend(typed.and_then(|typed| Some(places.beside_store.as_ref()?.join(typed))));
            let folders = set.folders(&candidates.data_dirs);
            candidates.located.extend(folders.iter().find_map(|folder| DataSource::known(set, folder)));
            return Ok(candidates);
        }
        for folder in self.folders(places, recorded) {
            // A folder is looked at once, whatever it is called.
            let place = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            if candidates.looked.contains(&folder) || candidates.places.contains(&place) {
                continue;
            }
            candidates.looked.push(folder.clone());
            if folder.is_dir() {
                candidates.places.push(place);
                match handloom_data::in_folder(&folder.display().to_string(), &folder) {
                    Ok(located) => candidates.located.push(located),
                    // Many a folder that is looked into holds other things than data.
                    Err(error) if recorded == Some(&folder) => drop(candidates.failed.get_or_insert(error)),
                    Err(_) => {}
                }
            }
        }
        if !candidates.located.is_empty() {
            candidates.failed = None;
        }
        Ok(candidates)
    }

    /// Folders in which the data set may be, in the order of looking.
    fn folders(&self, places: &Places, recorded: Option<&Path>) -> Vec<PathBuf> {
        let typed = self.typed.as_deref().unwrap_or(&self.dataset);
        let typed = Path::new(if catalog::find(typed).is_some() { self.dataset.as_str() } else { typed });
        let mut all: Vec<PathBuf> = recorded.map(Path::to_owned).into_iter().collect();
        if self.trusts_paths {
            all.push(typed.into());
            all.extend(places.beside_store.as_ref().map(|folder| folder.join(typed)));
        }
        for dir in &places.data_dirs {
            let is_below = typed.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
            all.extend((is_below && self.trusts_paths).then(|| dir.join(typed)));
            let names = [Some(typed), self.path.as_deref(), Some(Path::new(&self.dataset))];
            all.extend(names.into_iter().flatten().filter_map(Path::file_name).map(|name| dir.join(name)));
            all.push(dir.clone());
        }
        all
    }
}

#[derive(Default)]
struct Candidates {
    located: Vec<DataSource>,
    /// Folders that a known data set is searched in, or downloaded to.
    data_dirs: Vec<PathBuf>,
    /// Folders that were searched; `places` has the canonical paths of those that exist.
    looked: Vec<PathBuf>,
    places: Vec<PathBuf>,
    /// Error of the recorded folder, if it cannot be used.
    failed: Option<Error>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_in_a_strangers_record_are_not_opened() {
        let config = json!({"dataset": "/etc/secret/data", "data_rules": 2, "image_size": "4x4"});
        let record = Record {
            data_path: Some("/etc/secret/data".into()),
            ..Record { dataset: "../../data".into(), config: config.as_object().unwrap().clone(), ..Record::default() }
        };
        let places = Places { data_dirs: vec!["mine".into()], beside_store: Some("project".into()) };
        let own = Sought::of_run(&record);
        assert_eq!((own.reading.image_size, own.are_rules_known), (Some([4, 4]), true));
        assert!(own.folders(&places, record.data_path.as_deref()).contains(&PathBuf::from("/etc/secret/data")));
        let foreign = own.of_stranger();
        for folder in foreign.folders(&places, None) {
            let parts: Vec<_> = folder.components().collect();
            assert!(folder.starts_with("mine") && parts.len() <= 2, "{}", folder.display());
        }
    }

    #[test]
    fn what_was_typed_is_looked_for_here_beside_the_store_and_below_each_data_directory() {
        let config = json!({"dataset": "sets/my"}).as_object().unwrap().clone();
        let sought = Sought::recorded("a run".into(), "sets/my", "", &config);
        let places = Places { data_dirs: vec!["d".into()], beside_store: Some("/project".into()) };
        let folders = sought.folders(&places, Some(Path::new("/old/sets/my")));
        let expected = ["/old/sets/my", "sets/my", "/project/sets/my", "d/sets/my", "d/my", "d/my", "d"];
        assert_eq!(folders, expected.map(PathBuf::from));
        let lost = sought.find(&Places::default(), true, None).unwrap_err().to_string();
        assert!(lost.contains("looked in `sets/my`") && lost.contains("hint: `--data-dir DIR`"), "{lost}");
    }
}
