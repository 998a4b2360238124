//! Simulated learning curves of trainings.

use handloom_engine::config::Config;
use handloom_engine::event::{EpochDiagnostics, EpochMetrics, LayerStats};
use handloom_engine::metric::Confusion;
use handloom_engine::rng::Rng;
use handloom_store::{Epoch, Status as RunStatus};
use handloom_sweep::Status;

/// Classes of garments, and validation images of each.
const CLASSES: usize = 10;
const IMAGES: u64 = 600;
/// Garments that are taken for each other, and how often: shirts and the like first.
const ALIKE: [(usize, usize, f64); 9] = [
    (6, 0, 0.24),
    (0, 6, 0.14),
    (6, 2, 0.14),
    (2, 4, 0.12),
    (4, 6, 0.1),
    (4, 2, 0.08),
    (6, 4, 0.08),
    (9, 7, 0.05),
    (5, 7, 0.05),
];

/// End of a simulated training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Running,
    Finished,
    Stopped,
    Pruned,
    Failed,
    Diverged,
}

/// The epochs of a run.
pub(crate) struct Curve {
    pub(crate) epochs: Vec<Epoch>,
    pub(crate) end: End,
}

impl End {
    /// End of trial `number`: a high rate without adaptation diverges, a trial that learns little is pruned, a few
    /// fail.
    pub(crate) fn of_trial(config: &Config, number: u64) -> Self {
        let mut rng = Rng::stream(super::SEED, "end", number);
        if config.rate() > 0.05 && ["momentum", "nag"].contains(&config.optimizer.name()) && rng.unit() < 0.9 {
            Self::Diverged
        } else if number % 97 == 41 {
            Self::Failed
        } else if quality(config) < 0.8 && rng.unit() < 0.8 {
            Self::Pruned
        } else {
            Self::Finished
        }
    }

    /// The status of its run.
    pub(crate) fn status(self) -> RunStatus {
        match self {
            Self::Running => RunStatus::Running,
            Self::Finished => RunStatus::Finished,
            Self::Stopped => RunStatus::Stopped,
            Self::Pruned => RunStatus::Pruned,
            Self::Failed => RunStatus::Failed,
            Self::Diverged => RunStatus::Diverged,
        }
    }

    /// Status at the end of its trial, with the reason, if it ended.
    pub(crate) fn ended(self) -> Option<(Status, Option<String>)> {
        match self {
            Self::Running | Self::Stopped => None,
            Self::Finished => Some((Status::Finished, None)),
            Self::Pruned => Some((Status::Pruned, None)),
            Self::Failed => Some((Status::Failed, Some("the disk is full".into()))),
            Self::Diverged => Some((Status::Diverged, Some("the loss is not finite".into()))),
        }
    }
}

/// Final accuracy of a configuration, without noise.
fn quality(config: &Config) -> f64 {
    let best_rate = match config.optimizer.name() {
        "sgd" => -1.0,
        "momentum" | "nag" => -2.0,
        _ => -3.0,
    };
    let off = config.rate().log10() - best_rate;
    let depth = config.hidden_size.len() as f64;
    let width = config.hidden_size.first().copied().unwrap_or(10) as f64;
    let flat = match config.activation.name() {
        "sigmoid" => 0.05 * (depth - 2.0),
        "tanh" => 0.004,
        _ => 0.0,
    };
    let init = if config.weight_init.name() == "random" { 0.01 * depth } else { 0.0 };
    let learned = 0.885 + 0.006 * (width / 64.0).log2() - 0.045 * off * off - flat - init;
    if config.weight_decay > 0.1 { 0.1 } else { learned.clamp(0.1, 0.91) }
}

