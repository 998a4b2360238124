//! Eve (Hayashi, Koushik & Neubig, 2018).

use serde::{Deserialize, Serialize};

use super::adam::{Adam, Moments};
use super::{Rule, Step};

/// Eve: Adam whose learning rate is divided by how much the loss still changes.
///
/// `dₜ = |fₜ − fₜ₋₁| / min(fₜ, fₜ₋₁)`, clipped to `[1/c, c]`, `d̃ ← β₃ d̃ + (1−β₃) dₜ` from 1 on, and a step of Adam with `lr / d̃`.
///
/// Hayashi, Koushik & Neubig (2018), *Eve: A Gradient Based Optimization Method with Locally and Globally Adaptive Learning Rates*, algorithm 1 with `f* = 0`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Eve {
    /// Decay of the mean gradient; in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the mean squared gradient; in `[0, 1)`.
    pub beta2: f64,
    /// Added to the denominator, outside the root.
    pub epsilon: f64,
}

impl Default for Eve {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// β₃, decay of the mean change of the loss.
const BETA3: f64 = 0.999;

/// c, the largest change that counts.
const CLIP: f64 = 10.0;

impl Rule for Eve {
    const SLOTS: usize = 2;
    const SCALARS: usize = 2; // loss of the step before, d̃
    const LEARNING_RATE: f64 = 0.001;
    type Coef = Moments;

    fn prepare(&self, at: Step, scalars: &mut [f64]) -> Moments {
        if at.t == 1 {
            scalars[1] = 1.0;
        } else {
            let (low, change) = (at.loss.min(scalars[0]), (at.loss - scalars[0]).abs());
            let ratio = if low > 0.0 { change / low } else { CLIP };
            scalars[1] = BETA3 * scalars[1] + (1.0 - BETA3) * ratio.clamp(1.0 / CLIP, CLIP);
        }
        scalars[0] = at.loss;
        let at = Step { lr: at.lr / scalars[1], ..at };
        Moments::at(at, self.beta1, self.beta2, self.epsilon)
    }

    #[inline(always)]
    fn update(c: Moments, w: f32, g: f32, s: &mut [f32]) -> f32 {
        Adam::update(c, w, g, s)
    }
}
