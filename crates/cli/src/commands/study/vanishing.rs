//! Measurements of `study vanishing` besides training: the gradients before the first step.

use anyhow::Result;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::network::Network;
use handloom_engine::{Machine, train};
use handloom_view::study::page::Page;
use handloom_view::study::sample::Trial;
use handloom_view::study::{Origin, vanishing};

use super::bench::Bench;

/// Images of the fixed batch over which gradients are taken, as for the evidence of each epoch.
const IMAGES: usize = 256;

pub(super) fn page(bench: &Bench<'_>, trials: &[Trial], origin: &Origin) -> Result<Page> {
    let machine = Machine::new(1);
    let mut trials = trials.to_vec();
    for trial in &mut trials {
        trial.start = start(&bench.config(trial)?, &bench.data, &machine);
    }
    Ok(vanishing::page(&trials, origin))
}

/// The first training images, at most [`IMAGES`].
pub(super) fn batch(config: &Config, data: &Dataset) -> Vec<u32> {
    let (mut rows, _) = data.split(config.val_fraction);
    rows.truncate(IMAGES);
    rows
}

/// Norm of each layer's gradient where a training of `config` begins.
fn start(config: &Config, data: &Dataset, machine: &Machine) -> Vec<f64> {
    let sizes = train::sizes(config, data);
    let network = Network::new(&sizes, config.activation.clone(), &config.weight_init, config.seed);
    let (_, gradient) = network.gradient(data, &batch(config, data), &config.loss, machine);
    gradient.iter().map(|tensors| norm(tensors.weight.iter().chain(&tensors.bias).map(|&x| f64::from(x)))).collect()
}

/// Root of the summed squares.
pub(super) fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn sigmoids_hand_less_down_with_every_layer() {
        let data = handloom_data::locate("garments", &[]).unwrap().train().unwrap();
        let first = |depth: usize| {
            let mut config = Config::default();
            let settings =
                json!({"weight_init": "xavier", "activation": "sigmoid", "num_layers": depth, "hidden_size": 16});
            let Value::Object(settings) = settings else { unreachable!("it is a map") };
            config.merge(&settings).unwrap();
            let norms = start(&config, &data, &Machine::new(1));
            assert_eq!(norms.len(), depth + 1);
            norms[0]
        };
        assert!(first(6) < 0.01 * first(1) && first(6) > 0.0);
    }
}
