//! State of a sweep that was interrupted, killed or stopped, and several programs at work on one.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};

use handloom_store::Status;

use super::{GRID, LONG, assert_whole, runs, shown, with};

/// Sends a signal once `trials` trials are over; waits for the end.
fn signaled(mut child: Child, signal: &str, trials: usize) -> Option<i32> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let ended = |line: &String| line.contains("\"event\":\"trial\"");
    assert_eq!(lines.by_ref().filter(ended).take(trials).count(), trials);
    Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
    drop(lines);
    child.wait().unwrap().code()
}

#[test]
fn what_was_interrupted_or_killed_is_resumed_and_no_trial_is_lost_or_run_twice() {
    for (signal, code) in [("INT", Some(130)), ("TERM", Some(143)), ("KILL", None)] {
        let place = with(LONG);
        let child = place.spawn("sweep f.yaml -d garments --trials 6 --workers 2 --json");
        let ended = signaled(child, signal, 2);
        let before = shown(&place, "@last");
        let over: BTreeSet<String> = before["trials"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|trial| trial["status"] == "finished")
            .map(|trial| trial["run"].as_str().unwrap().to_owned())
            .collect();
        // The signal may have come when everything was done, or between two trials: every moment is right.
        let whole = over.len() == 6;
        assert!(ended == code || whole && ended == Some(0), "{signal}: {ended:?}, {before}");
        assert!(over.len() >= 2, "{signal}: {before}");
        assert_eq!(before["status"], if whole { "finished" } else { "pending" }, "{signal}");
        let cut = if code.is_some() { Status::Stopped } else { Status::Running };
        let broken_off = runs(&place).iter().filter(|run| run.status == cut).count();
        // Two workers; of a trial that ended just before a kill, the journal may know more than the run's record.
        assert!(broken_off <= 4, "{signal}: {broken_off} broken off");

        place.run("sweep resume @last --json").code(0);
        let after = shown(&place, "@last");
        assert_whole(&after, 6);
        // Finished trials stay as they were; interrupted ones were tried again as other runs.
        let trials = after["trials"].as_array().unwrap();
        let again: BTreeSet<String> = trials.iter().map(|trial| trial["run"].as_str().unwrap().to_owned()).collect();
        assert!(again.is_superset(&over), "{signal}");
        let all = runs(&place);
        let finished: BTreeSet<&str> =
            all.iter().filter(|run| run.status == Status::Finished).map(|run| run.id.as_str()).collect();
        assert!(again.iter().all(|run| finished.contains(run.as_str())), "{signal}");
        // A kill between a run's last record and its entry in the journal leaves a finished run that no trial has.
        assert!((6..=8).contains(&finished.len()), "{signal}: {} finished", finished.len());
        assert!(place.run("sweep resume @last").code(0).stderr.contains("finished"));
    }
}

#[test]
fn two_programs_on_one_sweep_share_its_trials() {
    let place = with(LONG);
    let made = place.run("sweep create f.yaml -d garments --trials 8 --json").code(0).events().pop().unwrap();
    let sweep = made["sweep"].as_str().unwrap();
    let agents: Vec<Child> = (0..2).map(|_| place.spawn(&format!("sweep agent {sweep} --workers 2 --json"))).collect();
    let trials: Vec<usize> = agents
        .into_iter()
        .map(|agent| {
            let output = agent.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0));
            String::from_utf8(output.stdout).unwrap().matches("\"event\":\"trial\"").count()
        })
        .collect();
    assert_eq!(trials.iter().sum::<usize>(), 8, "{trials:?}");
    assert_whole(&shown(&place, sweep), 8);
    assert_eq!(runs(&place).len(), 8);
}

#[test]
fn a_stopped_sweep_begins_no_trial_until_it_is_resumed() {
    let place = with(GRID);
    let made = place.run("sweep create f.yaml -d garments --json").code(0).events().pop().unwrap();
    let sweep = made["sweep"].as_str().unwrap();
    assert_eq!(shown(&place, sweep)["status"], "pending");
    place.run(&format!("sweep agent {sweep} --trials 1")).code(0);
    place.run(&format!("sweep stop {sweep}")).code(0);
    assert_eq!(shown(&place, sweep)["status"], "stopped");
    let agent = place.run(&format!("sweep agent {sweep}")).code(0);
    assert!(agent.stderr.contains(&format!("handloom sweep resume {sweep}")), "{}", agent.stderr);
    assert_eq!(runs(&place).len(), 1);
    place.run(&format!("sweep resume {sweep}")).code(0);
    assert_whole(&shown(&place, sweep), 4);
}

#[test]
fn a_call_whose_time_is_over_leaves_the_rest_to_the_next() {
    let place = with(GRID);
    let ended = place.run("sweep f.yaml -d garments --wandb offline --minutes 0.000000001 --json").code(0);
    let done = ended.events().pop().unwrap();
    assert_eq!((&done["reason"], &done["status"]), (&"time".into(), &"pending".into()));
    place.run("sweep resume @last --trials 1").code(0);
    assert_eq!(runs(&place).len(), 1);
    // The typed W&B flags hold for the whole sweep.
    assert_eq!(runs(&place)[0].wandb["mode"], "offline");
}

#[test]
fn a_removed_run_leaves_its_sweep_readable() {
    let place = with(GRID);
    place.run("sweep f.yaml -d garments --trials 2 --quiet").code(0);
    let run = shown(&place, "@last")["trials"][0]["run"].as_str().unwrap().to_owned();
    place.run(&format!("rm {run} --yes")).code(0);
    let shown = shown(&place, "@last");
    let trial = &shown["trials"][0];
    // Of what was removed, nothing is shown but that it was tried.
    assert_eq!((&trial["run"], &trial["status"]), (&serde_json::Value::Null, &"removed".into()));
    assert!(trial["val_accuracy"].is_null() && trial["train_loss"].is_null(), "{trial}");
    place.run("sweep show @last").code(0);
    place.run("sweep best @last").code(0);
}
