//! Adamax (Kingma & Ba, 2015).

use serde::{Deserialize, Serialize};

use super::{Rule, Step, ratio, seen};

/// Adam with a largest instead of a mean square: `u ← max(β₂u, |g| + ε)`, `w ← w − lr · m̂ / u`.
///
/// Kingma & Ba (2015), *Adam: A Method for Stochastic Optimization*, algorithm 2; ε as in PyTorch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adamax {
    /// Decay of the mean gradient; in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the largest gradient; in `[0, 1)`.
    pub beta2: f64,
    /// Added to the size of a gradient.
    pub epsilon: f64,
}

impl Default for Adamax {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl Rule for Adamax {
    const SLOTS: usize = 2;
    const LEARNING_RATE: f64 = 0.002;
    type Coef = [f32; 4];

    fn prepare(&self, at: Step, _scalars: &mut [f64]) -> [f32; 4] {
        let rate = at.lr / seen(self.beta1, at.t);
        [rate as f32, (1.0 - self.beta1) as f32, self.beta2 as f32, self.epsilon as f32]
    }

    #[inline(always)]
    fn update([rate, gain, beta2, epsilon]: [f32; 4], w: f32, g: f32, s: &mut [f32]) -> f32 {
        s[0] += gain * (g - s[0]);
        let (old, new) = (beta2 * s[1], g.abs() + epsilon);
        s[1] = if old > new { old } else { new };
        w - ratio(rate * s[0], s[1])
    }
}
