//! Sums, colors and cell descriptions of a confusion matrix.

use std::cmp::Reverse;

use crate::color::{BLUE, Color, EMPTY, PAPER, VERMILION};
use crate::text::percent;
use crate::words::grouped;

/// Counts with the sums that are shown beside them.
pub(crate) struct Matrix<'a> {
    pub classes: &'a [String],
    pub counts: &'a [Vec<u64>],
    /// Images of each true class (n).
    pub rows: Vec<u64>,
    /// Images taken for each class (n).
    pub columns: Vec<u64>,
    /// Largest share of a row [0, 1] that is wrong in one cell, rounded up to whole percents.
    pub worst: f64,
}

impl<'a> Matrix<'a> {
    pub(crate) fn new(classes: &'a [String], counts: &'a [Vec<u64>]) -> Self {
        let n = classes.len();
        let rows: Vec<u64> = counts.iter().map(|row| row.iter().sum()).collect();
        let columns = (0..n).map(|p| counts.iter().map(|row| row[p]).sum()).collect();
        let wrong = (0..n).flat_map(|t| (0..n).filter(move |&p| p != t).map(move |p| (t, p)));
        let worst = wrong.map(|(t, p)| share(counts[t][p], rows[t])).fold(0.0, f64::max);
        Self { classes, counts, rows, columns, worst: ((worst * 100.0).ceil() / 100.0).max(0.01) }
    }

    /// Color of a cell.
    pub(crate) fn color(&self, t: usize, p: usize) -> Color {
        match share(self.counts[t][p], self.rows[t]) {
            0.0 => EMPTY,
            share if t == p => right(share),
            share => wrong(share / self.worst),
        }
    }

    /// A cell in words.
    pub(crate) fn sentence(&self, t: usize, p: usize) -> String {
        let (count, images) = (self.counts[t][p], self.rows[t]);
        let [of, share] = [grouped(images), percent(count, images, 1)];
        format!("{} taken for {}, {} of {of} ({share})", self.classes[t], self.classes[p], grouped(count))
    }

    pub(crate) fn caption(&self) -> String {
        let total: u64 = self.rows.iter().sum();
        let right: u64 = (0..self.classes.len()).map(|i| self.counts[i][i]).sum();
        let accuracy = format!("accuracy {}, {} of {} right", percent(right, total, 1), grouped(right), grouped(total));
        let cells =
            self.counts.iter().enumerate().flat_map(|(t, row)| row.iter().enumerate().map(move |(p, &c)| (c, t, p)));
        let mistakes = cells.filter(|&(count, t, p)| t != p && count > 0);
        match mistakes.max_by_key(|&(count, t, p)| (count, Reverse((t, p)))) {
            Some((_, t, p)) => format!("{accuracy} · most frequent mistake: {}", self.sentence(t, p)),
            None => accuracy,
        }
    }
}

/// Color of a diagonal cell with this recall [0, 1].
pub(crate) fn right(share: f64) -> Color {
    PAPER.mix(BLUE, 0.1 + 0.9 * share)
}

/// Color of a mistake at this part [0, 1] of the scale; steep at first, so that rare mistakes show.
pub(crate) fn wrong(part: f64) -> Color {
    PAPER.mix(VERMILION, 0.08 + 0.92 * libm::pow(part, 0.7))
}

/// Part [0, 1] of a whole; 0 of none.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caption_says_what_matters() {
        let classes = ["cat", "dog", "cow"].map(str::to_owned);
        let caption = |counts: [[u64; 3]; 3]| Matrix::new(&classes, &counts.map(Vec::from)).caption();
        assert_eq!(
            caption([[8, 0, 2], [2, 7, 1], [0, 0, 5]]),
            "accuracy 80.0%, 20 of 25 right · most frequent mistake: cat taken for cow, 2 of 10 (20.0%)"
        );
        assert_eq!(caption([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), "accuracy 100.0%, 3 of 3 right");
        assert_eq!(caption([[0; 3]; 3]), "accuracy –, 0 of 0 right");
    }
}
