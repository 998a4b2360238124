use proptest::prelude::*;
use serde_json::json;

use super::*;

fn choice(x: u64) -> Params {
    Params::from([("x".to_owned(), json!(x))])
}

fn claimed(agent: &str, number: u64, attempt: u32) -> Entry {
    let run = format!("{agent}{number}{attempt}");
    Entry::Claimed { number, attempt, agent: agent.into(), run, choice: choice(number) }
}

fn reported(agent: &str, number: u64, attempt: u32, epoch: u64, value: f64) -> Entry {
    let value = value.is_finite().then_some(value);
    Entry::Reported { number, attempt, agent: agent.into(), epoch, value }
}

fn ended(agent: &str, number: u64, attempt: u32) -> Entry {
    Entry::Ended { number, attempt, agent: agent.into(), status: Status::Finished, why: None }
}

fn released(agent: &str, number: u64, attempt: u32) -> Entry {
    Entry::Released { number, attempt, agent: agent.into(), why: None }
}

fn died(by: &str, number: u64, attempt: u32) -> Entry {
    Entry::Died { number, attempt, agent: by.into() }
}

fn reused(agent: &str, number: u64, attempt: u32, run: &str) -> Entry {
    Entry::Reused { number, attempt, agent: agent.into(), run: run.into() }
}

fn removed(run: &str) -> Entry {
    Entry::Removed { run: run.into() }
}

/// The fold of entries that come 1 s after one another.
fn fold(entries: &[Entry]) -> State {
    let mut state = State::new(Goal::Maximize);
    for stamped in stamped(entries) {
        state.apply(&stamped);
    }
    state
}

fn stamped(entries: &[Entry]) -> Vec<Stamped> {
    let stamp = |(seq, entry): (Seq, &Entry)| Stamped { seq, at_ms: seq * 1000, entry: entry.clone() };
    (1..).zip(entries).map(stamp).collect()
}

#[test]
fn the_first_of_two_claims_has_the_trial() {
    let state =
        fold(&[claimed("a", 0, 0), claimed("b", 0, 0), claimed("b", 2, 0), claimed("b", 1, 1), claimed("b", 1, 0)]);
    assert!(state.owns("a", 0, 0) && state.owns("b", 1, 0) && !state.owns("b", 0, 0));
    assert_eq!((state.trials.len(), &state.trials[1].choice), (2, &choice(1)));
    assert_eq!((state.attempts[0][0].run.as_str(), state.attempts[0].len()), ("a00", 1));
}

#[test]
fn a_trial_that_was_taken_over_belongs_to_the_new_owner_alone() {
    let mut entries = vec![
        claimed("a", 0, 0),
        reported("a", 0, 0, 1, 0.5),
        reported("b", 0, 0, 2, 0.9),
        released("b", 0, 0),
        reported("a", 0, 0, 2, 0.6),
        ended("a", 0, 0),
    ];
    let state = fold(&entries);
    let pending: Vec<_> = state.pending().map(|trial| trial.number).collect();
    assert_eq!((state.trials[0].status, pending, state.attempts[0].len()), (Status::Pending, vec![0], 1));
    assert!(state.trials[0].costs.is_empty());
    entries.extend([claimed("a", 0, 0), claimed("b", 0, 1), released("a", 0, 0), reported("a", 0, 1, 1, 0.1)]);
    entries.extend([reported("b", 0, 1, 1, 0.7), reported("b", 0, 1, 1, 0.8), reported("b", 0, 1, 3, 0.8)]);
    entries.extend([reported("b", 0, 1, 2, f64::NAN), ended("a", 0, 1), ended("b", 0, 1), released("a", 0, 1)]);
    let state = fold(&entries);
    assert_eq!((state.trials[0].status, &state.trials[0].costs[..]), (Status::Finished, &[-0.7, f64::INFINITY][..]));
    let runs: Vec<_> = state.attempts[0].iter().map(|attempt| attempt.run.as_str()).collect();
    assert_eq!((runs, state.best().unwrap().number), (vec!["a00", "b01"], 0));
    assert_eq!(state.attempts[0][0].released_by.as_deref(), Some("b"));
}

