//! Runs of trials that ended while their process was killed: the journal knows what became of them, their records do not.

use std::collections::HashMap;

use anyhow::Result;
use handloom_engine::model::{self, Model};
use handloom_sweep::summary::run_of;
use handloom_sweep::{State, Status, Trial};

use super::handle::SweepHandle;
use crate::runs::{self, Record, Run, Runs};

/// Writes into the records of such runs what the journal says.
pub(super) fn mend(opened: &SweepHandle, state: &State, runs: &Runs) -> Result<()> {
    if state.trials.is_empty() {
        return Ok(());
    }
    let killed = runs
        .all()?
        .into_iter()
        .filter(|run| run.record.sweep.as_ref() == Some(&opened.sweep.id) && run.record.status == runs::Status::Killed);
    let killed: HashMap<String, Run> = killed.map(|run| (run.record.id.clone(), run)).collect();
    for trial in &state.trials {
        let run = run_of(state, trial.number).and_then(|run| killed.get(run));
        if let (Some(run), Some(status)) = (run, ended(trial.status)) {
            let ended_ms = state.attempts[trial.number as usize].last().and_then(|attempt| attempt.ended_ms);
            runs.store.put(&mended(run, status, trial, ended_ms, opened))?;
        }
    }
    Ok(())
}

fn mended(run: &Run, status: runs::Status, trial: &Trial, ended_ms: Option<i64>, opened: &SweepHandle) -> Record {
    let mut record = Record { status, epochs: run.record.epochs.max(trial.costs.len() as u64), ..run.record.clone() };
    record.ended_ms = ended_ms.map(|at| at.max(0) as u64);
    let best = trial.best().filter(|_| opened.metric.name == "val_accuracy");
    if let Some(cost) = best {
        record.best_epoch = trial.costs.iter().position(|epoch| *epoch == cost).map(|at| at as u64 + 1);
        record.val_accuracy = Some(opened.goal.cost(cost));
    }
    // The model was saved before the trial's end was journaled.
    if let Ok(bytes) = model::read(&run.model()) {
        record.weights_sha256 = Model::parse(&bytes).ok().map(|model| model.network.weights_sha256());
        record.model_sha256 = record.weights_sha256.as_ref().map(|_| model::sha256(&bytes));
    }
    record
}

/// Status of the run of a trial with this status; none if the trial has no result.
fn ended(status: Status) -> Option<runs::Status> {
    match status {
        Status::Finished => Some(runs::Status::Finished),
        Status::Pruned => Some(runs::Status::Pruned),
        Status::Failed => Some(runs::Status::Failed),
        Status::Diverged => Some(runs::Status::Diverged),
        Status::Running | Status::Pending | Status::Removed => None,
    }
}
