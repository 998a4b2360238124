//! Writes a run into a store from a thread of its own: training never waits for a disk, a lock or a network.
//!
//! Items wait in an in-memory queue, in order. While the store is locked, full or out of reach, writes are retried with
//! exponential backoff; [`Recorder::finish`] waits for the rest and reports what was not stored.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use handloom_engine::event::{EpochDiagnostics, EpochMetrics};

use crate::{Epoch, Error, Lost, Result, Run, Store};

/// Interval between two heartbeats.
const BEAT: Duration = Duration::from_secs(5);
/// Delay before a retry: the first, the longest, and the longest while [`Recorder::finish`] waits.
const PAUSES: [Duration; 3] = [Duration::from_millis(50), Duration::from_secs(5), Duration::from_millis(200)];
/// Time for remaining writes when a recorder is dropped instead of finished.
const DROPPED: Duration = Duration::from_secs(2);
/// Maximum number of epochs in one transaction.
const BATCH: usize = 256;

/// Records a run while it trains.
pub struct Recorder {
    shared: Arc<Shared>,
    run: String,
    at: String,
    writer: Option<JoinHandle<()>>,
}

#[derive(Clone)]
enum Item {
    /// The run's first record, which must exist before epochs can be added.
    Begin(Arc<Run>),
    /// A later record; only the latest is kept in the queue.
    Record(Arc<Run>),
    Epoch(Arc<Epoch>),
    File(Arc<str>, Arc<[u8]>),
}

#[derive(Default)]
struct Shared {
    locked: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Queue of pending items, numbered in order of arrival.
    items: VecDeque<(u64, Item)>,
    count: u64,
    /// Items that the store rejected for good.
    refused: Vec<Item>,
    /// Last error of the store, unless a later write succeeded.
    trouble: Option<Error>,
    /// Deadline for the remaining items, set once the recorder is closed.
    until: Option<Instant>,
    ended: bool,
}

enum Job {
    /// Items for one transaction, and the number of the last.
    Write(Vec<Item>, u64),
    Beat,
    End,
}

impl Recorder {
    /// Starts the writer thread and queues `run` as the first item. To learn at once that the store works, call
    /// [`Store::put`] before.
    pub fn new(store: Arc<dyn Store>, run: Run) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (id, at) = (run.id.clone(), store.at());
        shared.lay(Item::Begin(Arc::new(run)));
        let (behind, of) = (Arc::clone(&shared), id.clone());
        let writer = thread::Builder::new().name("recorder".into()).spawn(move || write(&*store, &of, &behind))?;
        Ok(Self { shared, run: id, at, writer: Some(writer) })
    }

    /// Records an epoch.
    pub fn epoch(&self, row: &EpochMetrics, evidence: &EpochDiagnostics) {
        self.shared.lay(Item::Epoch(Arc::new(Epoch { row: row.clone(), evidence: evidence.clone() })));
    }

    /// Replaces the run's record, but not its labels.
    pub fn put(&self, run: Run) {
        self.shared.lay(Item::Record(Arc::new(run)));
    }

    /// Stores a file of the run.
    pub fn file(&self, name: &str, bytes: Vec<u8>) {
        self.shared.lay(Item::File(name.into(), bytes.into()));
    }

    /// Error that currently keeps the store from being written, if there is one.
    pub fn trouble(&self) -> Option<Error> {
        self.shared.locked().trouble.clone()
    }

    /// Waits until the run is in the store and visible to other processes, at most for `patience`. Call it before any
    /// other item is queued.
    pub fn begun(&self, patience: Duration) {
        let waits = |locked: &mut Queue| !locked.ended && matches!(locked.items.front(), Some((_, Item::Begin(_))));
        drop(self.shared.changed.wait_timeout_while(self.shared.locked(), patience, waits));
    }

    /// Waits until everything is stored, at most for `patience`.
    pub fn finish(mut self, patience: Duration) -> Result<(), Box<Lost>> {
        self.close(patience)
    }

    fn close(&mut self, patience: Duration) -> Result<(), Box<Lost>> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let mut locked = self.shared.locked();
        locked.until = Some(Instant::now() + patience);
        self.shared.changed.notify_all();
        let waited = self.shared.changed.wait_timeout_while(locked, patience, |locked| !locked.ended);
        let locked = waited.unwrap_or_else(PoisonError::into_inner).0;
        let lost = self.lost(&locked, patience);
        let ended = locked.ended;
        drop(locked);
        if ended {
            // The thread panics only if the store does; its unfinished items are in `lost`.
            let _ = writer.join();
        }
        lost.map_or(Ok(()), |lost| Err(Box::new(lost)))
    }

    fn lost(&self, locked: &Queue, patience: Duration) -> Option<Lost> {
        let mut items = locked.refused.iter().chain(locked.items.iter().map(|(_, item)| item)).peekable();
        items.peek()?;
        let why = match &locked.trouble {
            Some(error) => error.to_string(),
            None if locked.ended => "the thread that writes broke off".into(),
            None => format!("it was not done after {} s", patience.as_secs_f64()),
        };
        let (run, at) = (self.run.clone(), self.at.clone());
        let mut lost = Lost { run, at, epochs: Vec::new(), record: false, files: Vec::new(), why };
        for item in items {
            match item {
                Item::Begin(_) | Item::Record(_) => lost.record = true,
                Item::Epoch(epoch) => lost.epochs.push(epoch.row.epoch),
                Item::File(name, _) => lost.files.push(name.to_string()),
            }
        }
        Some(lost)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // A destructor cannot return the error.
        let _ = self.close(DROPPED);
    }
}

