//! The epochs of a run as a table, and how its layers fare.

use clap::builder::styling::Style;
use handloom_engine::event::Health;
use handloom_store::Epoch;
use handloom_view::format::rate;
use handloom_view::words::{count, grouped};

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

/// Prints one row an epoch and what the last one says of the layers.
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
        output.result(format!("  {}", words(&epoch.evidence.layers)));
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

fn layers(layers: &[Health]) -> Vec<String> {
    let mut rows =
        vec![["layer", "gradient norm", "dead", "saturated", "last step"].map(|name| (name.to_owned(), DIM)).to_vec()];
    let percent = |share: Option<f64>| share.map_or_else(|| "-".into(), |share| format!("{:.1}%", 100.0 * share));
    rows.extend(layers.iter().enumerate().map(|(at, layer)| {
        let step = layer.step.map_or_else(|| "-".into(), |step| format!("{step:.1e}"));
        let norm = format!("{:.2e}", layer.gradient_norm);
        let cells = [at.to_string(), norm, percent(layer.dead), percent(layer.saturated), step];
        cells.map(|text| (text, Style::new())).to_vec()
    }));
    grid(&rows, &[true; 5], &[false; 5], None)
}

/// Below this share of the largest gradient norm a layer hardly learns.
const FAINT: f64 = 1e-3;
/// From this share of dead or saturated units on a layer is worth a word.
const MANY: f64 = 0.25;

/// Health of the layers, in a sentence.
fn words(layers: &[Health]) -> String {
    let norms = || layers.iter().map(|layer| layer.gradient_norm);
    if norms().any(|norm| !norm.is_finite()) {
        return "not healthy: a gradient is not a finite number".into();
    }
    let (low, high) = norms().fold((f64::INFINITY, 0.0_f64), |(low, high), norm| (low.min(norm), high.max(norm)));
    let mut said = Vec::new();
    if high == 0.0 {
        said.push("no layer has a gradient: nothing is learned any more".to_owned());
    } else if low < FAINT * high {
        let at = norms().position(|norm| norm == low).unwrap_or(0);
        said.push(format!("the gradient of layer {at} is {:.0e} of the largest: it hardly learns", low / high));
    }
    for (what, share) in
        [("dead", (|layer| layer.dead) as fn(&Health) -> Option<f64>), ("saturated", |layer| layer.saturated)]
    {
        let many = layers.iter().enumerate().filter_map(|(at, layer)| Some((at, share(layer).filter(|&x| x >= MANY)?)));
        for (at, share) in many {
            said.push(format!("{:.0}% of layer {at}'s units are {what}", 100.0 * share));
        }
    }
    if said.is_empty() {
        return format!(
            "healthy: gradient norms {low:.1e} to {high:.1e} across {}, few units dead or saturated",
            count(layers.len() as u64, "layer", "layers")
        );
    }
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use handloom_engine::event::{Evidence, Row};
    use serde_json::json;

    use super::*;

    fn epoch(epoch: u64) -> Epoch {
        let row: Row = serde_json::from_value(json!({
            "epoch": epoch, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": null, "val_accuracy": null,
            "learning_rate": 0.1, "samples_per_second": 1.0, "seconds": 1.0, "val_seconds": 0.0,
        }))
        .unwrap();
        Epoch { row, evidence: Evidence::default() }
    }

    #[test]
    fn a_long_table_keeps_both_ends_and_the_best() {
        let epochs: Vec<Epoch> = (1..=30).map(epoch).collect();
        assert_eq!(shown(&epochs, Some(17)), [0, 1, 2, 3, 4, 16, 25, 26, 27, 28, 29]);
        assert_eq!(shown(&epochs[..14], None).len(), 14);
    }

    #[test]
    fn layers_are_told_of_in_words() {
        let layer = |gradient_norm, dead, saturated| Health { gradient_norm, dead, saturated, step: None };
        assert_eq!(
            words(&[layer(1.0, Some(0.01), None), layer(0.4, None, None)]),
            "healthy: gradient norms 4.0e-1 to 1.0e0 across 2 layers, few units dead or saturated"
        );
        assert_eq!(
            words(&[layer(1e-6, Some(0.5), Some(0.3)), layer(1.0, None, None)]),
            "the gradient of layer 0 is 1e-6 of the largest: it hardly learns; 50% of layer 0's units are dead; \
             30% of layer 0's units are saturated"
        );
        assert!(words(&[layer(f64::NAN, None, None)]).starts_with("not healthy"));
        assert!(words(&[layer(0.0, None, None)]).starts_with("no layer has a gradient"));
    }
}
