//! The correlation matrix of all parameters, their categories one by one, and of what trials came to.

use crate::format::plain;
use handloom_engine::event::EpochMetrics;
use handloom_store::ByRun;
use handloom_sweep::Status;
use serde_json::{Value, json};

use super::table::{Parameter, Table};

/// A parameter of more categories than this is left out.
const MOST_CATEGORIES: usize = 16;

/// Linear correlations between the columns of the trials that have a metric; `kept` is the epoch that each run kept.
pub(super) fn matrix(table: &Table, kept: &ByRun<EpochMetrics>) -> Value {
    let counts = |at: &usize| {
        let line = &table.trials[*at];
        matches!(line.status, Status::Finished | Status::Pruned) && line.value.is_some() && line.repeats.is_none()
    };
    let among: Vec<usize> = (0..table.trials.len()).filter(counts).collect();
    let mut columns: Vec<(String, Vec<f64>)> = Vec::new();
    for parameter in &table.parameters {
        columns.extend(of_parameter(parameter, &among));
    }
    let line = |of: &dyn Fn(usize) -> Option<f64>| among.iter().map(|&at| of(at).unwrap_or(f64::NAN)).collect();
    let figure = |of: fn(&EpochMetrics) -> Option<f64>| {
        line(&|at: usize| of(kept.get(table.trials[at].run.as_ref()?)?).filter(|figure| figure.is_finite()))
    };
    let metric = table.metric.name;
    let others: [(&str, Vec<f64>); 6] = [
        ("weights", line(&|at| table.trials[at].weights.map(|count| count as f64))),
        ("seconds", line(&|at| table.trials[at].seconds)),
        ("train_loss", figure(|row| Some(row.train_loss))),
        ("train_accuracy", figure(|row| Some(row.train_accuracy))),
        ("val_loss", figure(|row| row.val_loss)),
        ("val_accuracy", figure(|row| row.val_accuracy)),
    ];
    columns
        .extend(others.into_iter().filter(|(name, _)| *name != metric).map(|(name, values)| (name.to_owned(), values)));
    columns.push((metric.to_owned(), line(&|at| table.trials[at].value)));
    columns.retain(|(_, values)| varies(values));
    let standard: Vec<Option<Vec<f64>>> = columns.iter().map(|(_, values)| standardized(values)).collect();
    let entry = |a: usize, b: usize| match (&standard[a], &standard[b]) {
        _ if a == b => Some(1.0),
        (Some(x), Some(y)) => Some(x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>()),
        _ => pairwise(&columns[a].1, &columns[b].1),
    };
    // Shown with a few digits: more would be most of the answer.
    let rounded = |found: Option<f64>| found.map(|r| (r.clamp(-1.0, 1.0) * 1e4).round() / 1e4);
    let values: Vec<Vec<Option<f64>>> =
        (0..columns.len()).map(|a| (0..columns.len()).map(|b| rounded(entry(a, b))).collect()).collect();
    json!({"names": columns.iter().map(|(name, _)| name).collect::<Vec<_>>(), "values": values})
}

/// The columns of a parameter: itself if it is a number, else a column of 1 and 0 for each of its values.
fn of_parameter(parameter: &Parameter, among: &[usize]) -> Vec<(String, Vec<f64>)> {
    if parameter.is_number() {
        let values = among.iter().map(|&at| parameter.number(at).unwrap_or(f64::NAN)).collect();
        return vec![(parameter.name.clone(), values)];
    }
    let levels = parameter.levels();
    if levels.len() > MOST_CATEGORIES {
        return Vec::new();
    }
    let is = |level: &Value| among.iter().map(|&at| f64::from(u8::from(parameter.values[at] == *level))).collect();
    levels.iter().map(|level| (format!("{} = {}", parameter.name, plain(level)), is(level))).collect()
}

fn varies(values: &[f64]) -> bool {
    let mut known = values.iter().filter(|value| !value.is_nan());
    known.next().is_some_and(|first| known.any(|other| other != first))
}

/// Values with mean 0 and sum of squares 1; none if one is missing.
fn standardized(values: &[f64]) -> Option<Vec<f64>> {
    if values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let length = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>().sqrt();
    Some(values.iter().map(|value| (value - mean) / length).collect())
}

/// The correlation of the pairs of which both are there.
fn pairwise(x: &[f64], y: &[f64]) -> Option<f64> {
    let both = || x.iter().zip(y).filter(|(x, y)| !x.is_nan() && !y.is_nan());
    let (x, y): (Vec<f64>, Vec<f64>) = both().map(|(x, y)| (*x, *y)).unzip();
    handloom_sweep::importance::correlation(&x, &y).map(|found| found.value)
}

#[cfg(test)]
mod tests {
    use handloom_sweep::Distribution;
    use handloom_sweep::spec::Metric;

    use super::super::table::Line;
    use super::*;

    fn table(values: &[Option<f64>]) -> Table {
        let line = |(at, value): (usize, &Option<f64>)| Line {
            number: at as u64,
            run: None,
            status: Status::Finished,
            value: *value,
            epochs: 1,
            created_ms: None,
            seconds: Some(1.0),
            weights: (at != 2).then_some(100 * at as u64),
            reused: false,
            repeats: None,
        };
        let trials: Vec<Line> = values.iter().enumerate().map(line).collect();
        let optimizers = ["adam", "sgd"].map(|name| json!(name)).to_vec();
        let own: Vec<Value> = (0..values.len()).map(|at| optimizers[at % 2].clone()).collect();
        let optimizer = Parameter::new("optimizer", &Distribution::Categorical(optimizers, None), own);
        Table { metric: Metric::default(), trials, parameters: optimizer.into_iter().collect(), is_guided: false }
    }

    #[test]
    fn categories_stand_one_by_one_and_the_metric_last() {
        let found = matrix(&table(&[Some(0.9), Some(0.1), Some(0.9), Some(0.1), Some(0.9), None]), &ByRun::new());
        assert_eq!(found["names"], json!(["optimizer = adam", "optimizer = sgd", "weights", "val_accuracy"]));
        let at = |a: usize, b: usize| found["values"][a][b].as_f64().unwrap();
        assert_eq!([at(0, 0), at(0, 1), at(0, 3), at(1, 3)], [1.0, -1.0, 1.0, -1.0]);
        // One of five has no number of weights: the others are 0, 100, 300 and 400 with 0.9, 0.1, 0.1 and 0.9.
        assert_eq!((at(2, 3), at(3, 2)), (0.0, 0.0));
    }

    #[test]
    fn what_does_not_vary_is_not_there() {
        let found = matrix(&table(&[Some(0.5), Some(0.5)]), &ByRun::new());
        assert!(!found["names"].as_array().unwrap().contains(&json!("val_accuracy")), "{found}");
        assert_eq!(matrix(&table(&[]), &ByRun::new()), json!({"names": [], "values": []}));
    }
}
