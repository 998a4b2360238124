//! What `train` is about to do: a new run, or one that goes on.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ArgMatches;
use handloom_data::{catalog, checksum};
use handloom_engine::Isa;
use handloom_engine::config::{Config, KEYS};
use handloom_engine::dataset::Dataset;
use handloom_engine::session::Session;
use handloom_export::wandb::Environment;
use serde_json::Map;

use super::summary;
use crate::commands::{runs, text};
use crate::exit::Failure;
use crate::output::Output;
use crate::provenance::{self, Origin, absolute};
use crate::runs::{Record, Run, Runs, Status, name_of};
use crate::settings::{OPTIONS, Settings, fraction, threads, typed};
use crate::source::{self, Source};
use crate::training::{begin, fits, locked, record};
use crate::wandb::{Asked, Flags};

/// Everything that is known before the first step.
pub(super) struct Plan {
    pub(super) runs: Runs,
    pub(super) run: Run,
    pub(super) config: Config,
    pub(super) source: Source,
    pub(super) data: Dataset,
    /// Images for training and for validation.
    pub(super) images: (usize, usize),
    pub(super) session: Session,
    pub(super) threads: usize,
    pub(super) min_accuracy: Option<f64>,
    pub(super) wandb: Asked,
    /// Held until the run ends.
    pub(super) lock: File,
}

/// The plan for these flags, or `None` if the run to go on with is finished.
pub(super) fn of(matches: &ArgMatches, output: &Output) -> Result<Option<Plan>> {
    match matches.get_one::<String>("resume") {
        Some(name) => resumed(name, matches, output),
        None => new(matches, output).map(Some),
    }
}

fn new(matches: &ArgMatches, output: &Output) -> Result<Plan> {
    let settings = Settings::from_flags(matches)?;
    let threads = threads(settings.text("threads").as_deref())?;
    let min_accuracy = settings.text("min_accuracy").map(|text| fraction("min_accuracy", &text)).transpose()?;
    let flag = |name| settings.text(name);
    let flags = Flags { mode: flag("wandb"), project: flag("wandb_project"), entity: flag("wandb_entity") };
    let wandb = Asked::of(flags, &Map::new(), output)?;
    // What W&B's variables call the run, it is called here too; where they are switched off, they say nothing.
    let labels = if wandb.is_logged() { wandb.environment.clone() } else { Environment::default() };
    let mut config = settings.config.clone();
    for name in config.unused(settings.given.iter().copied()) {
        output.note(format!("note: {} does not use `{name}`", config.optimizer.name()));
    }
    let runs = Runs::open(settings.path("store"))?;
    runs.check()?;
    let explicit = settings.given.contains(&"dataset");
    let data_dirs = catalog::data_dirs(settings.path("data_dir"));
    let source = if explicit {
        source::obtain(&config.dataset, &data_dirs, output)?.into()
    } else {
        source::obtain_or_garments(&config.dataset, &data_dirs, output)?
    };
    if source.fallback.is_some() {
        config.dataset = source.located.name().into();
    }
    let data = source.located.train()?;
    let images = images(&config, &data)?;
    if let Some(path) = &config.init_from {
        config.init_from = Some(absolute(Path::new(path)).to_string_lossy().into_owned());
    }
    let session = Session::new(&config, &begin(&config, &data)?);
    let record = Record {
        name: settings.text("name").or(labels.name).unwrap_or_else(|| name_of(&config)),
        tags: Some(settings.tags()).filter(|tags| !tags.is_empty()).unwrap_or(labels.tags),
        group: settings.text("group").or(labels.group),
        notes: settings.text("notes").or(labels.notes),
        no_test: settings.no_test,
        out: settings.path("out").as_deref().map(absolute),
        ..record(&config, &source, &checksum::of_dataset(&data), &Origin::here())
    };
    let run = runs.create(record)?;
    let lock = locked(&run)?;
    Ok(Plan { runs, run, config, source, data, images, session, threads, min_accuracy, wandb, lock })
}

fn resumed(name: &str, matches: &ArgMatches, output: &Output) -> Result<Option<Plan>> {
    const MAY_ACCOMPANY: [&str; 7] = ["threads", "data_dir", "store", "out", "wandb", "wandb_project", "wandb_entity"];
    let names = KEYS.iter().chain(OPTIONS).map(|key| key.name).chain([
        "config",
        "set",
        "no-shuffle",
        "spec-defaults",
        "parameter",
    ]);
    if let Some(name) = names.filter(|name| !MAY_ACCOMPANY.contains(name)).find(|name| typed(matches, name)) {
        return Err(Failure::usage(format!(
            "`--{}` cannot accompany `--resume`: configuration and data come from the run\nhint: only output and W&B flags, `--threads`, `--data-dir`, `--store` and `--out` may",
            name.replace('_', "-")
        )));
    }
    let threads = threads(text(matches, "threads"))?;
    let runs = runs(matches)?;
    let mut run = runs.find(name)?;
    if run.record.status == Status::Finished {
        summary::already_finished(&run, output);
        return Ok(None);
    }
    if let Some(sweep) = &run.record.sweep {
        return Err(Failure::usage(format!(
            "run `{}` is a trial of sweep `{sweep}`\nhint: `handloom sweep resume {sweep}` goes on with the whole sweep",
            run.record.id
        )));
    }
    let wandb = Asked::of(Flags::of(matches), &run.record.wandb, output)?;
    let lock = locked(&run)?;
    let config = run.config()?;
    let wanted = match &run.record.data_path {
        // A known set goes by name, so that `--data-dir` may say where it is now.
        Some(path) if catalog::find(&run.record.dataset).is_none() => path.to_string_lossy().into_owned(),
        _ => run.record.dataset.clone(),
    };
    let located = source::obtain(&wanted, &catalog::data_dirs(text(matches, "data_dir").map(PathBuf::from)), output)?;
    let data = located.train()?;
    let found = checksum::of_dataset(&data);
    if found != run.record.data_sha256 {
        return Err(Failure::data(format!(
            "`{located}` is not the data that run `{}` began with: SHA-256 {found}, expected {}\nhint: name the folder with the same data by `--data-dir`",
            run.record.id, run.record.data_sha256
        )));
    }
    let images = images(&config, &data)?;
    if run.record.isa != Isa::best().name() {
        output.warn(format!(
            "the run began with {} and goes on with {}: its bits will differ from those of an uninterrupted run",
            run.record.isa,
            Isa::best().name()
        ));
    }
    let session = if run.checkpoint().exists() {
        Session::load(&run.checkpoint(), &config)?
    } else {
        Session::new(&config, &begin(&config, &data)?)
    };
    if let Some(out) = text(matches, "out") {
        run.record.out = Some(absolute(Path::new(out)));
    }
    run.record.host = provenance::host();
    run.record.process = std::process::id();
    let source = Source { located, fallback: run.record.fallback.clone() };
    Ok(Some(Plan { runs, run, config, source, data, images, session, threads, min_accuracy: None, wandb, lock }))
}

/// Number of images for training and for validation, if there are any to train on, and room for what is trained.
fn images(config: &Config, data: &Dataset) -> Result<(usize, usize)> {
    let (train, val) = data.split(config.val_fraction);
    let images = (train.len(), val.len());
    fits(config, data, images)?;
    Ok(images)
}
