//! Agents at work on one journal: real threads, and everything that can happen to them.

mod kills;
mod rig;
mod trouble;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use handloom_sweep::journal::Memory;
use handloom_sweep::pruner::Pruner;
use handloom_sweep::worker::{Ending, Reason, SweepEvent, Verdict, Work};
use handloom_sweep::{Entry, Journal, Status, Trial};

use rig::{Count, Script, capped, complete, three_epochs, until, work};

#[test]
fn every_trial_is_run_once_by_as_many_as_there_are() {
    for (agents, workers) in [(1, 1), (1, 4), (3, 2)] {
        let journal = capped(30);
        let runs = AtomicU64::new(0);
        thread::scope(|scope| {
            for agent in 0..agents {
                let (journal, runs) = (&journal, &runs);
                scope.spawn(move || {
                    let script = Script::new(&format!("a{agent}"), |trial: &_, reporter: &mut _| {
                        runs.fetch_add(1, Ordering::SeqCst);
                        three_epochs(trial, reporter)
                    });
                    let work = Work { workers, ..work(journal, &script, &format!("a{agent}")) };
                    assert_eq!(work.run().unwrap().reason, Reason::Complete);
                });
            }
        });
        let state = complete(&journal, 30);
        assert_eq!((runs.into_inner(), state.agents.len()), (30, agents));
        assert!(state.agents.values().all(|agent| agent.left && agent.workers == workers));
        for trial in &state.trials {
            assert_eq!((trial.choice["x"].as_u64(), trial.status), (Some(trial.number), Status::Finished));
            assert_eq!(trial.costs, [1, 2, 3].map(|epoch| (trial.number + epoch) as f64));
        }
    }
}

#[test]
fn a_sweep_ends_where_its_sampler_its_cap_or_its_target_says() {
    let journal = Memory::default();
    let script = Script::new("a", three_epochs);
    let counted = Work { sampler: &Count(5), workers: 3, ..work(&journal, &script, "a") };
    assert_eq!(counted.run().unwrap().reason, Reason::Complete);
    complete(&journal, 5);
    // Of values that only grow, the first is as good as any other.
    let journal = capped(100);
    let aimed = Work { target: Some(1.0), ..work(&journal, &script, "a") };
    assert_eq!(aimed.run().unwrap().reason, Reason::Complete);
    complete(&journal, 1);
}

#[test]
fn a_limit_ends_a_call_and_the_next_one_goes_on() {
    let journal = capped(9);
    let script = Script::new("a", three_epochs);
    let few = Work { trials: Some(4), workers: 3, ..work(&journal, &script, "a") };
    let done = few.run().unwrap();
    assert_eq!((done.reason, done.state.count(Status::Finished)), (Reason::Trials, 4));
    let late = Work { until: Some(Instant::now()), ..work(&journal, &script, "b") };
    let done = late.run().unwrap();
    assert_eq!((done.reason, done.state.trials.len()), (Reason::Time, 4));
    let all = Work { trials: Some(5), ..work(&journal, &script, "c") };
    assert_eq!(all.run().unwrap().reason, Reason::Complete);
    complete(&journal, 9);
}

#[test]
fn trials_under_way_when_the_time_is_over_are_finished() {
    let journal = capped(50);
    let start = Instant::now();
    let script = Script::new("a", |trial: &_, reporter: &mut _| {
        until(|| start.elapsed() > Duration::from_millis(30));
        three_epochs(trial, reporter)
    });
    let short = Work { workers: 2, until: Some(start + Duration::from_millis(15)), ..work(&journal, &script, "a") };
    let done = short.run().unwrap();
    assert_eq!(done.reason, Reason::Time);
    assert!(done.state.trials.iter().all(|trial| trial.status == Status::Finished));
    assert!(done.state.trials.len() <= 2);
}

#[test]
fn a_stopped_sweep_begins_nothing_until_it_is_resumed() {
    let journal = capped(6);
    let script = Script::new("a", |trial: &handloom_sweep::worker::Assignment, reporter: &mut _| {
        if trial.number == 2 {
            journal.append(&[Entry::Stopped]).unwrap();
        }
        three_epochs(trial, reporter)
    });
    let done = work(&journal, &script, "a").run().unwrap();
    assert_eq!((done.reason, done.state.count(Status::Finished), done.state.trials.len()), (Reason::Halted, 3, 3));
    assert_eq!(work(&journal, &script, "b").run().unwrap().reason, Reason::Halted);
    journal.append(&[Entry::Resumed]).unwrap();
    assert_eq!(work(&journal, &Script::new("c", three_epochs), "c").run().unwrap().reason, Reason::Complete);
    complete(&journal, 6);
}

