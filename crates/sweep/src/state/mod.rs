//! State of a sweep: a fold of its journal.
//!
//! Every rule of who has which trial is in [`State::apply`]. An entry that breaks one is of no effect, so that the same
//! list means the same to every reader, whoever wrote what at the same time.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::{Entry, Seq, Stamped};
use crate::space::Params;
use crate::summary;
use crate::summary::run_of;
use crate::trial::{Goal, Status, Trial};

/// An agent on another machine that was not heard of for this long is gone, in milliseconds.
pub const SILENCE_MS: i64 = 30_000;
/// Deaths of its process beside other trials after which a trial is run alone.
pub const DEATHS_IN_COMPANY: usize = 3;
/// Deaths of its process while it ran alone, in a row without another death in the sweep, after which a trial is failed.
pub const DEATHS_ALONE: usize = 3;
/// Deaths of its process while it ran alone, in a row or not, after which a trial is failed.
pub const DEATHS_ALONE_IN_ALL: usize = 30;

/// State of a sweep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Maximize or minimize.
    pub goal: Goal,
    /// Every trial, in the order of their numbers, as samplers and pruners see them.
    pub trials: Vec<Trial>,
    /// The attempts at each trial, in the same order; the last is the present one, unless the trial is pending.
    pub attempts: Vec<Vec<Attempt>>,
    /// Every agent, by its id.
    pub agents: BTreeMap<String, Agent>,
    /// Limit of the number of trials, if there is one.
    pub cap: Option<u64>,
    /// True if no further trial is to start.
    pub stopped: bool,
    /// The last entry of the journal that is in here.
    pub seq: Seq,
    /// When that was appended.
    pub clock_ms: i64,
    /// Trials that are not over and are to be run alone.
    pub alone: BTreeSet<u64>,
}

/// An attempt at a trial.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attempt {
    /// Id of the agent that runs or ran it.
    pub agent: String,
    /// Id of the run that records it, or whose result it takes.
    pub run: String,
    /// Place of its claim in the journal: of two attempts the one with the lesser was claimed first.
    pub claimed: Seq,
    /// True if its run was removed from the store.
    pub removed: bool,
    /// When it began: Unix time in milliseconds by the clock of the database, as all times here.
    pub claimed_ms: i64,
    /// When it ended or was released.
    pub ended_ms: Option<i64>,
    /// Why, if it failed or diverged, or if it was released since something is wrong with the machine.
    pub why: Option<String>,
    /// Id of the agent that released it, if one did.
    pub released_by: Option<String>,
    /// Death of its process, if it died.
    pub death: Option<Death>,
    /// The entry that said so, 0 if none did.
    pub died_seq: Seq,
    /// The agent that found it dead; empty if none did.
    pub found_by: String,
    /// True if it failed and the trial was to be tried again.
    pub retried: bool,
}

impl Attempt {
    /// True if it was released because of a fault of its agent's machine.
    pub fn met_fault(&self) -> bool {
        self.why.is_some() && self.released_by.is_some() && self.death.is_none()
    }
}

/// Death of the process of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// The process ran other trials too, any of which may be what killed it.
    InCompany,
    /// The process ran nothing else.
    Alone,
}

/// State of an agent's process as far as it is known beyond the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// Its process lives. It keeps its trials even if it was silent for long, as after a suspended laptop or a clock jump.
    Alive,
    /// It is dead, however recently it was heard of.
    Dead,
    /// Unknown: the time since it was last heard of decides.
    Unknown,
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
    /// Number of trials that it runs at once.
    pub workers: u32,
    /// When it was first heard of.
    pub joined_ms: i64,
    /// The entry with which it was first heard of.
    pub joined_seq: Seq,
    /// When it was last heard of.
    pub heard_ms: i64,
    /// True if it ended in an orderly way.
    pub left: bool,
    /// Number of trials that it ran when others found it gone; none if it was heard of since.
    pub died_with: Option<usize>,
}

/// A trial whose agent is gone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stale<'a> {
    /// Trial.
    pub number: u64,
    /// Its present attempt.
    pub attempt: u32,
    /// The agent that owned it.
    pub agent: &'a Agent,
}

impl State {
    /// The state of a sweep in which nothing happened.
    pub fn new(goal: Goal) -> Self {
        Self { goal, ..Self::default() }
    }

