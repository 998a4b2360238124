//! Samplers: which configuration to try next.
//!
//! To add one, write `sampler/your_method.rs` like `random.rs` and name it in the two lines below (`mod` and list): it
//! is then a `method` of sweep files and under the tests of this folder.

mod bayes;
mod grid;
mod random;
#[cfg(test)]
mod tests;

pub use bayes::Bayes;
pub use grid::Grid;
pub use random::Random;

use crate::space::{Params, SearchSpace};
use crate::trial::Trial;

/// Chooses configurations. A sampler is a pure function of the space, the trials so far and the seed: nothing to save,
/// nothing to lock, the same answer on every machine.
pub trait Sampler: Send + Sync {
    /// The configuration for trial number `history.len()`, or none if the space is exhausted. Running trials are in
    /// `history` too.
    fn suggest(&self, space: &SearchSpace, history: &[Trial], seed: u64) -> Option<Params>;
}

handloom_engine::registry! {
    /// Search method of a sweep.
    pub enum Method: Sampler {
        "grid" => Grid(grid::Grid),
        "random" => Random(random::Random),
        "bayes" => Bayes(bayes::Bayes),
    }
}
