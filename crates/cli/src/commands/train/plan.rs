//! Plan of a `train` command: a new run, or one that goes on.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ArgMatches;
use handloom_data::{Reading, catalog, checksum};
use handloom_engine::config::{Config, KEYS};
use handloom_engine::dataset::Dataset;
use handloom_engine::session::Session;
use handloom_engine::{Isa, Numerics, train};
use handloom_export::wandb::Environment;
use handloom_store::Epoch;
use handloom_view::format::rate;
use handloom_view::words::{count, line};
use serde_json::{Map, Value};

use super::summary;
use crate::command;
use crate::commands::tag;
use crate::commands::{runs, text};
use crate::destination;
use crate::exit::Failure;
use crate::output::Output;
use crate::provenance::{self, Origin, absolute};
use crate::runs::{Record, Run, Runs, Status, name_of};
use crate::settings::{OPTIONS, Settings, fraction, threads, typed};
use crate::source::search::{Found, Places, Sought};
use crate::source::{self, Source};
use crate::training::{begin, fits, locked, record};
use crate::wandb::{Flags, WandbOptions};

/// Inputs of a training, complete before the first step.
pub(super) struct Plan {
    pub(super) runs: Runs,
    pub(super) run: Run,
    pub(super) config: Config,
    pub(super) source: Source,
    pub(super) data: Dataset,
    /// Images for training and for validation.
    pub(super) images: (usize, usize),
    /// True if the test set is opened at the end.
    pub(super) has_test: bool,
    pub(super) session: Session,
    pub(super) threads: usize,
    pub(super) min_accuracy: Option<f64>,
    pub(super) wandb: WandbOptions,
    /// True if this command has just made the run's folder.
    pub(super) is_new: bool,
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
    settings.path("out").map_or(Ok(()), |out| destination::check(&out, "--out"))?;
    let threads = threads(settings.text("threads").as_deref())?;
    let min_accuracy = settings.text("min_accuracy").map(|text| fraction("min_accuracy", &text)).transpose()?;
    let flag = |name| settings.text(name);
    let flags = Flags { mode: flag("wandb"), project: flag("wandb_project"), entity: flag("wandb_entity") };
    let wandb = WandbOptions::of(flags, &Map::new(), output)?;
    // Name, tags, group and notes in W&B's environment variables also apply to our run, unless W&B is switched off.
    let labels = if wandb.is_logged() { wandb.environment.clone() } else { Environment::default() };
    let mut config = settings.config.clone();
    for name in config.unused(settings.given.iter().copied()) {
        output.note(format!("note: {} does not use `{name}`", config.optimizer.name()));
    }
    let given = |what| settings.text(what).map(|text| tag::label(what, &text)).transpose();
    let (name, group) = (given("name")?, given("group")?);
    let tags: Vec<String> = settings.tags().iter().map(|text| tag::label("tag", text)).collect::<Result<_>>()?;
    let notes_given = settings.text("notes").map(|text| tag::notes(&text)).transpose()?;
    let runs = Runs::open(settings.path("store"))?;
    runs.check()?;
    let explicit = settings.given.contains(&"dataset");
    let data_dirs = catalog::data_dirs(settings.path("data_dir"));
    let source = if explicit {
        source::fetch_or_locate(&config.dataset, &data_dirs, output)?.into()
    } else {
        source::obtain_or_garments(&config.dataset, &data_dirs, output)?
    };
    let source = source.read_as(Reading::of(&config));
    if source.fallback.is_some() {
        config.dataset = source.located.name().into();
    }
    let (data, notes) = source.located.train_with_notes()?;
    let data_notes = source::tell(&notes, output);
    let images = images(&config, &data)?;
    validated(&config, &data, output);
    let has_test = !settings.no_test && source::check_test(&source.located, output)?;
    if let Some(path) = &config.init_from {
        let path = absolute(Path::new(path));
        // Weights that a run kept are those that it recorded.
        runs.owner(&path)?.map_or(Ok(()), |owner| runs.kept_model(&owner).map(drop))?;
        runs.tell_unchecked(output);
        config.init_from = Some(path.to_string_lossy().into_owned());
    }
    let session = Session::new(&config, &begin(&config, &data)?);
    let record = Record {
        name: name.or(labels.name).unwrap_or_else(|| name_of(&config)),
        tags: Some(tags).filter(|tags| !tags.is_empty()).unwrap_or(labels.tags),
        group: group.or(labels.group),
        notes: notes_given.or(labels.notes),
        no_test: settings.no_test,
        out: settings.path("out").as_deref().map(absolute),
        data_notes,
        ..record(&config, &source, &checksum::of_dataset(&data), &Origin::here())
    };
    let run = runs.create(record)?;
    let lock = locked(&run)?;
    Ok(Plan {
        runs,
        run,
        config,
        source,
        data,
        images,
        has_test,
        session,
        threads,
        min_accuracy,
        wandb,
        is_new: true,
        lock,
    })
}

