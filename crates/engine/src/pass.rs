//! The forward and backward passes of a network over a chunk of a batch.
//!
//! A batch runs in chunks of at most [`CHUNK`] rows: its activations then stay in the cache, and a batch of
//! the whole data set needs no more memory than one of 256. `B` is the number of rows in a chunk.

use crate::dataset::Dataset;
use crate::kernel::gather::Gather;
use crate::kernel::head::{Head, Tally};
use crate::kernel::product::{Product, Transpose};
use crate::kernel::team::Team;
use crate::kernel::update::{Accumulate, Gradient};
use crate::kernel::{Isa, LANES, Lanes, elementwise::clear_padding, panels};
use crate::layer::Layer;
use crate::loss::Loss;
use crate::network::Network;
use crate::optim::{Decay, Move};

/// Most rows that run through the network at once.
pub(crate) const CHUNK: usize = 256;

/// What computes: threads and an instruction set.
pub struct Machine {
    pub(crate) team: Team,
    isa: Isa,
}

impl Machine {
    /// `threads` threads with the best instruction set of this processor.
    pub fn new(threads: usize) -> Self {
        Self::with_isa(threads, Isa::best())
    }

    /// `threads` threads with a given instruction set.
    pub fn with_isa(threads: usize, isa: Isa) -> Self {
        Self { team: Team::new(threads), isa }
    }

    /// The instruction set.
    pub fn isa(&self) -> Isa {
        self.isa
    }
}

/// Where a chunk passes through: inputs, activations, and their gradients, all in panels.
pub(crate) struct Workspace {
    x: Vec<Lanes>,
    /// Activations of each layer; the last are scores.
    y: Vec<Vec<Lanes>>,
    /// Pre-activations of each hidden layer, where the activation needs them.
    z: Vec<Vec<Lanes>>,
    /// Gradient of each layer's pre-activations.
    d: Vec<Vec<Lanes>>,
    /// Weights of one layer, transposed.
    transposed: Vec<Lanes>,
}

impl Workspace {
    /// Buffers for forward passes over batches of up to `batch` rows.
    pub(crate) fn for_inference(network: &Network, batch: usize) -> Self {
        let rows = batch.min(CHUNK);
        let lanes = |width: usize| vec![Lanes::ZERO; panels(width) * rows];
        let keeps_z = network.activation.needs_input();
        Self {
            x: lanes(network.inputs()),
            y: network.layers.iter().map(|layer| lanes(layer.outputs)).collect(),
            z: network.layers.iter().map(|layer| if keeps_z { lanes(layer.outputs) } else { Vec::new() }).collect(),
            d: Vec::new(),
            transposed: Vec::new(),
        }
    }

    /// Buffers for forward and backward passes over batches of up to `batch` rows.
    pub(crate) fn for_training(network: &Network, batch: usize) -> Self {
        let workspace = Self::for_inference(network, batch);
        let hidden = network.layers.iter().skip(1);
        let largest = hidden.map(|layer| panels(layer.inputs) * panels(layer.outputs) * LANES).max();
        Self { d: workspace.y.clone(), transposed: vec![Lanes::ZERO; largest.unwrap_or(0)], ..workspace }
    }

    /// Scores (B, C) of the last forward pass.
    pub(crate) fn scores(&self, rows: usize, panels: usize) -> &[Lanes] {
        &self.y[self.y.len() - 1][..panels * rows]
    }

    /// Activations (B, O) of layer `number` in the last forward pass.
    pub(crate) fn activations(&self, number: usize, rows: usize, panels: usize) -> &[Lanes] {
        &self.y[number][..panels * rows]
    }

    /// Runs the images `rows` of `data` through the network.
    pub(crate) fn forward(&mut self, network: &Network, machine: &Machine, data: &Dataset, rows: &[u32]) {
        let (count, activation, isa) = (rows.len(), &network.activation, machine.isa);
        read(data, rows, machine, &mut self.x[..panels(network.inputs()) * count]);
        for (number, layer) in network.layers.iter().enumerate() {
            let hidden = number + 1 < network.layers.len();
            let (below, y) = self.y.split_at_mut(number);
            let x = if number == 0 { &self.x } else { &below[number - 1] };
            let (y, z) = (&mut y[0], &mut self.z[number]);
            let outputs = panels(layer.outputs);
            let z_rows = if z.is_empty() { 0 } else { count };
            machine.team.split(
                count * layer.inputs * layer.outputs,
                (&mut y[..outputs * count], count),
                (&mut z[..outputs * z_rows], z_rows),
                |range, y, z| {
                    isa.run(Product {
                        a: x,
                        b: &layer.data[range.start * layer.stride()..],
                        stride: layer.stride(),
                        depth: layer.depth(),
                        bias: true,
                        rows: count,
                        out: y,
                    });
                    if hidden {
                        activation.forward(isa, y, z);
                        if range.end == outputs {
                            let last = y.len() - count;
                            clear_padding(&mut y[last..], layer.outputs);
                        }
                    }
                },
            );
        }
    }

