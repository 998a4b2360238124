//! Training as a whole, through the public interface.
//!
//! The catalogue of what goes wrong in networks from scratch (A to Z), and which test would catch it:
//!
//! | bug | caught by |
//! |---|---|
//! | A bias correction by epoch, C by layer, N from step 2, E-H look-ahead of nag, K rate twice, L parts of nadam | `tests/torch.rs`: 36 steps over 12 epochs and 3 layers; K also `optim::the_learning_rate_enters_once` |
//! | B one activation shared by all layers, D part of the softmax's Jacobian, T derivative that changes its caller's data | `gradcheck`; B and T also `batches::passes_leave_nothing_behind` |
//! | I momentum without memory, J moments never stored | `optim::what_a_rule_remembers_reaches_later_steps` |
//! | M `num_layers` counts the output | `shapes::hidden_layers_are_counted_without_the_output` |
//! | O decay of gradients or of nothing, P coupled here and decoupled there | `optim::weight_decay_alone_shrinks_weights_and_leaves_biases`, `optim::decay_is_the_same_as_its_definition_by_hand` |
//! | Q sum or twice a mean | `batches::the_gradient_is_a_mean_whatever_the_batch_size`, `kernel::tests::steps` |
//! | R state reset every epoch | `batches::an_epoch_is_no_boundary_for_the_optimizer` |
//! | S softmax without shift, or by another row's maximum | `kernel::tests::huge_scores_in_one_row_leave_every_row_exact` |
//! | U no shuffling, a split in file order | `batches::figures_are_means_over_every_image_once`, `train::tests`, `dataset::tests` |
//! | V selection by test accuracy | by type: `train` is never given a test set |
//! | W mean of batch means, rest dropped | `batches::validation_counts_every_image_once` |
//! | X hyperparameters that reach nobody | `optim::every_hyperparameter_changes_the_path`, `config::tests` |
//! | Y a rule that falls over when used | all tests over the list of optimizers |
//! | Z other inits than promised | `init::tests` |

mod batches;
mod evidence;
mod keeping;
mod resuming;
mod shapes;

use std::ops::ControlFlow;
use std::sync::Arc;

use handloom_engine::Machine;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::{EpochMetrics, Event};
use handloom_engine::network::Network;
use handloom_engine::rng::Rng;
use handloom_engine::train::{Trained, train};
use serde_json::Value;

/// Images of noise, in which each class is brighter at some pixels of its own: learnable, not at once.
fn data(images: usize, pixels: usize, classes: usize) -> Dataset {
    let mut rng = Rng::stream(1, "data", 0);
    let labels: Vec<u8> = (0..images).map(|i| (i % classes) as u8).collect();
    let pixel = |label: u8, at: usize, rng: &mut Rng| {
        let bright = (at * 7 + usize::from(label) * 13).is_multiple_of(5);
        (rng.below(150) + if bright { 60 } else { 0 }) as u8
    };
    let images = labels.iter().flat_map(|&label| (0..pixels).map(move |at| (label, at)));
    let images = images.map(|(label, at)| pixel(label, at, &mut rng)).collect();
    let classes = (0..classes).map(|class| class.to_string()).collect();
    Dataset { images: Arc::new(images), labels: Arc::new(labels), shape: vec![pixels], classes }
}

/// A small, quick configuration with these settings.
fn config(settings: &Value) -> Config {
    let mut config = Config { hidden_size: vec![9, 8], batch_size: 16, epochs: 3, ..Config::default() };
    config.merge(settings.as_object().unwrap()).unwrap();
    config
}

fn silent(_: &Event<'_>) -> ControlFlow<&'static str> {
    ControlFlow::Continue(())
}

fn trained(config: &Config, data: &Dataset) -> Trained {
    train(config, data, &Machine::new(1), &mut silent)
}

/// The network with which a training under `config` begins.
fn beginning(config: &Config, data: &Dataset) -> Network {
    let sizes = handloom_engine::train::sizes(config, data);
    Network::new(&sizes, config.activation.clone(), &config.weight_init, config.seed)
}

/// Rows without what a clock measured.
fn figures(rows: &[EpochMetrics]) -> Vec<EpochMetrics> {
    rows.iter()
        .map(|row| EpochMetrics { samples_per_second: 0.0, seconds: 0.0, val_seconds: 0.0, ..row.clone() })
        .collect()
}

/// The largest difference between two networks' parameters.
fn distance(a: &Network, b: &Network) -> f32 {
    let flat = |network: &Network| network.tensors().into_iter().flat_map(|t| [t.weight, t.bias].concat());
    assert_eq!(a.sizes(), b.sizes());
    flat(a).zip(flat(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}
