//! Judgments: whether a report says the truth of one run, and of all of them.

use clap::builder::styling::Style;
use handloom_engine::Numerics;
use handloom_view::site::report::{Comparison, Made};
use serde_json::{Value, json};

use crate::fields::accuracy_text;
use crate::output::{BAD, GOOD};
use crate::table::one_line;

/// Accuracies that differ by no more than this agree, where bits cannot be compared.
const AGREES: f64 = 0.005;
/// The mean difference of the accuracies of single epochs, which scatter more, may be this large.
const EPOCHS_AGREE: f64 = 0.01;

/// Outcome of a check, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// Everything that can be checked agrees, the weights bit for bit.
    Verified,
    /// Other arithmetic, or unknown arithmetic, or pages of other code: bits need not be the same.
    Unsure,
    /// Something is another than the report says.
    Differs,
}

impl Outcome {
    /// The word for people and programs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unsure => "could not be checked bit for bit",
            Self::Differs => "differs",
        }
    }

    /// The color of the word.
    pub(super) fn style(self) -> Style {
        if self == Self::Verified { GOOD } else { BAD }
    }
}

/// Result of checking a run of a report.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    /// `weights` or `accuracy`: what was compared.
    pub(super) checked: &'static str,
    pub(super) words: String,
}

/// Compares a run, as the report has it, with what was found by the arithmetic `here`.
pub(super) fn verdict(made: &Made, found: &Made, here: &Numerics) -> Verdict {
    let (outcome, checked, words) = judged(made, found, here);
    Verdict { outcome, checked, words }
}

fn judged(made: &Made, found: &Made, here: &Numerics) -> (Outcome, &'static str, String) {
    let is_known = made.arithmetic().same_bits(here);
    let place = format!("it was trained by {}, this is {}", arithmetic(&made.arithmetic()), arithmetic(here));
    if made.weights_sha256 == found.weights_sha256 {
        if let Some((what, told, is)) = difference(made, found) {
            return (Outcome::Differs, "weights", format!("the same weights, but `{what}` is {is}, not {told}"));
        }
        let accuracy = found
            .val_accuracy
            .map_or_else(String::new, |accuracy| format!(", validation accuracy {}", accuracy_text(accuracy)));
        let words = format!("the same weights, bit for bit{accuracy}");
        return if is_known {
            (Outcome::Verified, "weights", words)
        } else {
            (Outcome::Unsure, "weights", format!("{words}, though nothing promises that: {place}"))
        };
    }
    if is_known {
        let words = format!("other weights, though it was trained by the same arithmetic ({})", arithmetic(here));
        return (Outcome::Differs, "weights", words);
    }
    let place = format!("bits cannot be compared: {place}");
    let both =
        [("validation", made.val_accuracy, found.val_accuracy), ("test", made.test_accuracy, found.test_accuracy)];
    let both: Vec<(&str, f64, f64)> =
        both.into_iter().filter_map(|(which, told, is)| Some((which, told?, is?))).collect();
    let Some(&(_, told, is)) = both.first() else {
        let words = format!("without validation images no accuracy can be compared; {place}");
        return (Outcome::Differs, "accuracy", words);
    };
    // Of floating-point numbers, half a point is a little more or less.
    if let Some((which, told, is)) = both.iter().find(|(_, told, is)| (told - is).abs() > AGREES + 1e-12) {
        let words = format!("{which} accuracy {}, reported {}; {place}", accuracy_text(*is), accuracy_text(*told));
        return (Outcome::Differs, "accuracy", words);
    }
    let apart = mean_difference(made, found);
    if apart > EPOCHS_AGREE {
        let words = format!("the accuracies of its epochs differ by {:.1} points on average; {place}", 100.0 * apart);
        return (Outcome::Differs, "accuracy", words);
    }
    let words = format!(
        "the same accuracy within 0.5 points ({}, reported {}); {place}",
        accuracy_text(is),
        accuracy_text(told)
    );
    (Outcome::Unsure, "accuracy", words)
}

