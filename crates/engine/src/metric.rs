//! Figures of a classifier: what it confuses, how sure it is, and how far its accuracy can be trusted.
//!
//! `C` is the number of classes, `counts[t][p]` how many images of class `t` were taken for `p`. What is
//! undefined, such as the precision of a class that was never predicted, is `None`.

use serde::{Deserialize, Serialize};

/// Confusion matrix: `counts[t][p]` images of class `t` were taken for class `p`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion {
    /// Counts (C, C), true classes first.
    pub counts: Vec<Vec<u64>>,
}

/// Figures of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Class {
    /// Share of the predictions of this class that are right, `tp / (tp + fp)`; none without predictions.
    pub precision: Option<f64>,
    /// Share of the images of this class that were found, `tp / (tp + fn)`; none without images.
    pub recall: Option<f64>,
    /// Harmonic mean of both, `2tp / (2tp + fp + fn)`; none without images and predictions.
    pub f1: Option<f64>,
    /// Number of images of this class.
    pub support: u64,
}

/// Images of one class that were taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The true class.
    pub truth: usize,
    /// Predicted class.
    pub predicted: usize,
    /// Number of images.
    pub count: u64,
    /// Number of images with the reverse mistake.
    pub reverse: u64,
}

impl Pair {
    /// True if these mistakes go mostly in one direction: at least three times as many as the reverse.
    pub fn is_one_way(self) -> bool {
        self.count >= 3 * self.reverse
    }
}

/// Statistics of the mistakes, by the predicted probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// Number of mistakes.
    pub count: u64,
    /// Number of mistakes with the true class as the second most probable.
    pub true_second: u64,
    /// Number of confident mistakes, with a probability above 95 %.
    pub sure: u64,
}

impl Confusion {
    /// Counts pairs of true and predicted class, each below `classes`.
    pub fn new(classes: usize, outcomes: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut counts = vec![vec![0; classes]; classes];
        for (truth, predicted) in outcomes {
            counts[truth][predicted] += 1;
        }
        Self { counts }
    }

    /// Number of images.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Number of images that were taken for what they are.
    pub fn correct(&self) -> u64 {
        self.counts.iter().enumerate().map(|(class, row)| row[class]).sum()
    }

    /// Share of images that were taken for what they are; none without images.
    pub fn accuracy(&self) -> Option<f64> {
        share(self.correct(), self.total())
    }

    /// Figures of class `class`.
    pub fn class(&self, class: usize) -> Class {
        let right = self.counts[class][class];
        let support = self.counts[class].iter().sum();
        let predicted = self.counts.iter().map(|row| row[class]).sum();
        Class {
            precision: share(right, predicted),
            recall: share(right, support),
            f1: share(2 * right, support + predicted),
            support,
        }
    }

    /// Every pair of classes that was confused, the most frequent first, of equals in the order of classes.
    pub fn pairs(&self) -> Vec<Pair> {
        let classes = self.counts.len();
        let cells = (0..classes).flat_map(|truth| (0..classes).map(move |predicted| (truth, predicted)));
        let mut pairs: Vec<Pair> = cells
            .filter(|(truth, predicted)| truth != predicted && self.counts[*truth][*predicted] > 0)
            .map(|(truth, predicted)| Pair {
                truth,
                predicted,
                count: self.counts[truth][predicted],
                reverse: self.counts[predicted][truth],
            })
            .collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.count));
        pairs
    }

    /// Share of all mistakes that lie between the three pairs of classes confused most, both directions taken
    /// together; none without mistakes.
    pub fn three_largest(&self) -> Option<f64> {
        let one_each = |pair: &Pair| pair.reverse == 0 || pair.truth < pair.predicted;
        let mut both: Vec<u64> =
            self.pairs().into_iter().filter(one_each).map(|pair| pair.count + pair.reverse).collect();
        both.sort_unstable_by(|a, b| b.cmp(a));
        share(both.iter().take(3).sum(), self.total() - self.correct())
    }
}

impl Errors {
    /// Looks at the mistakes among `probabilities` (n, C) for `labels` (n).
    pub fn new(probabilities: &[f32], labels: &[u8], classes: usize) -> Self {
        let mut errors = Self { count: 0, true_second: 0, sure: 0 };
        for (row, &label) in probabilities.chunks(classes).zip(labels) {
            let (best, label) = (first_maximum(row), usize::from(label));
            if best == label {
                continue;
            }
            let above = row.iter().filter(|&&other| other > row[label]).count();
            errors.count += 1;
            errors.true_second += u64::from(above <= 1);
            errors.sure += u64::from(row[best] > 0.95);
        }
        errors
    }
}

/// Place of the first maximum: the predicted class of a row of probabilities or scores.
pub fn first_maximum(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best })
}

/// 95 % interval of a share of `correct` in `total`.
///
/// `(p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)` with `z = 1.96`, clipped to `[0, 1]`; everything is
/// possible if `n = 0`. Unlike `p ± z √(p(1−p)/n)` it holds near 0 and 1, and for few images.
///
/// Wilson (1927), *Probable inference, the law of succession, and statistical inference*.
pub fn wilson(correct: u64, total: u64) -> [f64; 2] {
    /// The normal distribution's 97.5 % quantile.
    const Z: f64 = 1.959_963_984_540_054;
    if total == 0 {
        return [0.0, 1.0];
    }
    let (n, p) = (total as f64, correct as f64 / total as f64);
    let center = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    [((center - half) / scale).max(0.0), ((center + half) / scale).min(1.0)]
}

