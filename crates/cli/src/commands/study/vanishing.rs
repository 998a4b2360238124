//! Measurements of `study vanishing` besides training: the gradients before the first step.

use anyhow::Result;
use handloom_engine::{Machine, train};
use handloom_view::study::page::Page;
use handloom_view::study::sample::Trial;
use handloom_view::study::{Origin, vanishing};

use super::context::StudyContext;
use crate::training::begin;

pub(super) fn page(bench: &StudyContext<'_>, trials: &[Trial], origin: &Origin) -> Result<Page> {
    let machine = Machine::new(1);
    let mut trials = trials.to_vec();
    for trial in &mut trials {
        // Programs before this record did not measure them.
        if trial.run.initial_norms.is_empty() {
            let config = bench.config(trial)?;
            let network = begin(&config, &bench.data)?;
            trial.run.initial_norms = train::initial_norms(&config, &bench.data, &network, &machine);
        }
    }
    Ok(vanishing::page(&trials, origin))
}

#[cfg(test)]
mod tests {
    use handloom_engine::config::Config;
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
            let network = begin(&config, &data).unwrap();
            let norms = train::initial_norms(&config, &data, &network, &Machine::new(1));
            assert_eq!(norms.len(), depth + 1);
            norms[0]
        };
        assert!(first(6) < 0.01 * first(1) && first(6) > 0.0);
    }
}
