//! Fields of a run that can be named: its record, its settings, and the metrics of its last epoch.
//!
//! A plain name means the record first, then a setting, then a figure; `config.epochs` and `last.val_accuracy` say
//! which is meant. Aliases of settings work as they do for `train`.

use std::collections::BTreeSet;

use anyhow::Result;
use handloom_engine::config::{KEYS, find, neighbors};
use handloom_engine::event::EpochMetrics;
use handloom_view::format::{self, duration, percent, rate};
use handloom_view::words::line;
use serde_json::{Map, Value, json};

use crate::exit::Failure;
use crate::runs::{Run, now_ms};
use crate::table::one_line;

/// Fields of the record.
const RECORD: &[&str] = &[
    "run",
    "name",
    "status",
    "dataset",
    "epochs",
    "best_epoch",
    "val_accuracy",
    "test_accuracy",
    "test_loss",
    "started",
    "ended",
    "seconds",
    "tags",
    "group",
    "notes",
    "sweep",
    "seed",
    "fallback",
    "command",
    "version",
    "isa",
    "host",
    "process",
    "git_commit",
    "data_path",
    "data_notes",
    "data_sha256",
    "no_test",
    "out",
    "wandb",
    "weights_sha256",
    "model_sha256",
    "numerics",
    "arch",
    "parent",
];

/// Figures of the last epoch.
const LAST: &[&str] = &[
    "epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "samples_per_second",
    "seconds",
    "val_seconds",
];

/// Other names of fields.
pub(crate) const ALIASES: &[(&str, &str)] = &[
    ("id", "run"),
    ("acc", "val_accuracy"),
    ("opt", "optimizer"),
    ("act", "activation"),
    ("bs", "batch_size"),
    ("wd", "weight_decay"),
    ("state", "status"),
    ("tag", "tags"),
    ("note", "notes"),
    ("created", "started"),
    ("time", "seconds"),
    ("val_acc", "val_accuracy"),
    ("best_val_accuracy", "val_accuracy"),
    ("test_acc", "test_accuracy"),
    ("train_acc", "train_accuracy"),
];

