//! Checks before an agent joins a sweep: runs must be writable here, as many at once as it has workers.
//!
//! An agent that finds this out trial by trial would claim and give back one after the other.

use std::fs::{self, File};
use std::io;
use std::sync::mpsc::channel;
use std::thread;

use anyhow::{Context as _, Result};
use handloom_engine::model::write_atomically;
use handloom_engine::train;
use handloom_sweep::sampler::Sampler;
use handloom_sweep::{Params, State};

use super::data::DataSets;
use super::handle::SweepHandle;
use crate::exit::{Exit, Failure, told};
use crate::runs::{Record, Runs, new_id};
use crate::settings::Settings;
use crate::training::locked;

/// Files that a trial has open at once, at most: its lock, those of W&B and the one that its model is written to.
const FILES_A_WORKER: usize = 3;
/// Files that the agent opens besides.
const FILES: usize = 12;
/// The largest file that is written to see whether models can be.
const LARGEST: u64 = 64 << 20;

/// Fails with exit 1 and says what is wrong if this machine cannot run trials of `opened`, `workers` at once.
pub(super) fn check(
    opened: &SweepHandle,
    state: &State,
    sampler: &dyn Sampler,
    data: &DataSets,
    runs: &Runs,
    workers: u32,
) -> Result<()> {
    let bytes = model_bytes(opened, state, sampler, data).unwrap_or(1 << 20).min(LARGEST);
    let tried = writes(runs, bytes as usize, workers as usize).and_then(|()| spawns(workers as usize));
    tried.map_err(|error| {
        let hint = hint(&error, workers);
        let message = format!("this machine cannot run trials, so it takes none: {}\nhint: {hint}", told(&error));
        Failure { exit: Exit::Failed, message }.into()
    })
}

/// Writes a run as a trial does, and removes it.
fn writes(runs: &Runs, bytes: usize, workers: usize) -> Result<()> {
    let run = runs.of(Record { id: format!("check-{}", new_id()), ..Record::default() });
    let folder = run.folder.clone();
    let tried = runs.create_known(run.record).and_then(|run| {
        let _lock = locked(&run)?;
        write_atomically(&run.model(), &vec![0; bytes])?;
        let path = run.model();
        let open = |_| File::open(&path).with_context(|| format!("opening `{}`", path.display()));
        let files: Result<Vec<File>> = (0..FILES + workers * FILES_A_WORKER).map(open).collect();
        files.map(drop)
    });
    // Errors are ignored: the folder may not exist, and nothing needs what is left in it.
    let _ = fs::remove_dir_all(folder);
    tried
}

/// Has as many threads at once as trials need.
fn spawns(workers: usize) -> Result<()> {
    let (sender, receiver) = channel::<()>();
    let receiver = std::sync::Mutex::new(receiver);
    thread::scope(|scope| {
        // Every trial has a thread that trains and one that records.
        let started = (0..2 * workers + 2).try_for_each(|_| {
            let wait = || drop(receiver.lock().map(|receiver| receiver.recv()));
            thread::Builder::new().spawn_scoped(scope, wait).map(drop)
        });
        drop(sender);
        started
    })
    .context("starting a thread")
}

/// Hint for a failed check.
fn hint(error: &anyhow::Error, workers: u32) -> String {
    use handloom_engine::model::Error;
    use io::ErrorKind::{NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let io = error.chain().find_map(|cause| match cause.downcast_ref::<Error>() {
        Some(Error::Io { source, .. }) => Some(source),
        _ => cause.downcast_ref::<io::Error>(),
    });
    match io.map(io::Error::kind) {
        Some(StorageFull | QuotaExceeded) => "make room on the disk".into(),
        Some(PermissionDenied | ReadOnlyFilesystem | NotADirectory) => {
            "begin in a folder that you may write, or name another store by `--store`".into()
        }
        // EMFILE and ENFILE have no kind of their own, and temporary files keep the text alone.
        Some(_) if told(error).contains("Too many open files") => {
            format!(
                "raise the limit of open files (`ulimit -n`), or run fewer than {workers} trials at once by `--workers`"
            )
        }
        _ => format!("run fewer than {workers} trials at once by `--workers`, or raise the limits of this machine"),
    }
}

/// The size of a model of this sweep: the largest of the latest trials, or of the first one.
fn model_bytes(opened: &SweepHandle, state: &State, sampler: &dyn Sampler, data: &DataSets) -> Option<u64> {
    let size = |choice: &Params| {
        let config = Settings::of_maps([&opened.sweep.settings, &opened.spec.settings(choice)]).ok()?.config;
        let sizes = train::sizes(&config, &data.of(&config)?.train);
        let layers = sizes.windows(2).map(|pair| (pair[0] as u64).saturating_add(1).saturating_mul(pair[1] as u64));
        Some(layers.fold(0_u64, u64::saturating_add).saturating_mul(4))
    };
    let known = state.trials.iter().rev().take(20).filter_map(|trial| size(&trial.choice)).max();
    let first = || size(&sampler.suggest(&opened.space, &[], opened.sweep.seed)?);
    known.or_else(first)
}
