//! A trial: a training like any other, recorded as a run of its sweep, on one thread and data that all trials share.
//!
//! It writes no checkpoint, never opens the test set and says nothing itself. Its model is on disk before its end is
//! journaled; what the store still has to be told is awaited elsewhere, so that the next trial begins at once.

use std::ops::ControlFlow;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use handloom_engine::Machine;
use handloom_engine::config::Config;
use handloom_engine::event::{Event, Observer, Outcome};
use handloom_engine::model;
use handloom_engine::session::Session;
use handloom_sweep::spec::{Metric, Spec};
use handloom_sweep::worker::{Assignment, Ending, Objective, Reporter, Verdict};
use handloom_sweep::{Params, Trainings, Trial};
use serde_json::{Map, Value};

use super::data::{DataSets, Loaded, unvalidated};
use super::events::ProgressEvent;
use super::fault::{Fault, caught};
use super::pending_uploads::Handover;
use super::reuse::{Found, Reuse};
use crate::command;
use crate::exit::{Exit, told};
use crate::kept::keep;
use crate::output::Output;
use crate::provenance::{Origin, absolute};
use crate::runs::{Record, Run, Runs, Status, name_of, new_id, now_ms};
use crate::settings::Settings;
use crate::training::{Done, PRUNED, Recording, Training, begin, fits, locked, record, training_sha256};
use crate::wandb::{Uploads, WandbLogger, WandbOptions};

/// Reasons for ending a training early, besides [`PRUNED`].
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
    pub(super) wandb: &'a WandbOptions,
    /// Finds results to take; none if every trial is to be trained.
    pub(super) reuse: Option<Reuse<'a>>,
    /// The different trainings of the sweep, if they were counted.
    pub(super) trainings: Option<&'a Trainings>,
    pub(super) uploads: &'a Uploads,
    pub(super) origin: Origin,
    pub(super) handover: Handover,
    /// True once trials are to stop as soon as possible.
    pub(super) stop: &'a (dyn Fn() -> bool + Sync),
    /// Takes figures and warnings.
    pub(super) sender: Sender<ProgressEvent>,
}

impl Objective for Trials<'_> {
    fn run_id(&self) -> String {
        new_id()
    }

    fn is_tried_through(&self, trials: &[Trial]) -> bool {
        self.trainings.is_some_and(|trainings| trainings.all_tried(self.spec, trials))
    }

    fn run(&self, trial: &Assignment, reporter: &mut Reporter<'_>) -> Ending {
        match self.prepared(&trial.choice).map_err(Fault::Trial) {
            Ok((settings, loaded)) => {
                if let Some(ending) = self.reused(trial, &settings.config, loaded, reporter) {
                    return ending;
                }
                let record = self.record(trial, &settings, loaded);
                self.carried_out(&settings, loaded, &record, &trial.choice, reporter)
                    .unwrap_or_else(|fault| self.faulted(&fault, record))
            }
            Err(fault) => {
                // There is nothing to train, but the trial is a run all the same.
                let mut config = self.fixed.clone();
                config.extend(self.spec.settings(&trial.choice));
                let record = Record { config, name: format!("trial {}", trial.number), ..self.blank(trial) };
                self.faulted(&fault, record)
            }
        }
    }
}

