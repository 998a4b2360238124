//! The one thread of an agent that reads and writes the journal, and the state that it shares with the others.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Assignment, Ending, MachineFault, SweepEvent, Work};
use crate::journal::{self, Entry, Page, Seq, Stamped};
use crate::pruner::Pruner;
use crate::state::State;
use crate::summary::run_of;
use crate::trial::Status;

/// Entries in a transaction, at most.
const BATCH: usize = 500;
/// Interval at which a waiting thread checks for a stop.
const GLANCE: Duration = Duration::from_millis(50);

/// State that the threads of an agent share.
pub(super) struct Shared<'a> {
    pub(super) work: &'a Work<'a>,
    locked: Mutex<SharedState>,
    changed: Condvar,
    /// True if the journal is given up.
    over: AtomicBool,
    /// Trials that this call took and did not lose.
    pub(super) taken: AtomicU64,
}

/// Shared state behind the lock.
pub(super) struct SharedState {
    /// Entries that the journal does not have yet, oldest first.
    outbox: VecDeque<Entry>,
    /// Number of requests to write and read the journal, and the latest of them that was answered.
    asked: u64,
    answered: u64,
    /// State of the sweep, as the journal has it.
    pub(super) state: State,
    /// The time when it was last read, by the clock of the database.
    now_ms: Option<i64>,
    /// From when on silence says something about others: after a gap in what this agent itself heard, they get some
    /// time to be heard again.
    judges_ms: i64,
    /// Entries that were read, and not yet seen by the claiming thread.
    fresh: Vec<Stamped>,
    mine: BTreeMap<u64, Mine>,
    /// True if the last attempt at the journal failed.
    troubled: bool,
    /// Why the journal is given up.
    failed: Option<journal::Error>,
    /// Fault of this machine, if there is one: no further trial begins here.
    pub(super) fault: Option<MachineFault>,
    closing: bool,
}

/// A trial that runs here.
struct Mine {
    trial: Assignment,
    /// Costs that it reported, which the journal may not have yet.
    costs: Vec<f64>,
    lost: Arc<AtomicBool>,
    /// True if it ended, which the journal does not say yet.
    over: bool,
}

/// The journal is given up, or the agent is to stop while it is out of reach.
pub(super) struct Over;

/// Entries read for the claiming thread.
pub(super) struct News {
    pub(super) entries: Vec<Stamped>,
    /// The time by which silence is judged, unless nobody is to be judged now.
    pub(super) now_ms: Option<i64>,
}

impl SharedState {
    /// Takes note of what a trial of this agent's reported.
    pub(super) fn note(&mut self, number: u64, epoch: u64, cost: f64) {
        if let Some(mine) = self.mine.get_mut(&number)
            && epoch == mine.costs.len() as u64 + 1
        {
            mine.costs.push(cost);
        }
    }

    /// True if a trial of this agent should end early, its latest report included.
    pub(super) fn prunes(&mut self, pruner: &dyn Pruner, number: u64) -> bool {
        let (Some(mine), Some(trial)) = (self.mine.get_mut(&number), self.state.trials.get_mut(number as usize)) else {
            return false;
        };
        std::mem::swap(&mut trial.costs, &mut mine.costs);
        let prunes = pruner.prunes(&self.state.trials[number as usize], &self.state.trials);
        std::mem::swap(&mut self.state.trials[number as usize].costs, &mut mine.costs);
        prunes
    }
}

impl<'a> Shared<'a> {
    pub(super) fn new(work: &'a Work<'a>) -> Self {
        let locked = SharedState {
            outbox: VecDeque::new(),
            asked: 0,
            answered: 0,
            state: State::new(work.goal),
            now_ms: None,
            judges_ms: i64::MIN,
            fresh: Vec::new(),
            mine: BTreeMap::new(),
            troubled: false,
            failed: None,
            fault: None,
            closing: false,
        };
        let (over, taken) = (AtomicBool::new(false), AtomicU64::new(0));
        Self { work, locked: Mutex::new(locked), changed: Condvar::new(), over, taken }
    }