#[test]
fn nothing_begins_beyond_the_cap_or_after_a_stop() {
    let mut entries = vec![Entry::Capped { trials: 2 }];
    entries.extend((0..4).map(|number| claimed("a", number, 0)));
    assert_eq!(fold(&entries).trials.len(), 2);
    entries.extend([released("a", 0, 0), Entry::Stopped, claimed("a", 0, 1), ended("a", 1, 0)]);
    let state = fold(&entries);
    assert_eq!((state.count(Status::Pending), state.count(Status::Finished)), (1, 1));
    entries.extend([Entry::Resumed, claimed("a", 0, 1), Entry::Capped { trials: 3 }, claimed("a", 2, 0)]);
    let state = fold(&entries);
    assert_eq!((state.count(Status::Running), state.trials.len(), state.may_grow()), (2, 3, false));
}

#[test]
fn a_reused_trial_has_the_run_of_another_and_repeats_it() {
    let mut entries = vec![claimed("a", 0, 0), reported("a", 0, 0, 1, 0.5), ended("a", 0, 0)];
    // Trial 1 takes the run of trial 0, trial 2 one from elsewhere, trial 3 the same at the same time.
    entries.extend([1, 2, 3].map(|number| claimed("b", number, 0)));
    entries.extend([reused("b", 1, 0, "a00"), reused("b", 2, 0, "x"), reused("b", 3, 0, "x"), reused("b", 3, 0, "y")]);
    entries.extend([1, 2, 3].map(|number| reported("b", number, 0, 1, 0.5)));
    // Of no effect: it has begun to report, it is another's, and it is over.
    entries.extend([reused("b", 2, 0, "z"), reused("a", 3, 0, "z"), reused("a", 0, 0, "z")]);
    entries.extend([ended("b", 3, 0), ended("b", 1, 0), ended("b", 2, 0)]);
    let state = fold(&entries);
    let runs: Vec<_> = (0..4).map(|number| run_of(&state, number).unwrap()).collect();
    assert_eq!(runs, ["a00", "a00", "x", "x"]);
    let of = |what: fn(&Trial) -> Option<u64>| state.trials.iter().map(what).collect::<Vec<_>>();
    assert_eq!(of(|trial| trial.reused.then_some(1)), [None, Some(1), Some(1), Some(1)]);
    assert_eq!(of(|trial| trial.repeats), [None, Some(0), Some(3), None]);
    // A released trial begins anew, and trains.
    let state = fold(&[claimed("a", 0, 0), reused("a", 0, 0, "x"), released("b", 0, 0), claimed("b", 0, 1)]);
    assert_eq!((state.trials[0].reused, run_of(&state, 0)), (false, Some("b01")));
}

#[test]
fn a_trial_whose_run_was_removed_is_counted_and_nothing_more() {
    let mut entries: Vec<Entry> = (0..4).map(|number| claimed("a", number, 0)).collect();
    entries.extend([reported("a", 0, 0, 1, 0.9), reported("a", 1, 0, 1, 0.5), ended("a", 0, 0), ended("a", 1, 0)]);
    entries.extend([reused("a", 2, 0, "a00"), reported("a", 2, 0, 1, 0.9), ended("a", 2, 0)]);
    entries.extend([removed("a00"), removed("a00"), removed("a30"), removed("nobody's")]);
    let state = fold(&entries);
    let statuses: Vec<_> = state.trials.iter().map(|trial| trial.status.name()).collect();
    assert_eq!(statuses, ["removed", "finished", "removed", "running"], "what runs is not removed");
    assert_eq!((state.best().unwrap().number, run_of(&state, 0), run_of(&state, 2)), (1, None, None));
    assert!(state.trials[0].costs.is_empty() && !state.trials[2].reused && state.pending().next().is_none());
    // A run of an attempt that was broken off takes nothing from the trial.
    let state = fold(&[claimed("a", 0, 0), released("b", 0, 0), removed("a00"), claimed("b", 0, 1)]);
    assert_eq!((state.trials[0].status, run_of(&state, 0)), (Status::Running, Some("b01")));
}

#[test]
fn silence_death_and_leaving_make_trials_stale() {
    let join = |agent: &str| Entry::Joined { agent: agent.into(), host: "h".into(), process: 1, workers: 1 };
    let mut entries = vec![join("a"), join("b"), join("c"), claimed("a", 0, 0), claimed("b", 1, 0), claimed("c", 2, 0)];
    let numbers = |state: &State, now_ms: i64, dead: &str| stale(state, now_ms, dead, "");
    let state = fold(&entries);
    assert_eq!(numbers(&state, 6_000, ""), [0; 0]);
    assert_eq!(numbers(&state, 6_000, "b"), [1]);
    assert_eq!(numbers(&state, 34_000, ""), [0; 0]);
    assert_eq!(numbers(&state, 34_001, ""), [0]);
    assert_eq!(numbers(&state, 90_000, ""), [0, 1, 2]);
    // Every entry is a sign of life, even one of no effect; leaving is the last.
    entries.extend([reported("a", 7, 7, 1, 0.0), Entry::Left { agent: "c".into() }, ended("b", 1, 0)]);
    assert_eq!(numbers(&fold(&entries), 34_001, "b"), [2]);
}