impl Trials<'_> {
    /// The settings of a trial, if they can be trained, and its data.
    fn prepared(&self, choice: &Params) -> Result<(Settings, &Loaded)> {
        let mut settings = Settings::of_maps([self.fixed, &self.spec.settings(choice)])?;
        let config = &mut settings.config;
        let loaded = self.data.of(config).with_context(|| format!("no data set `{}`", config.dataset))?;
        if let Some(path) = &config.init_from {
            config.init_from = Some(absolute(path.as_ref()).to_string_lossy().into_owned());
        }
        config.dataset =
            if loaded.source.fallback.is_some() { loaded.source.located.name().into() } else { config.dataset.clone() };
        config.data_rules = loaded.source.located.reading().rules.number();
        let split = loaded.split(config.val_fraction);
        fits(config, &loaded.train, split)?;
        if self.metric.needs_validation() && split.1 == 0 {
            return Err(unvalidated(self.metric, config.val_fraction, Some(loaded.train.len())));
        }
        Ok((settings, loaded))
    }

    /// Takes the result of an identical training, if there is one. A reused trial has no run of its own, and nothing of
    /// it is logged to W&B.
    fn reused(
        &self,
        trial: &Assignment,
        config: &Config,
        loaded: &Loaded,
        reporter: &mut Reporter<'_>,
    ) -> Option<Ending> {
        let reuse = self.reuse.as_ref()?;
        let training = training_sha256(config, &loaded.sha256)?;
        let training_of = |choice: &Params| {
            let (settings, loaded) = self.prepared(choice).ok()?;
            training_sha256(&settings.config, &loaded.sha256)
        };
        match reuse.find(trial, config, &training, &training_of, reporter) {
            Found::Taken(found) => {
                let run = found.record.id.clone();
                let kept = found.rows.iter().find(|row| Some(row.epoch) == found.record.best_epoch);
                let row = kept.or(found.rows.last()).cloned();
                let epochs = found.rows.len() as u64;
                let _ = self.sender.send(ProgressEvent::Figures { run: run.clone(), row, epochs, seconds: 0.0 });
                let values: Vec<f64> = found.rows.iter().map(|row| self.metric.of(row)).collect();
                reporter.reuse(&run, &values);
                Some(Ending::Finished)
            }
            Found::Nothing => None,
            Found::Over(Verdict::Lost) => Some(Ending::Lost),
            Found::Over(_) => Some(Ending::Released),
        }
    }

    /// Fields that the record of any trial has.
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
            data_notes: loaded.notes.clone(),
            ..record(config, &loaded.source, &loaded.sha256, &self.origin)
        }
    }

    /// Trains, and answers how it ended; fails if it could not be begun.
    fn carried_out(
        &self,
        settings: &Settings,
        loaded: &Loaded,
        record: &Record,
        choice: &Params,
        reporter: &mut Reporter<'_>,
    ) -> Result<Ending, Fault> {
        let (config, data) = (&settings.config, &loaded.train);
        let mut run = self.patiently(|| self.runs.create_known(record.clone())).map_err(Fault::Machine)?;
        let lock = locked(&run).map_err(Fault::Machine)?;
        let output = Output::mute();
        let machine = Machine::new(1);
        run.record.isa = machine.isa().name().into();
        let session = Session::new(config, &caught(|| begin(config, data))?.map_err(Fault::of_start)?);
        let asked = self.wandb.for_trial(choice);
        let mut journal = WandbLogger::begin(&asked, &mut run, &session, data.classes.len(), false, &output);
        let recording = Recording::begin(self.runs, &run, &session).map_err(Fault::Machine)?;
        let epochs = config.epochs;
        let watch = |event: &Event<'_>| self.watch(event, epochs, reporter);
        let others: Vec<Box<dyn Observer + '_>> = vec![Box::new(watch)];
        let training = Training { config, data, session, machine: &machine };
        let done = caught(|| training.carry_out(&mut run, &recording, others, &mut journal));
        if let Ok(done) = &done {
            self.figures(&run, done);
        }
        let kept = |done: Done| self.kept(&mut run, &done).map(|()| done.trained.outcome).map_err(Fault::Machine);
        let ending = match done.and_then(kept) {
            Ok(Outcome::Finished) => Ending::Finished,
            Ok(Outcome::Stopped(PRUNED)) => Ending::Pruned,
            Ok(Outcome::Stopped(LOST)) => Ending::Lost,
            Ok(Outcome::Stopped(_)) => Ending::Released,
            Ok(outcome @ Outcome::Diverged { .. }) => Ending::Diverged(outcome.divergence().unwrap_or_default()),
            Err(fault) => {
                run.record.status = status(&fault);
                run.record.ended_ms = Some(now_ms());
                fault.ending()
            }
        };
        self.uploads.add(journal.end_trial(exit(&ending)));
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
            // A trial that has trained every epoch has finished.
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
        let _ = self.sender.send(ProgressEvent::Figures { run, row, epochs, seconds });
    }

    /// Saves the model.
    fn kept(&self, run: &mut Run, done: &Done) -> Result<()> {
        self.patiently(|| keep(run, &done.model))
    }

    /// The end of a trial that was not begun. One that cannot be trained on any machine is recorded.
    fn faulted(&self, fault: &Fault, record: Record) -> Ending {
        if let Fault::Trial(_) = fault {
            let record = Record { status: status(fault), ended_ms: Some(now_ms()), ..record };
            if let Err(error) = self.runs.store.put(&record) {
                self.warn(&error.into());
            }
        }
        fault.ending()
    }

    /// Does `what` again and again while the disk is full, until the sweep is to stop: a trial that was trained is not lost for that.
    fn patiently<T>(&self, mut what: impl FnMut() -> Result<T>) -> Result<T> {
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
        let _ = self.sender.send(ProgressEvent::Warning(told(error)));
    }
}

/// Exit code of a process that trained a trial with this ending.
fn exit(ending: &Ending) -> Exit {
    match ending {
        Ending::Finished | Ending::Pruned => Exit::Done,
        Ending::Diverged(_) => Exit::Diverged,
        Ending::Released | Ending::Lost => Exit::Interrupted,
        Ending::Failed(_) | Ending::Faulted(_) => Exit::Failed,
    }
}

/// Status of the run of a trial after this fault.
fn status(fault: &Fault) -> Status {
    match fault {
        Fault::Trial(_) => Status::Failed,
        Fault::Machine(_) => Status::Stopped,
    }
}

/// True if the disk, or the user's quota on it, is full.
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
    fn a_full_disk_is_known_wherever_it_is_told() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let model = model::Error::Io { path: "m".into(), writing: true, source: full() };
        assert!(is_full(&anyhow::Error::from(model).context("saving")) && is_full(&full().into()));
        assert!(!is_full(&std::io::Error::from(std::io::ErrorKind::NotFound).into()));
    }
}
