//! Agents on machines that are not in order, and trials that kill their process.

use std::fs::{self, File};
use std::path::PathBuf;

use handloom_sweep::{Entry, Params};

use super::{GRID, assert_whole, runs, shown, store, with};
use crate::support::Place;

/// The id of a sweep of `f.yaml`, which nobody works on yet.
fn made(place: &Place) -> String {
    let made = place.run("sweep create f.yaml -d garments --json").code(0).events().pop().unwrap();
    made["sweep"].as_str().unwrap().to_owned()
}

/// An agent of another program that claimed the next attempt at trial 0 and was killed.
fn killed_agent(place: &Place, sweep: &str, attempt: u32, host: &str, with_lock: bool) {
    let agent = format!("killed{attempt}");
    let (number, choice) = (0, Params::from([("hidden_size".to_owned(), 4.into())]));
    let store = store(&place.path(".handloom"));
    let mut entries = vec![
        Entry::Joined { agent: agent.clone(), host: host.into(), process: 1, workers: 1 },
        Entry::Claimed { number, attempt, agent: agent.clone(), run: agent.clone(), choice },
    ];
    if with_lock {
        // A killed agent leaves its file without the lock.
        let folder = place.path(".handloom/agents");
        fs::create_dir_all(&folder).unwrap();
        File::create(folder.join(format!("{agent}.lock"))).unwrap();
    } else {
        entries.push(Entry::Died { number, attempt, agent: "another".into() });
    }
    store.append(sweep, &entries).unwrap();
}

#[test]
fn an_agent_that_cannot_write_runs_takes_no_trial_and_says_why() {
    let place = with(GRID);
    let sweep = made(&place);
    // Not even root may make a folder below a file.
    let folder: PathBuf = place.path(".handloom/runs");
    fs::write(&folder, "").unwrap();
    for command in ["agent", "resume"] {
        let ended = place.run(&format!("sweep {command} {sweep}")).code(1);
        for text in ["this machine cannot run trials", ".handloom/runs", "Not a directory", "hint: "] {
            assert!(ended.stderr.contains(text), "{text}: {}", ended.stderr);
        }
    }
    assert_eq!(shown(&place, &sweep)["trials"].as_array().unwrap().len(), 0);
    fs::remove_file(&folder).unwrap();
    place.run(&format!("sweep agent {sweep}")).code(0);
    assert_whole(&shown(&place, &sweep), 4);
    // The attempts before left nothing.
    assert_eq!(fs::read_dir(folder).unwrap().count(), 4);
}

#[cfg(target_os = "linux")]
#[test]
fn an_agent_with_too_few_descriptors_takes_no_trial_and_says_why() {
    let place = with(GRID);
    let sweep = made(&place);
    for limit in [12, 24] {
        let ended = place.run_limited(&format!("ulimit -n {limit}"), &format!("sweep agent {sweep} --workers 8"));
        let ended = ended.code(1);
        for text in ["Too many open files", "hint: ", "ulimit -n", "--workers"] {
            assert!(ended.stderr.contains(text), "{limit}: {text}: {}", ended.stderr);
        }
        assert_eq!(shown(&place, &sweep)["trials"].as_array().unwrap().len(), 0);
    }
    place.run(&format!("sweep agent {sweep} --workers 8")).code(0);
    assert_whole(&shown(&place, &sweep), 4);
}

#[test]
fn a_file_that_is_missing_here_gives_the_trial_back_and_ends_the_agent_alone() {
    let place = with(&GRID.replace("epochs:", "init_from: {values: [start.safetensors]}\n  epochs:"));
    let place = {
        let text = fs::read_to_string(place.path("f.yaml")).unwrap();
        // One shape, so that the file fits every trial.
        fs::write(place.path("f.yaml"), text.replace("values: [4, 8]", "values: [4]")).unwrap();
        place
    };
    let sweep = made(&place);
    let ended = place.run(&format!("sweep agent {sweep} --workers 1")).code(1);
    for text in ["this machine cannot run trials", "start.safetensors", "hint: ", "sweep resume"] {
        assert!(ended.stderr.contains(text), "{text}: {}", ended.stderr);
    }
    let before = shown(&place, &sweep);
    let trials = before["trials"].as_array().unwrap();
    assert_eq!((trials.len(), &trials[0]["status"], &before["counts"]["failed"]), (1, &"pending".into(), &0.into()));
    assert!(trials[0]["why"].as_str().unwrap().contains("start.safetensors"), "{before}");
    let said = place.run(&format!("sweep show {sweep}")).code(0).stdout;
    assert!(said.contains("trial 0 was given back") && said.contains("start.safetensors"), "{said}");
    // Once more, the other trial comes first: nobody is kept from it.
    place.run(&format!("sweep agent {sweep} --workers 1")).code(1);
    assert_eq!(shown(&place, &sweep)["counts"]["failed"], 0);

    place.run("train -d garments -e 1 -nhl 1 -sz 4 --no-test --out start.safetensors --quiet").code(0);
    place.run(&format!("sweep agent {sweep}")).code(0);
    assert_whole(&shown(&place, &sweep), 2);
}