/// One thing to ask of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// Of its record.
    Record(&'static str),
    /// Of its configuration.
    Setting(&'static str),
    /// Of its last epoch.
    Last(&'static str),
}

impl Field {
    /// Everything, as a table without choice has it.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let settings = KEYS.iter().map(|key| key.name).filter(|name| !["dataset", "seed"].contains(name));
        let last = LAST.iter().filter(|name| !["epoch", "learning_rate"].contains(name));
        let record = RECORD.iter().filter(|name| **name != "wandb");
        record
            .map(|name| Self::Record(name))
            .chain(settings.map(Self::Setting))
            .chain(last.map(|name| Self::Last(name)))
    }

    /// The field that `name` means.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let plain = name.trim().to_lowercase().replace('-', "_");
        let listed = |list: &'static [&'static str], name: &str| list.iter().copied().find(|known| *known == name);
        let field = if let Some(setting) = plain.strip_prefix("config.") {
            find(setting).map(|key| Self::Setting(key.name))
        } else if let Some(figure) = plain.strip_prefix("last.") {
            listed(LAST, figure).map(Self::Last)
        } else {
            let plain = ALIASES.iter().find(|(alias, _)| *alias == plain).map_or(plain.as_str(), |(_, name)| name);
            listed(RECORD, plain)
                .map(Self::Record)
                .or_else(|| find(plain).map(|key| Self::Setting(key.name)))
                .or_else(|| listed(LAST, plain).map(Self::Last))
        };
        field.ok_or_else(|| {
            let settings = KEYS.iter().flat_map(|key| std::iter::once(key.name).chain(key.aliases.iter().copied()));
            let aliases = ALIASES.iter().map(|(alias, _)| *alias);
            let all = RECORD.iter().chain(LAST).copied().chain(settings).chain(aliases);
            let near = neighbors(name, all.collect::<BTreeSet<_>>());
            let hint = if near.is_empty() {
                let settings = KEYS.iter().map(|key| key.name).filter(|name| !RECORD.contains(name));
                let last = LAST.iter().copied().filter(|name| !RECORD.contains(name));
                format!("one of {}", RECORD.iter().copied().chain(settings).chain(last).collect::<Vec<_>>().join(" "))
            } else {
                format!("did you mean `{}`?", near.join("` or `"))
            };
            Failure::usage(format!("runs have no `{name}`\nhint: {hint}"))
        })
    }

    /// The name that means it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Setting(name) if RECORD.contains(&name) => format!("config.{name}"),
            Self::Last(name) if RECORD.contains(&name) || find(name).is_some() => format!("last.{name}"),
            Self::Record(name) | Self::Setting(name) | Self::Last(name) => name.into(),
        }
    }

    /// Value of this field for a run; null if there is none.
    pub(crate) fn of(self, run: &Run, last: Option<&EpochMetrics>) -> Value {
        match self {
            Self::Record(name) => record(name, run),
            Self::Setting(name) => run.record.config.get(name).cloned().unwrap_or_default(),
            Self::Last(name) => last.map_or(Value::Null, |row| figure(name, row)),
        }
    }

    /// The same for a cell of a spreadsheet: a command is a line for a shell.
    pub(crate) fn cell(self, run: &Run, last: Option<&EpochMetrics>) -> Value {
        match self {
            Self::Record("command") => json!(line(&run.record.command)),
            _ => self.of(run, last),
        }
    }

    /// The same for people.
    pub(crate) fn text(self, run: &Run, last: Option<&EpochMetrics>) -> String {
        match (self, self.of(run, last)) {
            (_, Value::Null) => "-".into(),
            (Self::Record("epochs"), _) => epochs(run),
            (Self::Record("started" | "ended"), Value::String(time)) => {
                format!("{} {}", &time[..10.min(time.len())], &time[11.min(time.len())..16.min(time.len())])
            }
            (Self::Record("seconds"), value) => value.as_f64().map(duration).unwrap_or_default(),
            (Self::Record(name) | Self::Last(name), value) if name.ends_with("_accuracy") => {
                value.as_f64().map(accuracy_text).unwrap_or_default()
            }
            (Self::Last(name), value) if name.ends_with("_loss") => {
                value.as_f64().map(|loss| format!("{loss:.4}")).unwrap_or_default()
            }
            (Self::Last("samples_per_second"), value) => value.as_f64().map(|n| format!("{n:.0}")).unwrap_or_default(),
            (Self::Record("command"), _) => one_line(&line(&run.record.command)),
            (Self::Setting("learning_rate") | Self::Last("learning_rate"), value) if value.is_f64() => {
                value.as_f64().map(rate).unwrap_or_default()
            }
            (_, value) => one_line(&plain(&value)),
        }
    }

    /// True if its values are numbers, which are aligned to the right.
    pub(crate) fn is_number(self) -> bool {
        match self {
            Self::Record(name) => {
                name.ends_with("_accuracy")
                    || ["epochs", "best_epoch", "test_loss", "seconds", "seed", "process", "numerics"].contains(&name)
            }
            Self::Setting(name) => {
                !["dataset", "loss", "optimizer", "weight_init", "hidden_size", "activation", "weights", "init_from"]
                    .contains(&name)
            }
            Self::Last(_) => true,
        }
    }
}

/// A value as text; a terminal shows `-` for one that is missing.
pub(crate) fn plain(value: &Value) -> String {
    if value.is_null() { "-".into() } else { format::plain(value) }
}

/// An accuracy: `88.12%`.
pub(crate) fn accuracy_text(share: f64) -> String {
    percent(share, 2)
}

/// Finished epochs, and of how many unless all are.
fn epochs(run: &Run) -> String {
    let planned = run.record.config.get("epochs").and_then(Value::as_u64).unwrap_or(0);
    let done = run.record.epochs;
    if done < planned { format!("{done}/{planned}") } else { done.to_string() }
}

/// Seconds between start and end, or until now while it runs.
pub(crate) fn seconds(run: &Run) -> Option<f64> {
    let end = match run.record.ended_ms {
        Some(end) => end,
        None if run.record.status == crate::runs::Status::Running => now_ms(),
        None => return None,
    };
    Some(end.saturating_sub(run.record.started_ms) as f64 / 1e3)
}

/// `2026-11-23T10:41:20Z`.
pub(crate) fn moment(ms: u64) -> Option<String> {
    let moment = jiff::Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()?;
    Some(moment.to_string())
}

