//! The uploads of a sweep's runs: awaited beside the trials, counted, and reported at the end with what stayed behind.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use handloom_engine::model::write_atomically;
use handloom_export::wandb::{Live, Problem};
use handloom_view::words::count;
use serde_json::{Value, json};

use super::sync;
use crate::output::Output;
use crate::table::one_line;

/// Longest wait for a run's upload after its trial, and for the uploads of a sweep that is to stop.
const PATIENCE: [Duration; 2] = [Duration::from_mins(1), Duration::from_secs(10)];

/// Most folders that a `wandb sync` line names; more are listed in a file.
const LISTED: usize = 8;

/// The upload of a run whose trial has ended.
pub(crate) struct Upload {
    run: String,
    /// None if the run's files are not whole.
    folder: Option<PathBuf>,
    /// True if it is to be uploaded now.
    online: bool,
    live: Option<Live>,
    why: Option<String>,
    /// True if W&B would refuse the files again.
    is_refused: bool,
    ended: Instant,
}

impl Upload {
    /// The upload of the run `run`, with what is wrong with it so far.
    pub(super) fn new(run: &str, folder: PathBuf, online: bool, live: Option<Live>, trouble: Option<Problem>) -> Self {
        let is_refused = matches!(trouble, Some(Problem::UnknownSweep { .. }));
        let why = trouble.map(|problem| reason(&problem.to_string()));
        Self { run: run.into(), folder: Some(folder), online, live, why, is_refused, ended: Instant::now() }
    }

    /// A run whose files could not be written.
    pub(super) fn broken(run: &str, online: bool, why: &str) -> Self {
        let why = Some(format!("its W&B files are not whole: {}", reason(why)));
        Self { run: run.into(), folder: None, online, live: None, why, is_refused: false, ended: Instant::now() }
    }

    /// Waits until `patience` after the trial's end at most, then ends the client. What stayed behind, if it did.
    fn settled(self, patience: Duration) -> Option<Behind> {
        let Self { run, folder, online, live, mut why, mut is_refused, ended } = self;
        if let Some(live) = live
            && let Err(problem) = live.finish(patience.saturating_sub(ended.elapsed()))
        {
            is_refused |= matches!(problem, Problem::UnknownSweep { .. });
            why = Some(reason(&problem.to_string()));
        }
        let is_uploaded = online && folder.is_some() && why.is_none();
        (!is_uploaded).then_some(Behind { run, folder, why, is_refused })
    }
}

/// The first line of a message: without its hint, which is given once for all runs.
pub(super) fn reason(message: &str) -> String {
    one_line(message.lines().next().unwrap_or_default())
}

/// A run that is not at W&B. Without a reason it was not to be uploaded.
struct Behind {
    run: String,
    folder: Option<PathBuf>,
    why: Option<String>,
    is_refused: bool,
}

/// The hint for a run whose sweep W&B does not know.
pub(super) fn without_sweep(run: &str) -> String {
    format!(
        "`WANDB_SWEEP_ID` names no sweep there: `handloom export {run} --format wandb --no-sweep` writes the run without it, for `wandb sync`"
    )
}

/// The uploads of a sweep.
pub(crate) struct Uploads {
    /// Clients that may be at work at once, besides those of running trials.
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pending: VecDeque<Upload>,
    uploaded: u64,
    behind: Vec<Behind>,
}

impl State {
    fn add(&mut self, settled: Option<Behind>) {
        match settled {
            Some(behind) => self.behind.push(behind),
            None => self.uploaded += 1,
        }
    }
}

impl Uploads {
    /// Of a sweep with so many trials at once.
    pub(crate) fn new(workers: u32) -> Self {
        Self { most: 2 * workers as usize, state: Mutex::default() }
    }

    /// Takes over the upload of a run whose trial has ended. Waits for earlier ones where too many are under way: each
    /// is a process, and where W&B does not answer they would pile up.
    pub(crate) fn add(&self, upload: Option<Upload>) {
        let state = || self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state().pending.extend(upload);
        loop {
            let earliest = {
                let mut state = state();
                if state.pending.len() <= self.most { None } else { state.pending.pop_front() }
            };
            let Some(earliest) = earliest else { return };
            let settled = earliest.settled(PATIENCE[0]);
            state().add(settled);
        }
    }

    /// Waits for what is under way, says how many runs are at W&B and how the others get there, and returns the same
    /// for the `done` object: null if no run is logged.
    pub(crate) fn finish(self, sweep: &str, stopped: bool, output: &Output) -> Value {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let patience = PATIENCE[usize::from(stopped)];
        let under_way = state.pending.iter().filter(|upload| upload.live.is_some()).count() as u64;
        if under_way > 0 {
            let runs = count(under_way, "run", "runs");
            output.note(format!("  W&B:   waiting for the upload of {runs}, at most {} s", patience.as_secs()));
        }
        // All of them have the same time left, and go on beside each other.
        let until = Instant::now() + patience;
        for mut upload in std::mem::take(&mut state.pending) {
            upload.ended = Instant::now();
            let settled = upload.settled(until.saturating_duration_since(Instant::now()));
            state.add(settled);
        }
        let total = state.uploaded + state.behind.len() as u64;
        if total == 0 {
            return Value::Null;
        }
        let folders: Vec<&Path> =
            state.behind.iter().filter(|run| !run.is_refused).filter_map(|run| run.folder.as_deref()).collect();
        let line = sync_line(sweep, &folders);
        tell(&state, total, line.as_deref(), output);
        let behind = state.behind.iter().map(|run| json!({"run": run.run, "folder": run.folder, "why": run.why}));
        json!({"uploaded": state.uploaded, "behind": behind.collect::<Vec<_>>(), "sync": line})
    }
}

