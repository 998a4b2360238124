//! Pruners: which trials are not worth their remaining epochs.
//!
//! To add one, write `pruner/your_rule.rs` like `median.rs` and name it in the two lines below (`mod` and list).

mod hyperband;
mod median;

pub use hyperband::Hyperband;
pub use median::Median;

use crate::trial::Trial;

/// Decides early whether a trial is worth its remaining epochs: a pure function of what was reported.
pub trait Pruner: Send + Sync {
    /// True if `trial` should end now, given every trial of the sweep. An entry of `history` with the trial's own
    /// number is ignored in favor of `trial`.
    fn prunes(&self, trial: &Trial, history: &[Trial]) -> bool;
}

handloom_engine::registry! {
    /// Early termination: a rule that ends trials early.
    pub enum EarlyEnd: Pruner {
        "hyperband" => Hyperband(hyperband::Hyperband),
        "median" => Median(median::Median),
    }
}

/// The finite costs of a trial: W&B counts no other values.
fn reported(trial: &Trial) -> Vec<f64> {
    trial.costs.iter().copied().filter(|cost| cost.is_finite()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_pruned_without_a_report_or_without_others() {
        for rule in EarlyEnd::all() {
            let bare = Trial::default();
            assert!(!rule.prunes(&bare, &[]), "{}", rule.name());
            let alone = Trial { costs: vec![3.0, f64::NAN, 2.0], ..Trial::default() };
            assert!(!rule.prunes(&alone, std::slice::from_ref(&alone)), "{}", rule.name());
        }
    }
}
