//! A trial: a training like any other, recorded as a run of its sweep, on one thread and data that all trials share.
//!
//! It writes no checkpoint, never opens the test set and says nothing itself. Its model is on disk before its end is
//! journaled; what the store still has to be told is awaited elsewhere, so that the next trial begins at once.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use handloom_engine::Machine;
use handloom_engine::event::{Event, Observer, Outcome};
use handloom_engine::model;
use handloom_engine::session::Session;
use handloom_sweep::Choice;
use handloom_sweep::spec::{Metric, Spec};
use handloom_sweep::worker::{Assignment, Ending, Objective, Reporter, Verdict};
use serde_json::{Map, Value};

use super::data::{DataSets, Loaded};
use super::ending::Handover;
use super::told::Told;
use crate::command;
use crate::exit::{Exit, told};
use crate::output::Output;
use crate::provenance::{Origin, absolute};
use crate::runs::{Record, Run, Runs, Status, name_of, new_id, now_ms};
use crate::settings::Settings;
use crate::training::{Done, PRUNED, Recording, Training, begin, divergence, fits, locked, record};
use crate::wandb::{Asked, Journal};

/// Why training breaks off, besides [`PRUNED`].
const STOPPED: &str = "stopped";
const LOST: &str = "lost";

/// Runs the trials of a sweep.
pub(super) struct Trials<'a> {
    pub(super) runs: &'a Runs,
    /// Id of the sweep.
    pub(super) sweep: &'a str,
    pub(super) spec: &'a Spec,
    /// Settings that hold for every trial.
    pub(super) fixed: &'a Map<String, Value>,
    pub(super) data: &'a DataSets,
    pub(super) metric: Metric,
    pub(super) wandb: &'a Asked,
    pub(super) origin: Origin,
    pub(super) handover: Handover,
    /// Whether to stop as soon as possible.
    pub(super) stop: &'a (dyn Fn() -> bool + Sync),
    /// Takes figures and warnings.
    pub(super) sender: Sender<Told>,
}

impl Objective for Trials<'_> {
    fn run_id(&self) -> String {
        new_id()
    }

    fn run(&self, trial: &Assignment, reporter: &mut Reporter<'_>) -> Ending {
        match self.prepared(trial) {
            Ok((settings, loaded)) => {
                let record = self.record(trial, &settings, loaded);
                self.carried_out(&settings, loaded, &record, &trial.choice, reporter)
                    .unwrap_or_else(|error| self.failed(&error, Some(record)))
            }
            Err(error) => {
                // There is nothing to train, but the trial is a run all the same.
                let mut config = self.fixed.clone();
                config.extend(self.spec.settings(&trial.choice));
                let record = Record { config, name: format!("trial {}", trial.number), ..self.blank(trial) };
                self.failed(&error, Some(record))
            }
        }
    }
}

