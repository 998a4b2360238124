//! The recorder with a store that fails in every way a store can.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use handloom_engine::event::{EpochDiagnostics, EpochMetrics};
use handloom_store::{ByRun, Epoch, Error, Labels, Recorder, Result, Run, Status, Store, Sweep, TestSetAccess, open};
use handloom_sweep::{Entry, Page, Seq};

/// A store whose writes fail at first, in the given way, and which notes what was written.
struct Flaky {
    inner: Arc<dyn Store>,
    failures: AtomicU32,
    fail: fn() -> Error,
    written: Mutex<Vec<String>>,
}

impl Flaky {
    fn new(folder: &tempfile::TempDir, failures: u32, fail: fn() -> Error) -> Arc<Self> {
        let inner = open(folder.path()).unwrap();
        inner.put(&run(0)).unwrap();
        Arc::new(Self { inner, failures: failures.into(), fail, written: Mutex::default() })
    }

    fn write(&self, what: String, act: impl FnOnce() -> Result<()>) -> Result<()> {
        let failures = self.failures.load(Ordering::SeqCst);
        if failures > 0 {
            self.failures.store(failures - 1, Ordering::SeqCst);
            return Err((self.fail)());
        }
        act()?;
        self.written.lock().unwrap().push(what);
        Ok(())
    }

    fn written(&self) -> Vec<String> {
        self.written.lock().unwrap().clone()
    }
}

impl Store for Flaky {
    fn at(&self) -> String {
        "flaky".into()
    }
    fn folder(&self) -> Option<&Path> {
        self.inner.folder()
    }
    fn put(&self, run: &Run) -> Result<()> {
        self.write(format!("record {}", run.epochs), || self.inner.put(run))
    }
    fn run(&self, id: &str) -> Result<Option<Run>> {
        self.inner.run(id)
    }
    fn runs(&self) -> Result<Vec<Run>> {
        self.inner.runs()
    }
    fn contents(&self) -> Result<handloom_store::Contents> {
        self.inner.contents()
    }
    fn read_only(&self) -> Result<Option<String>> {
        self.inner.read_only()
    }
    fn replacements(&self) -> Result<u64> {
        self.inner.replacements()
    }
    fn remove(&self, id: &str) -> Result<bool> {
        self.inner.remove(id)
    }
    fn relabel(&self, id: &str, change: &dyn Fn(&mut Labels)) -> Result<bool> {
        self.inner.relabel(id, change)
    }
    fn log(&self, run: &str, epochs: &[Epoch]) -> Result<()> {
        let numbers: Vec<u64> = epochs.iter().map(|epoch| epoch.row.epoch).collect();
        self.write(format!("epochs {numbers:?}"), || self.inner.log(run, epochs))
    }
    fn epochs(&self, run: &str) -> Result<Vec<Epoch>> {
        self.inner.epochs(run)
    }
    fn rows(&self, runs: &[&str]) -> Result<ByRun<Vec<EpochMetrics>>> {
        self.inner.rows(runs)
    }
    fn last_rows(&self) -> Result<ByRun<EpochMetrics>> {
        self.inner.last_rows()
    }
    fn rows_at(&self, epochs: &[(&str, u64)]) -> Result<ByRun<EpochMetrics>> {
        self.inner.rows_at(epochs)
    }
    fn recent(&self, within_ms: u64) -> Result<Vec<Run>> {
        self.inner.recent(within_ms)
    }
    fn pulse(&self) -> Result<u64> {
        self.inner.pulse()
    }
    fn forget_after(&self, run: &str, epoch: u64) -> Result<()> {
        self.inner.forget_after(run, epoch)
    }
    fn heartbeat(&self, run: &str) -> Result<()> {
        self.inner.heartbeat(run)
    }
    fn open_test(&self, opening: &TestSetAccess) -> Result<u64> {
        self.inner.open_test(opening)
    }
    fn openings(&self) -> Result<Vec<TestSetAccess>> {
        self.inner.openings()
    }
    fn put_file(&self, run: &str, name: &str, bytes: &[u8]) -> Result<()> {
        self.write(format!("file {name}"), || self.inner.put_file(run, name, bytes))
    }
    fn file(&self, run: &str, name: &str) -> Result<Option<Vec<u8>>> {
        self.inner.file(run, name)
    }
    fn add_sweep(&self, sweep: &Sweep, entries: &[Entry]) -> Result<()> {
        self.inner.add_sweep(sweep, entries)
    }
    fn sweep(&self, id: &str) -> Result<Option<Sweep>> {
        self.inner.sweep(id)
    }
    fn sweeps(&self) -> Result<Vec<Sweep>> {
        self.inner.sweeps()
    }
    fn remove_sweep(&self, id: &str) -> Result<bool> {
        self.inner.remove_sweep(id)
    }
    fn append(&self, sweep: &str, entries: &[Entry]) -> Result<()> {
        self.inner.append(sweep, entries)
    }
    fn entries(&self, sweep: &str, after: Seq) -> Result<Page> {
        self.inner.entries(sweep, after)
    }
}

fn run(epochs: u64) -> Run {
    let status = if epochs == 0 { Status::Running } else { Status::Finished };
    Run { id: "a".into(), epochs, status, ..Run::default() }
}

