//! `/api/project`: what there is, and the headline, which says how good the best run is, whether it is healthy, what it gets
//! wrong, what matters, and what is under way.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use handloom_engine::metric::Confusion;
use handloom_store::{Epoch, Run, Status, WITH_RESULT, latest_dataset};
use serde_json::{Value, json};

use super::seen::Seen;
use super::sentence::{Sentence, run_page, sweep_page, values};
use super::words::{planned, recipe};
use super::{ApiError, Site, sweep};
use crate::format::duration;
use crate::insight::health;
use crate::words::{count, grouped, listed, percent, times};

/// Fewest mistakes of which shares are told: of less, each is a large one.
const FEWEST: u64 = 20;

pub(super) fn answer(site: &Site) -> Result<Value, ApiError> {
    let (seen, now_ms) = (site.seen()?, site.now_ms());
    let best = best(&seen.runs);
    let mut datasets: Vec<&str> = Vec::new();
    for run in seen.runs.iter().rev() {
        if !run.dataset.is_empty() && !datasets.contains(&run.dataset.as_str()) {
            datasets.push(&run.dataset);
        }
    }
    let mut answer = json!({
        "version": env!("CARGO_PKG_VERSION"), "store": site.store.at(), "now_ms": now_ms, "may_edit": site.may_edit,
        "runs": seen.runs.len(), "running": seen.runs.iter().filter(|run| run.status == Status::Running).count(),
        "headline": values(&headline(site, &seen, best)?), "best": best.map(|run| &run.id), "datasets": datasets,
        "sweeps": sweep::lines(site)?,
    });
    // Left out of reports, which nobody expects to edit.
    if let Some(why) = &site.edit_refused {
        answer["edit_refused"] = Value::from(why.as_str());
    }
    Ok(answer)
}

/// The time now, Unix milliseconds.
pub(super) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// The best of the runs on the data set that was used last.
fn best(runs: &[Run]) -> Option<&Run> {
    let dataset = latest_dataset(runs.iter())?;
    let of_dataset: Vec<&Run> = runs.iter().filter(|run| run.dataset == dataset).collect();
    handloom_store::best(&of_dataset, &WITH_RESULT)
}

fn headline(site: &Site, seen: &Seen, best: Option<&Run>) -> Result<Vec<Sentence>, ApiError> {
    let mut said = Vec::new();
    if seen.runs.is_empty() {
        said.push(Sentence::new("empty", "Nothing is trained yet: `handloom train` trains a first network."));
    }
    if let Some(run) = best {
        said.extend(result(run));
        said.extend(tested(site, run));
        let epochs = site.store.epochs(&run.id)?;
        let classes = site.classes(run);
        let verdict = health::verdict(&health::examine(run, &epochs, &classes));
        said.extend(verdict.map(|verdict| Sentence::new("health", verdict).at(run_page(&run.id, ""))));
        said.extend(pairs(run, &epochs, &classes));
    }
    said.extend(site.matters.latest());
    said.extend(running(seen));
    Ok(said)
}

fn result(run: &Run) -> Option<Sentence> {
    let accuracy = percent(run.val_accuracy?);
    let text = format!("Best: {accuracy} of validation images right ({}).", recipe(run));
    Some(Sentence::new("best", text).at(run_page(&run.id, "")))
}

fn tested(site: &Site, run: &Run) -> Option<Sentence> {
    let accuracy = percent(run.test_accuracy?);
    let openings = site.host.test_openings(run).map_or(0, |(_, openings)| openings);
    let opened = if openings > 0 { format!("; the test set was opened {}", times(openings)) } else { String::new() };
    Some(Sentence::new("test", format!("Test: {accuracy}{opened}.")).at(run_page(&run.id, "/errors?set=test")))
}

/// Statement about the most frequent confusions, if three pairs of classes make up most errors.
pub(super) fn pairs(run: &Run, epochs: &[Epoch], classes: &[String]) -> Option<Sentence> {
    let kept = epochs.iter().find(|epoch| Some(epoch.row.epoch) == run.best_epoch).or(epochs.last())?;
    let text = largest(kept.evidence.confusion.as_ref()?, classes)?;
    Some(Sentence::new("pairs", text).at(run_page(&run.id, "/errors")))
}

