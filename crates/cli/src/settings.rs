//! Settings of a run from all their sources, in one flat form: defaults, then `--config`, then `--set`, then flags,
//! then what a launcher passes, then the parameters that `wandb agent` left in a file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use clap::parser::ValueSource;
use handloom_data::home::{self, PathError};
use handloom_engine::config::{Config, KEYS, Key, find};
use handloom_sweep::yaml::Mistake;
use serde_json::{Map, Value, json};

use crate::exit::Failure;
use crate::literal::collection;
use crate::nested::leaves;
use crate::wandb::SWEEP;

/// Settings that do not change what is trained: where it is recorded, under which name, with how many threads.
pub(crate) const OPTIONS: &[Key] = &[
    Key::new("out", &["model_save_path"], &[], "FILE", "Also save the model here"),
    Key::new("threads", &[], &[], "N", "Threads; the result is the same for any number [default: all cores]"),
    Key::new("data_dir", &[], &[], "DIR", "Where data sets are looked for first"),
    Key::new("store", &[], &[], "DIR", "Where runs are kept [default: .handloom]"),
    Key::new("name", &[], &[], "NAME", "Name of the run [default: made from the settings]"),
    Key::new("tag", &["tags"], &[], "TAG", "Tag of the run; may be repeated"),
    Key::new("group", &[], &[], "NAME", "Group of the run"),
    Key::new("notes", &[], &[], "TEXT", "Notes on the run"),
    Key::new(
        "min_accuracy",
        &[],
        &[],
        "X",
        "Exit 5 if the test accuracy (validation with --no-test) is below this fraction",
    ),
    Key::new("wandb", &[], &[], "MODE", "Weights & Biases: offline, online or off"),
    Key::new("wandb_project", &[], &["-wp", "-w_p"], "NAME", "Weights & Biases project"),
    Key::new("wandb_entity", &[], &["-we", "-w_e"], "NAME", "Weights & Biases entity"),
];

/// The literal defaults of the assignment's flag table.
fn spec_defaults() -> Map<String, Value> {
    let table = json!({
        "dataset": "fashion_mnist", "epochs": 1, "batch_size": 4, "loss": "cross_entropy", "optimizer": "sgd",
        "learning_rate": 0.1, "momentum": 0.5, "beta": 0.5, "beta1": 0.5, "beta2": 0.5, "epsilon": 0.000_001,
        "weight_decay": 0.0, "weight_init": "random", "num_layers": 1, "hidden_size": 4, "activation": "sigmoid",
    });
    table.as_object().expect("an object was written above").clone()
}

/// Everything that `train` was asked for.
pub(crate) struct Settings {
    /// Configuration of the training.
    pub(crate) config: Config,
    /// The rest, by the names of [`OPTIONS`].
    pub(crate) options: Map<String, Value>,
    /// Names of what was set, by whatever source.
    pub(crate) given: Vec<&'static str>,
    /// True if the test set is not opened.
    pub(crate) no_test: bool,
}

impl Settings {
    /// From the flags of `train`.
    pub(crate) fn from_flags(matches: &ArgMatches) -> Result<Self> {
        let mut settings = Self { config: Config::default(), options: Map::new(), given: Vec::new(), no_test: false };
        if matches.get_flag("spec-defaults") {
            settings.config.merge(&spec_defaults())?;
        }
        if let Some(path) = matches.get_one::<String>("config") {
            let file = read_file(Path::new(path))?;
            settings.merge(&file).with_context(|| format!("in `{path}`"))?;
        }
        for pair in matches.get_many::<String>("set").into_iter().flatten() {
            let (key, value) = pair.split_once('=').ok_or_else(|| {
                Failure::usage(format!(
                    "`--set {pair}` has no `=`\nhint: write `--set KEY=VALUE`, such as `--set epochs=5`"
                ))
            })?;
            settings.merge(&Map::from_iter([(key.trim().to_owned(), said(key, value.trim()))]))?;
        }
        settings.merge(&flags(matches))?;
        settings.merge(&launched(matches)?)?;
        if let Some(path) = sweep_parameters()? {
            let parameters = read_file(&path).context("WANDB_SWEEP_PARAM_PATH names the parameters of this trial")?;
            settings.merge(&parameters).with_context(|| format!("in `{}`", path.display()))?;
        }
        settings.no_test |= matches.get_flag("no-test");
        Ok(settings)
    }

