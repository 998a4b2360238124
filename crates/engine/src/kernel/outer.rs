//! Gradients of weights: `dW = xᵀ · d`, handed on tile by tile so that no gradient array is needed.

use super::{LANES, Lanes, Task, isa::prefetch};

/// Takes gradients of one layer: `rows` of the parameters of an output panel, from `row` on.
pub(crate) trait Sink {
    /// `g` is one or sixteen rows; a sink may change it.
    fn take(&mut self, panel: usize, row: usize, g: &mut [Lanes]);

    /// Part `part` of the memory that `take` will read for the sixteen rows from `row` on, to prefetch it; may be empty.
    #[inline(always)]
    fn ahead(&self, _panel: usize, _row: usize, _part: usize) -> &[Lanes] {
        &[]
    }
}

/// `dW[i][o] = Σ_b x[b][i] · d[b][o]`, and below it the bias's `Σ_b d[b][o]`.
pub(crate) struct Outer<'a, S> {
    /// Inputs of the layer (B, I) in panels.
    pub(crate) x: &'a [Lanes],
    /// Gradient of its outputs (B, O) in panels: those that `sink` is to take.
    pub(crate) d: &'a [Lanes],
    /// B.
    pub(crate) rows: usize,
    /// Receiver of each finished tile.
    pub(crate) sink: S,
}

/// Rows summed in one go: their share of `d` and of one panel of `x` (20 KiB at most) then stays in the first-level cache.
const BLOCK: usize = 64;

/// Rows from one line asked for to the next: all at once would fill the queue of the first-level cache.
const SPREAD: usize = BLOCK / LANES;

/// Input panels whose sums wait for the next block of rows.
const GROUP: usize = 4;

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
        while P > 2 && panel + 2 <= outputs {
            self.panels::<FMA, 2>(panel);
            panel += 2;
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
        let mut g = [[[Lanes::ZERO; LANES]; P]; GROUP];
        let group = if self.rows > BLOCK { GROUP } else { 1 };
        for (first, x) in self.x.chunks(group * self.rows).enumerate() {
            for (number, from) in (0..self.rows).step_by(BLOCK).enumerate() {
                let block = from..self.rows.min(from + BLOCK);
                let d: [&[Lanes]; P] = std::array::from_fn(|p| &d[p][block.clone()]);
                for (input, (x, g)) in x.chunks_exact(self.rows).zip(&mut g).enumerate() {
                    // 16 inputs in three passes, whose sums fit into registers: 6, 5 or 5 inputs times P panels.
                    // With many rows, each asks for sixteen rows of what the sink will change.
                    let ahead = |pass| {
                        let (row, number) = ((first * group + input) * LANES, 3 * number + pass);
                        if group > 1 { self.sink.ahead(panel + number % P, row, number / P) } else { &[] }
                    };
                    let x = &x[block.clone()];
                    tile::<FMA, 6, 0, P>(x, &d, g, from == 0, ahead(0));
                    tile::<FMA, 5, 6, P>(x, &d, g, from == 0, ahead(1));
                    tile::<FMA, 5, 11, P>(x, &d, g, from == 0, ahead(2));
                }
            }
            for (number, g) in g.iter_mut().take(x.len() / self.rows).enumerate() {
                for (p, g) in g.iter_mut().enumerate() {
                    self.sink.take(panel + p, (first * group + number) * LANES, g);
                }
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

/// `g[p][i] ← g[p][i] + Σ_b x[b][i] · d[p][b]` for the `M` inputs from `FROM` on; `first`: `g` begins at 0.
/// Meanwhile the lines of `ahead` are asked for.
#[inline(always)]
fn tile<const FMA: bool, const M: usize, const FROM: usize, const P: usize>(
    x: &[Lanes],
    d: &[&[Lanes]; P],
    g: &mut [[Lanes; LANES]; P],
    first: bool,
    ahead: &[Lanes],
) {
    let mut sums = [[Lanes::ZERO; P]; M];
    if !first {
        sums = std::array::from_fn(|i| std::array::from_fn(|p| g[p][FROM + i]));
    }
    for (b, x) in x.iter().enumerate() {
        if b % SPREAD == 0
            && let Some(line) = ahead.get(b / SPREAD)
        {
            prefetch(line);
        }
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
