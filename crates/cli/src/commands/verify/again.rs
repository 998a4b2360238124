//! A run of a report, trained again to the epoch at which it ended.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::Result;
use handloom_engine::Machine;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::{EpochDiagnostics, EpochMetrics, Event, Observer, Outcome};
use handloom_engine::model::Model;
use handloom_engine::session::Session;
use handloom_view::site::report::Made;
use handloom_view::words::count;
use indicatif::ProgressStyle;

use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::bar;
use crate::runs::Status;
use crate::table::one_line;
use crate::training::{Training, begin, fits, recordable};

/// Reasons for ending a training early.
const END: &str = "the end of the reported run";
const TIME: &str = "the time is up";

/// Result of training a run again.
pub(super) struct Retrained {
    pub(super) rows: Vec<EpochMetrics>,
    pub(super) diagnostics: Vec<(u64, EpochDiagnostics)>,
    pub(super) status: Status,
    /// Description of the divergence, if it diverged.
    pub(super) why: Option<String>,
    /// Norm of each layer's gradient before the first step.
    pub(super) initial_norms: Vec<f64>,
    /// Epoch of the kept weights, if an epoch was finished.
    pub(super) best_epoch: Option<u64>,
    pub(super) val_accuracy: Option<f64>,
    pub(super) weights_sha256: String,
    pub(super) model: Model,
}

/// Ending of a training that repeats a run.
pub(super) enum Ended {
    Retrained(Box<Retrained>),
    /// There was no time left.
    OutOfTime,
    /// Ctrl-C or TERM.
    Interrupted(Exit),
}

/// Context of training again, besides the run.
pub(super) struct RetrainContext<'a> {
    pub(super) machine: &'a Machine,
    pub(super) interrupt: &'a Interrupt,
    pub(super) output: &'a Output,
    /// Time at which training ends, if it is limited.
    pub(super) deadline: Option<Instant>,
}

impl RetrainContext<'_> {
    /// True if no time is left.
    pub(super) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Trains `made` again with the settings `config` on `data`.
    pub(super) fn train(&self, made: &Made, config: &Config, data: &Dataset) -> Result<Ended> {
        if self.is_late() {
            return Ok(Ended::OutOfTime);
        }
        let (train, val) = data.split(config.val_fraction);
        // Sizes that cannot be are the file's fault here, not the command's.
        fits(config, data, (train.len(), val.len()))
            .map_err(|error| Failure::data(format!("run `{}` cannot be trained again: {error}", one_line(&made.id))))?;
        let session = Session::new(config, &begin(config, data)?);
        let bar = bar(self.output, made.epochs.max(1));
        let style = ProgressStyle::with_template("{msg}  {bar:24.cyan/dim}  epoch {pos} of {len}  {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(one_line(&made.id));
        let epochs = count(made.epochs, "epoch", "epochs");
        let data_name = one_line(&made.dataset);
        self.output.note(format!("training {} again, {epochs} on {data_name}", one_line(&made.id)));
        // A run that was ended has to go so far and no further. Any other one ends by itself, or goes on too long.
        let was_ended = matches!(made.status, Status::Stopped | Status::Pruned);
        let last = if was_ended { made.epochs } else { made.epochs.saturating_add(1) };
        let diagnostics = RefCell::new(Vec::new());
        let late = Cell::new(false);
        let watch = |event: &Event<'_>| {
            if let Event::Epoch { row, evidence, .. } = event {
                bar.set_position(row.epoch);
                diagnostics.borrow_mut().push((row.epoch, EpochDiagnostics::clone(evidence)));
            }
            let epoch = match event {
                Event::Epoch { row, .. } => Some(row.epoch),
                Event::Started { .. } => Some(0),
                _ => None,
            };
            if epoch.is_some_and(|epoch| epoch >= last) {
                return ControlFlow::Break(END);
            }
            if self.is_late() {
                late.set(true);
                return ControlFlow::Break(TIME);
            }
            ControlFlow::Continue(())
        };
        let observers: Vec<Box<dyn Observer + '_>> = vec![Box::new(watch), Box::new(self.interrupt.clone())];
        let done = Training { config, data, session, machine: self.machine }.alone(observers);
        bar.finish_and_clear();
        let trained = done.trained;
        let (status, why) = match trained.outcome {
            Outcome::Finished => (Status::Finished, None),
            Outcome::Diverged { .. } => (Status::Diverged, trained.outcome.divergence()),
            Outcome::Stopped(END) if was_ended => (made.status, None),
            // It would go on.
            Outcome::Stopped(END) => (Status::Stopped, None),
            Outcome::Stopped(_) if late.get() => return Ok(Ended::OutOfTime),
            Outcome::Stopped(_) => return Ok(Ended::Interrupted(self.interrupt.exit().unwrap_or(Exit::Failed))),
        };
        let kept = trained.rows.iter().find(|row| row.epoch == trained.epoch);
        Ok(Ended::Retrained(Box::new(Retrained {
            val_accuracy: kept.and_then(|row| row.val_accuracy),
            best_epoch: Some(trained.epoch).filter(|&epoch| epoch > 0),
            weights_sha256: trained.network.weights_sha256(),
            rows: trained.rows,
            diagnostics: diagnostics.take(),
            status,
            why,
            initial_norms: trained.initial_norms.as_deref().map(recordable).unwrap_or_default(),
            model: done.model,
        })))
    }
}
