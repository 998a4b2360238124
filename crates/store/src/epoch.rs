//! Epochs and test openings, and their form in a database.
//!
//! Metrics are columns, diagnostics are JSON. A metric that is not finite is stored as NULL and read back as NaN, or as
//! none where a [`EpochMetrics`] may lack it.

use handloom_engine::event::{EpochDiagnostics, EpochMetrics, LayerStats};
use handloom_engine::metric::Confusion;
use serde::{Deserialize, Serialize};

/// An epoch of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Metrics: losses, accuracies, learning rate, speed.
    pub row: EpochMetrics,
    /// Diagnostics: confusion matrix and statistics of layers.
    pub evidence: EpochDiagnostics,
}

/// One opening of a test set. A store counts them and forgets none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestSetAccess {
    /// The run whose model was tested, unless the model was a file.
    pub run: Option<String>,
    /// The model as it was named: a path, or a run.
    pub model: String,
    /// The dataset.
    pub dataset: String,
    /// SHA-256 of its test images and labels; openings are counted by it.
    pub data_sha256: String,
    /// Unix time, in milliseconds.
    pub at_ms: u64,
    /// The command that opened it, such as `train`.
    pub by: String,
    /// Accuracy on the test set.
    pub accuracy: Option<f64>,
}

/// Columns of an epoch's metrics, in the order of [`figures`].
pub(crate) const FIGURES: [&str; 8] = [
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "samples_per_second",
    "seconds",
    "val_seconds",
];

/// The metrics of a row, in the order of [`FIGURES`]; none where not finite.
pub(crate) fn figures(row: &EpochMetrics) -> [Option<f64>; 8] {
    let EpochMetrics {
        epoch: _,
        train_loss,
        train_accuracy,
        val_loss,
        val_accuracy,
        learning_rate,
        samples_per_second,
        seconds,
        val_seconds,
    } = *row;
    let own = [learning_rate, samples_per_second, seconds, val_seconds].map(Some);
    let all = [Some(train_loss), Some(train_accuracy), val_loss, val_accuracy, own[0], own[1], own[2], own[3]];
    all.map(|figure| figure.filter(|figure| figure.is_finite()))
}

/// A row from its metrics.
pub(crate) fn row(epoch: i64, figures: [Option<f64>; 8]) -> EpochMetrics {
    let own = figures.map(|figure| figure.unwrap_or(f64::NAN));
    EpochMetrics {
        epoch: epoch as u64,
        train_loss: own[0],
        train_accuracy: own[1],
        val_loss: figures[2],
        val_accuracy: figures[3],
        learning_rate: own[4],
        samples_per_second: own[5],
        seconds: own[6],
        val_seconds: own[7],
    }
}

/// A count as a signed 64-bit integer, clamped to 2⁶³ − 1.
pub(crate) fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Diagnostics as JSON, in which a number that is not finite is `null`.
#[derive(Serialize, Deserialize)]
struct Shown {
    confusion: Option<Confusion>,
    layers: Vec<ShownHealth>,
}

#[derive(Serialize, Deserialize)]
struct ShownHealth {
    gradient_norm: Option<f64>,
    dead: Option<f64>,
    saturated: Option<f64>,
    step: Option<f64>,
}

pub(crate) fn evidence_text(evidence: &EpochDiagnostics) -> String {
    let EpochDiagnostics { confusion, layers } = evidence;
    let layers = layers.iter().map(|&LayerStats { gradient_norm, dead, saturated, step }| ShownHealth {
        gradient_norm: Some(gradient_norm),
        dead,
        saturated,
        step,
    });
    text(&Shown { confusion: confusion.clone(), layers: layers.collect() })
}

pub(crate) fn evidence(text: &str) -> serde_json::Result<EpochDiagnostics> {
    let Shown { confusion, layers } = serde_json::from_str(text)?;
    let layers = layers.into_iter().map(|ShownHealth { gradient_norm, dead, saturated, step }| LayerStats {
        gradient_norm: gradient_norm.unwrap_or(f64::NAN),
        dead,
        saturated,
        step,
    });
    Ok(EpochDiagnostics { confusion, layers: layers.collect() })
}

/// JSON of structs of plain values with text keys, whose serialization cannot fail.
pub(crate) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain values under text keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_into_the_fields_they_came_from() {
        let given = [0.5, 0.25, 0.75, 0.125, 0.001, 9e4, 1.5, 0.5].map(Some);
        let read = row(7, given);
        assert_eq!((read.epoch, figures(&read)), (7, given));
        // The names are those of the fields.
        let fields = serde_json::to_value(&read).unwrap();
        for (name, figure) in FIGURES.iter().zip(given) {
            assert_eq!(fields[name], serde_json::json!(figure), "{name}");
        }
    }

    #[test]
    fn what_is_not_finite_survives_as_nan_or_none() {
        let given = EpochMetrics { train_loss: f64::INFINITY, val_loss: Some(f64::NAN), ..row(1, [Some(0.0); 8]) };
        let read = row(1, figures(&given));
        assert!(read.train_loss.is_nan() && read.val_loss.is_none() && read.val_accuracy == Some(0.0));
        let health = LayerStats { gradient_norm: f64::NAN, dead: Some(f64::NAN), saturated: None, step: None };
        let read = evidence(&evidence_text(&EpochDiagnostics { confusion: None, layers: vec![health] })).unwrap();
        assert!(read.layers[0].gradient_norm.is_nan() && read.layers[0].dead.is_none());
    }
}