impl Trials<'_> {
    /// The settings of a trial, if they can be trained, and its data.
    fn prepared(&self, trial: &Assignment) -> Result<(Settings, &Loaded)> {
        let mut settings = Settings::of_maps([self.fixed, &self.spec.settings(&trial.choice)])?;
        let config = &mut settings.config;
        let loaded = self.data.of(&config.dataset).with_context(|| format!("no data set `{}`", config.dataset))?;
        if let Some(path) = &config.init_from {
            config.init_from = Some(absolute(path.as_ref()).to_string_lossy().into_owned());
        }
        config.dataset =
            if loaded.source.fallback.is_some() { loaded.source.located.name().into() } else { config.dataset.clone() };
        fits(config, &loaded.train, loaded.split(config.val_fraction))?;
        Ok((settings, loaded))
    }

    /// What the record of any trial says.
    fn blank(&self, trial: &Assignment) -> Record {
        Record {
            id: trial.run.clone(),
            sweep: Some(self.sweep.into()),
            started_ms: now_ms(),
            host: self.origin.host.clone(),
            process: std::process::id(),
            git_commit: self.origin.git_commit.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            no_test: true,
            ..Record::default()
        }
    }

    fn record(&self, trial: &Assignment, settings: &Settings, loaded: &Loaded) -> Record {
        let config = &settings.config;
        Record {
            id: trial.run.clone(),
            name: settings.text("name").unwrap_or_else(|| name_of(config)),
            sweep: Some(self.sweep.into()),
            command: command::train(config),
            tags: settings.tags(),
            group: settings.text("group"),
            notes: settings.text("notes"),
            no_test: true,
            ..record(config, &loaded.source, &loaded.sha256, &self.origin)
        }
    }

    /// Trains, and answers how it ended; fails if it could not be trained or kept.
    fn carried_out(
        &self,
        settings: &Settings,
        loaded: &Loaded,
        record: &Record,
        choice: &Choice,
        reporter: &mut Reporter<'_>,
    ) -> Result<Ending> {
        let (config, data) = (&settings.config, &loaded.train);
        let mut run = self.patiently(|| self.runs.create_known(record.clone()))?;
        let lock = locked(&run)?;
        let output = Output::mute();
        let machine = Machine::new(1);
        run.record.isa = machine.isa().name().into();
        let session = Session::new(config, &caught(|| begin(config, data))??);
        let asked = self.wandb.for_trial(self.sweep, choice);
        let mut journal = Journal::begin(&asked, &mut run, &session, data.classes.len(), false, &output);
        let recording = Recording::begin(self.runs, &run, &session)?;
        let epochs = config.epochs;
        let watch = |event: &Event<'_>| self.watch(event, epochs, reporter);
        let others: Vec<Box<dyn Observer + '_>> = vec![Box::new(watch)];
        let training = Training { config, data, session, machine: &machine };
        let done = caught(|| training.carry_out(&mut run, &recording, others, &mut journal));
        if let Ok(done) = &done {
            self.figures(&run, done);
        }
        let ending = match done.and_then(|done| self.kept(&run, &done).map(|()| done.trained.outcome)) {
            Ok(Outcome::Finished) => Ending::Finished,
            Ok(Outcome::Stopped(PRUNED)) => Ending::Pruned,
            Ok(Outcome::Stopped(LOST)) => Ending::Lost,
            Ok(Outcome::Stopped(_)) => Ending::Released,
            Ok(Outcome::Diverged { epoch, batch, why }) => Ending::Diverged(divergence(epoch, batch, why)),
            Err(error) => {
                run.record.status = Status::Failed;
                run.record.ended_ms = Some(now_ms());
                Ending::Failed(told(&error))
            }
        };
        if let Err(error) = journal.end(Ok(exit(&ending))) {
            self.warn(&error);
        }
        self.handover.end(run, recording, lock);
        Ok(ending)
    }

    fn watch(&self, event: &Event<'_>, epochs: u64, reporter: &mut Reporter<'_>) -> ControlFlow<&'static str> {
        let verdict = match event {
            Event::Epoch { row, .. } => reporter.report(row.epoch, self.metric.of(row)),
            _ => reporter.verdict(),
        };
        match (verdict, event) {
            (Verdict::Lost, _) => ControlFlow::Break(LOST),
            // Whoever has trained every epoch has finished.
            (_, Event::Epoch { row, .. }) if row.epoch >= epochs => ControlFlow::Continue(()),
            (Verdict::Go, _) => ControlFlow::Continue(()),
            (Verdict::Prune, _) => ControlFlow::Break(PRUNED),
            (Verdict::Stop, _) => ControlFlow::Break(STOPPED),
        }
    }

    /// Tells what the run came to.
    fn figures(&self, run: &Run, Done { trained, seconds, .. }: &Done) {
        let row = trained.rows.iter().find(|row| row.epoch == trained.epoch).or(trained.rows.last()).cloned();
        let (run, epochs, seconds) = (run.record.id.clone(), trained.rows.len() as u64, *seconds);
        let _ = self.sender.send(Told::Figures { run, row, epochs, seconds });
    }

    /// Saves the model.
    fn kept(&self, run: &Run, done: &Done) -> Result<()> {
        self.patiently(|| Ok(done.model.save(&run.model())?))
    }

    /// Records a trial that cannot be trained, and why.
    fn failed(&self, error: &anyhow::Error, record: Option<Record>) -> Ending {
        let why = told(error);
        if let Some(record) = record {
            let record = Record { status: Status::Failed, ended_ms: Some(now_ms()), ..record };
            if let Err(error) = self.runs.store.put(&record) {
                self.warn(&error.into());
            }
        }
        Ending::Failed(why)
    }

    /// Does `what` again and again while the disk is full, until the sweep is to stop: a trial that was trained is not lost for that.
    fn patiently<T>(&self, what: impl Fn() -> Result<T>) -> Result<T> {
        let mut told = false;
        loop {
            match what() {
                Err(error) if is_full(&error) && !(self.stop)() => {
                    if !told {
                        self.warn(&error.context("the disk is full: what is trained waits for room"));
                        told = true;
                    }
                    thread::sleep(Duration::from_millis(500));
                }
                result => return result,
            }
        }
    }

    fn warn(&self, error: &anyhow::Error) {
        // Nobody is left to be warned once the sweep is over.
        let _ = self.sender.send(Told::Warning(told(error)));
    }
}

/// What a process that trained this would end with.
fn exit(ending: &Ending) -> Exit {
    match ending {
        Ending::Finished | Ending::Pruned => Exit::Done,
        Ending::Diverged(_) => Exit::Diverged,
        Ending::Released | Ending::Lost => Exit::Interrupted,
        Ending::Failed(_) => Exit::Failed,
    }
}

/// Turns a panic into a failure.
fn caught<T>(what: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(what)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        anyhow::anyhow!("training panicked: {}", text.unwrap_or("no message"))
    })
}

/// Whether the disk, or its user's share of it, is full.
fn is_full(error: &anyhow::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    let io = error.chain().find_map(|cause| match cause.downcast_ref::<model::Error>() {
        Some(model::Error::Io { source, .. }) => Some(source),
        _ => cause.downcast_ref::<std::io::Error>(),
    });
    io.is_some_and(|io| matches!(io.kind(), StorageFull | QuotaExceeded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_with_its_message() {
        let failed = caught(|| -> u8 { panic!("rows {}", 7) }).unwrap_err();
        assert_eq!(failed.to_string(), "training panicked: rows 7");
        assert_eq!(caught(|| 3).unwrap(), 3);
    }

    #[test]
    fn a_full_disk_is_known_wherever_it_is_told() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let model = model::Error::Io { path: "m".into(), writing: true, source: full() };
        assert!(is_full(&anyhow::Error::from(model).context("saving")) && is_full(&full().into()));
        assert!(!is_full(&std::io::Error::from(std::io::ErrorKind::NotFound).into()));
    }
}
