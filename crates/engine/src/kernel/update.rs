//! Weight gradients, tile by tile: summed over the chunks of a batch, then applied to the weights in the same pass.

use std::ops::Range;

use super::{LANES, Lanes, Task, outer::Outer, outer::Sink};
use crate::optim::{MAX_SLOTS, Rule};

// Flush-to-zero thresholds. Numbers below 10⁻³⁸ are subnormal, and an operation on one takes about a hundred cycles. L2 and dead pixels
// produce thousands of them: without these two thresholds the tenth epoch takes five times as long as the
// first. Gradients below the first would make subnormal squares, times 1 − β₂. What is below the second moves
// no weight, as `optim::ratio` divides by at least 10⁻¹³; only lion would see its sign, and stops a little sooner.

/// Gradients count as 0 below this.
const NEGLIGIBLE_GRADIENT: f32 = 1e-17;

/// Values an optimizer remembers count as 0 below this.
pub(crate) const NEGLIGIBLE_MEMORY: f32 = 1e-30;

/// Operands of one layer's weight gradient `xᵀ·d`: its inputs and the gradient of its outputs.
#[derive(Clone, Copy)]
pub(crate) struct Gradient<'a> {
    /// Inputs (B, I) in panels.
    pub(crate) x: &'a [Lanes],
    /// Gradient of outputs (B, O) in panels: of the layer, or of a share.
    pub(crate) d: &'a [Lanes],
    /// B.
    pub(crate) rows: usize,
    /// Rows of parameters in an output panel: I padded, and the bias.
    pub(crate) plane: usize,
}

impl Gradient<'_> {
    /// The part for the output panels `range`.
    pub(crate) fn share(self, range: &Range<usize>) -> Self {
        let Self { x, d, rows, plane } = self;
        Self { x: &x[..plane / LANES * rows], d: &d[range.start * rows..range.end * rows], rows, plane }
    }
}

/// Adds a chunk's gradient to `sum`, or begins it.
pub(crate) struct Accumulate<'a> {
    /// Operands of the gradient.
    pub(crate) gradient: Gradient<'a>,
    /// Gradient so far: a plane for each output panel of the share.
    pub(crate) sum: &'a mut [Lanes],
    /// True for the first chunk, which overwrites `sum`.
    pub(crate) first: bool,
}

impl Task for Accumulate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(self) {
        let Gradient { x, d, rows, plane } = self.gradient;
        let sink = Adder { sum: self.sum, plane, first: self.first };
        Outer { x, d, rows, sink }.run::<FMA, P>();
    }
}

struct Adder<'a> {
    sum: &'a mut [Lanes],
    plane: usize,
    first: bool,
}

impl Sink for Adder<'_> {
    #[inline(always)]
    fn take(&mut self, panel: usize, row: usize, g: &mut [Lanes]) {
        for (sum, g) in self.sum[panel * self.plane + row..].iter_mut().zip(g) {
            if !self.first {
                g.add(sum);
            }
            *sum = *g;
        }
    }
}

/// Fused gradient and update of a thread's output panels: each tile of weights is updated as soon as its gradient is computed.
pub(crate) struct FusedUpdate<'a, R: Rule> {
    /// Operands of the gradient of the last (or only) chunk.
    pub(crate) gradient: Gradient<'a>,
    /// Gradient of the earlier chunks, or empty.
    pub(crate) sum: &'a [Lanes],
    /// Weights, and behind them the rule's memory: `1 + SLOTS` planes for each output panel of the share.
    pub(crate) parameters: &'a mut [Lanes],
    /// Per-step coefficients of the rule.
    pub(crate) coef: R::Coef,
    /// Added to a weight's gradient for each unit of the weight, L2.
    pub(crate) penalty: f32,
    /// Factor of each weight before the step: decoupled weight decay.
    pub(crate) shrink: f32,
}

impl<R: Rule> Task for FusedUpdate<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(self) {
        let Self { gradient: Gradient { x, d, rows, plane }, sum, parameters, coef, penalty, shrink } = self;
        let sink = Mover::<R> { sum, parameters, plane, coef, penalty, shrink };
        Outer { x, d, rows, sink }.run::<FMA, P>();
    }
}