fn row(epoch: u64) -> EpochMetrics {
    EpochMetrics {
        epoch,
        train_loss: 1.0,
        train_accuracy: 0.5,
        val_loss: None,
        val_accuracy: None,
        learning_rate: 0.001,
        samples_per_second: 1e5,
        seconds: 0.6,
        val_seconds: 0.0,
    }
}

fn busy() -> Error {
    Error::Busy { at: "flaky".into(), why: "locked".into() }
}

fn never() -> Error {
    Error::Database { at: "flaky".into(), why: "it will never take this".into() }
}

fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_mins(5), "it does not come about");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn failures_lose_nothing_and_keep_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = Flaky::new(&folder, 4, busy);
    let recorder = Recorder::new(Arc::clone(&store) as _, run(0)).unwrap();
    for epoch in 1..=3 {
        recorder.epoch(&row(epoch), &EpochDiagnostics::default());
        recorder.put(run(epoch));
    }
    recorder.file("model.safetensors", b"weights".to_vec());
    until(|| matches!(recorder.trouble(), Some(Error::Busy { .. })));
    recorder.finish(Duration::from_mins(5)).unwrap();
    // Of the records that waited only the last was written, in its place; the first makes the run.
    assert_eq!(store.written(), ["record 0", "epochs [1, 2, 3]", "record 3", "file model.safetensors"]);
    assert_eq!(store.run("a").unwrap().unwrap().status, Status::Finished);
    assert_eq!(store.epochs("a").unwrap().len(), 3);
}

#[test]
fn what_is_refused_for_good_stops_nothing_else_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = Flaky::new(&folder, 0, never);
    let recorder = Recorder::new(Arc::clone(&store) as _, run(0)).unwrap();
    until(|| store.written().len() == 1);
    store.failures.store(1, Ordering::SeqCst);
    recorder.epoch(&row(1), &EpochDiagnostics::default());
    until(|| recorder.trouble().is_some());
    recorder.epoch(&row(2), &EpochDiagnostics::default());
    recorder.put(run(2));
    let lost = recorder.finish(Duration::from_mins(5)).unwrap_err();
    assert_eq!((&lost.epochs[..], lost.record), (&[1][..], false));
    assert!(lost.to_string().contains("epochs 1 missing in `flaky`") && lost.why.contains("never"), "{lost}");
    assert_eq!(store.written(), ["record 0", "epochs [2]", "record 2"]);
}

#[test]
fn a_run_that_is_removed_while_it_trains_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Flaky::new(&folder, 0, never);
    let recorder = Recorder::new(Arc::clone(&store) as _, run(0)).unwrap();
    recorder.epoch(&row(1), &EpochDiagnostics::default());
    until(|| store.written().len() == 2);
    assert!(store.remove("a").unwrap());
    recorder.put(run(2));
    let lost = recorder.finish(Duration::from_mins(5)).unwrap_err();
    assert!(lost.record && lost.why.contains("there is no run `a`"), "{lost}");
    assert!(store.runs().unwrap().is_empty());
}

#[test]
fn who_finishes_waits_no_longer_than_asked() {
    let folder = tempfile::tempdir().unwrap();
    let store = Flaky::new(&folder, u32::MAX, busy);
    let recorder = Recorder::new(Arc::clone(&store) as _, run(0)).unwrap();
    recorder.epoch(&row(1), &EpochDiagnostics::default());
    recorder.file("plot.svg", Vec::new());
    // The store never answers: a recorder without a time limit would wait for ever.
    let lost = recorder.finish(Duration::from_millis(400)).unwrap_err();
    assert!(lost.to_string().contains("epochs 1, its latest record, `plot.svg` missing"), "{lost}");
    assert!(lost.why.contains("locked"), "{lost}");
}

#[test]
fn a_recorder_that_is_dropped_writes_what_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let store = Flaky::new(&folder, 2, busy);
    let recorder = Recorder::new(Arc::clone(&store) as _, run(0)).unwrap();
    recorder.epoch(&row(1), &EpochDiagnostics::default());
    // The remaining items need no second attempt, so that the time limit of a drop suffices.
    until(|| store.failures.load(Ordering::SeqCst) == 0);
    drop(recorder);
    assert_eq!(store.written(), ["record 0", "epochs [1]"]);
}

#[test]
fn a_store_that_panics_takes_only_the_recorder_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = Flaky::new(&folder, 1, || panic!("a bug of the store's, as this test wants it"));
    let recorder = Recorder::new(Arc::clone(&store) as _, run(0)).unwrap();
    recorder.epoch(&row(1), &EpochDiagnostics::default());
    let lost = recorder.finish(Duration::from_mins(5)).unwrap_err();
    assert!(lost.record && lost.epochs == [1] && lost.why.contains("broke off"), "{lost}");
}

#[test]
fn a_long_run_beats_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = Flaky::new(&folder, 0, never);
    let recorder = Recorder::new(Arc::clone(&store) as _, run(0)).unwrap();
    until(|| store.written().len() == 1);
    // It grows until there is a beat.
    let age = || store.run("a").unwrap().unwrap().heartbeat_age_ms.unwrap();
    let mut last = age();
    loop {
        thread::sleep(Duration::from_millis(20));
        let now = age();
        if now < last {
            break;
        }
        assert!(now < 300_000, "no beat for {now} ms");
        last = now;
    }
    recorder.finish(Duration::from_mins(5)).unwrap();
    assert_eq!(store.written(), ["record 0"]);
}
