//! What a sweep has come to: a fold of its journal.
//!
//! Every rule of who has which trial is in [`State::apply`]. An entry that breaks one is of no effect, so that the same
//! list means the same to every reader, whoever wrote what at the same time.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::journal::{Entry, Seq, Stamped};
use crate::space::Choice;
use crate::trial::{Goal, Status, Trial};

/// An agent on another machine that was not heard of for this long is gone, in milliseconds.
pub const SILENCE_MS: i64 = 30_000;

/// What a sweep has come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Which way the metric is better.
    pub goal: Goal,
    /// Every trial, in the order of their numbers, as samplers and pruners see them.
    pub trials: Vec<Trial>,
    /// The attempts at each trial, in the same order; the last is the present one, unless the trial is pending.
    pub attempts: Vec<Vec<Attempt>>,
    /// Every agent, by its id.
    pub agents: BTreeMap<String, Agent>,
    /// How many trials there are to be, if there is a limit.
    pub cap: Option<u64>,
    /// Whether no trial is to begin.
    pub stopped: bool,
    /// The last entry of the journal that is in here.
    pub seq: Seq,
}

/// An attempt at a trial.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attempt {
    /// Whose it is or was.
    pub agent: String,
    /// Id of the run that records it.
    pub run: String,
    /// When it began: Unix time in milliseconds by the clock of the database, as all times here.
    pub claimed_ms: i64,
    /// When it ended or was released.
    pub ended_ms: Option<i64>,
    /// Why, if it failed or diverged.
    pub why: Option<String>,
    /// Who said that nobody works on it any more, if anybody did.
    pub released_by: Option<String>,
}

/// A process that works or worked on the sweep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agent {
    /// Its id.
    pub id: String,
    /// Its machine.
    pub host: String,
    /// Its process id.
    pub process: u32,
    /// How many trials it runs at once.
    pub workers: u32,
    /// When it was first heard of.
    pub joined_ms: i64,
    /// When it was last heard of.
    pub heard_ms: i64,
    /// Whether it ended in an orderly way.
    pub left: bool,
}

/// A trial whose agent is gone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stale<'a> {
    /// Trial.
    pub number: u64,
    /// Its present attempt.
    pub attempt: u32,
    /// Whose it is.
    pub agent: &'a Agent,
}

impl State {
    /// The state of a sweep in which nothing happened.
    pub fn new(goal: Goal) -> Self {
        Self { goal, ..Self::default() }
    }

    /// Takes note of the next entry, and says whether it changed more than when its agent was last heard of. One that
    /// was already read is passed over.
    pub fn apply(&mut self, stamped: &Stamped) -> bool {
        if stamped.seq <= self.seq {
            return false;
        }
        self.seq = stamped.seq;
        let at_ms = stamped.at_ms;
        if let Some(id) = stamped.entry.agent() {
            let new = || Agent { id: id.into(), joined_ms: at_ms, ..Agent::default() };
            let agent = self.agents.entry(id.into()).or_insert_with(new);
            agent.heard_ms = agent.heard_ms.max(at_ms);
        }
        match &stamped.entry {
            Entry::Joined { agent, host, process, workers } => {
                let agent = self.agents.get_mut(agent).expect("it was heard of above");
                (agent.host, agent.process, agent.workers) = (host.clone(), *process, *workers);
                true
            }
            Entry::Beat { .. } => false,
            Entry::Left { agent } => {
                self.agents.get_mut(agent).expect("it was heard of above").left = true;
                true
            }
            Entry::Claimed { number, attempt, agent, run, choice } => {
                let claims = self.may_claim(*number, *attempt);
                if claims {
                    let (agent, run) = (agent.clone(), run.clone());
                    self.claim(*number, choice, Attempt { agent, run, claimed_ms: at_ms, ..Attempt::default() });
                }
                claims
            }
            Entry::Reported { number, attempt, agent, epoch, value } => {
                let cost = value.map_or(f64::INFINITY, |value| self.goal.cost(value));
                let Some(trial) = self.owned(*number, *attempt, agent) else { return false };
                let next = *epoch == trial.costs.len() as u64 + 1;
                if next {
                    trial.costs.push(cost);
                }
                next
            }
            Entry::Ended { number, attempt, agent, status, why } => {
                // Whatever the status, an end is an end.
                let over = !matches!(status, Status::Pending | Status::Running);
                let Some(trial) = self.owned(*number, *attempt, agent).filter(|_| over) else { return false };
                trial.status = *status;
                let attempt = &mut self.attempts[*number as usize][*attempt as usize];
                (attempt.ended_ms, attempt.why) = (Some(at_ms), why.clone());
                true
            }
            Entry::Released { number, attempt, agent } => {
                if !self.is_running(*number, *attempt) {
                    return false;
                }
                let trial = &mut self.trials[*number as usize];
                trial.status = Status::Pending;
                trial.costs.clear();
                let attempt = &mut self.attempts[*number as usize][*attempt as usize];
                (attempt.ended_ms, attempt.released_by) = (Some(at_ms), Some(agent.clone()));
                true
            }
            Entry::Stopped => !std::mem::replace(&mut self.stopped, true),
            Entry::Resumed => std::mem::replace(&mut self.stopped, false),
            Entry::Capped { trials } => self.cap.replace(*trials) != Some(*trials),
        }
    }

