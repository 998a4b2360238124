//! Contents of a report about its runs and sweeps, read from the store once, before any page is made.

use std::collections::{BTreeMap, BTreeSet};

use handloom_engine::Isa;
use handloom_engine::event::EpochMetrics;
use handloom_store::Run;
use handloom_sweep::{State, Status, SweepSummary};

use super::super::sweep::{reused, state_of};
use super::super::{ApiError, Site};
use super::provenance::{BUILD, FORM, Figures, Made, Provenance, Searched, Tried};
use super::{Chosen, Originals};

/// The provenance of a report of what is chosen, without what making the pages adds to it, and the runs as the store has
/// them.
pub(super) fn collect(
    site: &Site,
    chosen: &Chosen,
    git_commit: Option<String>,
) -> Result<(Provenance, Originals), ApiError> {
    for id in &chosen.runs {
        site.run(id)?;
    }
    let mut ids: BTreeSet<String> = chosen.runs.iter().cloned().collect();
    for id in &chosen.sweeps {
        ids.extend(reused(site, id)?);
    }
    let is_shown =
        |run: &Run| ids.contains(&run.id) || run.sweep.as_ref().is_some_and(|sweep| chosen.sweeps.contains(sweep));
    let mut runs = site.store.runs()?;
    runs.retain(is_shown);
    let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
    let rows = site.store.rows(&ids)?;
    let openings = site.store.openings()?;
    let mut made = Vec::new();
    for run in &runs {
        let mut one = of_run(site, run, rows.get(&run.id).map(Vec::as_slice).unwrap_or_default());
        let (opened, total) = site.host.test_openings(run)?;
        if opened {
            let own = openings.iter().rev().find(|opening| opening.run.as_ref() == Some(&run.id));
            one.opening_accuracy = own.and_then(|opening| opening.accuracy);
            one.test_sha256 = own.map(|opening| opening.data_sha256.clone());
            // An old opening may have left no figure, and pages show nothing then.
            one.openings = one.test_accuracy.or(one.opening_accuracy).map(|_| total);
        }
        made.push(one);
    }
    let mut sweeps = Vec::new();
    for id in &chosen.sweeps {
        sweeps.push(of_sweep(site, id)?);
    }
    let provenance = Provenance {
        v: FORM,
        version: env!("CARGO_PKG_VERSION").into(),
        build: Some(BUILD.into()),
        isa: Isa::best().name().into(),
        git_commit,
        now_ms: site.now_ms(),
        chosen: chosen.clone(),
        missing: BTreeSet::new(),
        runs: made,
        sweeps,
    };
    Ok((provenance, runs.into_iter().map(|run| (run.id.clone(), run)).collect::<BTreeMap<_, _>>()))
}

fn of_run(site: &Site, run: &Run, rows: &[EpochMetrics]) -> Made {
    let status = site.host.effective_status(run);
    let run = run.clone();
    Made {
        id: run.id,
        name: run.name,
        status,
        sweep: run.sweep,
        group: run.group,
        tags: run.tags,
        notes: run.notes,
        started_ms: run.started_ms,
        ended_ms: run.ended_ms,
        version: run.version,
        isa: run.isa,
        numerics: run.numerics,
        arch: run.arch,
        git_commit: run.git_commit,
        config: run.config,
        seed: run.seed,
        dataset: run.dataset,
        data_sha256: run.data_sha256,
        test_sha256: None,
        weights_sha256: run.weights_sha256,
        val_accuracy: run.val_accuracy,
        best_epoch: run.best_epoch,
        initial_norms: run.initial_norms,
        reason: run.reason,
        epochs: run.epochs,
        test_accuracy: run.test_accuracy,
        test_loss: run.test_loss,
        opening_accuracy: None,
        openings: None,
        figures: Some(Figures::of(rows)),
    }
}

fn of_sweep(site: &Site, id: &str) -> Result<Searched, ApiError> {
    let (sweep, state, status, total) = state_of(site, id)?;
    let winner = SweepSummary::of(&state).best.and_then(|(number, ..)| run_of(&state, number));
    Ok(Searched {
        id: sweep.id,
        name: sweep.name,
        yaml: sweep.yaml,
        seed: sweep.seed,
        settings: sweep.settings,
        winner,
        created_ms: sweep.created_ms,
        command: sweep.command,
        cap: state.cap.filter(|&cap| total == Some(cap)),
        stopped: status == "stopped",
        trials: (0..state.trials.len()).map(|at| of_trial(&state, at)).collect(),
    })
}

fn of_trial(state: &State, at: usize) -> Tried {
    let trial = &state.trials[at];
    let attempt = state.attempts[at].last().cloned().unwrap_or_default();
    let value = |&cost: &f64| Some(state.goal.cost(cost)).filter(|value| value.is_finite());
    Tried {
        run: attempt.run,
        choice: trial.choice.clone(),
        status: trial.status,
        values: trial.costs.iter().map(value).collect(),
        reused: trial.reused,
        why: attempt.why.filter(|_| trial.status == Status::Diverged),
        claimed_ms: attempt.claimed_ms,
        ended_ms: attempt.ended_ms,
    }
}

fn run_of(state: &State, number: u64) -> Option<String> {
    handloom_sweep::summary::run_of(state, number).map(str::to_owned)
}
