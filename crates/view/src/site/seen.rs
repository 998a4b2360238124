//! Every run at a glance: read once, and again only when something was written.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use handloom_engine::event::Row;
use handloom_store::{ByRun, Run, Status};

use super::{Site, Trouble};

/// How long what is known of living runs holds: whether a process died is written nowhere.
const BREATH: Duration = Duration::from_secs(1);

/// Every run.
pub(crate) struct Seen {
    /// By start; their status is where they stand.
    pub(crate) runs: Vec<Run>,
    /// The figures of the epoch whose weights are kept, or without one of the last.
    pub(crate) rows: ByRun<Row>,
}

/// What was seen last.
#[derive(Default)]
pub(super) struct Cache(Mutex<Option<Kept>>);

struct Kept {
    pulse: u64,
    at: Instant,
    lives: bool,
    seen: Arc<Seen>,
}

impl Site {
    /// Every run as it is now.
    pub(crate) fn seen(&self) -> Result<Arc<Seen>, Trouble> {
        // Two who ask at once get what one of them reads.
        let mut kept = self.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the runs are read: what is written meanwhile is read again.
        let pulse = self.store.pulse()?;
        if let Some(kept) = &*kept
            && kept.pulse == pulse
            && (!kept.lives || kept.at.elapsed() < BREATH)
        {
            return Ok(Arc::clone(&kept.seen));
        }
        let at = Instant::now();
        let mut runs = self.store.runs()?;
        if let Some(only) = &self.only {
            runs.retain(|run| only.contains(&run.id));
        }
        let lives = runs.iter().any(|run| run.status == Status::Running);
        for run in runs.iter_mut().filter(|run| run.status == Status::Running) {
            run.status = self.desk.standing(run);
        }
        let asked: Vec<(&str, u64)> =
            runs.iter().map(|run| (run.id.as_str(), run.best_epoch.unwrap_or(run.epochs))).collect();
        let rows = self.store.rows_at(&asked)?;
        let seen = Arc::new(Seen { runs, rows });
        *kept = Some(Kept { pulse, at, lives, seen: Arc::clone(&seen) });
        Ok(seen)
    }
}
