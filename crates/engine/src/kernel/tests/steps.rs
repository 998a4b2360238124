//! Whole training steps: the same bits for any number of threads, and the gradient of any batch.

use crate::config::Config;
use crate::dataset::Dataset;
use crate::gradcheck::reference::{Reference, relative_errors};
use crate::kernel::Isa;
use crate::network::{Network, Tensors};
use crate::optim::Optimizer;
use crate::pass::Machine;
use crate::session::{Session, Stepper};

/// A configuration and the network with which it begins.
fn start(data: &Dataset, hidden: &[usize], settings: serde_json::Value) -> (Config, Network) {
    let mut config = Config { hidden_size: hidden.to_vec(), ..Config::default() };
    let serde_json::Value::Object(settings) = settings else { panic!("settings are an object") };
    config.merge(&settings).unwrap();
    let sizes = crate::train::sizes(&config, data);
    let network = Network::new(&sizes, config.activation.clone(), &config.weight_init, 1);
    (config, network)
}

/// Trains one step on each batch and gives what the session has come to.
fn steps(config: &Config, network: &Network, data: &Dataset, machine: &Machine, batches: &[Vec<u32>]) -> Session {
    let mut session = Session::new(config, network);
    let mut stepper = Stepper::new(config, network, machine, batches.iter().map(Vec::len).max().unwrap());
    for rows in batches {
        stepper.step(&mut session, machine, data, rows);
    }
    session
}

#[test]
fn a_step_has_the_same_bits_for_any_number_of_threads() {
    for (pixels, hidden, classes) in
        [(200, &[130, 70, 95][..], 40), (784, &[64], 10), (300, &[], 200), (90, &[33, 257], 3)]
    {
        let data = Dataset::noise(700, pixels, classes);
        // Whole chunks, several of them, and smaller batches behind larger ones.
        let batches = [(0..64).collect(), (0..700).collect(), (5..300).collect(), (1..38).collect()];
        let rules = Isa::supported().zip(["nadam", "momentum", "amsgrad"]);
        for (isa, optimizer) in rules.chain([(Isa::best(), "muon")]) {
            let settings = serde_json::json!({"optimizer": optimizer, "weight_decay": 0.01, "activation": "gelu"});
            let (config, network) = start(&data, hidden, settings);
            let trained = |threads| {
                let session = steps(&config, &network, &data, &Machine::with_isa(threads, isa), &batches);
                let bits = |layer: &crate::layer::Layer| {
                    layer.data.iter().flat_map(|lanes| lanes.0).map(f32::to_bits).collect::<Vec<_>>()
                };
                session.network.layers.iter().map(bits).collect::<Vec<_>>()
            };
            let alone = trained(1);
            for threads in [2, 3, 8] {
                assert!(trained(threads) == alone, "{} {pixels} {hidden:?}: {threads} threads", isa.name());
            }
        }
    }
}

#[test]
fn instruction_sets_agree_up_to_rounding() {
    let data = Dataset::noise(100, 40, 11);
    let (config, network) = start(&data, &[30, 20], serde_json::json!({"optimizer": "sgd"}));
    let batches = vec![(0..50).collect(), (50..100).collect()];
    let trained = |isa| steps(&config, &network, &data, &Machine::with_isa(1, isa), &batches).network().tensors();
    let best = trained(Isa::best());
    for isa in Isa::supported() {
        for (a, b) in trained(isa).iter().zip(&best) {
            assert!(a.weight.iter().zip(&b.weight).all(|(a, b)| (a - b).abs() < 1e-6), "{}", isa.name());
        }
    }
}

/// SGD with rate 1 moves each parameter by its gradient: compares that with the reference, whatever the batch.
#[test]
fn a_step_is_the_gradient_of_the_mean_over_its_batch_in_chunks_too() {
    let data = Dataset::noise(1000, 5, 4);
    for (images, loss) in [1, 7, 255, 256, 257, 300, 600, 1000].into_iter().flat_map(|n| [(n, "ce"), (n, "mse")]) {
        let settings = serde_json::json!({"optimizer": "sgd", "lr": 1.0, "loss": loss, "activation": "tanh"});
        let (config, network) = start(&data, &[7, 6], settings);
        let rows: Vec<u32> = (0..images).rev().collect();
        let exact = Reference::new(&network, &config.loss, &data, &rows).gradient();
        for machine in [1, 2].map(Machine::new) {
            let after = steps(&config, &network, &data, &machine, std::slice::from_ref(&rows)).network().tensors();
            let minus = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a - b).collect();
            let moved: Vec<_> = (network.tensors().iter().zip(&after))
                .map(|(a, b)| Tensors { weight: minus(&a.weight, &b.weight), bias: minus(&a.bias, &b.bias) })
                .collect();
            // The difference of weights has their rounding; the gradient itself does not.
            let worst = |errors: Vec<f64>| errors.into_iter().fold(0.0, f64::max);
            assert!(worst(relative_errors(&moved, &exact)) < 1e-4, "{images} images, {loss}");
            let (tally, gradient) = network.gradient(&data, &rows, &config.loss, &machine);
            assert!(worst(relative_errors(&gradient, &exact)) < 1e-5, "{images} images, {loss}");
            let loss = Reference::new(&network, &config.loss, &data, &rows).loss();
            assert!((tally.mean_loss() / loss - 1.0).abs() < 1e-6 && tally.rows == u64::from(images));
        }
    }
}

/// A value in the padding of a panel would leak into the sums of the layer below.
#[test]
fn padding_of_weights_stays_zero_through_batches_of_any_length() {
    let data = Dataset::noise(300, 21, 20);
    for (optimizer, activation) in Optimizer::all().flat_map(|o| ["sigmoid", "softplus"].map(move |a| (o.clone(), a))) {
        let settings =
            serde_json::json!({"optimizer": optimizer.name(), "weight_decay": 0.01, "activation": activation});
        let (config, network) = start(&data, &[19, 35], settings);
        let batches = [(0..9).collect(), (0..4).collect(), (0..300).collect(), (0..7).collect(), vec![3]];
        let session = steps(&config, &network, &data, &Machine::new(1), &batches);
        for layer in &session.network.layers {
            let mut again = crate::layer::Layer::new(layer.inputs, layer.outputs, 0);
            again.set(0, &layer.tensors(0));
            assert!(again.data == layer.with_memory(0).data, "{} {activation}", optimizer.name());
        }
    }
}
