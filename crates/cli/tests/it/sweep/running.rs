//! A sweep file from its first line to its last trial.

use serde_json::{Value, json};

use super::{GRID, assert_whole, of_kind, runs, shown, with};

#[test]
fn a_grid_is_run_whole_in_order_and_every_trial_is_a_run() {
    let place = with(GRID);
    let ended = place.run("sweep f.yaml -d garments --workers 2 --json").code(0);
    let start = &of_kind(&ended, "start")[0];
    assert_eq!((&start["method"], &start["trials"], &start["v"]), (&json!("grid"), &json!(4), &json!(1)));
    let trials = of_kind(&ended, "trial");
    assert_eq!(trials.len(), 4);
    for trial in &trials {
        assert_eq!(trial["status"], "finished");
        for metric in ["train_loss", "train_accuracy", "val_loss", "val_accuracy"] {
            assert!(trial[metric].is_number(), "{metric}: {trial}");
        }
    }
    let done = ended.events().pop().unwrap();
    assert_eq!((&done["event"], &done["status"]), (&json!("done"), &json!("finished")));
    let best = trials.iter().map(|trial| trial["val_accuracy"].as_f64().unwrap()).fold(0.0, f64::max);
    assert_eq!(done["best"]["val_accuracy"].as_f64(), Some(best));
    let sweep = start["sweep"].as_str().unwrap();

    let shown = shown(&place, sweep);
    assert_whole(&shown, 4);
    let tried =
        |trial: &Value| (trial["parameters"]["hidden_size"].clone(), trial["parameters"]["learning_rate"].clone());
    let order: Vec<_> = shown["trials"].as_array().unwrap().iter().map(tried).collect();
    // The last of the sorted names goes round first.
    assert_eq!(order, [(4, 0.001), (4, 0.01), (8, 0.001), (8, 0.01)].map(|(a, b)| (json!(a), json!(b))));

    let runs = runs(&place);
    assert_eq!(runs.len(), 4);
    for run in &runs {
        assert_eq!((run.sweep.as_deref(), run.epochs, run.no_test), (Some(sweep), 2, true));
        assert!(run.name.starts_with("hl_1_sz_") && run.val_accuracy.is_some(), "{}", run.name);
        let folder = place.path(".handloom/runs").join(&run.id);
        assert!(folder.join("model.safetensors").exists() && !folder.join("checkpoint.safetensors").exists());
    }
    assert_eq!(place.run(&format!("ls sweep={sweep} --json")).code(0).events().len(), 4);
    // A trial is no stand-alone run, and nothing opened the test set.
    place.run("show @last").code(2);
    let store = super::store(&place.path(".handloom"));
    assert!(store.openings().unwrap().is_empty());
    assert!(place.run(&format!("train --resume {}", runs[0].id)).code(0).stdout.contains("is finished"));
    let tested = place.run(&format!("evaluate {} --json", runs[0].id)).code(0);
    assert!(tested.stdout.contains("accuracy"), "{}", tested.stdout);
}

#[test]
fn the_printed_commands_train_the_bits_of_the_trials() {
    let place = with(GRID);
    let dry = place.run("sweep f.yaml -d garments --dry-run").code(0);
    let commands: Vec<&str> = dry.stdout.lines().collect();
    assert_eq!(commands.len(), 4, "{}", dry.stdout);
    assert!(!place.path(".handloom").exists(), "nothing was recorded");
    place.run("sweep f.yaml -d garments --quiet").code(0);
    let shown = shown(&place, "@last");
    for (command, trial) in commands.iter().zip(shown["trials"].as_array().unwrap()).skip(1).step_by(2) {
        let line = command.strip_prefix("handloom ").unwrap();
        let done = place.run(&format!("{line} --no-test --json")).code(0).events().pop().unwrap();
        let run = runs(&place).into_iter().find(|run| trial["run"] == run.id.as_str()).unwrap();
        assert_eq!(done["weights_sha256"].as_str(), run.weights_sha256.as_deref(), "{command}");
        assert_eq!(done["val_accuracy"], trial["val_accuracy"]);
        assert_eq!(format!("handloom {line}"), run.command.join(" "));
    }
}

