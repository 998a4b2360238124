//! A configuration as the `handloom train` command that a person would type.

use handloom_engine::config::{Config, find};
use serde_json::Value;

/// Settings that stand in every command: those of the assignment's flag table.
const ALWAYS: [&str; 11] = [
    "dataset",
    "epochs",
    "batch_size",
    "loss",
    "optimizer",
    "learning_rate",
    "weight_decay",
    "weight_init",
    "num_layers",
    "hidden_size",
    "activation",
];

/// The words of the command that trains `config`, to the same bits: `handloom train -d mnist -e 5 ...`.
pub(crate) fn train(config: &Config) -> Vec<String> {
    let (settings, defaults) = (config.to_map(), Config::default().to_map());
    let mut words = vec!["handloom".to_owned(), "train".to_owned()];
    for (name, value) in &settings {
        let is_default = defaults.get(name) == Some(value);
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            ("hidden_size", Value::Array(sizes)) if sizes.is_empty() => {}
            // A list of widths says how many there are.
            ("num_layers", _) if settings["hidden_size"].as_array().is_some_and(|sizes| !sizes.is_empty()) => {}
            ("shuffle", Value::Bool(false)) => words.push("--no-shuffle".into()),
            (name, value) if ALWAYS.contains(&name) || !is_default => words.extend([flag(name), text(value)]),
            _ => {}
        }
    }
    words
}

/// The shortest flag of a setting.
fn flag(name: &str) -> String {
    let short = find(name).and_then(|key| key.flags.first());
    short.map_or_else(|| format!("--{}", name.replace('_', "-")), |flag| (*flag).to_owned())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        Value::Number(number) if number.is_f64() => digits(number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}

/// A number in full precision: as plain digits, and with an exponent where these would be mostly zeros.
fn digits(number: f64) -> String {
    if number == 0.0 || (1e-7..1e15).contains(&number.abs()) { number.to_string() } else { format!("{number:e}") }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use serde_json::json;

    use super::*;
    use crate::settings::Settings;

    fn again(words: &[String]) -> Config {
        let line = crate::args::rewrite(words.iter().map(OsString::from));
        let matches = crate::args::command().try_get_matches_from(line).unwrap();
        Settings::from_flags(matches.subcommand().unwrap().1).unwrap().config
    }

    #[test]
    fn a_command_trains_what_it_was_made_of() {
        let settings = [
            json!({}),
            json!({"dataset": "my data/x", "num_layers": 0, "optimizer": "sgd", "seed": 7, "shuffle": false}),
            json!({"hidden_size": [64, 32, 16], "lr": 1e-7, "l2": 0.000_5, "momentum": 0.5, "val_fraction": 0}),
            json!({"lr": 1e30, "eps": 1e-300, "l2": 2.5e-9}),
            json!({"hidden_layers": 4, "hidden_size": 128, "lr": 0.000_812_345_678_912_345_6, "weights": "last"}),
        ];
        for settings in settings {
            let mut config = Config::default();
            config.merge(settings.as_object().unwrap()).unwrap();
            let words = train(&config);
            assert_eq!(again(&words).to_map(), config.to_map(), "{words:?}");
            assert!(words.iter().all(|word| word.len() < 25), "{words:?}");
        }
    }
}
