//! Choice of the next trial for a thread of an agent.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::journal_writer::{Over, Shared};
use super::{Assignment, Reason, Work};
use crate::journal::{Entry, Seq};
use crate::space::Params;
use crate::state::State;
use crate::trial::{Status, Trial};

/// A search without end tries a trial so often that met a fault of a machine before it goes on without it.
const MOST_FAULTS: usize = 3;

/// Knowledge that claiming needs. One thread at a time has it, so that no suggestion is computed in vain.
pub(super) struct Claims {
    state: State,
    /// Number of trials when the sampler had none to add.
    exhausted: Option<usize>,
}

/// Next action of a thread.
pub(super) enum Next {
    Run(Assignment),
    /// Nothing yet; the journal was read up to here.
    Wait(Seq),
    Leave(Reason),
}

impl Claims {
    pub(super) fn new(work: &Work<'_>) -> Self {
        Self { state: State::new(work.goal), exhausted: None }
    }

    /// Reads the journal, and claims a trial if there is one.
    pub(super) fn next(&mut self, shared: &Shared<'_>) -> Result<Next, Over> {
        let work = shared.work;
        loop {
            if (work.stop)() {
                return Ok(Next::Leave(Reason::Stopped));
            }
            if shared.locked().fault.is_some() {
                return Ok(Next::Leave(Reason::Faulted));
            }
            let now_ms = self.read(shared)?;
            if let Some(reason) = self.leaves(shared) {
                return Ok(Next::Leave(reason));
            }
            if let Some(now_ms) = now_ms
                && self.take_over(shared, now_ms)
            {
                self.read(shared)?;
            }
            let Some((number, attempt, choice)) = self.candidate(work) else {
                // A trial that was taken over between is found in the next round.
                let running = self.state.count(Status::Running);
                if running > 0 || self.state.count(Status::Pending) > 0 {
                    return Ok(Next::Wait(self.state.seq));
                }
                return Ok(Next::Leave(Reason::Complete));
            };
            let trial = Assignment { number, attempt, run: work.objective.run_id(), choice };
            let (agent, run, choice) = (work.agent.clone(), trial.run.clone(), trial.choice.clone());
            shared.lay(&mut shared.locked(), Entry::Claimed { number, attempt, agent, run, choice });
            self.read(shared)?;
            if !self.state.owns(&work.agent, number, attempt) {
                continue;
            }
            shared.taken.fetch_add(1, Ordering::Relaxed);
            return Ok(Next::Run(trial));
        }
    }

    fn read(&mut self, shared: &Shared<'_>) -> Result<Option<i64>, Over> {
        let news = shared.news()?;
        for stamped in &news.entries {
            self.state.apply(stamped);
        }
        Ok(news.now_ms)
    }

    /// Why no trial is to be claimed, if so.
    fn leaves(&self, shared: &Shared<'_>) -> Option<Reason> {
        let work = shared.work;
        if self.state.stopped {
            return Some(Reason::Halted);
        }
        let limit = if work.trials.is_some_and(|trials| shared.taken.load(Ordering::Relaxed) >= trials) {
            Reason::Trials
        } else if work.until.is_some_and(|until| Instant::now() >= until) {
            Reason::Time
        } else {
            return None;
        };
        let open = self.state.count(Status::Running) + self.state.count(Status::Pending) > 0;
        let complete = !open && (!self.state.may_grow() || self.is_good_enough(work));
        Some(if complete { Reason::Complete } else { limit })
    }

    fn is_good_enough(&self, work: &Work<'_>) -> bool {
        let best = self.state.best().and_then(Trial::best);
        work.target.zip(best).is_some_and(|(target, best)| best <= work.goal.cost(target))
    }

    /// Releases the trials of agents that are gone; says whether there were any.
    fn take_over(&self, shared: &Shared<'_>, now_ms: i64) -> bool {
        let work = shared.work;
        let stale = self.state.stale(now_ms, work.pace.silence_ms, |agent| work.liveness_of(agent));
        let mut locked = shared.locked();
        for stale in &stale {
            let (number, attempt, agent) = (stale.number, stale.attempt, work.agent.clone());
            let entry = if stale.agent.left {
                Entry::Released { number, attempt, agent, why: None }
            } else {
                Entry::Died { number, attempt, agent }
            };
            shared.lay(&mut locked, entry);
        }
        !stale.is_empty()
    }

    /// A trial to claim: one that is pending, else a new one, else one that met trouble.
    ///
    /// A trial that is to be run alone, or that a machine could not run, comes last, so that it delays no other trial. A search without end has no last trial, so that these come before new ones.
    fn candidate(&mut self, work: &Work<'_>) -> Option<(u64, u32, Params)> {
        if self.state.is_taken_up(&work.agent) {
            return None;
        }
        let plain = self.state.pending().find(|trial| self.trouble(trial) == 0);
        let early = || {
            let idle = self.state.run_by(&work.agent) == 0;
            let may = |trial: &&Trial| idle || !self.state.runs_alone(trial.number);
            self.state.pending().filter(may).min_by_key(|trial| self.trouble(trial))
        };
        let found = plain.or_else(|| early().filter(|trial| work.endless && self.faults(trial) < MOST_FAULTS));
        if let Some(found) = found {
            return Some(self.again(found));
        }
        let late = || early().map(|trial| self.again(trial));
        let count = self.state.trials.len();
        if !self.state.may_grow() || self.exhausted == Some(count) || self.is_good_enough(work) {
            return late();
        }
        let is_tried_through = || work.objective.is_tried_through(&self.state.trials);
        let suggestion = || work.sampler.suggest(work.space, &self.state.trials, work.seed);
        let Some(choice) = (!is_tried_through()).then(suggestion).flatten() else {
            let late = late();
            self.exhausted = Some(count);
            return late;
        };
        Some((count as u64, 0, choice))
    }

    /// A pending trial as it may be claimed.
    fn again(&self, trial: &Trial) -> (u64, u32, Params) {
        (trial.number, self.state.attempts[trial.number as usize].len() as u32, trial.choice.clone())
    }

    /// Number of times that a machine could not run a trial.
    fn faults(&self, trial: &Trial) -> usize {
        self.state.attempts[trial.number as usize].iter().filter(|attempt| attempt.met_fault()).count()
    }

    /// Number of reasons to try other trials first.
    fn trouble(&self, trial: &Trial) -> usize {
        usize::from(self.state.runs_alone(trial.number)) + self.faults(trial)
    }
}
