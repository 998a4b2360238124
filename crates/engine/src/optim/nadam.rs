//! Nadam (Dozat, 2016).

use serde::{Deserialize, Serialize};

use super::{Rule, Step, ratio, seen};

/// Nadam: Adam whose momentum looks ahead.
///
/// `w ← w − lr · (μₜ₊₁ m / (1 − Πᵢ≤ₜ₊₁ μᵢ) + (1−μₜ) g / (1 − Πᵢ≤ₜ μᵢ)) / (√v̂ + ε)` with `μₜ = β₁ (1 − ½ · 0.96^(0.004 t))`.
///
/// Dozat (2016), *Incorporating Nesterov Momentum into Adam*; the schedule of μ as in PyTorch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nadam {
    /// Decay of the mean gradient; in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the mean squared gradient; in `[0, 1)`.
    pub beta2: f64,
    /// Added to the denominator, outside the root.
    pub epsilon: f64,
}

impl Default for Nadam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// Rate at which μ rises from ½β₁ to β₁.
const MOMENTUM_DECAY: f64 = 0.004;

/// Per-step coefficients of Nadam.
#[derive(Clone, Copy, Debug)]
pub struct Coef {
    gain1: f32,
    gain2: f32,
    /// Factors of the mean gradient and of the gradient, the learning rate included.
    mean: f32,
    gradient: f32,
    /// `1 / √(1 − β₂ᵗ)`.
    root: f32,
    epsilon: f32,
}

impl Rule for Nadam {
    const SLOTS: usize = 2;
    const SCALARS: usize = 1; // Π μ
    const LEARNING_RATE: f64 = 0.001;
    type Coef = Coef;

    fn prepare(&self, at: Step, scalars: &mut [f64]) -> Coef {
        let mu = |t: u64| self.beta1 * (1.0 - 0.5 * libm::pow(0.96, t as f64 * MOMENTUM_DECAY));
        let (now, next) = (mu(at.t), mu(at.t + 1));
        let product = if at.t == 1 { now } else { scalars[0] * now };
        scalars[0] = product;
        Coef {
            gain1: (1.0 - self.beta1) as f32,
            gain2: (1.0 - self.beta2) as f32,
            mean: (at.lr * next / (1.0 - product * next)) as f32,
            gradient: (at.lr * (1.0 - now) / (1.0 - product)) as f32,
            root: (1.0 / seen(self.beta2, at.t).sqrt()) as f32,
            epsilon: self.epsilon as f32,
        }
    }

    #[inline(always)]
    fn update(c: Coef, w: f32, g: f32, s: &mut [f32]) -> f32 {
        s[0] += c.gain1 * (g - s[0]);
        s[1] += c.gain2 * (g * g - s[1]);
        w - ratio(c.mean * s[0] + c.gradient * g, s[1].sqrt() * c.root + c.epsilon)
    }
}
