//! `/api/runs`: every run as columns, the latest first.

use std::collections::HashSet;

use handloom_engine::config::KEYS;
use handloom_engine::event::EpochMetrics;
use handloom_store::{Run, Status};
use serde_json::{Map, Value, json};

use super::columns::Columns;
use super::route::Query;
use super::seen::Seen;
use super::words::planned;
use super::{ApiError, Site};

/// Settings that stand among the columns of every run.
const OWN: [&str; 3] = ["dataset", "epochs", "seed"];
/// Settings whose values are compared by their ratios wherever all are above 0.
const RATIOS: [&str; 3] = ["learning_rate", "epsilon", "weight_decay"];
/// From this ratio of the largest to the smallest value on, any other setting is too: two decades and more of batch sizes
/// or widths are chosen as powers.
const DECADES: f64 = 100.0;

/// Form in which the values of a column are sent.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Category,
    Time,
    Number,
}

/// A run with the figures of the epoch that is kept.
struct Line<'a> {
    run: &'a Run,
    row: Option<&'a EpochMetrics>,
    now_ms: u64,
}

/// A value of a run.
type Of = fn(&Line<'_>) -> Value;

/// Columns that every run has, in the order of the table.
const COLUMNS: [(&str, Kind, Of); 20] = [
    ("id", Kind::Text, |line| json!(line.run.id)),
    ("name", Kind::Text, |line| json!(line.run.name)),
    ("status", Kind::Category, |line| json!(line.run.status.name())),
    ("sweep", Kind::Category, |line| json!(line.run.sweep)),
    ("group", Kind::Category, |line| json!(line.run.group)),
    ("tags", Kind::Text, |line| json!(line.run.tags.join(" "))),
    ("notes", Kind::Text, |line| json!(line.run.notes)),
    ("dataset", Kind::Category, |line| json!(line.run.dataset)),
    ("started_ms", Kind::Time, |line| json!(line.run.started_ms)),
    ("seconds", Kind::Number, |line| json!(seconds(line.run, line.now_ms))),
    ("epochs", Kind::Number, |line| json!(line.run.epochs)),
    ("planned", Kind::Number, |line| json!(planned(line.run))),
    ("best_epoch", Kind::Number, |line| json!(line.run.best_epoch)),
    ("val_accuracy", Kind::Number, |line| json!(val_accuracy(line.run, line.row))),
    ("val_loss", Kind::Number, |line| json!(line.row.and_then(|row| row.val_loss))),
    ("train_accuracy", Kind::Number, |line| json!(line.row.map(|row| row.train_accuracy))),
    ("train_loss", Kind::Number, |line| json!(line.row.map(|row| row.train_loss))),
    ("gap", Kind::Number, |line| json!(gap(line.run, line.row))),
    ("test_accuracy", Kind::Number, |line| json!(line.run.test_accuracy)),
    ("seed", Kind::Number, |line| json!(line.run.seed)),
];

pub(super) fn answer(site: &Site, query: &Query) -> Result<Value, ApiError> {
    let first = query.number("first")?.map_or(usize::MAX, |first| first as usize);
    let seen = site.seen()?;
    Ok(table(&seen, query.text("sweep"), first, site.now_ms()))
}

/// The `first` of the runs, those of `sweep` if one is named.
pub(super) fn table(seen: &Seen, sweep: Option<&str>, first: usize, now_ms: u64) -> Value {
    let all: Vec<&Run> =
        seen.runs.iter().rev().filter(|run| sweep.is_none_or(|id| run.sweep.as_deref() == Some(id))).collect();
    let shown = &all[..all.len().min(first)];
    let mut columns = Columns::new();
    for (name, kind, of) in COLUMNS {
        let values = shown.iter().map(|run| of(&Line { run, row: seen.rows.get(&run.id), now_ms }));
        columns = match kind {
            Kind::Text => {
                let text = |value| if let Value::String(text) = value { Some(text) } else { None };
                columns.text(name, values.map(text).collect())
            }
            Kind::Category => columns.category(name, values.map(Some).collect()),
            Kind::Time => columns.time(name, values.map(|value| value.as_f64()).collect()),
            Kind::Number => columns.number(name, "linear", values.map(|value| value.as_f64()).collect()),
        };
    }
    let own;
    let settings = if sweep.is_none() {
        seen.settings.get_or_init(|| Settings::of(&all))
    } else {
        own = Settings::of(&all);
        &own
    };
    for name in &settings.varying {
        columns = setting(columns, name, shown);
    }
    let mut table = columns.to_value();
    table["same"] = Value::Object(settings.same.clone());
    table["all"] = Value::from(all.len());
    table
}

/// A run as a row of the table, with every setting.
pub(super) fn row(run: &Run, row: Option<&EpochMetrics>, now_ms: u64) -> Value {
    let line = Line { run, row, now_ms };
    let mut object: Map<String, Value> = COLUMNS.iter().map(|(name, _, of)| ((*name).to_owned(), of(&line))).collect();
    let own = run.config.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    object.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(object)
}

/// Accuracy of the kept weights, or of the last epoch.
fn val_accuracy(run: &Run, row: Option<&EpochMetrics>) -> Option<f64> {
    run.val_accuracy.or(row?.val_accuracy)
}

/// Training accuracy minus validation accuracy.
fn gap(run: &Run, row: Option<&EpochMetrics>) -> Option<f64> {
    Some(row?.train_accuracy - val_accuracy(run, row)?)
}

/// Seconds from start to end, or until now while it runs.
pub(super) fn seconds(run: &Run, now_ms: u64) -> Option<f64> {
    let end = run.ended_ms.or((run.status == Status::Running).then_some(now_ms))?;
    Some(end.saturating_sub(run.started_ms) as f64 / 1e3)
}

/// Settings that are the same in all runs, and those that differ.
#[derive(Clone)]
pub(super) struct Settings {
    same: Map<String, Value>,
    /// Names, in the order of the documentation.
    varying: Vec<String>,
}

impl Settings {
    fn of(runs: &[&Run]) -> Self {
        let mut found: HashSet<&str> = HashSet::new();
        let mut names: Vec<&str> = Vec::new();
        for name in runs.iter().flat_map(|run| run.config.keys()) {
            if found.insert(name) {
                names.push(name);
            }
        }
        let place = |name: &str| KEYS.iter().position(|key| key.name == name).unwrap_or(KEYS.len());
        names.sort_by_key(|name| place(name));
        let (mut same, mut varying) = (Map::new(), Vec::new());
        for name in names {
            let first = runs.first().and_then(|run| run.config.get(name));
            match first {
                Some(value) if runs.iter().all(|run| run.config.get(name) == first) => {
                    same.insert(name.into(), value.clone());
                }
                _ if OWN.contains(&name) => {}
                _ => varying.push(name.into()),
            }
        }
        Self { same, varying }
    }
}

fn setting(columns: Columns, name: &str, runs: &[&Run]) -> Columns {
    let values = || runs.iter().map(|run| run.config.get(name).filter(|value| !value.is_null()));
    if !values().flatten().all(Value::is_number) {
        return columns.category(name, values().map(Option::<&Value>::cloned).collect());
    }
    let numbers: Vec<Option<f64>> = values().map(|value| value.and_then(Value::as_f64)).collect();
    let least = numbers.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let most = numbers.iter().flatten().copied().fold(0.0, f64::max);
    let by_ratio = least > 0.0 && (RATIOS.contains(&name) || most / least >= DECADES);
    columns.number(name, if by_ratio && most.is_finite() { "log" } else { "linear" }, numbers)
}
