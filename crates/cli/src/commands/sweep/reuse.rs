//! Identical trainings are trained once: a trial takes the result of a finished run that trained the same.
//!
//! Two trainings are the same if `training_sha256` of their runs is. Only a finished run with all its epochs and its
//! model is taken. Where an earlier trial of the sweep trains the same at this moment, it is waited for; a trial waits
//! only for trials that were claimed before it, so no two wait for each other, and for none whose agent is gone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use handloom_engine::config::Config;
use handloom_engine::event::EpochMetrics;
use handloom_sweep::summary::run_of;
use handloom_sweep::worker::{Assignment, Reporter, Verdict};
use handloom_sweep::{Params, State, Status, Trial};

use crate::provenance;
use crate::runs::{self, Record, Runs};

/// Between two looks at a trial that is waited for.
const LOOK: Duration = Duration::from_millis(100);
/// Between two reads of all runs, at least.
const READ: Duration = Duration::from_secs(2);

/// Finds results that can be taken.
pub(super) struct Reuse<'a> {
    runs: &'a Runs,
    /// This machine.
    here: String,
    finished: Mutex<Finished>,
    /// The training of each trial, by its number; none if it cannot be trained.
    trainings: Mutex<HashMap<u64, Option<String>>>,
}

/// Finished runs of the store by their training.
#[derive(Default)]
struct Finished {
    by_training: HashMap<String, Vec<String>>,
    /// Time at which they were read, and the duration of reading.
    read: Option<(Instant, Duration)>,
}

/// A result to take.
pub(super) struct Recorded {
    pub(super) record: Record,
    /// Every epoch.
    pub(super) rows: Vec<EpochMetrics>,
}

/// The outcome of a search.
pub(super) enum Found {
    /// This result can be taken.
    Taken(Box<Recorded>),
    /// There is none: the trial is to be trained.
    Nothing,
    /// The trial is over, or its agent is to stop.
    Over(Verdict),
}

/// State of an earlier trial with the same training.
enum Twin {
    Running,
    Finished(String),
}

/// Availability of a run's result for reuse.
enum Usable {
    Yes(Box<Recorded>),
    /// It was trained, and the store does not have all of it yet.
    Soon,
    No,
}

impl<'a> Reuse<'a> {
    pub(super) fn new(runs: &'a Runs) -> Self {
        let (finished, trainings) = (Mutex::default(), Mutex::default());
        Self { runs, here: provenance::host(), finished, trainings }
    }

    /// A result for `trial`, which trains `config`; `training_of` gives the training of a trial that has this choice.
    pub(super) fn find(
        &self,
        trial: &Assignment,
        config: &Config,
        training: &str,
        training_of: &dyn Fn(&Params) -> Option<String>,
        reporter: &Reporter<'_>,
    ) -> Found {
        loop {
            match reporter.verdict() {
                Verdict::Go | Verdict::Prune => {}
                over => return Found::Over(over),
            }
            let same = |other: &Trial| self.training(other, training_of).as_deref() == Some(training);
            let Some(twins) = reporter.state(|state, gone| twins(state, gone, trial.number, same)) else {
                return Found::Over(Verdict::Stop);
            };
            let mut waits = false;
            for twin in twins {
                match twin {
                    Twin::Running => waits = true,
                    Twin::Finished(run) => match self.usable(&run, config, training) {
                        Usable::Yes(result) => return Found::Taken(result),
                        Usable::Soon => waits = true,
                        Usable::No => {}
                    },
                }
            }
            for run in self.finished(training) {
                if let Usable::Yes(result) = self.usable(&run, config, training) {
                    return Found::Taken(result);
                }
            }
            if !waits {
                return Found::Nothing;
            }
            thread::sleep(LOOK);
        }
    }

    /// The training of a trial.
    fn training(&self, trial: &Trial, training_of: &dyn Fn(&Params) -> Option<String>) -> Option<String> {
        let known = || self.trainings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(training) = known().get(&trial.number) {
            return training.clone();
        }
        let training = training_of(&trial.choice);
        known().insert(trial.number, training.clone());
        training
    }

    /// Finished runs of the store that trained this, the earliest first. The store is read again from time to time, as
    /// others write to it.
    fn finished(&self, training: &str) -> Vec<String> {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |(at, took): (Instant, Duration)| at.elapsed() > READ.max(20 * took);
        if finished.read.is_none_or(is_old) {
            let started = Instant::now();
            // A store that cannot be read now finds nothing: the trial is trained.
            let all = self.runs.store.runs().unwrap_or_default();
            finished.by_training.clear();
            for record in all.into_iter().filter(|record| record.status == runs::Status::Finished) {
                if let Some(training) = record.training_sha256 {
                    finished.by_training.entry(training).or_default().push(record.id);
                }
            }
            finished.read = Some((Instant::now(), started.elapsed()));
        }
        finished.by_training.get(training).cloned().unwrap_or_default()
    }

    fn usable(&self, run: &str, config: &Config, training: &str) -> Usable {
        self.checked(run, config, training).unwrap_or(Usable::No)
    }

    fn checked(&self, id: &str, config: &Config, training: &str) -> Result<Usable> {
        let Some(record) = self.runs.store.run(id)? else { return Ok(Usable::No) };
        match self.runs.effective_status(&record, &self.here) {
            runs::Status::Finished => {}
            runs::Status::Running => return Ok(Usable::Soon),
            _ => return Ok(Usable::No),
        }
        let run = self.runs.of(record);
        // A run that was continued to more epochs may have the training of the shorter one.
        let same = run.record.training_sha256.as_deref() == Some(training)
            && run.record.epochs == config.epochs
            && run.config()?.effective() == config.effective();
        if !same {
            return Ok(Usable::No);
        }
        let rows = self.runs.store.rows(&[id])?.remove(id).unwrap_or_default();
        let is_whole = rows.len() as u64 == config.epochs && (1..).zip(&rows).all(|(epoch, row)| row.epoch == epoch);
        if is_whole && self.runs.keeps_model(&run) {
            return Ok(Usable::Yes(Box::new(Recorded { record: run.record, rows })));
        }
        Ok(Usable::No)
    }
}

/// The trials that train the same as trial `number` and were claimed before it. `gone` are running trials whose agents
/// are gone.
fn twins(state: &State, gone: &[u64], number: u64, same: impl Fn(&Trial) -> bool) -> Vec<Twin> {
    let claimed = |number: u64| {
        let attempts = state.attempts.get(number as usize)?;
        attempts.last().map(|attempt| attempt.claimed)
    };
    let own = claimed(number);
    let others = state.trials.iter().filter(|other| other.number != number);
    let twin = |other: &Trial| match other.status {
        Status::Running if claimed(other.number) < own && !gone.contains(&other.number) => {
            same(other).then_some(Twin::Running)
        }
        Status::Finished => {
            let run = run_of(state, other.number).filter(|_| same(other))?;
            Some(Twin::Finished(run.to_owned()))
        }
        _ => None,
    };
    others.filter_map(twin).collect()
}
