//! Everything that determines a run, as one flat set of settings.
//!
//! Flags, `--config`, `--set`, `config.json`, W&B and sweeps all go through [`Config::merge`].

mod effective;
mod keys;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

pub use self::keys::{DATASETS, KEYS, Key, dataset_name, find, find_nested, neighbors};
use crate::activation::Activation;
use crate::init::Init;
use crate::loss::LossKind;
use crate::model::MAX_LAYERS;
use crate::optim::Optimizer;

/// Settings of which each optimizer uses some.
const HYPERPARAMETERS: [&str; 5] = ["momentum", "beta", "beta1", "beta2", "epsilon"];

/// The present rules by which files become images. Rules 1 are those of records without a number.
pub const DATA_RULES: u64 = 2;

/// Everything that determines a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Name or folder of the data set.
    pub dataset: String,
    /// Height and width that every image is converted to; without them all must have one size.
    pub image_size: Option<[usize; 2]>,
    /// Rules by which files become images, 1 or [`DATA_RULES`].
    pub data_rules: u64,
    /// Passes over the training data, at least 1.
    pub epochs: u64,
    /// Images in an optimizer step, at least 1.
    pub batch_size: usize,
    /// Loss function.
    pub loss: LossKind,
    /// Update rule. Its hyperparameters are the fields below, unless one of its own is not the rule's default. One that is
    /// not a finite number is a bug, at which training panics.
    pub optimizer: Optimizer,
    /// Learning rate; without one the optimizer's own.
    pub learning_rate: Option<f64>,
    /// Momentum, in `[0, 1)`.
    pub momentum: f64,
    /// Decay of a mean square without a mean beside it, in `[0, 1)`.
    pub beta: f64,
    /// Decay of the mean gradient, in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the mean squared gradient, in `[0, 1)`.
    pub beta2: f64,
    /// Added to denominators, at least 0.
    pub epsilon: f64,
    /// L2 coefficient, at least 0; weights only.
    pub weight_decay: f64,
    /// Weight initialization.
    pub weight_init: Init,
    /// Width of each hidden layer.
    pub hidden_size: Vec<usize>,
    /// Activation of hidden layers.
    pub activation: Activation,
    /// Share of the training data kept for validation, in `[0, 1)`.
    pub val_fraction: f64,
    /// Seed of weights and order.
    pub seed: u64,
    /// Shuffle the images anew in each epoch.
    pub shuffle: bool,
    /// Epoch whose weights are kept.
    pub weights: Weights,
    /// Model file to begin with instead of an init.
    pub init_from: Option<String>,
}

/// Epoch whose weights a run keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Those with the highest accuracy on validation data, the earliest of equals.
    Best,
    /// Those of the last epoch.
    Last,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No setting has this name.
    #[error("unknown setting `{name}`\nhint: {hint}")]
    Unknown {
        /// As given.
        name: String,
        /// Likely intended name, or the list of names.
        hint: String,
    },
    /// The value of a setting is not one that it takes.
    #[error("`{key}` cannot be `{value}`\nhint: {expected}")]
    Value {
        /// Name of the setting.
        key: &'static str,
        /// As given.
        value: String,
        /// Accepted values.
        expected: String,
    },
    /// A part that no list has, such as an optimizer.
    #[error("unknown {key} `{value}`\nhint: {expected}")]
    Part {
        /// Name of the setting.
        key: &'static str,
        /// As given.
        value: String,
        /// Accepted values.
        expected: String,
    },
    /// A list of widths and a number of layers that differ.
    #[error(
        "`num_layers` is {layers}, but `hidden_size` has {} widths ({})\nhint: {layers} equal layers: `-nhl {layers} -sz {}`; one layer for each width: `-sz {}`",
        sizes.len(), join(sizes), sizes[0], join(sizes)
    )]
    Layers {
        /// Number of layers asked for.
        layers: usize,
        /// Widths given.
        sizes: Vec<usize>,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dataset: "fashion_mnist".into(),
            image_size: None,
            data_rules: DATA_RULES,
            epochs: 15,
            batch_size: 64,
            loss: LossKind::named("cross_entropy").expect("is in the list"),
            optimizer: Optimizer::named("adam").expect("is in the list"),
            learning_rate: None,
            momentum: 0.9,
            beta: 0.9,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            weight_init: Init::named("he").expect("is in the list"),
            hidden_size: vec![512, 512],
            activation: Activation::named("gelu").expect("is in the list"),
            val_fraction: 0.1,
            seed: 1,
            shuffle: true,
            weights: Weights::Best,
            init_from: None,
        }
    }
}