/// Numbers of the trials whose agent is gone, where `dead` is known to be dead and `alive` to live.
fn stale(state: &State, now_ms: i64, dead: &str, alive: &str) -> Vec<u64> {
    let liveness = |agent: &Agent| match agent.id.as_str() {
        id if id == dead => Liveness::Dead,
        id if id == alive => Liveness::Alive,
        _ => Liveness::Unknown,
    };
    state.stale(now_ms, SILENCE_MS, liveness).iter().map(|stale| stale.number).collect()
}

#[test]
fn a_process_that_is_known_to_live_keeps_its_trials_whatever_the_clock_says() {
    const HOUR_MS: i64 = 3_600_000;
    let state = fold(&[claimed("a", 0, 0), claimed("b", 1, 0), claimed("c", 2, 0)]);
    for jump in [0, SILENCE_MS + 3_001, 5 * HOUR_MS, i64::MAX - 10_000, -5 * HOUR_MS, i64::MIN + 10_000] {
        let found = stale(&state, jump, "b", "a");
        assert!(!found.contains(&0), "{jump}");
        assert!(found.contains(&1), "{jump}");
        assert_eq!(found.contains(&2), jump > SILENCE_MS + 3_000, "{jump}");
    }
}

#[test]
fn after_the_clock_was_set_back_the_dead_are_found_as_soon_as_ever() {
    const HOUR_MS: i64 = 3_600_000;
    let at = |seq: Seq, at_ms: i64, entry: Entry| Stamped { seq, at_ms, entry };
    let mut state = State::new(Goal::Minimize);
    for stamped in [
        at(1, 5 * HOUR_MS, claimed("a", 0, 0)),
        at(2, 5 * HOUR_MS, claimed("b", 1, 0)),
        at(3, HOUR_MS, Entry::Beat { agent: "b".into() }),
        at(4, HOUR_MS + 20_000, Entry::Beat { agent: "b".into() }),
    ] {
        state.apply(&stamped);
    }
    assert_eq!(stale(&state, HOUR_MS + 30_000, "", ""), [0; 0]);
    assert_eq!(stale(&state, HOUR_MS + 30_001, "", ""), [0]);
}

#[test]
fn after_three_deaths_in_company_a_trial_is_run_alone_and_after_three_more_it_is_failed() {
    let mut entries = Vec::new();
    for life in 0..3 {
        let agent = format!("a{life}");
        entries.extend([claimed(&agent, 0, life), claimed(&agent, 1, life), died("z", 0, life), died("z", 1, life)]);
    }
    let state = fold(&entries);
    assert_eq!([state.deaths(0), state.deaths(1)], [(3, 0); 2]);
    assert!(state.runs_alone(0) && state.runs_alone(1));
    // Alone means alone: not beside another trial of the same process, and no other beside it.
    let mut tried = entries.clone();
    tried.extend([claimed("b", 2, 0), claimed("b", 0, 3), claimed("c", 0, 3), claimed("c", 3, 0), claimed("d", 3, 0)]);
    let state = fold(&tried);
    assert!(state.owns("b", 2, 0) && state.owns("c", 0, 3) && state.owns("d", 3, 0));
    assert!(state.is_taken_up("c") && !state.is_taken_up("b"));
    // Once it is over its agent goes on with others.
    tried.extend([ended("c", 0, 3), claimed("c", 4, 0), claimed("c", 5, 0)]);
    assert_eq!(fold(&tried).run_by("c"), 2);

    for life in 3..6 {
        assert_eq!(fold(&entries).trials[0].status, Status::Pending);
        let agent = format!("a{life}");
        entries.extend([claimed(&agent, 0, life), died("z", 0, life)]);
    }
    let state = fold(&entries);
    assert_eq!((state.trials[0].status, state.deaths(0)), (Status::Failed, (3, 3)));
    assert!(state.attempts[0][5].why.as_ref().unwrap().starts_with("process killed"));
    entries.push(claimed("b", 0, 6));
    assert_eq!(fold(&entries).trials[0].status, Status::Failed);

    // Tried again, once for each time that somebody says so, it has all its lives back.
    entries.extend([Entry::Retried { number: 0, attempt: 5 }, Entry::Retried { number: 0, attempt: 5 }]);
    let state = fold(&entries);
    assert_eq!((state.trials[0].status, state.deaths(0), state.runs_alone(0)), (Status::Pending, (0, 0), false));
    entries.extend([claimed("b", 0, 6), ended("b", 0, 6), Entry::Retried { number: 0, attempt: 6 }]);
    assert_eq!(fold(&entries).trials[0].status, Status::Finished);
}

