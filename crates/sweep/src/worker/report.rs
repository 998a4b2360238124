//! Reports of a running trial, and the answers to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::journal_writer::Shared;
use super::{Assignment, SweepEvent, Verdict};
use crate::journal::Entry;
use crate::state::State;

/// A running trial's line to its agent. It never waits for the journal.
pub struct Reporter<'a> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) trial: &'a Assignment,
    pub(super) lost: Arc<AtomicBool>,
}

impl Reporter<'_> {
    /// Reports the metric as measured after an epoch, every one in turn from 1.
    pub fn report(&mut self, epoch: u64, value: f64) -> Verdict {
        let (work, number, attempt) = (self.shared.work, self.trial.number, self.trial.attempt);
        let mut locked = self.shared.locked();
        let cost = if value.is_finite() { work.goal.cost(value) } else { f64::INFINITY };
        locked.note(number, epoch, cost);
        let (agent, finite) = (work.agent.clone(), value.is_finite().then_some(value));
        self.shared.lay(&mut locked, Entry::Reported { number, attempt, agent, epoch, value: finite });
        (work.notice)(&SweepEvent::Reported { number, epoch, value }, &locked.state);
        let verdict = self.verdict();
        if verdict == Verdict::Go && work.pruner.is_some_and(|pruner| locked.prunes(pruner, number)) {
            return Verdict::Prune;
        }
        verdict
    }

    /// Takes the result of the recorded run `run` instead of training: `values` are its metric after each epoch.
    pub fn reuse(&mut self, run: &str, values: &[f64]) {
        let (number, attempt, agent) = (self.trial.number, self.trial.attempt, self.shared.work.agent.clone());
        self.shared.lay(&mut self.shared.locked(), Entry::Reused { number, attempt, agent, run: run.into() });
        for (epoch, value) in (1..).zip(values) {
            // It is trained already: nothing is saved by ending it early.
            self.report(epoch, *value);
        }
    }

    /// Reads the journal, and shows `look` what the sweep has come to, with the numbers of the running trials whose
    /// agents are gone. None if the journal is given up.
    pub fn state<T>(&self, look: impl FnOnce(&State, &[u64]) -> T) -> Option<T> {
        self.shared.state(look)
    }

    /// Answer to the latest reports: cheap enough to be asked after every batch.
    pub fn verdict(&self) -> Verdict {
        if self.lost.load(Ordering::Relaxed) {
            Verdict::Lost
        } else if self.shared.is_over() || (self.shared.work.stop)() {
            Verdict::Stop
        } else {
            Verdict::Go
        }
    }
}
