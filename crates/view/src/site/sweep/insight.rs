//! Costly statements about a sweep: importance, correlations and observations, cached until more trials have ended.

use std::time::{Duration, Instant};

use handloom_engine::event::EpochMetrics;
use handloom_store::ByRun;
use handloom_sweep::importance::{Importance, Verdict, importance};
use handloom_sweep::{SearchSpace, State, Status, Trial};
use serde_json::{Value, json};

use super::matrix::matrix;
use super::observations::observe;
use super::table::Table;

/// Most trials that a forest is grown from, evenly spaced over the sweep: beyond that it takes seconds and says the same.
const MOST: usize = 300;
/// While a sweep runs, insight may take this share of the time: one part in twenty.
const SHARE: u32 = 20;

/// Statements about a sweep after some number of trials.
pub(super) struct Insight {
    ended: usize,
    at: Instant,
    took: Duration,
    /// For pages.
    pub(super) importance: Value,
    /// Parameters and what each matters, the most important first; none where too few trials have ended.
    pub(super) ranked: Vec<(String, f64)>,
    pub(super) matrix: Value,
    pub(super) observations: Value,
}

impl Insight {
    /// True if this still holds for `state`, or is too young to be made again.
    pub(super) fn is_fresh(&self, state: &State) -> bool {
        let is_rested = self.at.elapsed() >= self.took * SHARE;
        self.ended == ended(&state.trials).len() || state.count(Status::Running) > 0 && !is_rested
    }

    /// Statements about `table`, the trials of `state` over `space`; `kept` is the epoch that each run kept.
    pub(super) fn of(space: &SearchSpace, state: &State, table: &Table, kept: &ByRun<EpochMetrics>) -> Self {
        let at = Instant::now();
        let (found, of) = sampled(space, state);
        let observations = observe(table, &found).iter().map(super::observations::Observation::to_value).collect();
        let matrix = matrix(table, kept);
        let ranked = found.parameters.iter().map(|weight| (weight.name.clone(), weight.importance)).collect();
        let importance = shown(&found, of);
        Self { ended: of, at: Instant::now(), took: at.elapsed(), importance, ranked, matrix, observations }
    }
}

/// The trials that are over and that something is known of, each training once.
fn ended(trials: &[Trial]) -> Vec<&Trial> {
    let once = trials.iter().filter(|trial| trial.repeats.is_none());
    let is_over = |trial: &&Trial| matches!(trial.status, Status::Finished | Status::Pruned | Status::Diverged);
    once.filter(is_over).collect()
}

/// The importance of parameters, from at most [`MOST`] of the trials that are over, and how many these are.
fn sampled(space: &SearchSpace, state: &State) -> (Importance, usize) {
    let over = ended(&state.trials);
    let of = over.len();
    let kept: Vec<Trial> = (0..of.min(MOST)).map(|at| over[at * of / of.min(MOST)].clone()).collect();
    (importance(space, &kept, state.goal), of)
}

fn shown(found: &Importance, of: usize) -> Value {
    let verdict = |verdict| match verdict {
        Verdict::TooEarly => "too_early",
        Verdict::Matters => "matters",
        Verdict::Little => "little",
    };
    let parameters: Vec<Value> = found
        .parameters
        .iter()
        .map(|weight| {
            let [low, high] = weight.interval;
            json!({
                "name": weight.name, "importance": weight.importance, "low": low, "high": high,
                "verdict": verdict(weight.verdict),
            })
        })
        .collect();
    let columns: Vec<Value> = found
        .columns
        .iter()
        .map(|column| {
            let correlation = column.correlation.as_ref();
            json!({
                "name": column.name, "category": column.category, "importance": column.importance,
                "correlation": correlation.map(|found| found.value), "low": correlation.map(|found| found.interval[0]),
                "high": correlation.map(|found| found.interval[1]),
            })
        })
        .collect();
    json!({
        "trials": found.trials, "of": of, "explained": found.explained,
        "early": found.parameters.iter().all(|weight| weight.verdict == Verdict::TooEarly),
        "parameters": parameters, "columns": columns,
    })
}

#[cfg(test)]
mod tests {
    use handloom_sweep::{Distribution, Goal, Parameter};

    use super::*;

    #[test]
    fn thousands_of_trials_are_sampled_evenly_and_all_of_a_few_are_taken() {
        let distribution = Distribution::Uniform(0.0, 1.0);
        let space = SearchSpace { parameters: vec![Parameter { name: "momentum".into(), distribution }] };
        let trial = |number: u64| Trial {
            number,
            choice: [("momentum".to_owned(), json!(number as f64 / 1e4))].into(),
            costs: vec![number as f64],
            status: if number.is_multiple_of(2) { Status::Finished } else { Status::Failed },
            ..Trial::default()
        };
        let state = |count| State { trials: (0..count).map(trial).collect(), ..State::new(Goal::Minimize) };
        let (few, of) = sampled(&space, &state(60));
        assert_eq!((few.trials, of), (30, 30));
        let (many, of) = sampled(&space, &state(2_400));
        assert_eq!((many.trials, of), (MOST, 1_200));
        assert_eq!(sampled(&space, &State::default()).1, 0);
    }
}
