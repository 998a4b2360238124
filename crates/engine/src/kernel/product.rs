//! Matrix product of panels: forward passes, and gradients of inputs.

use super::{LANES, Lanes, Task, isa::prefetch, panels};

/// `out ← bias + a · b`: `a` (B, K) in panels, `b` (K, O) in panels of its outputs, `out` (B, O) in panels.
pub(crate) struct Product<'a> {
    /// Left factor, `[K / 16][B][16]`.
    pub(crate) a: &'a [Lanes],
    /// Right factor, one output panel every `stride`: K rows, and behind them the bias if there is one.
    pub(crate) b: &'a [Lanes],
    /// Rows from one output panel of `b` to the next.
    pub(crate) stride: usize,
    /// K, padded to whole panels.
    pub(crate) depth: usize,
    /// True if `b` ends with a bias row.
    pub(crate) bias: bool,
    /// B.
    pub(crate) rows: usize,
    /// Result, `[O / 16][B][16]`; overwritten.
    pub(crate) out: &'a mut [Lanes],
}

/// Input panels summed in one go: their share of `b` (16 KiB at most) then stays in the first-level cache.
const BLOCK: usize = 4;

/// Rows from which on it is worth to ask for the next block: a few are done before it comes.
const MANY: usize = 48;

/// Most rows in a register tile: 6 rows of one panel (four with AVX-512) leave registers for `a` and `b`.
const TILE: usize = 6;

impl Task for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(mut self) {
        let outputs = self.out.len() / self.rows;
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

impl<'a> Product<'a> {
    /// `P` output panels from `panel` on: their sums stay in the second-level cache from block to block.
    #[inline(always)]
    fn panels<const FMA: bool, const P: usize>(&mut self, panel: usize) {
        let (inputs, outputs) = (self.depth / LANES, self.out.len() / self.rows);
        for from in (0..inputs).step_by(BLOCK) {
            let to = inputs.min(from + BLOCK);
            let next = if to < inputs { (panel, to) } else { (panel + P, 0) };
            let ahead = std::array::from_fn(|p| {
                let wanted = self.rows >= MANY && next.0 + p < outputs;
                let length = (inputs - next.1).min(BLOCK) * LANES;
                if wanted { &self.b[(next.0 + p) * self.stride + next.1 * LANES..][..length] } else { &[] }
            });
            self.rows::<FMA, P>(panel, from..to, &ahead);
        }
    }

    /// `P` output panels from `panel` on, for all rows, in tiles of nearly equal height: no row is left over
    /// to run alone, where it would wait for the latency of each addition. Meanwhile the next block of `b`,
    /// `ahead`, is asked for: without that, the first tile of each block waits for memory.
    #[inline(always)]
    fn rows<const FMA: bool, const P: usize>(
        &mut self,
        panel: usize,
        block: std::ops::Range<usize>,
        ahead: &[&'a [Lanes]; P],
    ) {
        let tiles = self.rows.div_ceil(TILE);
        let (height, higher) = (self.rows / tiles, self.rows % tiles);
        let share = (BLOCK * LANES).div_ceil(tiles);
        let mut row = 0;
        for number in 0..tiles {
            for ahead in ahead {
                ahead.iter().skip(number * share).take(share).for_each(prefetch);
            }
            let rows = height + usize::from(number < higher);
            match rows {
                1 => self.tile::<FMA, 1, P>(panel, row, &block),
                2 => self.tile::<FMA, 2, P>(panel, row, &block),
                3 => self.tile::<FMA, 3, P>(panel, row, &block),
                4 => self.tile::<FMA, 4, P>(panel, row, &block),
                5 => self.tile::<FMA, 5, P>(panel, row, &block),
                TILE => self.tile::<FMA, TILE, P>(panel, row, &block),
                _ => unreachable!("a tile has 1 to {TILE} rows"),
            }
            row += rows;
        }
    }

    #[inline(always)]
    fn tile<const FMA: bool, const M: usize, const P: usize>(
        &mut self,
        panel: usize,
        row: usize,
        block: &std::ops::Range<usize>,
    ) {
        let mut sums = [[Lanes::ZERO; P]; M]; // (M, 16 · P)
        if block.start > 0 {
            // A slice for each panel, so that bounds are checked once and not for each sum.
            for p in 0..P {
                let out: &[Lanes; M] = self.out[(panel + p) * self.rows + row..].first_chunk().expect("M sums");
                for (sums, out) in sums.iter_mut().zip(out) {
                    sums[p] = *out;
                }
            }
        } else if self.bias {
            sums = [std::array::from_fn(|p| self.b[(panel + p) * self.stride + self.depth]); M];
        }
        for k in block.clone() {
            let a: &[Lanes; M] = self.a[k * self.rows + row..].first_chunk().expect("M rows of `a`"); // (M, 16)
            let b: [&[Lanes; LANES]; P] = std::array::from_fn(|p| {
                self.b[(panel + p) * self.stride + k * LANES..].first_chunk().expect("16 rows of `b`")
            }); // (16, 16 · P)
            for lane in 0..LANES {
                let b: [Lanes; P] = std::array::from_fn(|p| b[p][lane]);
                for (a, sums) in a.iter().zip(&mut sums) {
                    for (b, sum) in b.iter().zip(sums) {
                        sum.add_product::<FMA>(a.0[lane], b);
                    }
                }
            }
        }
        for p in 0..P {
            let out: &mut [Lanes; M] = self.out[(panel + p) * self.rows + row..].first_chunk_mut().expect("M sums");
            for (out, sums) in out.iter_mut().zip(&sums) {
                *out = sums[p];
            }
        }
    }
}

/// Writes the transpose of weights, so that a gradient of inputs is a [`Product`] too.
pub(crate) struct Transpose<'a> {
    /// Weights (I, O): an output panel every `stride`, a row for each input.
    pub(crate) w: &'a [Lanes],
    /// Rows from one output panel of `w` to the next.
    pub(crate) stride: usize,
    /// O.
    pub(crate) outputs: usize,
    /// First input panel to write.
    pub(crate) first: usize,
    /// `[I / 16][O padded][16]` from panel `first` on; overwritten.
    pub(crate) out: &'a mut [Lanes],
}

impl Task for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(self) {
        let height = panels(self.outputs) * LANES;
        for (panel, out) in self.out.chunks_exact_mut(height).enumerate() {
            for (o, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let from = o * self.stride + (self.first + panel) * LANES;
                let w: &[Lanes; LANES] = self.w[from..].first_chunk().expect("16 inputs of `w`");
                for (i, w) in w.iter().enumerate() {
                    for (o, out) in out.iter_mut().enumerate() {
                        out.0[i] = w.0[o];
                    }
                }
            }
        }
    }
}
