//! `/api/compare`: what two runs differ in, and whether one of them is better. The test set stays closed.

use std::collections::BTreeSet;
use std::sync::Arc;

use handloom_engine::config::KEYS;
use handloom_engine::event::EpochMetrics;
use handloom_store::{Run, Status};
use serde_json::{Map, Value, json};

use super::columns::number;
use super::errors::{Known, Predictions, Set, examples, judged, share, surest_first};
use super::route::Query;
use super::run::curves;
use super::{ApiError, Site};
use crate::verdict::{Paired, Verdict, recorded};

/// Most examples of a list.
const MOST: usize = 24;

pub(super) fn answer(site: &Site, query: &Query) -> Result<Value, ApiError> {
    let (a, b) = (site.run(query.must("a")?)?, site.run(query.must("b")?)?);
    if a.id == b.id {
        return Err(ApiError::new(400, format!("run `{}` is on both sides", a.id), "name two runs"));
    }
    let pair = [&a, &b];
    let (judged, why_not) = match together(site, pair) {
        Ok(judged) => (Some(judged), None),
        Err(trouble) => (None, Some(trouble.error)),
    };
    let paired = judged.as_ref().map(outcomes);
    let recorded = if paired.is_none() { recorded(pair, &*site.store)? } else { None };
    let verdict =
        Verdict::of_pair(pair, paired.as_ref().map(|paired| (paired, "validation")), recorded, why_not.as_deref());
    let mut answer = json!({
        "a": side(site, &a)?, "b": side(site, &b)?, "settings": settings(pair),
        "verdict": {"settled": verdict.settled, "text": sentence(&verdict.words)}, "paired": null, "classes": null,
        "fixes": null, "breaks": null, "why_not": why_not,
    });
    if let (Some([first, second]), Some(paired)) = (&judged, paired) {
        answer["paired"] = shown(&paired);
        answer["classes"] = classes([first, second]);
        // Each with what was thought by the one that got it wrong.
        let only = |wrong: &Predictions, right: &Predictions| {
            surest_first(wrong, |place| wrong.is_wrong(place) && !right.is_wrong(place))
        };
        let (fixes, breaks) = (only(first, second), only(second, first));
        answer["fixes"] = examples(first, &fixes, MOST, &Known::of(site, &a)?);
        answer["breaks"] = examples(second, &breaks, MOST, &Known::of(site, &b)?);
    }
    Ok(answer)
}

/// Both runs on the validation images that they have in common, or why not.
fn together(site: &Site, [a, b]: [&Run; 2]) -> Result<[Arc<Predictions>; 2], ApiError> {
    let none = |why: String| Err(ApiError::new(409, why, ""));
    if a.data_sha256 != b.data_sha256 {
        return none(format!("they were trained on different data, `{}` and `{}`", a.dataset, b.dataset));
    }
    // Another share keeps other images, which the other run may have been trained on.
    if share(a) != share(b) || share(a) == 0.0 {
        return none("they have no validation images in common".into());
    }
    Ok([judged(site, a, Set::Validation)?, judged(site, b, Set::Validation)?])
}

fn outcomes([a, b]: &[Arc<Predictions>; 2]) -> Paired {
    Paired::new((0..a.len().min(b.len())).map(|place| (!a.is_wrong(place), !b.is_wrong(place))))
}