/// Expected calibration error of `probabilities` (n, C) for `labels` (n): how far confidence is from accuracy,
/// in `[0, 1]`; none without images.
///
/// `Σ_b n_b/n · |acc(b) − conf(b)|` over 15 bins `((b−1)/15, b/15]` of the highest probability.
///
/// Guo, Pleiss, Sun & Weinberger (2017), *On Calibration of Modern Neural Networks*, equation 3.
pub fn calibration_error(probabilities: &[f32], labels: &[u8], classes: usize) -> Option<f64> {
    const BINS: usize = 15;
    // Confidence minus correctness, summed over the rows of each bin.
    let mut surplus = [0.0; BINS];
    for (row, &label) in probabilities.chunks(classes).zip(labels) {
        let best = first_maximum(row);
        let sure = f64::from(row[best]);
        let bin = ((sure * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        surplus[bin] += sure - f64::from(u8::from(best == usize::from(label)));
    }
    (!labels.is_empty()).then(|| surplus.iter().map(|sum| sum.abs()).sum::<f64>() / labels.len() as f64)
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5 of class 0 (3 right, 2 taken for 1), 4 of class 1 (1 taken for 0), none of class 2, 1 of class 3 taken for 0.
    fn confusion() -> Confusion {
        let outcomes = [(0, 0), (0, 0), (0, 0), (0, 1), (0, 1), (1, 1), (1, 1), (1, 1), (1, 0), (3, 0)];
        Confusion::new(4, outcomes)
    }

    #[test]
    fn figures_of_classes_are_those_computed_by_hand() {
        let confusion = confusion();
        assert_eq!((confusion.total(), confusion.correct(), confusion.accuracy()), (10, 6, Some(0.6)));
        let class = |precision, recall, f1, support| Class { precision, recall, f1, support };
        assert_eq!(confusion.class(0), class(Some(0.6), Some(0.6), Some(0.6), 5));
        assert_eq!(confusion.class(1), class(Some(0.6), Some(0.75), Some(6.0 / 9.0), 4));
        assert_eq!(confusion.class(2), class(None, None, None, 0));
        assert_eq!(confusion.class(3), class(None, Some(0.0), Some(0.0), 1));
        assert_eq!(Confusion::new(2, []).accuracy(), None);
    }

    #[test]
    fn pairs_come_by_frequency_with_their_way_back() {
        let confusion = confusion();
        let pairs: Vec<_> = confusion.pairs().into_iter().map(|p| [p.truth, p.predicted, p.count as usize]).collect();
        assert_eq!(pairs, [[0, 1, 2], [1, 0, 1], [3, 0, 1]]);
        let pairs = confusion.pairs();
        assert_eq!([pairs[0].reverse, pairs[1].reverse, pairs[2].reverse], [1, 2, 0]);
        assert_eq!([pairs[0].is_one_way(), pairs[1].is_one_way(), pairs[2].is_one_way()], [false, false, true]);
        assert_eq!(confusion.three_largest(), Some(1.0));
        // Both ways together: 3 + 2 + 2 of 8; the pair of classes 2 and 3 is the fourth.
        let four = [(0, 1), (1, 0), (1, 0), (1, 2), (2, 1), (0, 2), (0, 2), (3, 2)];
        assert_eq!(Confusion::new(4, four).three_largest(), Some(7.0 / 8.0));
        assert_eq!(Confusion::new(2, [(0, 0)]).three_largest(), None);
    }

    #[test]
    fn the_interval_is_wilsons() {
        // 10 of 10: lower bound 10 / (10 + 1.96²); 81 of 263: Newcombe (1998), table I.
        let near = |found: [f64; 2], expected: [f64; 2]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 5e-5), "{found:?} {expected:?}");
        };
        near(wilson(10, 10), [10.0 / (10.0 + 3.841_458_8), 1.0]);
        near(wilson(81, 263), [0.2553, 0.3662]);
        near(wilson(0, 20), [0.0, 0.1611]);
        near(wilson(0, 0), [0.0, 1.0]);
    }

    #[test]
    fn calibration_compares_confidence_with_accuracy_in_each_bin() {
        // Bin of 0.8: two rows, one right: |1.6 − 1| = 0.6. Bin of 0.6: one row, right: |0.6 − 1| = 0.4.
        let probabilities = [0.8, 0.2, 0.8, 0.2, 0.4, 0.6];
        let error = calibration_error(&probabilities, &[0, 1, 1], 2).unwrap();
        assert!((error - 1.0 / 3.0).abs() < 1e-6, "{error}");
        assert_eq!(calibration_error(&[], &[], 2), None);
        assert_eq!(calibration_error(&[1.0, 0.0], &[0], 2), Some(0.0));
        assert!(calibration_error(&[f32::NAN, f32::NAN], &[1], 2).unwrap().is_nan());
    }

    #[test]
    fn errors_know_second_places_and_confidence() {
        let probabilities = [0.96, 0.03, 0.01, 0.5, 0.2, 0.3, 0.1, 0.9, 0.0];
        let errors = Errors::new(&probabilities, &[1, 1, 1], 3);
        assert_eq!(errors, Errors { count: 2, true_second: 1, sure: 1 });
    }

    #[test]
    fn of_equal_probabilities_the_first_is_predicted() {
        assert_eq!([first_maximum(&[0.2, 0.4, 0.4]), first_maximum(&[f32::NAN, 0.1])], [1, 0]);
    }
}
