//! An agent at work: one process whose threads claim trials, run them and journal what became of them.
//!
//! Every thread goes round the same loop: read the journal, take over what dead agents left, claim a trial, run it, say
//! how it ended. Only one thread of its own, the journal writer, touches the journal: training never waits for it, and what
//! cannot be written now waits in order until it can. Which of several agents has a trial is decided by the journal
//! alone, as [`State`] reads it.

mod claim;
mod error;
mod journal_writer;
mod report;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::journal::{self, Entry, Journal};
use crate::pruner::Pruner;
use crate::sampler::Sampler;
use crate::space::{Params, SearchSpace};
use crate::state::{Agent, Liveness, State};
use crate::trial::{Goal, Status, Trial};

use claim::{Claims, Next};
pub use error::Error;
use journal_writer::Shared;
pub use report::Reporter;

/// Task of an agent and its settings. Everything that outlives a call is in the journal.
pub struct Work<'a> {
    /// The sweep.
    pub journal: &'a dyn Journal,
    /// Search space.
    pub space: &'a SearchSpace,
    /// Sampler that suggests configurations.
    pub sampler: &'a dyn Sampler,
    /// Pruner that ends trials early, if any.
    pub pruner: Option<&'a dyn Pruner>,
    /// Maximize or minimize.
    pub goal: Goal,
    /// The metric that is good enough: once a trial has it, no new one begins.
    pub target: Option<f64>,
    /// The sweep's seed.
    pub seed: u64,
    /// Runs a trial.
    pub objective: &'a dyn Objective,
    /// An id that no other process has.
    pub agent: String,
    /// This machine.
    pub host: String,
    /// Number of trials at once, at least 1.
    pub workers: u32,
    /// Most trials that this call runs.
    pub trials: Option<u64>,
    /// When this call takes no further trial; those that run are finished.
    pub until: Option<Instant>,
    /// True if the search has no end of its own. Otherwise trials that met trouble wait until all others began.
    pub endless: bool,
    /// State of the process of an agent as far as it is known. It is asked about other agents only.
    pub liveness: &'a (dyn Fn(&Agent) -> Liveness + Sync),
    /// True to stop as soon as possible: asked often, so it must be cheap. Trials under way become pending again.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Receives each event with the state of the sweep. Threads wait for it: copy what takes longer.
    pub notice: &'a (dyn Fn(&SweepEvent<'_>, &State) + Sync),
    /// Intervals of repeated actions.
    pub pace: Pace,
}

/// Intervals of an agent's repeated actions.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Between two signs of life.
    pub beat: Duration,
    /// Between two looks at the journal while there is nothing to do but wait for others.
    pub poll: Duration,
    /// Between an attempt at the journal that failed and the next: at first, and at most.
    pub pauses: [Duration; 2],
    /// Time for which entries that are left are still tried to be written once the agent was asked to stop.
    pub patience: Duration,
    /// Silence after which an agent counts as gone, in milliseconds by the clock of the database.
    pub silence_ms: i64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(5),
            poll: Duration::from_millis(500),
            pauses: [Duration::from_millis(50), Duration::from_secs(5)],
            patience: Duration::from_secs(10),
            silence_ms: crate::state::SILENCE_MS,
        }
    }
}

/// A trial that this agent has.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// Trial.
    pub number: u64,
    /// From 0; a later one begins anew.
    pub attempt: u32,
    /// Id of the run that is to record it, from [`Objective::run_id`].
    pub run: String,
    /// Parameters to try.
    pub choice: Params,
}

/// Runs trials, several at once.
pub trait Objective: Sync {
    /// An id that no run has, for the next trial.
    fn run_id(&self) -> String;

    /// True if every different training of the space is among `trials`, so that no new one is worth claiming.
    fn is_tried_through(&self, _trials: &[Trial]) -> bool {
        false
    }

    /// Runs a trial to its end, or until the reporter says that it is over. A panic is a failure of this trial alone.
    /// Trouble that other machines would not have is [`Ending::Faulted`], never [`Ending::Failed`].
    fn run(&self, trial: &Assignment, reporter: &mut Reporter<'_>) -> Ending;
}

/// Answer to a trial that asks whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Go,
    /// End as [`Ending::Pruned`], unless this was the last epoch.
    Prune,
    /// End as [`Ending::Released`]: the agent is asked to stop.
    Stop,
    /// End as [`Ending::Lost`]: others took the trial over.
    Lost,
}

/// End of a trial.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// Every epoch was trained.
    Finished,
    /// Ended early, since others did better.
    Pruned,
    /// The loss or a weight overflowed or became NaN; the text is the reason.
    Diverged(String),
    /// Could not go on, and would not the next time; the text is the reason.
    Failed(String),
    /// Broken off: the next claim begins it anew.
    Released,
    /// This machine cannot run it. The trial is pending again, and the agent takes no further one.
    Faulted(MachineFault),
    /// Another agent took it over, and reports its end.
    Lost,
}

/// Something that keeps a machine from running trials, such as a folder that cannot be written: no fault of a trial.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MachineFault(pub String);