#[test]
fn a_trial_whose_process_is_killed_three_times_alone_is_failed_until_it_is_tried_again() {
    let place = with(GRID);
    place.run("sweep f.yaml -d garments --trials 1 --quiet").code(0);
    let host = runs(&place)[0].host.clone();
    let sweep = made(&place);
    killed_agent(&place, &sweep, 0, &host, false);
    killed_agent(&place, &sweep, 1, &host, false);
    let twice = shown(&place, &sweep);
    assert_eq!((&twice["trials"][0]["status"], &twice["trials"][0]["deaths"]), (&"pending".into(), &2.into()));
    killed_agent(&place, &sweep, 2, &host, true);

    let ended = place.run(&format!("sweep agent {sweep}")).code(0);
    assert!(ended.stderr.contains("trial 0 failed: process killed"), "{}", ended.stderr);
    let after = shown(&place, &sweep);
    let trial = &after["trials"][0];
    assert_eq!((&trial["status"], &after["counts"]["finished"]), (&"failed".into(), &3.into()));
    assert!(trial["why"].as_str().unwrap().starts_with("process killed"), "{trial}");
    let show = place.run(&format!("sweep show {sweep}")).code(0);
    assert!(show.stdout.contains("trial 0 failed: process killed: it died 3 times"), "{}", show.stdout);
    assert!(show.stderr.contains("--retry-failed"), "{}", show.stderr);
    assert!(place.run(&format!("sweep resume {sweep}")).code(0).stderr.contains("is finished"));

    let again = place.run(&format!("sweep resume {sweep} --retry-failed")).code(0);
    assert!(again.stderr.contains("1 failed trial is tried again"), "{}", again.stderr);
    assert_whole(&shown(&place, &sweep), 4);
    let none = place.run(&format!("sweep resume {sweep} --retry-failed")).code(0);
    assert!(none.stderr.contains("no trial failed"), "{}", none.stderr);
}

#[test]
fn trials_that_failed_or_diverged_say_why_and_are_tried_again_if_that_is_asked_for() {
    let place = with(
        "method: grid\nparameters:\n  num_layers: {values: [1, 2]}\n  hidden_size: {value: [8, 8]}\n  \
         learning_rate: {values: [0.001, 1.0e30]}\n  optimizer: {value: sgd}\n  epochs: {value: 1}\n",
    );
    let ended = place.run("sweep f.yaml -d garments --workers 1").code(0);
    let show = place.run("sweep show @last").code(0);
    for said in [&ended.stderr, &show.stdout] {
        assert!(said.contains("trials 0 and 2 failed: ") && said.contains("num_layers"), "{said}");
        assert!(said.contains("trial 3 diverged: in epoch 1, the loss of batch "), "{said}");
    }
    let again = place.run("sweep resume @last --retry-failed --workers 1").code(0);
    assert!(again.stderr.contains("2 failed trials are tried again"), "{}", again.stderr);
    let shown = shown(&place, "@last");
    let attempts: Vec<u64> =
        shown["trials"].as_array().unwrap().iter().map(|trial| trial["attempts"].as_u64().unwrap()).collect();
    assert_eq!((attempts, &shown["status"]), (vec![2, 1, 2, 1], &"finished".into()));
}

#[test]
fn a_mistyped_subcommand_before_a_file_is_named() {
    let place = with("method: grid\nparameters:\n  epochs: {values: [1]}\n");
    for (line, expected) in [
        ("sweep chek f.yaml", "`sweep` has no subcommand `chek`"),
        ("sweep chek f.yaml", "did you mean `handloom sweep check`?"),
        ("sweep nonsense f.yaml", "takes a sweep file, or one of create check"),
    ] {
        let ended = place.run(line).code(2);
        assert!(ended.stderr.contains(expected), "{line}: {}", ended.stderr);
    }
    place.run("sweep check f.yaml").code(0);
}
