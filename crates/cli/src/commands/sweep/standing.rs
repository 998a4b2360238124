//! Where a sweep stands: how many trials came to what, and which is the best.

use handloom_sweep::{Choice, State, Status, Trial};
use serde_json::{Value, json};

/// Where a sweep stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// How many trials have each status, in the order of [`STATUSES`].
    counts: [u64; STATUSES.len()],
    /// The best trial: its number, what it tries, and its cost.
    pub(super) best: Option<(u64, Choice, f64)>,
}

/// Every status, in the order in which they are told.
pub(super) const STATUSES: [Status; 6] =
    [Status::Finished, Status::Pruned, Status::Diverged, Status::Failed, Status::Running, Status::Pending];

/// The word for a status.
pub(super) fn name(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Running => "running",
        Status::Finished => "finished",
        Status::Pruned => "pruned",
        Status::Failed => "failed",
        Status::Diverged => "diverged",
    }
}

impl Standing {
    /// Where `state` stands.
    pub(super) fn of(state: &State) -> Self {
        let mut counts = [0; STATUSES.len()];
        for trial in &state.trials {
            counts[STATUSES.iter().position(|status| *status == trial.status).unwrap_or_default()] += 1;
        }
        let best = best(&state.trials);
        Self { counts, best: best.map(|(trial, cost)| (trial.number, trial.choice.clone(), cost)) }
    }

    /// Trials with this status.
    pub(super) fn count(&self, status: Status) -> u64 {
        self.counts[STATUSES.iter().position(|known| *known == status).unwrap_or_default()]
    }

    /// Trials in all.
    pub(super) fn trials(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Trials that are over.
    pub(super) fn ended(&self) -> u64 {
        self.trials() - self.count(Status::Running) - self.count(Status::Pending)
    }

    /// Trials by status, those that there are: `12 finished, 3 pruned`.
    pub(super) fn words(&self) -> String {
        let said = STATUSES.iter().map(|&status| (self.count(status), name(status))).filter(|(count, _)| *count > 0);
        let said: Vec<String> = said.map(|(count, name)| format!("{count} {name}")).collect();
        if said.is_empty() { "no trial yet".into() } else { said.join(", ") }
    }

    /// The same as an object.
    pub(super) fn object(&self) -> Value {
        STATUSES.iter().map(|&status| (name(status).to_owned(), json!(self.count(status)))).collect()
    }
}

/// The best of `trials`, the earliest on ties, with its cost: of those that finished, or if there are none, of those that were pruned.
pub(super) fn best(trials: &[Trial]) -> Option<(&Trial, f64)> {
    let among = |status| {
        let costs =
            trials.iter().filter(|trial| trial.status == status).filter_map(|trial| Some((trial, trial.best()?)));
        costs.reduce(|best, next| if next.1 < best.1 { next } else { best })
    };
    among(Status::Finished).or_else(|| among(Status::Pruned))
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
