//! The part of a configuration that decides the trained weights.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Config, HYPERPARAMETERS, Weights, dataset_name};

impl Config {
    /// The settings that decide the result of a training, by name: two configurations with the same effective form
    /// train the same weights on the same data, bit for bit.
    ///
    /// Names and numbers have one spelling each, and a setting that has no influence is left out: hyperparameters of
    /// other optimizers, the activation of a network without hidden layers, the initialization where weights come from
    /// a file. Every other setting stays in, so that a new one counts until it is known that it does not.
    pub fn effective(&self) -> BTreeMap<String, Value> {
        let mut effective: BTreeMap<String, Value> = self.to_map().into_iter().collect();
        for name in self.unused(HYPERPARAMETERS) {
            effective.remove(name);
        }
        // Muon has a momentum between two hidden layers alone, and is AdamW elsewhere.
        if self.optimizer.name() == "muon" && self.hidden_size.len() < 2 {
            effective.remove("momentum");
        }
        effective.insert("dataset".into(), dataset_name(&self.dataset).into());
        effective.remove("num_layers");
        effective.insert("hidden_size".into(), json!(self.hidden_size));
        if self.hidden_size.is_empty() {
            effective.remove("activation");
        }
        if self.init_from.is_some() {
            effective.remove("weight_init");
        }
        // Without validation, and with a single epoch, the last epoch's weights are the only ones to keep.
        if self.val_fraction == 0.0 || self.epochs == 1 {
            effective.insert("weights".into(), Weights::Last.name().into());
        }
        for value in effective.values_mut() {
            // -0.0 is 0.0 written differently.
            if value.as_f64() == Some(0.0) && value.is_f64() {
                *value = json!(0.0);
            }
        }
        effective
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::Machine;
    use crate::dataset::Dataset;
    use crate::event::Event;
    use crate::optim::Optimizer;
    use crate::train::train;

    fn config(settings: &Value) -> Config {
        let mut config =
            Config { epochs: 2, batch_size: 8, hidden_size: vec![6], weights: Weights::Last, ..Config::default() };
        config.merge(settings.as_object().unwrap()).unwrap();
        config
    }

    fn weights(config: &Config, data: &Dataset) -> String {
        let quiet = &mut |_: &Event<'_>| std::ops::ControlFlow::Continue(());
        train(config, data, &Machine::new(1), quiet).network.weights_sha256()
    }

    #[test]
    fn names_and_numbers_have_one_spelling() {
        for (one, other) in [
            (json!({"optimizer": "nesterov"}), json!({"optimizer": "NAG"})),
            (json!({"weight_init": "glorot"}), json!({"initialisation": "Xavier"})),
            (json!({"loss": "mse"}), json!({"loss": "mean_squared_error"})),
            (json!({"lr": "1e-3"}), json!({"learning_rate": 0.001})),
            (json!({"optimizer": "sgd"}), json!({"optimizer": "sgd", "lr": 0.1})),
            (json!({"l2": -0.0}), json!({"weight_decay": 0})),
            (json!({"num_layers": 2, "hidden_size": 8}), json!({"hidden_size": [8, 8]})),
            (json!({"num_layers": 0, "hidden_size": 8, "activation": "tanh"}), json!({"hidden_size": []})),
            (json!({"weights": "best", "val_fraction": 0}), json!({"weights": "last", "val_fraction": 0.0})),
        ] {
            assert_eq!(config(&one).effective(), config(&other).effective(), "{one} {other}");
        }
    }

    /// Trains what differs in one setting: the weights differ exactly if the effective forms do.
    #[test]
    fn the_effective_form_decides_the_weights() {
        let data = Dataset::noise(128, 12, 3);
        let mut changes: Vec<(Value, Value)> = Vec::new();
        for optimizer in Optimizer::NAMES {
            for (name, layers) in HYPERPARAMETERS.iter().flat_map(|name| [(*name, 0), (*name, 1), (*name, 2)]) {
                let pair = if name == "epsilon" { [1e-8, 1e-2] } else { [0.9, 0.99] };
                let with = |value: f64| {
                    Value::Object(Map::from_iter([
                        ("optimizer".to_owned(), json!(optimizer)),
                        (name.to_owned(), json!(value)),
                        ("num_layers".to_owned(), json!(layers)),
                    ]))
                };
                changes.push((with(pair[0]), with(pair[1])));
            }
        }
        changes.extend([
            (json!({"num_layers": 0, "hidden_size": 3}), json!({"num_layers": 0, "hidden_size": 9})),
            (json!({"num_layers": 0, "activation": "relu"}), json!({"num_layers": 0, "activation": "tanh"})),
            (json!({"num_layers": 0, "weight_init": "he"}), json!({"num_layers": 0, "weight_init": "zeros"})),
            (json!({"activation": "relu"}), json!({"activation": "tanh"})),
            (json!({"epochs": 1, "weights": "best"}), json!({"epochs": 1, "weights": "last"})),
            (json!({"val_fraction": 0, "weights": "best"}), json!({"val_fraction": 0, "weights": "last"})),
            (json!({"seed": 1}), json!({"seed": 2})),
            (json!({"shuffle": true}), json!({"shuffle": false})),
            (json!({"epochs": 1}), json!({"epochs": 2, "weights": "last"})),
            (json!({"batch_size": 16}), json!({"batch_size": 32})),
            (json!({"val_fraction": 0.1}), json!({"val_fraction": 0.2})),
            (json!({"weight_decay": 0}), json!({"weight_decay": 0.1})),
            (json!({"loss": "mse"}), json!({"loss": "cross_entropy"})),
        ]);
        for (one, other) in changes {
            let [a, b] = [&one, &other].map(config);
            let same = weights(&a, &data) == weights(&b, &data);
            assert_eq!(a.effective() == b.effective(), same, "{one} {other}");
        }
    }
}
