//! Adagrad (Duchi, Hazan & Singer, 2011).

use serde::{Deserialize, Serialize};

use super::{Rule, Step, ratio};

/// Adagrad: each weight's rate falls with the root of the sum of its squared gradients.
///
/// `v ← v + g²`, `w ← w − lr · g / (√v + ε)`.
///
/// Duchi, Hazan & Singer (2011), *Adaptive Subgradient Methods for Online Learning and Stochastic Optimization*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adagrad {
    /// Added to the denominator, outside the root.
    pub epsilon: f64,
}

impl Default for Adagrad {
    fn default() -> Self {
        Self { epsilon: 1e-8 }
    }
}

impl Rule for Adagrad {
    const SLOTS: usize = 1;
    const LEARNING_RATE: f64 = 0.01;
    type Coef = [f32; 2];

    fn prepare(&self, at: Step, _scalars: &mut [f64]) -> [f32; 2] {
        [at.lr as f32, self.epsilon as f32]
    }

    #[inline(always)]
    fn update([lr, epsilon]: [f32; 2], w: f32, g: f32, s: &mut [f32]) -> f32 {
        s[0] += g * g;
        w - lr * ratio(g, s[0].sqrt() + epsilon)
    }
}
