//! Sweeps as the store has them, followed from answer to answer: a journal is read once, and then what was added.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use handloom_store::{Run, Status as RunStatus, Sweep};
use handloom_sweep::spec::Method;
use handloom_sweep::state::{Liveness, SILENCE_MS};
use handloom_sweep::summary::{forgotten, run_of};
use handloom_sweep::{SearchSpace, Spec, State, Status, Trainings};
use serde_json::{Map, Value};

use super::super::{ApiError, Site};
use super::insight::Insight;

/// Cached state of every sweep, by its id.
#[derive(Default)]
pub(crate) struct Sweeps(Mutex<HashMap<String, Arc<Followed>>>);

/// A sweep and what it has come to.
pub(super) struct Followed {
    pub(super) spec: Spec,
    /// Search space: the file's parameters without those that are settled for all trials.
    pub(super) space: SearchSpace,
    /// By the journal alone.
    state: Mutex<Arc<State>>,
    /// In a lock of its own: who only wants the state need not wait for a forest to grow.
    pub(super) insight: Mutex<Option<Arc<Insight>>>,
    /// Inputs and classes, once they are known.
    pub(super) widths: OnceLock<(usize, usize)>,
    /// Settings of every trial.
    settings: Map<String, Value>,
    trainings: OnceLock<Option<Trainings>>,
}

/// A sweep at a moment.
pub(super) struct Moment {
    state: Arc<State>,
    /// The moment, by the clock of the database.
    pub(super) now_ms: i64,
}

impl Sweeps {
    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Cached state of this sweep.
    pub(super) fn follow(&self, sweep: &Sweep) -> Result<Arc<Followed>, ApiError> {
        let mut all = unpoisoned(&self.0);
        if let Some(known) = all.get(&sweep.id) {
            return Ok(known.clone());
        }
        let new = Arc::new(Followed::new(sweep)?);
        all.insert(sweep.id.clone(), new.clone());
        Ok(new)
    }
}

/// Content of the mutex: nothing here is left half changed by a panic.
pub(super) fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Followed {
    fn new(sweep: &Sweep) -> Result<Self, ApiError> {
        let spec = Spec::read(&sweep.yaml).map_err(|error| {
            let mut trouble = ApiError::told(500, &format!("in the file of sweep `{}`: {error}", sweep.id));
            if trouble.hint.is_empty() {
                trouble.hint = "`handloom sweep check FILE` shows each mistake at its place".into();
            }
            trouble
        })?;
        let space = spec.space.without(&sweep.settings);
        let state = Mutex::new(Arc::new(State::new(spec.metric.goal)));
        let (settings, trainings) = (sweep.settings.clone(), OnceLock::new());
        Ok(Self { spec, space, state, insight: Mutex::default(), widths: OnceLock::new(), settings, trainings })
    }

    /// Status of the sweep.
    pub(super) fn status(&self, state: &State) -> &'static str {
        let trainings = || self.trainings.get_or_init(|| Trainings::of(&self.spec, &self.space, &self.settings));
        let trainings = if self.spec.method == Method::Grid { None } else { trainings().as_ref() };
        self.spec.status(&self.space, trainings, state)
    }

    /// Reads the journal of the sweep `id` on to now.
    pub(super) fn now(&self, site: &Site, id: &str) -> Result<Moment, ApiError> {
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
    /// Ids of the runs whose results trials reuse.
    pub(super) fn reused(&self) -> Vec<String> {
        let reused = self.state.trials.iter().filter(|trial| trial.reused);
        reused.filter_map(|trial| run_of(&self.state, trial.number)).map(Into::into).collect()
    }

    /// The runs of the sweep `id` among `all`, by their ids: those of its trials, and those whose results trials reuse.
    pub(super) fn runs<'r>(&self, id: &str, all: impl IntoIterator<Item = &'r Run>) -> HashMap<&'r str, &'r Run> {
        let reused: HashSet<String> = self.reused().into_iter().collect();
        let own = |run: &&Run| run.sweep.as_deref() == Some(id) || reused.contains(&run.id);
        all.into_iter().filter(own).map(|run| (run.id.as_str(), run)).collect()
    }

    /// State of the sweep. A trial whose process is gone is pending; `standing` gives the status of a run.
    pub(super) fn state(&self, standing: impl Fn(&str) -> Option<RunStatus>) -> Cow<'_, State> {
        // A run that goes by its lock knows better than silence.
        let lives = |number: u64| run_of(&self.state, number).and_then(&standing) == Some(RunStatus::Running);
        let stale = self.state.stale(self.now_ms, SILENCE_MS, |_| Liveness::Unknown);
        let stale = stale.iter().filter(|stale| stale.agent.left || !lives(stale.number));
        let mut gone: Vec<u64> = stale.map(|stale| stale.number).collect();
        let running = self.state.trials.iter().filter(|trial| trial.status == Status::Running);
        let killed = running.filter(|trial| {
            run_of(&self.state, trial.number).and_then(&standing).is_some_and(|status| status == RunStatus::Killed)
        });
        gone.extend(killed.map(|trial| trial.number));
        // The journal was read before the runs: each run in it was recorded then, unless somebody removed it.
        let removed = forgotten(&self.state, |run| standing(run).is_some());
        if gone.is_empty() && removed.is_empty() {
            return Cow::Borrowed(&self.state);
        }
        let mut state = State::clone(&self.state);
        for run in &removed {
            state.remove(run);
        }
        for number in gone {
            state.trials[number as usize].status = Status::Pending;
        }
        Cow::Owned(state)
    }
}
