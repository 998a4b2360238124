//! An agent whose process is really killed: its trials go on at once on the same machine.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use handloom_store::{Journal, Presence, is_dead, open};
use handloom_sweep::worker::{Assignment, Ending, Notice, Objective, Reason, Reporter, Work};
use handloom_sweep::{Entry, Goal, Journal as _, State, Status};

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
    let _presence = Presence::of(&*store, "killed").unwrap();
    let journal = Journal::new(store, "s");
    work(&journal, &Endless, "killed").run().unwrap();
}

#[test]
fn trials_of_a_killed_process_are_taken_over_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.add_sweep(&sweep("s", 1), &[Entry::Capped { trials: 5 }]).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::works_until_it_is_killed", "--ignored", "--nocapture"])
        .env("HANDLOOM_TEST_FOLDER", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.filter(|line| line.contains("runs ")).take(2).count(), 2, "the child ended by itself");

    let (journal, objective) = (Journal::new(open(folder.path()).unwrap(), "s"), honest("b"));
    let (child, taken) = (Mutex::new(child), Mutex::new(Vec::new()));
    let notice = |notice: &Notice<'_>, _: &State| match notice {
        // It waits for the two of the other process, and for nothing else.
        Notice::Waiting { running: 2 } => {
            let mut child = child.lock().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
        }
        Notice::TakenOver { number, from } => taken.lock().unwrap().push((*number, from.id.clone())),
        _ => {}
    };
    let is_dead = |agent: &_| is_dead(&*store, "here", agent);
    let done =
        Work { notice: &notice, is_dead: &is_dead, workers: 1, ..work(&journal, &objective, "b") }.run().unwrap();
    assert_eq!((done.reason, done.state.count(Status::Finished)), (Reason::Complete, 5));
    assert_eq!(taken.into_inner().unwrap(), [(0, "killed".to_owned()), (1, "killed".to_owned())]);

    let page = journal.read(0).unwrap();
    let mut state = State::new(Goal::Minimize);
    for stamped in &page.entries {
        state.apply(stamped);
    }
    // Long before anybody's silence would have told.
    let attempts = &state.attempts[0];
    assert_eq!(attempts.iter().map(|attempt| attempt.agent.as_str()).collect::<Vec<_>>(), ["killed", "b"]);
    assert!(attempts[1].claimed_ms - state.agents["killed"].heard_ms < handloom_sweep::state::SILENCE_MS);
}
