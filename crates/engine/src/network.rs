//! A network: dense layers with an activation between them, and a softmax at the end.

use sha2::{Digest, Sha256};

use crate::activation::Activation;
use crate::dataset::Dataset;
use crate::init::Init;
use crate::kernel::head::{self, BatchStats, MAX_CLASSES, SoftmaxLoss};
use crate::kernel::{Lanes, panels};
use crate::layer::Layer;
pub use crate::layer::Tensors;
use crate::loss::LossKind;
use crate::model;
use crate::pass::{CHUNK, Machine, Workspace};
use crate::rng::Rng;

/// A feed-forward network for classification.
#[derive(Clone, Debug)]
pub struct Network {
    pub(crate) layers: Vec<Layer>,
    pub(crate) activation: Activation,
}

impl Network {
    /// A network of these widths, `[inputs, hidden ..., classes]`, with weights drawn under `seed` and biases of 0.
    pub fn new(sizes: &[usize], activation: Activation, init: &Init, seed: u64) -> Self {
        let tensors = sizes.windows(2).zip(0..).map(|(pair, number)| {
            let mut rng = Rng::stream(seed, "init", number);
            Tensors { weight: init.draw(pair[0], pair[1], &mut rng), bias: vec![0.0; pair[1]] }
        });
        Self::from_tensors(sizes, activation, &tensors.collect::<Vec<_>>())
    }

    /// A network of these widths with given weights.
    pub fn from_tensors(sizes: &[usize], activation: Activation, tensors: &[Tensors]) -> Self {
        assert!(sizes.len() >= 2 && tensors.len() + 1 == sizes.len(), "{} tensors for {sizes:?}", tensors.len());
        assert!(sizes.iter().all(|&n| n > 0), "every layer has a width: {sizes:?}");
        assert!(sizes[sizes.len() - 1] <= MAX_CLASSES, "at most {MAX_CLASSES} classes, got {sizes:?}");
        let layers = sizes.windows(2).zip(tensors).map(|(pair, tensors)| {
            let mut layer = Layer::new(pair[0], pair[1], 0);
            layer.set(0, tensors);
            layer
        });
        Self { layers: layers.collect(), activation }
    }

    /// Widths: `[inputs, hidden ..., classes]`.
    pub fn sizes(&self) -> Vec<usize> {
        std::iter::once(self.inputs()).chain(self.layers.iter().map(|layer| layer.outputs)).collect()
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.layers[self.layers.len() - 1].outputs
    }

    /// The activation between layers.
    pub fn activation(&self) -> &Activation {
        &self.activation
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(Layer::parameters).sum()
    }

    /// Weights and bias of each layer.
    pub fn tensors(&self) -> Vec<Tensors> {
        self.layers.iter().map(|layer| layer.tensors(0)).collect()
    }

    /// SHA-256 of all weights as little-endian `f32`, layer by layer, the weight before the bias.
    pub fn weights_sha256(&self) -> String {
        let mut hash = Sha256::new();
        for tensors in self.tensors() {
            for value in tensors.weight.iter().chain(&tensors.bias) {
                hash.update(value.to_le_bytes());
            }
        }
        model::digits(hash)
    }

    /// Mean loss and accuracy over the rows `rows` of `data`.
    pub fn evaluate(&self, data: &Dataset, rows: &[u32], loss: &LossKind, machine: &Machine) -> BatchStats {
        let mut tally = BatchStats::default();
        self.each_chunk(data, rows, machine, |rows, scores| {
            tally.add(self.judge(data, rows, scores, loss, machine, &mut []));
        });
        tally
    }

    /// Loss and accuracy of the scores (B, C) of the images `rows`; counts predictions in `confusion` (C, C), unless it is empty.
    pub(crate) fn judge(
        &self,
        data: &Dataset,
        rows: &[u32],
        scores: &[Lanes],
        loss: &LossKind,
        machine: &Machine,
        confusion: &mut [u64],
    ) -> BatchStats {
        machine.isa().run(SoftmaxLoss {
            loss: &**loss,
            classes: self.classes(),
            scores,
            labels: &data.labels,
            rows,
            batch: rows.len(),
            d: &mut [],
            confusion,
        })
    }

    /// Probabilities (rows, C) for the rows `rows` of `data`, row-major.
    pub fn predict(&self, data: &Dataset, rows: &[u32], machine: &Machine) -> Vec<f32> {
        let mut probabilities = Vec::with_capacity(rows.len() * self.classes());
        self.each_chunk(data, rows, machine, |rows, scores| {
            head::probabilities(scores, self.classes(), rows.len(), &mut probabilities);
        });
        probabilities
    }

    /// Gradient of the mean loss over `rows`, computed by the passes that training uses.
    pub fn gradient(
        &self,
        data: &Dataset,
        rows: &[u32],
        loss: &LossKind,
        machine: &Machine,
    ) -> (BatchStats, Vec<Tensors>) {
        let mut workspace = Workspace::for_training(self, machine, rows.len());
        let mut tally = BatchStats::default();
        let mut sums: Vec<Layer> = self.layers.iter().map(|layer| Layer::new(layer.inputs, layer.outputs, 0)).collect();
        for (number, chunk) in rows.chunks(CHUNK).enumerate() {
            workspace.forward(self, machine, data, chunk);
            tally.add(workspace.loss(self, machine, &**loss, data, chunk, rows.len()));
            workspace.sum_gradients(self, machine, chunk.len(), &mut sums, number == 0);
        }
        (tally, sums.iter().map(|layer| layer.tensors(0)).collect())
    }

    /// True if every weight and bias is a finite number.
    pub fn is_finite(&self) -> bool {
        self.layers.iter().all(Layer::is_finite)
    }

    /// A copy that carries `memory` zeros for each parameter.
    pub(crate) fn with_memory(&self, memory: usize) -> Self {
        let layers = self.layers.iter().map(|layer| layer.with_memory(memory)).collect();
        Self { layers, activation: self.activation.clone() }
    }

    /// Calls `take` with the rows of each chunk and their scores (B, C) in panels.
    fn each_chunk(&self, data: &Dataset, rows: &[u32], machine: &Machine, mut take: impl FnMut(&[u32], &[Lanes])) {
        assert_eq!(data.pixels(), self.inputs(), "pixels of an image, and inputs");
        let mut workspace = Workspace::for_inference(self, machine, rows.len());
        for rows in rows.chunks(CHUNK) {
            workspace.forward(self, machine, data, rows);
            take(rows, workspace.scores(rows.len(), panels(self.classes())));
        }
    }
}
