//! The trials of a sweep as columns, and its axes.

use serde_json::{Value, json};

use super::super::columns::Columns;
use super::table::{Parameter, Table};

/// The trials, in the order of their numbers.
pub(super) fn columns(table: &Table) -> Value {
    let of = |figure: fn(&super::table::Line) -> Option<f64>| -> Vec<Option<f64>> {
        table.trials.iter().map(figure).collect()
    };
    let statuses: Vec<Option<Value>> = table.trials.iter().map(|line| Some(json!(line.status.name()))).collect();
    let reused = table.trials.iter().map(|line| line.reused.then(|| json!("reused")));
    let mut columns = Columns::new()
        .number("number", "linear", of(|line| Some(line.number as f64)))
        .text("run", table.trials.iter().map(|line| line.run.clone()).collect::<Vec<_>>())
        .category("status", statuses)
        .category("reused", reused.collect())
        .time("created_ms", of(|line| line.created_ms.map(|ms| ms as f64)))
        .number("seconds", "linear", of(|line| line.seconds))
        .number("epochs", "linear", of(|line| Some(line.epochs as f64)))
        .number("metric", "linear", of(|line| line.value))
        .number("best_so_far", "linear", best_so_far(table));
    for parameter in &table.parameters {
        columns = add(columns, parameter);
    }
    columns.number("weights", "log", of(|line| line.weights.map(|count| count as f64))).to_value()
}

fn add(columns: Columns, parameter: &Parameter) -> Columns {
    let name = parameter.name.as_str();
    if parameter.is_category {
        let known = |value: &Value| (!value.is_null()).then(|| value.clone());
        return columns.category(name, parameter.values.iter().map(known).collect());
    }
    let scale = if parameter.is_log { "log" } else { "linear" };
    columns.number(name, scale, (0..parameter.values.len()).map(|at| parameter.number(at)).collect())
}

/// Metric of the best trial up to each.
fn best_so_far(table: &Table) -> Vec<Option<f64>> {
    let mut values = vec![None; table.trials.len()];
    for at in table.improvements() {
        values[at..].fill(table.trials[at].value);
    }
    values
}

/// The axes of parallel coordinates: parameters, the most important of `ranked` first, then the number of weights if it
/// varies, then the metric.
pub(super) fn axes(table: &Table, ranked: &[(String, f64)]) -> Value {
    let importance = |parameter: &Parameter| {
        let name = parameter.name.strip_prefix("config.").unwrap_or(&parameter.name);
        ranked.iter().find(|(known, _)| known == name).map(|(_, importance)| *importance)
    };
    let axis = |name: &str, is_category: bool, is_log: bool, importance: Option<f64>| {
        let (kind, scale) = (if is_category { "category" } else { "number" }, if is_log { "log" } else { "linear" });
        json!({"name": name, "kind": kind, "scale": scale, "importance": importance})
    };
    let mut sorted: Vec<(&Parameter, Option<f64>)> =
        table.parameters.iter().map(|parameter| (parameter, importance(parameter))).collect();
    sorted.sort_by(|a, b| b.1.unwrap_or(f64::NEG_INFINITY).total_cmp(&a.1.unwrap_or(f64::NEG_INFINITY)));
    let mut axes: Vec<Value> = sorted
        .into_iter()
        .map(|(parameter, importance)| axis(&parameter.name, parameter.is_category, parameter.is_log, importance))
        .collect();
    let mut weights = table.trials.iter().map(|line| line.weights);
    let first = weights.next().flatten();
    if weights.any(|count| count != first) {
        axes.push(axis("weights", false, true, None));
    }
    axes.push(axis("metric", false, false, None));
    Value::Array(axes)
}