    /// From maps of settings, of which a later one wins over an earlier one: what holds for a sweep, and a trial's choice.
    pub(crate) fn of_maps<'m>(maps: impl IntoIterator<Item = &'m Map<String, Value>>) -> Result<Self> {
        let mut settings = Self { config: Config::default(), options: Map::new(), given: Vec::new(), no_test: false };
        maps.into_iter().try_for_each(|map| settings.merge(map))?;
        Ok(settings)
    }

    /// Takes over what `values` says; a later source wins over an earlier one.
    fn merge(&mut self, values: &Map<String, Value>) -> Result<()> {
        let mut config = Map::new();
        for leaf in leaves(values) {
            let path = leaf.path();
            let Some(key) = leaf.key() else {
                // Flags that take no value are parameters too, where somebody else makes the command line.
                match (path.replace('-', "_").to_lowercase().as_str(), truth(leaf.value)) {
                    ("no_test", Some(truth)) => self.no_test = truth,
                    ("no_shuffle", Some(truth)) => config.extend([("shuffle".to_owned(), json!(!truth))]),
                    _ => return Err(leaf.unknown()),
                }
                continue;
            };
            if !self.given.contains(&key.name) {
                self.given.push(key.name);
            }
            let value = expanded(key.name, leaf.value)?;
            if find(key.name).is_none() {
                self.options.insert(key.name.into(), value);
            } else if config.insert(key.name.to_owned(), value).is_some() {
                return Err(Failure::usage(format!(
                    "`{}` is set twice, once as `{path}`\nhint: keep one of the two",
                    key.name
                )));
            }
        }
        Ok(self.config.merge(&config)?)
    }

    /// An option as text, unless it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.options.get(name)? {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// An option as a path.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// Tags, each once.
    pub(crate) fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = match self.options.get("tag") {
            Some(Value::Array(tags)) => tags.iter().filter_map(Value::as_str).flat_map(tags_of).collect(),
            Some(Value::String(tags)) => tags_of(tags).collect(),
            _ => Vec::new(),
        };
        let mut seen = Vec::new();
        tags.retain(|tag| {
            !tag.is_empty() && !seen.contains(tag) && {
                seen.push(tag.clone());
                true
            }
        });
        tags
    }
}

/// Settings and options that are paths, or may be.
pub(crate) const PATHS: [&str; 5] = ["dataset", "init_from", "out", "data_dir", "store"];

/// A value as it is meant: paths that begin with `~` are in the home folder.
fn expanded(name: &str, value: &Value) -> Result<Value> {
    match value {
        Value::String(text) if PATHS.contains(&name) => Ok(path(text)?.into()),
        other => Ok(other.clone()),
    }
}

/// A path as it is meant, for flags and files alike; addresses of databases stay as they are.
pub(crate) fn path(text: &str) -> Result<String, PathError> {
    if text.contains("://") {
        return Ok(text.into());
    }
    Ok(home::expand(text)?.to_string_lossy().into_owned())
}

/// The tags that a text names, with commas between them.
pub(crate) fn tags_of(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty())
}

/// Threads asked for, or as many as there are cores.
pub(crate) fn threads(text: Option<&str>) -> Result<usize> {
    const MOST: usize = 256;
    match text {
        None => Ok(std::thread::available_parallelism().map_or(1, Into::into).min(MOST)),
        Some(text) => text.parse().ok().filter(|threads| (1..=MOST).contains(threads)).ok_or_else(|| {
            Failure::usage(format!("`threads` cannot be `{text}`\nhint: it takes a whole number from 1 to {MOST}"))
        }),
    }
}

/// A fraction in `[0, 1]`, such as `--min-accuracy` takes.
pub(crate) fn fraction(name: &str, text: &str) -> Result<f64> {
    text.parse().ok().filter(|x| (0.0..=1.0).contains(x)).ok_or_else(|| {
        Failure::usage(format!("`{name}` cannot be `{text}`\nhint: it takes a fraction from 0 to 1, such as 0.87"))
    })
}

/// Typed flags, by the names of settings and options.
fn flags(matches: &ArgMatches) -> Map<String, Value> {
    let mut flags = Map::new();
    for key in KEYS.iter().chain(OPTIONS) {
        let Some(values) = matches.get_many::<String>(key.name) else { continue };
        let values: Vec<String> = values.cloned().collect();
        let value = match key.name {
            "tag" => json!(values),
            name => said(name, &values.join(" ")),
        };
        flags.insert(key.name.into(), value);
    }
    if matches.get_flag("no-shuffle") {
        flags.insert("shuffle".into(), false.into());
    }
    flags
}

/// True if a flag was typed, not taken from the environment.
pub(crate) fn typed(matches: &ArgMatches, name: &str) -> bool {
    matches!(matches.try_contains_id(name), Ok(true)) && matches.value_source(name) == Some(ValueSource::CommandLine)
}

