//! Journals that cannot be reached for a while, or never again.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use handloom_sweep::state::Liveness;
use handloom_sweep::worker::{Assignment, Ending, Error, MachineFault, Reason, Reporter, SweepEvent, Verdict, Work};
use handloom_sweep::{Entry, Journal, Status};

use crate::rig::{Line, Script, capped, complete, dead, three_epochs, until, work};

#[test]
fn a_trial_trains_on_while_the_journal_is_out_of_reach_and_its_reports_come_in_order() {
    let journal = capped(2);
    let (line, troubled) = (Line::new(&journal), AtomicBool::new(false));
    let script = Script::new("a", |trial: &Assignment, reporter: &mut Reporter<'_>| {
        line.cut.store(true, Ordering::SeqCst);
        for epoch in 1..=20 {
            assert_eq!(reporter.report(epoch, (trial.number + epoch) as f64), Verdict::Go);
        }
        until(|| troubled.load(Ordering::SeqCst));
        line.cut.store(false, Ordering::SeqCst);
        Ending::Finished
    });
    let told = Mutex::new(Vec::new());
    let notice = |notice: &SweepEvent<'_>, _: &_| match notice {
        SweepEvent::Trouble(error) => {
            told.lock().unwrap().push(error.to_string());
            troubled.store(true, Ordering::SeqCst);
        }
        SweepEvent::Recovered => {
            told.lock().unwrap().push("recovered".into());
            troubled.store(false, Ordering::SeqCst);
        }
        _ => {}
    };
    let work = Work { notice: &notice, ..work(&line, &script, "a") };
    assert_eq!(work.run().unwrap().reason, Reason::Complete);
    let state = complete(&journal, 2);
    for trial in &state.trials {
        assert_eq!(trial.costs, (1..=20).map(|epoch| (trial.number + epoch) as f64).collect::<Vec<_>>());
    }
    assert_eq!(told.into_inner().unwrap(), ["cut off", "recovered", "cut off", "recovered"]);
}

#[test]
fn whoever_was_cut_off_for_too_long_loses_the_trial_and_changes_nothing() {
    let journal = capped(2);
    let (line, lost) = (Line::new(&journal), Mutex::new(Vec::new()));
    let cut_off = Script::new("a", |_: &Assignment, reporter: &mut Reporter<'_>| {
        assert_eq!(reporter.report(1, 0.5), Verdict::Go);
        line.cut.store(true, Ordering::SeqCst);
        assert_eq!(reporter.report(2, 0.5), Verdict::Go);
        journal.pass(40_000);
        // Somebody else does what there is to do.
        let other = Script::new("b", three_epochs);
        let taken = Mutex::new(Vec::new());
        let notice = |notice: &SweepEvent<'_>, _: &_| {
            if let SweepEvent::TakenOver { number, from } = notice {
                taken.lock().unwrap().push((*number, from.id.clone()));
            }
        };
        let done = Work { notice: &notice, ..work(&journal, &other, "b") }.run().unwrap();
        assert_eq!((done.reason, done.state.count(Status::Finished)), (Reason::Complete, 2));
        assert_eq!(taken.into_inner().unwrap(), [(0, "a".to_owned())]);
        line.cut.store(false, Ordering::SeqCst);
        until(|| reporter.verdict() == Verdict::Lost);
        assert_eq!(reporter.report(3, 0.1), Verdict::Lost);
        Ending::Lost
    });
    let notice = |notice: &SweepEvent<'_>, _: &_| {
        if let SweepEvent::Lost(trial) = notice {
            lost.lock().unwrap().push(trial.number);
        }
    };
    let work = Work { notice: &notice, ..work(&line, &cut_off, "a") };
    assert_eq!(work.run().unwrap().reason, Reason::Complete);
    let state = complete(&journal, 2);
    assert_eq!((state.trials[0].costs.as_slice(), lost.into_inner().unwrap()), (&[1.0, 2.0, 3.0][..], vec![0]));
    assert_eq!(state.attempts[0].iter().map(|attempt| attempt.agent.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn after_a_gap_of_its_own_an_agent_gives_the_others_time_to_be_heard_again() {
    let journal = capped(3);
    journal.append(&[Entry::Joined { agent: "b".into(), host: "there".into(), process: 1, workers: 1 }]).unwrap();
    let choice = handloom_sweep::Params::new();
    let claimed = Entry::Claimed { number: 0, attempt: 0, agent: "b".into(), run: "r".into(), choice };
    journal.append(&[claimed]).unwrap();
    let script = Script::new("a", |trial: &Assignment, reporter: &mut Reporter<'_>| {
        if trial.number == 1 {
            // As if the machine had slept, or the server been down for everybody.
            journal.pass(40_000);
        }
        three_epochs(trial, reporter)
    });
    let waited = AtomicBool::new(false);
    let notice = |notice: &SweepEvent<'_>, _: &_| match notice {
        SweepEvent::TakenOver { .. } => assert!(waited.load(Ordering::SeqCst), "judged at once"),
        // Everything else is done.
        SweepEvent::Waiting { running: 1 } if !waited.swap(true, Ordering::SeqCst) => journal.pass(11_000),
        _ => {}
    };
    assert_eq!(Work { notice: &notice, ..work(&journal, &script, "a") }.run().unwrap().reason, Reason::Complete);
    assert_eq!(complete(&journal, 3).attempts[0].len(), 2);
}