impl Config {
    /// Changes what `settings` says, names and aliases alike.
    ///
    /// A single `hidden_size` is repeated for every layer; a list sets the number of layers.
    pub fn merge(&mut self, settings: &Map<String, Value>) -> Result<(), Error> {
        let (mut layers, mut sizes) = (None, None);
        for (name, value) in settings {
            let key = find(name).ok_or_else(|| unknown(name))?;
            match key.name {
                "num_layers" => layers = Some(layer_count(key, value)?),
                "hidden_size" => sizes = Some(widths(key, value)?),
                _ => self.set(key, value)?,
            }
        }
        self.hidden_size = match (layers, sizes) {
            (None, None) => return Ok(()),
            (Some(layers), Some(sizes)) if sizes.len() > 1 && sizes.len() != layers => {
                return Err(Error::Layers { layers, sizes });
            }
            (_, Some(sizes)) if sizes.len() > 1 => sizes,
            (layers, Some(sizes)) => match (layers, sizes.first()) {
                (Some(0), _) | (None, None) => Vec::new(),
                (Some(layers), None) => {
                    let expected = format!("{layers} layers need a width, such as `-sz 64`");
                    return Err(Error::Value { key: "hidden_size", value: "[]".into(), expected });
                }
                (layers, Some(&width)) => vec![width; layers.unwrap_or(self.hidden_size.len().max(1))],
            },
            (Some(layers), None) => {
                let equal = self.hidden_size.windows(2).all(|pair| pair[0] == pair[1]);
                if !equal && layers != self.hidden_size.len() && layers != 0 {
                    return Err(Error::Layers { layers, sizes: self.hidden_size.clone() });
                }
                let width = self.hidden_size.first().copied().unwrap_or(Self::default().hidden_size[0]);
                if equal { vec![width; layers] } else { self.hidden_size[..layers].to_vec() }
            }
        };
        Ok(())
    }

    fn set(&mut self, key: &'static Key, value: &Value) -> Result<(), Error> {
        let unit =
            |value| number(key, value, "a number from 0 up to, but not including, 1", |x| (0.0..1.0).contains(&x));
        let positive = |value| number(key, value, "a number of at least 0", |x| x >= 0.0 && x.is_finite());
        match key.name {
            "dataset" => self.dataset = text(value),
            "image_size" => self.image_size = if is_none(value) { None } else { Some(image_size(key, value)?) },
            "data_rules" => {
                let rules =
                    number(key, value, &format!("1 to {DATA_RULES}"), |x| [1.0, DATA_RULES as f64].contains(&x))?;
                self.data_rules = rules as u64;
            }
            "epochs" => self.epochs = whole(key, value, 1)?,
            "batch_size" => self.batch_size = whole(key, value, 1)? as usize,
            "loss" => self.loss = part(key, value, LossKind::named, LossKind::NAMES)?,
            "optimizer" => self.optimizer = part(key, value, Optimizer::named, Optimizer::NAMES)?,
            "learning_rate" => self.learning_rate = if is_none(value) { None } else { Some(positive(value)?) },
            "momentum" | "beta" | "beta1" | "beta2" | "epsilon" => {
                let value = if key.name == "epsilon" { positive(value)? } else { unit(value)? };
                // The last value set counts, also over one that came with the rule.
                *self = self.flattened();
                self.optimizer = Optimizer::named(self.optimizer.name()).expect("it has its own name");
                *self.hyperparameter_mut(key.name) = value;
            }
            "weight_decay" => self.weight_decay = positive(value)?,
            "weight_init" => self.weight_init = part(key, value, Init::named, Init::NAMES)?,
            "activation" => self.activation = part(key, value, Activation::named, Activation::NAMES)?,
            "val_fraction" => self.val_fraction = unit(value)?,
            "seed" => self.seed = whole(key, value, 0)?,
            "shuffle" => self.shuffle = truth(key, value)?,
            "weights" => self.weights = part(key, value, Weights::named, Weights::NAMES)?,
            "init_from" => self.init_from = if is_none(value) { None } else { Some(text(value)) },
            name => unreachable!("`{name}` is in the table of settings but not here"),
        }
        Ok(())
    }

