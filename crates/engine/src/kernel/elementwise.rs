//! Activations over panels: a scalar function inlined into a pass compiled for each instruction set.

use super::{LANES, Lanes, Task};
use crate::activation::Elementwise;

/// `y ← f(y)`, keeping what was there in `z` where the derivative needs it, and zero past the last output.
pub(crate) struct Forward<'a, F> {
    /// The function.
    pub(crate) f: &'a F,
    /// Pre-activations, then activations: whole panels of `rows` rows.
    pub(crate) y: &'a mut [Lanes],
    /// Pre-activations, as long as `y`, or empty.
    pub(crate) z: &'a mut [Lanes],
}

impl<F: Elementwise> Task for Forward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(self) {
        if F::NEEDS_INPUT {
            self.z.copy_from_slice(self.y);
        }
        for y in self.y {
            for y in &mut y.0 {
                *y = self.f.f(*y);
            }
        }
    }
}

/// `d ← d · f'`: turns the gradient of activations into that of pre-activations.
pub(crate) struct Backward<'a, F> {
    /// The function.
    pub(crate) f: &'a F,
    /// Activations.
    pub(crate) y: &'a [Lanes],
    /// Pre-activations, or empty.
    pub(crate) z: &'a [Lanes],
    /// Gradient.
    pub(crate) d: &'a mut [Lanes],
}

impl<F: Elementwise> Task for Backward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(self) {
        let z = if F::NEEDS_INPUT { self.z } else { self.y };
        for ((d, y), z) in self.d.iter_mut().zip(self.y).zip(z) {
            for ((d, &y), &z) in d.0.iter_mut().zip(&y.0).zip(&z.0) {
                *d *= self.f.df(z, y);
            }
        }
    }
}

/// Sets the lanes past feature `width` to 0 in the last of its panels, so that they stay out of every sum.
pub(crate) fn clear_padding(last_panel: &mut [Lanes], width: usize) {
    if !width.is_multiple_of(LANES) {
        for lanes in last_panel {
            lanes.0[width % LANES..].fill(0.0);
        }
    }
}
