//! Checkpoints on their way to disk: written by a thread of their own, each by rename, the latest wins.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};
use handloom_engine::event::{Event, Observer};
use handloom_engine::model::write_atomically;

/// Writes a checkpoint when training starts and after every epoch.
///
/// A file that cannot be written does not stop training: it is tried again with the next one, and
/// [`Checkpointer::finish`] tells if the last did not get there.
pub(crate) struct Checkpointer {
    host: Arc<Shared>,
    writer: Option<JoinHandle<Result<()>>>,
    path: PathBuf,
}

#[derive(Default)]
struct Shared {
    locked: Mutex<SharedState>,
    changed: Condvar,
}

#[derive(Default)]
struct SharedState {
    bytes: Option<Vec<u8>>,
    closed: bool,
}

impl Checkpointer {
    /// Writes to `path`.
    pub(crate) fn new(path: PathBuf) -> Result<Self> {
        let host = Arc::new(Shared::default());
        let (at, to) = (Arc::clone(&host), path.clone());
        let writer = thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || {
                let mut last = Ok(());
                while let Some(bytes) = at.next() {
                    // A store that was removed is not made anew for the sake of a checkpoint.
                    last = match to.parent().filter(|folder| !folder.is_dir()) {
                        Some(gone) => Err(anyhow::anyhow!("the folder `{}` was removed", gone.display())),
                        None => write_atomically(&to, &bytes).map_err(anyhow::Error::from),
                    }
                    .context("the last checkpoint is not on disk");
                }
                last
            })
            .context("starting the checkpoint writer")?;
        Ok(Self { host, writer: Some(writer), path })
    }

    /// Waits until the last checkpoint is on disk for good.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.close();
        if let Some(writer) = self.writer.take() {
            writer.join().map_err(|_| anyhow::anyhow!("the checkpoint writer panicked"))??;
        }
        match File::open(&self.path).and_then(|file| file.sync_all()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("writing `{}`", self.path.display()))
            }
            _ => Ok(()),
        }
    }

    fn close(&self) {
        self.host.lock().closed = true;
        self.host.changed.notify_one();
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, SharedState> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next bytes to write, or `None` when there will be no more.
    fn next(&self) -> Option<Vec<u8>> {
        let mut locked = self.lock();
        loop {
            if let Some(bytes) = locked.bytes.take() {
                return Some(bytes);
            }
            if locked.closed {
                return None;
            }
            locked = self.changed.wait(locked).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Observer for Checkpointer {
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<&'static str> {
        if let Event::Started { session, .. } | Event::Epoch { session, .. } = event {
            self.host.lock().bytes = Some(session.to_checkpoint());
            self.host.changed.notify_one();
        }
        ControlFlow::Continue(())
    }
}
