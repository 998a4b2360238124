//! Runs as a table: a row a run, or with `--epochs` a row an epoch.
//!
//! A run's row has what is known of it, its configuration, and the names that W&B's summary has too: figures of the
//! last epoch, `best_epoch`, `best_val_accuracy`, `test_loss` and `test_accuracy`. `epochs` is how many were asked
//! for, `epoch` how many were trained.

use std::path::Path;

use anyhow::Result;
use clap::ArgMatches;
use handloom_engine::event::EpochMetrics;
use handloom_export::csv;
use serde_json::{Map, Value, json};

use super::{named_runs, text, written};
use crate::destination;
use crate::exit::Failure;
use crate::output::Output;
use crate::runs::{Record, Runs};
use crate::wandb::rows::{Summary, object, row, tested};

/// Columns about a run before its configuration.
const FIRST: [&str; 7] = ["run", "name", "status", "started", "ended", "sweep", "group"];
/// Columns after its metrics.
const LAST: [&str; 9] =
    ["tags", "notes", "command", "version", "isa", "host", "git_commit", "data_sha256", "weights_sha256"];

pub(super) fn run(runs: &Runs, names: &[&str], matches: &ArgMatches, output: &Output) -> Result<()> {
    let default = if matches.get_flag("epochs") { "epochs.csv" } else { "runs.csv" };
    let file = text(matches, "out").unwrap_or(default);
    if file != "-" {
        destination::check(Path::new(file), "--out")?;
    }
    let found = named_runs(runs, names)?;
    if found.is_empty() {
        return Err(Failure::usage(format!("there is no run in `{}`\nhint: `handloom train` makes one", runs.at())));
    }
    let ids: Vec<&str> = found.iter().map(|run| run.record.id.as_str()).collect();
    let mut epochs = runs.store.rows(&ids)?;
    let mut table = Vec::new();
    if matches.get_flag("epochs") {
        for run in &found {
            for epoch in epochs.remove(&run.record.id).unwrap_or_default() {
                let mut line = object(json!({"run": run.record.id, "name": run.record.name}));
                line.extend(row(&epoch));
                line.extend(object(json!({"seconds": epoch.seconds, "val_seconds": epoch.val_seconds})));
                table.push(line);
            }
        }
    } else {
        table.extend(found.iter().map(|run| line(&run.record, &epochs.remove(&run.record.id).unwrap_or_default())));
    }
    let columns = columns(&table);
    match file {
        // The bytes as they are: a line break at the end is there already.
        "-" => output.data(String::from_utf8_lossy(&csv::to_bytes(&columns, &table)?).trim_end_matches('\n')),
        file => {
            csv::save(&columns, &table, Path::new(file))?;
            written(Path::new(file), output);
        }
    }
    Ok(())
}

/// Columns that a table for others leaves out: the origin of runs, and values that follow from other columns.
const PRIVATE: [&str; 6] = ["ended", "host", "git_commit", "command", "notes", "tags"];

/// Writes a row for each run, given with its epochs, to `file`, for others to read.
pub(in crate::commands) fn save(runs: &[(&Record, Vec<EpochMetrics>)], file: &Path) -> Result<()> {
    let table: Vec<_> = runs.iter().map(|(record, epochs)| line(record, epochs)).collect();
    let mut columns = columns(&table);
    columns.retain(|column| !PRIVATE.contains(&column.as_str()));
    Ok(csv::save(&columns, &table, file)?)
}

fn line(record: &Record, epochs: &[EpochMetrics]) -> Map<String, Value> {
    let mut summary = Summary::default();
    for epoch in epochs {
        summary.add(epoch);
    }
    let mut line = object(json!({
        "run": record.id, "name": record.name, "status": record.status, "started": time(Some(record.started_ms)),
        "ended": time(record.ended_ms), "sweep": record.sweep, "group": record.group,
    }));
    line.extend(record.config.clone());
    line.insert("dataset".into(), record.dataset.clone().into());
    line.extend(summary.values());
    line.extend(tested(record.test_loss, record.test_accuracy));
    line.extend(object(json!({
        "tags": record.tags, "notes": record.notes, "command": handloom_view::words::line(&record.command), "version": record.version,
        "isa": record.isa, "host": record.host, "git_commit": record.git_commit, "data_sha256": record.data_sha256,
        "weights_sha256": record.weights_sha256,
    })));
    line
}

/// Every column that any line has, in the order of their coming; those of `LAST` at the end.
fn columns(table: &[Map<String, Value>]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let whole = table.first().is_some_and(|line| line.contains_key(LAST[0]));
    let first = if whole { &FIRST[..] } else { &[] };
    columns.extend(first.iter().map(ToString::to_string));
    for key in table.iter().flat_map(Map::keys) {
        if !columns.contains(key) && !LAST.contains(&key.as_str()) {
            columns.push(key.clone());
        }
    }
    let last = if whole { &LAST[..] } else { &[] };
    columns.extend(last.iter().map(ToString::to_string));
    columns
}

/// Unix milliseconds as a spreadsheet reads them: UTC, in seconds.
fn time(ms: Option<u64>) -> Option<String> {
    let time = jiff::Timestamp::from_second((ms? / 1000) as i64).ok()?;
    Some(time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_any_line_and_the_long_ones_come_last() {
        let mut record = Record { id: "a".into(), ..Default::default() };
        record.config.insert("seed".into(), json!(1));
        let epoch = EpochMetrics {
            epoch: 3,
            train_loss: 0.5,
            train_accuracy: 0.5,
            val_loss: None,
            val_accuracy: None,
            learning_rate: 0.1,
            samples_per_second: 1.0,
            seconds: 1.0,
            val_seconds: 0.0,
        };
        let columns = columns(&[line(&record, &[]), line(&record, std::slice::from_ref(&epoch))]);
        let mut expected = FIRST.map(String::from).to_vec();
        expected.extend(["seed", "dataset"].map(String::from));
        expected.extend(crate::wandb::rows::row(&epoch).keys().cloned());
        expected.extend(LAST.map(String::from));
        assert_eq!(columns, expected);
    }
}
