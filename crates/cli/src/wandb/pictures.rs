//! Images and charts of a run: samples of its data, and its network's predictions for images.

use anyhow::Result;
use handloom_engine::dataset::Dataset;
use handloom_engine::metric::{Confusion, first_maximum};
use handloom_export::wandb::{Chart, Image, OfflineRun, confusion_rows, precision_recall_rows, roc_rows};
use serde_json::{Map, Value, json};

/// Samples of each class in the grid.
const PER_CLASS: usize = 5;
/// Images whose predictions are listed one by one.
const LISTED: usize = 200;
/// Most classes whose matrix W&B draws: its charts take 10,000 rows. The picture has no such limit.
const MOST_CLASSES: usize = 100;

/// Images and what a network makes of them.
pub(crate) struct Seen<'a> {
    /// `test` or `validation`.
    pub(crate) what: &'static str,
    /// Data set that has the images.
    pub(crate) data: &'a Dataset,
    /// Rows of the images in `data` (n).
    pub(crate) rows: &'a [u32],
    /// The probability of each class for each of them (n, C).
    pub(crate) probabilities: &'a [f32],
}

/// The chart of [`confusion`].
pub(crate) fn matrix_chart(classes: usize) -> Option<Chart> {
    (classes <= MOST_CLASSES).then(|| Chart::confusion("confusion_matrix", "Confusion matrix"))
}

fn curve_charts() -> [Chart; 2] {
    [Chart::roc("roc", "ROC curves"), Chart::precision_recall("precision_recall", "Precision-recall curves")]
}

/// The charts of [`seen`], which W&B wants to know beforehand.
pub(crate) fn charts(classes: usize) -> Vec<Chart> {
    matrix_chart(classes).into_iter().chain(curve_charts()).collect()
}

/// The first images of each class.
pub(crate) fn samples(run: &mut OfflineRun, name: &str, data: &Dataset) -> Result<Map<String, Value>> {
    let picture = handloom_view::sample_grid(name, data, PER_CLASS);
    let value = run.image("samples", Image { png: &picture.to_png()?, caption: Some(&picture.caption) })?;
    Ok(Map::from_iter([("samples".to_owned(), value)]))
}

/// A confusion matrix, as a picture and as a chart.
pub(crate) fn confusion(
    run: &mut OfflineRun,
    what: &str,
    classes: &[String],
    confusion: &Confusion,
) -> Result<Map<String, Value>> {
    let picture = handloom_view::confusion(&format!("{what} data"), classes, &confusion.counts);
    let value = run.image("confusion", Image { png: &picture.to_png()?, caption: Some(&picture.caption) })?;
    let mut row = Map::from_iter([("confusion".to_owned(), value)]);
    if let Some(chart) = matrix_chart(classes.len()) {
        row.extend([run.chart(&chart, &confusion_rows(classes, confusion))?]);
    }
    Ok(row)
}

/// Confusion matrix, ROC and precision-recall curves, and the first predictions.
pub(crate) fn seen(run: &mut OfflineRun, seen: &Seen<'_>) -> Result<Map<String, Value>> {
    let classes = &seen.data.classes;
    let labels: Vec<u8> = seen.rows.iter().map(|&row| seen.data.labels[row as usize]).collect();
    let taken: Vec<usize> = seen.probabilities.chunks(classes.len()).map(first_maximum).collect();
    let pairs = labels.iter().map(|&label| usize::from(label)).zip(taken.iter().copied());
    let mut row = confusion(run, seen.what, classes, &Confusion::new(classes.len(), pairs.clone()))?;
    let [roc, precision_recall] = curve_charts();
    row.extend([
        run.chart(&roc, &roc_rows(classes, seen.probabilities, &labels))?,
        run.chart(&precision_recall, &precision_recall_rows(classes, seen.probabilities, &labels))?,
    ]);
    let listed = pairs.zip(seen.rows).zip(seen.probabilities.chunks(classes.len())).take(LISTED);
    let listed = listed.map(|(((label, taken), index), probabilities)| {
        // As short as the number is, not as the double next to it.
        let probability = (f64::from(probabilities[taken]) * 1e6).round() / 1e6;
        vec![json!(index), json!(classes[label]), json!(classes[taken]), json!(probability), json!(label == taken)]
    });
    let listed: Vec<_> = listed.collect();
    let columns = ["index", "true", "predicted", "probability", "correct"];
    row.insert("predictions".into(), run.table("predictions", &columns, &listed)?);
    Ok(row)
}
