//! Agents at work on a sweep in a store, each with a connection of its own, as processes have it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use handloom_store::Journal;
use handloom_sweep::journal::{Error, Page, Seq};
use handloom_sweep::sampler::Sampler;
use handloom_sweep::state::{Agent, DEATHS_ALONE, Liveness};
use handloom_sweep::worker::{Assignment, Ending, Objective, Pace, Reporter, Verdict, Work};
use handloom_sweep::{Entry, Goal, Params, SearchSpace, State, Status, Trial};
use serde_json::json;

use crate::place::Place;
use crate::sweeps::sweep;

struct Count;

impl Sampler for Count {
    fn suggest(&self, _: &SearchSpace, history: &[Trial], _: u64) -> Option<Params> {
        Some(Params::from([("x".to_owned(), json!(history.len()))]))
    }
}

/// Reports three epochs of every trial.
pub(crate) struct Honest {
    name: String,
    runs: AtomicU64,
}

pub(crate) fn honest(name: &str) -> Honest {
    Honest { name: name.into(), runs: 0.into() }
}

impl Objective for Honest {
    fn run_id(&self) -> String {
        format!("{}-{}", self.name, self.runs.fetch_add(1, Ordering::SeqCst))
    }

    fn run(&self, trial: &Assignment, reporter: &mut Reporter<'_>) -> Ending {
        for epoch in 1..=3 {
            match reporter.report(epoch, (trial.number + epoch) as f64) {
                Verdict::Go | Verdict::Prune => {}
                Verdict::Stop => return Ending::Released,
                Verdict::Lost => return Ending::Lost,
            }
        }
        Ending::Finished
    }
}

/// An agent of two workers.
pub(crate) fn work<'a>(
    journal: &'a dyn handloom_sweep::Journal,
    objective: &'a dyn Objective,
    agent: &str,
) -> Work<'a> {
    static SPACE: SearchSpace = SearchSpace { parameters: Vec::new() };
    Work {
        journal,
        space: &SPACE,
        sampler: &Count,
        pruner: None,
        goal: Goal::Minimize,
        target: None,
        seed: 7,
        objective,
        agent: agent.into(),
        host: "here".into(),
        workers: 2,
        trials: None,
        until: None,
        endless: false,
        liveness: &|_| Liveness::Unknown,
        stop: &|| false,
        notice: &|_, _| (),
        pace: Pace { poll: Duration::from_millis(5), ..Pace::default() },
    }
}

/// A journal whose agent dies after some requests.
struct Mortal {
    journal: Journal,
    life: AtomicI64,
}

impl Mortal {
    fn live(&self) -> Result<(), Error> {
        let dead = self.life.fetch_sub(1, Ordering::SeqCst) <= 0;
        if dead { Err(Error { temporary: false, cause: "killed".into() }) } else { Ok(()) }
    }
}

impl handloom_sweep::Journal for Mortal {
    fn append(&self, entries: &[Entry]) -> Result<(), Error> {
        self.live()?;
        self.journal.append(entries)
    }

    fn read(&self, after: Seq) -> Result<Page, Error> {
        self.live()?;
        self.journal.read(after)
    }
}

pub(crate) fn agents_that_die_and_come_back_run_every_trial_to_its_end_once(place: &Place) {
    const TRIALS: u64 = 40;
    place.open().add_sweep(&sweep("s", 1), &[Entry::Capped { trials: TRIALS }]).unwrap();
    let dead = Mutex::new(BTreeSet::new());
    let liveness = |agent: &Agent| {
        if dead.lock().unwrap().contains(&agent.id) { Liveness::Dead } else { Liveness::Unknown }
    };
    thread::scope(|scope| {
        for slot in 0..3 {
            let (dead, liveness) = (&dead, &liveness);
            scope.spawn(move || {
                for life in 0.. {
                    let name = format!("{slot}-{life}");
                    let requests = if life < 4 { 7 + 5 * slot + 3 * life } else { i64::MAX };
                    let journal = Mortal { journal: Journal::new(place.open(), "s"), life: requests.into() };
                    let objective = honest(&name);
                    if (Work { liveness, ..work(&journal, &objective, &name) }).run().is_ok() {
                        break;
                    }
                    dead.lock().unwrap().insert(name);
                }
            });
        }
    });
    let (mut state, mut ends) = (State::new(Goal::Minimize), vec![0; TRIALS as usize]);
    for stamped in place.open().entries("s", 0).unwrap().entries {
        if state.apply(&stamped)
            && let Entry::Ended { number, .. } = stamped.entry
        {
            ends[number as usize] += 1;
        }
    }
    // Thread timing decides which trials the killed agents had; a trial whose agents died too often is given up.
    let failed = |number: &usize| state.trials[*number].status == Status::Failed;
    for number in (0..TRIALS as usize).filter(failed) {
        assert!(state.deaths(number as u64).1 >= DEATHS_ALONE);
        ends[number] += 1;
    }
    assert_eq!(ends, vec![1; TRIALS as usize]);
    assert_eq!(state.count(Status::Finished) + state.count(Status::Failed), TRIALS);
    assert!(state.agents.len() > 3);
    let runs: BTreeSet<_> = state.attempts.iter().flatten().map(|attempt| &attempt.run).collect();
    assert_eq!(runs.len(), state.attempts.iter().map(Vec::len).sum::<usize>(), "two attempts with one run");
    assert!(state.trials.iter().all(|trial| trial.costs.len() == 3 || trial.status == Status::Failed));
}
