//! Counts how often each unit of a layer is in a flat region of its activation (dead or saturated).

use super::{LANES, Lanes, Task};
use crate::activation::Flat;

/// Images for which each of a panel's units was flat.
///
/// A lane is counted for itself, also one that only pads the panel: whoever reads the counts takes those of real units.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
pub(crate) struct Counts(pub(crate) [u32; LANES]);

impl Counts {
    /// All zero.
    pub(crate) const ZERO: Self = Self([0; LANES]);
}

/// Adds to `counts` the images of a chunk for which each unit was flat.
pub(crate) struct Count<'a> {
    /// Flat regions of the activation.
    pub(crate) flat: Flat,
    /// Activations: whole panels of `rows` rows.
    pub(crate) y: &'a [Lanes],
    /// Rows of the chunk (B).
    pub(crate) rows: usize,
    /// One for each panel.
    pub(crate) counts: &'a mut [Counts],
}

impl Task for Count<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(self) {
        let Self { flat, y, rows, counts } = self;
        for (panel, counts) in y.chunks_exact(rows).zip(counts) {
            // One loop for each kind, so that what is asked of a number is known inside it.
            match flat {
                Flat::Zero => count(panel, counts, |y| y == 0.0),
                Flat::Ends(low, high) => count(panel, counts, |y| y < low || y > high),
            }
        }
    }
}

#[inline(always)]
fn count(panel: &[Lanes], counts: &mut Counts, is_flat: impl Fn(f32) -> bool) {
    let mut sums = counts.0;
    for y in panel {
        for (sum, &y) in sums.iter_mut().zip(&y.0) {
            *sum += u32::from(is_flat(y));
        }
    }
    counts.0 = sums;
}
