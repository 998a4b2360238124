//! What a sweep has come to: a fold of its journal.

use crate::trial::Trial;

/// What a sweep has come to.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Every trial, in the order of their numbers.
    pub trials: Vec<Trial>,
}
