//! A sweep that begins: its file is read, it is put into the store, and worked on unless agents are to do that.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use handloom_engine::config::find;
use handloom_store::Sweep;
use handloom_sweep::Entry;
use handloom_sweep::spec::{self, Spec, largest_validation_share, setting};
use serde_json::{Map, Value, json};

use super::data::{DataSetNames, validates_unread};
use super::embedded::EmbeddedSweep;
use super::handle::{SweepHandle, called, data_sets};
use super::{dry, work};
use crate::commands::{data_dirs, reading_flags, runs, text};
use crate::exit::{Exit, Failure};
use crate::output::{BOLD, Output};
use crate::provenance::Origin;
use crate::runs::{Runs, new_id, now_ms};
use crate::settings::{Settings, read_text};
use crate::table::one_line;
use crate::wandb::Flags;

/// A sweep file with what was typed beside it.
pub(super) struct SweepRequest {
    pub(super) spec: Spec,
    /// The file.
    text: String,
    /// Settings of every trial.
    pub(super) settings: Map<String, Value>,
    pub(super) seed: u64,
    /// True if identical trainings are trained again, not reused.
    no_reuse: bool,
    /// Trials in all.
    pub(super) cap: Option<u64>,
    name: String,
    /// W&B options as typed, for agents that go on with the sweep.
    wandb: Map<String, Value>,
    /// Checksum of the data that every agent is to have, if it is one set and was read.
    pub(super) data_sha256: Option<String>,
}

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let asked = SweepRequest::of(matches, output)?;
    if matches.get_flag("dry-run") {
        asked.validates(matches)?;
        return Ok(dry::run(&asked, matches, output));
    }
    let plan = work::Plan::of(matches, None)?;
    let runs = runs(matches)?;
    runs.check()?;
    work::begin(&plan, asked, &runs, matches, output)
}

pub(super) fn create(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let asked = SweepRequest::of(matches, output)?;
    asked.validates(matches)?;
    let runs = runs(matches)?;
    runs.check()?;
    let opened = asked.make(&runs)?;
    let id = &opened.sweep.id;
    output.result(id);
    output.event(&json!({"sweep": id}));
    output.note(format!(
        "sweep {BOLD}{id}{BOLD:#} {} is made; any number of agents may join it, here or elsewhere",
        one_line(called(&opened.sweep))
    ));
    output.next(&[&format!("handloom sweep agent {id}"), &format!("handloom sweep show {id}")]);
    Ok(Exit::Done)
}

impl SweepRequest {
    /// Reads the file and the flags; tells what is worth knowing of them.
    fn of(matches: &ArgMatches, output: &Output) -> Result<Self> {
        let Some(path) = text(matches, "file") else {
            return Err(Failure::usage(
                "a sweep needs its file\nhint: `handloom sweep FILE.yaml`; `handloom sweep --help` lists what else there is",
            ));
        };
        let file = read(path)?;
        let spec = Spec::read(&file).with_context(|| format!("in `{path}`"))?;
        let report = spec::check(&file);
        for warning in &report.warnings {
            output.warn(one_line(&format!("{path}: {warning}")));
        }
        for note in &report.notes {
            output.note(one_line(&format!("note: {path}: {note}")));
        }
        let settings = fixed(matches)?;
        for parameter in &spec.space.parameters {
            if let Some((name, value)) = setting(&parameter.name).and_then(|key| settings.get_key_value(key.name)) {
                output.note(format!(
                    "note: `{name}` is {value} for every trial: the command line overrides `{}` in the file",
                    parameter.name
                ));
            }
        }
        let trials = whole(matches, "trials")?;
        let cap = match (spec.run_cap, trials) {
            (Some(cap), Some(trials)) => Some(cap.min(trials)),
            (cap, trials) => cap.or(trials),
        };
        let stem = Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = text(matches, "name").map(str::to_owned).or_else(|| spec.name.clone()).unwrap_or(stem);
        Ok(Self {
            spec,
            text: file,
            settings,
            seed: whole(matches, "seed")?.unwrap_or(1),
            no_reuse: matches.get_flag("no-reuse"),
            cap,
            name,
            wandb: Flags::of(matches).record(),
            data_sha256: None,
        })
    }

