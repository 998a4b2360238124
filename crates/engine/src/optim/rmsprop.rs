//! `RMSprop` (Tieleman & Hinton, 2012).

use serde::{Deserialize, Serialize};

use super::{Rule, Step, ratio};

/// `RMSprop`: each gradient over the root of its mean square.
///
/// `v ← βv + (1−β)g²`, `w ← w − lr · g / (√v + ε)`.
///
/// Tieleman & Hinton (2012), *Lecture 6e: RMSprop*; ε outside the root as in PyTorch, where β is called alpha.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rmsprop {
    /// β, decay of the mean squared gradient; in `[0, 1)`.
    pub beta: f64,
    /// Added to the denominator, outside the root.
    pub epsilon: f64,
}

impl Default for Rmsprop {
    fn default() -> Self {
        Self { beta: 0.9, epsilon: 1e-8 }
    }
}

impl Rule for Rmsprop {
    const SLOTS: usize = 1;
    const LEARNING_RATE: f64 = 0.001;
    type Coef = [f32; 4];

    fn prepare(&self, at: Step, _scalars: &mut [f64]) -> [f32; 4] {
        [at.lr as f32, self.beta as f32, (1.0 - self.beta) as f32, self.epsilon as f32]
    }

    #[inline(always)]
    fn update([lr, beta, rest, epsilon]: [f32; 4], w: f32, g: f32, s: &mut [f32]) -> f32 {
        s[0] = beta * s[0] + rest * g * g;
        w - lr * ratio(g, s[0].sqrt() + epsilon)
    }
}
