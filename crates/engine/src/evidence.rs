//! Per-epoch diagnostics: confusion matrix, gradient norms, dead and saturated units.
//!
//! Diagnostics do not change the training: they have their own buffers, draw no random number and only read the network.
//! The result depends only on the weights before and after the epoch's last step and on the data, so a
//! resumed training reports the same, for any number of threads. `B` is the number of rows in a chunk, `C` the
//! number of classes.
//!
//! Every validation image is looked at, while its activations still lie in the cache from the validation
//! itself: that is one comparison for each of them next to as many multiply-adds as the layer has inputs.

use crate::activation::Flat;
use crate::dataset::Dataset;
use crate::event::{EpochDiagnostics, LayerStats};
use crate::kernel::flat::{Count, Counts};
use crate::kernel::head::BatchStats;
use crate::kernel::share::Units;
use crate::kernel::{LANES, panels};
use crate::layer::Layer;
use crate::loss::LossKind;
use crate::metric::Confusion;
use crate::network::Network;
use crate::pass::{CHUNK, Machine, Workspace};

/// Looks at a network after each epoch; its buffers last for the run.
pub(crate) struct Diagnostics<'a> {
    data: &'a Dataset,
    /// The fixed batch over which gradients are taken: the first rows of the training split, at most [`CHUNK`].
    ///
    /// Always the same, so that a norm differs between epochs by the weights alone and not by luck of the draw.
    /// Rows are in file order: where files are sorted by class, as in a folder of images, these are of the first.
    batch: &'a [u32],
    val_rows: &'a [u32],
    workspace: Workspace,
    /// Gradient of each layer.
    gradient: Vec<Layer>,
    /// Each layer before the epoch's last step.
    before: Vec<Layer>,
    /// Counts (C, C) of the last validation.
    confusion: Vec<u64>,
    /// For each hidden layer how often its units were flat in the last validation; empty where the activation never is.
    flat: Vec<Vec<Counts>>,
}

impl<'a> Diagnostics<'a> {
    /// Of trainings of `network` on the images `train_rows` of `data`, validated on `val_rows`.
    pub(crate) fn new(
        network: &Network,
        machine: &Machine,
        data: &'a Dataset,
        train_rows: &'a [u32],
        val_rows: &'a [u32],
    ) -> Self {
        let batch = &train_rows[..train_rows.len().min(CHUNK)];
        let (_, hidden) = network.layers.split_last().expect("a network has a layer");
        let watched = if network.activation.flat().is_some() { hidden } else { &[] };
        let zeros = |layer: &Layer| Layer::new(layer.inputs, layer.outputs, 0);
        Self {
            data,
            batch,
            val_rows,
            workspace: Workspace::for_training(network, machine, batch.len().max(val_rows.len())),
            gradient: network.layers.iter().map(zeros).collect(),
            before: network.layers.iter().map(zeros).collect(),
            confusion: vec![0; network.classes() * network.classes()],
            flat: watched.iter().map(|layer| vec![Counts::ZERO; panels(layer.outputs)]).collect(),
        }
    }

    /// Looks at a network whose next step is the epoch's last.
    pub(crate) fn before_last_step(&mut self, network: &Network) {
        for (before, layer) in self.before.iter_mut().zip(&network.layers) {
            before.take_weights(layer);
        }
    }

    /// Mean loss and accuracy over the validation images, the same as [`Network::evaluate`] gives; none without images.
    pub(crate) fn validate(&mut self, network: &Network, loss: &LossKind, machine: &Machine) -> Option<BatchStats> {
        self.confusion.fill(0);
        self.flat.iter_mut().for_each(|counts| counts.fill(Counts::ZERO));
        let mut tally = BatchStats::default();
        for rows in self.val_rows.chunks(CHUNK) {
            self.workspace.forward(network, machine, self.data, rows);
            let scores = self.workspace.scores(rows.len(), panels(network.classes()));
            tally.add(network.judge(self.data, rows, scores, loss, machine, &mut self.confusion));
            if let Some(flat) = network.activation.flat() {
                self.count(flat, machine, rows.len());
            }
        }
        (tally.rows > 0).then_some(tally)
    }

    /// Counts where the units of hidden layers were flat in the last forward pass.
    fn count(&mut self, flat: Flat, machine: &Machine, rows: usize) {
        let isa = machine.isa();
        for (number, counts) in self.flat.iter_mut().enumerate() {
            let y = self.workspace.activations(number, rows, counts.len());
            let panels = counts.len();
            machine.team.run(LANES * y.len(), Units::new(counts, panels), |_, counts| {
                let y = &y[counts.range.start * rows..counts.range.end * rows];
                isa.run(Count { flat, y, rows, counts: counts.data });
            });
        }
    }

    /// Norm of each layer's gradient over the fixed batch, that of the mean loss without L2.
    pub(crate) fn gradient_norms(&mut self, network: &Network, loss: &LossKind, machine: &Machine) -> Vec<f64> {
        let (batch, data) = (self.batch, self.data);
        self.workspace.forward(network, machine, data, batch);
        self.workspace.loss(network, machine, &**loss, data, batch, batch.len());
        self.workspace.sum_gradients(network, machine, batch.len(), &mut self.gradient, true);
        self.gradient.iter().map(Layer::norm).collect()
    }

    /// Diagnostics of the epoch: the last validation, present gradient norms, and the relative size of the last step.
    pub(crate) fn evidence(&mut self, network: &Network, loss: &LossKind, machine: &Machine) -> EpochDiagnostics {
        let norms = self.gradient_norms(network, loss, machine);
        let layers = norms.into_iter().enumerate().map(|(number, gradient_norm)| {
            let (dead, saturated) = self.flatness(network, number);
            let (before, layer) = (&self.before[number], &network.layers[number]);
            let step = Some(before.norm()).filter(|&norm| norm > 0.0).map(|norm| layer.distance(before) / norm);
            LayerStats { gradient_norm, dead, saturated, step }
        });
        let confusion = self.confusion.chunks_exact(network.classes()).map(<[u64]>::to_vec);
        let confusion = (!self.val_rows.is_empty()).then(|| Confusion { counts: confusion.collect() });
        EpochDiagnostics { confusion, layers: layers.collect() }
    }

    /// Share of layer `number`'s units that are dead, and of its outputs that are saturated.
    fn flatness(&self, network: &Network, number: usize) -> (Option<f64>, Option<f64>) {
        let images = self.val_rows.len();
        let (Some(flat), Some(counts), 1..) = (network.activation.flat(), self.flat.get(number), images) else {
            return (None, None);
        };
        let units = network.layers[number].outputs;
        let of_units = counts.iter().flat_map(|counts| counts.0).take(units).map(|count| count as usize);
        match flat {
            Flat::Zero => (Some(of_units.filter(|&count| count == images).count() as f64 / units as f64), None),
            Flat::Ends(..) => (None, Some(of_units.sum::<usize>() as f64 / (units * images) as f64)),
        }
    }
}

#[cfg(test)]
mod tests;