impl Shared {
    fn locked(&self) -> MutexGuard<'_, Queue> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lay(&self, item: Item) {
        let mut locked = self.locked();
        if matches!(item, Item::Record(_)) {
            locked.items.retain(|(_, item)| !matches!(item, Item::Record(_)));
        }
        locked.count += 1;
        let number = locked.count;
        locked.items.push_back((number, item));
        self.changed.notify_all();
    }

    /// Blocks until there is a job, and returns it.
    fn next(&self, beat: Instant) -> Job {
        let mut locked = self.locked();
        loop {
            let now = Instant::now();
            let overdue = locked.until.is_some_and(|until| now >= until);
            let begun = !matches!(locked.items.front(), Some((_, Item::Begin(_))));
            if overdue || (locked.until.is_some() && locked.items.is_empty()) {
                return Job::End;
            }
            if begun && now >= beat && locked.until.is_none() {
                return Job::Beat;
            }
            if let Some((number, item)) = locked.items.front() {
                if !matches!(item, Item::Epoch(_)) {
                    return Job::Write(vec![item.clone()], *number);
                }
                let epochs = locked.items.iter().take_while(|(_, item)| matches!(item, Item::Epoch(_))).take(BATCH);
                let (numbers, epochs): (Vec<u64>, Vec<Item>) = epochs.cloned().unzip();
                return Job::Write(epochs, *numbers.last().expect("the first of them is an epoch"));
            }
            let wait = beat.saturating_duration_since(now);
            locked = self.changed.wait_timeout(locked, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Updates the queue with the result of a job. Returns the delay before a retry, or none if the job is done with.
    fn settle(&self, last: u64, result: Result<()>, pause: Duration) -> Option<Duration> {
        let mut locked = self.locked();
        let Err(error) = result else {
            locked.items.retain(|(number, _)| *number > last);
            self.changed.notify_all();
            // An error that cost items is still reported at the end.
            if locked.refused.is_empty() {
                locked.trouble = None;
            }
            return None;
        };
        if error.is_temporary() {
            locked.trouble = Some(error);
            let pause = if locked.until.is_some() { pause.min(PAUSES[2]) } else { pause };
            return Some(pause);
        }
        // If the run or its store was removed, no item can be stored any more; other errors concern this job alone.
        let all = matches!(error, Error::NoRun { .. } | Error::Removed { .. });
        let (refused, kept): (VecDeque<_>, VecDeque<_>) =
            locked.items.drain(..).partition(|(number, _)| all || *number <= last);
        locked.items = kept;
        locked.refused.extend(refused.into_iter().map(|(_, item)| item));
        locked.trouble = Some(error);
        None
    }

    /// Sleeps before a retry; [`Recorder::finish`] ends a longer backoff early.
    fn rest(&self, pause: Duration) {
        let locked = self.locked();
        if locked.until.is_some() {
            drop(locked);
            thread::sleep(pause);
        } else {
            drop(self.changed.wait_timeout_while(locked, pause, |locked| locked.until.is_none()));
        }
    }
}

/// Main loop of the writer thread.
fn write(store: &dyn Store, run: &str, shared: &Shared) {
    /// Marks the queue as ended, even if the store panics.
    struct Ended<'a>(&'a Shared);
    impl Drop for Ended<'_> {
        fn drop(&mut self) {
            self.0.locked().ended = true;
            self.0.changed.notify_all();
        }
    }
    let _ended = Ended(shared);
    let (mut beat, mut pause) = (Instant::now() + BEAT, PAUSES[0]);
    loop {
        let (result, last) = match shared.next(beat) {
            Job::End => return,
            Job::Beat => {
                beat = Instant::now() + BEAT;
                (store.heartbeat(run), 0)
            }
            Job::Write(items, last) => (stored(store, run, &items), last),
        };
        match shared.settle(last, result, pause) {
            Some(wait) => {
                shared.rest(wait);
                pause = (pause * 2).min(PAUSES[1]);
            }
            None => pause = PAUSES[0],
        }
    }
}

