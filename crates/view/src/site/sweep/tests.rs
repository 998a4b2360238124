//! Answers about sweeps in a store of their own.

use std::path::PathBuf;
use std::sync::Arc;

use handloom_engine::dataset::Dataset;
use handloom_engine::model::Model;
use handloom_store::{Run, Status as RunStatus, Store, Sweep, open};
use handloom_sweep::Entry;
use serde_json::json;

use super::super::Host;
use super::*;

/// A program without models or data, but for the data set `known`.
struct Program;

fn missing<T>() -> Result<T, ApiError> {
    Err(ApiError::new(404, "not there", "nothing to do"))
}

impl Host for Program {
    fn effective_status(&self, run: &Run) -> RunStatus {
        run.status
    }

    fn command(&self, run: &Run) -> String {
        format!("handloom train of {}", run.id)
    }

    fn defaults(&self, _: &Run) -> Map<String, Value> {
        Map::new()
    }

    fn model(&self, _: &Run) -> Result<Model, ApiError> {
        missing()
    }

    fn train(&self, _: &Run) -> Result<Arc<Dataset>, ApiError> {
        missing()
    }

    fn test(&self, _: &Run) -> Result<Arc<Dataset>, ApiError> {
        missing()
    }

    fn open_test(&self, _: &Run, _: f64) -> Result<u64, ApiError> {
        missing()
    }

    fn test_openings(&self, _: &Run) -> Result<(bool, u64), ApiError> {
        missing()
    }

    fn data(&self, name: &str) -> Result<(Dataset, usize, Option<PathBuf>), ApiError> {
        let classes = ["cat", "dog"].map(String::from).to_vec();
        let tiny = Dataset { images: Arc::default(), labels: Arc::default(), shape: vec![2, 2], classes };
        if name == "known" { Ok((tiny, 0, None)) } else { missing() }
    }
}

const FILE: &str = "
method: random
name: <b>bold</b>
description: of a test
metric: {name: val_accuracy, goal: maximize}
run_cap: 40
parameters:
  dataset: {value: known}
  epochs: {values: [1, 2]}
  optimizer: {values: [sgd, adam]}
  hidden_size: {values: [[2, 3], 4]}
  learning_rate: {distribution: log_uniform_values, min: 0.0001, max: 0.1}
  batch_size: {min: 1, max: 64}
";

fn choice(number: u64) -> handloom_sweep::Params {
    let optimizer = ["sgd", "adam"][number as usize % 2];
    let hidden = [json!([2, 3]), json!(4)][number as usize / 2 % 2].clone();
    let choice = json!({
        "dataset": "known", "epochs": 1 + number / 3 % 2, "optimizer": optimizer, "hidden_size": hidden,
        "learning_rate": 1e-4 * 10_f64.powf(number as f64 % 7.0 / 3.0), "batch_size": 1 + number,
    });
    serde_json::from_value(choice).unwrap()
}

/// The entries of a trial that ends so, with this accuracy.
fn trial(number: u64, value: Option<f64>, status: Option<handloom_sweep::Status>) -> Vec<Entry> {
    let (attempt, agent, run) = (0, "a".to_owned(), format!("run{number}"));
    let mut entries = vec![Entry::Claimed { number, attempt, agent: agent.clone(), run, choice: choice(number) }];
    if let Some(value) = value {
        entries.push(Entry::Reported { number, attempt, agent: agent.clone(), epoch: 1, value: Some(value) });
    }
    if let Some(status) = status {
        entries.push(Entry::Ended { number, attempt, agent, status, why: None });
    }
    entries
}

fn site(entries: &[Entry]) -> (tempfile::TempDir, Site) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let sweep = Sweep { id: "s1".into(), name: Some("<b>".into()), yaml: FILE.into(), ..Sweep::default() };
    store.add_sweep(&sweep, entries).unwrap();
    record_ended(&*store, entries);
    let site = Site::new(store, Box::new(Program));
    (folder, site)
}

/// Records a run for each trial that ended: the result of one whose run is gone does not count.
fn record_ended(store: &dyn Store, entries: &[Entry]) {
    for entry in entries {
        if let Entry::Ended { number, .. } = entry {
            record(store, *number, RunStatus::Finished);
        }
    }
}

fn record(store: &dyn Store, number: u64, status: RunStatus) {
    let run =
        Run { id: format!("run{number}"), sweep: Some("s1".into()), dataset: "known".into(), status, ..Run::default() };
    let config = json!({"hidden_size": choice(number)["hidden_size"]}).as_object().unwrap().clone();
    store.put(&Run { config, ..run }).unwrap();
}

fn column(answer: &Value, name: &str) -> Value {
    let columns = answer["trials"]["columns"].as_array().unwrap();
    columns.iter().find(|column| column["name"] == name).unwrap_or_else(|| panic!("no column {name}")).clone()
}

