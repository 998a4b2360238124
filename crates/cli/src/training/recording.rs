//! Recording of a run in the store, while it trains and at its end.

use std::cell::RefCell;
use std::fs;
use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::{Context as _, Result};
use handloom_engine::event::{EpochDiagnostics, Event, Observer};
use handloom_engine::session::Session;
use handloom_store::{self as store, Recorder};

use super::{PATIENCE, recordable};
use crate::runs::{CONFIG, MODEL, Record, Run, Runs};

/// A run that is being recorded.
pub(crate) struct Recording {
    recorder: Recorder,
    /// True if the store keeps files of its own, as a database does.
    keeps_files: bool,
}

impl Recording {
    /// Records that `run` begins, or goes on after the epochs of `session`; what was recorded of later ones is dropped.
    pub(crate) fn begin(runs: &Runs, run: &Run, session: &Session) -> Result<Self> {
        let id = &run.record.id;
        let known = if session.epoch.max(run.record.epochs) > 0 {
            runs.store.forget_after(id, session.epoch)?;
            runs.store.epochs(id)?
        } else {
            Vec::new()
        };
        let recorder = Recorder::new(runs.store.clone(), run.record.clone()).context("starting the recorder")?;
        // A reader of the start event can find the run, unless the store is busy.
        recorder.begun(Duration::from_secs(1));
        // A run that continues another has its epochs, too; a removed parent leaves their figures alone.
        let parent = match &run.record.parent {
            Some(parent) if known.len() < session.rows.len() => runs.store.epochs(parent)?,
            _ => Vec::new(),
        };
        // A store that could not be written when they were trained learns of them now.
        for row in &session.rows {
            if !known.iter().any(|epoch| epoch.row.epoch == row.epoch) {
                let of_parent = parent.iter().find(|epoch| epoch.row.epoch == row.epoch);
                let evidence = of_parent.map_or_else(EpochDiagnostics::default, |epoch| epoch.evidence.clone());
                recorder.epoch(of_parent.map_or(row, |epoch| &epoch.row), &evidence);
            }
        }
        Ok(Self { recorder, keeps_files: runs.store.folder().is_none() })
    }

    /// Error that keeps the store from being written, if there is one.
    pub(crate) fn trouble(&self) -> Option<store::Error> {
        self.recorder.trouble()
    }

    /// Observer that records epochs. `record` is the run's, as far as it is known at the beginning.
    pub(crate) fn observer(&self, record: &Record) -> impl Observer + use<'_> {
        let record = RefCell::new(record.clone());
        move |event: &Event<'_>| {
            if let Event::Started { initial_norms: Some(norms), .. } = event {
                let mut record = record.borrow_mut();
                record.initial_norms = recordable(norms);
                self.recorder.put(record.clone());
            }
            if let Event::Epoch { row, evidence, best, .. } = event {
                self.recorder.epoch(row, evidence);
                let mut record = record.borrow_mut();
                record.epochs = row.epoch;
                if *best {
                    record.best_epoch = Some(row.epoch);
                    record.val_accuracy = row.val_accuracy;
                }
                self.recorder.put(record.clone());
            }
            ControlFlow::Continue(())
        }
    }

    /// Records what the run came to, and waits until the store has everything.
    pub(crate) fn end(self, run: &Run, finished: bool) -> Result<()> {
        self.recorder.put(run.record.clone());
        if self.keeps_files && finished {
            for name in [CONFIG, MODEL] {
                let path = run.folder.join(name);
                let bytes = fs::read(&path).with_context(|| format!("reading `{}`", path.display()))?;
                self.recorder.file(name, bytes);
            }
        }
        self.recorder.finish(PATIENCE)?;
        Ok(())
    }
}
