//! `/api/curves`: one figure of several runs, epoch by epoch.

use handloom_engine::event::EpochMetrics;
use serde_json::{Value, json};

use super::columns::number;
use super::route::Query;
use super::{ApiError, Site};

/// Most runs whose curves are drawn at once: beyond that lines cover each other.
pub(super) const MOST: usize = 200;
/// Metrics that have curves.
pub(super) const METRICS: [&str; 6] =
    ["val_accuracy", "val_loss", "train_accuracy", "train_loss", "learning_rate", "samples_per_second"];

pub(super) fn answer(site: &Site, query: &Query) -> Result<Value, ApiError> {
    let metric = query.text("metric").unwrap_or("val_accuracy");
    if !METRICS.contains(&metric) {
        return Err(ApiError::new(400, format!("runs have no `{metric}`"), format!("one of {}", METRICS.join(" "))));
    }
    let asked: Vec<&str> = query.text("runs").unwrap_or_default().split(',').filter(|id| !id.is_empty()).collect();
    if asked.len() > MOST {
        let error = format!("{} runs are more than fit one chart", asked.len());
        return Err(ApiError::new(400, error, format!("ask for {MOST} at most")));
    }
    let (seen, rows) = (site.seen()?, site.store.rows(&asked)?);
    let runs: Vec<Value> = asked
        .iter()
        .filter_map(|id| Some((seen.runs.iter().find(|run| run.id == *id)?, rows.get(*id)?)))
        .map(|(run, rows)| {
            let values: Vec<Value> = rows.iter().map(|row| number(figure(metric, row))).collect();
            let epochs: Vec<u64> = rows.iter().map(|row| row.epoch).collect();
            json!({"id": run.id, "name": run.name, "epoch": epochs, "value": values, "seconds": trained(rows)})
        })
        .collect();
    Ok(json!({"metric": metric, "runs": runs}))
}

/// The time trained up to each epoch's end, in seconds.
pub(super) fn trained(rows: &[EpochMetrics]) -> Vec<Value> {
    let sums = rows.iter().scan(0.0, |sum, row| {
        *sum += [row.seconds, row.val_seconds].into_iter().filter(|part| part.is_finite()).sum::<f64>();
        Some(*sum)
    });
    sums.map(|sum| number(Some(sum))).collect()
}

/// A figure of an epoch by its name.
pub(super) fn figure(name: &str, row: &EpochMetrics) -> Option<f64> {
    match name {
        "val_accuracy" => row.val_accuracy,
        "val_loss" => row.val_loss,
        "train_accuracy" => Some(row.train_accuracy),
        "train_loss" => Some(row.train_loss),
        "learning_rate" => Some(row.learning_rate),
        "samples_per_second" => Some(row.samples_per_second),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_a_figure_of_an_epoch() {
        let row = EpochMetrics {
            epoch: 1,
            train_loss: 1.0,
            train_accuracy: 2.0,
            val_loss: Some(3.0),
            val_accuracy: Some(4.0),
            learning_rate: 5.0,
            samples_per_second: 6.0,
            seconds: 7.0,
            val_seconds: f64::NAN,
        };
        assert!(METRICS.iter().all(|name| figure(name, &row).is_some()));
        assert_eq!(trained(&[row.clone(), row]), [json!(7), json!(14)]);
    }
}