/// The text of a file that people write; `hint` is told where it cannot be read.
pub(crate) fn read_text(path: &Path, hint: &str) -> Result<String> {
    const MAX_BYTES: u64 = 1 << 20;
    let read = || -> std::io::Result<String> {
        let length = fs::metadata(path)?.len();
        if length > MAX_BYTES {
            return Err(std::io::Error::other(format!("{length} bytes are more than {MAX_BYTES}")));
        }
        fs::read_to_string(path)
    };
    let hint = if hint.is_empty() { String::new() } else { format!("\nhint: {hint}") };
    read().map_err(|error| {
        let is_text = error.kind() != std::io::ErrorKind::InvalidData;
        let why = if is_text { error.to_string() } else { "it is not text in UTF-8".into() };
        let hint = if is_text || !hint.is_empty() { hint } else { "\nhint: save it as text in UTF-8".into() };
        Failure::usage(format!("cannot read `{}`: {why}{hint}", path.display()))
    })
}

/// A flat map of settings from a YAML or JSON file, which may be one that W&B wrote.
pub(crate) fn read_file(path: &Path) -> Result<Map<String, Value>> {
    let text = read_text(path, "")?;
    match serde_saphyr::from_str(&text) {
        Ok(Value::Object(mut map)) => {
            // Keys that W&B adds, and the local sweep that we name there: none of them is a setting.
            let theirs = |name: &str, value: &Value| {
                ["wandb_version", "_wandb"].contains(&name) || name == SWEEP && value.get("value").is_some()
            };
            map.retain(|name, value| !theirs(name, value));
            Ok(map.into_iter().map(|(name, value)| (name, unwrapped(value))).collect())
        }
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(Failure::usage(format!(
            "`{}` is not a map of settings\nhint: write lines such as `epochs: 5`",
            path.display()
        ))),
        Err(error) => {
            let Mistake { line, column, message } = Mistake::of(&error);
            Err(Failure::usage(format!(
                "`{}`, line {line}, column {column}: {message}\nhint: the file is YAML or JSON with lines such as `epochs: 5`, each setting once",
                path.display()
            )))
        }
    }
}

/// W&B writes `{value: 5}` where a person writes `5`.
fn unwrapped(value: Value) -> Value {
    match value {
        Value::Object(mut map) if map.contains_key("value") => map.remove("value").unwrap_or_default(),
        other => other,
    }
}

/// The option that `name` means.
pub(crate) fn find_option(name: &str) -> Option<&'static Key> {
    OPTIONS.iter().find(|key| key.is_called(name))
}

/// Value that `text` has for `name`: a list or map if it is written as one, unless `name` is an option, which takes any
/// text.
fn said(name: &str, text: &str) -> Value {
    let free = find_option(name).is_some();
    collection(text).filter(|_| !free).unwrap_or_else(|| text.into())
}

/// Settings from a launcher in its own forms: `name=value`, an object, or the path of a file with one.
fn launched(matches: &ArgMatches) -> Result<Map<String, Value>> {
    let mut set = Map::new();
    for word in matches.get_many::<String>("parameter").into_iter().flatten() {
        if word.starts_with('{') {
            let Some(Value::Object(values)) = collection(word) else {
                return Err(Failure::usage(format!(
                    "`{word}` is not JSON\nhint: write an object such as `{{\"epochs\": 5}}`"
                )));
            };
            set.extend(values);
        } else if let Some((name, value)) = word.split_once('=') {
            set.insert(name.into(), said(name, value));
        } else {
            set.extend(read_file(Path::new(word)).with_context(|| format!("in `{word}`"))?);
        }
    }
    Ok(set)
}

/// The file in which `wandb agent` leaves a trial's parameters.
pub(crate) fn sweep_parameters() -> Result<Option<PathBuf>, PathError> {
    let variable = std::env::var_os("WANDB_SWEEP_PARAM_PATH").filter(|path| !path.is_empty());
    variable.map(|path| path.to_str().map_or_else(|| Ok(path.clone().into()), home::expand)).transpose()
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => text.to_lowercase().parse().ok(),
        _ => None,
    }
}

/// Default settings, with the learning rate that is the default of the optimizer in `config`: each optimizer has its
/// own.
pub(crate) fn usual(config: &Map<String, Value>) -> Map<String, Value> {
    let mut named = Config::default();
    let optimizer = config.get("optimizer").map(|name| ("optimizer".to_owned(), name.clone()));
    let own = match named.merge(&optimizer.into_iter().collect()) {
        Ok(()) => named.to_map().get("learning_rate").cloned(),
        Err(_) => None,
    };
    let mut defaults = Config::default().to_map();
    defaults.extend(own.map(|rate| ("learning_rate".to_owned(), rate)));
    defaults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_optimizers_own_learning_rate_is_its_default() {
        let mut config = Config::default();
        config.merge(json!({"optimizer": "sgd"}).as_object().unwrap()).unwrap();
        let defaults = usual(&config.to_map());
        assert_eq!((&defaults["learning_rate"], &defaults["optimizer"]), (&json!(0.1), &json!("adam")));
    }
}
