//! `AdamW` (Loshchilov & Hutter, 2019).

use serde::{Deserialize, Serialize};

use super::adam::{Adam, Moments};
use super::{Rule, Step};

/// Adam with decoupled weight decay: `w ← (1 − lr·λ)w`, then a step of Adam.
///
/// Loshchilov & Hutter (2019), *Decoupled Weight Decay Regularization*, algorithm 2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adamw {
    /// Decay of the mean gradient; in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the mean squared gradient; in `[0, 1)`.
    pub beta2: f64,
    /// Added to the denominator, outside the root.
    pub epsilon: f64,
}

impl Default for Adamw {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl Rule for Adamw {
    const SLOTS: usize = Adam::SLOTS;
    const LEARNING_RATE: f64 = 0.001;
    const DECOUPLED: bool = true;
    type Coef = Moments;

    fn prepare(&self, at: Step, _scalars: &mut [f64]) -> Moments {
        Moments::at(at, self.beta1, self.beta2, self.epsilon)
    }

    #[inline(always)]
    fn update(c: Moments, w: f32, g: f32, s: &mut [f32]) -> f32 {
        Adam::update(c, w, g, s)
    }
}
