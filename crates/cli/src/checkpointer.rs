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
    desk: Arc<Desk>,
    writer: Option<JoinHandle<Result<()>>>,
    path: PathBuf,
}

#[derive(Default)]
struct Desk {
    tray: Mutex<Tray>,
    changed: Condvar,
}

#[derive(Default)]
struct Tray {
    bytes: Option<Vec<u8>>,
    closed: bool,
}

impl Checkpointer {
    /// Writes to `path`.
    pub(crate) fn new(path: PathBuf) -> Result<Self> {
        let desk = Arc::new(Desk::default());
        let (at, to) = (Arc::clone(&desk), path.clone());
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
        Ok(Self { desk, writer: Some(writer), path })
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
        self.desk.lock().closed = true;
        self.desk.changed.notify_one();
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.close();
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Tray> {
        self.tray.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next bytes to write, or `None` when there will be no more.
    fn next(&self) -> Option<Vec<u8>> {
        let mut tray = self.lock();
        loop {
            if let Some(bytes) = tray.bytes.take() {
                return Some(bytes);
            }
            if tray.closed {
                return None;
            }
            tray = self.changed.wait(tray).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Observer for Checkpointer {
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<&'static str> {
        if let Event::Started { session, .. } | Event::Epoch { session, .. } = event {
            self.desk.lock().bytes = Some(session.to_checkpoint());
            self.desk.changed.notify_one();
        }
        ControlFlow::Continue(())
    }
}
