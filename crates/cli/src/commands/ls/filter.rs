//! Filters of `ls`: `optimizer=adam`, `val_accuracy>0.88`, `tag!=old`, or a word in a name.

use std::cmp::Ordering;

use anyhow::Result;
use handloom_data::catalog;
use handloom_engine::config::Config;
use handloom_engine::event::Row;
use handloom_store::Status;
use serde_json::{Map, Value};

use crate::exit::Failure;
use crate::fields::{Field, plain};
use crate::runs::Run;

/// What a run has to be like.
pub(super) enum Filter {
    /// Its id begins with this, or its name has it in it.
    Word(String),
    /// A field is what was asked for.
    Field(Field, Test),
}

/// What a value has to be like; of several wanted ones, any.
pub(super) struct Test {
    is: fn(Ordering) -> bool,
    /// Whether it is `=` or `!=`, which know lists and no order.
    sameness: Option<bool>,
    wanted: Vec<String>,
}

/// How it is typed, whether it is about sameness, and which order it accepts.
type Operator = (&'static str, Option<bool>, fn(Ordering) -> bool);

/// The longer ones first.
const OPERATORS: &[Operator] = &[
    ("!=", Some(false), Ordering::is_ne),
    (">=", None, Ordering::is_ge),
    ("<=", None, Ordering::is_le),
    ("==", Some(true), Ordering::is_eq),
    ("=", Some(true), Ordering::is_eq),
    (">", None, Ordering::is_gt),
    ("<", None, Ordering::is_lt),
];

impl Filter {
    /// The filter that was typed.
    pub(super) fn typed(text: &str) -> Result<Self> {
        let Some(at) = text.find(['=', '!', '<', '>']) else { return Ok(Self::Word(text.to_lowercase())) };
        let (name, rest) = text.split_at(at);
        let operator = OPERATORS.iter().find(|(operator, ..)| rest.starts_with(operator));
        let Some((operator, sameness, is)) = operator.filter(|_| !name.trim().is_empty()) else {
            return Err(Failure::usage(format!(
                "`{text}` is no filter\nhint: write `NAME=VALUE`, `!=`, `>`, `>=`, `<` or `<=`, such as `'val_accuracy>0.88'`"
            )));
        };
        let field = Field::named(name)?;
        let value = rest[operator.len()..].trim();
        let mut wanted = vec![value.to_owned()];
        if sameness.is_some() && value.contains(',') {
            // `hidden_size=256,128` is a list; `optimizer=adam,nadam` is either.
            wanted = value.split(',').map(|value| value.trim().to_owned()).chain([value.replace(',', " ")]).collect();
        }
        let last = wanted.len() - 1;
        for (at, wanted) in wanted.iter_mut().enumerate() {
            if at == 0 || at < last {
                *wanted = meant(field, wanted)?;
            }
        }
        Ok(Self::Field(field, Test { is: *is, sameness: *sameness, wanted }))
    }

    /// Whether it needs the last epoch's figures.
    pub(super) fn needs_last(&self) -> bool {
        matches!(self, Self::Field(Field::Last(_), _))
    }

    /// Whether the run is as it says.
    pub(super) fn passes(&self, run: &Run, last: Option<&Row>) -> bool {
        match self {
            Self::Word(word) => run.record.id.starts_with(word) || run.record.name.to_lowercase().contains(word),
            Self::Field(field, test) => test.holds(&field.of(run, last)),
        }
    }
}

/// What a value of `field` is called in a record: the same word for every alias.
fn meant(field: Field, value: &str) -> Result<String> {
    match field {
        Field::Record("status") if !value.is_empty() => {
            let status: Status = value.to_lowercase().parse().map_err(|error| Failure::usage(format!("{error}")))?;
            Ok(status.name().into())
        }
        Field::Record("dataset") => Ok(catalog::find(value).map_or(value, |set| set.name).into()),
        Field::Setting(name @ ("loss" | "optimizer" | "activation" | "weight_init" | "weights"))
            if !value.is_empty() =>
        {
            let mut config = Config::default();
            config.merge(&Map::from_iter([(name.to_owned(), Value::String(value.into()))]))?;
            Ok(plain(&config.to_map()[name]))
        }
        _ => Ok(value.into()),
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        let Some(expected) = self.sameness else {
            return self.wanted.iter().any(|wanted| order(value, wanted).is_some_and(self.is));
        };
        let equals = |value: &Value, wanted: &str| match value {
            Value::Null => wanted.is_empty(),
            value => order(value, wanted) == Some(Ordering::Equal),
        };
        let any = self.wanted.iter().any(|wanted| match value {
            Value::Array(values) if values.is_empty() => wanted.is_empty(),
            Value::Array(values) => equals(value, wanted) || values.iter().any(|value| equals(value, wanted)),
            value => equals(value, wanted),
        });
        any == expected
    }
}

/// How a value compares with a typed one: as numbers if both are, else as texts in any case.
fn order(value: &Value, wanted: &str) -> Option<Ordering> {
    if value.is_null() || wanted.is_empty() {
        return None;
    }
    let number = match wanted.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok().map(|percent| percent / 100.0),
        None => wanted.parse().ok(),
    };
    match (value.as_f64(), number) {
        (Some(value), Some(wanted)) => value.partial_cmp(&wanted),
        (Some(_), None) => None,
        _ => Some(plain(value).to_lowercase().cmp(&wanted.to_lowercase())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_compare_numbers_words_lists_and_what_is_missing() {
        let record = json!({
            "id": "abcd1234", "name": "hl_2_Adam", "status": "finished", "val_accuracy": 0.88, "tags": ["baseline", "x"],
            "dataset": "fashion_mnist", "epochs": 3, "started_ms": 1_760_000_000_000_u64,
            "config": {"optimizer": "nag", "learning_rate": 0.001, "hidden_size": [256, 128], "epochs": 10},
        });
        let run = Run { folder: "x".into(), record: serde_json::from_value(record).unwrap() };
        let passes = |text: &str| Filter::typed(text).unwrap().passes(&run, None);
        for text in [
            "adam",
            "abcd",
            "optimizer=nesterov",
            "optimizer=adam,nag",
            "optimizer!=sgd",
            "val_accuracy>0.879",
            "val_accuracy>=88%",
            "val_acc<=0.88",
            "lr=1e-3",
            "tag=baseline",
            "tag!=old",
            "tag=old,x",
            "dataset=fashion",
            "status=FINISHED",
            "status=failed,finished",
            "hidden_size=256,128",
            "hidden_size=256",
            "epochs=3",
            "config.epochs=10",
            "test_accuracy=",
            "val_accuracy!=",
            "group=",
            "started>2025-10",
            "started<2026",
        ] {
            assert!(passes(text), "{text}");
        }
        for text in [
            "sgd",
            "optimizer=sgd",
            "val_accuracy>0.88",
            "tag!=x",
            "group=x",
            "test_accuracy>0",
            "test_accuracy<1",
            "lr>high",
            "val_accuracy=",
            "hidden_size=256,64,3",
        ] {
            assert_eq!(passes(text), text == "hidden_size=256,64,3", "{text}");
        }
        for (text, told) in [
            ("optimizer=adma", "did you mean `adam`"),
            ("status=done", "is no status"),
            ("colour=red", "runs have no `colour`"),
            ("=3", "is no filter"),
            ("name!x", "is no filter"),
        ] {
            let error = Filter::typed(text).err().unwrap().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