/// Something that happened to this agent.
#[derive(Debug)]
#[non_exhaustive]
pub enum SweepEvent<'a> {
    /// It has a trial and is about to run it.
    Claimed(&'a Assignment),
    /// One of its trials reported the metric after an epoch.
    Reported {
        /// Trial.
        number: u64,
        /// From 1.
        epoch: u64,
        /// The metric as measured.
        value: f64,
    },
    /// One of its trials is over, and the journal has it.
    Ended {
        /// Trial.
        number: u64,
        /// Id of its run.
        run: &'a str,
        /// Status at its end.
        status: Status,
        /// Why, if it failed or diverged.
        why: Option<&'a str>,
    },
    /// One of its trials was broken off, since the agent is to stop.
    Released(&'a Assignment),
    /// One of its trials was given back, since this machine cannot run it.
    Faulted {
        /// The trial.
        trial: &'a Assignment,
        /// Fault of the machine.
        fault: &'a MachineFault,
    },
    /// One of its trials was taken over by others, who had not heard of it for too long.
    Lost(&'a Assignment),
    /// It found that another agent is gone: the trial is pending again.
    TakenOver {
        /// Trial.
        number: u64,
        /// The agent that owned it.
        from: &'a Agent,
    },
    /// It found that another agent is gone, once too often: the trial is failed.
    Killed {
        /// Trial.
        number: u64,
        /// Id of its run.
        run: &'a str,
        /// Reason.
        why: &'a str,
    },
    /// Nothing is left to claim, but other threads or agents still run trials.
    Waiting {
        /// Trials.
        running: u64,
    },
    /// The journal cannot be read or written for now. Trials go on; it is tried again.
    Trouble(&'a journal::Error),
    /// The journal works again, and has everything.
    Recovered,
}

/// Why an agent has nothing more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Something is wrong with this machine.
    Faulted,
    /// No trial is pending or running, and no new one is to begin.
    Complete,
    /// It took as many trials as it was to.
    Trials,
    /// Its time is over.
    Time,
    /// It was asked to stop.
    Stopped,
    /// The sweep was stopped, for every agent.
    Halted,
}

/// Result of an agent's work.
#[derive(Clone, Debug)]
pub struct Done {
    /// Why it ended.
    pub reason: Reason,
    /// Fault of this machine, if that is the reason.
    pub fault: Option<MachineFault>,
    /// State of the sweep, as last read.
    pub state: State,
}

impl Work<'_> {
    /// Works until no trial is pending or running and no new one is to begin, or until this call's own limit is
    /// reached or it is asked to stop; then only its own trials are waited for.
    ///
    /// # Errors
    /// Fails if the journal cannot be read or written for good, or, once it was asked to stop, for some time.
    pub fn run(&self) -> Result<Done, Error> {
        let shared = Shared::new(self);
        let claims = Mutex::new(Claims::new(self));
        let (agent, host) = (self.agent.clone(), self.host.clone());
        let joined = Entry::Joined { agent, host, process: std::process::id(), workers: self.workers };
        shared.lay(&mut shared.locked(), joined);
        let ended = thread::scope(|scope| {
            let named = |name: &str| thread::Builder::new().name(name.into());
            if let Err(cause) = named("journal").spawn_scoped(scope, || shared.write()) {
                return Err(Error::Threads { cause });
            }
            let mut workers = Vec::new();
            for _ in 0..self.workers.max(1) {
                match named("worker").spawn_scoped(scope, || self.labor(&shared, &claims)) {
                    Ok(worker) => workers.push(worker),
                    Err(cause) => {
                        shared.fault(&mut shared.locked(), MachineFault(Error::Threads { cause }.to_string()));
                        break;
                    }
                }
            }
            let ended: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
            shared.lay(&mut shared.locked(), Entry::Left { agent: self.agent.clone() });
            shared.close();
            Ok(ended)
        })?;
        let mut reasons = Vec::new();
        for end in ended {
            // A sampler that panics is a bug that nothing is gained by hiding.
            reasons.extend(end.unwrap_or_else(|panic| resume_unwind(panic)));
        }
        let (state, fault) = shared.settle()?;
        let none = if fault.is_some() { Reason::Faulted } else { Reason::Stopped };
        Ok(Done { reason: reasons.into_iter().min().unwrap_or(none), fault, state })
    }

    /// State of the process of an agent as far as it is known. The agent that asks is alive.
    fn liveness_of(&self, agent: &Agent) -> Liveness {
        if agent.id == self.agent { Liveness::Alive } else { (self.liveness)(agent) }
    }

    /// The life of a worker; none if the journal was given up.
    fn labor(&self, shared: &Shared<'_>, claims: &Mutex<Claims>) -> Option<Reason> {
        let mut waiting = None;
        loop {
            let next = claims.lock().unwrap_or_else(PoisonError::into_inner).next(shared).ok()?;
            match next {
                Next::Leave(reason) => return Some(reason),
                Next::Wait(seq) => {
                    let locked = shared.locked();
                    let running = locked.state.count(Status::Running);
                    if waiting.replace(running) != Some(running) {
                        (self.notice)(&SweepEvent::Waiting { running }, &locked.state);
                    }
                    drop(locked);
                    shared.idle(seq);
                }
                Next::Run(trial) => {
                    waiting = None;
                    let mut reporter = Reporter { shared, trial: &trial, lost: shared.begin(&trial) };
                    let run = AssertUnwindSafe(|| self.objective.run(&trial, &mut reporter));
                    let ending = catch_unwind(run).unwrap_or_else(|panic| Ending::Failed(said(&*panic)));
                    shared.end(&trial, ending);
                }
            }
        }
    }
}

/// Message of a panic.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("it did not say why"))
}