/// The first fact of a run that is another than the report says.
fn difference(made: &Made, found: &Made) -> Option<(String, String, String)> {
    let mut facts = Comparison::default();
    facts.values("", &json!(made), &json!(found));
    let first = facts.differences.first()?;
    let text = |value: &Value| one_line(&value.to_string());
    Some((one_line(first.place.trim()), text(&first.reported), text(&first.found)))
}

/// Mean difference of the accuracies of epochs on validation images, or without these on training images.
fn mean_difference(made: &Made, found: &Made) -> f64 {
    let (Some(told), Some(is)) = (&made.figures, &found.figures) else { return 0.0 };
    if told.epoch != is.epoch {
        return 1.0;
    }
    let apart = |a: &[Option<f64>], b: &[Option<f64>]| -> Vec<f64> {
        a.iter().zip(b).filter_map(|(a, b)| Some((a.as_ref()? - b.as_ref()?).abs())).collect()
    };
    let validated = apart(&told.val_accuracy, &is.val_accuracy);
    let trained = apart(&told.train_accuracy, &is.train_accuracy);
    let all = if validated.is_empty() { trained } else { validated };
    all.iter().sum::<f64>() / all.len().max(1) as f64
}

/// `numerics 1, x86_64, avx512`.
fn arithmetic(one: &Numerics) -> String {
    let unknown = |what: &str| format!("{what} that is not recorded");
    let version =
        one.numerics.map_or_else(|| unknown("a version of the arithmetic"), |version| format!("numerics {version}"));
    let text = |value: &Option<String>, what| value.as_ref().map_or_else(|| unknown(what), |value| one_line(value));
    format!("{version}, {}, {}", text(&one.arch, "an architecture"), text(&one.isa, "an instruction set"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Numerics {
        Numerics { numerics: Some(1), arch: Some("x86_64".into()), isa: Some("avx512".into()) }
    }

    fn made(isa: &str, weights: &str, val_accuracy: f64) -> Made {
        Made {
            id: "a".into(),
            isa: isa.into(),
            numerics: Some(1),
            arch: Some("x86_64".into()),
            weights_sha256: Some(weights.into()),
            val_accuracy: Some(val_accuracy),
            ..Made::default()
        }
    }

    /// The verdict on `told` where training gives the weights `w` and 88% in truth.
    fn of(told: &Made) -> (Outcome, &'static str) {
        let found = Made { weights_sha256: Some("w".into()), val_accuracy: Some(0.88), ..told.clone() };
        let Verdict { outcome, checked, .. } = verdict(told, &found, &here());
        (outcome, checked)
    }

    #[test]
    fn bits_count_where_they_can_and_half_a_point_elsewhere() {
        use Outcome::{Differs, Unsure, Verified};
        assert_eq!(of(&made("avx512", "w", 0.88)), (Verified, "weights"));
        // An accuracy that is not that of the weights is a lie.
        assert_eq!(of(&made("avx512", "w", 0.98)), (Differs, "weights"));
        assert_eq!(of(&made("avx512", "x", 0.88)), (Differs, "weights"));
        assert_eq!(of(&made("baseline", "w", 0.98)), (Differs, "weights"));
        // The same bits by chance, or by a record of less.
        assert_eq!(of(&made("baseline", "w", 0.88)), (Unsure, "weights"));
        assert_eq!(of(&Made { numerics: None, ..made("avx512", "w", 0.88) }), (Unsure, "weights"));
        assert_eq!(of(&made("baseline", "x", 0.885)), (Unsure, "accuracy"));
        assert_eq!(of(&made("baseline", "x", 0.8851)), (Differs, "accuracy"));
        assert_eq!(of(&Made { numerics: Some(2), ..made("avx512", "0", 0.88) }), (Unsure, "accuracy"));
        let mut without = made("baseline", "x", 0.0);
        without.val_accuracy = None;
        let found = Made { weights_sha256: Some("w".into()), ..without.clone() };
        assert_eq!(verdict(&without, &found, &here()).outcome, Differs);
    }

    #[test]
    fn the_worst_outcome_counts() {
        assert!(Outcome::Differs > Outcome::Unsure && Outcome::Unsure > Outcome::Verified);
    }
}
