//! Summary of a sweep: number of trials by status, the best one, and whether more are to come.

use serde_json::{Value, json};

use crate::best as rule;
use crate::space::{Params, SearchSpace};
use crate::spec::{Method, Spec};
use crate::state::State;
use crate::trainings::Trainings;
use crate::trial::{Status, Trial};

/// Takes the results away of runs that are not `there` any more: an older program removed them without a word in the
/// journal of the sweep.
pub fn forget(state: &mut State, there: impl Fn(&str) -> bool) {
    for run in forgotten(state, there) {
        state.remove(&run);
    }
}

/// Runs with the results of trials that are not `there` any more.
pub fn forgotten(state: &State, there: impl Fn(&str) -> bool) -> Vec<String> {
    let has_result = |trial: &&Trial| matches!(trial.status, Status::Finished | Status::Pruned | Status::Diverged);
    let runs = state.trials.iter().filter(has_result).filter_map(|trial| run_of(state, trial.number));
    runs.filter(|run| !there(run)).map(str::to_owned).collect()
}

/// Summary of a sweep.
#[derive(Clone, Debug, Default)]
pub struct SweepSummary {
    /// Number of trials with each status, in the order of [`Status::ALL`].
    counts: [u64; Status::ALL.len()],
    /// Number of trials that took the result of an identical training.
    pub reused: u64,
    /// The best trial: its number, what it tries, and its cost.
    pub best: Option<(u64, Params, f64)>,
}

impl SweepSummary {
    /// Summary of `state`.
    pub fn of(state: &State) -> Self {
        let mut counts = [0; Status::ALL.len()];
        for trial in &state.trials {
            counts[Status::ALL.iter().position(|status| *status == trial.status).unwrap_or_default()] += 1;
        }
        let best = best(&state.trials);
        let reused = state.trials.iter().filter(|trial| trial.reused).count() as u64;
        Self { counts, reused, best: best.map(|(trial, cost)| (trial.number, trial.choice.clone(), cost)) }
    }

    /// Trials with this status.
    pub fn count(&self, status: Status) -> u64 {
        self.counts[Status::ALL.iter().position(|known| *known == status).unwrap_or_default()]
    }

    /// Trials in all.
    pub fn trials(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Trials that are over.
    pub fn ended(&self) -> u64 {
        self.trials() - self.count(Status::Running) - self.count(Status::Pending)
    }

    /// Trials by status, those that there are: `12 finished, 3 pruned`.
    pub fn words(&self) -> String {
        let said =
            Status::ALL.iter().map(|&status| (self.count(status), status.name())).filter(|(count, _)| *count > 0);
        let mut said: Vec<String> = said.map(|(count, name)| format!("{count} {name}")).collect();
        if self.reused > 0 {
            said.push(format!("{} of them reused", self.reused));
        }
        if said.is_empty() { "no trial yet".into() } else { said.join(", ") }
    }

    /// The same as an object.
    pub fn object(&self) -> Value {
        Status::ALL.iter().map(|&status| (status.name().to_owned(), json!(self.count(status)))).collect()
    }
}

/// The best of `trials` with its cost, by the rule of [`best`](crate::best).
pub fn best(trials: &[Trial]) -> Option<(&Trial, f64)> {
    let candidates: Vec<_> = trials.iter().map(|trial| (trial.status, trial.best())).collect();
    let best = rule::best(&candidates, &rule::TRIALS)?;
    Some((&trials[best], trials[best].best()?))
}

impl Spec {
    /// Number of trials planned, if there is a limit. `space` is what this sweep tries: the file's, or less if some of
    /// it was settled.
    pub fn total(&self, space: &SearchSpace, state: &State) -> Option<u64> {
        let grid = (self.method == Method::Grid).then(|| space.points()).flatten();
        match (state.cap, grid) {
            (Some(cap), Some(points)) => Some(cap.min(points)),
            (cap, points) => cap.or(points),
        }
    }

    /// Status of the sweep: `running`, `finished`, `stopped` or `pending`. `trainings` are those of its space, if they
    /// were counted.
    pub fn status(&self, space: &SearchSpace, trainings: Option<&Trainings>, state: &State) -> &'static str {
        let reached =
            || state.best().and_then(Trial::best).is_some_and(|cost| self.metric.reached(state.goal.cost(cost)));
        let tried = || trainings.is_some_and(|trainings| trainings.all_tried(self, &state.trials));
        let complete =
            || self.total(space, state).is_some_and(|total| state.trials.len() as u64 >= total) || reached() || tried();
        if state.count(Status::Running) > 0 {
            "running"
        } else if state.count(Status::Pending) == 0 && complete() {
            "finished"
        } else if state.stopped {
            "stopped"
        } else {
            "pending"
        }
    }
}

/// The run that records the latest attempt at a trial, or whose result the trial takes; none if it was removed.
pub fn run_of(state: &State, number: u64) -> Option<&str> {
    let attempts = state.attempts.get(usize::try_from(number).ok()?)?;
    attempts.last().filter(|attempt| !attempt.removed).map(|attempt| attempt.run.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(number: u64, status: Status, costs: &[f64]) -> Trial {
        Trial { number, status, costs: costs.to_vec(), ..Trial::default() }
    }

    #[test]
    fn the_best_is_the_earliest_of_equals_and_finished_if_any_is() {
        use Status::{Diverged, Finished, Pruned};
        let trials = [
            trial(0, Pruned, &[-0.99]),
            trial(1, Finished, &[-0.5, -0.8, -0.7]),
            trial(2, Finished, &[-0.8]),
            trial(3, Diverged, &[-0.9]),
            trial(4, Finished, &[f64::NAN]),
        ];
        let found = |trials| best(trials).map(|(trial, cost)| (trial.number, cost));
        assert_eq!(found(&trials), Some((1, -0.8)));
        assert_eq!([found(&trials[..1]), found(&trials[3..])], [Some((0, -0.99)), None]);
    }
}