/// Moves the parameters of a layer whose whole gradient is known already.
pub(crate) struct Settle<'a, R: Rule> {
    /// Gradient: a plane for each output panel.
    pub(crate) gradient: &'a [Lanes],
    /// Weights, and behind them the rule's memory: `1 + SLOTS` planes for each output panel.
    pub(crate) parameters: &'a mut [Lanes],
    /// Rows of parameters in an output panel: I padded, and the bias.
    pub(crate) plane: usize,
    /// Per-step coefficients of the rule.
    pub(crate) coef: R::Coef,
    /// As in [`FusedUpdate`].
    pub(crate) penalty: f32,
    /// As in [`FusedUpdate`].
    pub(crate) shrink: f32,
    /// True if only the biases are updated.
    pub(crate) bias_alone: bool,
}

impl<R: Rule> Task for Settle<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(self) {
        let Self { gradient, parameters, plane, coef, penalty, shrink, bias_alone } = self;
        let mut mover = Mover::<R> { sum: gradient, parameters, plane, coef, penalty, shrink };
        let bias = plane - 1;
        for panel in 0..gradient.len() / plane {
            for row in (if bias_alone { bias } else { 0 }..bias).step_by(LANES) {
                mover.take(panel, row, &mut [Lanes::ZERO; LANES]);
            }
            mover.take(panel, bias, &mut [Lanes::ZERO]);
        }
    }
}

struct Mover<'a, R: Rule> {
    sum: &'a [Lanes],
    parameters: &'a mut [Lanes],
    plane: usize,
    coef: R::Coef,
    penalty: f32,
    shrink: f32,
}

impl<R: Rule> Sink for Mover<'_, R> {
    /// The weights, and what the rule remembers of them.
    #[inline(always)]
    fn ahead(&self, panel: usize, row: usize, part: usize) -> &[Lanes] {
        if part > R::SLOTS {
            return &[];
        }
        &self.parameters[(panel * (1 + R::SLOTS) + part) * self.plane + row..][..LANES]
    }

    #[inline(always)]
    fn take(&mut self, panel: usize, row: usize, g: &mut [Lanes]) {
        if !self.sum.is_empty() {
            for (g, sum) in g.iter_mut().zip(&self.sum[panel * self.plane + row..]) {
                g.add(sum);
            }
        }
        // The bias is the last row of a plane, and no decay touches it.
        let decays = row + 1 < self.plane;
        let (penalty, shrink) = if decays { (self.penalty, self.shrink) } else { (0.0, 1.0) };
        let panel = &mut self.parameters[panel * (1 + R::SLOTS) * self.plane..][..(1 + R::SLOTS) * self.plane];
        let (weights, memory) = panel.split_at_mut(self.plane);
        for (i, (w, g)) in weights[row..].iter_mut().zip(g).enumerate() {
            // Copies in registers: the compiler then knows that nothing overlaps.
            let mut slots = [Lanes::ZERO; MAX_SLOTS];
            for (slot, from) in slots.iter_mut().zip(memory.chunks_exact(self.plane)) {
                *slot = from[row + i];
            }
            for lane in 0..w.0.len() {
                let mut remembered: [f32; MAX_SLOTS] = std::array::from_fn(|slot| slots[slot].0[lane]);
                let gradient = g.0[lane] + penalty * w.0[lane];
                let gradient = if gradient.abs() < NEGLIGIBLE_GRADIENT { 0.0 } else { gradient };
                w.0[lane] = R::update(self.coef, shrink * w.0[lane], gradient, &mut remembered[..R::SLOTS]);
                for (slot, value) in slots.iter_mut().zip(remembered).take(R::SLOTS) {
                    slot.0[lane] = if value.abs() < NEGLIGIBLE_MEMORY { 0.0 } else { value };
                }
            }
            for (slot, to) in slots.iter().zip(memory.chunks_exact_mut(self.plane)) {
                to[row + i] = *slot;
            }
        }
    }
}
