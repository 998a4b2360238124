//! Nested parameters as settings: `{"optimizer": {"name": "nadam", "learning_rate": 0.01}}` is `optimizer: nadam`
//! and `learning_rate: 0.01`.
//!
//! A value is what [`config::find_nested`] says of its path. A dot in a name separates as nesting does, as hydra writes
//! it.

use handloom_engine::config::{self, KEYS, Key, neighbors};
use serde_json::{Map, Value};

use crate::exit::Failure;
use crate::settings::{OPTIONS, find_option};

/// A value with the names that lead to it, the outermost first.
#[derive(Clone, Debug)]
pub(crate) struct Leaf<'a> {
    names: Vec<&'a str>,
    /// Its value; never a map with something in it.
    pub(crate) value: &'a Value,
}

/// Every value of `values` that is not itself a map.
pub(crate) fn leaves(values: &Map<String, Value>) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    gather(values, &[], &mut found);
    found
}

fn gather<'a>(values: &'a Map<String, Value>, outer: &[&'a str], found: &mut Vec<Leaf<'a>>) {
    for (name, value) in values {
        let names = [outer, &name.split('.').collect::<Vec<_>>()].concat();
        match value {
            Value::Object(inner) if !inner.is_empty() => gather(inner, &names, found),
            value => found.push(Leaf { names, value }),
        }
    }
}

impl Leaf<'_> {
    /// Its names, joined by dots.
    pub(crate) fn path(&self) -> String {
        self.names.join(".")
    }

    /// The setting that it is.
    pub(crate) fn key(&self) -> Option<&'static Key> {
        key(&self.names)
    }

    /// That no setting is called so.
    pub(crate) fn unknown(&self) -> anyhow::Error {
        let options = if self.names.len() == 1 { OPTIONS } else { &[] };
        let known = KEYS.iter().chain(options);
        let known = known.flat_map(|key| std::iter::once(key.name).chain(key.aliases.iter().copied()));
        let last = self.names.last().copied().unwrap_or_default();
        let hint = match neighbors(last, known).first() {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`handloom train --help` lists all settings".into(),
        };
        Failure::usage(format!("unknown setting `{}`\nhint: {hint}", self.path()))
    }
}

fn key(names: &[&str]) -> Option<&'static Key> {
    if let [name] = names {
        return find_option(name).or_else(|| config::find(name));
    }
    // `name` alone is the run's, which is not meant inside of something else.
    find_option(&names.join("_")).or_else(|| config::find_nested(names))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(values: &Value) -> Vec<(String, Option<&'static str>)> {
        let leaves = leaves(values.as_object().unwrap());
        leaves.iter().map(|leaf| (leaf.path(), leaf.key().map(|key| key.name))).collect()
    }

    #[test]
    fn inner_names_are_settings_alone_or_with_the_outer_ones() {
        let values = json!({
            "lr": 1, "optimizer": {"name": "adam", "learning-rate": 1, "Beta1": 1}, "batch": {"size": 1},
            "model": {"hidden": {"layers": 1, "sizes": [1]}, "activation": {"type": "relu"}},
            "weight": {"init": 1, "decay": 1}, "loss.value": 1, "train.n_epochs": 1, "wandb": {"project": 1}, "name": 1,
            "opt": {"name": "adam", "eps": 1},
        });
        let expected = [
            ("lr", "learning_rate"),
            ("optimizer.name", "optimizer"),
            ("optimizer.learning-rate", "learning_rate"),
            ("optimizer.Beta1", "beta1"),
            ("batch.size", "batch_size"),
            ("model.hidden.layers", "num_layers"),
            ("model.hidden.sizes", "hidden_size"),
            ("model.activation.type", "activation"),
            ("weight.init", "weight_init"),
            ("weight.decay", "weight_decay"),
            ("loss.value", "loss"),
            ("train.n_epochs", "epochs"),
            ("wandb.project", "wandb_project"),
            ("name", "name"),
            ("opt.name", "optimizer"),
            ("opt.eps", "epsilon"),
        ];
        let expected = expected.map(|(path, key)| (path.to_owned(), Some(key)));
        assert_eq!(named(&values), expected);
    }

    #[test]
    fn what_is_no_setting_is_told_by_its_path() {
        let values =
            json!({"opt": {"layers": [32]}, "model": {"name": "mlp", "batchsize": 3}, "empty": {}, "hid.name": 1});
        assert!(named(&values).iter().all(|(_, key)| key.is_none()), "{:?}", named(&values));
        let told: Vec<_> = leaves(values.as_object().unwrap()).iter().map(|leaf| leaf.unknown().to_string()).collect();
        assert_eq!(told[2], "unknown setting `model.batchsize`\nhint: did you mean `batch_size`?");
        assert!(told[0].starts_with("unknown setting `opt.layers`\nhint: "), "{}", told[0]);
    }
}
