//! Softmax, loss, and the gradient of the loss with respect to the scores.

use super::{LANES, Lanes, Task, math, panels};
use crate::loss::Loss;

/// Most classes.
pub(crate) const MAX_CLASSES: usize = 256;

/// Summed loss and number of correct predictions of one or more batches.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatchStats {
    /// Sum over the rows of the loss.
    pub loss: f64,
    /// Rows whose highest score is their label's; the first of equal scores counts.
    pub correct: u64,
    /// Rows.
    pub rows: u64,
}

impl BatchStats {
    /// Adds the sums of another batch.
    pub fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.rows += other.rows;
    }

    /// Mean loss per row; NaN without rows.
    pub fn mean_loss(self) -> f64 {
        self.loss / self.rows as f64
    }

    /// Accuracy: share of rows predicted correctly, in `[0, 1]`; NaN without rows.
    pub fn accuracy(self) -> f64 {
        self.correct as f64 / self.rows as f64
    }
}

/// A row's values for each class, in whole panels.
type Row = [[f32; LANES]; panels(MAX_CLASSES)];

/// Reads the scores of row `row` into `to`, as many panels as there are; what pads the classes is −∞, so that
/// its probability is nothing.
#[inline(always)]
fn read_row(scores: &[Lanes], classes: usize, row: usize, rows: usize, to: &mut Row) {
    for (panel, to) in to.iter_mut().take(panels(classes)).enumerate() {
        *to = scores[panel * rows + row].0;
    }
    to.as_flattened_mut()[classes..panels(classes) * LANES].fill(f32::NEG_INFINITY);
}

/// Turns scores into probabilities, `e^(s − max) / Σ`, and returns `max`, `ln Σ e^(s − max)` and the
/// place of the first maximum.
///
/// Subtracting each row's own maximum keeps every exponent at or below 0: no score is too large.
#[inline(always)]
pub(crate) fn softmax(scores: &mut [f32]) -> (f32, f32, usize) {
    let top = scores.iter().copied().fold(f32::MIN, |top, score| if score > top { score } else { top });
    let best = scores.iter().position(|&score| score == top).unwrap_or_default();
    for score in scores.iter_mut() {
        *score = math::exp(*score - top);
    }
    let total: f32 = scores.iter().sum();
    for score in scores.iter_mut() {
        *score /= total;
    }
    (top, math::ln(total), best)
}

/// Probabilities (B, C) of a chunk's scores, added to `to` row by row.
pub(crate) fn probabilities(scores: &[Lanes], classes: usize, rows: usize, to: &mut Vec<f32>) {
    let mut buffer: Row = [[0.0; LANES]; panels(MAX_CLASSES)];
    for row in 0..rows {
        read_row(scores, classes, row, rows, &mut buffer);
        let row = &mut buffer.as_flattened_mut()[..classes];
        softmax(row);
        to.extend_from_slice(row);
    }
}

/// Evaluates a chunk: its loss and hits, and the gradient of the scores.
pub(crate) struct SoftmaxLoss<'a> {
    /// The loss.
    pub(crate) loss: &'a dyn Loss,
    /// C.
    pub(crate) classes: usize,
    /// Scores (B, C) in panels.
    pub(crate) scores: &'a [Lanes],
    /// Labels of the whole data set.
    pub(crate) labels: &'a [u8],
    /// Rows of the data set in this chunk (B).
    pub(crate) rows: &'a [u32],
    /// Rows over whose mean the gradient is taken.
    pub(crate) batch: usize,
    /// Gradient (B, C) in panels, or empty; overwritten.
    pub(crate) d: &'a mut [Lanes],
    /// Images of each class taken for each class (C, C), true classes first, or empty; added to. An image whose
    /// own class has no finite score is in none.
    pub(crate) confusion: &'a mut [u64],
}

impl Task for SoftmaxLoss<'_> {
    type Output = BatchStats;

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(self) -> BatchStats {
        let Self { loss, classes, scores, labels, rows: chunk, batch, d, confusion } = self;
        let (rows, width) = (chunk.len(), panels(classes) * LANES);
        let scale = 1.0 / batch as f32;
        let mut tally = BatchStats { rows: rows as u64, ..BatchStats::default() };
        let mut buffers: [Row; 2] = [[[0.0; LANES]; panels(MAX_CLASSES)]; 2];
        let [p, gradient] = &mut buffers;
        for (row, &image) in chunk.iter().enumerate() {
            let label = usize::from(labels[image as usize]);
            read_row(scores, classes, row, rows, p);
            let p = p.as_flattened_mut();
            let score = p[label];
            let (top, log_total, best) = softmax(&mut p[..width]);
            let surprise = log_total - (score - top);
            tally.correct += u64::from(best == label && score.is_finite());
            if !confusion.is_empty() {
                confusion[label * classes + best] += u64::from(score.is_finite());
            }
            tally.loss +=
                f64::from(loss.row(&p[..classes], surprise, label, &mut gradient.as_flattened_mut()[..classes]));
            if !d.is_empty() {
                // Past the last class the gradient stays 0.
                for (panel, gradient) in gradient[..width / LANES].iter().enumerate() {
                    d[panel * rows + row] = Lanes(gradient.map(|g| g * scale));
                }
            }
        }
        tally
    }
}
