//! Identical trainings are trained once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{LONG, of_kind, runs, shown, with};
use crate::support::Place;

/// 18 points that are 3 different trainings: no hidden layer has a size, SGD has no momentum, nag has two names.
const SAME: &str = "
method: grid
metric: {name: val_accuracy, goal: maximize}
parameters:
  optimizer: {values: [sgd, nag, nesterov]}
  momentum: {values: [0.5, 0.9]}
  num_layers: {values: [0]}
  hidden_size: {values: [8, 16, 32]}
  batch_size: {value: 256}
  epochs: {value: 1}
";

fn trials(shown: &Value) -> &Vec<Value> {
    shown["trials"].as_array().unwrap()
}

/// Runs of the trials, each once, and how many trials are reused.
fn counted(shown: &Value) -> (usize, usize) {
    let runs: BTreeSet<&str> = trials(shown).iter().map(|trial| trial["run"].as_str().unwrap()).collect();
    (runs.len(), trials(shown).iter().filter(|trial| trial["reused"] == true).count())
}

#[test]
fn points_that_are_one_training_are_trained_once_and_say_so() {
    let place = with(SAME);
    let checked = place.run("sweep check f.yaml").code(0);
    assert!(checked.stdout.lines().next().unwrap().contains("18 points, 3 different trainings"), "{}", checked.stdout);
    let report = place.run("sweep check f.yaml --json").code(0).events().pop().unwrap();
    assert_eq!((&report["points"], &report["different_trainings"]), (&json!(18), &json!(3)));
    assert_eq!(report["grid_points"], 18, "W&B's count stays");
    let dry = place.run("sweep f.yaml -d garments --dry-run").code(0);
    assert!(dry.stderr.contains("18 points, 3 different trainings"), "{}", dry.stderr);
    assert_eq!(dry.stdout.lines().count(), 18);
    let dry = place.run("sweep f.yaml -d garments --dry-run --json").code(0);
    assert_eq!(of_kind(&dry, "trainings")[0]["different_trainings"], 3);

    // Four at once: what is trained at this moment is waited for.
    let ended = place.run("sweep f.yaml -d garments --workers 4 --no-progress --wandb offline").code(0);
    assert!(ended.stderr.contains("15 trials") && ended.stderr.contains("--no-reuse"), "{}", ended.stderr);
    let shown = shown(&place, "@last");
    assert_eq!((counted(&shown), &shown["status"]), ((3, 15), &json!("finished")));
    assert!(trials(&shown).iter().all(|trial| trial["status"] == "finished" && trial["val_accuracy"].is_number()));
    let weights: BTreeSet<_> = runs(&place).into_iter().map(|run| run.weights_sha256).collect();
    assert_eq!((runs(&place).len(), weights.len()), (3, 3));
    assert_eq!(shown["importance_trials"], 3, "each training counts once");
    let logged = std::fs::read_dir(place.path("wandb")).unwrap().flatten();
    assert_eq!(logged.filter(|entry| entry.file_name().to_string_lossy().starts_with("offline-run")).count(), 3);
    let table = place.run("sweep show --all").code(0).stdout;
    assert_eq!(table.lines().filter(|line| line.contains("  reused  ")).count(), 15, "{table}");

    // The winner of a sweep that trained nothing works like any other.
    place.run("sweep f.yaml -d garments --quiet").code(0);
    let again = super::shown(&place, "@last");
    assert_eq!((counted(&again), runs(&place).len()), ((3, 18), 3));
    let best = place.run("sweep best --json").code(0).events().pop().unwrap();
    assert_eq!(best["run"], again["best"]["run"]);
    place.run(&format!("evaluate {} --json", best["run"].as_str().unwrap())).code(0);

    place.run("sweep f.yaml -d garments --no-reuse --quiet").code(0);
    assert_eq!((counted(&super::shown(&place, "@last")), runs(&place).len()), ((18, 0), 21));
}

