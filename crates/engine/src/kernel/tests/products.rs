//! Matrix products, and what becomes of gradients.

use super::*;
use crate::kernel::Isa;
use crate::kernel::outer::Sink;
use crate::kernel::product::{Product, Transpose};
use crate::kernel::update::{Accumulate, Gradient};
use crate::layer::{Layer, Tensors};
use crate::optim::{Decay, Optimizer, Step, Update};

/// Numbers of rows that take every tile height, alone and with others, and whole chunks.
fn row_counts() -> impl Iterator<Item = usize> {
    (1..=40).chain([255, 256])
}

/// Inputs and outputs: below, at and above a panel, odd and even numbers of panels, several blocks of inputs.
const SHAPES: [(usize, usize); 6] = [(1, 1), (3, 5), (16, 16), (17, 33), (50, 40), (530, 20)];

/// A layer of random parameters, whose remembered values are no numbers: nobody may read them.
fn layer(inputs: usize, outputs: usize, rng: &mut Rng) -> (Layer, Tensors) {
    let flat = |rows, columns, rng: &mut Rng| random(rows, columns, rng).concat();
    let tensors = Tensors { weight: flat(outputs, inputs, rng), bias: flat(1, outputs, rng) };
    let mut layer = Layer::new(inputs, outputs, 2);
    layer.data.fill(Lanes([f32::NAN; LANES]));
    for panel in layer.data.chunks_exact_mut(3 * (panels(inputs) * LANES + 1)) {
        panel[..=panels(inputs) * LANES].fill(Lanes::ZERO);
    }
    layer.set(0, &tensors);
    (layer, tensors)
}

#[test]
fn a_product_with_bias_is_right_for_any_shape() {
    let mut rng = Rng::stream(1, "test", 0);
    for ((inputs, outputs), rows) in SHAPES.iter().flat_map(|&shape| row_counts().map(move |rows| (shape, rows))) {
        let x = random(rows, inputs, &mut rng);
        let (layer, w) = layer(inputs, outputs, &mut rng);
        for isa in Isa::supported() {
            let mut out = vec![Lanes([f32::NAN; LANES]); panels(outputs) * rows];
            isa.run(Product {
                a: &pack(&x),
                b: &layer.data,
                stride: layer.stride(),
                depth: layer.depth(),
                bias: true,
                rows,
                out: &mut out,
            });
            for (b, o) in (0..rows).flat_map(|b| (0..outputs).map(move |o| (b, o))) {
                let products = (0..inputs).map(|i| f64::from(x[b][i]) * f64::from(w.weight[o * inputs + i]));
                let terms = products.chain([f64::from(w.bias[o])]);
                let got = get(&out, o, b, rows);
                assert!(is_sum(got, terms), "{} {inputs} x {outputs}, row {b} of {rows}: {got}", isa.name());
            }
            assert!(is_padded(&out, outputs, rows), "{} {inputs} x {outputs} x {rows}", isa.name());
        }
    }
}

#[test]
fn the_gradient_of_inputs_is_a_product_with_the_transpose() {
    let mut rng = Rng::stream(2, "test", 0);
    for ((inputs, outputs), rows) in SHAPES.iter().flat_map(|&shape| [1, 7, 32].map(move |rows| (shape, rows))) {
        let d = random(rows, outputs, &mut rng);
        let (layer, w) = layer(inputs, outputs, &mut rng);
        let depth = panels(outputs) * LANES;
        for isa in Isa::supported() {
            for first in 0..panels(inputs) {
                let share = panels(inputs) - first;
                let mut transposed = vec![Lanes([f32::NAN; LANES]); share * depth];
                isa.run(Transpose { w: &layer.data, stride: layer.stride(), outputs, first, out: &mut transposed });
                let mut out = vec![Lanes([f32::NAN; LANES]); share * rows];
                let (a, b) = (&pack(&d), &transposed);
                isa.run(Product { a, b, stride: depth, depth, bias: false, rows, out: &mut out });
                for (b, i) in (0..rows).flat_map(|b| (first * LANES..inputs).map(move |i| (b, i))) {
                    let terms = (0..outputs).map(|o| f64::from(d[b][o]) * f64::from(w.weight[o * inputs + i]));
                    let got = get(&out, i - first * LANES, b, rows);
                    assert!(is_sum(got, terms), "{} {inputs} x {outputs}, row {b} of {rows}: {got}", isa.name());
                }
                assert!(is_padded(&out, inputs - first * LANES, rows));
            }
        }
    }
}

/// The sum for input `i` (the bias if there is none) and output `o`.
fn terms<'a>(x: &'a [Vec<f32>], d: &'a [Vec<f32>], i: Option<usize>, o: usize) -> impl Iterator<Item = f64> + 'a {
    x.iter().zip(d).map(move |(x, d)| f64::from(i.map_or(1.0, |i| x[i])) * f64::from(d[o]))
}