fn stored(store: &dyn Store, run: &str, items: &[Item]) -> Result<()> {
    match &items[0] {
        Item::Begin(run) => store.put(run),
        Item::Record(record) => {
            // `put` alone would bring back a run that was removed; the heartbeat fails then.
            store.heartbeat(run)?;
            store.put(record)
        }
        Item::File(name, bytes) => store.put_file(run, name, bytes),
        Item::Epoch(_) => {
            let epochs = items.iter().filter_map(|item| if let Item::Epoch(epoch) = item { Some(epoch) } else { None });
            let epochs: Vec<Epoch> = epochs.map(|epoch| Epoch::clone(epoch)).collect();
            store.log(run, &epochs)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sqlite;

    fn row(epoch: u64) -> EpochMetrics {
        crate::epoch::row(epoch as i64, [Some(0.5); 8])
    }

    fn run() -> Run {
        Run { id: "a".into(), ..Run::default() }
    }

    /// A store that has one run, and gives up waiting for others at once.
    fn impatient(folder: &tempfile::TempDir) -> Arc<Sqlite> {
        let store = Arc::new(Sqlite::waiting(folder.path(), Duration::ZERO));
        store.put(&run()).unwrap();
        store
    }

    fn until(what: impl Fn() -> bool) {
        let start = Instant::now();
        while !what() {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not come about");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_another_process_locks_out_is_written_later_and_training_never_waits() {
        let folder = tempfile::tempdir().unwrap();
        let store = impatient(&folder);
        let other = rusqlite::Connection::open(folder.path().join("handloom.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let recorder = Recorder::new(Arc::clone(&store) as _, run()).unwrap();
        // The lock is held until everything is queued: a recorder that waited for the store would deadlock.
        (1..=300).for_each(|epoch| recorder.epoch(&row(epoch), &EpochDiagnostics::default()));
        until(|| matches!(recorder.trouble(), Some(Error::Busy { .. })));
        assert_eq!(store.epochs("a").unwrap().len(), 0);
        other.execute_batch("ROLLBACK").unwrap();
        recorder.finish(Duration::from_secs(20)).unwrap();
        let epochs: Vec<u64> = store.epochs("a").unwrap().iter().map(|epoch| epoch.row.epoch).collect();
        assert_eq!(epochs, (1..=300).collect::<Vec<_>>());
    }

    #[test]
    fn a_run_that_has_begun_is_found_and_a_locked_store_delays_nobody_for_long() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::waiting(folder.path(), Duration::ZERO));
        let recorder = Recorder::new(Arc::clone(&store) as _, run()).unwrap();
        recorder.begun(Duration::from_secs(20));
        assert!(store.run("a").unwrap().is_some());
        let other = rusqlite::Connection::open(folder.path().join("handloom.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let late = Recorder::new(Arc::clone(&store) as _, Run { id: "b".into(), ..Run::default() }).unwrap();
        late.begun(Duration::from_millis(50));
        assert!(store.run("b").unwrap().is_none());
        other.execute_batch("ROLLBACK").unwrap();
        late.begun(Duration::from_secs(20));
        assert!(store.run("b").unwrap().is_some());
    }

    #[test]
    fn who_waits_in_vain_is_told_what_is_missing_and_why() {
        let folder = tempfile::tempdir().unwrap();
        let store = impatient(&folder);
        let recorder = Recorder::new(Arc::clone(&store) as _, run()).unwrap();
        recorder.epoch(&row(1), &EpochDiagnostics::default());
        until(|| store.epochs("a").unwrap().len() == 1);
        let other = rusqlite::Connection::open(folder.path().join("handloom.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        for epoch in [2, 3, 4, 6] {
            recorder.epoch(&row(epoch), &EpochDiagnostics::default());
        }
        recorder.put(run());
        let lost = recorder.finish(Duration::from_millis(300)).unwrap_err();
        assert_eq!((&lost.epochs[..], lost.record), (&[2, 3, 4, 6][..], true));
        let told = lost.to_string();
        assert!(
            told.contains("epochs 2-4, 6, its latest record missing") && told.contains("another process"),
            "{told}"
        );
    }

    #[test]
    fn what_a_full_disk_refuses_is_written_once_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let store = impatient(&folder);
        store.limit_pages(16);
        let recorder = Recorder::new(Arc::clone(&store) as _, run()).unwrap();
        let layers = vec![
            handloom_engine::event::LayerStats {
                gradient_norm: 0.5,
                dead: None,
                saturated: None,
                step: Some(1e-3)
            };
            40
        ];
        let evidence = EpochDiagnostics { confusion: None, layers };
        (1..=100).for_each(|epoch| recorder.epoch(&row(epoch), &evidence));
        until(|| matches!(recorder.trouble(), Some(Error::Full { .. })));
        assert!(store.epochs("a").unwrap().len() < 100);
        store.limit_pages(100_000);
        recorder.finish(Duration::from_secs(20)).unwrap();
        assert_eq!(store.epochs("a").unwrap().len(), 100);
        assert_eq!(store.epochs("a").unwrap()[99].evidence, evidence);
    }
}