fn resumed(name: &str, matches: &ArgMatches, output: &Output) -> Result<Option<Plan>> {
    const MAY_ACCOMPANY: [&str; 9] =
        ["epochs", "threads", "data_dir", "data_rules", "store", "out", "wandb", "wandb_project", "wandb_entity"];
    let names = KEYS.iter().chain(OPTIONS).map(|key| key.name).chain([
        "config",
        "set",
        "no-shuffle",
        "spec-defaults",
        "parameter",
    ]);
    if let Some(name) = names.filter(|name| !MAY_ACCOMPANY.contains(name)).find(|name| typed(matches, name)) {
        return Err(Failure::usage(format!(
            "`--{}` cannot accompany `--resume`: configuration and data come from the run\nhint: only output and W&B flags, `--threads`, `--data-dir`, `--store`, `--out` and, for more epochs, `-e` may",
            name.replace('_', "-")
        )));
    }
    let out = text(matches, "out").map(|out| absolute(Path::new(out)));
    out.as_deref().map_or(Ok(()), |out| destination::check(out, "--out"))?;
    let threads = threads(text(matches, "threads"))?;
    let runs = runs(matches)?;
    let mut before = runs.find(name)?;
    let mut config = before.config()?;
    let more = more_epochs(&before, &mut config, matches)?;
    if before.record.status == Status::Finished && !more {
        summary::already_finished(&before, output);
        return Ok(None);
    }
    runs.check()?;
    let epochs = runs.store.epochs(&before.record.id)?;
    can_go_on(&before, &config, &epochs)?;
    let mut sought = Sought::of_run(&before.record);
    if let Some(rules) = text(matches, "data_rules") {
        before.record.config.insert("data_rules".into(), rules.into());
        sought = Sought::of_run(&before.record);
    }
    let places = Places::new(&runs, catalog::data_dirs(text(matches, "data_dir").map(PathBuf::from)));
    let Found { located, train, note } = sought.find(&places, true, Some(output))?;
    if let Some(note) = note {
        output.note(format!("note: {note}"));
    }
    // Later commands find the data where they are now, and read them in the same way.
    before.record.data_path = located.path().map(absolute);
    before.record.config.insert("data_rules".into(), located.reading().rules.number().into());
    config = Config { epochs: config.epochs, ..before.config()? };
    let data = train.map_or_else(|| located.train(), Ok)?;
    let images = images(&config, &data)?;
    let has_test = !before.record.no_test && source::check_test(&located, output)?;
    let source = Source { located, fallback: before.record.fallback.clone() };
    // Nobody else may go on with a run that goes on; one that is continued by another is only read.
    let own_lock = if more { None } else { Some(locked(&before)?) };
    let session = session(&before, &config, &data, &epochs, output)?;
    let mut wandb_before = before.record.wandb.clone();
    let (run, lock) = if let Some(lock) = own_lock {
        let mut run = before;
        run.record.out = out.or(run.record.out);
        run.record.host = provenance::host();
        run.record.process = std::process::id();
        (run, lock)
    } else {
        // Another run there, too.
        wandb_before.retain(|name, _| ["mode", "project", "entity"].contains(&name.as_str()));
        let run = runs.create(child(&before.record, &config, &source, session.epoch, out))?;
        let lock = locked(&run)?;
        (run, lock)
    };
    let wandb = WandbOptions::of(Flags::of(matches), &wandb_before, output)?;
    Ok(Some(Plan {
        runs,
        run,
        config,
        source,
        data,
        images,
        has_test,
        session,
        threads,
        min_accuracy: None,
        wandb,
        is_new: more,
        lock,
    }))
}

