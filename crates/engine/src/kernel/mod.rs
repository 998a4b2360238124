//! The hot path: matrix products, the update of weights, and element-wise passes over panels.
//!
//! Every tensor lies in *panels* of [`LANES`] features, padded with zeros: feature `f` of row `b` is at
//! `[f / 16][b][f % 16]`. One layout serves as input and output of all three products of a layer, so nothing
//! is packed or repacked, and a row of a panel is one or two vector registers.
//!
//! `B` is the number of rows in a chunk of a batch, `I` and `O` the widths of a layer's input and output.
//! Work is split between threads by output panels only, and the additions for one element happen in an order
//! that depends on shapes alone: the bits are the same for any number of threads.

pub(crate) mod elementwise;
pub(crate) mod flat;
pub(crate) mod gather;
pub(crate) mod head;
mod isa;
pub(crate) mod math;
pub(crate) mod orthogonal;
pub(crate) mod outer;
pub(crate) mod product;
pub(crate) mod share;
pub(crate) mod team;
#[cfg(test)]
mod tests;
pub(crate) mod update;

pub use self::isa::Isa;
pub(crate) use self::isa::Task;

/// Features in a panel.
pub(crate) const LANES: usize = 16;

/// One row of a panel: [`LANES`] neighbouring features of one image, or outputs of one input.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Lanes(pub(crate) [f32; LANES]);

impl Lanes {
    /// All zero.
    pub(crate) const ZERO: Self = Self([0.0; LANES]);

    /// `self ← self + x · w`, rounded once where the instruction set can.
    #[inline(always)]
    pub(crate) fn add_product<const FMA: bool>(&mut self, x: f32, w: &Self) {
        for (sum, w) in self.0.iter_mut().zip(&w.0) {
            *sum = if FMA { x.mul_add(*w, *sum) } else { x * w + *sum };
        }
    }

    /// `self ← self + other`.
    #[inline(always)]
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, x) in self.0.iter_mut().zip(&other.0) {
            *sum += x;
        }
    }
}

/// Number of panels for `features`.
pub(crate) const fn panels(features: usize) -> usize {
    features.div_ceil(LANES)
}

/// Position of feature `feature` of row `row` in panels of `rows` rows: index of the `Lanes`, and lane within it.
#[cfg(test)]
pub(crate) const fn place(feature: usize, row: usize, rows: usize) -> (usize, usize) {
    (feature / LANES * rows + row, feature % LANES)
}