    /// A sweep that another command needs.
    pub(super) fn embedded(wanted: EmbeddedSweep) -> Result<Self> {
        let spec = Spec::read(&wanted.text).with_context(|| format!("in the sweep file of `{}`", wanted.name))?;
        Ok(Self {
            cap: spec.run_cap,
            spec,
            text: wanted.text,
            settings: wanted.settings,
            seed: wanted.seed,
            // A study finds its runs by their groups and names, which a run of another sweep does not have.
            no_reuse: true,
            name: wanted.name,
            wandb: Map::new(),
            data_sha256: wanted.data_sha256,
        })
    }

    /// The largest share of the training data that a trial may keep for validation.
    pub(super) fn validation_share(&self) -> f64 {
        largest_validation_share(&self.spec.space.without(&self.settings), &self.settings)
    }

    /// Fails if the metric needs validation images and it is known, before data are downloaded, that no trial has any.
    fn validates(&self, matches: &ArgMatches) -> Result<()> {
        validates_unread(self.spec.metric, self.validation_share(), &self.data_sets().names, &data_dirs(matches))
    }

    /// The data sets that trials may have.
    pub(super) fn data_sets(&self) -> DataSetNames {
        data_sets(&self.spec.space.without(&self.settings), &self.settings)
    }

    /// Puts the sweep into the store.
    pub(super) fn make(self, runs: &Runs) -> Result<SweepHandle> {
        let Origin { command, host, git_commit } = Origin::here();
        let text = |name: &str| self.settings.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let sweep = Sweep {
            id: new_id(),
            name: Some(self.name),
            created_ms: now_ms(),
            command,
            version: env!("CARGO_PKG_VERSION").into(),
            host,
            git_commit,
            yaml: self.text,
            seed: self.seed,
            no_reuse: self.no_reuse,
            dataset: text("dataset"),
            data_sha256: self.data_sha256.unwrap_or_default(),
            settings: self.settings,
            wandb: self.wandb,
        };
        let cap: Vec<Entry> = self.cap.map(|trials| Entry::Capped { trials }).into_iter().collect();
        runs.store.add_sweep(&sweep, &cap)?;
        SweepHandle::new(sweep, runs)
    }
}

/// The text of the sweep file `path`.
pub(super) fn read(path: &str) -> Result<String> {
    let hint = "`handloom sweep` takes a sweep file, or one of create check agent ls show best stop resume rm";
    read_text(Path::new(path), hint)
}

/// Settings that `-d` and `--set` fix for every trial, by name.
fn fixed(matches: &ArgMatches) -> Result<Map<String, Value>> {
    let mut settings = Map::new();
    for pair in matches.get_many::<String>("set").into_iter().flatten() {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            Failure::usage(format!(
                "`--set {pair}` has no `=`\nhint: write `--set KEY=VALUE`, such as `--set epochs=5`"
            ))
        })?;
        let (key, value) = (key.trim(), Value::String(value.trim().into()));
        let name = find(key).map_or(key, |known| known.name);
        settings.insert(name.into(), value);
    }
    settings.extend(text(matches, "dataset").map(|name| ("dataset".to_owned(), Value::String(name.into()))));
    settings.extend(reading_flags(matches));
    // Wrong names and values are told now, and not by every trial.
    let config = Settings::of_maps([&settings])?.config.to_map();
    Ok(settings.into_iter().map(|(name, value)| (name.clone(), config.get(&name).cloned().unwrap_or(value))).collect())
}

/// The whole number of at least 1 (0 for a seed) that a flag has.
pub(in crate::commands) fn whole(matches: &ArgMatches, name: &str) -> Result<Option<u64>> {
    let least = u64::from(name != "seed");
    let Some(text) = text(matches, name) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| *number >= least);
    number.map(Some).ok_or_else(|| {
        Failure::usage(format!("`--{name}` cannot be `{text}`\nhint: it takes a whole number of at least {least}"))
    })
}
