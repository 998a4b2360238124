//! Adam (Kingma & Ba, 2015).

use serde::{Deserialize, Serialize};

use super::{Rule, Step, ratio, seen};

/// Adam: each weight's step is its mean gradient over the root of its mean squared gradient.
///
/// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `w ← w − lr · m̂ / (√v̂ + ε)`, where `m̂ = m / (1−β₁ᵗ)` and `v̂ = v / (1−β₂ᵗ)`.
///
/// Kingma & Ba (2015), *Adam: A Method for Stochastic Optimization*, algorithm 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adam {
    /// Decay of the mean gradient; in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the mean squared gradient; in `[0, 1)`.
    pub beta2: f64,
    /// Added to the denominator, outside the root.
    pub epsilon: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// Per-step coefficients of Adam and its variants.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// `1 − β₁`.
    pub(super) gain1: f32,
    /// `1 − β₂`.
    pub(super) gain2: f32,
    /// `lr / (1 − β₁ᵗ)`.
    pub(super) rate: f32,
    /// `1 / √(1 − β₂ᵗ)`.
    pub(super) root: f32,
    /// ε.
    pub(super) epsilon: f32,
}

impl Moments {
    /// For a step, with betas and ε.
    pub(super) fn at(at: Step, beta1: f64, beta2: f64, epsilon: f64) -> Self {
        Self {
            gain1: (1.0 - beta1) as f32,
            gain2: (1.0 - beta2) as f32,
            rate: (at.lr / seen(beta1, at.t)) as f32,
            root: (1.0 / seen(beta2, at.t).sqrt()) as f32,
            epsilon: epsilon as f32,
        }
    }

    /// Updates the moving averages of the gradient, `m`, and of its square, `v`, with `g`.
    #[inline(always)]
    pub(super) fn accumulate(&self, g: f32, m: &mut f32, v: &mut f32) {
        *m += self.gain1 * (g - *m);
        *v += self.gain2 * (g * g - *v);
    }

    /// `lr · m̂ / (√v̂ + ε)`.
    #[inline(always)]
    pub(super) fn step(&self, m: f32, v: f32) -> f32 {
        ratio(self.rate * m, v.sqrt() * self.root + self.epsilon)
    }
}

impl Rule for Adam {
    const SLOTS: usize = 2;
    const LEARNING_RATE: f64 = 0.0003;
    type Coef = Moments;

    fn prepare(&self, at: Step, _scalars: &mut [f64]) -> Moments {
        Moments::at(at, self.beta1, self.beta2, self.epsilon)
    }

    #[inline(always)]
    fn update(c: Moments, w: f32, g: f32, s: &mut [f32]) -> f32 {
        let (mut m, mut v) = (s[0], s[1]);
        c.accumulate(g, &mut m, &mut v);
        (s[0], s[1]) = (m, v);
        w - c.step(m, v)
    }
}
