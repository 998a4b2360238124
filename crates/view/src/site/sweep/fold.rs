//! Sweeps as the store has them, followed from answer to answer: a journal is read once, and then what was added.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use handloom_store::{Status as RunStatus, Sweep};
use handloom_sweep::standing::run_of;
use handloom_sweep::state::SILENCE_MS;
use handloom_sweep::{Space, Spec, State, Status};

use super::super::{Site, Trouble};
use super::insight::Insight;

/// What is kept of every sweep, by its id.
#[derive(Default)]
pub(crate) struct Sweeps(Mutex<HashMap<String, Arc<Followed>>>);

/// A sweep and what it has come to.
pub(super) struct Followed {
    pub(super) spec: Spec,
    /// What is tried: the file's parameters without those that are settled for all trials.
    pub(super) space: Space,
    /// By the journal alone.
    state: Mutex<Arc<State>>,
    /// In a lock of its own: who only wants the state need not wait for a forest to grow.
    pub(super) insight: Mutex<Option<Arc<Insight>>>,
    /// Inputs and classes, once they are known.
    pub(super) widths: OnceLock<(usize, usize)>,
}

/// A sweep at a moment.
pub(super) struct Moment {
    state: Arc<State>,
    /// The moment, by the clock of the database.
    pub(super) now_ms: i64,
}

impl Sweeps {
    /// What is kept of this sweep.
    pub(super) fn follow(&self, sweep: &Sweep) -> Result<Arc<Followed>, Trouble> {
        let mut all = unpoisoned(&self.0);
        if let Some(known) = all.get(&sweep.id) {
            return Ok(known.clone());
        }
        let new = Arc::new(Followed::new(sweep)?);
        all.insert(sweep.id.clone(), new.clone());
        Ok(new)
    }
}

/// What the mutex holds: nothing here is left half changed by a panic.
pub(super) fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Followed {
    fn new(sweep: &Sweep) -> Result<Self, Trouble> {
        let spec = Spec::read(&sweep.yaml).map_err(|error| {
            let mut trouble = Trouble::told(500, &format!("in the file of sweep `{}`: {error}", sweep.id));
            if trouble.hint.is_empty() {
                trouble.hint = "`handloom sweep check FILE` shows each mistake at its place".into();
            }
            trouble
        })?;
        let space = spec.space.without(&sweep.settings);
        let state = Mutex::new(Arc::new(State::new(spec.metric.goal)));
        Ok(Self { spec, space, state, insight: Mutex::default(), widths: OnceLock::new() })
    }

    /// Reads the journal of the sweep `id` on to now.
    pub(super) fn now(&self, site: &Site, id: &str) -> Result<Moment, Trouble> {
        let mut state = unpoisoned(&self.state);
        let page = site.store.entries(id, state.seq)?;
        if !page.entries.is_empty() {
            let state = Arc::make_mut(&mut state);
            for stamped in &page.entries {
                state.apply(stamped);
            }
        }
        Ok(Moment { state: state.clone(), now_ms: page.now_ms })
    }
}

impl Moment {
    /// What the sweep has come to. A trial whose process is gone is pending; `standing` says where a run stands.
    pub(super) fn state(&self, standing: impl Fn(&str) -> Option<RunStatus>) -> Cow<'_, State> {
        let stale = self.state.stale(self.now_ms, SILENCE_MS, |_| false);
        let mut gone: Vec<u64> = stale.iter().map(|stale| stale.number).collect();
        let running = self.state.trials.iter().filter(|trial| trial.status == Status::Running);
        let killed = running.filter(|trial| {
            run_of(&self.state, trial.number).and_then(&standing).is_some_and(|status| status == RunStatus::Killed)
        });
        gone.extend(killed.map(|trial| trial.number));
        if gone.is_empty() {
            return Cow::Borrowed(&self.state);
        }
        let mut state = State::clone(&self.state);
        for number in gone {
            state.trials[number as usize].status = Status::Pending;
        }
        Cow::Owned(state)
    }
}
