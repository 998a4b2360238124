//! A sweep that another command needs: made, gone on with, or found to be over.
//!
//! It is a sweep like any other, which `sweep ls`, the dashboard and agents elsewhere see. Whoever needs it again finds it by
//! its name, its file, its settings, its seed and its data.

use anyhow::Result;
use clap::ArgMatches;
use handloom_engine::dataset::Dataset;
use handloom_sweep::importance::{Importance, importance};
use handloom_sweep::summary::run_of;
use handloom_sweep::{Entry, Journal as _, State, Status};
use handloom_view::site::sweep::table::Table;
use handloom_view::study::sample::Trial;
use serde_json::{Map, Value};

use super::data::DataSets;
use super::handle::SweepHandle;
use super::start::SweepRequest;
use super::work::{self, Plan};
use crate::commands::data_dirs;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::runs::Runs;
use crate::source::search::Places;

/// A sweep that is needed.
pub(in crate::commands) struct EmbeddedSweep {
    /// Name of the sweep.
    pub(in crate::commands) name: String,
    /// Its file.
    pub(in crate::commands) text: String,
    /// Settings of every trial.
    pub(in crate::commands) settings: Map<String, Value>,
    /// Checksum of the training data, if all trials have the same.
    pub(in crate::commands) data_sha256: Option<String>,
    /// Seed of the search.
    pub(in crate::commands) seed: u64,
    /// After so many minutes of work, over all calls, no trial begins.
    pub(in crate::commands) minutes: Option<f64>,
}

/// Such a sweep, when it is over or was interrupted.
pub(in crate::commands) struct SweepResult {
    opened: SweepHandle,
    state: State,
    /// Exit code of working on it.
    pub(in crate::commands) exit: Exit,
}

/// Works on the sweep that is wanted until it is over, unless it is already.
pub(in crate::commands) fn carry_out(
    wanted: EmbeddedSweep,
    workers: u32,
    runs: &Runs,
    matches: &ArgMatches,
    output: &Output,
) -> Result<SweepResult> {
    let minutes = wanted.minutes;
    let known = runs.store.sweeps()?.into_iter().rev().find(|sweep| {
        sweep.name.as_deref() == Some(&wanted.name)
            && sweep.yaml == wanted.text
            && sweep.settings == wanted.settings
            && sweep.seed == wanted.seed
            && wanted.data_sha256.as_ref().is_none_or(|sha256| sweep.data_sha256 == *sha256)
    });
    let (opened, spent) = match known {
        Some(sweep) => {
            let opened = SweepHandle::new(sweep, runs)?;
            let state = opened.state(runs)?;
            let spent = spent(&state) / f64::from(workers.max(1));
            let is_late = minutes.is_some_and(|minutes| spent >= 60.0 * minutes);
            let status = opened.status(&state);
            if status == "finished" || is_late && state.count(Status::Pending) + state.count(Status::Running) == 0 {
                return Ok(SweepResult { opened, state, exit: Exit::Done });
            }
            if state.stopped {
                opened.journal.append(&[Entry::Resumed])?;
            }
            (opened, spent)
        }
        None => (SweepRequest::embedded(wanted)?.make(runs)?, 0.0),
    };
    let interrupt = Interrupt::listen()?;
    let minutes = minutes.map(|minutes| (minutes - spent / 60.0).max(0.001));
    let places = Places::new(runs, data_dirs(matches));
    let data = DataSets::load(&opened.data_sets(), Some((&opened.sweep, runs)), &places, output)?;
    data.check(&opened.sweep.data_sha256)?;
    let plan = Plan::new(workers, minutes);
    let exit = work::work(&plan, &opened, runs, &data, &interrupt, matches, output)?;
    let state = opened.state(runs)?;
    Ok(SweepResult { opened, state, exit })
}

/// Seconds that the trials of a sweep took, all of them together.
fn spent(state: &State) -> f64 {
    let attempts = state.attempts.iter().flatten();
    let took = attempts.filter_map(|attempt| Some((attempt.ended_ms? - attempt.claimed_ms).max(0) as f64 / 1e3));
    took.sum()
}

impl SweepResult {
    /// Its id.
    pub(in crate::commands) fn id(&self) -> &str {
        &self.opened.sweep.id
    }

    /// The runs of its trials, in the order of their numbers, each with its epochs.
    pub(in crate::commands) fn trials(&self, runs: &Runs) -> Result<Vec<Trial>> {
        let mut trials = Vec::new();
        for trial in &self.state.trials {
            let Some(id) = run_of(&self.state, trial.number) else { continue };
            let Some(run) = runs.store.run(id)? else { continue };
            trials.push(Trial { epochs: runs.store.epochs(id)?, run });
        }
        Ok(trials)
    }

    /// Its trials as rules of observations look at them; `data` is what they were trained on.
    pub(in crate::commands) fn table(&self, trials: &[Trial], data: &Dataset) -> Table {
        let runs = trials.iter().map(|trial| (trial.run.id.as_str(), &trial.run)).collect();
        let widths = Some((data.pixels(), data.classes.len()));
        Table::new(&self.opened.spec, &self.opened.space, &self.state, &runs, 0, widths)
    }

    /// Importance of its parameters.
    pub(in crate::commands) fn importance(&self) -> Importance {
        importance(&self.opened.space, &self.state.trials, self.opened.goal)
    }
}