/// True if `-e` asks for more epochs than `run` was made for; then `config` has them.
fn more_epochs(run: &Run, config: &mut Config, matches: &ArgMatches) -> Result<bool> {
    if !typed(matches, "epochs") {
        return Ok(false);
    }
    let planned = config.epochs;
    let epochs = text(matches, "epochs").unwrap_or_default();
    config.merge(&Map::from_iter([("epochs".to_owned(), epochs.into())]))?;
    if config.epochs > planned {
        return Ok(true);
    }
    let id = &run.record.id;
    let hint = match run.record.status {
        Status::Finished => format!("`-e {}` or more continues it", planned.saturating_add(1)),
        _ => format!("`handloom train --resume {id}` goes on up to epoch {planned}"),
    };
    Err(Failure::usage(format!(
        "run `{id}` is one of {planned} epochs, and `-e {}` asks for no more than that\nhint: {hint}",
        config.epochs
    )))
}

/// Fails if `run` cannot go on from its last finished epoch. Nothing has been touched then.
fn can_go_on(run: &Run, config: &Config, epochs: &[Epoch]) -> Result<()> {
    let record = &run.record;
    let id = &record.id;
    let anew = || format!("`{}` trains it from the start, as a new run", line(&command::train(config)));
    if let Some(sweep) = &record.sweep {
        let hint = if record.status == Status::Finished {
            anew()
        } else {
            format!("`handloom sweep resume {sweep}` goes on with the whole sweep")
        };
        return Err(Failure::usage(format!(
            "run `{id}` is a trial of sweep `{sweep}`, which keeps no checkpoint\nhint: {hint}"
        )));
    }
    match record.status {
        Status::Running => {
            return Err(Failure::usage(format!(
                "another process is training run `{id}`, on `{}`\nhint: wait for it, or stop it first",
                record.host
            )));
        }
        Status::Diverged => {
            return Err(Failure::usage(format!(
                "run `{id}` diverged in epoch {}: going on from its checkpoint diverges again\nhint: train anew with a smaller learning rate, such as `-lr {}`",
                record.epochs + 1,
                rate(config.smaller_rate())
            )));
        }
        _ => {}
    }
    let (path, finished) = (run.checkpoint(), record.epochs.max(epochs.len() as u64));
    if finished == 0 || path.exists() {
        return Ok(());
    }
    // A store that is a database knows runs whose files are on another machine, or in another folder.
    Err(Failure::data(format!(
        "run `{id}` has {finished} finished epochs, but its checkpoint `{}` is not here; the run was trained on `{}`\nhint: resume it there, in the folder of that time, or put the file back; {}",
        path.display(),
        record.host,
        anew()
    )))
}

