use proptest::prelude::*;
use serde_json::json;

use super::*;

fn choice(x: u64) -> Choice {
    Choice::from([("x".to_owned(), json!(x))])
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
    Entry::Released { number, attempt, agent: agent.into() }
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
    assert_eq!((state.trials[0].status, state.pending()), (Status::Pending, Some((0, 1))));
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
fn silence_death_and_leaving_make_trials_stale() {
    let join = |agent: &str| Entry::Joined { agent: agent.into(), host: "h".into(), process: 1, workers: 1 };
    let mut entries = vec![join("a"), join("b"), join("c"), claimed("a", 0, 0), claimed("b", 1, 0), claimed("c", 2, 0)];
    let numbers = |state: &State, now_ms: i64, dead: &str| {
        state.stale(now_ms, SILENCE_MS, |agent| agent.id == dead).iter().map(|stale| stale.number).collect::<Vec<_>>()
    };
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
        4 => which().prop_map(|(agent, number, attempt)| released(agent, number, attempt)),
        1 => Just(Entry::Stopped),
        2 => Just(Entry::Resumed),
        1 => (0_u64..6).prop_map(|trials| Entry::Capped { trials }),
    ]
}

/// What an entry may do to a state, told without the fold.
fn check(before: &State, entry: &Entry, had_effect: bool, after: &State) -> Result<(), TestCaseError> {
    let bare = |state: &State| {
        let agents = state.agents.iter().map(|(id, agent)| (id.clone(), Agent { heard_ms: 0, ..agent.clone() }));
        State { seq: 0, agents: agents.collect(), ..state.clone() }
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
        prop_assert_eq!(trial.status == Status::Pending, attempts.iter().all(|attempt| attempt.released_by.is_some()));
        let Some(old) = before.trials.get(number) else {
            prop_assert!(attempts.len() == 1 && trial.status == Status::Running);
            continue;
        };
        prop_assert_eq!(&old.choice, &trial.choice);
        if !matches!(old.status, Status::Pending | Status::Running) {
            prop_assert_eq!((old, &before.attempts[number]), (trial, attempts));
        }
        for (old, new) in before.attempts[number].iter().zip(attempts) {
            prop_assert_eq!((&old.agent, &old.run), (&new.agent, &new.run));
        }
        let more = attempts.len() - before.attempts[number].len();
        prop_assert!(more == 0 || more == 1 && old.status == Status::Pending);
        // Only its owner moves a trial on; anybody may say that the owner is gone.
        if let Some(owner) = before.attempts[number].last()
            && (trial.costs.len() > old.costs.len() || trial.status != old.status && old.status == Status::Running)
            && !matches!(entry, Entry::Released { .. })
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
            Entry::Claimed { .. } | Entry::Reported { .. } | Entry::Ended { .. } | Entry::Released { .. }
        );
        if of_a_trial && effects[which] {
            let (seq, at_ms) = (state.seq + 1, state.seq * 1000 + 1000);
            let again = Stamped { seq, at_ms, entry: entries[which].clone() };
            prop_assert!(!state.apply(&again));
        }
    }
}
