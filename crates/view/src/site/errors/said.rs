//! Statements about a run's errors: rules over its figures, each silent where it does not hold.

use handloom_engine::metric::{Confusion, Errors};
use handloom_store::Epoch;

use super::super::project::largest;
use super::super::sentence::{Sentence, run_page};
use super::calibration::Bin;
use super::pairs::{both_ways, is_one_way};
use super::predictions::{Predictions, Set};
use super::training::shift;
use crate::words::{count, grouped, percent};

/// Fewer errors than this show no pattern.
const FEWEST: u64 = 30;
/// Times what three pairs would be if all were alike, from which on they are told of.
const STANDS_OUT: f64 = 1.5;
/// From this calibration error on, confidence is told to be off, where it is by as much as this.
const OFF: f64 = 0.03;
const FAR: f64 = 0.05;
/// Images that a bin needs for it to be told of.
const BIN: u64 = 50;

/// Input of the rules.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) judged: &'a Predictions,
    pub(super) confusion: &'a Confusion,
    pub(super) errors: Errors,
    /// Labels that look wrong.
    pub(super) suspects: usize,
    pub(super) epochs: &'a [Epoch],
    pub(super) bins: &'a [Bin],
    pub(super) calibration: Option<f64>,
}

/// Every sentence that holds.
pub(super) fn all(case: &Case<'_>) -> Vec<Sentence> {
    let rules: [fn(&Case<'_>) -> Option<Sentence>; 8] =
        [three_pairs, one_way, second_choice, sure, suspects, too_sure, never, moved];
    rules.iter().filter_map(|rule| rule(case)).collect()
}

impl Case<'_> {
    fn name(&self, class: usize) -> &str {
        &self.judged.names()[class]
    }

    /// The page with the images of a cell, or of the set.
    fn page(&self, cell: Option<(usize, usize)>) -> String {
        let set = (self.judged.set() == Set::Test).then(|| "set=test".to_owned());
        let cell = cell.map(|(truth, predicted)| format!("cell={truth}-{predicted}"));
        let query: Vec<String> = set.into_iter().chain(cell).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        run_page(self.judged.run(), &format!("/errors{query}"))
    }
}

/// `49% of the 1,290 errors are three pairs: ...`
fn three_pairs(case: &Case<'_>) -> Option<Sentence> {
    let pairs = both_ways(case.confusion);
    // Were all pairs alike, three of them would say nothing.
    if case.confusion.three_largest()? < STANDS_OUT * 3.0 / pairs.len() as f64 {
        return None;
    }
    let first = pairs.first().map(|pair| (pair.truth, pair.predicted));
    Some(Sentence::new("three_pairs", largest(case.confusion, case.judged.names())?).at(case.page(first)))
}

/// The largest pair that goes one way.
fn one_way(case: &Case<'_>) -> Option<Sentence> {
    let pair = both_ways(case.confusion).into_iter().find(|pair| is_one_way(*pair))?;
    let (truth, predicted) = (case.name(pair.truth), case.name(pair.predicted));
    let back = match pair.reverse {
        0 => "none".to_owned(),
        reverse => format!("only {}", grouped(reverse)),
    };
    let text = format!(
        "One way: {} of {truth} are taken for {predicted}, {back} of {predicted} for {truth}; the boundary between them lies too far on one side.",
        grouped(pair.count)
    );
    Some(Sentence::new("one_way", text).at(case.page(Some((pair.truth, pair.predicted)))))
}

/// Share of errors whose true class was the second choice, if it is more than half.
fn second_choice(case: &Case<'_>) -> Option<Sentence> {
    let Errors { count: wrong, true_second, .. } = case.errors;
    // Of two or three classes the true one is second by chance.
    if wrong < FEWEST || case.judged.classes() < 4 || 2 * true_second <= wrong {
        return None;
    }
    let images = case.confusion.total();
    let two = (images - wrong + true_second) as f64 / images as f64;
    let share = 100.0 * true_second as f64 / wrong as f64;
    let text =
        format!("In {share:.0}% of the errors the true class came second: two guesses are right for {}.", percent(two));
    Some(Sentence::new("second_choice", text).at(case.page(None)))
}

/// Number of errors with more than 95 % confidence.
fn sure(case: &Case<'_>) -> Option<Sentence> {
    let Errors { count: wrong, sure, .. } = case.errors;
    if wrong < FEWEST || sure < 5 {
        return None;
    }
    let share = 100.0 * sure as f64 / wrong as f64;
    let text = format!(
        "{} of the {} errors ({share:.0}%) were made with more than 95% confidence: a threshold would not catch them.",
        grouped(sure),
        grouped(wrong)
    );
    Some(Sentence::new("sure", text).at(case.page(None)))
}

/// Labels that look wrong.
fn suspects(case: &Case<'_>) -> Option<Sentence> {
    if case.suspects == 0 {
        return None;
    }
    let (labels, look) =
        (count(case.suspects as u64, "label", "labels"), if case.suspects == 1 { "looks" } else { "look" });
    let text =
        format!("{labels} {look} wrong: the model sees another class, and the nearest training images agree with it.");
    Some(Sentence::new("suspects", text).at(case.page(None)))
}

/// Confidence and accuracy where they differ most.
fn too_sure(case: &Case<'_>) -> Option<Sentence> {
    let error = case.calibration.filter(|error| *error >= OFF)?;
    let weight = |bin: &&Bin| {
        let gap = bin.confidence().zip(bin.accuracy()).map_or(0.0, |(confidence, accuracy)| confidence - accuracy);
        bin.images as f64 * gap.abs()
    };
    let filled = case.bins.iter().filter(|bin| bin.images >= BIN);
    let worst = filled.max_by(|a, b| weight(a).total_cmp(&weight(b)))?;
    let (confidence, accuracy) = (worst.confidence()?, worst.accuracy()?);
    if (confidence - accuracy).abs() < FAR {
        return None;
    }
    let how = if confidence > accuracy { "too sure" } else { "not sure enough" };
    let text = format!(
        "It is {how}: of the {} images of which it is {:.0}% sure on average, {:.0}% are right (calibration error {error:.3}).",
        grouped(worst.images),
        100.0 * confidence,
        100.0 * accuracy
    );
    Some(Sentence::new("too_sure", text).at(case.page(None)))
}

/// Classes that are never found.
fn never(case: &Case<'_>) -> Option<Sentence> {
    let missing =
        |class: &usize| case.confusion.class(*class).support >= 5 && case.confusion.counts[*class][*class] == 0;
    let missed: Vec<usize> = (0..case.judged.classes()).filter(missing).collect();
    let text = match missed[..] {
        [] => return None,
        [one] => format!("No image of {} is found.", case.name(one)),
        [first, ..] => format!("No image of {} classes is found, such as {}.", missed.len(), case.name(first)),
    };
    Some(Sentence::new("never", text).at(case.page(None)))
}

/// A kind of mistake that came or went while the accuracy stood still.
fn moved(case: &Case<'_>) -> Option<Sentence> {
    // Epochs were recorded on validation images.
    let shift = shift(case.epochs).filter(|_| case.judged.set() == Set::Validation)?;
    let ([first, second], [was, is]) = (shift.epochs, shift.counts);
    let text = format!(
        "The accuracy is {} at both epoch {first} and epoch {second}, yet {} taken for {} went from {} to {}: only the boundary moved.",
        percent(shift.accuracy),
        case.name(shift.truth),
        case.name(shift.predicted),
        grouped(was),
        grouped(is)
    );
    Some(Sentence::new("moved", text).at(case.page(Some((shift.truth, shift.predicted)))))
}

#[cfg(test)]
mod tests {
    use super::super::calibration;
    use super::super::tests::{epoch, judged};
    use super::*;
    use handloom_engine::metric::calibration_error;

    /// Statements about images with these labels and probabilities.
    fn said(labels: &[u8], probabilities: &[f32], suspects: usize, epochs: &[Epoch]) -> Vec<(&'static str, String)> {
        let classes = probabilities.len() / labels.len();
        let judged = judged(labels, probabilities);
        let case = Case {
            judged: &judged,
            confusion: judged.confusion(),
            errors: Errors::new(probabilities, labels, classes),
            suspects,
            epochs,
            bins: &calibration::bins(&judged),
            calibration: calibration_error(probabilities, labels, classes),
        };
        all(&case).into_iter().map(|sentence| (sentence.rule, sentence.text)).collect()
    }

    /// `count` images of `truth` with probability `odds` for `first`, and nearly all the rest for `second`.
    fn images(truth: u8, [first, second]: [usize; 2], odds: f32, count: usize) -> (Vec<u8>, Vec<f32>) {
        let mut row = [0.0005; 5];
        row[second] = 1.0 - odds - 0.0015;
        row[first] = odds;
        (vec![truth; count], row.repeat(count))
    }

    fn together(parts: &[(Vec<u8>, Vec<f32>)]) -> (Vec<u8>, Vec<f32>) {
        (parts.iter().flat_map(|part| part.0.clone()).collect(), parts.iter().flat_map(|part| part.1.clone()).collect())
    }

    #[test]
    fn every_pattern_is_told_with_its_numbers() {
        let right = (0..5).map(|class| images(class, [class.into(), (class as usize + 1) % 5], 0.9, 100));
        let wrong = [
            images(0, [1, 0], 0.97, 40),
            images(1, [0, 1], 0.6, 5),
            images(1, [2, 1], 0.6, 9),
            images(2, [3, 1], 0.6, 3),
            images(3, [4, 1], 0.6, 2),
            images(4, [2, 1], 0.6, 1),
            images(0, [4, 1], 0.6, 1),
        ];
        let (labels, probabilities) = together(&right.chain(wrong).collect::<Vec<_>>());
        let said = said(&labels, &probabilities, 1, &[]);
        let text = |rule: &str| said.iter().find(|(known, _)| *known == rule).map(|(_, text)| text.as_str());
        assert_eq!(
            text("three_pairs"),
            Some(
                "93% of the 61 errors are three pairs: class 0 and class 1, class 1 and class 2, class 2 and class 3."
            )
        );
        assert!(
            text("one_way").unwrap().starts_with("One way: 40 of class 0 are taken for class 1, only 5 of class 1")
        );
        assert_eq!(
            text("second_choice"),
            Some("In 89% of the errors the true class came second: two guesses are right for 98.8%.")
        );
        assert!(text("sure").unwrap().starts_with("40 of the 61 errors (66%)"), "{said:?}");
        assert!(text("suspects").unwrap().starts_with("1 label looks wrong"));
        assert!(text("too_sure").is_some_and(|text| text.contains("calibration error")), "{said:?}");
        assert_eq!((text("never"), text("moved")), (None, None));
    }

    #[test]
    fn nothing_is_said_of_few_errors_without_a_pattern() {
        let right = (0..5).map(|class| images(class, [class.into(), (class as usize + 1) % 5], 0.99, 100));
        let wrong = (0..5).flat_map(|class| {
            let others = (1..5).map(move |step| (class as usize + step) % 5);
            // The true class is never second.
            others.map(move |other| {
                images(class, [other, (0..5).find(|third| ![other, class.into()].contains(third)).unwrap()], 0.6, 2)
            })
        });
        let (labels, probabilities) = together(&right.chain(wrong).collect::<Vec<_>>());
        assert_eq!(said(&labels, &probabilities, 0, &[]), []);
        let (labels, probabilities) = together(&[images(0, [0, 1], 0.98, 50), images(1, [0, 1], 0.6, 1)]);
        assert_eq!(said(&labels, &probabilities, 0, &[]), []);
    }

    #[test]
    fn a_class_that_is_never_found_and_a_boundary_that_moves_are_told() {
        let (labels, probabilities) = together(&[images(0, [0, 1], 0.99, 20), images(3, [0, 1], 0.9, 6)]);
        let epochs =
            [epoch(1, &[[100, 0], [0, 100]]), epoch(2, &[[90, 10], [50, 50]]), epoch(3, &[[55, 45], [15, 85]])];
        let said = said(&labels, &probabilities, 0, &epochs);
        let text = |rule: &str| said.iter().find(|(known, _)| *known == rule).map(|(_, text)| text.as_str());
        assert_eq!(text("never"), Some("No image of class 3 is found."));
        assert_eq!(
            text("moved"),
            Some(
                "The accuracy is 70.0% at both epoch 2 and epoch 3, yet class 0 taken for class 1 went from 10 to 45: only the boundary moved."
            )
        );
    }
}
