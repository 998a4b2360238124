//! The models that runs keep: saved with their checksums, and checked against them whenever a run's model is opened.
//!
//! The record has the SHA-256 of the weights and of the whole model file, so that neither another run's weights nor another
//! activation or order of classes can stand in its place. While a run is trained the record has neither: a process that is
//! killed between writing the model and recording it leaves a model without checksums, which is read, and not one that
//! looks damaged.

use std::path::{Path, PathBuf};

use anyhow::Result;
use handloom_engine::model::{self, Model, write_atomically};
use handloom_view::words::line;

use crate::command;
use crate::exit::Failure;
use crate::output::Output;
use crate::provenance;
use crate::runs::{MODEL, Record, Run, Runs, Status, is_file};

/// Saves `model` as that of `run`, whose record then has the checksums of its weights and of the file.
pub(crate) fn keep(run: &mut Run, model: &Model) -> Result<()> {
    let bytes = model.to_bytes();
    write_atomically(&run.model(), &bytes)?;
    run.record.weights_sha256 = Some(model.network.weights_sha256());
    run.record.model_sha256 = Some(model::sha256(&bytes));
    Ok(())
}

impl Runs {
    /// The model that `name` means: a file if it has a `/` or ends in `.safetensors`, else that of a run.
    pub(crate) fn model(&self, name: &str) -> Result<(Model, PathBuf, Option<Run>)> {
        if is_file(name) {
            let path = PathBuf::from(name);
            return Ok((self.file_model(&path)?, path, None));
        }
        let run = self.find(name)?;
        let model = self.kept_model(&run)?;
        Ok((model, run.model(), Some(run)))
    }

    /// The model in the file `path`, which is checked if it is the one that a run of this store kept.
    pub(crate) fn file_model(&self, path: &Path) -> Result<Model> {
        match self.owner(path)? {
            Some(run) => self.kept_model(&run),
            None => Ok(Model::load(path)?),
        }
    }

    /// The run of this store that kept its model in `path`.
    pub(crate) fn owner(&self, path: &Path) -> Result<Option<Run>> {
        let Ok(path) = path.canonicalize() else { return Ok(None) };
        let (Some(folder), Ok(runs)) = (path.parent(), self.folder.join("runs").canonicalize()) else {
            return Ok(None);
        };
        if path.file_name() != Some(MODEL.as_ref()) || folder.parent() != Some(&runs) {
            return Ok(None);
        }
        let id = folder.file_name().unwrap_or_default().to_string_lossy();
        Ok(self.store.run(&id)?.map(|record| self.of(record)))
    }

    /// True if the model of a run is available here and is the one that it recorded.
    pub(crate) fn keeps_model(&self, run: &Run) -> bool {
        self.kept_if_any(run).is_ok_and(|model| model.is_some())
    }

    /// Error for a run that has no model, with a hint.
    fn without_model(run: &Run) -> anyhow::Error {
        let Record { id, status, sweep, host, .. } = &run.record;
        let elsewhere = !host.is_empty() && *host != provenance::host();
        let again = || match run.config() {
            Ok(config) => format!("`{}` trains it again, to the same bits", line(&command::train(&config))),
            Err(_) => format!("`handloom show {id}` shows its settings"),
        };
        let goes_on = || match sweep {
            Some(sweep) => format!("`handloom sweep resume {sweep}` goes on with its sweep"),
            None => format!("`handloom train --resume {id}` goes on with it"),
        };
        let (what, hint) = match status {
            Status::Running => ("has no model yet", "it is still being trained".to_owned()),
            Status::Stopped | Status::Killed => ("has no model yet", goes_on()),
            Status::Failed | Status::Diverged => {
                ("kept no model", format!("`handloom show {id}` shows how far it came"))
            }
            Status::Finished | Status::Pruned if elsewhere => {
                ("has no model here", format!("it was trained on {host}, which may have it; {}", again()))
            }
            Status::Finished | Status::Pruned => ("has lost its model", again()),
        };
        let path = run.model();
        Failure::data(format!("run `{id}` ({status}) {what}: there is no file `{}`\nhint: {hint}", path.display()))
    }

    /// The model that a run kept.
    pub(crate) fn kept_model(&self, run: &Run) -> Result<Model> {
        self.kept_if_any(run)?.ok_or_else(|| Self::without_model(run))
    }

    /// The model that a run kept; none if it kept none. Where the store is a database, a missing or wrong copy in the
    /// folder here is replaced by what the database has.
    pub(crate) fn kept_if_any(&self, run: &Run) -> Result<Option<Model>> {
        let path = run.model();
        let here = if path.exists() { Some(self.checked(run, &model::read(&path)?)) } else { None };
        let kept = || if self.store.folder().is_none() { self.store.file(&run.record.id, MODEL) } else { Ok(None) };
        match here {
            Some(Ok(model)) => Ok(Some(model)),
            here => match kept()? {
                Some(bytes) => {
                    let model = self.checked(run, &bytes)?;
                    // Kept for the next time, where the folder here can be written.
                    let _ = write_atomically(&path, &bytes);
                    Ok(Some(model))
                }
                None => here.transpose(),
            },
        }
    }

