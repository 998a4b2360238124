use std::ops::ControlFlow;
use std::sync::Arc;

use super::*;
use crate::Isa;
use crate::activation::Activation;
use crate::config::Config;
use crate::event::Event;
use crate::gradcheck::reference::{Complex, Reference, activate, relative_error};
use crate::init::Init;
use crate::network::Tensors;
use crate::optim::Optimizer;
use crate::rng::Rng;
use crate::session::{Session, Stepper};
use crate::train::train;

/// A network of these widths with weights and biases drawn up to `size`.
fn drawn(sizes: &[usize], activation: &str, size: f64) -> Network {
    let mut rng = Rng::stream(2, "weights", 0);
    let mut draw = |count: usize| (0..count).map(|_| rng.uniform(-size, size) as f32).collect();
    let tensors: Vec<_> =
        sizes.windows(2).map(|pair| Tensors { weight: draw(pair[0] * pair[1]), bias: draw(pair[1]) }).collect();
    Network::from_tensors(sizes, Activation::named(activation).unwrap(), &tensors)
}

/// Diagnostics with the rows from `split` on for training and those before for validation.
fn seen(network: &Network, data: &Dataset, split: u32, machine: &Machine) -> (Option<BatchStats>, EpochDiagnostics) {
    let (val_rows, train_rows): (Vec<u32>, Vec<u32>) = (0..data.len() as u32).partition(|&row| row < split);
    let loss = LossKind::named("ce").unwrap();
    let mut diagnostics = Diagnostics::new(network, machine, data, &train_rows, &val_rows);
    let tally = diagnostics.validate(network, &loss, machine);
    (tally, diagnostics.evidence(network, &loss, machine))
}

/// Activations (B, O) of each hidden layer for the first `images` images, plainly and in double precision.
fn hidden(network: &Network, data: &Dataset, images: usize) -> Vec<Vec<Vec<f64>>> {
    let mut x: Vec<Vec<f64>> =
        (0..images).map(|i| data.image(i).iter().map(|&pixel| f64::from(pixel) / 255.0).collect()).collect();
    let tensors = network.tensors();
    let below = &tensors[..tensors.len() - 1];
    let layers = below.iter().map(|Tensors { weight, bias }| {
        let unit = |x: &[f64], o: usize| {
            let products = x.iter().zip(&weight[o * x.len()..]).map(|(x, &w)| x * f64::from(w));
            activate(network.activation(), Complex::real(products.sum::<f64>() + f64::from(bias[o]))).re
        };
        x = x.iter().map(|x| (0..bias.len()).map(|o| unit(x, o)).collect()).collect();
        x.clone()
    });
    layers.collect()
}

#[test]
fn confusion_is_that_of_the_predictions_and_its_diagonal_the_accuracy() {
    let data = Dataset::noise(700, 30, 19);
    let network = drawn(&[30, 20, 19], "tanh", 1.0);
    for isa in Isa::supported() {
        let machine = Machine::with_isa(1, isa);
        let (tally, evidence) = seen(&network, &data, 600, &machine);
        let rows: Vec<u32> = (0..600).collect();
        assert_eq!(tally, Some(network.evaluate(&data, &rows, &LossKind::named("ce").unwrap(), &machine)));
        let probabilities = network.predict(&data, &rows, &machine);
        let predicted = probabilities.chunks_exact(19).map(crate::metric::first_maximum);
        let naive = Confusion::new(19, data.labels.iter().map(|&label| usize::from(label)).zip(predicted));
        let confusion = evidence.confusion.unwrap();
        assert_eq!(confusion, naive);
        assert_eq!((confusion.total(), confusion.accuracy()), (600, tally.map(BatchStats::accuracy)));
    }
}

#[test]
fn gradient_norms_are_those_of_the_definition_in_double_precision() {
    let data = Dataset::noise(40, 5, 4);
    for (activation, isa) in Activation::all().flat_map(|a| Isa::supported().map(move |isa| (a.clone(), isa))) {
        let network = drawn(&[5, 17, 6, 4], activation.name(), 0.8);
        let rows: Vec<u32> = (10..40).collect();
        let loss = LossKind::named("ce").unwrap();
        let exact = Reference::new(&network, &loss, &data, &rows).gradient();
        let norm = |[weight, bias]: &[Vec<f64>; 2]| weight.iter().chain(bias).map(|g| g * g).sum::<f64>().sqrt();
        let (_, evidence) = seen(&network, &data, 10, &Machine::with_isa(1, isa));
        let ours: Vec<f32> = evidence.layers.iter().map(|layer| layer.gradient_norm as f32).collect();
        let error = relative_error(&ours, &exact.iter().map(norm).collect::<Vec<_>>());
        assert!(error < 1e-5, "{} on {}: {error}", activation.name(), isa.name());
    }
}

