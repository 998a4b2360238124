//! W&B options of a run: logging mode, project, entity, ids and names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ArgMatches;
use handloom_data::home;
use handloom_export::wandb::{Chart, Environment, Git, Identity, Mode};
use handloom_store::masked;
use serde_json::{Map, Value, json};

use crate::exit::Failure;
use crate::output::Output;
use crate::runs::Record;
use crate::settings::{read_file, sweep_parameters};

/// The project of a run that names none.
const PROJECT: &str = "handloom";

/// The key under which the configuration at W&B names the local sweep of a run.
pub(crate) const SWEEP: &str = "sweep";

/// Flags about W&B, as typed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    /// `--wandb`.
    pub(crate) mode: Option<String>,
    /// `--wandb-project`.
    pub(crate) project: Option<String>,
    /// `--wandb-entity`.
    pub(crate) entity: Option<String>,
}

impl Flags {
    /// As typed.
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        let flag = |name| matches.get_one::<String>(name).filter(|text| !text.is_empty()).cloned();
        Self { mode: flag("wandb"), project: flag("wandb_project"), entity: flag("wandb_entity") }
    }

    /// The same as a record keeps it.
    pub(crate) fn record(&self) -> Map<String, Value> {
        let texts = [("mode", &self.mode), ("project", &self.project), ("entity", &self.entity)];
        texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into()))).collect()
    }
}

/// W&B options of a run.
#[derive(Clone, Debug)]
pub(crate) struct WandbOptions {
    /// Logging mode: off, offline or online.
    pub(crate) mode: Mode,
    /// Its project.
    project: String,
    /// Owner of the project (W&B's entity); W&B's default if empty.
    entity: String,
    /// Its id there; ours if there is none.
    id: Option<String>,
    /// The W&B sweep that it is a trial of.
    sweep_id: Option<String>,
    /// Settings from W&B's environment variables.
    pub(crate) environment: Environment,
    /// The parameters of that sweep as it names them, which may be aliases.
    parameters: Map<String, Value>,
}

impl WandbOptions {
    /// From flags, then from the record of a run that goes on, `before`, then from the environment. In the mode
    /// alone a variable wins over the record: `WANDB_MODE=disabled` silences whatever is started under it.
    pub(crate) fn of(flags: Flags, before: &Map<String, Value>, output: &Output) -> Result<Self> {
        let mode = flags.mode.as_deref().map(mode).transpose()?;
        // A flag wins over `WANDB_MODE`: an invalid value of the variable is then not read.
        let variable = |name: &str| std::env::var(name).ok().filter(|_| mode.is_none() || name != "WANDB_MODE");
        let mut environment = Environment::read(variable)?;
        if let Some(dir) = environment.dir.as_deref().and_then(Path::to_str) {
            environment.dir = Some(home::expand(dir)?);
        }
        let recorded = |name: &str| before.get(name).and_then(Value::as_str).map(str::to_owned);
        let logged_before = recorded("mode").and_then(|mode| mode.parse().ok()).filter(|&mode| mode != Mode::Off);
        let named = flags.project.is_some() || flags.entity.is_some();
        let mode = environment.decide(mode.or(environment.mode).or(logged_before), named);
        let mut asked = Self {
            mode,
            project: flags
                .project
                .or_else(|| recorded("project"))
                .or_else(|| environment.project.clone())
                .unwrap_or_else(|| PROJECT.into()),
            entity: flags
                .entity
                .or_else(|| recorded("entity"))
                .or_else(|| environment.entity.clone())
                .unwrap_or_default(),
            id: recorded("id").or_else(|| environment.run_id.clone()),
            sweep_id: recorded("sweep_id").or_else(|| environment.sweep_id.clone()),
            environment,
            parameters: Map::new(),
        };
        if asked.is_logged() {
            if let Some(id) = &asked.id {
                Identity { id: id.clone(), ..Identity::default() }.check_id()?;
            }
            asked.read_parameters(output);
            output.listen();
        }
        Ok(asked)
    }

    /// The same for a trial of our own sweep: a run with an id of its own, which W&B lists by the names of the sweep's
    /// file. W&B does not know our sweep and refuses a run that names one it does not know (404), so only
    /// `WANDB_SWEEP_ID` is handed on; the sweep is the run's group, a tag and a key of its configuration.
    pub(crate) fn for_trial(&self, choice: &BTreeMap<String, Value>) -> Self {
        let parameters = choice.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { id: None, parameters, ..self.clone() }
    }

