//! Nesterov's accelerated gradient (Sutskever et al., 2013).

use serde::{Deserialize, Serialize};

use super::{Rule, Step};

/// Nesterov's accelerated gradient: `v ← μv + g`, `w ← w − lr · (g + μv)`.
///
/// Sutskever et al. (2013), *On the Importance of Initialization and Momentum in Deep Learning*, in the shifted form of PyTorch: `w` is the
/// point that already looked ahead, so the gradient is taken there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nag {
    /// μ, the share of the previous step that is kept; in `[0, 1)`.
    pub momentum: f64,
}

impl Default for Nag {
    fn default() -> Self {
        Self { momentum: 0.9 }
    }
}

impl Rule for Nag {
    const SLOTS: usize = 1;
    const LEARNING_RATE: f64 = 0.05;
    type Coef = [f32; 2];

    fn prepare(&self, at: Step, _scalars: &mut [f64]) -> [f32; 2] {
        [at.lr as f32, self.momentum as f32]
    }

    #[inline(always)]
    fn update([lr, mu]: [f32; 2], w: f32, g: f32, s: &mut [f32]) -> f32 {
        s[0] = mu * s[0] + g;
        w - lr * (g + mu * s[0])
    }
}