/// Share of the errors that three pairs of classes make up, and their names; none with few errors or few pairs.
pub(super) fn largest(confusion: &Confusion, classes: &[String]) -> Option<String> {
    let errors = confusion.total() - confusion.correct();
    let mut both: Vec<(usize, usize, u64)> = confusion
        .pairs()
        .into_iter()
        .filter(|pair| pair.reverse == 0 || pair.truth < pair.predicted)
        .map(|pair| (pair.truth, pair.predicted, pair.count + pair.reverse))
        .collect();
    // With hardly more than three pairs it says nothing that most errors are three of them.
    if errors < FEWEST || both.len() < 6 {
        return None;
    }
    both.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    let name = |class: usize| classes.get(class).cloned().unwrap_or_else(|| format!("class {class}"));
    let named: Vec<String> = both[..3].iter().map(|(a, b, _)| format!("{} and {}", name(*a), name(*b))).collect();
    let share = 100.0 * confusion.three_largest()?;
    Some(format!("{share:.0}% of the {} errors are three pairs: {}.", grouped(errors), named.join(", ")))
}

/// Statement about the runs that train now, and their progress.
fn running(seen: &Seen) -> Option<Sentence> {
    let running: Vec<&Run> = seen.runs.iter().filter(|run| run.status == Status::Running).collect();
    let last = running.last()?;
    let href = match &last.sweep {
        Some(sweep) => sweep_page(sweep),
        None => run_page(&last.id, ""),
    };
    let text = if let [one] = running[..] {
        format!("1 running: {}.", progress(one, seen.rows.get(&one.id)))
    } else {
        let far: Vec<String> = running.iter().rev().take(3).map(|run| run.epochs.to_string()).collect();
        let first = if running.len() > 3 { "the latest are at epoch" } else { "at epoch" };
        format!("{} running, {first} {}.", grouped(running.len() as u64), listed(&far))
    };
    Some(Sentence::new("running", text).at(href))
}

/// `epoch 6 of 10, about 8 s left`; `row` is one of its epochs.
pub(super) fn progress(run: &Run, row: Option<&handloom_engine::event::EpochMetrics>) -> String {
    let planned = planned(run);
    let epoch = format!("epoch {} of {planned}", run.epochs);
    let seconds = row.map(|row| row.seconds + row.val_seconds).filter(|seconds| seconds.is_finite());
    match seconds {
        Some(seconds) if planned > run.epochs => {
            format!("{epoch}, about {} left", duration(seconds * (planned - run.epochs) as f64))
        }
        _ => epoch,
    }
}

impl Site {
    /// Names of the classes that a run tells apart; none if they cannot be had.
    pub(super) fn classes(&self, run: &Run) -> Vec<String> {
        self.host.model(run).map(|model| model.classes).unwrap_or_default()
    }
}

/// Statements of sweeps about what matters, by the sweeps' ids.
#[derive(Default)]
pub(super) struct Matters(Mutex<BTreeMap<String, (u64, Sentence)>>);

impl Matters {
    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Takes note of what the answer about a sweep says.
    pub(super) fn remember(&self, id: &str, answer: &Value) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match matters(id, answer) {
            Some(sentence) => known.insert(id.into(), (answer["created_ms"].as_u64().unwrap_or(0), sentence)),
            None => known.remove(id),
        };
    }

    /// The statement of the latest sweep that made one.
    fn latest(&self) -> Option<Sentence> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().max_by_key(|(created_ms, _)| *created_ms).map(|(_, sentence)| sentence.clone())
    }
}

fn matters(id: &str, answer: &Value) -> Option<Sentence> {
    let importance = &answer["importance"];
    let weights = importance["parameters"].as_array()?;
    let names: Vec<String> = weights
        .iter()
        .filter(|weight| weight["verdict"] == "matters")
        .filter_map(|weight| weight["name"].as_str().map(|name| name.replace('_', " ")))
        .collect();
    let trials = count(importance["trials"].as_u64()?, "trial", "trials");
    let text = match &names[..] {
        [] => return None,
        [one] => format!("Of the settings, {one} matters most ({trials})."),
        [first, second, ..] => format!("Of the settings, {first} matters most, then {second} ({trials})."),
    };
    Some(Sentence::new("matters", text).at(sweep_page(id)))
}

