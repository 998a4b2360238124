//! `sweep` as its users see it.

mod commands;
mod faults;
mod lasting;
mod removed;
mod results;
mod reuse;
mod running;

use std::path::Path;

use serde_json::Value;

use crate::support::{Ended, Place};

/// Four tiny configurations, in the order in which W&B's grid has them.
const GRID: &str = "
method: grid
metric: {name: val_accuracy, goal: maximize}
parameters:
  hidden_size: {values: [4, 8]}
  learning_rate: {values: [0.001, 0.01]}
  epochs: {value: 2}
  batch_size: {value: 256}
  hidden_layers: {value: 1}
";

/// Many more trials than a test waits for, each long enough to be interrupted.
const LONG: &str = "
method: random
metric: {name: val_accuracy, goal: maximize}
run_cap: 12
parameters:
  learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}
  epochs: {value: 4}
  batch_size: {value: 32}
  hidden_layers: {value: 1}
  hidden_size: {value: 16}
";

/// A place with `text` as the file `f.yaml`.
fn with(text: &str) -> Place {
    let place = Place::new();
    std::fs::write(place.path("f.yaml"), text).unwrap();
    place
}

/// The objects of this kind.
fn of_kind(ended: &Ended, kind: &str) -> Vec<Value> {
    ended.events().into_iter().filter(|event| event["event"] == kind).collect()
}

/// The object of `sweep show`.
#[track_caller]
fn shown(place: &Place, sweep: &str) -> Value {
    place.run(&format!("sweep show {sweep} --json")).code(0).events().pop().unwrap()
}

/// Every run of the store.
fn runs(place: &Place) -> Vec<handloom_store::Run> {
    store(&place.path(".handloom")).runs().unwrap()
}

fn store(path: &Path) -> std::sync::Arc<dyn handloom_store::Store> {
    handloom_store::open(path).unwrap()
}

/// Numbers of trials, and whether each is there once and finished.
#[track_caller]
fn assert_whole(shown: &Value, count: usize) {
    let trials = shown["trials"].as_array().unwrap();
    let numbers: Vec<u64> = trials.iter().map(|trial| trial["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..count as u64).collect::<Vec<_>>());
    assert!(trials.iter().all(|trial| trial["status"] == "finished"), "{shown}");
    assert_eq!(shown["status"], "finished");
    let mut runs: Vec<&str> = trials.iter().map(|trial| trial["run"].as_str().unwrap()).collect();
    runs.sort_unstable();
    runs.dedup();
    assert_eq!(runs.len(), count, "each trial has a run of its own");
}
