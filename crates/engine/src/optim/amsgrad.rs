//! `AMSGrad` (Reddi, Kale & Kumar, 2018).

use serde::{Deserialize, Serialize};

use super::adam::Moments;
use super::{Rule, Step};

/// Adam whose denominator never shrinks: `v̂` is the largest `v` so far, bias-corrected as in PyTorch.
///
/// Reddi, Kale & Kumar (2018), *On the Convergence of Adam and Beyond*, algorithm 2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Amsgrad {
    /// Decay of the mean gradient; in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the mean squared gradient; in `[0, 1)`.
    pub beta2: f64,
    /// Added to the denominator, outside the root.
    pub epsilon: f64,
}

impl Default for Amsgrad {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl Rule for Amsgrad {
    const SLOTS: usize = 3;
    const LEARNING_RATE: f64 = 0.001;
    type Coef = Moments;

    fn prepare(&self, at: Step, _scalars: &mut [f64]) -> Moments {
        Moments::at(at, self.beta1, self.beta2, self.epsilon)
    }

    #[inline(always)]
    fn update(c: Moments, w: f32, g: f32, s: &mut [f32]) -> f32 {
        let (mut m, mut v) = (s[0], s[1]);
        c.accumulate(g, &mut m, &mut v);
        let top = if v > s[2] { v } else { s[2] };
        (s[0], s[1], s[2]) = (m, v, top);
        w - c.step(m, top)
    }
}