    /// Whether an agent that claims this attempt now has it.
    pub fn may_claim(&self, number: u64, attempt: u32) -> bool {
        let new = number == self.trials.len() as u64 && attempt == 0 && self.may_grow();
        let pending = || {
            self.trial(number).is_some_and(|trial| trial.status == Status::Pending)
                && self.attempts[number as usize].len() as u64 == u64::from(attempt)
        };
        !self.stopped && (new || pending())
    }

    /// Whether there may be more trials than there are.
    pub fn may_grow(&self) -> bool {
        self.cap.is_none_or(|cap| cap > self.trials.len() as u64)
    }

    /// The first pending trial and the attempt that is to be claimed.
    pub fn pending(&self) -> Option<(u64, u32)> {
        let trial = self.trials.iter().find(|trial| trial.status == Status::Pending)?;
        Some((trial.number, self.attempts[trial.number as usize].len() as u32))
    }

    /// Whether `agent` works on this attempt, which is the present one.
    pub fn owns(&self, agent: &str, number: u64, attempt: u32) -> bool {
        self.is_running(number, attempt) && self.attempts[number as usize][attempt as usize].agent == agent
    }

    /// How many trials stand so.
    pub fn count(&self, status: Status) -> u64 {
        self.trials.iter().filter(|trial| trial.status == status).count() as u64
    }

    /// The trial with the least cost so far; of equals the first.
    pub fn best(&self) -> Option<&Trial> {
        let costs = self.trials.iter().filter_map(|trial| Some((trial, trial.best()?)));
        costs.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(trial, _)| trial)
    }

    /// The running trials whose agent is gone at `now_ms`: it left, it was not heard of for `silence_ms`, or `is_dead`
    /// knows that its process is no more.
    pub fn stale(&self, now_ms: i64, silence_ms: i64, is_dead: impl Fn(&Agent) -> bool) -> Vec<Stale<'_>> {
        // Asked once for each agent, as it may open a file.
        let mut gone = BTreeMap::<&str, bool>::new();
        let running = self.trials.iter().filter(|trial| trial.status == Status::Running);
        let stale = running.filter_map(|trial| {
            let attempts = &self.attempts[trial.number as usize];
            let agent = &self.agents[&attempts.last()?.agent];
            let is_gone = || agent.left || now_ms - agent.heard_ms > silence_ms || is_dead(agent);
            gone.entry(&agent.id).or_insert_with(is_gone).then_some(Stale {
                number: trial.number,
                attempt: attempts.len() as u32 - 1,
                agent,
            })
        });
        stale.collect()
    }

    fn trial(&self, number: u64) -> Option<&Trial> {
        self.trials.get(usize::try_from(number).ok()?)
    }

    fn is_running(&self, number: u64, attempt: u32) -> bool {
        self.trial(number).is_some_and(|trial| trial.status == Status::Running)
            && self.attempts[number as usize].len() as u64 == u64::from(attempt) + 1
    }

    fn owned(&mut self, number: u64, attempt: u32, agent: &str) -> Option<&mut Trial> {
        self.owns(agent, number, attempt).then(|| &mut self.trials[number as usize])
    }

    fn claim(&mut self, number: u64, choice: &Choice, attempt: Attempt) {
        if number == self.trials.len() as u64 {
            self.trials.push(Trial { number, choice: choice.clone(), ..Trial::default() });
            self.attempts.push(Vec::new());
        }
        self.trials[number as usize].status = Status::Running;
        self.attempts[number as usize].push(attempt);
    }
}
