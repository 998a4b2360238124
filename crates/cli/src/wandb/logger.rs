//! A run's W&B files, written while it trains.
//!
//! A write error is reported once and never stops or changes the training; it makes the end of the run fail.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use handloom_engine::Machine;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::{Event, Observer};
use handloom_engine::network::Network;
use handloom_engine::session::Session;
use handloom_export::wandb::{Live, Mode, OfflineRun, Problem};
use serde_json::{Map, Value, json};

use super::pictures::{self, Seen};
use super::rows::{self, Summary};
use super::uploads::{reason, without_sweep};
use super::{Upload, WandbOptions, client, sync};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::provenance;
use crate::runs::{Record, Run};

/// Longest wait for the upload at the end of a run: in general, and after a request to stop.
const PATIENCE: [Duration; 2] = [Duration::from_mins(1), Duration::from_secs(10)];

/// The W&B files of a run under way; nothing at all if it is not logged there.
pub(crate) struct WandbLogger<'a> {
    output: &'a Output,
    /// Our id of the run.
    id: String,
    /// None if the run is not logged, or can no longer be.
    run: Option<OfflineRun>,
    live: Option<Live>,
    /// True if the run is to be uploaded.
    online: bool,
    /// Problem with the upload, which was reported.
    trouble: Option<Problem>,
    /// Reason why the files are incomplete.
    broken: Option<String>,
    /// True if only problems with W&B are reported.
    silent: bool,
    summary: Summary,
    /// The row after the last epoch.
    row: Map<String, Value>,
    /// The part of `row` that goes into the summary.
    tested: Map<String, Value>,
}

impl<'a> WandbLogger<'a> {
    /// Begins the files, with the epochs of `session` if the run goes on. `shows` says whether there will be images
    /// that its network is tried on. The run's record learns where the files are.
    pub(crate) fn begin(
        asked: &WandbOptions,
        run: &mut Run,
        session: &Session,
        classes: usize,
        shows: bool,
        output: &'a Output,
    ) -> Self {
        let mut journal = Self {
            output,
            id: run.record.id.clone(),
            run: None,
            live: None,
            online: asked.mode == Mode::Online,
            trouble: None,
            broken: None,
            silent: asked.environment.silent,
            summary: Summary::default(),
            row: Map::new(),
            tested: Map::new(),
        };
        if asked.is_logged() {
            let charts = if shows { pictures::charts(classes) } else { Vec::new() };
            let identity = asked.identity(&run.record, provenance::remote().as_deref(), charts);
            match OfflineRun::create(&asked.parent(), &identity) {
                Ok(begun) => journal.run = Some(begun),
                Err(error) => journal.give_up(&error.into()),
            }
            journal.replay(session, &run.record);
            if asked.mode == Mode::Online {
                journal.upload();
            }
        }
        run.record.wandb = asked.record(&run.record.id, journal.folder());
        journal
    }

    /// True if W&B files are written: nothing need be prepared for them otherwise.
    pub(crate) fn is_open(&self) -> bool {
        self.run.is_some()
    }

    fn folder(&self) -> Option<&Path> {
        self.run.as_ref().map(OfflineRun::folder)
    }

    /// Writes the epochs of an interrupted run again, so that this folder has the whole run.
    fn replay(&mut self, session: &Session, record: &Record) {
        for row in &session.rows {
            self.summary.add(row);
        }
        let (rows, summary) = (rows::timed(&session.rows, record.started_ms), self.summary.values());
        self.write(|run| {
            rows.iter().try_for_each(|row| run.history(row))?;
            if !rows.is_empty() {
                run.summary(&summary)?;
            }
            Ok(())
        });
    }

    fn upload(&mut self) {
        let Some(folder) = self.folder() else { return };
        match Live::start(folder, &client::search()) {
            Ok(live) => self.live = Some(live),
            Err(problem) => self.trouble(problem),
        }
    }

    /// Writes something, unless the files are given up; gives them up if it cannot be written.
    fn write<T>(&mut self, what: impl FnOnce(&mut OfflineRun) -> Result<T>) -> Option<T> {
        match what(self.run.as_mut()?) {
            Ok(written) => Some(written),
            Err(error) => {
                self.give_up(&error);
                None
            }
        }
    }

    fn give_up(&mut self, error: &anyhow::Error) {
        self.run = None;
        // Its client would wait for an end that never comes.
        self.live = None;
        self.output.warn(format!("{error}\n  training goes on without W&B"));
        self.broken = Some(error.to_string());
    }

    fn trouble(&mut self, problem: Problem) {
        let hint = match &problem {
            Problem::UnknownSweep { .. } => format!("\nhint: {}", without_sweep(&self.id)),
            _ => String::new(),
        };
        self.output.warn(format!("W&B: {problem}{hint}"));
        self.trouble = Some(problem);
    }

    /// Hands over what was said since.
    fn listen(&mut self) {
        let heard = self.output.heard();
        self.write(|run| Ok(heard.iter().try_for_each(|(stderr, line)| run.output(*stderr, line))?));
    }

    /// Shows samples of the training data.
    pub(crate) fn samples(&mut self, name: &str, data: &Dataset) {
        let row = self.write(|run| pictures::samples(run, name, data));
        self.row.extend(row.unwrap_or_default());
    }

