//! W&B's own charts of a classifier: confusion matrix, ROC and precision-recall curves.
//!
//! A chart is a table in the summary and, in the configuration under `_wandb.visualize.KEY`, the name of the
//! drawing that W&B keeps for it and which columns go where. Names, columns and settings are those that
//! `wandb.plot` of wandb 0.31 writes. `n` is the number of images, `C` that of classes.

use handloom_engine::metric::Confusion;
use serde_json::{Value, json};

/// Points of a precision-recall curve, at recalls evenly spaced from 1 to 0.
const RECALLS: usize = 51;

/// Most points of a ROC curve.
const ROC_POINTS: usize = 100;

/// Most rows of a chart's table that W&B's client takes.
const MAX_ROWS: usize = 10_000;

/// Rows of a table.
pub type Rows = Vec<Vec<Value>>;

/// A chart: its key, its title and what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    key: String,
    title: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Confusion,
    Roc,
    PrecisionRecall,
}

impl Chart {
    /// A confusion matrix, of [`confusion_rows`].
    pub fn confusion(key: &str, title: &str) -> Self {
        Self { key: key.into(), title: title.into(), kind: Kind::Confusion }
    }

    /// ROC curves, of [`roc_rows`].
    pub fn roc(key: &str, title: &str) -> Self {
        Self { key: key.into(), title: title.into(), kind: Kind::Roc }
    }

    /// Precision-recall curves, of [`precision_recall_rows`].
    pub fn precision_recall(key: &str, title: &str) -> Self {
        Self { key: key.into(), title: title.into(), kind: Kind::PrecisionRecall }
    }

    /// Name of the panel.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Key of the table in history and summary.
    pub fn table_key(&self) -> String {
        format!("{}_table", self.key)
    }

    /// Columns of the table.
    pub fn columns(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Confusion => &["Actual", "Predicted", "nPredictions"],
            Kind::Roc => &["class", "fpr", "tpr"],
            Kind::PrecisionRecall => &["class", "precision", "recall"],
        }
    }

    /// Definition of the chart in the run's configuration.
    pub(super) fn definition(&self) -> Value {
        let title = &self.title;
        let (drawing, fields, texts) = match self.kind {
            Kind::Confusion => (
                "wandb/confusion_matrix/v1",
                json!({"Actual": "Actual", "Predicted": "Predicted", "nPredictions": "nPredictions"}),
                json!({"title": title}),
            ),
            Kind::Roc => (
                "wandb/area-under-curve/v0",
                json!({"x": "fpr", "y": "tpr", "class": "class"}),
                json!({"title": title, "x-axis-title": "False positive rate", "y-axis-title": "True positive rate"}),
            ),
            Kind::PrecisionRecall => (
                "wandb/area-under-curve/v0",
                json!({"x": "recall", "y": "precision", "class": "class"}),
                json!({"title": title, "x-axis-title": "Recall", "y-axis-title": "Precision"}),
            ),
        };
        let field = |name: &str| json!({"name": name, "fields": []});
        let table = json!({
            "name": "summaryTable", "fields": [], "args": [{"name": "tableKey", "value": self.table_key()}],
        });
        let query = json!({
            "name": "runSets",
            "args": [{"name": "runSets", "value": "${runSets}"}],
            "fields": [field("id"), field("name"), field("_defaultColorIndex"), table],
        });
        json!({
            "panel_type": "Vega2",
            "panel_config": {
                "panelDefId": drawing,
                "fieldSettings": fields,
                "stringSettings": texts,
                "transform": {"name": "tableWithLeafColNames"},
                "userQuery": {"queryFields": [query]},
            },
        })
    }
}

/// Rows of a confusion matrix: true class, predicted class and count for each of the `C²` cells.
pub fn confusion_rows(classes: &[String], confusion: &Confusion) -> Rows {
    assert_eq!(classes.len(), confusion.counts.len(), "names, and classes of the matrix");
    let cells = classes.iter().zip(&confusion.counts);
    cells
        .flat_map(|(truth, row)| {
            classes.iter().zip(row).map(move |(predicted, count)| vec![json!(truth), json!(predicted), json!(count)])
        })
        .collect()
}

