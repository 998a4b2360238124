//! Gradients of weights: `dW = xᵀ · d`, handed on tile by tile so that no gradient array is needed.

use super::{LANES, Lanes, Task};

/// Takes gradients of one layer: `rows` of the parameters of an output panel, from `row` on.
pub(crate) trait Sink {
    /// `g` is one or sixteen rows; a sink may change it.
    fn take(&mut self, panel: usize, row: usize, g: &mut [Lanes]);
}

/// `dW[i][o] = Σ_b x[b][i] · d[b][o]`, and below it the bias's `Σ_b d[b][o]`.
pub(crate) struct Outer<'a, S> {
    /// Inputs of the layer (B, I) in panels.
    pub(crate) x: &'a [Lanes],
    /// Gradient of its outputs (B, O) in panels: those that `sink` is to take.
    pub(crate) d: &'a [Lanes],
    /// B.
    pub(crate) rows: usize,
    /// What is done with each tile.
    pub(crate) sink: S,
}

impl<S: Sink> Task for Outer<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(mut self) {
        let outputs = self.d.len() / self.rows;
        let mut panel = 0;
        while panel + P <= outputs {
            self.panels::<FMA, P>(panel);
            panel += P;
        }
        while panel < outputs {
            self.panels::<FMA, 1>(panel);
            panel += 1;
        }
    }
}

impl<S: Sink> Outer<'_, S> {
    #[inline(always)]
    fn panels<const FMA: bool, const P: usize>(&mut self, panel: usize) {
        let d: [&[Lanes]; P] = std::array::from_fn(|p| &self.d[(panel + p) * self.rows..][..self.rows]);
        let mut g = [[Lanes::ZERO; LANES]; P];
        for (number, x) in self.x.chunks_exact(self.rows).enumerate() {
            // 16 inputs in three passes, whose sums fit into registers: 6, 5 or 5 inputs times P panels.
            tile::<FMA, 6, 0, P>(x, &d, &mut g);
            tile::<FMA, 5, 6, P>(x, &d, &mut g);
            tile::<FMA, 5, 11, P>(x, &d, &mut g);
            for (p, g) in g.iter_mut().enumerate() {
                self.sink.take(panel + p, number * LANES, g);
            }
        }
        let bias_row = self.x.len() / self.rows * LANES;
        for (p, d) in d.iter().enumerate() {
            let mut sum = Lanes::ZERO;
            for d in *d {
                sum.add(d);
            }
            self.sink.take(panel + p, bias_row, &mut [sum]);
        }
    }
}

/// `g[p][i] ← Σ_b x[b][i] · d[p][b]` for the `M` inputs from `FROM` on.
#[inline(always)]
fn tile<const FMA: bool, const M: usize, const FROM: usize, const P: usize>(
    x: &[Lanes],
    d: &[&[Lanes]; P],
    g: &mut [[Lanes; LANES]; P],
) {
    let mut sums = [[Lanes::ZERO; P]; M];
    for (b, x) in x.iter().enumerate() {
        let d: [Lanes; P] = std::array::from_fn(|p| d[p][b]);
        for (i, sums) in sums.iter_mut().enumerate() {
            for (d, sum) in d.iter().zip(sums) {
                sum.add_product::<FMA>(x.0[FROM + i], d);
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        for (p, sum) in sums.iter().enumerate() {
            g[p][FROM + i] = *sum;
        }
    }
}