    /// Evaluates the scores of the chunk `rows` and begins its backward pass: the gradient is that of the
    /// mean over a whole batch of `batch` rows.
    pub(crate) fn loss(
        &mut self,
        network: &Network,
        machine: &Machine,
        loss: &dyn Loss,
        data: &Dataset,
        rows: &[u32],
        batch: usize,
    ) -> Tally {
        let last = self.y.len() - 1;
        let count = panels(network.classes()) * rows.len();
        machine.isa.run(Head {
            loss,
            classes: network.classes(),
            scores: &self.y[last][..count],
            labels: &data.labels,
            rows,
            batch,
            d: &mut self.d[last][..count],
            confusion: &mut [],
        })
    }

    /// Backward pass of one chunk that adds the gradient of every parameter to `sums`.
    pub(crate) fn sum_gradients(
        &mut self,
        network: &Network,
        machine: &Machine,
        rows: usize,
        sums: &mut [Layer],
        first: bool,
    ) {
        let isa = machine.isa;
        for number in (0..network.layers.len()).rev() {
            let layer = &network.layers[number];
            if number > 0 {
                self.input_gradient(network, machine, number, rows);
            }
            let (x, d) = self.gradient(number);
            let (plane, work) = (layer.plane(), rows * layer.inputs * layer.outputs);
            machine.team.split(work, (&mut sums[number].data, plane), (&mut [], 0), |range, sum, _: &mut [u8]| {
                let gradient = Gradient {
                    x: &x[..panels(layer.inputs) * rows],
                    d: &d[range.start * rows..range.end * rows],
                    rows,
                    plane,
                };
                isa.run(Accumulate { gradient, sum, first });
            });
        }
    }

    /// Backward pass of the last chunk: moves every parameter as soon as its gradient is known. `sums` are the
    /// gradients of the chunks before, or empty.
    pub(crate) fn descend(
        &mut self,
        network: &mut Network,
        machine: &Machine,
        rows: usize,
        sums: &mut [Layer],
        step: &dyn Move,
        decay: Decay,
    ) {
        let isa = machine.isa;
        for number in (0..network.layers.len()).rev() {
            if number > 0 {
                self.input_gradient(network, machine, number, rows);
            }
            let (x, d) = self.gradient(number);
            let layer = &mut network.layers[number];
            let (plane, stride, inputs) = (layer.plane(), layer.stride(), panels(layer.inputs));
            let work = (rows + 8 * layer.planes()) * layer.inputs * layer.outputs;
            let (sum, sum_plane): (&mut [Lanes], _) = match sums.get_mut(number) {
                Some(sum) => (&mut sum.data, plane),
                None => (&mut [], 0),
            };
            machine.team.split(work, (&mut layer.data, stride), (sum, sum_plane), |range, parameters, sum| {
                let gradient =
                    Gradient { x: &x[..inputs * rows], d: &d[range.start * rows..range.end * rows], rows, plane };
                step.apply(isa, gradient, sum, parameters, decay);
            });
        }
    }

    /// Inputs of layer `number` and the gradient of its outputs.
    fn gradient(&self, number: usize) -> (&[Lanes], &[Lanes]) {
        (if number == 0 { &self.x } else { &self.y[number - 1] }, &self.d[number])
    }

    /// Gradient of the pre-activations below layer `number`: `(d · Wᵀ) ⊙ f'`.
    fn input_gradient(&mut self, network: &Network, machine: &Machine, number: usize, rows: usize) {
        let (layer, isa) = (&network.layers[number], machine.isa);
        let (below, d) = self.d.split_at_mut(number);
        let (below, d) = (&mut below[number - 1], &d[0]);
        let (y, z) = (&self.y[number - 1], &self.z[number - 1]);
        let (inputs, depth) = (panels(layer.inputs), panels(layer.outputs) * LANES);
        machine.team.split(
            rows * layer.inputs * layer.outputs,
            (&mut below[..inputs * rows], rows),
            (&mut self.transposed[..inputs * depth], depth),
            |range, below, transposed| {
                isa.run(Transpose {
                    w: &layer.data,
                    stride: layer.stride(),
                    outputs: layer.outputs,
                    first: range.start,
                    out: transposed,
                });
                isa.run(Product { a: d, b: transposed, stride: depth, depth, bias: false, rows, out: below });
                let share = range.start * rows..range.end * rows;
                let z = if z.is_empty() { &[][..] } else { &z[share.clone()] };
                network.activation.backward(isa, &y[share], z, below);
            },
        );
    }
}

/// Reads the images `rows` of `data` into panels.
fn read(data: &Dataset, rows: &[u32], machine: &Machine, out: &mut [Lanes]) {
    let (pixels, isa) = (data.pixels(), machine.isa);
    machine.team.split(rows.len() * pixels * 8, (out, rows.len()), (&mut [], 0), |range, out, _: &mut [u8]| {
        isa.run(Gather { images: &data.images, pixels, rows, first: range.start, out });
    });
}