/// More rows than a chunk, widths that fill no panel: only the first 256 are looked at.
#[test]
fn the_gradient_is_that_of_the_first_256_training_images() {
    let data = Dataset::noise(400, 21, 5);
    let network = drawn(&[21, 35, 18, 5], "relu", 0.5);
    let machine = Machine::new(1);
    let rows: Vec<u32> = (100..356).collect();
    let (_, gradient) = network.gradient(&data, &rows, &LossKind::named("ce").unwrap(), &machine);
    let (_, evidence) = seen(&network, &data, 100, &machine);
    assert_eq!(evidence.layers.len(), 3);
    for (health, Tensors { weight, bias }) in evidence.layers.iter().zip(&gradient) {
        let squares = weight.iter().chain(bias).map(|&g| f64::from(g).powi(2));
        let norm = squares.sum::<f64>().sqrt();
        assert!((health.gradient_norm - norm).abs() < 1e-12 * norm && norm > 0.0, "{health:?} {norm}");
    }
}

#[test]
fn units_below_zero_for_every_image_are_dead_and_padding_is_not() {
    let data = Dataset::noise(300, 12, 3);
    let machine = Machine::new(1);
    // 18 and 35 units: the second or third panel is mostly padding, which is always 0.
    for (dead, one_alive) in [(0, false), (1, false), (7, false), (18, false), (7, true)] {
        let mut tensors = drawn(&[12, 18, 35, 3], "relu", 0.1).tensors();
        tensors[0].bias = (0..18).map(|unit| if unit < dead { -9.0 } else { 9.0 }).collect();
        tensors[1].bias.fill(9.0);
        if one_alive {
            // Unit 0 answers one image alone: the only one whose first pixel is lit.
            tensors[0].weight[0] = 20.0;
        }
        let mut data = data.clone();
        let images = Arc::make_mut(&mut data.images);
        images.iter_mut().step_by(12).for_each(|pixel| *pixel = 0);
        images[12 * 270] = 255;
        let network = Network::from_tensors(&[12, 18, 35, 3], Activation::named("relu").unwrap(), &tensors);
        let shares = |split| seen(&network, &data, split, &machine).1.layers.iter().map(|l| l.dead).collect::<Vec<_>>();
        let expected = |dead: usize| vec![Some(dead as f64 / 18.0), Some(0.0), None];
        assert_eq!(shares(270), expected(dead), "{dead}, and the image is not looked at");
        assert_eq!(shares(299), expected(dead - usize::from(one_alive)), "{dead} {one_alive}");
    }
}

#[test]
fn shares_agree_with_a_plain_count() {
    let data = Dataset::noise(300, 12, 3);
    let count = |y: &[Vec<f64>], is: &dyn Fn(f64) -> bool| y.iter().flatten().filter(|&&y| is(y)).count() as f64;
    for isa in Isa::supported() {
        let machine = Machine::with_isa(1, isa);
        for (activation, size) in [("sigmoid", 1.0), ("sigmoid", 4.0), ("tanh", 0.3), ("tanh", 2.0)] {
            let network = drawn(&[12, 18, 35, 3], activation, size);
            let (_, evidence) = seen(&network, &data, 280, &machine);
            let (low, high) = if activation == "sigmoid" { (0.05, 0.95) } else { (-0.9, 0.9) };
            for (health, y) in evidence.layers.iter().zip(hidden(&network, &data, 280)) {
                let outputs = (y.len() * y[0].len()) as f64;
                // Rounding may put what lies at a bound on its other side.
                let [least, most] = [1e-5, -1e-5].map(|e| count(&y, &|y| y < low - e || y > high + e) / outputs);
                let share = health.saturated.unwrap();
                assert!((least..=most).contains(&share), "{activation} {size}: {share} not in {least} to {most}");
                assert!(health.dead.is_none() && most - least < 1e-3 && share < 1.0);
            }
            assert_eq!((evidence.layers[2].dead, evidence.layers[2].saturated), (None, None));
        }
        let network = drawn(&[12, 18, 35, 3], "relu", 1.0);
        let (_, evidence) = seen(&network, &data, 280, &machine);
        for (health, y) in evidence.layers.iter().zip(hidden(&network, &data, 280)) {
            let units = y[0].len();
            let dead = (0..units).filter(|&unit| y.iter().all(|y| y[unit] == 0.0)).count();
            assert_eq!((health.dead, health.saturated), (Some(dead as f64 / units as f64), None));
        }
    }
}