    fn hyperparameter_mut(&mut self, name: &str) -> &mut f64 {
        match name {
            "momentum" => &mut self.momentum,
            "beta" => &mut self.beta,
            "beta1" => &mut self.beta1,
            "beta2" => &mut self.beta2,
            "epsilon" => &mut self.epsilon,
            name => unreachable!("`{name}` is no hyperparameter"),
        }
    }

    /// Takes the hyperparameters over that [`Config::optimizer`] has itself.
    fn flattened(&self) -> Self {
        let mut flat = self.clone();
        let usual = Optimizer::named(self.optimizer.name()).expect("it has its own name").hyperparameters();
        for (name, own) in self.optimizer.hyperparameters() {
            let own = own.as_f64();
            assert!(own.is_some(), "`{name}` of `{}` is not a finite number", self.optimizer.name());
            if let Some(own) = own.filter(|own| usual.get(&name).and_then(Value::as_f64) != Some(*own)) {
                *flat.hyperparameter_mut(&name) = own;
            }
        }
        flat
    }

    /// The update rule with its hyperparameters.
    pub fn rule(&self) -> Optimizer {
        Optimizer::read(self.optimizer.name(), &self.to_map())
            .expect("a configuration holds numbers where a rule has them")
    }

    /// The learning rate given, or the optimizer's own.
    pub fn rate(&self) -> f64 {
        self.learning_rate.unwrap_or_else(|| self.optimizer.learning_rate())
    }

    /// The learning rate to try where this one diverges: a tenth of it, or the optimizer's default if that is smaller.
    pub fn smaller_rate(&self) -> f64 {
        (self.rate() / 10.0).min(self.optimizer.learning_rate())
    }

    /// Hyperparameters among `names` that the chosen optimizer does not use.
    pub fn unused<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<&'static str> {
        let used = self.optimizer.hyperparameters();
        let given = names.into_iter().filter_map(find).map(|key| key.name);
        given.filter(|name| HYPERPARAMETERS.contains(name) && !used.contains_key(*name)).collect()
    }

    /// Every setting under its name; [`Config::merge`] of it gives this configuration again.
    pub fn to_map(&self) -> Map<String, Value> {
        let same = self.hidden_size.windows(2).all(|pair| pair[0] == pair[1]);
        let hidden_size = match self.hidden_size.first() {
            Some(width) if same => json!(width),
            _ => json!(self.hidden_size),
        };
        let Self { momentum, beta, beta1, beta2, epsilon, .. } = self.flattened();
        let map = json!({
            "dataset": self.dataset,
            "image_size": self.image_size.map(|[height, width]| format!("{height}x{width}")),
            "data_rules": self.data_rules,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "loss": self.loss.name(),
            "optimizer": self.optimizer.name(),
            "learning_rate": self.rate(),
            "momentum": momentum,
            "beta": beta,
            "beta1": beta1,
            "beta2": beta2,
            "epsilon": epsilon,
            "weight_decay": self.weight_decay,
            "weight_init": self.weight_init.name(),
            "num_layers": self.hidden_size.len(),
            "hidden_size": hidden_size,
            "activation": self.activation.name(),
            "val_fraction": self.val_fraction,
            "seed": self.seed,
            "shuffle": self.shuffle,
            "weights": self.weights.name(),
            "init_from": self.init_from,
        });
        let Value::Object(map) = map else { unreachable!("an object was written above") };
        map
    }
}

impl Weights {
    /// Every name.
    pub const NAMES: &'static [&'static str] = &["best", "last"];

    /// The name used in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Last => "last",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Best, Self::Last].into_iter().find(|weights| weights.name() == name.to_lowercase())
    }
}

fn unknown(name: &str) -> Error {
    let near =
        neighbors(name, KEYS.iter().flat_map(|key| std::iter::once(key.name).chain(key.aliases.iter().copied())));
    let all = || KEYS.iter().map(|key| key.name).collect::<Vec<_>>().join(" ");
    let hint = if near.is_empty() {
        format!("settings: {}", all())
    } else {
        format!("did you mean `{}`?", near.join("` or `"))
    };
    Error::Unknown { name: name.into(), hint }
}