    /// Shows what `network` makes of the images `rows` of `data`, which are `what` data.
    pub(crate) fn seen(
        &mut self,
        what: &'static str,
        network: &Network,
        (data, rows): (&Dataset, &[u32]),
        machine: &Machine,
    ) {
        if self.run.is_none() || rows.is_empty() {
            return;
        }
        let probabilities = network.predict(data, rows, machine);
        let seen = Seen { what, data, rows, probabilities: &probabilities };
        let row = self.write(|run| pictures::seen(run, &seen));
        self.row.extend(row.unwrap_or_default());
    }

    /// Figures on the test set.
    pub(crate) fn tested(&mut self, figures: Map<String, Value>) {
        self.row.extend(figures.clone());
        self.tested = figures;
    }

    /// Ends the run, which came to `outcome`, waits a while for its upload, and says where it is. Also returns what
    /// the `done` object says of W&B.
    pub(crate) fn end(mut self, outcome: Result<Exit>) -> (Result<Exit>, Value) {
        let code = outcome.as_ref().map_or_else(crate::exit::code, |exit| *exit);
        let folder = self.close(&outcome);
        let report = match folder {
            Some(folder) => self.tell(&folder, code),
            None => self.report(None, false),
        };
        let outcome = match (self.broken, outcome) {
            (Some(why), Ok(Exit::Done)) => Err(Failure {
                exit: Exit::Failed,
                message: format!(
                    "the run is trained and saved, but its W&B files are not whole: {why}\nhint: `handloom export {} --format wandb` writes them from the store; `WANDB_DIR` says where",
                    self.id
                ),
            }
            .into()),
            (_, outcome) => outcome,
        };
        (outcome, report)
    }

    /// Ends a trial, which came to `exit`, without waiting for its upload; none if it is not logged.
    pub(crate) fn end_trial(mut self, exit: Exit) -> Option<Upload> {
        let folder = self.close(&Ok(exit));
        let online = self.online;
        match (folder, self.broken) {
            (Some(folder), _) => Some(Upload::new(&self.id, folder, online, self.live, self.trouble)),
            (None, Some(why)) => Some(Upload::broken(&self.id, online, &why)),
            (None, None) => None,
        }
    }

    /// Writes the end of the run, which came to `outcome`; returns its folder if it is whole.
    fn close(&mut self, outcome: &Result<Exit>) -> Option<PathBuf> {
        let code = outcome.as_ref().map_or_else(crate::exit::code, |exit| *exit);
        self.listen();
        if let Err(error) = outcome {
            let line = format!("error: {}", crate::exit::told(error));
            self.write(|run| Ok(run.output(true, &line)?));
        }
        let (row, mut summary) = (std::mem::take(&mut self.row), self.summary.values());
        summary.extend(std::mem::take(&mut self.tested));
        self.write(|run| {
            if !row.is_empty() {
                run.history(&row)?;
            }
            Ok(run.summary(&summary)?)
        });
        let finished = self.run.take()?.finish(code as i32);
        finished.map_err(|error| self.give_up(&error.into())).ok()
    }

    fn tell(&mut self, folder: &Path, code: Exit) -> Value {
        if let Some(live) = self.live.take() {
            let stopped = matches!(code, Exit::Interrupted | Exit::Terminated);
            let patience = PATIENCE[usize::from(stopped)];
            self.note(format!("  W&B:   waiting for the upload, at most {} s", patience.as_secs()));
            match live.wait(patience) {
                Ok(()) if self.trouble.is_none() => {
                    self.note(format!("  W&B:   uploaded; the files are in {}", folder.display()));
                    return self.report(Some(folder), true);
                }
                Ok(()) => {}
                Err(problem) => self.trouble(problem),
            }
        }
        self.note(format!("  W&B:   the run's files are in {}", folder.display()));
        let is_refused = matches!(self.trouble, Some(Problem::UnknownSweep { .. }));
        if !self.silent && !is_refused {
            self.output.next(&[&sync(folder)]);
        }
        self.report(Some(folder), false)
    }

    /// W&B part of the `done` event: null if the run is not logged there.
    fn report(&self, folder: Option<&Path>, uploaded: bool) -> Value {
        if folder.is_none() && self.broken.is_none() {
            return Value::Null;
        }
        let why = self.trouble.as_ref().map(|problem| reason(&problem.to_string())).or(self.broken.clone());
        json!({
            "mode": if self.online { "online" } else { "offline" }, "folder": folder, "uploaded": uploaded,
            "why": why, "sync": folder.filter(|_| !uploaded).map(sync),
        })
    }

    fn note(&self, text: String) {
        if !self.silent {
            self.output.note(text);
        }
    }
}

impl Observer for WandbLogger<'_> {
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<&'static str> {
        if matches!(event, Event::Stepped { .. }) || self.run.is_none() {
            return ControlFlow::Continue(());
        }
        self.listen();
        if let Event::Epoch { row, .. } = event {
            self.summary.add(row);
            let summary = self.summary.values();
            self.write(|run| {
                run.history(&rows::row(row))?;
                Ok(run.summary(&summary)?)
            });
            if let Some(problem) = self.live.as_mut().and_then(Live::problem) {
                self.trouble(problem);
            }
        }
        ControlFlow::Continue(())
    }
}