#[test]
fn an_agent_that_is_stopped_gives_its_trials_back() {
    let journal = capped(4);
    let (stop, running) = (AtomicBool::new(false), AtomicU64::new(0));
    let endless = Script::new("a", |_: &_, reporter: &mut handloom_sweep::worker::Reporter<'_>| {
        assert_eq!(reporter.report(1, 0.5), Verdict::Go);
        running.fetch_add(1, Ordering::SeqCst);
        until(|| reporter.verdict() == Verdict::Stop);
        Ending::Released
    });
    let stops = || stop.load(Ordering::SeqCst);
    let stopped = Work { workers: 2, stop: &stops, ..work(&journal, &endless, "a") };
    thread::scope(|scope| {
        let ended = scope.spawn(|| stopped.run().unwrap());
        until(|| running.load(Ordering::SeqCst) == 2);
        stop.store(true, Ordering::SeqCst);
        let done = ended.join().unwrap();
        assert_eq!((done.reason, done.state.count(Status::Pending)), (Reason::Stopped, 2));
        assert!(done.state.agents["a"].left);
    });
    assert_eq!(work(&journal, &Script::new("b", three_epochs), "b").run().unwrap().reason, Reason::Complete);
    let state = complete(&journal, 4);
    assert_eq!(state.attempts.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1, 1]);
    assert_eq!(state.trials[0].costs, [1.0, 2.0, 3.0]);
}

#[test]
fn a_trial_that_panics_fails_alone() {
    let journal = capped(5);
    let script = Script::new("a", |trial: &handloom_sweep::worker::Assignment, reporter: &mut _| match trial.number {
        1 => panic!("no such layer, as this test wants it"),
        3 => Ending::Diverged("in epoch 1".into()),
        _ => three_epochs(trial, reporter),
    });
    let told = Mutex::new(Vec::new());
    let notice = |notice: &SweepEvent<'_>, _: &_| {
        if let SweepEvent::Ended { number, status, why, .. } = notice {
            told.lock().unwrap().push((*number, *status, why.map(String::from)));
        }
    };
    let done = Work { notice: &notice, ..work(&journal, &script, "a") }.run().unwrap();
    assert_eq!((done.reason, done.state.count(Status::Finished)), (Reason::Complete, 3));
    let state = complete(&journal, 5);
    assert!(state.attempts[1][0].why.as_ref().unwrap().contains("no such layer"));
    let told = told.into_inner().unwrap();
    assert_eq!(told.len(), 5);
    assert_eq!(told[3], (3, Status::Diverged, Some("in epoch 1".into())));
}

/// Prunes what is worse than the first trial was at the same epoch.
struct WorseThanFirst;

impl Pruner for WorseThanFirst {
    fn prunes(&self, trial: &Trial, history: &[Trial]) -> bool {
        assert_eq!(history[trial.number as usize], *trial);
        let at = trial.costs.len() - 1;
        history[0].costs.get(at).is_some_and(|first| trial.costs[at] > *first)
    }
}

#[test]
fn what_a_trial_has_just_reported_is_evidence_at_once() {
    let journal = capped(6);
    let script = Script::new("a", three_epochs);
    let work = Work { pruner: Some(&WorseThanFirst), ..work(&journal, &script, "a") };
    assert_eq!(work.run().unwrap().reason, Reason::Complete);
    let state = complete(&journal, 6);
    assert_eq!(state.trials[0].status, Status::Finished);
    for trial in &state.trials[1..] {
        assert_eq!((trial.status, trial.costs.len()), (Status::Pruned, 1), "{trial:?}");
    }
}

#[test]
fn an_agent_says_that_it_lives_while_its_trials_are_silent() {
    let journal = capped(1);
    let beats = || {
        let entries = journal.read(0).unwrap().entries;
        entries.iter().filter(|stamped| matches!(stamped.entry, Entry::Beat { .. })).count()
    };
    let script = Script::new("a", |_: &_, _: &mut _| {
        until(|| beats() >= 3);
        Ending::Finished
    });
    assert_eq!(work(&journal, &script, "a").run().unwrap().reason, Reason::Complete);
}