fn bad(key: &Key, value: &Value, expected: impl Into<String>) -> Error {
    Error::Value { key: key.name, value: text(value), expected: expected.into() }
}

/// A part of a list by name.
fn part<T>(key: &Key, value: &Value, named: fn(&str) -> Option<T>, names: &[&'static str]) -> Result<T, Error> {
    let name = text(value);
    named(&name).ok_or_else(|| {
        let meant = neighbors(&name, names.iter().copied()).first().map(|near| format!("did you mean `{near}`? "));
        let expected = format!("{}choices: {}", meant.unwrap_or_default(), names.join(" "));
        Error::Part { key: key.name, value: name.clone(), expected }
    })
}

fn number(key: &Key, value: &Value, expected: &str, fits: impl Fn(f64) -> bool) -> Result<f64, Error> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    number.filter(|&x: &f64| fits(x)).ok_or_else(|| bad(key, value, format!("it takes {expected}")))
}

/// A whole number of at least `least`; 5.0 and "5" are 5, as YAML and environment variables have it.
fn whole(key: &Key, value: &Value, least: u64) -> Result<u64, Error> {
    let fits = |x: f64| x.fract() == 0.0 && x >= least as f64 && x < 9e15;
    match value.as_u64().or_else(|| text(value).trim().parse().ok()) {
        Some(exact) if exact >= least => Ok(exact),
        _ => number(key, value, &format!("a whole number of at least {least}"), fits).map(|x| x as u64),
    }
}

/// A number of hidden layers; the limit is that of model files.
fn layer_count(key: &Key, value: &Value) -> Result<usize, Error> {
    let count = whole(key, value, 0)? as usize;
    if count <= MAX_LAYERS { Ok(count) } else { Err(bad(key, value, format!("it takes at most {MAX_LAYERS} layers"))) }
}

fn truth(key: &Key, value: &Value) -> Result<bool, Error> {
    match (value, text(value).to_lowercase().as_str()) {
        (Value::Bool(truth), _) => Ok(*truth),
        (_, "true" | "yes" | "1") => Ok(true),
        (_, "false" | "no" | "0") => Ok(false),
        _ => Err(bad(key, value, "it takes `true` or `false`")),
    }
}

/// Widths: `64`, `[256, 128]`, `"256 128"` or `"256,128"`.
fn widths(key: &Key, value: &Value) -> Result<Vec<usize>, Error> {
    const LARGEST: u64 = 1 << 24;
    let items = match value {
        Value::Array(items) => items.clone(),
        Value::String(list) => {
            let list = list.trim().trim_start_matches('[').trim_end_matches(']');
            list.split([',', ' ']).filter(|item| !item.is_empty()).map(|item| Value::String(item.into())).collect()
        }
        other => vec![other.clone()],
    };
    let expected = format!("it takes widths from 1 to {LARGEST}: `64`, `256 128 64` or `256,128,64`");
    let width = |item| whole(key, item, 1).ok().filter(|&width| width <= LARGEST).map(|width| width as usize);
    if items.len() > MAX_LAYERS {
        return Err(bad(key, value, format!("it takes at most {MAX_LAYERS} widths")));
    }
    items.iter().map(|item| width(item).ok_or_else(|| bad(key, value, expected.clone()))).collect()
}

/// Height and width: `28x28`, or `28` for both.
fn image_size(key: &Key, value: &Value) -> Result<[usize; 2], Error> {
    const LARGEST: usize = 1024;
    let written = match value {
        Value::Array(sides) => sides.iter().map(text).collect::<Vec<_>>().join("x"),
        other => text(other),
    };
    let sides: Option<Vec<usize>> = written.split(['x', 'X', '×', ',']).map(|side| side.trim().parse().ok()).collect();
    let sides = match sides.as_deref() {
        Some(&[side]) => Some([side, side]),
        Some(&[height, width]) => Some([height, width]),
        _ => None,
    };
    let fits = sides.filter(|sides| sides.iter().all(|side| (1..=LARGEST).contains(side)));
    fits.ok_or_else(|| bad(key, value, format!("it takes height and width, such as `28x28`, each from 1 to {LARGEST}")))
}

/// True if a value stands for the default: null, or the text `None`, which Python prints and YAML reads as text.
fn is_none(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("None")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn join(sizes: &[usize]) -> String {
    sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
