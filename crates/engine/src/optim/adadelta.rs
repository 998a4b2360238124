//! Adadelta (Zeiler, 2012).

use serde::{Deserialize, Serialize};

use super::{Rule, Step, ratio};

/// Adadelta: steps as large as the root of the mean squared step so far, so that their unit is that of the weights.
///
/// `v ← βv + (1−β)g²`, `Δ = g · √(u + ε) / √(v + ε)`, `u ← βu + (1−β)Δ²`, `w ← w − lr · Δ`.
///
/// Zeiler (2012), *ADADELTA: An Adaptive Learning Rate Method*, algorithm 1; β is ρ there and in PyTorch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adadelta {
    /// β, decay of both means; in `[0, 1)`.
    pub beta: f64,
    /// Added inside both roots.
    pub epsilon: f64,
}

impl Default for Adadelta {
    fn default() -> Self {
        Self { beta: 0.9, epsilon: 1e-8 }
    }
}

impl Rule for Adadelta {
    const SLOTS: usize = 2;
    const LEARNING_RATE: f64 = 1.0;
    type Coef = [f32; 4];

    fn prepare(&self, at: Step, _scalars: &mut [f64]) -> [f32; 4] {
        [at.lr as f32, self.beta as f32, (1.0 - self.beta) as f32, self.epsilon as f32]
    }

    #[inline(always)]
    fn update([lr, beta, rest, epsilon]: [f32; 4], w: f32, g: f32, s: &mut [f32]) -> f32 {
        s[0] = beta * s[0] + rest * g * g;
        let step = ratio((s[1] + epsilon).sqrt() * g, (s[0] + epsilon).sqrt());
        s[1] = beta * s[1] + rest * step * step;
        w - lr * step
    }
}
