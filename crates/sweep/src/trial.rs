//! A trial as samplers and pruners see it.

use serde::{Deserialize, Serialize};

use crate::space::Params;

/// Direction of a metric: maximize or minimize.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Less is better.
    #[default]
    Minimize,
    /// More is better.
    Maximize,
}

impl Goal {
    /// The cost of a metric's value, of which less is always better; and the value of a cost.
    pub fn cost(self, value: f64) -> f64 {
        match self {
            Self::Minimize => value,
            Self::Maximize => -value,
        }
    }

    /// The word of a sweep file for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minimize => "minimize",
            Self::Maximize => "maximize",
        }
    }
}

/// Status of a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nobody works on it: it was released, or its process died.
    #[default]
    Pending,
    /// Somebody works on it.
    Running,
    /// Every epoch was trained.
    Finished,
    /// Ended early, since others did better.
    Pruned,
    /// Could not go on; it is not tried again.
    Failed,
    /// The loss or a weight overflowed or became NaN.
    Diverged,
    /// Its run was removed from the store: it counts as tried, and nothing is known of its result.
    Removed,
}

impl Status {
    /// Every status, in the order in which they are told.
    pub const ALL: [Self; 7] =
        [Self::Finished, Self::Pruned, Self::Diverged, Self::Failed, Self::Removed, Self::Running, Self::Pending];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
            Self::Diverged => "diverged",
            Self::Removed => "removed",
        }
    }
}

/// A trial and what is known of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    /// Position in the sweep, from 0.
    pub number: u64,
    /// Parameters that it tries.
    pub choice: Params,
    /// The metric after each epoch of the present attempt, as a cost: negated if more is better. May hold what is not finite.
    pub costs: Vec<f64>,
    /// Status.
    pub status: Status,
    /// True if it took the result of an identical training that was already recorded, instead of training.
    pub reused: bool,
    /// The other trial of this sweep that has the same run. Statistics count the two once, by leaving this one out.
    pub repeats: Option<u64>,
}

impl Trial {
    /// Takes its result away if it is over and its run was `removed`.
    pub(crate) fn take_away(&mut self, removed: bool) {
        if removed && !matches!(self.status, Status::Pending | Status::Running) {
            self.status = Status::Removed;
            self.costs.clear();
            (self.reused, self.repeats) = (false, None);
        }
    }

    /// The least finite cost so far.
    pub fn best(&self) -> Option<f64> {
        self.costs.iter().copied().filter(|cost| cost.is_finite()).reduce(f64::min)
    }
}