#[test]
fn gradients_of_weights_are_summed_over_chunks() {
    let mut rng = Rng::stream(3, "test", 0);
    for ((inputs, outputs), rows) in SHAPES.iter().flat_map(|&shape| row_counts().map(move |rows| (shape, rows))) {
        let (x, d) = (random(rows, inputs, &mut rng), random(rows, outputs, &mut rng));
        let more = (random(3, inputs, &mut rng), random(3, outputs, &mut rng));
        let all = ([x.clone(), more.0.clone()].concat(), [d.clone(), more.1.clone()].concat());
        for isa in Isa::supported() {
            let mut sums = Layer::new(inputs, outputs, 0);
            sums.data.fill(Lanes([f32::NAN; LANES]));
            let plane = sums.plane();
            for (first, (x, d)) in [(true, (&x, &d)), (false, (&more.0, &more.1))] {
                let gradient = Gradient { x: &pack(x), d: &pack(d), rows: x.len(), plane };
                isa.run(Accumulate { gradient, sum: &mut sums.data, first });
                let (x, d) = if first { (x, d) } else { (&all.0, &all.1) };
                let got = sums.tensors(0);
                for o in 0..outputs {
                    assert!(is_sum(got.bias[o], terms(x, d, None, o)), "{} bias {o}, {rows} rows", isa.name());
                    for i in 0..inputs {
                        let got = got.weight[o * inputs + i];
                        assert!(is_sum(got, terms(x, d, Some(i), o)), "{} {inputs} x {outputs} x {rows}", isa.name());
                    }
                }
            }
        }
    }
}

#[test]
fn a_step_moves_each_parameter_by_its_whole_gradient() {
    let sgd = Optimizer::named("sgd").unwrap();
    let mut rng = Rng::stream(4, "test", 0);
    for ((inputs, outputs), rows) in SHAPES.iter().flat_map(|&shape| [1, 6, 33, 150].map(move |rows| (shape, rows))) {
        let (x, d) = (random(rows, inputs, &mut rng), random(rows, outputs, &mut rng));
        let before = layer(inputs, outputs, &mut rng).1;
        let earlier = layer(inputs, outputs, &mut rng).1;
        for (isa, chunked) in Isa::supported().flat_map(|isa| [(isa, false), (isa, true)]) {
            let mut moved = Layer::new(inputs, outputs, 0);
            moved.set(0, &before);
            let mut sum = moved.clone();
            sum.set(0, &earlier);
            let gradient = Gradient { x: &pack(&x), d: &pack(&d), rows, plane: moved.plane() };
            let sum = if chunked { &sum.data[..] } else { &[] };
            sgd.step(Step { lr: 0.5, t: 1, loss: 1.0 }, &mut [], &mut |update| {
                let Update::Fused(step) = update else { panic!("sgd is fused") };
                step.apply(isa, gradient, sum, &mut moved.data, Decay { penalty: 0.25, shrink: 1.0 });
            });
            let share = if chunked { 1.0 } else { 0.0 };
            let after = moved.tensors(0);
            for o in 0..outputs {
                let all = terms(&x, &d, None, o).chain([share * f64::from(earlier.bias[o])]).map(|g| -0.5 * g);
                assert!(is_sum(after.bias[o], all.chain([f64::from(before.bias[o])])), "{} bias {o}", isa.name());
                for (i, at) in (0..inputs).map(|i| (i, o * inputs + i)) {
                    let w = f64::from(before.weight[at]);
                    let all = terms(&x, &d, Some(i), o).chain([share * f64::from(earlier.weight[at]), 0.25 * w]);
                    assert!(is_sum(after.weight[at], all.map(|g| -0.5 * g).chain([w])), "{} {o} {i}", isa.name());
                }
            }
        }
    }
}

/// Counts which rows of which panels it was given.
struct Count<'a>(&'a mut Vec<Vec<u32>>);

impl Sink for Count<'_> {
    fn take(&mut self, panel: usize, row: usize, g: &mut [Lanes]) {
        self.0[panel][row..row + g.len()].iter_mut().for_each(|n| *n += 1);
    }
}

#[test]
fn every_row_of_parameters_is_taken_once() {
    for isa in Isa::supported() {
        for (inputs, outputs) in [(1, 1), (3, 2), (2, 5)] {
            let (x, d) = (vec![Lanes::ZERO; inputs * 3], vec![Lanes::ZERO; outputs * 3]);
            let mut counts = vec![vec![0; inputs * LANES + 1]; outputs];
            isa.run(crate::kernel::outer::Outer { x: &x, d: &d, rows: 3, sink: Count(&mut counts) });
            assert!(counts.iter().flatten().all(|&n| n == 1), "{} {counts:?}", isa.name());
        }
    }
}
