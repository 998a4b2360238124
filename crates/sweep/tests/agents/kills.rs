//! Agents that die at any moment, by any cause, until the work is done.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use handloom_sweep::state::{DEATHS_ALONE, DEATHS_IN_COMPANY, Death};
use handloom_sweep::worker::{Assignment, Pace, Reason, Reporter, Work};
use handloom_sweep::{Entry, Journal as _, State, Status};

use crate::rig::{Line, Script, capped, complete, dead, random, three_epochs, until, work};

const TRIALS: u64 = 40;

/// Three agents of two workers each. Each dies after some requests to the journal and comes back as another, a number
/// of times; `flaky` says how bad the line is, `silence_ms` how soon the living are taken for dead.
fn rage(seed: u64, lives: u64, flaky: u64, silence_ms: i64) {
    let journal = capped(TRIALS);
    let (killed, done) = (Mutex::new(BTreeSet::new()), Mutex::new(BTreeSet::new()));
    let liveness = dead(&killed);
    thread::scope(|scope| {
        for slot in 0..3 {
            let (journal, killed, done, liveness) = (&journal, &killed, &done, &liveness);
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
                    let result = Work { workers: 2, liveness, pace, ..usual }.run();
                    done.lock().unwrap().extend(script.done.into_inner().unwrap());
                    if result.is_ok() {
                        break;
                    }
                    killed.lock().unwrap().insert(name);
                }
            });
        }
    });
    let state = complete(&journal, TRIALS);
    assert_eq!(state.trials.len() as u64, TRIALS);
    let done = done.into_inner().unwrap();
    for (trial, attempts) in state.trials.iter().zip(&state.attempts) {
        // A trial that killed its process too often may be given up; which trials these are depends on the threads.
        if trial.status == Status::Failed {
            assert!(state.deaths(trial.number).1 >= DEATHS_ALONE, "trial {}", trial.number);
            continue;
        }
        // The last attempt must be one that was really trained to the end.
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
fn a_trial_that_kills_whoever_runs_it_alone_fails_after_three_deaths() {
    let journal = capped(6);
    let killed = Mutex::new(BTreeSet::new());
    let liveness = dead(&killed);
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
        let result = Work { liveness: &liveness, ..work(&line, &script, &name) }.run();
        if result.is_ok() {
            break;
        }
        deaths += 1;
        assert!(deaths < 50, "the trial is tried for ever");
        killed.lock().unwrap().insert(name);
    }
    let state = complete(&journal, 6);
    let failed: Vec<u64> =
        state.trials.iter().filter(|trial| trial.status == Status::Failed).map(|trial| trial.number).collect();
    assert_eq!((failed, deaths), (vec![3], DEATHS_ALONE));
    let why = state.attempts[3].last().unwrap().why.clone().unwrap();
    assert_eq!(why, "process killed: it died 3 times while it ran this trial alone");

    // Somebody mended what killed it.
    let attempt = state.attempts[3].len() as u32 - 1;
    journal.append(&[Entry::Retried { number: 3, attempt }]).unwrap();
    let script = Script::new("late", three_epochs);
    assert_eq!(work(&journal, &script, "late").run().unwrap().reason, Reason::Complete);
    let mut state = State::new(handloom_sweep::Goal::Minimize);
    for stamped in journal.read(0).unwrap().entries {
        state.apply(&stamped);
    }
    assert_eq!((state.count(Status::Finished), state.deaths(3)), (6, (0, 0)));
}

#[test]
fn a_trial_that_kills_those_beside_it_is_run_alone_and_they_are_all_finished() {
    let journal = capped(8);
    let killed = Mutex::new(BTreeSet::new());
    let liveness = dead(&killed);
    let mut lives = 0;
    for life in 0.. {
        let (name, line) = (format!("agent-{life}"), Line::new(&journal));
        let running = AtomicU64::new(0);
        let act = |trial: &Assignment, reporter: &mut Reporter<'_>| {
            running.fetch_add(1, Ordering::SeqCst);
            if trial.number == 2 {
                let is_alone = trial.attempt as usize >= DEATHS_IN_COMPANY;
                until(|| is_alone || running.load(Ordering::SeqCst) > 1);
                line.life.store(0, Ordering::SeqCst);
            } else if trial.number > 2 && life < DEATHS_IN_COMPANY {
                // A later claim runs until trial 2 has killed both.
                until(|| line.life.load(Ordering::SeqCst) <= 0);
            }
            let ending = three_epochs(trial, reporter);
            running.fetch_sub(1, Ordering::SeqCst);
            ending
        };
        let script = Script::new(&name, act);
        let result = Work { liveness: &liveness, workers: 2, ..work(&line, &script, &name) }.run();
        if result.is_ok() {
            break;
        }
        lives += 1;
        assert!(lives < 50, "the trial is tried for ever");
        killed.lock().unwrap().insert(name);
    }
    let state = complete(&journal, 8);
    for trial in &state.trials {
        let expected = if trial.number == 2 { Status::Failed } else { Status::Finished };
        assert_eq!(trial.status, expected, "trial {}", trial.number);
    }
    let deaths: Vec<_> = state.attempts[2].iter().filter_map(|attempt| attempt.death).collect();
    assert_eq!(deaths, [[Death::InCompany; DEATHS_IN_COMPANY], [Death::Alone; DEATHS_ALONE]].concat());
}