#[test]
fn only_a_finished_run_of_the_same_training_with_its_model_is_taken() {
    let one = "method: grid\nmetric: {name: val_accuracy, goal: maximize}\nparameters:\n  optimizer: {value: sgd}\n  hidden_layers: {value: 0}\n  batch_size: {value: 256}\n  epochs: {value: 2}\n";
    let place = with(one);
    let sweep = |more: &str| {
        place.run(&format!("sweep f.yaml -d garments --quiet {more}")).code(0);
        let shown = shown(&place, "@last");
        (trials(&shown)[0]["run"].as_str().unwrap().to_owned(), trials(&shown)[0]["reused"] == true)
    };
    let train = |more: &str| {
        let line = format!("train -d garments -o sgd -nhl 0 -b 256 --no-test --json {more}");
        place.run(&line).code(0).events().pop().unwrap()["run"].as_str().unwrap().to_owned()
    };
    // Another seed, fewer epochs, another share: other trainings.
    for more in ["-e 2 --seed 5", "-e 1", "-e 2 --val-fraction 0.2", "-e 2 --weights last"] {
        train(more);
    }
    let (first, reused) = sweep("");
    assert!(!reused);
    // A run on its own counts, whatever its threads, its name and what the optimizer does not use.
    std::fs::remove_file(place.path(".handloom/runs").join(&first).join("model.safetensors")).unwrap();
    let alone = train("-e 2 -m 0.3 --threads 2 --name other");
    assert_eq!(sweep(""), (alone.clone(), true));
    // An older program recorded nothing that it could be known by.
    let store = super::store(&place.path(".handloom"));
    let record = store.run(&alone).unwrap().unwrap();
    store.put(&handloom_store::Run { training_sha256: None, ..record.clone() }).unwrap();
    assert!(!sweep("").1);
    // A speed is measured anew.
    store.put(&record).unwrap();
    std::fs::write(place.path("f.yaml"), one.replace("val_accuracy", "samples_per_second")).unwrap();
    assert!(!sweep("").1);
}

#[test]
fn a_random_search_ends_once_every_training_was_tried() {
    for method in ["random", "bayes"] {
        let place = with(&SAME.replace("grid", method));
        for more in ["", "--trials 500"] {
            let ended = place.run(&format!("sweep f.yaml -d garments --no-progress {more}")).code(0);
            assert!(ended.stderr.contains("every training of this space was tried"), "{}", ended.stderr);
            assert!(!ended.stderr.contains("NO END"), "{}", ended.stderr);
            let shown = shown(&place, "@last");
            assert_eq!((counted(&shown).0, &shown["status"]), (3, &json!("finished")), "{method}");
            assert!(place.run("sweep resume").code(0).stderr.contains("is finished"));
        }
        assert_eq!(runs(&place).len(), 3);
    }
}

#[test]
fn a_trial_does_not_wait_for_an_identical_one_whose_process_is_gone() {
    let text = LONG.replace("run_cap: 12", "run_cap: 2").replace("epochs: {value: 4}", "epochs: {value: 40}");
    let rate = "learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}";
    let same = "learning_rate: {values: [0.001, 0.001]}\n  momentum: {values: [0.5, 0.9]}";
    let place = with(&text.replace("method: random", "method: grid").replace(rate, same));
    let made = place.run("sweep create f.yaml -d garments --json").code(0);
    let id = made.events().pop().unwrap()["sweep"].as_str().unwrap().to_owned();
    let statuses = || trials(&shown(&place, &id)).iter().map(|trial| trial["status"].clone()).collect::<Vec<_>>();
    let agent = |place: &Place| place.spawn(&format!("sweep agent {id} --workers 1"));
    let mut first = agent(&place);
    while statuses().is_empty() {
        std::thread::yield_now();
    }
    let second = agent(&place);
    // The second agent has trial 1, and waits for trial 0.
    while statuses().len() < 2 {
        std::thread::yield_now();
    }
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(second.wait_with_output().unwrap().status.success());
    let shown = shown(&place, &id);
    assert_eq!((&shown["status"], &shown["counts"]["finished"]), (&json!("finished"), &json!(2)));
    // Trial 0 was begun once, broken off, and then took what trial 1 had trained, if the kill hit it.
    let finished: Vec<_> =
        runs(&place).into_iter().filter(|run| run.status == handloom_store::Status::Finished).collect();
    assert_eq!((counted(&shown), finished.len()), ((1, 1), 1));
}