fn record(name: &str, run: &Run) -> Value {
    let record = &run.record;
    match name {
        "run" => json!(record.id),
        "name" => json!(record.name),
        "status" => json!(record.status.name()),
        "dataset" => json!(record.dataset),
        "epochs" => json!(record.epochs),
        "best_epoch" => json!(record.best_epoch),
        "val_accuracy" => json!(record.val_accuracy),
        "test_accuracy" => json!(record.test_accuracy),
        "test_loss" => json!(record.test_loss),
        "started" => json!(moment(record.started_ms)),
        "ended" => json!(record.ended_ms.and_then(moment)),
        "seconds" => json!(seconds(run)),
        "tags" => json!(record.tags),
        "group" => json!(record.group),
        "notes" => json!(record.notes),
        "sweep" => json!(record.sweep),
        "seed" => json!(record.seed),
        "fallback" => json!(record.fallback),
        "command" => json!(record.command),
        "version" => json!(record.version),
        "isa" => json!(record.isa),
        "host" => json!(record.host),
        "process" => json!(record.process),
        "git_commit" => json!(record.git_commit),
        "data_path" => json!(record.data_path),
        "data_notes" => json!(record.data_notes),
        "data_sha256" => json!(record.data_sha256),
        "no_test" => json!(record.no_test),
        "out" => json!(record.out),
        "wandb" => Value::Object(record.wandb.clone()),
        "weights_sha256" => json!(record.weights_sha256),
        "model_sha256" => json!(record.model_sha256),
        "numerics" => json!(record.numerics),
        "arch" => json!(record.arch),
        "parent" => json!(record.parent),
        name => unreachable!("`{name}` is in the list of fields but not here"),
    }
}

fn figure(name: &str, row: &EpochMetrics) -> Value {
    match name {
        "epoch" => json!(row.epoch),
        "train_loss" => json!(row.train_loss),
        "train_accuracy" => json!(row.train_accuracy),
        "val_loss" => json!(row.val_loss),
        "val_accuracy" => json!(row.val_accuracy),
        "learning_rate" => json!(row.learning_rate),
        "samples_per_second" => json!(row.samples_per_second),
        "seconds" => json!(row.seconds),
        "val_seconds" => json!(row.val_seconds),
        name => unreachable!("`{name}` is in the list of figures but not here"),
    }
}

/// The `run` object of `--json`: every field of the record, the configuration, and the last epoch's figures.
pub(crate) fn event(run: &Run, last: Option<&EpochMetrics>) -> Map<String, Value> {
    let mut event = Map::from_iter([("v".to_owned(), json!(1)), ("event".to_owned(), json!("run"))]);
    event.extend(RECORD.iter().map(|name| ((*name).to_owned(), record(name, run))));
    event.insert("config".into(), Value::Object(run.record.config.clone()));
    let last = last.map(|row| LAST.iter().map(|name| ((*name).to_owned(), figure(name, row))).collect());
    event.insert("last".into(), last.map_or(Value::Null, Value::Object));
    event
}

#[cfg(test)]
mod tests {
    use handloom_engine::config::Config;

    use super::*;

    #[test]
    fn every_field_has_a_value_under_the_name_that_means_it() {
        let record = crate::runs::Record { config: Config::default().to_map(), ..crate::runs::Record::default() };
        let run = Run { folder: "x".into(), record };
        let row: EpochMetrics = serde_json::from_value(json!({
            "epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5,
            "learning_rate": 0.1, "samples_per_second": 1.0, "seconds": 1.0, "val_seconds": 0.5,
        }))
        .unwrap();
        for field in Field::all() {
            assert_eq!(Field::named(&field.name()).unwrap(), field);
            field.text(&run, Some(&row));
        }
        assert_eq!(event(&run, Some(&row)).len(), RECORD.len() + 4);
    }

    #[test]
    fn names_are_found_by_alias_and_slips_are_told() {
        assert_eq!(Field::named("lr").unwrap(), Field::Setting("learning_rate"));
        assert_eq!(Field::named("Last.val-accuracy").unwrap(), Field::Last("val_accuracy"));
        assert_eq!(Field::named("epochs").unwrap(), Field::Record("epochs"));
        assert_eq!(Field::named("config.epochs").unwrap().name(), "config.epochs");
        let told = Field::named("val_acuracy").unwrap_err().to_string();
        assert!(told.contains("did you mean `val_accuracy`"), "{told}");
        assert!(Field::named("zzzzzz").unwrap_err().to_string().contains("one of run name status"));
    }
}