    /// The same without the id of a W&B sweep.
    pub(crate) fn without_sweep(self) -> Self {
        Self { sweep_id: None, ..self }
    }

    /// True if W&B files are written.
    pub(crate) fn is_logged(&self) -> bool {
        self.mode != Mode::Off
    }

    /// The folder that has, or will have, the folder `wandb`.
    pub(crate) fn parent(&self) -> PathBuf {
        self.environment.dir.clone().unwrap_or_default()
    }

    /// W&B part of the run's record: enough to go on with the same run.
    pub(crate) fn record(&self, id: &str, folder: Option<&Path>) -> Map<String, Value> {
        let mode = match self.mode {
            Mode::Off => return Map::from_iter([("mode".to_owned(), json!("off"))]),
            Mode::Offline => "offline",
            Mode::Online => "online",
        };
        let folder = folder.map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.into()));
        let texts = [
            ("mode", Some(mode.to_owned())),
            ("project", Some(self.project.clone())),
            ("entity", Some(self.entity.clone()).filter(|entity| !entity.is_empty())),
            ("id", Some(self.id.clone().unwrap_or_else(|| id.into()))),
            ("sweep_id", self.sweep_id.clone()),
            ("folder", folder.map(|folder| folder.display().to_string())),
        ];
        texts.into_iter().filter_map(|(name, text)| text.map(|text| (name.to_owned(), text.into()))).collect()
    }

    /// The run as W&B lists it. `remote` is where the code comes from.
    pub(crate) fn identity(&self, record: &Record, remote: Option<&str>, charts: Vec<Chart>) -> Identity {
        let mut config = record.config.clone();
        // A run that fell back on another data set says which it was.
        config.insert("dataset".into(), record.dataset.clone().into());
        config.extend(self.parameters.clone());
        let mut tags = record.tags.clone();
        if let Some(sweep) = &record.sweep {
            tags.push(format!("sweep-{sweep}"));
            config.insert(SWEEP.into(), sweep.clone().into());
        }
        // Earlier versions recorded our own sweep as one of W&B's.
        let sweep_id = self.sweep_id.clone().filter(|id| record.sweep.as_ref() != Some(id));
        let git = record.git_commit.clone();
        Identity {
            id: self.id.clone().unwrap_or_else(|| record.id.clone()),
            project: self.project.clone(),
            entity: self.entity.clone(),
            name: record.name.clone(),
            group: record.group.clone().or_else(|| record.sweep.clone()).unwrap_or_default(),
            job_type: self.environment.job_type.clone().unwrap_or_else(|| "train".into()),
            tags,
            notes: record.notes.clone().unwrap_or_default(),
            sweep_id: sweep_id.unwrap_or_default(),
            host: record.host.clone(),
            version: record.version.clone(),
            command: record.command.iter().map(|word| masked(word)).collect(),
            git: git.map(|commit| Git { remote: remote.map(anonymous).unwrap_or_default(), commit }),
            started_ms: record.started_ms,
            config,
            charts,
            first_step: 0,
        }
    }

    /// W&B draws a sweep by the names of its file, such as `hidden_layers` where ours is `num_layers`: `wandb agent` leaves them in a file.
    fn read_parameters(&mut self, output: &Output) {
        let Ok(Some(path)) = sweep_parameters() else { return };
        match read_file(&path) {
            Ok(parameters) => self.parameters = parameters,
            Err(error) => output.warn(format!("the sweep's own names of parameters will be missing in W&B: {error}")),
        }
    }
}

fn mode(text: &str) -> Result<Mode> {
    text.parse().map_err(|_| Failure::usage(format!("`wandb` cannot be `{text}`\nhint: choices: offline online off")))
}

/// An address without user and password, as `https://TOKEN@host/x.git` may have them.
fn anonymous(remote: &str) -> String {
    let Some((scheme, rest)) = remote.split_once("://") else { return remote.into() };
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    format!("{scheme}://{place}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_the_address_of_a_repository_stays_here() {
        assert_eq!(anonymous("https://me:tok@example.org/a/b.git"), "https://example.org/a/b.git");
        assert_eq!(anonymous("https://tok@example.org/b@c"), "https://example.org/b@c");
        assert_eq!(anonymous("git@example.org:a/b.git"), "git@example.org:a/b.git");
    }
}
