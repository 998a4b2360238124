//! Trials that hold the result of a run, and the agents of a sweep: asked before either is removed.
//!
//! The journals of sweeps are told of a removed run before it goes, so that a removal that was interrupted can be
//! repeated and no trial points at a run that is gone.

use std::collections::BTreeSet;

use anyhow::Result;
use clap::ArgMatches;
use handloom_store::{Sweep, liveness};
use handloom_sweep::state::{Agent, Liveness, SILENCE_MS, State};
use handloom_sweep::{Entry, Goal};
use handloom_view::words::{count, listed};

use super::handle::{SweepHandle, called};
use crate::commands::{rm, runs};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::provenance;
use crate::runs::Runs;
use crate::table::one_line;

/// Trials of one sweep whose result a run holds.
pub(in crate::commands) struct Uses {
    /// Id of the sweep.
    pub(in crate::commands) sweep: String,
    name: String,
    /// Id of the run.
    pub(in crate::commands) run: String,
    /// The trials that took its result instead of training.
    pub(in crate::commands) reused: Vec<u64>,
}

impl Uses {
    /// `trials 3 and 5 of sweep k3v9x0aa (lr) reuse run abcd1234`.
    pub(in crate::commands) fn words(&self) -> String {
        let numbers: Vec<String> = self.reused.iter().map(ToString::to_string).collect();
        let (trials, verb) = if numbers.len() == 1 { ("trial", "reuses") } else { ("trials", "reuse") };
        let name = if self.name.is_empty() { String::new() } else { format!(" ({})", one_line(&self.name)) };
        format!("{trials} {} of sweep {}{name} {verb} run {}", listed(&numbers), self.sweep, self.run)
    }
}

/// `sweep rm`.
pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let runs = runs(matches)?;
    runs.check()?;
    let mut removal = rm::Removal::default();
    for name in matches.get_many::<String>("sweep").into_iter().flatten() {
        removal.add_sweep(SweepHandle::find(&runs, Some(name))?.sweep, &runs)?;
    }
    removal.carry_out(&runs, matches.get_flag("yes"), output)
}

/// The sweeps whose journals name one of these runs.
pub(in crate::commands) fn uses(runs: &Runs, ids: &BTreeSet<&str>) -> Result<Vec<Uses>> {
    let mut found = Vec::new();
    for sweep in runs.store.sweeps()? {
        let (state, _) = folded(&sweep, runs)?;
        let attempts = state.attempts.iter().flatten().filter(|attempt| !attempt.removed);
        let named: BTreeSet<&str> =
            attempts.map(|attempt| attempt.run.as_str()).filter(|run| ids.contains(run)).collect();
        for run in named {
            let has = |number: u64| {
                let last = state.attempts.get(number as usize).and_then(|attempts| attempts.last());
                last.is_some_and(|attempt| attempt.run == run)
            };
            let reused = state.trials.iter().filter(|trial| trial.reused && has(trial.number));
            found.push(Uses {
                sweep: sweep.id.clone(),
                name: called(&sweep).to_owned(),
                run: run.to_owned(),
                reused: reused.map(|trial| trial.number).collect(),
            });
        }
    }
    Ok(found)
}

/// Writes into the journals of sweeps that the runs they use are removed.
pub(in crate::commands) fn tell<'u>(uses: impl IntoIterator<Item = &'u Uses>, runs: &Runs) -> Result<()> {
    for Uses { sweep, run, .. } in uses {
        runs.store.append(sweep, &[Entry::Removed { run: run.clone() }])?;
    }
    Ok(())
}

/// Fails while agents work on a sweep; else lets no further one begin.
pub(in crate::commands) fn close(sweep: &Sweep, runs: &Runs) -> Result<()> {
    let (state, now_ms) = folded(sweep, runs)?;
    let here = provenance::host();
    let lives = |agent: &&Agent| {
        !agent.left
            && match liveness(&*runs.store, &here, agent) {
                Liveness::Alive => true,
                Liveness::Dead => false,
                Liveness::Unknown => now_ms - agent.heard_ms <= SILENCE_MS,
            }
    };
    let living: Vec<&Agent> = state.agents.values().filter(lives).collect();
    if let Some(one) = living.first() {
        let agents = count(living.len() as u64, "agent works", "agents work");
        return Err(Failure::usage(format!(
            "{agents} on sweep `{}`, one as process {} on {}\nhint: `handloom sweep stop {0}` lets no further trial begin; remove the sweep when its agents have ended",
            sweep.id,
            one.process,
            one_line(&one.host)
        )));
    }
    Ok(runs.store.append(&sweep.id, &[Entry::Stopped])?)
}

/// State of a sweep, from its journal, and the time by the clock of the database. The sweep's file is not read: a sweep
/// whose file is invalid can be removed.
fn folded(sweep: &Sweep, runs: &Runs) -> Result<(State, i64)> {
    let page = runs.store.entries(&sweep.id, 0)?;
    let mut state = State::new(Goal::Minimize);
    for stamped in &page.entries {
        state.apply(stamped);
    }
    Ok((state, page.now_ms))
}