#[test]
fn trials_come_as_columns_with_what_is_missing_in_them() {
    use handloom_sweep::Status::{Diverged, Finished};
    let entries = [
        trial(0, Some(0.5), Some(Finished)),
        trial(1, None, Some(Diverged)),
        trial(2, Some(0.75), Some(Finished)),
        trial(3, Some(0.25), None),
    ];
    let (_folder, site) = site(&entries.concat());
    for (number, status) in [(0, RunStatus::Finished), (2, RunStatus::Finished), (3, RunStatus::Running)] {
        record(&*site.store, number, status);
    }
    let found = answer(&site, Some("s1")).unwrap();
    assert_eq!(found["trials"]["rows"], 4);
    assert_eq!(column(&found, "metric")["values"], json!([0.5, null, 0.75, 0.25]));
    assert_eq!(column(&found, "best_so_far")["values"], json!([0.5, 0.5, 0.75, 0.75]));
    assert_eq!(column(&found, "run")["values"], json!(["run0", "run1", "run2", "run3"]));
    let hidden = column(&found, "hidden_size");
    let codes =
        hidden["codes"].as_array().unwrap().iter().map(|code| &hidden["levels"][code.as_u64().unwrap() as usize]);
    assert_eq!(codes.cloned().collect::<Vec<_>>(), [json!([2, 3]), json!([2, 3]), json!(4), json!(4)]);
    // 4 inputs, 2 classes: 2·5 + 3·3 + 2·4 with the list, and 4·5 + 4·5 + 2·5 with a width for the two layers by default.
    assert_eq!(column(&found, "weights")["values"], json!([27, 27, 50, 50]));
    assert_eq!(column(&found, "config.epochs")["levels"], json!([1, 2]));
    assert_eq!(column(&found, "learning_rate")["scale"], "log");
    let axes: Vec<&str> = found["axes"].as_array().unwrap().iter().map(|axis| axis["name"].as_str().unwrap()).collect();
    assert_eq!(axes.last(), Some(&"metric"));
    assert!(axes.contains(&"config.epochs") && axes.contains(&"weights") && !axes.contains(&"dataset"), "{axes:?}");
    assert_eq!(found["counts"]["finished"], 2);
    assert_eq!(found["best"], json!({"number": 2, "run": "run2", "value": 0.75, "command": "handloom train of run2"}));
    assert_eq!(found["parameters"]["batch_size"], json!({"distribution": "int_uniform", "min": 1, "max": 64}));
    assert_eq!((found["status"].as_str(), found["goal"].as_str()), (Some("running"), Some("maximize")));
}

#[test]
fn a_journal_is_read_on_and_a_killed_run_leaves_its_trial_pending() {
    use handloom_sweep::Status::Finished;
    let (_folder, site) = site(&trial(0, Some(0.5), Some(Finished)));
    let status = |site: &Site| answer(site, Some("s1")).unwrap()["counts"].clone();
    assert_eq!(status(&site)["running"], 0);
    site.store.append("s1", &trial(1, Some(0.9), None)).unwrap();
    assert_eq!(status(&site)["running"], 1);
    record(&*site.store, 1, RunStatus::Killed);
    assert_eq!((status(&site)["running"].clone(), status(&site)["pending"].clone()), (json!(0), json!(1)));
    let line = &answer(&site, None).unwrap()[0];
    // A pending trial is no best one.
    assert_eq!((line["trials"].clone(), line["best"].clone()), (json!(2), json!(0.5)));
}

#[test]
fn importance_and_observations_appear_as_trials_end() {
    use handloom_sweep::Status::Finished;
    let value = |number: u64| 0.5 + 0.3 * (number % 2) as f64 + 0.001 * (number % 5) as f64;
    let entries: Vec<Entry> = (0..30).flat_map(|number| trial(number, Some(value(number)), Some(Finished))).collect();
    let (_folder, site) = site(&entries);
    let found = answer(&site, Some("s1")).unwrap();
    assert_eq!((found["importance"]["trials"].clone(), found["importance"]["of"].clone()), (json!(30), json!(30)));
    assert_eq!(found["importance"]["early"], false);
    let observations = found["observations"].as_array().unwrap();
    let best = observations.iter().find(|one| one["text"].as_str().unwrap().starts_with("optimizer: adam does best"));
    assert_eq!(best.unwrap()["brush"], json!({"optimizer": {"levels": ["adam"]}}));
    let names = found["matrix"]["names"].as_array().unwrap();
    assert!(names.contains(&json!("optimizer = adam")) && names.last() == Some(&json!("val_accuracy")), "{names:?}");
    // Ten more trials: nothing runs, so all is made anew.
    let more: Vec<Entry> = (30..40).flat_map(|number| trial(number, Some(value(number)), Some(Finished))).collect();
    record_ended(&*site.store, &more);
    site.store.append("s1", &[more, vec![Entry::Capped { trials: 40 }]].concat()).unwrap();
    let found = answer(&site, Some("s1")).unwrap();
    assert_eq!((found["importance"]["of"].clone(), found["status"].clone()), (json!(40), json!("finished")));
}

#[test]
fn an_unknown_sweep_is_not_found_and_a_damaged_one_hides_no_other() {
    let (_folder, site) = site(&[]);
    assert_eq!(answer(&site, Some("gone")).unwrap_err().status, 404);
    site.store.add_sweep(&Sweep { id: "s2".into(), yaml: "method: [".into(), ..Sweep::default() }, &[]).unwrap();
    assert_eq!(answer(&site, None).unwrap().as_array().unwrap().len(), 1);
    let trouble = answer(&site, Some("s2")).unwrap_err();
    assert!(trouble.error.contains("in the file of sweep `s2`") && !trouble.hint.is_empty(), "{trouble:?}");
    // Nothing has happened yet in the other.
    let found = answer(&site, Some("s1")).unwrap();
    assert_eq!((found["trials"]["rows"].clone(), found["best"].clone()), (json!(0), Value::Null));
}
