//! Lion (Chen et al., 2023).

use serde::{Deserialize, Serialize};

use super::{Rule, Step};

/// Lion: steps of one size, in the direction of the sign of the momentum, with decoupled weight decay.
///
/// `w ← (1 − lr·λ)w − lr · sign(β₁m + (1−β₁)g)`, `m ← β₂m + (1−β₂)g`.
///
/// Chen et al. (2023), *Symbolic Discovery of Optimization Algorithms*, algorithm 2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lion {
    /// Weight of the momentum in the step; in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the momentum; in `[0, 1)`.
    pub beta2: f64,
}

impl Default for Lion {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999 }
    }
}

impl Rule for Lion {
    const SLOTS: usize = 1;
    const LEARNING_RATE: f64 = 1e-4;
    const DECOUPLED: bool = true;
    type Coef = [f32; 3];

    fn prepare(&self, at: Step, _scalars: &mut [f64]) -> [f32; 3] {
        [at.lr as f32, (1.0 - self.beta1) as f32, (1.0 - self.beta2) as f32]
    }

    #[inline(always)]
    fn update([lr, gain1, gain2]: [f32; 3], w: f32, g: f32, s: &mut [f32]) -> f32 {
        let mix = s[0] + gain1 * (g - s[0]);
        // `signum` of 0 is 1, and would move a weight without a gradient.
        let step = if mix == 0.0 { 0.0 } else { lr.copysign(mix) };
        s[0] += gain2 * (g - s[0]);
        w - step
    }
}