#[test]
fn a_jump_of_the_clock_takes_no_trial_from_a_process_that_is_known_to_live() {
    for jump_ms in [5 * 3_600_000, -5 * 3_600_000] {
        let journal = capped(3);
        journal.append(&[Entry::Joined { agent: "b".into(), host: "here".into(), process: 1, workers: 1 }]).unwrap();
        let choice = handloom_sweep::Params::new();
        let claimed = Entry::Claimed { number: 0, attempt: 0, agent: "b".into(), run: "r".into(), choice };
        journal.append(&[claimed]).unwrap();
        journal.pass(jump_ms);
        let waited = AtomicBool::new(false);
        let notice = |notice: &SweepEvent<'_>, _: &_| match notice {
            SweepEvent::TakenOver { .. } => panic!("taken over after a jump of {jump_ms} ms"),
            // Everything else is done.
            SweepEvent::Waiting { running: 1 } if !waited.swap(true, Ordering::SeqCst) => {
                journal.pass(jump_ms);
                let (agent, status) = ("b".into(), Status::Finished);
                journal.append(&[Entry::Ended { number: 0, attempt: 0, agent, status, why: None }]).unwrap();
            }
            _ => {}
        };
        let script = Script::new("a", three_epochs);
        let work = Work { notice: &notice, liveness: &|_| Liveness::Alive, ..work(&journal, &script, "a") };
        assert_eq!(work.run().unwrap().reason, Reason::Complete);
        assert_eq!(complete(&journal, 3).attempts[0].len(), 1);
    }
}

#[test]
fn a_machine_that_is_not_in_order_gives_its_trial_back_and_leaves_the_others_alone() {
    let journal = capped(4);
    // It could run nothing, however often it is started.
    for life in 0..5 {
        let name = format!("broken-{life}");
        let script =
            Script::new(&name, |_: &Assignment, _: &mut Reporter<'_>| Ending::Faulted(MachineFault("no space".into())));
        let done = Work { workers: 2, ..work(&journal, &script, &name) }.run().unwrap();
        assert_eq!((done.reason, done.fault), (Reason::Faulted, Some(MachineFault("no space".into()))));
        assert!(done.state.agents[&name].left && done.state.count(Status::Running) == 0);
        let given_back = done.state.attempts.iter().flatten().filter(|attempt| attempt.agent == name);
        let why: Vec<_> = given_back.map(|attempt| (attempt.met_fault(), attempt.why.as_deref())).collect();
        assert!((1..=2).contains(&why.len()) && why.iter().all(|why| *why == (true, Some("no space"))), "{why:?}");
    }
    let script = Script::new("a", three_epochs);
    assert_eq!(work(&journal, &script, "a").run().unwrap().reason, Reason::Complete);
    let state = complete(&journal, 4);
    assert_eq!((state.count(Status::Finished), state.deaths(0)), (4, (0, 0)));
}

#[test]
fn what_a_machine_could_not_run_keeps_nobody_from_the_other_trials() {
    for endless in [false, true] {
        let journal = capped(5);
        let order = Mutex::new(Vec::new());
        for life in 0..6 {
            let name = format!("a{life}");
            let script = Script::new(&name, |trial: &Assignment, reporter: &mut Reporter<'_>| {
                if trial.number == 1 {
                    return Ending::Faulted(MachineFault("the file is nowhere".into()));
                }
                order.lock().unwrap().push(trial.number);
                three_epochs(trial, reporter)
            });
            let done = Work { endless, ..work(&journal, &script, &name) }.run().unwrap();
            assert_eq!((done.reason, done.state.count(Status::Failed)), (Reason::Faulted, 0));
        }
        assert_eq!(order.into_inner().unwrap(), [0, 2, 3, 4], "endless: {endless}");
    }
}

#[test]
fn a_journal_that_is_gone_for_good_ends_the_agent_and_is_told_with_what_is_missing() {
    let journal = capped(3);
    let line = Line::new(&journal);
    let script = Script::new("a", |trial: &Assignment, reporter: &mut Reporter<'_>| {
        if trial.number == 1 {
            line.life.store(0, Ordering::SeqCst);
            reporter.report(1, 0.5);
            until(|| reporter.verdict() == Verdict::Stop);
        }
        Ending::Finished
    });
    let error = work(&line, &script, "a").run().unwrap_err();
    assert!(matches!(&error, Error::Journal { missing, .. } if missing == &[1]), "{error}");
    assert!(error.to_string().contains("trial 1 is missing") && error.to_string().contains("killed"), "{error}");
    // The journal keeps its entries, and a later agent does the rest.
    let other = Script::new("b", three_epochs);
    let killed = Mutex::new(BTreeSet::from(["a".to_owned()]));
    Work { liveness: &dead(&killed), ..work(&journal, &other, "b") }.run().unwrap();
    let state = complete(&journal, 3);
    assert_eq!(state.attempts.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 1]);
}

#[test]
fn an_agent_that_is_stopped_while_the_journal_is_out_of_reach_ends_all_the_same() {
    let journal = capped(3);
    let (line, stop) = (Line::new(&journal), AtomicBool::new(false));
    let script = Script::new("a", |_: &Assignment, reporter: &mut Reporter<'_>| {
        line.cut.store(true, Ordering::SeqCst);
        reporter.report(1, 0.5);
        until(|| reporter.verdict() == Verdict::Stop);
        Ending::Released
    });
    let stops = || stop.load(Ordering::SeqCst);
    let work = Work { stop: &stops, ..work(&line, &script, "a") };
    thread::scope(|scope| {
        let ended = scope.spawn(|| work.run());
        until(|| line.cut.load(Ordering::SeqCst));
        stop.store(true, Ordering::SeqCst);
        let error = ended.join().unwrap().unwrap_err();
        assert!(error.to_string().contains("cut off"), "{error}");
    });
}