#[test]
fn large_and_small_weights_saturate_all_and_nothing() {
    let data = Dataset::noise(300, 12, 3);
    for (activation, bias, share) in
        [("sigmoid", 40.0, 1.0), ("tanh", -40.0, 1.0), ("sigmoid", 0.0, 0.0), ("tanh", 0.0, 0.0)]
    {
        let mut tensors = drawn(&[12, 18, 3], activation, 0.01).tensors();
        tensors[0].bias.fill(bias);
        let network = Network::from_tensors(&[12, 18, 3], Activation::named(activation).unwrap(), &tensors);
        let (_, evidence) = seen(&network, &data, 280, &Machine::new(1));
        assert_eq!(evidence.layers[0].saturated, Some(share), "{activation} {bias}: padding is 0 and does not count");
    }
}

#[test]
fn what_cannot_be_said_is_none() {
    let data = Dataset::noise(60, 12, 3);
    for activation in Activation::all() {
        let network = drawn(&[12, 18, 3], activation.name(), 1.0);
        let (tally, evidence) = seen(&network, &data, 30, &Machine::new(1));
        let flat = activation.flat();
        let LayerStats { dead, saturated, .. } = evidence.layers[0];
        assert_eq!(dead.is_some(), flat == Some(Flat::Zero), "{}", activation.name());
        assert_eq!(saturated.is_some(), matches!(flat, Some(Flat::Ends(..))), "{}", activation.name());
        assert!(tally.is_some() && evidence.confusion.is_some());
        let (tally, evidence) = seen(&network, &data, 0, &Machine::new(1));
        assert!(tally.is_none() && evidence.confusion.is_none());
        assert!(evidence.layers.iter().all(|l| l.gradient_norm > 0.0 && l.dead.is_none() && l.saturated.is_none()));
    }
    let (_, evidence) = seen(&drawn(&[12, 3], "relu", 1.0), &data, 30, &Machine::new(1));
    assert!(evidence.layers.len() == 1 && evidence.layers[0].dead.is_none(), "without a hidden layer");
}

#[test]
fn a_step_is_measured_against_what_it_moves() {
    let (data, machine) = (Dataset::noise(200, 21, 5), Machine::new(1));
    // One batch an epoch, the same that gradients are taken over: a step of SGD is the rate times the gradient before it.
    let rate = 0.05;
    let sgd = Optimizer::named("sgd").unwrap();
    let config = Config {
        hidden_size: vec![18, 9],
        batch_size: 200,
        epochs: 4,
        learning_rate: Some(rate),
        optimizer: sgd,
        ..Config::default()
    };
    let mut expected: Option<Vec<f64>> = None;
    let mut compared = 0;
    let mut watch = |event: &Event<'_>| {
        if let Event::Epoch { evidence, session, .. } = event {
            let steps = evidence.layers.iter().map(|layer| layer.step.unwrap());
            for (is, should) in steps.zip(expected.iter().flatten()) {
                assert!((is / should - 1.0).abs() < 1e-4, "{is} {should}");
                compared += 1;
            }
            let norms = session.network.layers.iter().map(Layer::norm);
            expected = Some(
                evidence.layers.iter().zip(norms).map(|(layer, norm)| rate * layer.gradient_norm / norm).collect(),
            );
        }
        ControlFlow::Continue(())
    };
    train(&config, &data, &machine, &mut watch);
    assert_eq!(compared, 3 * 3);
}

#[test]
fn a_witness_changes_no_bit_of_the_training_and_forgets_the_epoch_before() {
    let (data, machine) = (Dataset::noise(400, 21, 5), Machine::new(1));
    let config = Config { hidden_size: vec![18, 9], batch_size: 16, ..Config::default() };
    let network = Network::new(&[21, 18, 9, 5], config.activation.clone(), &Init::named("he").unwrap(), 1);
    let (val_rows, train_rows): (Vec<u32>, Vec<u32>) = (0..400).partition(|&row| row < 100);
    let train = |looks: bool| {
        let (mut session, mut stepper) =
            (Session::new(&config, &network), Stepper::new(&config, &network, &machine, 16));
        let mut diagnostics = Diagnostics::new(&network, &machine, &data, &train_rows, &val_rows);
        for rows in train_rows.chunks(16) {
            stepper.step(&mut session, &machine, &data, rows);
            if looks {
                diagnostics.validate(&session.network, &config.loss, &machine);
                diagnostics.evidence(&session.network, &config.loss, &machine);
            }
        }
        diagnostics.validate(&session.network, &config.loss, &machine);
        (session.network.weights_sha256(), diagnostics.evidence(&session.network, &config.loss, &machine))
    };
    assert_eq!(train(true), train(false));
}