#[test]
fn random_search_is_the_same_for_any_number_of_workers() {
    let place = with(&super::LONG.replace("epochs: {value: 4}", "epochs: {value: 1}"));
    let tried = |line: &str| -> Vec<Value> {
        place.run(line).code(0);
        let shown = shown(&place, "@last");
        assert_whole(&shown, 3);
        shown["trials"].as_array().unwrap().iter().map(|trial| trial["parameters"].clone()).collect()
    };
    let one = tried("sweep f.yaml -d garments --trials 3 --workers 1 --seed 5 --quiet");
    assert_eq!(one, tried("sweep f.yaml -d garments --trials 3 --workers 3 --seed 5 --quiet"));
    assert_ne!(one, tried("sweep f.yaml -d garments --trials 3 --workers 2 --quiet"));
}

#[test]
fn trials_that_cannot_be_trained_are_recorded_and_the_sweep_goes_on() {
    let place = with(
        "method: grid\nparameters:\n  num_layers: {values: [1, 2]}\n  hidden_size: {value: [8, 8]}\n  \
         learning_rate: {values: [0.001, 1.0e30]}\n  optimizer: {value: sgd}\n  epochs: {value: 1}\n",
    );
    let ended = place.run("sweep f.yaml -d garments --json").code(0);
    let mut statuses: Vec<_> =
        of_kind(&ended, "trial").iter().map(|trial| trial["status"].as_str().unwrap().to_owned()).collect();
    statuses.sort();
    assert_eq!(statuses, ["diverged", "failed", "failed", "finished"]);
    let runs = runs(&place);
    let count = |status| runs.iter().filter(|run| run.status == status).count();
    assert_eq!([handloom_store::Status::Failed, handloom_store::Status::Diverged].map(count), [2, 1]);
    assert!(ended.stderr.contains("num_layers"), "{}", ended.stderr);

    let place = with("method: grid\nparameters: {num_layers: {value: 3}, hidden_size: {value: [8, 8]}}\n");
    place.run("sweep f.yaml -d garments").code(1);
    assert!(place.run("sweep best @last").code(1).stderr.contains("no trial"));
}

#[test]
fn a_pipe_gets_a_line_a_trial_and_no_control_characters() {
    let place = with(GRID);
    let ended = place.run("sweep f.yaml -d garments --name tiny").code(0);
    assert!(!ended.stdout.contains('\u{1b}') && !ended.stderr.contains('\u{1b}') && !ended.stderr.contains('\r'));
    let lines: Vec<&str> = ended.stdout.lines().filter(|line| line.contains(" trial=")).collect();
    assert_eq!(lines.len(), 4, "{}", ended.stdout);
    assert!(
        lines[0].contains(" status=finished val_accuracy=0.") && lines[0].contains(" hidden_size="),
        "{}",
        lines[0]
    );
    assert!(ended.stderr.contains("next:  handloom sweep show"), "{}", ended.stderr);
}

#[test]
fn offline_wandb_runs_carry_the_sweep() {
    let place = with(GRID);
    place.run("sweep f.yaml -d garments --wandb offline -wp demo --trials 2 --quiet").code(0);
    let sweep = shown(&place, "@last")["sweep"].as_str().unwrap().to_owned();
    let folders: Vec<_> = std::fs::read_dir(place.path("wandb")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let runs = folders.iter().filter(|path| path.to_string_lossy().contains("offline-run-"));
    let logs: Vec<String> = runs
        .map(|folder| {
            let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let log = files.find(|path| path.extension().is_some_and(|ending| ending == "wandb")).unwrap();
            String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned()
        })
        .collect();
    assert_eq!(logs.len(), 2);
    for log in logs {
        for text in [sweep.as_str(), "demo", "val_accuracy", "hidden_layers", "best_val_accuracy"] {
            assert!(log.contains(text), "{text}");
        }
    }
}