impl Curve {
    /// The training of `config` number `number` of this `purpose`.
    pub(crate) fn new(config: &Config, number: u64, purpose: &str, end: End) -> Self {
        let mut rng = Rng::stream(super::SEED, purpose, 1_000_000 + number);
        let planned = config.epochs;
        let count = match end {
            End::Finished => planned,
            End::Running => planned / 2,
            End::Pruned => 2,
            End::Stopped => planned * 2 / 3,
            // Most diverge in the first epoch, and have no metric at all.
            End::Diverged => 1 + rng.below(3) / 2,
            End::Failed => 1 + rng.below(planned / 2),
        };
        let reached = quality(config) + 0.006 * rng.normal();
        let pace = rng.uniform(0.5, 1.2);
        let epochs = (1..=count).map(|epoch| {
            let left = (-(epoch as f64) / pace).exp();
            let train_accuracy = (reached + 0.012 * (epoch as f64).ln() - 0.35 * left).clamp(0.08, 0.999);
            let val_accuracy = (reached - 0.3 * left + 0.002 * rng.normal()).clamp(0.08, 0.95);
            let is_last = epoch == count;
            let lost = end == End::Diverged && is_last;
            let confusion = confusion(val_accuracy, &mut rng);
            let val_accuracy = confusion.accuracy();
            let row = EpochMetrics {
                epoch,
                train_loss: if lost { f64::NAN } else { 2.3 * (1.0 - train_accuracy) },
                train_accuracy,
                val_loss: Some(if lost { f64::INFINITY } else { 2.5 * (1.0 - val_accuracy.unwrap_or(0.1)) }),
                val_accuracy: val_accuracy.filter(|_| !lost),
                learning_rate: config.rate(),
                samples_per_second: 90_000.0 + 5_000.0 * rng.unit(),
                seconds: 0.6 + 0.05 * rng.unit(),
                val_seconds: 0.03,
            };
            Epoch { row, evidence: EpochDiagnostics { confusion: Some(confusion), layers: layers(config, epoch) } }
        });
        Self { epochs: epochs.collect(), end }
    }

    /// The epoch whose weights are kept.
    pub(crate) fn best(&self) -> Option<&EpochMetrics> {
        let rows = self.epochs.iter().map(|epoch| &epoch.row).filter(|row| row.val_accuracy.is_some());
        rows.reduce(|best, next| if next.val_accuracy > best.val_accuracy { next } else { best })
    }
}

/// Mistakes as garments have them, so many that the accuracy is about this.
fn confusion(accuracy: f64, rng: &mut Rng) -> Confusion {
    let mut counts = vec![vec![0; CLASSES]; CLASSES];
    let wrong = (1.0 - accuracy) * (CLASSES as u64 * IMAGES) as f64;
    let mut add = |truth: usize, predicted: usize, count: f64| {
        let room = IMAGES - counts[truth].iter().sum::<u64>();
        counts[truth][predicted] += (count.round().max(0.0) as u64).min(room);
    };
    for (truth, predicted, share) in ALIKE {
        add(truth, predicted, wrong * share * rng.uniform(0.8, 1.2) * accuracy);
    }
    let rest = wrong * (1.0 - accuracy * ALIKE.iter().map(|(.., share)| share).sum::<f64>());
    for truth in 0..CLASSES {
        for predicted in (0..CLASSES).filter(|&predicted| predicted != truth) {
            add(truth, predicted, rest * rng.uniform(0.5, 1.5) / (CLASSES * (CLASSES - 1)) as f64);
        }
    }
    for (truth, row) in counts.iter_mut().enumerate() {
        row[truth] += IMAGES - row.iter().sum::<u64>();
    }
    Confusion { counts }
}

/// Gradients that shrink towards the first layer where the activation is flat, and some units that died.
fn layers(config: &Config, epoch: u64) -> Vec<LayerStats> {
    let depth = config.hidden_size.len();
    let (shrink, name) = (if config.activation.name() == "sigmoid" { 0.2_f64 } else { 0.8 }, config.activation.name());
    let layer = |at: usize| {
        let is_hidden = at < depth;
        LayerStats {
            gradient_norm: shrink.powi((depth - at) as i32) / (epoch as f64).sqrt(),
            dead: (is_hidden && name == "relu").then_some(0.02 * at as f64),
            saturated: (is_hidden && ["sigmoid", "tanh"].contains(&name)).then_some(0.1 + 0.1 * at as f64),
            step: Some(config.rate() / (at + 1) as f64),
        }
    };
    (0..=depth).map(layer).collect()
}
