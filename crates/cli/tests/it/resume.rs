//! `train --resume`: going on to the same bits, or not at all.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Ended, Place};

const SMALL: &str = "train -d garments -nhl 1 -sz 8 -b 64 --threads 1 --quiet";

fn done(ended: Ended) -> Value {
    ended.code(0).events().pop().unwrap()
}

fn shown(place: &Place, run: &str) -> Value {
    place.run(&format!("show {run} --json")).code(0).events().pop().unwrap()
}

/// A run that was stopped after two or more epochs of very many.
fn stopped(place: &Place) -> String {
    let started = place.started(&format!("{SMALL} --no-test"), 2);
    let run = started.run.clone();
    started.end("INT").code(130);
    run
}

/// Everything that a refused command has to leave alone.
fn state(place: &Place, run: &str) -> (Value, String) {
    let model = fs::read(place.path(&format!(".handloom/runs/{run}/model.safetensors"))).unwrap();
    let mut shown = shown(place, run);
    // Other runs open the same test set.
    shown.as_object_mut().unwrap().retain(|name, _| !["files", "test_openings"].contains(&name.as_str()));
    (shown, handloom_engine::model::sha256(&model))
}

#[test]
fn more_epochs_of_a_finished_run_are_the_same_as_all_from_the_start() {
    for optimizer in ["sgd", "nag", "adam", "nadam", "rmsprop", "muon"] {
        let place = Place::new();
        let line = format!("{SMALL} -o {optimizer} --seed 3");
        let whole = done(place.run(&format!("{line} -e 5 --json --name whole")));
        let parent = done(place.run(&format!("{line} -e 2 --json --name part --tag t --group g")));
        let id = parent["run"].as_str().unwrap();
        let before = state(&place, id);
        let child = done(place.run("train --resume part -e 5 --json"));
        for key in ["weights_sha256", "val_accuracy", "test_accuracy", "epochs", "best_epoch", "status", "parameters"] {
            assert_eq!(child[key], whole[key], "{optimizer} {key}");
        }
        assert_eq!(state(&place, id), before, "the parent is as it was");
        let (child, whole) = (shown(&place, child["run"].as_str().unwrap()), shown(&place, "whole"));
        assert_eq!((&child["parent"], &child["name"]), (&json!(id), &json!("part_e_5")));
        assert_eq!((&child["tags"], &child["group"], &child["config"]), (&json!(["t"]), &json!("g"), &whole["config"]));
        assert_eq!(child["test_openings"]["of_this_run"].as_array().unwrap().len(), 1);
        for (child, whole) in child["epochs"].as_array().unwrap().iter().zip(whole["epochs"].as_array().unwrap()) {
            for key in ["epoch", "train_loss", "val_loss", "val_accuracy", "confusion", "layers"] {
                assert_eq!(child[key], whole[key], "{optimizer} {key}");
            }
        }
        assert!(
            place
                .run(&format!("show {}", child["run"].as_str().unwrap()))
                .stdout
                .contains(&format!("continues run {id}"))
        );
    }
}

#[test]
fn a_child_is_continued_like_any_run_and_so_is_a_stopped_one() {
    let place = Place::new();
    let line = format!("{SMALL} -o adam --no-test");
    let whole = done(place.run(&format!("{line} -e 4 --json --name whole")));
    place.run(&format!("{line} -e 1 --name part")).code(0);
    place.run("train --resume part -e 2").code(0);
    let last = done(place.run("train --resume part_e_2 -e 4 --json"));
    assert_eq!((&last["weights_sha256"], &last["name"]), (&whole["weights_sha256"], &json!("part_e_4")));
    // One that was stopped after an epoch of three.
    let store = handloom_store::open(place.path(".handloom")).unwrap();
    let mut record = store.runs().unwrap().into_iter().find(|run| run.name == "part").unwrap();
    record.status = handloom_store::Status::Stopped;
    record.config.insert("epochs".into(), json!(3));
    store.put(&record).unwrap();
    place.run(&format!("train --resume {} -e 3", record.id)).code(2);
    let longer = done(place.run(&format!("train --resume {} -e 4 --json", record.id)));
    assert_eq!(longer["weights_sha256"], whole["weights_sha256"]);
    assert_eq!(shown(&place, &record.id)["status"], "stopped");
    // Its children stay when it is removed, which says so, and so do they.
    let removed = place.run(&format!("rm {} --yes", record.id)).code(0);
    let child = longer["run"].as_str().unwrap();
    let note = format!("note: run {child} continues run {}, and keeps its epochs", record.id);
    assert!(removed.stderr.contains(&note), "{}", removed.stderr);
    let shown = place.run(&format!("show {child}")).code(0).stdout;
    assert!(shown.contains(&format!("continues run {}, which was removed", record.id)), "{shown}");
}

