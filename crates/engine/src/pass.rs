//! The forward and backward passes of a network over a chunk of a batch.
//!
//! A batch runs in chunks of at most [`CHUNK`] rows: its activations then stay in the cache, and a batch of
//! the whole data set needs no more memory than one of 256. `B` is the number of rows in a chunk.

use crate::activation::Activation;
use crate::dataset::Dataset;
use crate::kernel::gather::Gather;
use crate::kernel::head::{BatchStats, SoftmaxLoss};
use crate::kernel::product::{Product, Transpose};
use crate::kernel::share::{Each, Share, Units};
use crate::kernel::team::Team;
use crate::kernel::update::{Accumulate, Gradient};
use crate::kernel::{Isa, LANES, Lanes, elementwise::clear_padding, panels};
use crate::layer::Layer;
use crate::loss::Loss;
use crate::network::Network;
use crate::optim::{Decay, FusedStep};

/// Most rows that run through the network at once.
pub(crate) const CHUNK: usize = 256;

/// Compute resources: a team of threads and an instruction set.
pub struct Machine {
    pub(crate) team: Team,
    isa: Isa,
}

impl Machine {
    /// `threads` threads, or as many of them as the system starts, with the best instruction set of this processor.
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

    /// Threads, the caller's included.
    pub fn threads(&self) -> usize {
        self.team.threads()
    }
}

/// Buffers of a chunk: inputs, activations, and their gradients, all in panels.
pub(crate) struct Workspace {
    /// Inputs: a copy for each thread, as reading a chunk takes less time (8 µs for 32 images) than fetching the half
    /// of it from another core's cache (17 µs), and no thread has to wait for another's half.
    x: Vec<Vec<Lanes>>,
    /// Number of copies that hold the chunk.
    copies: usize,
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
    pub(crate) fn for_inference(network: &Network, machine: &Machine, batch: usize) -> Self {
        let rows = batch.min(CHUNK);
        let lanes = |width: usize| vec![Lanes::ZERO; panels(width) * rows];
        let keeps_z = network.activation.needs_input();
        Self {
            x: vec![lanes(network.inputs()); machine.team.threads()],
            copies: 0,
            y: network.layers.iter().map(|layer| lanes(layer.outputs)).collect(),
            z: network.layers.iter().map(|layer| if keeps_z { lanes(layer.outputs) } else { Vec::new() }).collect(),
            d: Vec::new(),
            transposed: Vec::new(),
        }
    }

