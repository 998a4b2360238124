//! Tables of a run's epochs and of its layers.

use clap::builder::styling::Style;
use handloom_engine::event::LayerStats;
use handloom_store::Epoch;
use handloom_view::format::rate;
use handloom_view::words::grouped;

use crate::fields::accuracy_text;
use crate::output::{BOLD, DIM, GOOD, Output};
use crate::runs::Run;
use crate::table::grid;
use handloom_view::format::duration;

/// Most epochs that are all shown without `--all`; of more, as many from both ends and the best.
const ROWS: usize = 14;
const END: usize = 5;

/// Columns of the table.
const HEAD: [&str; 9] =
    ["epoch", "train loss", "train acc", "val loss", "val acc", "", "learning rate", "img/s", "time"];

/// Prints one row an epoch, and the diagnostics of the layers after the last one.
pub(super) fn print(run: &Run, epochs: &[Epoch], all: bool, output: &Output) {
    if epochs.is_empty() {
        output.result(format!("{BOLD}epochs{BOLD:#}\n  none is finished yet"));
        return;
    }
    output.result(format!("{BOLD}epochs{BOLD:#}"));
    let mut rows = vec![HEAD.map(|name| (name.to_owned(), DIM)).to_vec()];
    let best = run.record.best_epoch;
    let shown = if all { (0..epochs.len()).collect() } else { shown(epochs, best) };
    let mut before = None;
    for at in shown {
        if before.is_some_and(|before| at > before + 1) {
            let left = at - before.unwrap_or(0) - 1;
            let mut gap = vec![(String::new(), Style::new()); HEAD.len()];
            gap[1] = (format!("... {left} more"), DIM);
            rows.push(gap);
        }
        before = Some(at);
        let row = &epochs[at].row;
        let cells = [
            row.epoch.to_string(),
            loss(Some(row.train_loss)),
            Some(row.train_accuracy).filter(|x| x.is_finite()).map_or_else(|| "-".into(), accuracy_text),
            loss(row.val_loss),
            row.val_accuracy.map_or_else(|| "-".into(), accuracy_text),
            if best == Some(row.epoch) { "● best".into() } else { String::new() },
            rate(row.learning_rate),
            grouped(row.samples_per_second as u64),
            duration(row.seconds + row.val_seconds),
        ];
        let mut cells = cells.map(|text| (text, Style::new()));
        cells[5].1 = GOOD;
        rows.push(cells.to_vec());
    }
    let right = [true, true, true, true, true, false, true, true, true];
    output.result(grid(&rows, &right, &[false; 9], None).join("\n"));
    if let Some(epoch) = epochs.last().filter(|epoch| !epoch.evidence.layers.is_empty()) {
        output.result(format!("{BOLD}layers after epoch {}{BOLD:#}", epoch.row.epoch));
        output.result(layers(&epoch.evidence.layers).join("\n"));
    }
}

fn loss(loss: Option<f64>) -> String {
    loss.filter(|loss| loss.is_finite()).map_or_else(|| "-".into(), |loss| format!("{loss:.4}"))
}

/// Places of the epochs that are worth a row.
fn shown(epochs: &[Epoch], best: Option<u64>) -> Vec<usize> {
    let n = epochs.len();
    (0..n).filter(|&at| n <= ROWS || at < END || at + END >= n || Some(epochs[at].row.epoch) == best).collect()
}

fn layers(layers: &[LayerStats]) -> Vec<String> {
    let mut rows =
        vec![["layer", "gradient norm", "dead", "saturated", "last step"].map(|name| (name.to_owned(), DIM)).to_vec()];
    let percent = |share: Option<f64>| share.map_or_else(|| "-".into(), |share| format!("{:.1}%", 100.0 * share));
    rows.extend(layers.iter().enumerate().map(|(at, layer)| {
        let step = layer.step.map_or_else(|| "-".into(), |step| format!("{step:.1e}"));
        let norm = format!("{:.2e}", layer.gradient_norm);
        let cells = [(at + 1).to_string(), norm, percent(layer.dead), percent(layer.saturated), step];
        cells.map(|text| (text, Style::new())).to_vec()
    }));
    grid(&rows, &[true; 5], &[false; 5], None)
}

#[cfg(test)]
mod tests {
    use handloom_engine::event::{EpochDiagnostics, EpochMetrics};
    use serde_json::json;

    use super::*;

    fn epoch(epoch: u64) -> Epoch {
        let row: EpochMetrics = serde_json::from_value(json!({
            "epoch": epoch, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": null, "val_accuracy": null,
            "learning_rate": 0.1, "samples_per_second": 1.0, "seconds": 1.0, "val_seconds": 0.0,
        }))
        .unwrap();
        Epoch { row, evidence: EpochDiagnostics::default() }
    }

    #[test]
    fn a_long_table_keeps_both_ends_and_the_best() {
        let epochs: Vec<Epoch> = (1..=30).map(epoch).collect();
        assert_eq!(shown(&epochs, Some(17)), [0, 1, 2, 3, 4, 16, 25, 26, 27, 28, 29]);
        assert_eq!(shown(&epochs[..14], None).len(), 14);
    }
}
