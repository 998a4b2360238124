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
        /// Norm of each layer's gradient before the first step, over the batch of [`LayerStats::gradient_norm`]; none if
        /// the training goes on after finished epochs.
        initial_norms: Option<&'a [f64]>,
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
        row: &'a EpochMetrics,
        /// Diagnostics of the epoch.
        evidence: &'a EpochDiagnostics,
        /// True if its weights are the best so far.
        best: bool,
        /// State of the training, from which it can be resumed.
        session: &'a Session,
    },
}

/// The figures of an epoch. Accuracies are fractions; `train_*` are means over the epoch's images as they were trained.
///
/// The gradient for [`EpochDiagnostics`] is neither training nor validation: its time, about that of one step, is in no figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
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
    /// Seconds of validation, with what it counts for [`EpochDiagnostics`].
    pub val_seconds: f64,
}

/// Per-epoch diagnostics: confusion matrix, gradient norms, dead and saturated units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochDiagnostics {
    /// Confusion matrix of the validation images, if there are any. It counts as the accuracy does: the first of
    /// equal scores, and no image whose own class has a score that is no finite number.
    pub confusion: Option<Confusion>,
    /// Statistics of each layer, from the first.
    pub layers: Vec<LayerStats>,
}

/// Statistics of a layer at the end of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerStats {
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
    /// The loss or a weight overflowed or became NaN, or the loss exploded.
    Diverged {
        /// Epoch under way, from 1.
        epoch: u64,
        /// Batch of that epoch, from 1.
        batch: u64,
        /// Reason of the divergence.
        why: Divergence,
    },
}

impl Outcome {
    /// The reason of a divergence as a sentence without its full stop; none if the training did not diverge.
    pub fn divergence(&self) -> Option<String> {
        let &Self::Diverged { epoch, batch, why } = self else { return None };
        let reason = match why {
            Divergence::Loss => format!("the loss of batch {batch} is not a finite number"),
            Divergence::Weight => "a weight is no longer a finite number".to_owned(),
            Divergence::Exploded(times) => format!("the loss grew {}-fold", rounded(times)),
        };
        Some(format!("training diverged in epoch {epoch}: {reason}"))
    }
}

/// A factor of at least 100 with at most three digits: `512`, `5.1 million`, `1e30`.
fn rounded(times: f64) -> String {
    let (unit, name) = match times {
        1e15.. => return format!("{times:.0e}"),
        1e9.. => (1e9, " billion"),
        1e6.. => (1e6, " million"),
        _ => return format!("{times:.0}"),
    };
    let value = times / unit;
    if value < 10.0 { format!("{value:.1}{name}") } else { format!("{value:.0}{name}") }
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

    #[test]
    fn a_divergence_has_one_reason_in_words() {
        let reason = |why| Outcome::Diverged { epoch: 3, batch: 7, why }.divergence().unwrap();
        assert_eq!(
            reason(Divergence::Loss),
            "training diverged in epoch 3: the loss of batch 7 is not a finite number"
        );
        assert_eq!(reason(Divergence::Weight), "training diverged in epoch 3: a weight is no longer a finite number");
        for (times, text) in [
            (100.4, "100"),
            (51_234.0, "51234"),
            (5.12e6, "5.1 million"),
            (5.1e8, "510 million"),
            (2e12, "2000 billion"),
            (1.2e30, "1e30"),
        ] {
            let told = format!("training diverged in epoch 3: the loss grew {text}-fold");
            assert_eq!(reason(Divergence::Exploded(times)), told);
        }
        assert_eq!(Outcome::Finished.divergence(), None);
    }
}
