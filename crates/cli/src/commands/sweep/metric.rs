//! The metric of a sweep, as an epoch has it.

use handloom_engine::event::Row;
use handloom_sweep::spec;

/// A figure of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Metric(&'static str);

impl Metric {
    /// The metric of a sweep file.
    pub(super) fn of_spec(metric: spec::Metric) -> Self {
        Self(metric.name)
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        self.0
    }

    /// Its value after an epoch; NaN if the epoch has none.
    pub(super) fn of(self, row: &Row) -> f64 {
        match self.0 {
            "val_accuracy" => row.val_accuracy.unwrap_or(f64::NAN),
            "val_loss" => row.val_loss.unwrap_or(f64::NAN),
            "train_accuracy" => row.train_accuracy,
            "train_loss" => row.train_loss,
            "learning_rate" => row.learning_rate,
            "samples_per_second" => row.samples_per_second,
            _ => row.epoch as f64,
        }
    }

    /// A value of it for people: accuracies in percent.
    pub(super) fn text(self, value: f64) -> String {
        if self.0.ends_with("_accuracy") { format!("{:.2}%", 100.0 * value) } else { format!("{value:.4}") }
    }
}