    pub(super) fn locked(&self) -> MutexGuard<'_, SharedState> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if the journal is given up.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Leaves an entry for the journal.
    pub(super) fn lay(&self, locked: &mut SharedState, entry: Entry) {
        locked.outbox.push_back(entry);
        self.changed.notify_all();
    }

    /// Waits until everything that was left so far is in the journal and what others wrote meanwhile is here.
    pub(super) fn news(&self) -> Result<News, Over> {
        let mut locked = self.answered()?;
        let now_ms = locked.now_ms.filter(|now_ms| *now_ms >= locked.judges_ms);
        Ok(News { entries: std::mem::take(&mut locked.fresh), now_ms })
    }

    /// The shared state, once all entries so far are in the journal and those of other agents have been read.
    fn answered(&self) -> Result<MutexGuard<'_, SharedState>, Over> {
        let mut locked = self.locked();
        locked.asked += 1;
        let ticket = locked.asked;
        self.changed.notify_all();
        while locked.answered < ticket {
            if self.is_over() || (locked.troubled && (self.work.stop)()) {
                return Err(Over);
            }
            locked = self.wait(locked, GLANCE);
        }
        Ok(locked)
    }

    /// Reads the journal, and shows `look` its state with the numbers of the running trials whose agents are gone. None
    /// if the journal is given up.
    pub(super) fn state<T>(&self, look: impl FnOnce(&State, &[u64]) -> T) -> Option<T> {
        let locked = self.answered().ok()?;
        let (work, now_ms) = (self.work, locked.now_ms.filter(|now_ms| *now_ms >= locked.judges_ms));
        // Without a time to judge silence by, nobody but the dead is gone.
        let now_ms = now_ms.unwrap_or(i64::MIN / 2);
        let stale = locked.state.stale(now_ms, work.pace.silence_ms, |agent| work.liveness_of(agent));
        let gone: Vec<u64> =
            stale.iter().filter(|stale| stale.agent.id != work.agent).map(|stale| stale.number).collect();
        Some(look(&locked.state, &gone))
    }

    /// Waits until the journal says more than up to `seq`, at most until it is time to look again.
    pub(super) fn idle(&self, seq: Seq) {
        let until = Instant::now() + self.work.pace.poll;
        let mut locked = self.locked();
        while locked.state.seq <= seq && !self.is_over() && !(self.work.stop)() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            locked = self.wait(locked, left.min(GLANCE));
        }
    }

    fn wait<'t>(&self, locked: MutexGuard<'t, SharedState>, at_most: Duration) -> MutexGuard<'t, SharedState> {
        self.changed.wait_timeout(locked, at_most).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Takes note that a trial runs here; answers with what tells it that it was lost.
    pub(super) fn begin(&self, trial: &Assignment) -> Arc<AtomicBool> {
        let lost = Arc::<AtomicBool>::default();
        let mut locked = self.locked();
        let mine = Mine { trial: trial.clone(), costs: Vec::new(), lost: Arc::clone(&lost), over: false };
        locked.mine.insert(trial.number, mine);
        (self.work.notice)(&SweepEvent::Claimed(trial), &locked.state);
        // Others may have taken it over before it began.
        self.look(&mut locked);
        lost
    }

    /// Leaves word of how a trial ended.
    pub(super) fn end(&self, trial: &Assignment, ending: Ending) {
        let mut locked = self.locked();
        let Some(mine) = locked.mine.get_mut(&trial.number) else { return };
        mine.over = true;
        if mine.lost.load(Ordering::Relaxed) {
            locked.mine.remove(&trial.number);
            return;
        }
        let (number, attempt, agent) = (trial.number, trial.attempt, self.work.agent.clone());
        let (status, why) = match ending {
            Ending::Finished => (Status::Finished, None),
            Ending::Pruned => (Status::Pruned, None),
            Ending::Diverged(why) => (Status::Diverged, Some(why)),
            Ending::Failed(why) => (Status::Failed, Some(why)),
            Ending::Faulted(fault) => {
                let why = Some(fault.to_string());
                self.lay(&mut locked, Entry::Released { number, attempt, agent, why });
                (self.work.notice)(&SweepEvent::Faulted { trial, fault: &fault }, &locked.state);
                self.fault(&mut locked, fault);
                return;
            }
            Ending::Released | Ending::Lost => {
                self.lay(&mut locked, Entry::Released { number, attempt, agent, why: None });
                (self.work.notice)(&SweepEvent::Released(trial), &locked.state);
                return;
            }
        };
        self.lay(&mut locked, Entry::Ended { number, attempt, agent, status, why });
    }

    /// Takes note of what is wrong with this machine; the first of it is what is told.
    pub(super) fn fault(&self, locked: &mut SharedState, fault: MachineFault) {
        locked.fault.get_or_insert(fault);
        self.changed.notify_all();
    }

    /// Lets the journal writer end once everything is written.
    pub(super) fn close(&self) {
        self.locked().closing = true;
        self.changed.notify_all();
    }

    /// State of the sweep when every thread has ended.
    pub(super) fn settle(self) -> Result<(State, Option<MachineFault>), super::Error> {
        let locked = self.locked.into_inner().unwrap_or_else(PoisonError::into_inner);
        match locked.failed {
            Some(cause) => Err(super::Error::new(cause, locked.outbox.iter())),
            None => Ok((locked.state, locked.fault)),
        }
    }

    /// Loop of the journal writer.
    pub(super) fn write(&self) {
        let Err(cause) = catch_unwind(AssertUnwindSafe(|| self.keep())).unwrap_or_else(|_| {
            Err(journal::Error {
                temporary: false,
                cause: "the thread that keeps the sweep's journal broke off".into(),
            })
        }) else {
            return;
        };
        self.locked().failed = Some(cause);
        self.over.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    fn keep(&self) -> Result<(), journal::Error> {
        let pace = &self.work.pace;
        let (mut pause, mut give_up) = (pace.pauses[0], None);
        while let Some((entries, ticket)) = self.next() {
            match self.exchange(&entries, ticket) {
                Ok(()) => (pause, give_up) = (pace.pauses[0], None),
                Err(error) if !error.temporary => return Err(error),
                Err(error) => {
                    let mut locked = self.locked();
                    if !std::mem::replace(&mut locked.troubled, true) {
                        (self.work.notice)(&SweepEvent::Trouble(&error), &locked.state);
                    }
                    drop(locked);
                    self.rest(pause, &mut give_up);
                    if give_up.is_some_and(|at| Instant::now() >= at) {
                        return Err(error);
                    }
                    pause = (pause * 2).min(pace.pauses[1]);
                }
            }
        }
        Ok(())
    }

    /// Waits for something to do: entries to write, and up to which request this answers. None once all is done.
    fn next(&self) -> Option<(Vec<Entry>, u64)> {
        let beat = Instant::now() + self.work.pace.beat;
        let mut locked = self.locked();
        while locked.outbox.is_empty() && locked.asked == locked.answered {
            if locked.closing {
                return None;
            }
            let left = beat.saturating_duration_since(Instant::now());
            if left.is_zero() {
                locked.outbox.push_back(Entry::Beat { agent: self.work.agent.clone() });
                break;
            }
            locked = self.wait(locked, left);
        }
        let entries: Vec<Entry> = locked.outbox.iter().take(BATCH).cloned().collect();
        // Entries left after a full batch come before the answer.
        let ticket = if entries.len() == locked.outbox.len() { locked.asked } else { locked.answered };
        Some((entries, ticket))
    }

    fn exchange(&self, entries: &[Entry], ticket: u64) -> Result<(), journal::Error> {
        if !entries.is_empty() {
            self.work.journal.append(entries)?;
            self.locked().outbox.drain(..entries.len());
        }
        let after = self.locked().state.seq;
        let page = self.work.journal.read(after)?;
        let mut locked = self.locked();
        self.take(&mut locked, page);
        locked.answered = ticket;
        if std::mem::take(&mut locked.troubled) {
            (self.work.notice)(&SweepEvent::Recovered, &locked.state);
        }
        self.changed.notify_all();
        Ok(())
    }

    /// Takes note of what the journal says.
    fn take(&self, locked: &mut SharedState, page: Page) {
        let silence_ms = self.work.pace.silence_ms;
        if locked.now_ms.is_some_and(|before| page.now_ms - before > silence_ms / 2) {
            locked.judges_ms = page.now_ms + silence_ms / 3;
        }
        locked.now_ms = Some(page.now_ms);
        for stamped in &page.entries {
            if locked.state.apply(stamped) {
                self.heed(locked, &stamped.entry);
            }
        }
        locked.fresh.extend(page.entries);
        self.look(locked);
    }

    /// Takes note of an entry that had an effect.
    fn heed(&self, locked: &mut SharedState, entry: &Entry) {
        if let Entry::Died { number, attempt, agent } | Entry::Released { number, attempt, agent, .. } = entry {
            self.tell_of_takeover(locked, agent, *number, *attempt);
        }
        let (number, attempt, status, why) = match entry {
            Entry::Ended { number, attempt, status, why, .. } => (*number, *attempt, Some(*status), why.as_deref()),
            Entry::Released { number, attempt, agent, .. } if *agent == self.work.agent => {
                (*number, *attempt, None, None)
            }
            _ => return,
        };
        let is = |mine: &Mine| mine.trial.attempt == attempt && mine.over;
        if locked.mine.get(&number).is_some_and(is)
            && let Some(mine) = locked.mine.remove(&number)
            && let Some(status) = status
        {
            // The run that it reused, if it did.
            let run = run_of(&locked.state, number).unwrap_or(&mine.trial.run);
            (self.work.notice)(&SweepEvent::Ended { number, run, status, why }, &locked.state);
        }
    }

    /// Tells that this agent took an attempt from another one, if it is the one who did.
    fn tell_of_takeover(&self, locked: &SharedState, by: &str, number: u64, attempt: u32) {
        let taken = &locked.state.attempts[number as usize][attempt as usize];
        if by != self.work.agent || taken.agent == by {
            return;
        }
        let notice = match &taken.why {
            Some(why) if locked.state.trials[number as usize].status == Status::Failed => {
                SweepEvent::Killed { number, run: &taken.run, why }
            }
            _ => SweepEvent::TakenOver { number, from: &locked.state.agents[&taken.agent] },
        };
        (self.work.notice)(&notice, &locked.state);
    }

    /// Looks whether trials of this agent's were taken over.
    fn look(&self, locked: &mut SharedState) {
        for (number, mine) in &locked.mine {
            if !locked.state.owns(&self.work.agent, *number, mine.trial.attempt)
                && !mine.lost.swap(true, Ordering::Relaxed)
            {
                self.taken.fetch_sub(1, Ordering::Relaxed);
                (self.work.notice)(&SweepEvent::Lost(&mine.trial), &locked.state);
            }
        }
        locked.mine.retain(|_, mine| !(mine.over && mine.lost.load(Ordering::Relaxed)));
    }

    /// Waits after a failed attempt, less long if the agent is to stop, which also limits how often it is tried again.
    fn rest(&self, pause: Duration, give_up: &mut Option<Instant>) {
        let start = Instant::now();
        loop {
            let stops = (self.work.stop)();
            if stops && give_up.is_none() {
                *give_up = Some(start + self.work.pace.patience);
            }
            let pause = if stops { pause.min(GLANCE * 4) } else { pause };
            let left = pause.saturating_sub(start.elapsed());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(GLANCE));
        }
    }
}
