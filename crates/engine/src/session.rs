//! A training under way: the network with its optimizer's memory, and what it has come to.

use serde_json::{Map, Value};

use crate::config::Config;
use crate::dataset::Dataset;
use crate::event::EpochMetrics;
use crate::kernel::head::BatchStats;
use crate::layer::Layer;
use crate::loss::LossKind;
use crate::network::Network;
use crate::numerics::Numerics;
use crate::optim::{Decay, Optimizer, Step, Update};
use crate::pass::{CHUNK, Machine, Workspace};

/// Everything that training restores when it is resumed.
pub struct Session {
    /// The network as trained so far; each layer carries the optimizer's memory.
    pub(crate) network: Network,
    /// Optimizer steps so far.
    pub(crate) step: u64,
    /// Optimizer state of the whole run.
    pub(crate) scalars: Vec<f64>,
    /// Finished epochs.
    pub epoch: u64,
    /// Figures of finished epochs.
    pub rows: Vec<EpochMetrics>,
    /// The best weights so far, if any epoch was validated.
    pub best: Option<Best>,
    /// Mean loss of the very first batch.
    pub(crate) first_loss: Option<f64>,
    /// The arithmetic of every step so far; none before the first, and of unknown parts after steps by more than one.
    pub(crate) arithmetic: Option<Numerics>,
    /// The flat configuration.
    pub(crate) config: Map<String, Value>,
    /// False for a checkpoint of format 1, which has no checksum.
    pub is_checked: bool,
}

/// The weights of the best epoch so far.
#[derive(Clone, Debug)]
pub struct Best {
    /// Epoch, from 1.
    pub epoch: u64,
    /// Its accuracy on validation data.
    pub val_accuracy: f64,
    /// Its network.
    pub network: Network,
}

impl Session {
    /// Before the first step.
    pub fn new(config: &Config, network: &Network) -> Self {
        let rule = config.rule();
        Self {
            network: network.with_memory(rule.slots()),
            step: 0,
            scalars: vec![0.0; rule.scalars()],
            epoch: 0,
            rows: Vec::new(),
            best: None,
            first_loss: None,
            arithmetic: None,
            config: config.to_map(),
            is_checked: true,
        }
    }

    /// The arithmetic of the whole training if it goes on with `next`: unknown unless every step so far was taken by the
    /// same, so that nobody takes the result for what either of them trains alone.
    pub fn arithmetic_with(&self, next: &Numerics) -> Numerics {
        match &self.arithmetic {
            Some(known) if !known.same_bits(next) => Numerics::default(),
            _ => next.clone(),
        }
    }

    /// The arithmetic that took the steps of a checkpoint; parts that it does not say are missing. None for a training
    /// that has no checkpoint yet.
    pub fn arithmetic(&self) -> Option<&Numerics> {
        self.arithmetic.as_ref()
    }

    /// Widths of the network: `[inputs, hidden ..., classes]`.
    pub fn sizes(&self) -> Vec<usize> {
        self.network.sizes()
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.network.parameters()
    }

    /// A copy of the network as trained so far.
    pub fn network(&self) -> Network {
        self.network.with_memory(0)
    }
}

/// Optimizer steps with their buffers.
pub(crate) struct Stepper {
    rule: Optimizer,
    loss: LossKind,
    rate: f64,
    decay: Decay,
    workspace: Workspace,
    /// Gradients of a batch, where it runs in several chunks or the rule needs whole matrices; else empty.
    sums: Vec<Layer>,
}

impl Stepper {
    pub(crate) fn new(config: &Config, network: &Network, machine: &Machine, batch: usize) -> Self {
        let rule = config.rule();
        let rate = config.rate();
        let sums = if batch > CHUNK { network.with_memory(0).layers } else { Vec::new() };
        Self {
            decay: Decay::of(&*rule, config.weight_decay, rate),
            loss: config.loss.clone(),
            workspace: Workspace::for_training(network, machine, batch),
            rule,
            rate,
            sums,
        }
    }

    /// Trains one batch: the images `rows` of `data`.
    pub(crate) fn step(
        &mut self,
        session: &mut Session,
        machine: &Machine,
        data: &Dataset,
        rows: &[u32],
    ) -> BatchStats {
        let mut tally = BatchStats::default();
        // Chunks of nearly equal length, so that none is a small rest.
        let chunks = rows.len().div_ceil(CHUNK);
        let length = rows.len().div_ceil(chunks);
        for (number, chunk) in rows.chunks(length).enumerate() {
            self.workspace.forward(&session.network, machine, data, chunk);
            tally.add(self.workspace.loss(&session.network, machine, &*self.loss, data, chunk, rows.len()));
            if number + 1 < rows.len().div_ceil(length) {
                let sums = &mut self.sums;
                self.workspace.sum_gradients(&session.network, machine, chunk.len(), sums, number == 0);
            } else {
                session.step += 1;
                let at = Step { lr: self.rate, t: session.step, loss: tally.mean_loss() };
                let (workspace, network, decay) = (&mut self.workspace, &mut session.network, self.decay);
                let sums = &mut self.sums;
                self.rule.step(at, &mut session.scalars, &mut |update| match update {
                    Update::Fused(step) => {
                        let sums = if number == 0 { &mut [] } else { &mut sums[..] };
                        workspace.descend(network, machine, chunk.len(), sums, step, decay);
                    }
                    Update::PerLayer(step) => {
                        if sums.is_empty() {
                            *sums = network.with_memory(0).layers;
                        }
                        workspace.sum_gradients(network, machine, chunk.len(), sums, number == 0);
                        let last = network.layers.len() - 1;
                        for (at, (layer, gradient)) in network.layers.iter_mut().zip(sums.iter()).enumerate() {
                            step.apply(machine, layer, gradient, at > 0 && at < last, decay);
                        }
                    }
                });
            }
        }
        tally
    }
}