/// Says how many runs are at W&B, and why the others are not.
fn tell(state: &State, total: u64, line: Option<&str>, output: &Output) {
    let hint = line.map(|line| format!("`{line}` uploads them")).unwrap_or_default();
    let failed: Vec<_> = state.behind.iter().filter(|run| run.why.is_some()).collect();
    if failed.is_empty() {
        if state.behind.is_empty() {
            output.note(format!("  W&B:   {} uploaded", count(total, "run", "runs")));
        } else {
            output.note(format!("  W&B:   {} on this machine only; {hint}", count(total, "run is", "runs are")));
        }
        return;
    }
    let mut reasons: Vec<(&str, u64)> = Vec::new();
    for why in failed.iter().filter_map(|run| run.why.as_deref()) {
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, times)) => *times += 1,
            None => reasons.push((why, 1)),
        }
    }
    let reasons: Vec<_> =
        reasons.iter().map(|(why, times)| format!("\n  {}: {why}", count(*times, "run", "runs"))).collect();
    let hint = if let Some(refused) = failed.iter().find(|run| run.is_refused) {
        [without_sweep(&refused.run), hint].into_iter().filter(|hint| !hint.is_empty()).collect::<Vec<_>>().join("; ")
    } else if hint.is_empty() {
        format!("`handloom export {} --format wandb` writes the files of a run from the store", failed[0].run)
    } else {
        hint
    };
    output.warn(format!(
        "W&B: {} of {} uploaded, {} not:{}\nhint: {hint}",
        state.uploaded,
        count(total, "run", "runs"),
        failed.len(),
        reasons.concat()
    ));
}

/// The command that uploads the runs in `folders`. Many of them are listed in a file beside them, for `xargs`.
fn sync_line(sweep: &str, folders: &[&Path]) -> Option<String> {
    let first = folders.first()?;
    if folders.len() > LISTED {
        let file = first.with_file_name(format!("not-uploaded-{sweep}.txt"));
        let list = folders.iter().map(|folder| format!("{}\0", folder.display())).collect::<Vec<_>>().concat();
        if write_atomically(&file, list.as_bytes()).is_ok() {
            let file = sync(&file);
            return Some(format!("xargs -0 wandb sync < {}", file.trim_start_matches("wandb sync ")));
        }
    }
    let names = folders.iter().map(|folder| sync(folder).trim_start_matches("wandb sync ").to_owned());
    Some(format!("wandb sync {}", names.collect::<Vec<_>>().join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(run: &str, folder: &Path, why: Option<&str>) -> Upload {
        let mut upload = Upload::new(run, folder.join(format!("offline-run-{run}")), true, None, None);
        upload.why = why.map(Into::into);
        upload
    }

    #[test]
    fn the_end_says_how_many_runs_are_uploaded_and_how_the_others_get_there() {
        let folder = tempfile::tempdir().unwrap();
        let uploads = Uploads::new(1);
        for (run, why) in [("a", None), ("b", Some("sweep x not found")), ("c", None), ("d", Some("timed out"))] {
            uploads.add(Some(upload(run, folder.path(), why)));
        }
        uploads.add(None);
        let output = Output::mute();
        output.listen();
        let told = uploads.finish("s", false, &output);
        assert_eq!((&told["uploaded"], told["behind"].as_array().unwrap().len()), (&json!(2), 2));
        let folder = folder.path().display();
        assert_eq!(told["sync"], format!("wandb sync {folder}/offline-run-b {folder}/offline-run-d"));
        let heard = output.heard();
        assert!(heard[0].1.starts_with("warning: W&B: 2 of 4 runs uploaded, 2 not:"), "{heard:?}");
        assert!(
            heard[0].1.contains("1 run: sweep x not found") && heard[0].1.contains("hint: `wandb sync "),
            "{heard:?}"
        );
    }

    #[test]
    fn many_folders_are_listed_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<PathBuf> = (0..9).map(|run| folder.path().join(format!("offline-run-{run}"))).collect();
        let line = sync_line("s", &names.iter().map(PathBuf::as_path).collect::<Vec<_>>()).unwrap();
        let file = folder.path().join("not-uploaded-s.txt");
        assert_eq!(line, format!("xargs -0 wandb sync < {}", file.display()));
        assert_eq!(std::fs::read_to_string(file).unwrap().matches('\0').count(), 9);
    }

    #[test]
    fn a_sweep_that_logs_nothing_says_nothing() {
        let output = Output::mute();
        output.listen();
        assert!(Uploads::new(2).finish("s", false, &output).is_null() && output.heard().is_empty());
    }
}