    /// Applies the next entry. True if it had an effect beyond the sign of life of its agent; an entry that was already
    /// read has none.
    ///
    /// A process that dies may have been killed by any of the trials that it ran:
    ///
    /// - After [`DEATHS_IN_COMPANY`] such deaths a trial is run alone. Its claim counts only if the agent runs nothing
    ///   else, and until it is over that agent can claim nothing more.
    /// - After [`DEATHS_ALONE`] deaths in a row while it ran alone, a trial is failed. The row begins anew when another
    ///   process of the sweep dies in between, as the cause is then more likely outside, such as a machine that is shut
    ///   down. An idle process dies unseen, but the agent that replaces it joins.
    /// - After [`DEATHS_ALONE_IN_ALL`] deaths while it ran alone it is failed, whatever else died.
    ///
    /// An agent that was taken for dead and is heard of again did not die, so its deaths are taken back.
    pub fn apply(&mut self, stamped: &Stamped) -> bool {
        if stamped.seq <= self.seq {
            return false;
        }
        self.seq = stamped.seq;
        let at_ms = stamped.at_ms;
        self.hear(stamped.entry.agent(), at_ms);
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
                let claims = self.may_claim(agent, *number, *attempt);
                if claims {
                    let (agent, run) = (agent.clone(), run.clone());
                    self.claim(
                        *number,
                        choice,
                        Attempt { agent, run, claimed: stamped.seq, claimed_ms: at_ms, ..Attempt::default() },
                    );
                }
                claims
            }
            Entry::Reused { number, attempt, agent, run } => {
                let may =
                    self.owned(*number, *attempt, agent).is_some_and(|trial| trial.costs.is_empty() && !trial.reused);
                if may {
                    self.trials[*number as usize].reused = true;
                    self.attempts[*number as usize][*attempt as usize].run.clone_from(run);
                }
                may
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
                // Any status of an end is an end.
                let over = !matches!(status, Status::Pending | Status::Running | Status::Removed);
                let Some(trial) = self.owned(*number, *attempt, agent).filter(|_| over) else { return false };
                trial.status = *status;
                let attempt = &mut self.attempts[*number as usize][*attempt as usize];
                (attempt.ended_ms, attempt.why) = (Some(at_ms), why.clone());
                let removed = attempt.removed;
                self.repeats(*number);
                // Its run may have been removed while it was about to take the result.
                self.trials[*number as usize].take_away(removed);
                self.alone.remove(number);
                true
            }
            Entry::Released { number, attempt, agent, why } => {
                let running = self.is_running(*number, *attempt);
                if running {
                    self.release(*number, agent, at_ms);
                    self.attempts[*number as usize][*attempt as usize].why.clone_from(why);
                }
                running
            }
            Entry::Died { number, attempt, agent } => {
                let running = self.is_running(*number, *attempt);
                if running {
                    self.bury(*number, agent, at_ms);
                }
                running
            }
            Entry::Retried { number, attempt } => {
                let failed = self.trial(*number).is_some_and(|trial| trial.status == Status::Failed)
                    && self.attempts[*number as usize].len() as u64 == u64::from(*attempt) + 1;
                if failed {
                    self.attempts[*number as usize][*attempt as usize].retried = true;
                    self.begin_anew(*number);
                }
                failed
            }
            Entry::Removed { run } => self.remove(run),
            Entry::Stopped => !std::mem::replace(&mut self.stopped, true),
            Entry::Resumed => std::mem::replace(&mut self.stopped, false),
            Entry::Capped { trials } => self.cap.replace(*trials) != Some(*trials),
        }
    }

    /// True if `agent` owns this attempt once it claims it now.
    pub fn may_claim(&self, agent: &str, number: u64, attempt: u32) -> bool {
        let new = number == self.trials.len() as u64 && attempt == 0 && self.may_grow();
        let pending = || {
            self.trial(number).is_some_and(|trial| trial.status == Status::Pending)
                && self.attempts[number as usize].len() as u64 == u64::from(attempt)
        };
        !self.stopped && (new || pending()) && self.has_room(agent, number)
    }

    /// True if `agent` may run this trial beside those that it runs already.
    fn has_room(&self, agent: &str, number: u64) -> bool {
        // Nearly always there is nothing to look for.
        self.alone.is_empty()
            || if self.alone.contains(&number) { self.run_by(agent) == 0 } else { !self.is_taken_up(agent) }
    }

    /// True if `agent` runs a trial that is to be run alone.
    pub fn is_taken_up(&self, agent: &str) -> bool {
        self.alone.iter().any(|&number| self.runs(agent, number))
    }

    /// True if this trial is to be run alone: its process died too often while it ran others, too.
    pub fn runs_alone(&self, number: u64) -> bool {
        self.alone.contains(&number)
    }

    /// Number of trials that `agent` runs.
    pub fn run_by(&self, agent: &str) -> usize {
        self.trials.iter().filter(|trial| self.runs(agent, trial.number)).count()
    }

    fn runs(&self, agent: &str, number: u64) -> bool {
        self.trial(number).is_some_and(|trial| trial.status == Status::Running)
            && self.attempts[number as usize].last().is_some_and(|attempt| attempt.agent == agent)
    }

    /// True if there may be more trials than there are.
    pub fn may_grow(&self) -> bool {
        self.cap.is_none_or(|cap| cap > self.trials.len() as u64)
    }

    /// The pending trials, in the order of their numbers.
    pub fn pending(&self) -> impl Iterator<Item = &Trial> {
        self.trials.iter().filter(|trial| trial.status == Status::Pending)
    }

    /// True if `agent` works on this attempt, which is the present one.
    pub fn owns(&self, agent: &str, number: u64, attempt: u32) -> bool {
        self.is_running(number, attempt) && self.attempts[number as usize][attempt as usize].agent == agent
    }

    /// Number of trials with this status.
    pub fn count(&self, status: Status) -> u64 {
        self.trials.iter().filter(|trial| trial.status == status).count() as u64
    }

    /// The best trial so far, by the rule of [`best`](crate::best).
    pub fn best(&self) -> Option<&Trial> {
        summary::best(&self.trials).map(|(trial, _)| trial)
    }

    /// The running trials whose agent is gone at `now_ms`: it left, or `liveness` knows that its process is dead, or
    /// knows nothing and it was not heard of for `silence_ms`.
    pub fn stale(&self, now_ms: i64, silence_ms: i64, liveness: impl Fn(&Agent) -> Liveness) -> Vec<Stale<'_>> {
        // Asked once for each agent, as it may open a file.
        let mut gone = BTreeMap::<&str, bool>::new();
        let running = self.trials.iter().filter(|trial| trial.status == Status::Running);
        let stale = running.filter_map(|trial| {
            let attempts = &self.attempts[trial.number as usize];
            let agent = &self.agents[&attempts.last()?.agent];
            let is_gone = || {
                agent.left
                    || match liveness(agent) {
                        Liveness::Alive => false,
                        Liveness::Dead => true,
                        Liveness::Unknown => now_ms.saturating_sub(agent.heard_ms) > silence_ms,
                    }
            };
            gone.entry(&agent.id).or_insert_with(is_gone).then_some(Stale {
                number: trial.number,
                attempt: attempts.len() as u32 - 1,
                agent,
            })
        });
        stale.collect()
    }

    /// Numbers of deaths of the process of a trial, beside others and alone, since it was last to be tried again.
    pub fn deaths(&self, number: u64) -> (usize, usize) {
        let attempts = self.attempts.get(number as usize).map_or(&[][..], Vec::as_slice);
        let since = attempts.iter().rposition(|attempt| attempt.retried).map_or(0, |at| at + 1);
        let count = |death| attempts[since..].iter().filter(|attempt| attempt.death == Some(death)).count();
        (count(Death::InCompany), count(Death::Alone))
    }

    /// Number of deaths of the process of a trial while it ran alone, since another process of the sweep died.
    ///
    /// A process that ran another trial is found dead with it. One that was idle shows by what replaces it: an agent that
    /// joins between two deaths of this trial, and neither runs the trial nor is the one that finds it dead.
    fn deaths_in_a_row(&self, number: u64) -> usize {
        let died = |attempts: &[Attempt]| attempts.iter().filter(|a| a.death.is_some()).map(|a| a.died_seq).max();
        let others = self.attempts.iter().enumerate().filter(|(other, _)| *other as u64 != number);
        let last = others.filter_map(|(_, attempts)| died(attempts)).max().unwrap_or(0);
        let attempts = &self.attempts[number as usize];
        let since = attempts.iter().rposition(|attempt| attempt.retried).map_or(0, |at| at + 1);
        let mut count = 0;
        let mut later: Option<&Attempt> = None;
        let is_of_trial = |agent: &str| attempts.iter().any(|attempt| attempt.agent == agent);
        for attempt in attempts[since..].iter().rev() {
            if attempt.death != Some(Death::Alone) || attempt.died_seq <= last {
                break;
            }
            if let Some(later) = later {
                let joined = self.agents.values().filter(|agent| {
                    (attempt.died_seq + 1..later.died_seq).contains(&agent.joined_seq) && agent.id != later.found_by
                });
                if joined.into_iter().any(|agent| !is_of_trial(&agent.id)) {
                    break;
                }
            }
            later = Some(attempt);
            count += 1;
        }
        count
    }

    /// Takes note that an entry was appended at `at_ms`, by `agent` if it was one.
    fn hear(&mut self, agent: Option<&str>, at_ms: i64) {
        if at_ms < self.clock_ms {
            // The clock was set back: nobody was heard of later than now. Otherwise the dead would seem to live until
            // the clock is again where it was.
            for agent in self.agents.values_mut() {
                agent.heard_ms = agent.heard_ms.min(at_ms);
            }
        }
        self.clock_ms = at_ms;
        let Some(id) = agent else { return };
        let seq = self.seq;
        let new = || Agent { id: id.into(), joined_ms: at_ms, joined_seq: seq, ..Agent::default() };
        let agent = self.agents.entry(id.into()).or_insert_with(new);
        agent.heard_ms = at_ms;
        if agent.died_with.take().is_some() {
            self.revive(id);
        }
    }

    /// Takes back that the process of an agent died, for trials that are not over.
    fn revive(&mut self, agent: &str) {
        for (trial, attempts) in self.trials.iter().zip(&mut self.attempts) {
            if matches!(trial.status, Status::Pending | Status::Running) {
                for attempt in attempts.iter_mut().filter(|attempt| attempt.agent == agent) {
                    attempt.death = None;
                }
            }
        }
        let alone = self.alone.iter().copied().filter(|&number| self.deaths(number).0 >= DEATHS_IN_COMPANY);
        self.alone = alone.collect();
    }

    /// Takes the present attempt at a running trial from its agent.
    fn release(&mut self, number: u64, by: &str, at_ms: i64) {
        self.begin_anew(number);
        if let Some(attempt) = self.attempts[number as usize].last_mut() {
            (attempt.ended_ms, attempt.released_by) = (Some(at_ms), Some(by.into()));
        }
    }

    /// Makes a trial pending.
    fn begin_anew(&mut self, number: u64) {
        let trial = &mut self.trials[number as usize];
        trial.status = Status::Pending;
        trial.costs.clear();
        (trial.reused, trial.repeats) = (false, None);
    }

    /// Takes note that the process of a running trial died.
    fn bury(&mut self, number: u64, by: &str, at_ms: i64) {
        let owner = self.attempts[number as usize].last().map(|attempt| attempt.agent.clone()).unwrap_or_default();
        // The trials that an agent ran when the first of them is reported dead count for all of them: they died
        // together.
        let now = self.run_by(&owner);
        let agent = self.agents.get_mut(&owner).expect("whoever claimed was heard of");
        let company = *agent.died_with.get_or_insert(now) > 1;
        self.release(number, by, at_ms);
        if owner == by {
            // An agent that reports itself is alive.
            return;
        }
        let Some(attempt) = self.attempts[number as usize].last_mut() else { return };
        attempt.death = Some(if company { Death::InCompany } else { Death::Alone });
        attempt.died_seq = self.seq;
        attempt.found_by = by.into();
        let (in_company, alone) = self.deaths(number);
        if self.deaths_in_a_row(number) >= DEATHS_ALONE || alone >= DEATHS_ALONE_IN_ALL {
            self.trials[number as usize].status = Status::Failed;
            self.alone.remove(&number);
            if let Some(attempt) = self.attempts[number as usize].last_mut() {
                attempt.why = Some(format!("process killed: it died {alone} times while it ran this trial alone"));
            }
        } else if in_company >= DEATHS_IN_COMPANY {
            self.alone.insert(number);
        }
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

    /// Takes note of the trial that ended with the same run before trial `number` did, if it reused one.
    fn repeats(&mut self, number: u64) {
        let run = run_of(self, number);
        let is_over = |other: &Trial| !matches!(other.status, Status::Pending | Status::Running);
        let same = |other: &&Trial| other.number != number && is_over(other) && run_of(self, other.number) == run;
        let first = self.trials.iter().find(same).map(|other| other.repeats.unwrap_or(other.number));
        let trial = &mut self.trials[number as usize];
        trial.repeats = first.filter(|_| trial.reused);
    }

    /// Takes note that `run` is gone; says whether any attempt had it. A trial that is over and has it is removed.
    pub fn remove(&mut self, run: &str) -> bool {
        let mut changed = false;
        for (trial, attempts) in self.trials.iter_mut().zip(&mut self.attempts) {
            let Some((last, earlier)) = attempts.split_last_mut() else { continue };
            for attempt in earlier.iter_mut().filter(|attempt| attempt.run == run) {
                changed |= !std::mem::replace(&mut attempt.removed, true);
            }
            if last.run == run {
                changed |= !std::mem::replace(&mut last.removed, true);
                trial.take_away(last.removed);
            }
        }
        changed
    }

    fn claim(&mut self, number: u64, choice: &Params, attempt: Attempt) {
        if number == self.trials.len() as u64 {
            self.trials.push(Trial { number, choice: choice.clone(), ..Trial::default() });
            self.attempts.push(Vec::new());
        }
        self.trials[number as usize].status = Status::Running;
        self.attempts[number as usize].push(attempt);
    }
}
