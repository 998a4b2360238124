//! Final records of runs, stored by a thread of its own: no trial waits for the store of the one before it.

use std::fs::File;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};

use crate::runs::Run;
use crate::training::Recording;

/// A run whose training is over, and what still has to be stored of it.
struct End {
    run: Run,
    recording: Recording,
    /// Held until the store has everything: the run is at work until then.
    _lock: File,
}

/// Waits for the ends of runs, in a thread of its own.
pub(super) struct Endings {
    sender: Sender<End>,
    waiter: JoinHandle<Vec<String>>,
}

/// Hands over ends.
#[derive(Clone)]
pub(super) struct Handover(Sender<End>);

impl Endings {
    /// Begins to wait.
    pub(super) fn begin() -> Result<Self> {
        let (sender, ends): (_, Receiver<End>) = channel();
        let wait = move || ends.into_iter().filter_map(|end| end.recorded().err()).collect();
        let waiter = thread::Builder::new().name("endings".into()).spawn(wait).context("starting a thread")?;
        Ok(Self { sender, waiter })
    }

    /// Sender for runs whose training is over.
    pub(super) fn handover(&self) -> Handover {
        Handover(self.sender.clone())
    }

    /// Waits until everything that was handed over is stored; says what is not.
    pub(super) fn finish(self) -> Vec<String> {
        drop(self.sender);
        self.waiter.join().unwrap_or_else(|_| vec!["the thread that waits for the store broke off".into()])
    }
}

impl Handover {
    /// Hands over a run that is over, as its record says.
    pub(super) fn end(&self, run: Run, recording: Recording, lock: File) {
        // The other side lives until every handover is gone.
        let _ = self.0.send(End { run, recording, _lock: lock });
    }
}

impl End {
    fn recorded(self) -> Result<(), String> {
        let keeps = self.run.model().exists();
        self.recording.end(&self.run, keeps).map_err(|error| format!("{error:#}"))
    }
}
