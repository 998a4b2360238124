//! Stochastic gradient descent (Robbins & Monro, 1951).

use serde::{Deserialize, Serialize};

use super::{Rule, Step};

/// Stochastic gradient descent: `w ← w − lr · g`.
///
/// Robbins & Monro (1951), *A Stochastic Approximation Method*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sgd {}

impl Rule for Sgd {
    const SLOTS: usize = 0;
    const LEARNING_RATE: f64 = 0.1;
    type Coef = f32;

    fn prepare(&self, at: Step, _scalars: &mut [f64]) -> f32 {
        at.lr as f32
    }

    #[inline(always)]
    fn update(lr: f32, w: f32, g: f32, _s: &mut [f32]) -> f32 {
        w - lr * g
    }
}