/// Asks for the latest sweep, so that the headline knows of it.
pub(super) fn look_ahead(site: &Site) {
    let latest = site.store.sweeps().ok().and_then(|mut sweeps| sweeps.pop());
    if let Some(sweep) = latest {
        // A sweep that cannot be answered makes no statement.
        let _ = site.answer(&format!("/api/sweeps/{}", sweep.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, status: Status, val_accuracy: Option<f64>) -> Run {
        Run { id: id.into(), status, val_accuracy, dataset: "mnist".into(), ..Run::default() }
    }

    #[test]
    fn the_best_run_finished_if_any_did_and_is_of_the_data_used_last() {
        let mut runs = vec![
            run("a", Status::Finished, Some(0.8)),
            run("b", Status::Finished, Some(0.8)),
            run("c", Status::Stopped, Some(0.9)),
            run("d", Status::Diverged, Some(0.99)),
        ];
        let id = |runs: &[Run]| best(runs).map(|run| run.id.clone());
        assert_eq!(id(&runs).as_deref(), Some("a"));
        assert_eq!(id(&runs[2..]).as_deref(), Some("c"));
        assert_eq!((id(&runs[3..]), id(&[])), (None, None));
        runs.push(Run { dataset: "garments".into(), ..run("e", Status::Finished, Some(0.1)) });
        assert_eq!(id(&runs).as_deref(), Some("e"));
        // A trial does not change what is worked on.
        runs[4].sweep = Some("s".into());
        assert_eq!(id(&runs).as_deref(), Some("a"));
    }

    #[test]
    fn pairs_are_told_if_there_are_enough_errors_among_enough_pairs() {
        let names = ["T-shirt", "Shirt", "Coat", "Bag"].map(String::from);
        let counts = vec![vec![50, 9, 1, 1], vec![8, 50, 5, 1], vec![1, 6, 50, 1], vec![1, 0, 1, 50]];
        let told = largest(&Confusion { counts: counts.clone() }, &names).unwrap();
        assert_eq!(told, "86% of the 35 errors are three pairs: T-shirt and Shirt, Shirt and Coat, T-shirt and Coat.");
        assert!(largest(&Confusion { counts: counts.clone() }, &[]).unwrap().contains("class 0 and class 1"));
        let few: Vec<Vec<u64>> = counts.iter().map(|row| row.iter().map(|n| n / 2).collect()).collect();
        assert_eq!(largest(&Confusion { counts: few }, &names), None);
        assert_eq!(largest(&Confusion { counts: vec![vec![50, 40], vec![30, 50]] }, &names), None);
    }

    #[test]
    fn what_runs_is_said_with_how_long_it_takes() {
        let row = |seconds| handloom_engine::event::EpochMetrics {
            epoch: 6,
            train_loss: 0.5,
            train_accuracy: 0.8,
            val_loss: None,
            val_accuracy: None,
            learning_rate: 0.1,
            samples_per_second: 1.0,
            seconds,
            val_seconds: 0.5,
        };
        let config = json!({"epochs": 10}).as_object().unwrap().clone();
        let one = Run { epochs: 6, config, ..run("a", Status::Running, None) };
        let rows = BTreeMap::from([("a".to_owned(), row(1.5))]);
        let mut seen = Seen { runs: vec![one.clone()], rows, ..Seen::default() };
        let said = running(&seen).unwrap();
        assert_eq!(
            (said.text.as_str(), said.href.as_deref()),
            ("1 running: epoch 6 of 10, about 8 s left.", Some("#/run/a"))
        );
        let trial = |id: &str, epochs| Run { id: id.into(), epochs, sweep: Some("s".into()), ..one.clone() };
        seen.runs.extend([trial("b", 2), trial("c", 0), trial("d", 3)]);
        let said = running(&seen).unwrap();
        assert_eq!(said.text, "4 running, the latest are at epoch 3, 0 and 2.");
        assert_eq!(said.href.as_deref(), Some("#/sweep/s"));
        assert_eq!(progress(&one, None), "epoch 6 of 10");
        seen.runs.clear();
        assert_eq!(running(&seen), None);
    }

    #[test]
    fn the_latest_sweep_that_says_anything_says_what_matters() {
        let known = Matters::default();
        let answer = |created_ms: u64, verdicts: [&str; 2]| {
            let names = ["learning_rate", "optimizer"].iter().zip(verdicts);
            let parameters: Vec<Value> =
                names.map(|(name, verdict)| json!({"name": name, "verdict": verdict})).collect();
            json!({"created_ms": created_ms, "importance": {"trials": 84, "parameters": parameters}})
        };
        assert_eq!(known.latest(), None);
        known.remember("a", &answer(1, ["matters", "matters"]));
        known.remember("b", &answer(2, ["too_early", "too_early"]));
        let said = known.latest().unwrap();
        assert_eq!(said.text, "Of the settings, learning rate matters most, then optimizer (84 trials).");
        assert_eq!(said.href.as_deref(), Some("#/sweep/a"));
        known.remember("a", &answer(1, ["matters", "little"]));
        assert_eq!(known.latest().unwrap().text, "Of the settings, learning rate matters most (84 trials).");
        known.remember("a", &Value::Null);
        assert_eq!(known.latest(), None);
    }
}
