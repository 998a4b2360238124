//! A training as it is recorded: the same for a run on its own and for a trial of a sweep.

mod beginning;
mod recording;

use std::time::{Duration, Instant};

use handloom_engine::Machine;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::{Event, Observer, Outcome};
use handloom_engine::model::Model;
use handloom_engine::session::Session;
use handloom_engine::train::{Trained, resume};

pub(crate) use self::beginning::{begin, fits, locked, record, training_sha256};
pub(crate) use self::recording::Recording;
use crate::runs::{Run, Status, now_ms};
use crate::wandb::WandbLogger;

/// Longest wait at the end of a run for a store that cannot be written: longer than SQLite waits for a lock, so that
/// SQLite reports the reason.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Reason that an observer gives for ending a trial that is not worth its remaining epochs (pruning).
pub(crate) const PRUNED: &str = "pruned";

/// Inputs of a training.
pub(crate) struct Training<'a> {
    pub(crate) config: &'a Config,
    pub(crate) data: &'a Dataset,
    pub(crate) session: Session,
    pub(crate) machine: &'a Machine,
}

/// Result of a training.
pub(crate) struct Done {
    pub(crate) trained: Trained,
    pub(crate) model: Model,
    /// Duration of the training alone, without what comes after.
    pub(crate) seconds: f64,
}

impl Training<'_> {
    /// Trains while recording, journal and `others` hear of it, and writes into the record of `run` what became of it.
    /// The model is the caller's to save.
    pub(crate) fn carry_out<'o>(
        self,
        run: &mut Run,
        recording: &'o Recording,
        others: Vec<Box<dyn Observer + 'o>>,
        journal: &'o mut WandbLogger<'_>,
    ) -> Done {
        let done = {
            let mut observers: Vec<Box<dyn Observer + '_>> = vec![Box::new(recording.observer(&run.record))];
            observers.extend(others);
            // After the display, whose lines it takes down.
            observers.push(Box::new(|event: &Event<'_>| journal.on(event)));
            self.alone(observers)
        };
        note(run, &done.trained);
        done
    }

    /// Trains while nobody but `observers` hears of it, and nothing is recorded.
    pub(crate) fn alone(self, mut observers: Vec<Box<dyn Observer + '_>>) -> Done {
        let Self { config, data, session, machine } = self;
        let started = Instant::now();
        let trained = resume(config, data, session, machine, &mut observers);
        let seconds = started.elapsed().as_secs_f64();
        let model = Model {
            network: trained.network.clone(),
            classes: data.classes.clone(),
            input_shape: data.shape.clone(),
            config: config.to_map(),
        };
        Done { trained, model, seconds }
    }
}

/// Writes what the training came to into the run's record.
fn note(run: &mut Run, trained: &Trained) {
    run.record.status = match trained.outcome {
        Outcome::Finished => Status::Finished,
        Outcome::Stopped(PRUNED) => Status::Pruned,
        Outcome::Stopped(_) => Status::Stopped,
        Outcome::Diverged { .. } => Status::Diverged,
    };
    run.record.reason = trained.outcome.divergence();
    if let Some(norms) = &trained.initial_norms {
        run.record.initial_norms = recordable(norms);
    }
    run.record.ended_ms = Some(now_ms());
    run.record.epochs = trained.rows.len() as u64;
    run.record.best_epoch = Some(trained.epoch).filter(|&epoch| epoch > 0);
    run.record.val_accuracy =
        trained.rows.iter().find(|row| row.epoch == trained.epoch).and_then(|row| row.val_accuracy);
    run.record.weights_sha256 = Some(trained.network.weights_sha256());
}

/// Gradient norms as a record has them: all of them, or none where one is not a finite number.
pub(crate) fn recordable(norms: &[f64]) -> Vec<f64> {
    if norms.iter().all(|norm| norm.is_finite()) { norms.to_vec() } else { Vec::new() }
}