/// `A is better by ...` of `settled: A is better by ...`: a page says separately whether it is settled.
fn sentence(words: &str) -> String {
    let text = words.split_once(": ").map_or(words, |(_, text)| text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn shown(paired: &Paired) -> Value {
    let difference = paired.difference();
    json!({
        "set": "validation", "images": paired.images, "only_a": paired.breaks, "only_b": paired.fixes, "p": paired.p(),
        "difference": difference.map(|difference| difference.value), "low": difference.map(|difference| difference.low),
        "high": difference.map(|difference| difference.high),
    })
}

/// Recall of each class by both runs.
fn classes([a, b]: [&Arc<Predictions>; 2]) -> Value {
    let recall = |judged: &Predictions, class: usize| number(judged.confusion().class(class).recall);
    let line = |(class, name): (usize, &String)| json!({"name": name, "a": recall(a, class), "b": recall(b, class)});
    a.names().iter().enumerate().map(line).collect()
}

/// The settings in which two runs differ, in the order of the documentation.
fn settings([a, b]: [&Run; 2]) -> Value {
    let known = |name: &str| KEYS.iter().any(|key| key.name == name);
    let others: BTreeSet<&str> =
        a.config.keys().chain(b.config.keys()).map(String::as_str).filter(|name| !known(name)).collect();
    let names = KEYS.iter().map(|key| key.name).chain(others);
    let both = names.map(|name| (name, a.config.get(name), b.config.get(name)));
    both.filter(|(_, a, b)| a != b).map(|(name, a, b)| json!({"name": name, "a": a, "b": b})).collect()
}

fn side(site: &Site, run: &Run) -> Result<Value, ApiError> {
    let seen = site.seen()?;
    let group: Vec<&Run> = seen.runs.iter().filter(|other| other.id == run.id || is_sister(run, other)).collect();
    let ids: Vec<&str> = group.iter().map(|run| run.id.as_str()).collect();
    let rows = site.store.rows(&ids)?;
    let own = rows.get(&run.id).map_or(&[][..], Vec::as_slice);
    let all: Vec<&[EpochMetrics]> = ids.iter().filter_map(|id| rows.get(*id)).map(Vec::as_slice).collect();
    let mut seeds = band(&all);
    seeds["runs"] = json!(ids);
    Ok(json!({
        "id": run.id, "name": run.name, "val_accuracy": number(run.val_accuracy),
        "test_accuracy": number(run.test_accuracy), "best_epoch": run.best_epoch, "curves": curves(own), "seeds": seeds,
    }))
}

/// True if `other` finished with the same settings and data, and differs in its seed alone.
fn is_sister(run: &Run, other: &Run) -> bool {
    let without = |config: &Map<String, Value>| -> Vec<(String, Value)> {
        let mut settings: Vec<_> = config.iter().filter(|(name, _)| *name != "seed").collect();
        settings.sort_unstable_by_key(|(name, _)| *name);
        settings.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    other.status == Status::Finished
        && other.seed != run.seed
        && other.data_sha256 == run.data_sha256
        && without(&other.config) == without(&run.config)
}

/// Lowest, mean and highest validation accuracy of each epoch, as far as every run has one.
fn band(runs: &[&[EpochMetrics]]) -> Value {
    let long = runs.iter().map(|rows| rows.len()).min().unwrap_or(0);
    let at = |epoch: usize| -> Option<Vec<f64>> { runs.iter().map(|rows| rows[epoch].val_accuracy).collect() };
    let values: Vec<Vec<f64>> = (0..long).map_while(at).collect();
    let epoch: Vec<u64> =
        runs.first().map_or(&[][..], |rows| &rows[..values.len()]).iter().map(|row| row.epoch).collect();
    let each = |of: fn(&[f64]) -> f64| -> Vec<f64> { values.iter().map(|values| of(values)).collect() };
    json!({
        "runs": [], "epoch": epoch, "low": each(|values| values.iter().copied().fold(f64::INFINITY, f64::min)),
        "mean": each(|values| values.iter().sum::<f64>() / values.len() as f64),
        "high": each(|values| values.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, seed: u64, config: &Value) -> Run {
        let mut config = config.as_object().unwrap().clone();
        config.insert("seed".into(), json!(seed));
        Run { id: id.into(), seed, config, status: Status::Finished, data_sha256: "d".into(), ..Run::default() }
    }

    #[test]
    fn settings_that_differ_come_in_the_order_of_the_documentation() {
        let a = run("a", 1, &json!({"later": 1, "optimizer": "sgd", "epochs": 3, "batch_size": 32}));
        let b = run("b", 1, &json!({"optimizer": "adam", "epochs": 5, "batch_size": 32}));
        assert_eq!(
            settings([&a, &b]),
            json!([
                {"name": "epochs", "a": 3, "b": 5},
                {"name": "optimizer", "a": "sgd", "b": "adam"},
                {"name": "later", "a": 1, "b": null},
            ])
        );
        assert_eq!(settings([&a, &a]), json!([]));
    }

    #[test]
    fn sisters_differ_in_their_seed_and_in_nothing_else() {
        let a = run("a", 1, &json!({"epochs": 3, "optimizer": "sgd"}));
        let sister = run("b", 2, &json!({"optimizer": "sgd", "epochs": 3}));
        assert!(is_sister(&a, &sister));
        assert!(!is_sister(&a, &run("c", 1, &json!({"epochs": 3, "optimizer": "sgd"}))));
        assert!(!is_sister(&a, &run("c", 2, &json!({"epochs": 4, "optimizer": "sgd"}))));
        assert!(!is_sister(&a, &Run { data_sha256: "e".into(), ..sister.clone() }));
        assert!(!is_sister(&a, &Run { status: Status::Diverged, ..sister }));
    }

    #[test]
    fn a_band_goes_as_far_as_every_run_has_an_accuracy() {
        let row = |epoch, val_accuracy| EpochMetrics {
            epoch,
            train_loss: 0.0,
            train_accuracy: 0.0,
            val_loss: None,
            val_accuracy,
            learning_rate: 0.0,
            samples_per_second: 0.0,
            seconds: 0.0,
            val_seconds: 0.0,
        };
        let a = [row(1, Some(0.5)), row(2, Some(0.75)), row(3, Some(0.9))];
        let b = [row(1, Some(0.25)), row(2, Some(0.25)), row(3, None)];
        assert_eq!(
            band(&[&a, &b]),
            json!({"runs": [], "epoch": [1, 2], "low": [0.25, 0.25], "mean": [0.375, 0.5], "high": [0.5, 0.75]})
        );
        assert_eq!(band(&[])["epoch"], json!([]));
    }

    #[test]
    fn a_verdict_becomes_a_heading() {
        assert_eq!(sentence("settled: B is better by 1 point: [0, 2]"), "B is better by 1 point: [0, 2]");
        assert_eq!(sentence("not settled: they differ"), "They differ");
    }
}