/// Session that `run` goes on from: its checkpoint, or a new one if it has finished no epoch. The store has `epochs`.
fn session(run: &Run, config: &Config, data: &Dataset, epochs: &[Epoch], output: &Output) -> Result<Session> {
    let path = run.checkpoint();
    if !path.exists() {
        return Ok(Session::new(config, &begin(config, data)?));
    }
    let session = Session::load(&path, config)?;
    let other = |why: String| {
        Failure::data(format!(
            "`{}` is not the checkpoint of run `{}`: {why}\nhint: put the run's own file back, or train anew: `{}`",
            path.display(),
            run.record.id,
            line(&command::train(config))
        ))
    };
    let sizes = train::sizes(config, data);
    if session.sizes() != sizes {
        return Err(other(format!("it has layers of {:?}, and the run of {sizes:?}", session.sizes())));
    }
    let differ = |a: f64, b: f64| (a - b).abs() > 1e-12 * a.abs().max(b.abs());
    for row in &session.rows {
        let kept = epochs.iter().map(|epoch| &epoch.row).find(|kept| kept.epoch == row.epoch);
        if let Some(kept) = kept.filter(|kept| differ(kept.train_loss, row.train_loss)) {
            let (there, here) = (row.train_loss, kept.train_loss);
            return Err(other(format!(
                "the training loss of epoch {} is {there} there and {here} in the store",
                row.epoch
            )));
        }
    }
    let behind = run.record.epochs.max(epochs.len() as u64).saturating_sub(session.epoch);
    if behind > 0 {
        output.note(format!(
            "note: the checkpoint is of epoch {}: {} after it {} trained again, with the same result",
            session.epoch,
            count(behind, "recorded epoch", "recorded epochs"),
            if behind == 1 { "is" } else { "are" }
        ));
    }
    tell_arithmetic(run, &session, output);
    Ok(session)
}

/// Says if what goes on may not come to the same bits.
fn tell_arithmetic(run: &Run, session: &Session, output: &Output) {
    let (here, id) = (Numerics::of(Isa::best()), &run.record.id);
    let known = session.arithmetic().cloned().unwrap_or_default();
    let isa = known.isa.clone().unwrap_or_else(|| run.record.isa.clone());
    if isa != Isa::best().name() {
        output.warn(format!(
            "the run began with {isa} and goes on with {}: its bits will differ from those of an uninterrupted run",
            Isa::best().name()
        ));
    } else if !session.is_checked {
        output.note(format!(
            "note: the checkpoint of run `{id}` is of an older format, without checksum and version of the arithmetic: whether it is whole, and goes on to the same bits, is not checked"
        ));
    } else if !known.same_bits(&here) {
        let version = |of: &Numerics| of.numerics.map_or_else(|| "unknown".into(), |number| number.to_string());
        output.warn(format!(
            "the run began with arithmetic {} ({}) and goes on with {} ({}): its bits will differ from those of an uninterrupted run",
            version(&known),
            known.arch.as_deref().unwrap_or("unknown"),
            version(&here),
            std::env::consts::ARCH
        ));
    }
}

/// The record of a run that continues `parent`, of which `epochs` are done, to the epochs of `config`.
fn child(parent: &Record, config: &Config, source: &Source, epochs: u64, out: Option<PathBuf>) -> Record {
    let planned = parent.config.get("epochs").and_then(Value::as_u64).unwrap_or(0);
    let name = parent.name.strip_suffix(&format!("_e_{planned}")).unwrap_or(&parent.name);
    Record {
        name: format!("{name}_e_{}", config.epochs),
        parent: Some(parent.id.clone()),
        dataset: parent.dataset.clone(),
        data_notes: parent.data_notes.clone(),
        tags: parent.tags.clone(),
        group: parent.group.clone(),
        notes: parent.notes.clone(),
        no_test: parent.no_test,
        epochs,
        initial_norms: parent.initial_norms.clone(),
        // Of the epochs so far, the best is the parent's.
        best_epoch: parent.best_epoch.filter(|&best| best <= epochs),
        val_accuracy: parent.val_accuracy.filter(|_| parent.best_epoch.is_some_and(|best| best <= epochs)),
        out,
        ..record(config, source, &parent.data_sha256, &Origin::here())
    }
}

/// Says so if the share that is kept for validation comes to no image.
fn validated(config: &Config, data: &Dataset, output: &Output) {
    if let Some(why) = data.empty_validation(config.val_fraction) {
        output.warn(format!("{why}: nothing is validated, and the last epoch's weights are kept"));
    }
}

/// Number of images for training and for validation, if there are any to train on, and room for what is trained.
fn images(config: &Config, data: &Dataset) -> Result<(usize, usize)> {
    let (train, val) = data.split(config.val_fraction);
    let images = (train.len(), val.len());
    fits(config, data, images)?;
    Ok(images)
}