    /// Buffers for forward and backward passes over batches of up to `batch` rows.
    pub(crate) fn for_training(network: &Network, machine: &Machine, batch: usize) -> Self {
        let workspace = Self::for_inference(network, machine, batch);
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
        for (number, layer) in network.layers.iter().enumerate() {
            let hidden = number + 1 < network.layers.len();
            let (below, y) = self.y.split_at_mut(number); // the last of `below` (B, I), y[0] (B, O)
            let (outputs, z) = (panels(layer.outputs), &mut self.z[number]); // z (B, O), or empty
            let z_rows = if z.is_empty() { 0 } else { count };
            let out =
                (Units::new(&mut y[0][..outputs * count], outputs), Units::new(&mut z[..outputs * z_rows], outputs));
            let product = |x: &[Lanes], (y, z): (Share<'_, Lanes>, Share<'_, Lanes>)| {
                isa.run(Product {
                    a: x,                                             // (B, I)
                    b: &layer.data[y.range.start * layer.stride()..], // (I + 1, O), the bias last
                    stride: layer.stride(),
                    depth: layer.depth(),
                    bias: true,
                    rows: count,
                    out: y.data, // (B, O)
                });
                if hidden {
                    activation.forward(isa, y.data, z.data);
                    if y.range.contains(&(outputs - 1)) {
                        let last = y.data.len() - count;
                        clear_padding(&mut y.data[last..], layer.outputs);
                    }
                }
            };
            let work = count * layer.inputs * layer.outputs;
            if let Some(x) = below.last() {
                machine.team.run(work, out, |_, out| product(x, out));
            } else {
                self.copies = machine.team.run(work, (Each::new(&mut self.x), out), |_, (x, out)| {
                    let x = &mut x[..panels(layer.inputs) * count]; // (B, I)
                    isa.run(Gather { images: &data.images, pixels: data.pixels(), rows, out: x });
                    product(x, out);
                });
            }
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
    ) -> BatchStats {
        let last = self.y.len() - 1;
        let count = panels(network.classes()) * rows.len();
        machine.isa.run(SoftmaxLoss {
            loss,
            classes: network.classes(),
            scores: &self.y[last][..count], // (B, C)
            labels: &data.labels,
            rows,
            batch,
            d: &mut self.d[last][..count], // (B, C)
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
        let (team, isa) = (&machine.team, machine.isa);
        for (number, layer) in network.layers.iter().enumerate().rev() {
            let (below, d) = self.d.split_at_mut(number);
            if let Some(below) = below.last_mut() {
                let (y, z) = (&self.y[number - 1], &self.z[number - 1]); // (B, I)
                let activation = &network.activation;
                let input = InputGradient { layer, activation, y, z, d: &d[0], rows };
                team.run(input.work(), input.out(below, &mut self.transposed), |_, out| input.run(isa, out));
            }
            let x = number.checked_sub(1).map(|below| &self.y[below][..]); // (B, I)
            let sum = Units::new(&mut sums[number].data, panels(layer.outputs)); // (I + 1, O)
            team.run(rows * layer.inputs * layer.outputs, sum, |thread, sum| {
                let x = x.unwrap_or_else(|| inputs(&self.x, self.copies, thread));
                let gradient = Gradient { x, d: &d[0], rows, plane: layer.plane() }.share(&sum.range);
                isa.run(Accumulate { gradient, sum: sum.data, first });
            });
        }
    }

    /// Backward pass of the last chunk: moves every parameter as soon as its gradient is known. `sums` are the
    /// gradients of the chunks before, or empty.
    ///
    /// A section takes 2 µs to begin and end, so each does what it can: the gradient of a layer's inputs needs
    /// only its weights as they are, and the layer above, whose own is done, moves meanwhile.
    pub(crate) fn descend(
        &mut self,
        network: &mut Network,
        machine: &Machine,
        rows: usize,
        sums: &mut [Layer],
        step: &dyn FusedStep,
        decay: Decay,
    ) {
        let (team, isa) = (&machine.team, machine.isa);
        let apply = |gradient: Gradient<'_>, (parameters, sum): (Share<'_, Lanes>, Share<'_, Lanes>)| {
            if !parameters.range.is_empty() {
                step.apply(isa, gradient.share(&parameters.range), sum.data, parameters.data, decay);
            }
        };
        for number in (1..network.layers.len()).rev() {
            let (lower, upper) = network.layers.split_at_mut(number + 1);
            let (below, d) = self.d.split_at_mut(number);
            let (y, z, activation) = (&self.y[number - 1], &self.z[number - 1], &network.activation);
            let input = InputGradient { layer: &lower[number], activation, y, z, d: &d[0], rows };
            let out = input.out(&mut below[number - 1], &mut self.transposed);
            let sums_above = sums.get_mut(number + 1..).unwrap_or_default();
            let (work, gradient, parameters) = moving(upper, sums_above, (&self.y[number], &d[1..]), rows);
            team.run(input.work() + work, (parameters, out), |_, (parameters, out)| {
                apply(gradient, parameters);
                input.run(isa, out);
            });
        }
        let (first, second) = network.layers.split_at_mut(1);
        let (sum, sums) = sums.split_at_mut(sums.len().min(1));
        let (work, gradient, parameters) = moving(first, sum, (&[], &self.d), rows);
        let (work_above, above, parameters_above) = moving(second, sums, (&self.y[0], &self.d[1..]), rows);
        team.run(work + work_above, (parameters, parameters_above), |thread, (parameters, parameters_above)| {
            apply(above, parameters_above);
            apply(Gradient { x: inputs(&self.x, self.copies, thread), ..gradient }, parameters);
        });
    }
}

/// The inputs as thread number `thread` has them: its own copy if it has read the chunk, else the caller's.
fn inputs(x: &[Vec<Lanes>], copies: usize, thread: usize) -> &[Lanes] {
    &x[if thread < copies { thread } else { 0 }]
}

/// The first of `layers` as a section moves it, if there is one: the work, the gradient, and what the section
/// writes. `x` are its inputs, `d` the gradients of the layers' outputs.
fn moving<'a>(
    layers: &'a mut [Layer],
    sums: &'a mut [Layer],
    (x, d): (&'a [Lanes], &'a [Vec<Lanes>]),
    rows: usize,
) -> (usize, Gradient<'a>, (Units<'a, Lanes>, Units<'a, Lanes>)) {
    let Some(layer) = layers.first_mut() else {
        let nothing = || Units::new(&mut [], 0);
        return (0, Gradient { x: &[], d: &[], rows, plane: 0 }, (nothing(), nothing()));
    };
    let outputs = panels(layer.outputs);
    let work = (rows + 8 * layer.planes()) * layer.inputs * layer.outputs;
    let gradient = Gradient { x, d: &d[0], rows, plane: layer.plane() };
    let sum = sums.first_mut().map_or(&mut [][..], |sum| &mut sum.data);
    (work, gradient, (Units::new(&mut layer.data, outputs), Units::new(sum, outputs)))
}

/// The gradient of the pre-activations below a layer: `(d · Wᵀ) ⊙ f'`.
struct InputGradient<'a> {
    layer: &'a Layer,
    activation: &'a Activation,
    /// Activations below the layer, and pre-activations if the activation needs them.
    y: &'a [Lanes],
    z: &'a [Lanes],
    /// Gradient of the layer's outputs.
    d: &'a [Lanes],
    /// B.
    rows: usize,
}

impl InputGradient<'_> {
    /// Multiply-adds.
    fn work(&self) -> usize {
        self.rows * self.layer.inputs * self.layer.outputs
    }

    /// Output buffers, split by panels of the layer's inputs: the result, and transposed weights.
    fn out<'a>(&self, below: &'a mut [Lanes], transposed: &'a mut [Lanes]) -> (Units<'a, Lanes>, Units<'a, Lanes>) {
        let (inputs, depth) = (panels(self.layer.inputs), panels(self.layer.outputs) * LANES);
        (Units::new(&mut below[..inputs * self.rows], inputs), Units::new(&mut transposed[..inputs * depth], inputs))
    }

    /// Computes a share.
    fn run(&self, isa: Isa, (below, transposed): (Share<'_, Lanes>, Share<'_, Lanes>)) {
        let Self { layer, activation, y, z, d, rows } = *self;
        let depth = panels(layer.outputs) * LANES;
        isa.run(Transpose {
            w: &layer.data,
            stride: layer.stride(),
            outputs: layer.outputs,
            first: below.range.start,
            out: transposed.data,
        });
        // (B, O) · (O, I) → (B, I).
        let product = Product { a: d, b: transposed.data, stride: depth, depth, bias: false, rows, out: below.data };
        isa.run(product);
        let share = below.range.start * rows..below.range.end * rows;
        activation.backward(isa, &y[share.clone()], if z.is_empty() { z } else { &z[share] }, below.data);
    }
}
