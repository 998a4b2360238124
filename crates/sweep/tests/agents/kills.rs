//! Agents that die at any moment, by any cause, until the work is done.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use handloom_sweep::Status;
use handloom_sweep::state::Agent;
use handloom_sweep::worker::{Assignment, Pace, Reporter, Work};

use crate::rig::{Line, Script, capped, complete, random, three_epochs, work};

const TRIALS: u64 = 40;

/// Three agents of two workers each. Each dies after some requests to the journal and comes back as another, a number
/// of times; `flaky` says how bad the line is, `silence_ms` how soon the living are taken for dead.
fn rage(seed: u64, lives: u64, flaky: u64, silence_ms: i64) {
    let journal = capped(TRIALS);
    let (dead, done) = (Mutex::new(BTreeSet::new()), Mutex::new(BTreeSet::new()));
    let is_dead = |agent: &Agent| dead.lock().unwrap().contains(&agent.id);
    thread::scope(|scope| {
        for slot in 0..3 {
            let (journal, dead, done, is_dead) = (&journal, &dead, &done, &is_dead);
            scope.spawn(move || {
                let draw = AtomicU64::new(seed * 3 + slot);
                for life in 0.. {
                    let name = format!("{slot}-{life}");
                    let line = Line { flaky, draw: random(&draw).into(), ..Line::new(journal) };
                    if life < lives {
                        line.life.store((random(&draw) % 50) as i64, Ordering::SeqCst);
                    }
                    let script = Script::new(&name, three_epochs);
                    let usual = work(&line, &script, &name);
                    let pace = Pace { silence_ms, ..usual.pace.clone() };
                    let result = Work { workers: 2, is_dead, pace, ..usual }.run();
                    done.lock().unwrap().extend(script.done.into_inner().unwrap());
                    if result.is_ok() {
                        break;
                    }
                    dead.lock().unwrap().insert(name);
                }
            });
        }
    });
    let state = complete(&journal, TRIALS);
    assert_eq!(state.trials.len() as u64, TRIALS);
    let done = done.into_inner().unwrap();
    for (trial, attempts) in state.trials.iter().zip(&state.attempts) {
        // What counts is what somebody really trained to the end.
        assert!(done.contains(&attempts.last().unwrap().run), "trial {}", trial.number);
        assert_eq!(trial.costs.len(), 3);
    }
}

#[test]
fn agents_that_die_at_any_moment_lose_nothing() {
    for seed in 0..12 {
        rage(seed, 8, 0, 30_000);
    }
}

#[test]
fn agents_that_die_behind_bad_lines_lose_nothing() {
    for seed in 100..108 {
        rage(seed, 5, 4, 30_000);
    }
}

#[test]
fn agents_that_take_the_living_for_dead_run_nothing_to_the_end_twice() {
    for seed in 200..206 {
        rage(seed, 2, 8, 12);
    }
}

#[test]
fn a_trial_that_kills_whoever_runs_it_fails_in_the_end() {
    let journal = capped(6);
    let dead = Mutex::new(BTreeSet::new());
    let is_dead = |agent: &Agent| dead.lock().unwrap().contains(&agent.id);
    let mut deaths = 0;
    for life in 0.. {
        let (name, line) = (format!("agent-{life}"), Line::new(&journal));
        let act = |trial: &Assignment, reporter: &mut Reporter<'_>| {
            if trial.number == 3 {
                line.life.store(0, Ordering::SeqCst);
            }
            three_epochs(trial, reporter)
        };
        let script = Script::new(&name, act);
        let result = Work { is_dead: &is_dead, ..work(&line, &script, &name) }.run();
        if result.is_ok() {
            break;
        }
        deaths += 1;
        assert!(deaths < 50, "the trial is tried for ever");
        dead.lock().unwrap().insert(name);
    }
    let state = complete(&journal, 6);
    let failed: Vec<u64> =
        state.trials.iter().filter(|trial| trial.status == Status::Failed).map(|trial| trial.number).collect();
    assert_eq!((failed, deaths), (vec![3], 10));
    let why = state.attempts[3].last().unwrap().why.clone().unwrap();
    assert_eq!(why, "the process that ran it died 10 times");
}
