//! Every run at a glance: read once, and again only when something was written.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use handloom_engine::event::EpochMetrics;
use handloom_store::{ByRun, Run, Status};

use super::runs::Settings;
use super::{ApiError, Host, Site};

/// Time for which the status of living runs is cached: the death of a process is recorded nowhere.
const BREATH: Duration = Duration::from_secs(1);

/// Every run.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    /// By start; their status is where they stand.
    pub(crate) runs: Vec<Run>,
    /// The figures of the epoch whose weights are kept, or without one of the last.
    pub(crate) rows: ByRun<EpochMetrics>,
    /// Settings of the runs, once they were requested.
    pub(super) settings: OnceLock<Settings>,
}

/// The latest reading.
#[derive(Default)]
pub(super) struct Cache(Mutex<Option<Kept>>);

impl Cache {
    /// Forgets everything.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

struct Kept {
    pulse: u64,
    /// When it was read.
    at: Instant,
    /// When it was last looked at where runs stand.
    looked: Instant,
    /// The runs that have not said that they ended, as they were read, with their places.
    open: Vec<(usize, Run)>,
    seen: Arc<Seen>,
}

impl Kept {
    /// Looks where the runs stand that may have died: of all that is known, only that can change without a write.
    fn look(&mut self, host: &dyn Host) {
        self.looked = Instant::now();
        let since_ms = self.at.elapsed().as_millis() as u64;
        for (place, run) in &self.open {
            let heartbeat_age_ms = run.heartbeat_age_ms.map(|age| age + since_ms);
            let status = host.effective_status(&Run { heartbeat_age_ms, ..run.clone() });
            if status != self.seen.runs[*place].status {
                Arc::make_mut(&mut self.seen).runs[*place].status = status;
            }
        }
    }
}

impl Site {
    /// Every run as it is now.
    pub(crate) fn seen(&self) -> Result<Arc<Seen>, ApiError> {
        // Two who ask at once get what one of them reads.
        let mut kept = self.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the runs are read: what is written meanwhile is read again.
        let pulse = self.store.pulse()?;
        if let Some(kept) = kept.as_mut().filter(|kept| kept.pulse == pulse) {
            if !kept.open.is_empty() && kept.looked.elapsed() >= BREATH {
                kept.look(&*self.host);
            }
            return Ok(Arc::clone(&kept.seen));
        }
        let at = Instant::now();
        let runs = self.store.runs()?;
        let running = runs.iter().enumerate().filter(|(_, run)| run.status == Status::Running);
        let open = running.map(|(place, run)| (place, run.clone())).collect();
        let asked: Vec<(&str, u64)> =
            runs.iter().map(|run| (run.id.as_str(), run.best_epoch.unwrap_or(run.epochs))).collect();
        let rows = self.store.rows_at(&asked)?;
        let seen = Arc::new(Seen { runs, rows, ..Seen::default() });
        let kept = kept.insert(Kept { pulse, at, looked: at, open, seen });
        kept.look(&*self.host);
        Ok(Arc::clone(&kept.seen))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Place;
    use super::*;

    #[test]
    fn a_run_whose_heart_stopped_is_dead_though_nothing_was_written() {
        let place = Place::new();
        let site = place.site();
        place.store().put(&Run { id: "a".into(), status: Status::Running, ..Run::default() }).unwrap();
        let status = || site.seen().unwrap().runs[0].status;
        assert_eq!(status(), Status::Running);
        {
            let mut kept = site.seen.0.lock().unwrap();
            let kept = kept.as_mut().unwrap();
            let before = kept.at.checked_sub(Duration::from_secs(31)).unwrap();
            (kept.at, kept.looked) = (before, before);
        }
        assert_eq!(status(), Status::Killed);
    }
}
