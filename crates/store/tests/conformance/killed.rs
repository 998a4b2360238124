//! An agent whose process is really killed: its trials go on at once on the same machine.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use handloom_store::{Journal, LivenessLock, liveness, open};
use handloom_sweep::state::{Death, SILENCE_MS};
use handloom_sweep::worker::{Assignment, Ending, Objective, Pace, Reason, Reporter, SweepEvent, Work};
use handloom_sweep::{Entry, State, Status};

use crate::sweeps::sweep;
use crate::work::{honest, work};

/// Trials without end.
struct Endless;

impl Objective for Endless {
    fn run_id(&self) -> String {
        "of the killed".into()
    }

    fn run(&self, trial: &Assignment, reporter: &mut Reporter<'_>) -> Ending {
        reporter.report(1, 0.5);
        let mut stdout = std::io::stdout();
        writeln!(stdout, "runs {}", trial.number).unwrap();
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    }
}

/// The child of the test below.
#[test]
#[ignore = "started by trials_of_a_killed_process_are_taken_over_at_once"]
fn works_until_it_is_killed() {
    let store = open(std::env::var("HANDLOOM_TEST_FOLDER").unwrap()).unwrap();
    let _presence = LivenessLock::of(&*store, "killed").unwrap();
    let journal = Journal::new(store, "s");
    work(&journal, &Endless, "killed").run().unwrap();
}

/// Two trials of a process of their own, which works on a sweep of five.
fn child(folder: &Path) -> Child {
    let store = open(folder).unwrap();
    store.add_sweep(&sweep("s", 1), &[Entry::Capped { trials: 5 }]).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::works_until_it_is_killed", "--ignored", "--nocapture"])
        .env("HANDLOOM_TEST_FOLDER", folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.filter(|line| line.contains("runs ")).take(2).count(), 2, "the child ended by itself");
    child
}

/// Final state of the sweep after a second agent worked on it, which takes silence of more than `silence_ms` for death.
/// The child is killed once everything else is done; until then it must have kept its trials.
fn outlived(folder: &Path, child: Child, silence_ms: i64) -> State {
    let store = open(folder).unwrap();
    let (journal, objective) = (Journal::new(open(folder).unwrap(), "s"), honest("b"));
    let (child, taken) = (Mutex::new(child), Mutex::new(Vec::new()));
    let notice = |notice: &SweepEvent<'_>, _: &State| match notice {
        // It waits for the two of the other process, and for nothing else.
        SweepEvent::Waiting { running: 2 } => {
            assert!(taken.lock().unwrap().is_empty(), "taken over from a process that lives");
            let mut child = child.lock().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
        }
        SweepEvent::TakenOver { number, from } => taken.lock().unwrap().push((*number, from.id.clone())),
        _ => {}
    };
    let liveness = |agent: &_| liveness(&*store, "here", agent);
    let usual = work(&journal, &objective, "b");
    let pace = Pace { silence_ms, ..usual.pace.clone() };
    let done = Work { notice: &notice, liveness: &liveness, workers: 1, pace, ..usual }.run().unwrap();
    assert_eq!((done.reason, done.state.count(Status::Finished)), (Reason::Complete, 5));
    assert_eq!(taken.into_inner().unwrap(), [(0, "killed".to_owned()), (1, "killed".to_owned())]);
    done.state
}

#[test]
fn trials_of_a_killed_process_are_taken_over_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let state = outlived(folder.path(), child(folder.path()), SILENCE_MS);
    // Long before missing heartbeats would have shown it.
    let attempts = &state.attempts[0];
    assert_eq!(attempts.iter().map(|attempt| attempt.agent.as_str()).collect::<Vec<_>>(), ["killed", "b"]);
    assert!(attempts[1].claimed_ms - state.agents["killed"].heard_ms < SILENCE_MS);
    assert_eq!(attempts[0].death, Some(Death::InCompany));
}

#[cfg(unix)]
#[test]
fn a_suspended_process_keeps_its_trials_however_long_it_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let child = child(folder.path());
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
    };
    let store = open(folder.path()).unwrap();
    // A process stopped in the middle of a write would lock out all others.
    loop {
        signal("-STOP");
        if store.append("s", &[Entry::Resumed]).is_ok() {
            break;
        }
        signal("-CONT");
    }
    // With this limit every agent counts as silent for too long, as after a jump of the clock.
    outlived(folder.path(), child, -1_000_000_000);
}
