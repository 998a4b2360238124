//! Pruners: which trials are not worth their remaining epochs.

use crate::trial::Trial;

/// Decides early whether a trial is worth its remaining epochs: a pure function of what was reported.
pub trait Pruner: Send + Sync {
    /// Whether `trial` should end now, given every trial of the sweep, itself included.
    fn prunes(&self, trial: &Trial, history: &[Trial]) -> bool;
}
