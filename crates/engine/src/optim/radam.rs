//! `RAdam` (Liu et al., 2020).

use serde::{Deserialize, Serialize};

use super::adam::Moments;
use super::{Rule, Step, seen};

/// Adam that steps along the mean gradient alone until the variance of its denominator is bounded, and then
/// corrects for that variance.
///
/// Liu et al. (2020), *On the Variance of the Adaptive Learning Rate and Beyond*, algorithm 2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Radam {
    /// Decay of the mean gradient; in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the mean squared gradient; in `[0, 1)`.
    pub beta2: f64,
    /// Added to the denominator, outside the root.
    pub epsilon: f64,
}

impl Default for Radam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// Per-step coefficients of RAdam.
#[derive(Clone, Copy, Debug)]
pub struct Coef {
    /// Those of Adam; `root` is 1, as ε is added before the correction.
    moments: Moments,
    /// `lr / (1−β₁ᵗ)`, and once rectified times `r √(1−β₂ᵗ)`.
    rectified: bool,
}

impl Rule for Radam {
    const SLOTS: usize = 2;
    const LEARNING_RATE: f64 = 0.001;
    type Coef = Coef;

    fn prepare(&self, at: Step, _scalars: &mut [f64]) -> Coef {
        let seen2 = seen(self.beta2, at.t);
        let longest = 2.0 / (1.0 - self.beta2) - 1.0;
        let length = longest - 2.0 * at.t as f64 * (1.0 - seen2) / seen2;
        let rectified = length > 5.0;
        let mut moments = Moments::at(at, self.beta1, self.beta2, self.epsilon);
        moments.root = 1.0;
        if rectified {
            let variance = ((length - 4.0) * (length - 2.0) * longest) / ((longest - 4.0) * (longest - 2.0) * length);
            moments.rate = (at.lr / seen(self.beta1, at.t) * (variance * seen2).sqrt()) as f32;
        }
        Coef { moments, rectified }
    }

    #[inline(always)]
    fn update(c: Coef, w: f32, g: f32, s: &mut [f32]) -> f32 {
        let (mut m, mut v) = (s[0], s[1]);
        c.moments.accumulate(g, &mut m, &mut v);
        (s[0], s[1]) = (m, v);
        w - if c.rectified { c.moments.step(m, v) } else { c.moments.rate * m }
    }
}