#[test]
fn deaths_alone_count_in_a_row_while_nothing_else_in_the_sweep_dies() {
    let mut entries = Vec::new();
    // Two agents with a trial each are killed in turn: something outside kills them.
    for life in 0..5 {
        for number in 0..2 {
            let agent = format!("a{number}-{life}");
            entries.extend([claimed(&agent, number, life), died("z", number, life)]);
        }
    }
    let state = fold(&entries);
    assert_eq!([state.deaths(0), state.deaths(1)], [(0, 5); 2]);
    assert_eq!([state.trials[0].status, state.trials[1].status], [Status::Pending; 2]);
    // Now trial 0 dies and nothing else does. Its fifth death was before the last one of trial 1.
    for life in 5..8 {
        assert_eq!(fold(&entries).trials[0].status, Status::Pending);
        entries.extend([claimed(&format!("b{life}"), 0, life), died("z", 0, life)]);
    }
    let state = fold(&entries);
    assert_eq!([state.trials[0].status, state.trials[1].status], [Status::Failed, Status::Pending]);
    // However much else dies, there is an end.
    for life in 5..DEATHS_ALONE_IN_ALL as u32 {
        assert_eq!(fold(&entries).trials[1].status, Status::Pending);
        let (one, other) = (format!("c{life}"), format!("d{life}"));
        let beside = 2 + u64::from(life - 5);
        entries.extend([claimed(&other, beside, 0), claimed(&one, 1, life), died("z", 1, life), died("z", beside, 0)]);
    }
    assert_eq!((fold(&entries).trials[1].status, fold(&entries).deaths(1).1), (Status::Failed, DEATHS_ALONE_IN_ALL));
}

#[test]
fn idle_agents_that_are_replaced_tell_of_a_cause_outside() {
    let joined = |agent: String| Entry::Joined { agent, host: "h".into(), process: 1, workers: 1 };
    let mut entries = Vec::new();
    for life in 0..6 {
        // Beside the agent of the trial an idle one is killed and replaced.
        entries.extend([joined(format!("idle{life}")), joined(format!("a{life}"))]);
        entries.extend([claimed(&format!("a{life}"), 0, life), died("z", 0, life)]);
    }
    assert_eq!((fold(&entries).trials[0].status, fold(&entries).deaths(0)), (Status::Pending, (0, 6)));
    // Now the agent of the trial alone is replaced, by one that finds it dead. The death before is the first in the row.
    for life in 6..8 {
        assert_eq!(fold(&entries).trials[0].status, Status::Pending);
        entries.extend([claimed(&format!("a{life}"), 0, life), joined(format!("a{}", life + 1))]);
        entries.push(died(&format!("a{}", life + 1), 0, life));
    }
    assert_eq!(fold(&entries).trials[0].status, Status::Failed);
}

#[test]
fn whoever_is_heard_of_again_did_not_die() {
    let mut entries = Vec::new();
    for life in 0..3 {
        entries.extend([claimed("a", 0, life), died("z", 0, life), Entry::Beat { agent: "a".into() }]);
    }
    let state = fold(&entries);
    assert_eq!((state.trials[0].status, state.deaths(0)), (Status::Pending, (0, 0)));
    // Nor did a process whose machine was at fault, or which left.
    for life in 3..7 {
        let why = Some("cannot write".to_owned());
        entries.extend([claimed("b", 0, life), Entry::Released { number: 0, attempt: life, agent: "b".into(), why }]);
    }
    let state = fold(&entries);
    assert_eq!((state.trials[0].status, state.deaths(0)), (Status::Pending, (0, 0)));
    assert!(state.attempts[0][6].met_fault() && !state.attempts[0][0].met_fault());
}