#[test]
fn no_more_epochs_than_there_are_is_exit_2_with_both_numbers() {
    let place = Place::new();
    place.run(&format!("{SMALL} -e 3 --no-test --name a")).code(0);
    for epochs in [1, 2, 3] {
        let ended = place.run(&format!("train --resume a -e {epochs}")).code(2);
        assert!(
            ended.stderr.contains("3 epochs") && ended.stderr.contains(&format!("-e {epochs}")),
            "{}",
            ended.stderr
        );
    }
    assert!(place.run("train --resume a").code(0).stdout.contains("is finished"));
    place.run("train --resume a -e many").code(2);
    assert_eq!(place.run("ls --json").stdout.lines().count(), 1);
}

#[test]
fn without_its_own_whole_checkpoint_a_run_is_refused_and_stays_as_it_is() {
    let place = Place::new();
    let run = stopped(&place);
    let other = done(place.run(&format!("{SMALL} -e 2 --no-test --json --seed 2")));
    let before = state(&place, &run);
    let checkpoint = |run: &str| place.path(&format!(".handloom/runs/{run}/checkpoint.safetensors"));
    let whole = fs::read(checkpoint(&run)).unwrap();
    let refused = |expected: &[&str]| {
        for more in ["", "-e 2000000"] {
            let ended = place.run(&format!("train --resume {run} {more}")).code(3);
            for text in expected.iter().chain(&["checkpoint.safetensors", "hint:", "handloom train"]) {
                assert!(ended.stderr.contains(text), "{text}: {}", ended.stderr);
            }
            assert_eq!(state(&place, &run), before);
        }
    };
    fs::remove_file(checkpoint(&run)).unwrap();
    refused(&["finished epochs", "as a new run"]);
    for at in [9, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 4;
        fs::write(checkpoint(&run), flipped).unwrap();
        let ended = place.run(&format!("train --resume {run}")).code(3);
        assert!(ended.stderr.contains("checkpoint.safetensors"), "{}", ended.stderr);
        assert_eq!(state(&place, &run), before);
    }
    fs::copy(checkpoint(other["run"].as_str().unwrap()), checkpoint(&run)).unwrap();
    let ended = place.run(&format!("train --resume {run}")).code(3);
    assert!(ended.stderr.contains("`seed` is 2 there and 1 here"), "{}", ended.stderr);
    assert_eq!(state(&place, &run), before);
    assert_eq!(place.run("ls --json").stdout.lines().count(), 2, "no child was begun");
}

#[test]
fn a_run_without_a_finished_epoch_begins_at_the_first() {
    let place = Place::new();
    let whole = done(place.run(&format!("{SMALL} -e 2 --no-test --json --name whole")));
    let store = handloom_store::open(place.path(".handloom")).unwrap();
    let known = store.run(whole["run"].as_str().unwrap()).unwrap().unwrap();
    let record = handloom_store::Run {
        id: "begun0".into(),
        name: "begun".into(),
        status: handloom_store::Status::Killed,
        epochs: 0,
        best_epoch: None,
        val_accuracy: None,
        weights_sha256: None,
        model_sha256: None,
        ..known
    };
    store.put(&record).unwrap();
    let resumed = done(place.run("train --resume begun --json"));
    assert_eq!(resumed["weights_sha256"], whole["weights_sha256"]);
}

#[test]
fn a_diverged_run_is_not_continued() {
    let place = Place::new();
    place.run("train -d garments -o sgd -lr 1e30 -e 2 -sz 8 --name d").code(4);
    for more in ["", "-e 9"] {
        let ended = place.run(&format!("train --resume d {more}")).code(2);
        assert!(ended.stderr.contains("diverged in epoch 1") && ended.stderr.contains("-lr"), "{}", ended.stderr);
    }
}

#[test]
fn a_store_that_is_removed_or_replaced_under_a_training_is_noticed() {
    for replaced in [false, true] {
        let place = Place::new();
        let started = place.started(&format!("{SMALL} --no-test"), 2);
        // At once, so that nothing is written into a folder that is being removed.
        fs::rename(place.path(".handloom"), place.path("gone")).unwrap();
        fs::remove_dir_all(place.path("gone")).unwrap();
        if replaced {
            place.run(&format!("{SMALL} -e 1 --no-test --name new")).code(0);
        }
        let run = started.run.clone();
        let ended = started.end("INT").code(1);
        // In the new database there is no such run.
        for text in [run.as_str(), if replaced { "there is no run" } else { "removed" }, "handloom.db"] {
            assert!(ended.stderr.contains(text), "{text}: {}", ended.stderr);
        }
        let done: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
        assert_eq!((&done["event"], &done["status"]), (&json!("done"), &json!("failed")));
        // The store that is there now is left alone.
        assert_eq!(place.run("ls --json").stdout.lines().count(), usize::from(replaced));
    }
}
