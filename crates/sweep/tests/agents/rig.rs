//! Parts for the tests of agents: a line to a journal that can be cut, a sampler that counts, a scripted objective.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use handloom_sweep::journal::{Error, Memory};
use handloom_sweep::sampler::Sampler;
use handloom_sweep::state::{Agent, Liveness};
use handloom_sweep::worker::{Assignment, Ending, Objective, Pace, Reporter, Work};
use handloom_sweep::{Entry, Goal, Journal, Page, Params, SearchSpace, Seq, State, Status, Trial};
use serde_json::json;

/// A line to a journal, as an agent has it.
pub(crate) struct Line<'a> {
    pub(crate) journal: &'a Memory,
    /// True while nothing gets through.
    pub(crate) cut: AtomicBool,
    /// After so many requests the agent is dead, as if killed.
    pub(crate) life: AtomicI64,
    /// One request in so many fails, half of these after they had their effect; 0 for none.
    pub(crate) flaky: u64,
    pub(crate) draw: AtomicU64,
}

impl<'a> Line<'a> {
    pub(crate) fn new(journal: &'a Memory) -> Self {
        Self { journal, cut: AtomicBool::new(false), life: i64::MAX.into(), flaky: 0, draw: 1.into() }
    }

    fn fails(&self, early: bool) -> Result<(), Error> {
        let error = |temporary, cause: &str| Err(Error { temporary, cause: cause.into() });
        if early && self.life.fetch_sub(1, Ordering::SeqCst) <= 0 || self.life.load(Ordering::SeqCst) < 0 {
            return error(false, "killed");
        }
        if self.cut.load(Ordering::SeqCst) {
            return error(true, "cut off");
        }
        match self.flaky {
            0 => Ok(()),
            one_in if random(&self.draw).is_multiple_of(one_in * 2) => error(true, "flaky"),
            _ => Ok(()),
        }
    }
}

impl Journal for Line<'_> {
    fn append(&self, entries: &[Entry]) -> Result<(), Error> {
        self.fails(true)?;
        self.journal.append(entries)?;
        self.fails(false)
    }

    fn read(&self, after: Seq) -> Result<Page, Error> {
        self.fails(true)?;
        self.journal.read(after)
    }
}

/// The next of a sequence that looks random.
pub(crate) fn random(seed: &AtomicU64) -> u64 {
    let next = |x: u64| x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    next(seed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |x| Some(next(x))).unwrap()) >> 33
}

/// Suggests 0, 1, 2 and so on, below a limit.
pub(crate) struct Count(pub(crate) u64);

impl Sampler for Count {
    fn suggest(&self, _: &SearchSpace, history: &[Trial], _: u64) -> Option<Params> {
        let number = history.len() as u64;
        (number < self.0).then(|| Params::from([("x".to_owned(), json!(number))]))
    }
}

/// Runs what it is made with, and notes which runs ended by themselves.
pub(crate) struct Script<F> {
    pub(crate) name: String,
    pub(crate) act: F,
    pub(crate) count: AtomicU64,
    pub(crate) done: Mutex<BTreeSet<String>>,
}

impl<F: Fn(&Assignment, &mut Reporter<'_>) -> Ending + Sync> Script<F> {
    pub(crate) fn new(name: &str, act: F) -> Self {
        Self { name: name.into(), act, count: 0.into(), done: Mutex::default() }
    }
}

impl<F: Fn(&Assignment, &mut Reporter<'_>) -> Ending + Sync> Objective for Script<F> {
    fn run_id(&self) -> String {
        format!("{}-{}", self.name, self.count.fetch_add(1, Ordering::SeqCst))
    }

    fn run(&self, trial: &Assignment, reporter: &mut Reporter<'_>) -> Ending {
        let ending = (self.act)(trial, reporter);
        if ending == Ending::Finished {
            self.done.lock().unwrap().insert(trial.run.clone());
        }
        ending
    }
}

/// Reports three epochs, as every honest trial does.
pub(crate) fn three_epochs(trial: &Assignment, reporter: &mut Reporter<'_>) -> Ending {
    use handloom_sweep::worker::Verdict;
    for epoch in 1..=3 {
        match reporter.report(epoch, (trial.number + epoch) as f64) {
            Verdict::Go => {}
            Verdict::Prune => return Ending::Pruned,
            Verdict::Stop => return Ending::Released,
            Verdict::Lost => return Ending::Lost,
        }
    }
    Ending::Finished
}

/// An agent that does everything a thousand times as often as a real one, but judges silence as a real one.
pub(crate) fn work<'a>(journal: &'a dyn Journal, objective: &'a dyn Objective, agent: &str) -> Work<'a> {
    static SPACE: SearchSpace = SearchSpace { parameters: Vec::new() };
    let milliseconds = Duration::from_millis;
    Work {
        journal,
        space: &SPACE,
        sampler: &Count(u64::MAX),
        pruner: None,
        goal: Goal::Minimize,
        target: None,
        seed: 7,
        objective,
        agent: agent.into(),
        host: "here".into(),
        workers: 1,
        trials: None,
        until: None,
        endless: false,
        liveness: &|_| Liveness::Unknown,
        stop: &|| false,
        notice: &|_, _| (),
        pace: Pace {
            beat: milliseconds(5),
            poll: milliseconds(2),
            pauses: [milliseconds(1), milliseconds(8)],
            patience: milliseconds(100),
            ..Pace::default()
        },
    }
}

/// A journal that already says how many trials there are to be.
pub(crate) fn capped(trials: u64) -> Memory {
    let journal = Memory::default();
    journal.append(&[Entry::Capped { trials }]).unwrap();
    journal
}

/// State of a sweep, once every trial in it ended exactly once.
pub(crate) fn complete(journal: &Memory, trials: u64) -> State {
    let mut state = State::new(Goal::Minimize);
    let mut ends = vec![0; trials as usize];
    for stamped in journal.read(0).unwrap().entries {
        let had_effect = state.apply(&stamped);
        match stamped.entry {
            Entry::Ended { number, .. } if had_effect => ends[number as usize] += 1,
            Entry::Died { number, .. } if had_effect && state.trials[number as usize].status == Status::Failed => {
                ends[number as usize] += 1;
            }
            _ => {}
        }
    }
    assert_eq!(ends, vec![1; trials as usize]);
    assert_eq!(state.count(Status::Pending) + state.count(Status::Running), 0);
    state
}

/// Knows of these agents that they are dead, and of others nothing.
pub(crate) fn dead(ids: &Mutex<BTreeSet<String>>) -> impl Fn(&Agent) -> Liveness + Sync {
    |agent| if ids.lock().unwrap().contains(&agent.id) { Liveness::Dead } else { Liveness::Unknown }
}

pub(crate) fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_mins(10), "it does not come about");
        std::thread::sleep(Duration::from_millis(1));
    }
}