/// Rows of the ROC curve of each class against the others, from `probabilities` (n, C) of images with `labels` (n):
/// class, false positive rate, true positive rate. A class without images, or the only one with any, has no curve.
pub fn roc_rows(classes: &[String], probabilities: &[f32], labels: &[u8]) -> Rows {
    let most = ROC_POINTS.min(MAX_ROWS / classes.len().max(1)).max(2);
    curves(classes, probabilities, labels, |ranking| roc(ranking, most))
}

/// Rows of the precision-recall curve of each class: class, precision, recall. The precision at a recall is the
/// highest at this recall or a higher one, as `wandb.plot` draws it. A class without images has no curve.
pub fn precision_recall_rows(classes: &[String], probabilities: &[f32], labels: &[u8]) -> Rows {
    let points = RECALLS.min(MAX_ROWS / classes.len().max(1)).max(2);
    curves(classes, probabilities, labels, |ranking| precision_recall(ranking, points))
}

/// Images ordered by the probability of one class: at each threshold `(true, false)` positives so far.
struct Ranking {
    cuts: Vec<(u64, u64)>,
    positives: u64,
    negatives: u64,
}

fn curves(
    classes: &[String],
    probabilities: &[f32],
    labels: &[u8],
    points: impl Fn(&Ranking) -> Vec<(f64, f64)>,
) -> Rows {
    assert_eq!(probabilities.len(), labels.len() * classes.len(), "a probability for each image and class");
    let mut rows = Rows::new();
    for (class, name) in classes.iter().enumerate() {
        let scores = probabilities.iter().skip(class).step_by(classes.len()).copied();
        let ranking = rank(scores.zip(labels.iter().map(|&label| usize::from(label) == class)).collect());
        let rounded = |x: f64| json!((x * 1e4).round() / 1e4);
        rows.extend(points(&ranking).into_iter().map(|(a, b)| vec![json!(name), rounded(a), rounded(b)]));
    }
    rows
}

fn rank(mut images: Vec<(f32, bool)>) -> Ranking {
    images.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut cuts, mut so_far) = (Vec::new(), (0, 0));
    for (at, &(score, is_class)) in images.iter().enumerate() {
        if is_class {
            so_far.0 += 1;
        } else {
            so_far.1 += 1;
        }
        // Images with one score lie on the same side of every threshold.
        if images.get(at + 1).is_none_or(|next| next.0 != score) {
            cuts.push(so_far);
        }
    }
    Ranking { cuts, positives: so_far.0, negatives: so_far.1 }
}

/// At most `most` points from (0, 0) to (1, 1), evenly spaced along the curve.
fn roc(ranking: &Ranking, most: usize) -> Vec<(f64, f64)> {
    if ranking.positives == 0 || ranking.negatives == 0 {
        return Vec::new();
    }
    let point = |&(tp, fp): &(u64, u64)| (fp as f64 / ranking.negatives as f64, tp as f64 / ranking.positives as f64);
    let mut points: Vec<_> = std::iter::once((0.0, 0.0)).chain(ranking.cuts.iter().map(point)).collect();
    // A point on a straight line between its neighbors adds nothing and is dropped.
    let straight = |a: (f64, f64), b: (f64, f64), c: (f64, f64)| {
        ((b.0 - a.0) * (c.1 - a.1) - (c.0 - a.0) * (b.1 - a.1)).abs() < 1e-12
    };
    let mut kept: Vec<(f64, f64)> = Vec::with_capacity(points.len());
    for point in points.drain(..) {
        while let [.., a, b] = kept[..]
            && straight(a, b, point)
        {
            kept.pop();
        }
        kept.push(point);
    }
    if kept.len() <= most {
        return kept;
    }
    // From (0, 0) to (1, 1) the sum of both rates rises from 0 to 2.
    let (first, last) = (kept[0], kept[kept.len() - 1]);
    let step = 2.0 / (most - 1) as f64;
    let (mut thinned, mut next) = (vec![first], step);
    for &point in &kept[1..kept.len() - 1] {
        if point.0 + point.1 >= next {
            thinned.push(point);
            next = ((point.0 + point.1) / step).floor().mul_add(step, step);
        }
    }
    thinned.truncate(most - 1);
    thinned.push(last);
    thinned
}

