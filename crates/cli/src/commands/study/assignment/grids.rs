//! Sweep files around a configuration: one thing changed, several seeds each.

use handloom_engine::config::Config;
use serde_json::{Map, Value, json};

/// The assignment's optimizers and activations.
const OPTIMIZERS: [&str; 6] = ["sgd", "momentum", "nag", "rmsprop", "adam", "nadam"];
const ACTIVATIONS: [&str; 3] = ["sigmoid", "tanh", "relu"];
/// Learning rates that each loss may choose from, as multiples of the best configuration's.
const RATES: [f64; 4] = [0.3, 1.0, 3.0, 10.0];

/// Number of configurations that each of the three grids below has for a seed, in their order.
pub(super) const SIZES: [u64; 3] = [OPTIMIZERS.len() as u64, ACTIVATIONS.len() as u64, 2 * RATES.len() as u64];

/// Every optimizer at its own default learning rate.
pub(super) fn optimizers(config: &Config, seeds: u64) -> String {
    let changed = json!({"optimizer": {"values": OPTIMIZERS}});
    file(
        "study-best-optimizers",
        "The best configuration with every optimizer",
        config,
        &["learning_rate"],
        changed,
        seeds,
    )
}

/// Every activation.
pub(super) fn activations(config: &Config, seeds: u64) -> String {
    let changed = json!({"activation": {"values": ACTIVATIONS}});
    file("study-best-activations", "The best configuration with every activation", config, &[], changed, seeds)
}

/// Both losses, each at several learning rates.
pub(super) fn losses(config: &Config, seeds: u64) -> String {
    let rates: Vec<f64> = RATES.iter().map(|times| rounded(times * config.rate())).collect();
    let changed =
        json!({"loss": {"values": ["cross_entropy", "mean_squared_error"]}, "learning_rate": {"values": rates}});
    file("study-best-losses", "The best configuration with both losses", config, &[], changed, seeds)
}

/// Three significant digits, for people to read.
fn rounded(rate: f64) -> f64 {
    format!("{rate:.2e}").parse().unwrap_or(rate)
}

/// The file of a grid over `changed` and the seeds, with all else as in `config` but for the settings `without`.
fn file(name: &str, description: &str, config: &Config, without: &[&str], changed: Value, seeds: u64) -> String {
    // The data set is the call's.
    let left_out = |name: &str| ["dataset", "init_from"].contains(&name) || without.contains(&name);
    let mut parameters: Map<String, Value> = Map::new();
    for (name, value) in config.to_map() {
        // A list of widths says how many there are.
        let is_told = name == "num_layers" && !config.hidden_size.is_empty();
        if !left_out(&name) && !value.is_null() && !is_told {
            parameters.insert(name, json!({"value": value}));
        }
    }
    parameters.insert("seed".into(), json!({"values": (1..=seeds).collect::<Vec<u64>>()}));
    if let Value::Object(changed) = changed {
        parameters.extend(changed);
    }
    let file = json!({
        "name": name, "description": description, "method": "grid",
        "metric": {"name": "val_accuracy", "goal": "maximize"}, "parameters": parameters,
    });
    serde_json::to_string_pretty(&file).expect("a map is JSON, and JSON is YAML")
}

#[cfg(test)]
mod tests {
    use handloom_sweep::spec::Spec;

    use super::*;

    #[test]
    fn a_grid_is_a_file_that_sweeps_take() {
        let config = Config { epochs: 3, ..Config::default() };
        for (text, points) in [(optimizers(&config, 5), 30), (activations(&config, 2), 6), (losses(&config, 3), 24)] {
            let spec = Spec::read(&text).unwrap();
            let combinations: usize = spec
                .space
                .parameters
                .iter()
                .map(|parameter| match &parameter.distribution {
                    handloom_sweep::Distribution::Categorical(values, _) => values.len(),
                    _ => 1,
                })
                .product();
            assert_eq!(combinations, points, "{text}");
        }
        assert!(!optimizers(&config, 2).contains("learning_rate"));
        assert_eq!([rounded(0.003_123_4), rounded(0.1), rounded(1.0)], [0.003_12, 0.1, 1.0]);
    }
}
