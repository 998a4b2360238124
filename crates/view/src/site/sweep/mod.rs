//! `/api/sweeps` and `/api/sweeps/ID`: what sweeps have come to, and what they show.
//!
//! The state of a sweep is a fold of its journal, read on from where the last answer stopped. What is costly, the
//! importance of parameters above all, is kept until more trials have ended; while a sweep runs it takes one part in
//! twenty of the time at most, so that looking does not slow training down.

mod fold;
mod insight;
mod matrix;
pub mod observations;
mod shown;
pub mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use handloom_engine::event::EpochMetrics;
use handloom_store::{ByRun, Run, Sweep};
use handloom_sweep::summary::{SweepSummary, run_of};
use handloom_sweep::{State, Status};
use serde_json::{Map, Value, json};

pub(crate) use self::fold::Sweeps;
use self::fold::{Followed, unpoisoned};
use self::insight::Insight;
use self::table::Table;
use super::{ApiError, Site};
use crate::words::line as line_of;

/// Runs whose model is asked for the size of an image before the data set is.
const MODELS: usize = 3;

/// The sweeps in a line each, the latest first; or all of one.
pub(super) fn answer(site: &Site, id: Option<&str>) -> Result<Value, ApiError> {
    match id {
        None => lines(site).map(Value::Array),
        Some(id) => one(site, id),
    }
}

/// The sweeps in a line each, the latest first. One whose file cannot be read hides no other.
pub(super) fn lines(site: &Site) -> Result<Vec<Value>, ApiError> {
    let sweeps = site.store.sweeps()?;
    Ok(sweeps.iter().rev().filter_map(|sweep| line(site, sweep).ok()).collect())
}

/// Ids of the runs whose results trials of a sweep reuse.
pub(super) fn reused(site: &Site, id: &str) -> Result<Vec<String>, ApiError> {
    let Some(sweep) = site.store.sweep(id)? else { return Ok(Vec::new()) };
    Ok(site.sweeps.follow(&sweep)?.now(site, id)?.reused())
}

fn line(site: &Site, sweep: &Sweep) -> Result<Value, ApiError> {
    let followed = site.sweeps.follow(sweep)?;
    let moment = followed.now(site, &sweep.id)?;
    let seen = site.seen()?;
    let state = moment.state(|id| seen.runs.iter().find(|run| run.id == id).map(|run| run.status));
    let (spec, standing) = (&followed.spec, SweepSummary::of(&state));
    Ok(json!({
        "id": sweep.id, "name": sweep.name, "created_ms": sweep.created_ms,
        "status": followed.status(&state), "method": spec.method.name(), "metric": spec.metric.name,
        "trials": standing.trials(), "best": standing.best.map(|(.., cost)| spec.metric.goal.cost(cost)),
    }))
}

fn one(site: &Site, id: &str) -> Result<Value, ApiError> {
    let sweep = site.store.sweep(id)?.ok_or_else(|| unknown(site, id))?;
    let followed = site.sweeps.follow(&sweep)?;
    let moment = followed.now(site, &sweep.id)?;
    let seen = site.seen()?;
    let runs = moment.runs(&sweep.id, &seen.runs);
    let state = moment.state(|id| runs.get(id).map(|run| run.status));
    let Followed { spec, space, .. } = &*followed;
    let widths = followed.widths.get().copied().or_else(|| {
        let found = widths(site, &sweep, &state, &runs)?;
        Some(*followed.widths.get_or_init(|| found))
    });
    let table = Table::new(spec, space, &state, &runs, moment.now_ms, widths);
    let insight = insight(&followed, &state, &table, &seen.rows);
    let parameters = |(name, part): (String, Map<String, Value>)| (name, Value::Object(part));
    let file = spec.space.parameters.iter().map(|one| (one.name.clone(), one.distribution.written()));
    let (metric, standing) = (spec.metric, SweepSummary::of(&state));
    let best = standing.best.as_ref().map(|(number, _, cost)| {
        let run = run_of(&state, *number);
        let command = run.and_then(|run| runs.get(run)).map(|run| site.host.command(run));
        json!({"number": number, "run": run, "value": metric.goal.cost(*cost), "command": command})
    });
    Ok(json!({
        "id": sweep.id, "name": sweep.name.as_ref().unwrap_or(&sweep.id), "description": spec.description, "method": spec.method.name(),
        "metric": metric.name, "goal": metric.goal.name(), "seed": sweep.seed, "created_ms": sweep.created_ms,
        "status": followed.status(&state), "command": line_of(&sweep.command), "yaml": sweep.yaml,
        "settings": sweep.settings, "parameters": file.map(parameters).collect::<Map<_, _>>(),
        "planned": spec.total(space, &state), "counts": standing.object(), "reused": standing.reused, "trials": shown::columns(&table),
        "axes": shown::axes(&table, &insight.ranked), "best": best, "importance": insight.importance,
        "matrix": insight.matrix, "observations": insight.observations,
    }))
}

/// A sweep, its state now, its status in a word, and how many trials it is to have, if there is a limit.
pub(super) fn state_of(site: &Site, id: &str) -> Result<(Sweep, State, &'static str, Option<u64>), ApiError> {
    let sweep = site.store.sweep(id)?.ok_or_else(|| unknown(site, id))?;
    let followed = site.sweeps.follow(&sweep)?;
    let moment = followed.now(site, &sweep.id)?;
    let seen = site.seen()?;
    let state = moment.state(|id| seen.runs.iter().find(|run| run.id == id).map(|run| run.status)).into_owned();
    let Followed { spec, space, .. } = &*followed;
    let (status, total) = (followed.status(&state), spec.total(space, &state));
    Ok((sweep, state, status, total))
}

fn unknown(site: &Site, id: &str) -> ApiError {
    ApiError::new(404, format!("no sweep `{id}` in `{}`", site.store.at()), "`handloom sweep ls` lists them")
}

/// Costly statements about the trials of `table`: the cached ones, if they still hold.
fn insight(followed: &Followed, state: &State, table: &Table, kept: &ByRun<EpochMetrics>) -> Arc<Insight> {
    let mut known = unpoisoned(&followed.insight);
    if let Some(found) = known.as_ref().filter(|found| found.is_fresh(state)) {
        return found.clone();
    }
    let made = Arc::new(Insight::of(&followed.space, state, table, kept));
    *known = Some(made.clone());
    made
}

/// Inputs and classes of the networks of a sweep: as one of its models has them, else its data set.
fn widths(site: &Site, sweep: &Sweep, state: &State, runs: &HashMap<&str, &Run>) -> Option<(usize, usize)> {
    let finished = state.trials.iter().filter(|trial| trial.status == Status::Finished);
    let own = finished.filter_map(|trial| runs.get(run_of(state, trial.number)?)).take(MODELS);
    let mut models = own.filter_map(|run| site.host.model(run).ok());
    let of_model = models.next().map(|model| (model.input_shape.iter().product(), model.classes.len()));
    of_model.or_else(|| {
        let name = runs.values().next().map_or(sweep.dataset.as_str(), |run| run.dataset.as_str());
        let (train, ..) = site.host.data(name).ok()?;
        Some((train.shape.iter().product(), train.classes.len()))
    })
}
