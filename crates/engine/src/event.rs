//! Events of a training, and the observer that receives them.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::metric::Confusion;
use crate::session::Session;

/// Something that happened in a run.
#[non_exhaustive]
pub enum Event<'a> {
    /// Training begins, or goes on after `session.epoch` epochs.
    Started {
        /// State of the training, from which it can be resumed.
        session: &'a Session,
        /// Optimizer steps in an epoch.
        steps: u64,
        /// Images in an epoch.
        images: u64,
    },
    /// One optimizer step was taken.
    Stepped {
        /// Epoch under way, from 1.
        epoch: u64,
        /// Images of this epoch so far.
        images: u64,
    },
    /// An epoch was finished.
    Epoch {
        /// Its figures.
        row: &'a Row,
        /// Diagnostics of the epoch.
        evidence: &'a Evidence,
        /// True if its weights are the best so far.
        best: bool,
        /// State of the training, from which it can be resumed.
        session: &'a Session,
    },
}

/// The figures of an epoch. Accuracies are fractions; `train_*` are means over the epoch's images as they were trained.
///
/// The gradient for [`Evidence`] is neither training nor validation: its time, about that of one step, is in no figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// From 1.
    pub epoch: u64,
    /// Mean loss without L2.
    pub train_loss: f64,
    /// Share of training images that were right.
    pub train_accuracy: f64,
    /// Mean loss on validation data, if any.
    pub val_loss: Option<f64>,
    /// Accuracy on validation data, if any.
    pub val_accuracy: Option<f64>,
    /// Learning rate.
    pub learning_rate: f64,
    /// Training images a second.
    pub samples_per_second: f64,
    /// Seconds of the training pass.
    pub seconds: f64,
    /// Seconds of validation, with what it counts for [`Evidence`].
    pub val_seconds: f64,
}

/// Per-epoch diagnostics: confusion matrix, gradient norms, dead and saturated units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Confusion matrix of the validation images, if there are any. It counts as the accuracy does: the first of
    /// equal scores, and no image whose own class has a score that is no finite number.
    pub confusion: Option<Confusion>,
    /// Statistics of each layer, from the first.
    pub layers: Vec<Health>,
}

/// Statistics of a layer at the end of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Root of the summed squares of the gradient of its weights and biases, at least 0: that of the mean loss without
    /// L2 over one fixed batch, the first 256 training images in file order. Not finite where the gradient is not.
    pub gradient_norm: f64,
    /// Share of its units that gave exactly 0 for every validation image, in `[0, 1]`; none for an activation that
    /// cannot die, the last layer, or without validation data.
    pub dead: Option<f64>,
    /// Share of its outputs on validation data, units times images, at a flat end of the activation, in `[0, 1]`:
    /// of `sigmoid` below 0.05 or above 0.95, of `tanh` below -0.9 or above 0.9; none for an activation without one,
    /// the last layer, or without validation data.
    pub saturated: Option<f64>,
    /// Size of the epoch's last optimizer step: the root of the summed squares of what it added to the weights and
    /// biases, over that of the weights and biases before it, at least 0; none where these were all 0.
    pub step: Option<f64>,
}

/// Reason of a run's end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// Every epoch was trained.
    Finished,
    /// An observer asked to stop.
    Stopped(&'static str),
    /// The loss or a weight left what numbers can hold, or the loss exploded.
    Diverged {
        /// Epoch under way, from 1.
        epoch: u64,
        /// Batch of that epoch, from 1.
        batch: u64,
        /// Reason of the divergence.
        why: Divergence,
    },
}

/// Reason of a divergence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Divergence {
    /// The loss of a batch was not finite.
    Loss,
    /// A weight was not finite at an epoch's end.
    Weight,
    /// An epoch's mean loss was this many times that of the first batch.
    Exploded(f64),
}

/// Is told of every event and may end the run. Progress bar, store, checkpoints, exporters, pruning and
/// Ctrl-C are all observers.
pub trait Observer {
    /// Takes note of `event`; `Break(reason)` ends training after this step.
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<&'static str>;
}

impl<F: FnMut(&Event<'_>) -> ControlFlow<&'static str>> Observer for F {
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<&'static str> {
        self(event)
    }
}

/// Tells all in turn; every one hears, the first `Break` wins.
impl Observer for Vec<Box<dyn Observer + '_>> {
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<&'static str> {
        let mut verdict = ControlFlow::Continue(());
        for observer in self {
            if let ControlFlow::Break(reason) = observer.on(event)
                && verdict.is_continue()
            {
                verdict = ControlFlow::Break(reason);
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_hears_and_the_first_break_wins() {
        let mut heard = 0;
        {
            let mut all: Vec<Box<dyn Observer + '_>> = vec![
                Box::new(|_: &Event<'_>| ControlFlow::Break("patience")),
                Box::new(|_: &Event<'_>| {
                    heard += 1;
                    ControlFlow::Break("pruned")
                }),
            ];
            assert_eq!(all.on(&Event::Stepped { epoch: 1, images: 32 }), ControlFlow::Break("patience"));
        }
        assert_eq!(heard, 1);
    }
}
