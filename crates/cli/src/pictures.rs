//! Runs as the pictures take them.

use handloom_engine::event::EpochMetrics;
use handloom_store::Status;
use handloom_view::{Created, Picture};

use crate::runs::Run;
use crate::table::{one_line, squeezed};

/// Widest name in a caption that says more than a name, in characters.
const NAME: usize = 24;

/// Learning curves of a run.
pub(crate) struct Curve {
    label: String,
    diverged: bool,
    /// Training loss, validation loss, training accuracy, validation accuracy.
    series: [Vec<(u32, Option<f64>)>; 4],
}

impl Curve {
    /// The curves of a run with these epochs.
    pub(crate) fn new(run: &Run, rows: &[EpochMetrics]) -> Self {
        let series =
            |value: fn(&EpochMetrics) -> Option<f64>| rows.iter().map(|row| (row.epoch as u32, value(row))).collect();
        Self {
            label: one_line(&format!("{} {}", run.record.id, run.record.name)),
            diverged: run.record.status == Status::Diverged,
            series: [
                series(|row| Some(row.train_loss)),
                series(|row| row.val_loss),
                series(|row| Some(row.train_accuracy)),
                series(|row| row.val_accuracy),
            ],
        }
    }

    /// The same under another name.
    pub(crate) fn labelled(self, label: &str) -> Self {
        Self { label: one_line(label), ..self }
    }

    /// The same for a picture.
    pub(crate) fn view(&self) -> handloom_view::Run<'_> {
        let [train_loss, val_loss, train_accuracy, val_accuracy] = &self.series;
        handloom_view::Run {
            label: &self.label,
            train_loss,
            val_loss,
            train_accuracy,
            val_accuracy,
            diverged: self.diverged,
        }
    }
}

/// Validation accuracy of runs by the time of their creation.
pub(crate) fn created(title: &str, runs: &[Run]) -> Picture {
    let labels: Vec<String> =
        runs.iter().map(|run| format!("{} {}", run.record.id, squeezed(&one_line(&run.record.name), NAME))).collect();
    let points = runs.iter().zip(&labels).map(|(run, label)| Created {
        label,
        at: run.record.started_ms as f64 / 1e3,
        val_accuracy: run.record.val_accuracy,
        ending: run.record.status.into(),
        dataset: &run.record.dataset,
    });
    handloom_view::created(title, &points.collect::<Vec<_>>())
}