#[test]
fn what_older_programs_released_for_the_dead_counts_as_it_did() {
    let mut entries = Vec::new();
    for life in 0..9 {
        entries.extend([claimed("a", 0, life), released("z", 0, life)]);
    }
    entries.extend([claimed("a", 0, 9), reported("a", 0, 9, 1, 0.5), ended("a", 0, 9)]);
    let state = fold(&entries);
    assert_eq!((state.trials[0].status, state.trials[0].costs.len(), state.deaths(0)), (Status::Finished, 1, (0, 0)));
}

#[test]
fn no_entry_makes_room_for_what_it_claims_is_there() {
    let huge = [claimed("a", u64::MAX, u32::MAX), ended("a", u64::MAX, 0), reported("a", 0, 0, u64::MAX, 1.0)];
    let state = fold(&[&[claimed("a", 0, 0)][..], &huge, &[released("b", u64::MAX, u32::MAX)]].concat());
    assert_eq!((state.trials.len(), state.trials[0].costs.len()), (1, 0));
}

/// Any entry, of few enough agents, trials and attempts to get into each other's way.
fn any_entry() -> impl Strategy<Value = Entry> {
    let agent = || prop::sample::select(vec!["a", "b", "c"]);
    let which = || (agent(), 0_u64..4, 0_u32..3);
    let status = prop::sample::select(vec![
        Status::Pending,
        Status::Running,
        Status::Finished,
        Status::Pruned,
        Status::Failed,
        Status::Diverged,
    ]);
    prop_oneof![
        1 => agent().prop_map(|agent| Entry::Joined { agent: agent.into(), host: "h".into(), process: 1, workers: 2 }),
        1 => agent().prop_map(|agent| Entry::Beat { agent: agent.into() }),
        1 => agent().prop_map(|agent| Entry::Left { agent: agent.into() }),
        8 => which().prop_map(|(agent, number, attempt)| claimed(agent, number, attempt)),
        8 => (which(), 1_u64..4).prop_map(|((agent, number, attempt), epoch)| reported(agent, number, attempt, epoch, 0.5)),
        6 => (which(), status).prop_map(|((agent, number, attempt), status)| {
            Entry::Ended { number, attempt, agent: agent.into(), status, why: None }
        }),
        2 => which().prop_map(|(agent, number, attempt)| released(agent, number, attempt)),
        4 => which().prop_map(|(agent, number, attempt)| died(agent, number, attempt)),
        2 => (0_u64..4, 0_u32..3).prop_map(|(number, attempt)| Entry::Retried { number, attempt }),
        3 => (which(), which()).prop_map(|((agent, number, attempt), (other, of, one))| {
            reused(agent, number, attempt, &format!("{other}{of}{one}"))
        }),
        2 => which().prop_map(|(agent, number, attempt)| removed(&format!("{agent}{number}{attempt}"))),
        1 => Just(Entry::Stopped),
        2 => Just(Entry::Resumed),
        1 => (0_u64..6).prop_map(|trials| Entry::Capped { trials }),
    ]
}

