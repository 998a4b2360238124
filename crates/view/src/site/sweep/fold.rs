//! Sweeps as the store has them, followed from answer to answer: a journal is read once, and then what was added.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use handloom_store::{Run, Status as RunStatus, Sweep};
use handloom_sweep::standing::run_of;
use handloom_sweep::state::SILENCE_MS;
use handloom_sweep::{Space, Spec, State, Status};

use super::super::{Site, Trouble};
use super::insight::Insight;

/// What is kept of every sweep, by its id.
#[derive(Default)]
pub(crate) struct Sweeps(Mutex<HashMap<String, Arc<Mutex<Followed>>>>);

/// A sweep and what it has come to.
pub(super) struct Followed {
    pub(super) spec: Spec,
    /// What is tried: the file's parameters without those that are settled for all trials.
    pub(super) space: Space,
    /// By the journal alone.
    state: State,
    /// The time of the last look, by the clock of the database.
    pub(super) now_ms: i64,
    pub(super) insight: Option<Insight>,
    /// Inputs and classes, once they are known.
    pub(super) widths: Option<(usize, usize)>,
}

impl Sweeps {
    /// The place of this sweep, read up to now.
    pub(super) fn follow(&self, site: &Site, sweep: &Sweep) -> Result<Arc<Mutex<Followed>>, Trouble> {
        let known = unpoisoned(&self.0).get(&sweep.id).cloned();
        let followed = match known {
            Some(followed) => followed,
            None => {
                let new = Arc::new(Mutex::new(Followed::new(sweep)?));
                unpoisoned(&self.0).entry(sweep.id.clone()).or_insert(new).clone()
            }
        };
        unpoisoned(&followed).read(site, &sweep.id)?;
        Ok(followed)
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
        let state = State::new(spec.metric.goal);
        Ok(Self { spec, space, state, now_ms: 0, insight: None, widths: None })
    }

    fn read(&mut self, site: &Site, id: &str) -> Result<(), Trouble> {
        let page = site.store.entries(id, self.state.seq)?;
        for stamped in &page.entries {
            self.state.apply(stamped);
        }
        self.now_ms = page.now_ms;
        Ok(())
    }

    /// What the sweep has come to. A trial whose process is gone is pending; `standing` says where its run stands.
    pub(super) fn state(&self, standing: impl Fn(&str) -> Option<RunStatus>) -> State {
        let mut state = self.state.clone();
        let mut gone: Vec<u64> =
            state.stale(self.now_ms, SILENCE_MS, |_| false).iter().map(|stale| stale.number).collect();
        let running = state.trials.iter().filter(|trial| trial.status == Status::Running);
        let killed = running.filter(|trial| {
            run_of(&state, trial.number).and_then(&standing).is_some_and(|status| status == RunStatus::Killed)
        });
        gone.extend(killed.map(|trial| trial.number));
        for number in gone {
            state.trials[number as usize].status = Status::Pending;
        }
        state
    }

    /// The same where the runs of running trials are looked up one by one.
    pub(super) fn state_of(&self, site: &Site) -> State {
        self.state(|id| site.store.run(id).ok().flatten().map(|run| site.desk.standing(&run)))
    }

    /// The same with all runs at hand.
    pub(super) fn state_with(&self, site: &Site, runs: &HashMap<String, Run>) -> State {
        self.state(|id| runs.get(id).map(|run| site.desk.standing(run)))
    }
}