/// `points` points `(precision, recall)` at evenly spaced recalls from 1 to 0; at 0 the precision is 1.
fn precision_recall(ranking: &Ranking, points: usize) -> Vec<(f64, f64)> {
    if ranking.positives == 0 {
        return Vec::new();
    }
    let mut cuts = ranking.cuts.iter().rev().peekable();
    let mut best: f64 = 0.0;
    let point = |at: usize| {
        let recall = 1.0 - at as f64 / (points - 1) as f64;
        while let Some((tp, fp)) = cuts.next_if(|(tp, _)| *tp as f64 / ranking.positives as f64 >= recall - 1e-12) {
            best = best.max(*tp as f64 / (tp + fp) as f64);
        }
        (if at + 1 == points { 1.0 } else { best }, recall.max(0.0))
    };
    (0..points).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn points(rows: &Rows, class: &str) -> Vec<(f64, f64)> {
        let rows = rows.iter().filter(|row| row[0] == class);
        rows.map(|row| (row[1].as_f64().unwrap(), row[2].as_f64().unwrap())).collect()
    }

    #[test]
    fn a_confusion_matrix_has_every_cell() {
        let rows = confusion_rows(&names(&["a", "b"]), &Confusion::new(2, [(0, 0), (0, 1), (0, 1), (1, 1)]));
        let expected = [("a", "a", 1), ("a", "b", 2), ("b", "a", 0), ("b", "b", 1)];
        assert_eq!(rows, expected.map(|(truth, taken, count)| vec![json!(truth), json!(taken), json!(count)]));
    }

    /// Scores of class `b`: 0.9 b, 0.8 a, 0.8 b, 0.4 b, 0.1 a; the tie is one step.
    #[test]
    fn curves_by_hand() {
        let of_b = [0.9, 0.8, 0.8, 0.4, 0.1_f32];
        let probabilities: Vec<f32> = of_b.iter().flat_map(|b| [1.0 - b, *b]).collect();
        let (classes, labels) = (names(&["a", "b"]), [1, 0, 1, 1, 0]);
        let roc = roc_rows(&classes, &probabilities, &labels);
        assert_eq!(points(&roc, "b"), [(0.0, 0.0), (0.0, 0.3333), (0.5, 0.6667), (0.5, 1.0), (1.0, 1.0)]);
        let curve = points(&precision_recall_rows(&classes, &probabilities, &labels), "b");
        assert_eq!(curve.len(), RECALLS);
        // Precisions 1, 2/3, 3/4 at recalls 1/3, 2/3, 1; lower recalls have the best precision from there on.
        for (precision, recall) in curve {
            assert_eq!(precision, if recall > 0.335 { 0.75 } else { 1.0 }, "at {recall}");
        }
    }

    #[test]
    fn a_class_without_images_has_no_curve() {
        let (classes, labels) = (names(&["a", "b"]), [0, 0]);
        let probabilities = [0.7, 0.3, 0.6, 0.4];
        assert!(roc_rows(&classes, &probabilities, &labels).is_empty());
        let curves = precision_recall_rows(&classes, &probabilities, &labels);
        assert!(points(&curves, "b").is_empty() && points(&curves, "a").iter().all(|point| point.0 == 1.0));
    }

    #[test]
    fn a_thinned_curve_stays_near_the_whole_one_and_keeps_its_ends() {
        let images: Vec<_> =
            (0..5000_u32).map(|i| (i as f32, (i.wrapping_mul(2_654_435_761) >> 16) % 5000 < i)).collect();
        let ranking = rank(images);
        let (whole, thin) = (roc(&ranking, usize::MAX), roc(&ranking, ROC_POINTS));
        assert!(whole.len() > 300 && (50..=ROC_POINTS).contains(&thin.len()), "{} {}", whole.len(), thin.len());
        assert_eq!((thin[0], thin[thin.len() - 1]), ((0.0, 0.0), (1.0, 1.0)));
        let area = |points: &[(f64, f64)]| {
            points.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0).sum::<f64>()
        };
        assert!((area(&whole) - area(&thin)).abs() < 1e-3, "{} and {}", area(&whole), area(&thin));
    }
}
