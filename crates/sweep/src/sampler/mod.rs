//! Samplers: which configuration to try next.

use crate::space::{Choice, Space};
use crate::trial::Trial;

/// Chooses configurations. A sampler is a pure function of the space, the trials so far and the seed: nothing to save,
/// nothing to lock, the same answer on every machine.
pub trait Sampler: Send + Sync {
    /// The configuration for trial number `history.len()`, or none if the space is exhausted. Running trials are in
    /// `history` too.
    fn suggest(&self, space: &Space, history: &[Trial], seed: u64) -> Option<Choice>;
}