/// Changes that an entry may make to a state, written without the fold.
fn check(before: &State, entry: &Entry, had_effect: bool, after: &State) -> Result<(), TestCaseError> {
    let bare = |state: &State| {
        let agents = state.agents.iter().map(|(id, agent)| {
            let heard_of = Agent { heard_ms: 0, died_with: None, ..agent.clone() };
            (id.clone(), heard_of)
        });
        let mut bare = State { seq: 0, clock_ms: 0, alone: BTreeSet::new(), agents: agents.collect(), ..state.clone() };
        // An agent that was heard of did not die.
        bare.attempts.iter_mut().flatten().for_each(|attempt| attempt.death = None);
        bare
    };
    let known = entry.agent().is_none_or(|agent| before.agents.contains_key(agent));
    if known && !matches!(entry, Entry::Joined { .. } | Entry::Left { .. }) {
        prop_assert_eq!(had_effect, bare(before) != bare(after));
    }
    let grown = after.trials.len() - before.trials.len();
    prop_assert!(grown <= 1 && (grown == 0 || before.cap.is_none_or(|cap| after.trials.len() as u64 <= cap)));
    for (number, trial) in after.trials.iter().enumerate() {
        let attempts = &after.attempts[number];
        prop_assert_eq!(trial.number, number as u64);
        // One attempt at a time is under way, and every earlier one is over.
        let open = attempts.iter().filter(|attempt| attempt.ended_ms.is_none()).count();
        prop_assert_eq!(open, usize::from(trial.status == Status::Running));
        let given_back = |attempt: &Attempt| attempt.released_by.is_some() || attempt.retried;
        let killed = trial.status == Status::Failed && after.deaths(trial.number).1 >= DEATHS_ALONE;
        prop_assert_eq!(trial.status == Status::Pending || killed, attempts.iter().all(given_back));
        // A trial that is to be run alone has no other beside it.
        if trial.status == Status::Running && after.runs_alone(trial.number) {
            let owner = &attempts[attempts.len() - 1].agent;
            let came = before.trials.get(number).is_none_or(|old| old.status != Status::Running);
            prop_assert!(!came || after.run_by(owner) == 1);
        }
        let Some(old) = before.trials.get(number) else {
            prop_assert!(attempts.len() == 1 && trial.status == Status::Running);
            continue;
        };
        prop_assert_eq!(&old.choice, &trial.choice);
        let is_removed = matches!(entry, Entry::Removed { .. });
        if is_removed {
            let status = if old.status == trial.status { old.status } else { Status::Removed };
            prop_assert_eq!(trial.status, status);
            prop_assert!(!matches!(old.status, Status::Pending | Status::Running) || old.status == trial.status);
        } else if !matches!(old.status, Status::Pending | Status::Running) && trial.status == Status::Pending {
            let retried = matches!(entry, Entry::Retried { .. });
            prop_assert!(old.status == Status::Failed && retried);
        } else if !matches!(old.status, Status::Pending | Status::Running) {
            prop_assert_eq!((old, &before.attempts[number]), (trial, attempts));
        }
        for (old, new) in before.attempts[number].iter().zip(attempts) {
            prop_assert_eq!(&old.agent, &new.agent);
            let is_reused = matches!(entry, Entry::Reused { .. });
            prop_assert!(old.run == new.run || is_reused);
        }
        let more = attempts.len() - before.attempts[number].len();
        prop_assert!(more == 0 || more == 1 && old.status == Status::Pending);
        // Only its owner moves a trial on; anybody may say that the owner is gone.
        if let Some(owner) = before.attempts[number].last()
            && (trial.costs.len() > old.costs.len() || trial.status != old.status && old.status == Status::Running)
            && !matches!(entry, Entry::Released { .. } | Entry::Died { .. })
        {
            prop_assert_eq!(entry.agent(), Some(owner.agent.as_str()));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_gives_each_attempt_one_owner_and_ends_no_trial_twice(
        entries in prop::collection::vec(any_entry(), 0..60)
    ) {
        let mut state = State::new(Goal::Minimize);
        for stamped in stamped(&entries) {
            let before = state.clone();
            let had_effect = state.apply(&stamped);
            check(&before, &stamped.entry, had_effect, &state)?;
        }
    }

    #[test]
    fn a_fold_may_be_continued_and_what_was_read_twice_counts_once(
        entries in prop::collection::vec(any_entry(), 0..40), split in 0_usize..40, again in 0_usize..40
    ) {
        let (all, split) = (stamped(&entries), split.min(entries.len()));
        let mut state = fold(&entries[..split]);
        for stamped in &all[again.min(split)..] {
            state.apply(stamped);
        }
        prop_assert_eq!(state, fold(&entries));
    }

    #[test]
    fn an_entry_that_was_appended_again_changes_nothing(
        entries in prop::collection::vec(any_entry(), 1..40), which in any::<prop::sample::Index>()
    ) {
        let (mut state, all) = (State::new(Goal::Minimize), stamped(&entries));
        let effects: Vec<bool> = all.iter().map(|stamped| state.apply(stamped)).collect();
        let which = which.index(all.len());
        let of_a_trial = matches!(
            entries[which],
            Entry::Claimed { .. }
                | Entry::Reused { .. }
                | Entry::Removed { .. }
                | Entry::Reported { .. }
                | Entry::Ended { .. }
                | Entry::Released { .. }
                | Entry::Died { .. }
                | Entry::Retried { .. }
        );
        if of_a_trial && effects[which] {
            let (seq, at_ms) = (state.seq + 1, state.seq * 1000 + 1000);
            let again = Stamped { seq, at_ms, entry: entries[which].clone() };
            prop_assert!(!state.apply(&again));
        }
    }
}
