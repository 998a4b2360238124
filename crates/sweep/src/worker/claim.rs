//! Which trial a thread of an agent is to run next.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::scribe::{Desk, Over};
use super::{Assignment, Notice, Reason, Work};
use crate::journal::{Entry, Seq};
use crate::space::Choice;
use crate::state::{Attempt, State};
use crate::trial::{Status, Trial};

/// A trial whose process died so often is not tried again: it may well be what kills them.
const MOST_DEATHS: usize = 10;

/// What whoever claims knows; one thread at a time has it, so that no suggestion is computed in vain.
pub(super) struct Claims {
    state: State,
    /// How many trials there were when the sampler had none to add.
    exhausted: Option<usize>,
}

/// What a thread does next.
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
    pub(super) fn next(&mut self, desk: &Desk<'_>) -> Result<Next, Over> {
        let work = desk.work;
        loop {
            if (work.stop)() {
                return Ok(Next::Leave(Reason::Stopped));
            }
            let now_ms = self.read(desk)?;
            if let Some(reason) = self.leaves(desk) {
                return Ok(Next::Leave(reason));
            }
            if let Some(now_ms) = now_ms
                && self.take_over(desk, now_ms)
            {
                self.read(desk)?;
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
            desk.lay(&mut desk.tray(), Entry::Claimed { number, attempt, agent, run, choice });
            self.read(desk)?;
            if !self.state.owns(&work.agent, number, attempt) {
                continue;
            }
            let deaths = self.deaths(number);
            if deaths < MOST_DEATHS {
                desk.taken.fetch_add(1, Ordering::Relaxed);
                return Ok(Next::Run(trial));
            }
            let (agent, status) = (work.agent.clone(), Status::Failed);
            let why = Some(format!("the process that ran it died {deaths} times"));
            desk.lay(&mut desk.tray(), Entry::Ended { number, attempt, agent, status, why });
        }
    }

    /// How many agents were gone before a trial of theirs had ended.
    fn deaths(&self, number: u64) -> usize {
        let taken_over = |attempt: &&Attempt| attempt.released_by.as_ref().is_some_and(|by| *by != attempt.agent);
        self.state.attempts[number as usize].iter().filter(taken_over).count()
    }

    fn read(&mut self, desk: &Desk<'_>) -> Result<Option<i64>, Over> {
        let news = desk.news()?;
        for stamped in &news.entries {
            self.state.apply(stamped);
        }
        Ok(news.now_ms)
    }

    /// Why no trial is to be claimed, if so.
    fn leaves(&self, desk: &Desk<'_>) -> Option<Reason> {
        let work = desk.work;
        if self.state.stopped {
            return Some(Reason::Halted);
        }
        let limit = if work.trials.is_some_and(|trials| desk.taken.load(Ordering::Relaxed) >= trials) {
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
    fn take_over(&self, desk: &Desk<'_>, now_ms: i64) -> bool {
        let work = desk.work;
        let mut stale =
            self.state.stale(now_ms, work.pace.silence_ms, |agent| agent.id != work.agent && (work.is_dead)(agent));
        // Whoever judges lives.
        stale.retain(|stale| stale.agent.id != work.agent);
        let mut tray = desk.tray();
        for stale in &stale {
            let (number, attempt, agent) = (stale.number, stale.attempt, work.agent.clone());
            desk.lay(&mut tray, Entry::Released { number, attempt, agent });
            (work.notice)(&Notice::TakenOver { number, from: stale.agent }, &tray.state);
        }
        !stale.is_empty()
    }

    /// A trial to claim: one that is pending, else a new one.
    fn candidate(&mut self, work: &Work<'_>) -> Option<(u64, u32, Choice)> {
        if let Some((number, attempt)) = self.state.pending() {
            return Some((number, attempt, self.state.trials[number as usize].choice.clone()));
        }
        let count = self.state.trials.len();
        if !self.state.may_grow() || self.exhausted == Some(count) || self.is_good_enough(work) {
            return None;
        }
        let choice = work.sampler.suggest(work.space, &self.state.trials, work.seed);
        if choice.is_none() {
            self.exhausted = Some(count);
        }
        Some((count as u64, 0, choice?))
    }
}
