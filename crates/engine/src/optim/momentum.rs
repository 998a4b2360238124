//! SGD with momentum (Polyak, 1964).

use serde::{Deserialize, Serialize};

use super::{Rule, Step};

/// SGD with momentum: `v ← μv + g`, `w ← w − lr · v`.
///
/// Polyak (1964), *Some Methods of Speeding up the Convergence of Iteration Methods*; in the form of PyTorch, the learning rate outside `v`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Momentum {
    /// μ, the share of the previous step that is kept; in `[0, 1)`.
    pub momentum: f64,
}

impl Default for Momentum {
    fn default() -> Self {
        Self { momentum: 0.9 }
    }
}

impl Rule for Momentum {
    const SLOTS: usize = 1;
    const LEARNING_RATE: f64 = 0.05;
    type Coef = [f32; 2];

    fn prepare(&self, at: Step, _scalars: &mut [f64]) -> [f32; 2] {
        [at.lr as f32, self.momentum as f32]
    }

    #[inline(always)]
    fn update([lr, mu]: [f32; 2], w: f32, g: f32, s: &mut [f32]) -> f32 {
        s[0] = mu * s[0] + g;
        w - lr * s[0]
    }
}
