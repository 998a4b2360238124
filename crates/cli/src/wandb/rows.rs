//! The figures of epochs as W&B's history and summary have them. What is not finite is null, which is left out there.

use handloom_engine::BatchStats;
use handloom_engine::event::EpochMetrics;
use serde_json::{Map, Value, json};

/// The row of an epoch.
pub(crate) fn row(row: &EpochMetrics) -> Map<String, Value> {
    let mut figures = object(json!(row));
    // W&B has its own clock.
    figures.retain(|name, _| !name.ends_with("seconds"));
    figures
}

/// The rows of earlier epochs, with the times that they took: those of validation included, those between epochs not.
pub(crate) fn timed(rows: &[EpochMetrics], started_ms: u64) -> Vec<Map<String, Value>> {
    let mut runtime = 0.0;
    let timed = rows.iter().map(|epoch| {
        runtime += [epoch.seconds, epoch.val_seconds].into_iter().filter(|seconds| seconds.is_finite()).sum::<f64>();
        let mut row = row(epoch);
        row.insert("_runtime".into(), json!(runtime));
        row.insert("_timestamp".into(), json!(started_ms as f64 / 1e3 + runtime));
        row
    });
    timed.collect()
}

/// Figures on a test set.
pub(crate) fn tested(loss: Option<f64>, accuracy: Option<f64>) -> Map<String, Value> {
    let mut row = object(json!({"test_loss": loss, "test_accuracy": accuracy}));
    row.retain(|_, value| !value.is_null());
    row
}

/// [`tested`] of what a network came to.
pub(crate) fn of_tally(tally: &BatchStats) -> Map<String, Value> {
    tested(Some(tally.mean_loss()), Some(tally.accuracy()))
}

/// Summary of a run: the metrics of its last epoch, and its best epoch so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    last: Map<String, Value>,
    best: Option<(u64, f64)>,
}

impl Summary {
    /// Takes note of an epoch. Of equals the earliest is the best.
    pub(crate) fn add(&mut self, epoch: &EpochMetrics) {
        self.last = row(epoch);
        let before = self.best.map_or(-1.0, |(_, accuracy)| accuracy);
        if let Some(accuracy) = epoch.val_accuracy.filter(|&accuracy| accuracy > before) {
            self.best = Some((epoch.epoch, accuracy));
        }
    }

    /// The values.
    pub(crate) fn values(&self) -> Map<String, Value> {
        let mut values = self.last.clone();
        if let Some((epoch, accuracy)) = self.best {
            values.insert("best_val_accuracy".into(), json!(accuracy));
            values.insert("best_epoch".into(), json!(epoch));
        }
        values
    }
}

/// The map of a `json!` object.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { unreachable!("an object was written here") };
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: u64, val_accuracy: Option<f64>) -> EpochMetrics {
        EpochMetrics {
            epoch,
            train_loss: f64::NAN,
            train_accuracy: 0.5,
            val_loss: None,
            val_accuracy,
            learning_rate: 0.1,
            samples_per_second: 9.0,
            seconds: 2.0,
            val_seconds: 0.5,
        }
    }

    #[test]
    fn a_summary_has_the_last_epoch_and_the_earliest_of_the_best() {
        let mut summary = Summary::default();
        for (number, accuracy) in [(1, 0.5), (2, 0.75), (3, 0.75), (4, 0.25)] {
            summary.add(&epoch(number, Some(accuracy)));
        }
        let values = summary.values();
        let expected = [("epoch", json!(4)), ("val_accuracy", json!(0.25)), ("best_epoch", json!(2))];
        for (key, value) in expected {
            assert_eq!(values[key], value, "{key}");
        }
        assert!(values["train_loss"].is_null());
        let mut none = Summary::default();
        none.add(&epoch(1, None));
        assert!(!none.values().contains_key("best_epoch"));
    }

    #[test]
    fn earlier_rows_bring_their_times() {
        let rows = timed(&[epoch(1, None), epoch(2, None)], 10_000);
        assert_eq!((&rows[1]["_runtime"], &rows[1]["_timestamp"]), (&json!(5.0), &json!(15.0)));
    }
}
