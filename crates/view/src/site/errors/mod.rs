//! `/api/runs/ID/errors`: what a run gets wrong, and why, as far as its images tell.
//!
//! The images of a set are judged once, and what was found is kept until other weights are asked for. Everything but
//! that is a pure function of probabilities, labels and images.

mod calibration;
mod examples;
mod mean_images;
mod order;
mod pairs;
mod predictions;
mod said;
mod suspects;
#[cfg(test)]
mod tests;
mod training;

use handloom_engine::metric::{Errors, calibration_error, wilson};
use handloom_store::Epoch;
use serde_json::{Value, json};

pub(super) use self::examples::rounded;
pub(crate) use self::examples::{Known, examples, surest_first};
pub(super) use self::mean_images::{add, mean};
pub(crate) use self::predictions::{Cache, Predictions, Set, judged, share};
use super::columns::number;
use super::route::Query;
use super::sentence::values;
use super::{ApiError, Site};

/// Most examples of a cell.
const OF_A_CELL: usize = 40;
/// Most examples of a list.
const OF_A_LIST: usize = 24;
/// Wrong predictions above this confidence are confident mistakes; the same bound as in [`Errors`].
const SURE: f32 = 0.95;

pub(super) fn answer(site: &Site, id: &str, query: &Query) -> Result<Value, ApiError> {
    let run = site.run(id)?;
    let judged = judged(site, &run, Set::of(query)?)?;
    let answer = if let Some(answer) = judged.answer.get() {
        answer
    } else {
        let (known, epochs) = (Known::of(site, &run)?, site.store.epochs(id)?);
        judged.answer.get_or_init(|| everything(&judged, &known, &epochs))
    };
    let mut answer = answer.clone();
    // A name may change, what is wrong does not.
    answer["name"] = Value::from(run.name);
    Ok(answer)
}

pub(super) fn cell(site: &Site, id: &str, query: &Query) -> Result<Value, ApiError> {
    let class = |name: &str| -> Result<usize, ApiError> {
        query.must(name)?;
        Ok(query.number(name)?.unwrap_or_default() as usize)
    };
    let (truth, predicted) = (class("true")?, class("predicted")?);
    cell_of(site, id, Set::of(query)?, [truth, predicted], OF_A_CELL)
}

/// At most `most` examples of the images of a class that were taken for another.
pub(super) fn cell_of(
    site: &Site,
    id: &str,
    set: Set,
    [truth, predicted]: [usize; 2],
    most: usize,
) -> Result<Value, ApiError> {
    let run = site.run(id)?;
    let judged = judged(site, &run, set)?;
    let classes = judged.classes();
    if truth.max(predicted) >= classes {
        let error = format!("there is no cell {truth}, {predicted} among {classes} classes");
        return Err(ApiError::new(404, error, format!("classes are numbered from 0 to {}", classes - 1)));
    }
    let places = surest_first(&judged, |place| judged.truth(place) == truth && judged.predicted(place) == predicted);
    Ok(examples(&judged, &places, most, &Known::of(site, &run)?))
}

fn everything(judged: &Predictions, known: &Known, epochs: &[Epoch]) -> Value {
    let confusion = judged.confusion();
    let (images, right, classes) = (confusion.total(), confusion.correct(), judged.classes());
    let errors = Errors::new(judged.probabilities(), judged.labels(), classes);
    let second = (errors.count > 0).then(|| errors.true_second as f64 / errors.count as f64);
    let calibration = calibration_error(judged.probabilities(), judged.labels(), classes);
    let sure = surest_first(judged, |place| judged.is_wrong(place) && judged.confidence(place) > SURE);
    let suspects = suspects::of(judged, known);
    let training = training::moved(epochs);
    let figures: Vec<_> = (0..classes).map(|class| confusion.class(class)).collect();
    let [low, high] = wilson(right, images);
    let sentences = said::all(&said::Case {
        judged,
        confusion,
        errors,
        suspects: suspects.count,
        epochs,
        bins: &calibration::bins(judged),
        calibration,
    });
    json!({
        "run": judged.run(), "name": "", "set": judged.set().name(), "images": images, "wrong": images - right,
        "accuracy": number(confusion.accuracy()), "low": low, "high": high, "second": second,
        "calibration_error": number(calibration), "classes": judged.names(), "order": order::of(&confusion.counts),
        "confusion": confusion.counts,
        "recall": figures.iter().map(|class| class.recall).collect::<Vec<_>>(),
        "precision": figures.iter().map(|class| class.precision).collect::<Vec<_>>(),
        "f1": figures.iter().map(|class| class.f1).collect::<Vec<_>>(),
        "pairs": pairs::ledger(confusion), "three_largest": confusion.three_largest(), "faces": mean_images::of(judged),
        "calibration": calibration::values(&calibration::bins(judged)),
        "sure": examples(judged, &sure, OF_A_LIST, known), "suspects": suspects.to_value(judged, known),
        "training": training, "sentences": values(&sentences),
    })
}
