//! The end of the network: softmax, loss, and the gradient of the scores.

use super::elementwise::clear_padding;
use super::{Lanes, math, panels, place};
use crate::loss::Loss;

/// Most classes.
pub(crate) const MAX_CLASSES: usize = 256;

/// What one chunk of a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Sum over the rows of the loss.
    pub loss: f64,
    /// Rows whose highest score is their label's; the first of equal scores counts.
    pub correct: u64,
    /// Rows.
    pub rows: u64,
}

impl Tally {
    /// Adds what another chunk came to.
    pub fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.rows += other.rows;
    }

    /// Mean loss.
    pub fn mean_loss(self) -> f64 {
        self.loss / self.rows as f64
    }

    /// Share of rows that were right, in `[0, 1]`.
    pub fn accuracy(self) -> f64 {
        self.correct as f64 / self.rows as f64
    }
}

/// Reads the scores of row `row` into `to`, as many as there are classes.
pub(crate) fn read_row(scores: &[Lanes], row: usize, rows: usize, to: &mut [f32]) {
    for (class, to) in to.iter_mut().enumerate() {
        let (at, lane) = place(class, row, rows);
        *to = scores[at].0[lane];
    }
}

/// Turns scores into probabilities, `e^(s − max) / Σ`, and returns `ln Σ e^s − max` and the place of the first maximum.
///
/// Subtracting each row's own maximum keeps every exponent at or below 0: no score is too large.
pub(crate) fn softmax(scores: &mut [f32]) -> (f32, usize) {
    let (mut top, mut best) = (scores[0], 0);
    for (class, &score) in scores.iter().enumerate() {
        if score > top {
            (top, best) = (score, class);
        }
    }
    let mut total = 0.0;
    for score in scores.iter_mut() {
        *score = math::exp(*score - top);
        total += *score;
    }
    for score in scores.iter_mut() {
        *score /= total;
    }
    (math::ln(total), best)
}

/// Evaluates a chunk: writes the gradient of the mean loss over `batch` rows into `d`, which may be empty.
pub(crate) fn evaluate(
    loss: &dyn Loss,
    classes: usize,
    scores: &[Lanes],
    labels: impl ExactSizeIterator<Item = u8>,
    batch: usize,
    d: &mut [Lanes],
) -> Tally {
    let rows = labels.len();
    let scale = 1.0 / batch as f32;
    let mut tally = Tally { rows: rows as u64, ..Tally::default() };
    let mut buffers = [[0.0; MAX_CLASSES]; 2];
    let [row_scores, gradient] = &mut buffers;
    let (row_scores, gradient) = (&mut row_scores[..classes], &mut gradient[..classes]);
    for (row, label) in labels.enumerate() {
        let label = usize::from(label);
        read_row(scores, row, rows, row_scores);
        let score = row_scores[label];
        let top = row_scores.iter().copied().fold(f32::MIN, f32::max);
        let (log_total, best) = softmax(row_scores);
        let surprise = log_total - (score - top);
        tally.correct += u64::from(best == label && score.is_finite());
        tally.loss += f64::from(loss.row(row_scores, surprise, label, gradient));
        if !d.is_empty() {
            for (class, g) in gradient.iter().enumerate() {
                let (at, lane) = place(class, row, rows);
                d[at].0[lane] = g * scale;
            }
        }
    }
    if !d.is_empty() {
        // A batch of another length may have left gradients of other classes there.
        clear_padding(&mut d[(panels(classes) - 1) * rows..], classes);
    }
    tally
}