    /// The model in `bytes`, which are those of the model file of `run`, if they have its recorded checksums.
    fn checked(&self, run: &Run, bytes: &[u8]) -> Result<Model> {
        let (record, path) = (&run.record, run.model());
        let other = |what: &str, found: &str, recorded: &str| {
            Failure::data(format!(
                "`{}` is not the model that run `{}` saved: the SHA-256 of {what} is {found}, recorded {recorded}\n\
                 hint: put the run's own file back, or train it again: `handloom show {}` has its command",
                path.display(),
                record.id,
                record.id
            ))
        };
        if let Some(recorded) = &record.model_sha256 {
            let found = model::sha256(bytes);
            if found != *recorded {
                return Err(other("the file", &found, recorded));
            }
        }
        let model = Model::parse(bytes).map_err(|why| model::format(&path, why))?;
        if let Some(recorded) = &record.weights_sha256 {
            let found = model.network.weights_sha256();
            if found != *recorded {
                return Err(other("its weights", &found, recorded));
            }
        }
        if record.model_sha256.is_none() {
            let mut unchecked = self.unchecked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let known = (record.id.clone(), record.weights_sha256.is_some());
            if !unchecked.contains(&known) {
                unchecked.push(known);
            }
        }
        Ok(model)
    }

    /// Says which models were opened whose files have no recorded checksum, in at most two lines.
    pub(crate) fn tell_unchecked(&self, output: &Output) {
        let unchecked = std::mem::take(&mut *self.unchecked.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        for (weights, what) in [
            (
                true,
                "has a recorded checksum of its weights but not of its model file: its activation and classes are not checked",
            ),
            (false, "has no recorded checksum of its model, which is not checked"),
        ] {
            let of: Vec<&str> =
                unchecked.iter().filter(|(_, known)| *known == weights).map(|(id, _)| id.as_str()).collect();
            match of[..] {
                [] => {}
                [id] => output.note(format!("note: run `{id}` {what}")),
                [id, ..] => output.note(format!("note: each of {} runs, such as `{id}`, {what}", of.len())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use handloom_engine::activation::Activation;
    use handloom_engine::init::Init;
    use handloom_engine::network::Network;

    use super::*;
    use crate::exit::{Exit, code};
    use crate::runs::Record;

    fn model(activation: &str, seed: u64) -> Model {
        let network =
            Network::new(&[4, 3, 2], Activation::named(activation).unwrap(), &Init::named("he").unwrap(), seed);
        let classes = ["a", "b"].map(String::from).to_vec();
        Model { network, classes, input_shape: vec![2, 2], config: serde_json::Map::new() }
    }

    #[test]
    fn a_file_that_the_run_did_not_save_is_refused_with_both_checksums() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::open(Some(folder.path().join("store"))).unwrap();
        let mut run = runs.create(Record::default()).unwrap();
        assert!(runs.kept_if_any(&run).unwrap().is_none());
        keep(&mut run, &model("relu", 1)).unwrap();
        runs.store.put(&run.record).unwrap();
        assert!(runs.kept_model(&run).is_ok() && runs.owner(&run.model()).unwrap().is_some());
        let recorded = run.record.model_sha256.clone().unwrap();
        let swapped = Model { classes: vec!["b".into(), "a".into()], ..model("relu", 1) };
        for other in [model("relu", 2), model("tanh", 1), swapped] {
            other.save(&run.model()).unwrap();
            for opened in [runs.kept_model(&run), runs.file_model(&run.model())] {
                let error = opened.unwrap_err();
                let told = error.to_string();
                assert_eq!(code(&error), Exit::Data);
                let found = model::sha256(&other.to_bytes());
                assert!(told.contains(&recorded) && told.contains(&found) && told.contains("hint:"), "{told}");
            }
        }
        // Of older programs, the weights alone are known; of runs that did not end, nothing.
        run.record.model_sha256 = None;
        model("tanh", 1).save(&run.model()).unwrap();
        assert!(runs.kept_model(&run).is_ok());
        model("relu", 2).save(&run.model()).unwrap();
        assert!(runs.kept_model(&run).unwrap_err().to_string().contains("of its weights"));
        run.record.weights_sha256 = None;
        assert!(runs.kept_model(&run).is_ok());
        assert_eq!(runs.unchecked.lock().unwrap().len(), 2);
    }
}
