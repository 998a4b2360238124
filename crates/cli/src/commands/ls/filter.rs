//! The filter language of `ls`, `rm` and the dashboard: `optimizer=adam,nadam val_accuracy>0.88 baseline`.
//!
//! A filter is a list of terms, which must all hold. A term is a word or `NAME OPERATOR VALUE` without spaces between.
//!
//! - A word is contained in the name, a tag, the notes or another text of a run, in any case; or the id begins with it.
//! - `NAME` is a field of a run or one of its aliases, in any case, with `-` or `_`.
//! - `=` (or `==`) and `!=` compare with a whole value. Several values stand with commas between: `optimizer=adam,nadam`
//!   is either, `hidden_size=256,128` is 256, 128, or the two layers. Nothing and `none` mean that the field has no value.
//! - `:` is contained in a text: `notes:deep`. A number must be equal.
//! - `>`, `>=`, `<` and `<=` compare numbers by size and texts by alphabet. A run without a value never passes.
//! - A number may be a percentage: `val_accuracy>88%`. A time is a text, of which `=` compares the beginning:
//!   `started=2026-11-30`.
//! - Double quotes keep spaces: `notes:"too deep"`.
//!
//! `filter.js` is the same language for the dashboard. The tests of both read `crates/view/web/tests/filter.json`, and
//! `names.js` holds the names for it.

use std::cmp::Ordering;

use anyhow::Result;
use handloom_data::catalog;
use handloom_engine::config::Config;
use handloom_engine::event::EpochMetrics;
use handloom_store::Status;
use serde_json::{Map, Value};

use crate::exit::Failure;
use crate::fields::{Field, plain};
use crate::runs::Run;

/// One term of a filter.
pub(in crate::commands) enum Filter {
    /// A text that the run contains.
    Word(String),
    /// A comparison of a field.
    Field(Field, Test),
}

/// A comparison with one of several values.
pub(in crate::commands) struct Test {
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Contains,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// Operators as they are written, the longer ones first.
const OPERATORS: &[(&str, Operator)] = &[
    ("!=", Operator::Unequal),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    (":", Operator::Contains),
];

/// Characters with which an operator begins.
const BEGINNINGS: [char; 5] = ['=', '!', '<', '>', ':'];

/// Record fields and settings with texts in which a word is looked for.
const TEXTS: [&str; 7] = ["name", "tags", "notes", "group", "sweep", "dataset", "status"];
const SETTINGS: [&str; 5] = ["loss", "optimizer", "activation", "weight_init", "weights"];

impl Filter {
    /// The terms of an argument. A shell takes its own quotes away, so an argument is split at spaces only if several
    /// of its parts are comparisons: `'notes=too deep'` is one term, `'optimizer=adam lr<0.01'` are two.
    pub(in crate::commands) fn parse(argument: &str) -> Result<Vec<Self>> {
        let parts = split(argument);
        let comparisons = parts.iter().filter(|part| comparison(part).is_some()).count();
        let quoted = argument.contains('"');
        if comparisons > 1 || quoted || comparisons == 1 && comparison(argument).is_none() {
            parts.iter().map(|part| Self::term(part)).collect()
        } else {
            Ok(vec![Self::term(argument)?])
        }
    }

    fn term(text: &str) -> Result<Self> {
        let Some((name, operator, value)) = comparison(text) else {
            if text.contains(['=', '!', '<', '>']) {
                return Err(Failure::usage(format!(
                    "`{text}` is not a filter\nhint: write NAME=VALUE, !=, :, '>', '>=', '<' or '<=', such as 'val_accuracy>0.88'"
                )));
            }
            return Ok(Self::Word(text.replace('"', "").to_lowercase()));
        };
        let is_order = !matches!(operator, Operator::Equal | Operator::Unequal | Operator::Contains);
        // The loss function has no order, so `loss<0.4` can only mean the figure.
        let field = Field::named(if is_order && name.eq_ignore_ascii_case("loss") { "val_loss" } else { name })?;
        let value = value.replace('"', "");
        let value = value.trim();
        let is_equality = matches!(operator, Operator::Equal | Operator::Unequal);
        if value.is_empty() && !is_equality {
            return Err(Failure::usage(format!(
                "`{text}` has no value\nhint: `{name}=` finds the runs without a value, `{name}!=` those with one"
            )));
        }
        let mut values = vec![value.to_owned()];
        if value.contains(',') && (is_equality || operator == Operator::Contains) {
            values = value.split(',').map(|value| value.trim().to_owned()).collect();
        }
        if is_equality {
            for value in &mut values {
                *value = canonical(field, value)?;
            }
        }
        if value.contains(',') {
            values.push(value.replace(',', " "));
        }
        Ok(Self::Field(field, Test { operator, values }))
    }

    /// True if the text is written as a comparison, whatever it compares.
    pub(in crate::commands) fn is_comparison(text: &str) -> bool {
        comparison(text).is_some()
    }

    /// True if the term compares a metric of the last epoch.
    pub(in crate::commands) fn needs_last(&self) -> bool {
        matches!(self, Self::Field(Field::Last(_), _))
    }

    /// True if the term holds for a run.
    pub(in crate::commands) fn passes(&self, run: &Run, last: Option<&EpochMetrics>) -> bool {
        match self {
            Self::Word(word) => {
                let texts = TEXTS.map(Field::Record).into_iter().chain(SETTINGS.map(Field::Setting));
                run.record.id.starts_with(word) || texts.into_iter().any(|field| contains(&field.of(run, last), word))
            }
            Self::Field(field, test) => test.holds(*field, &field.of(run, last)),
        }
    }
}

/// The parts of a text between spaces, which double quotes keep.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    for character in text.chars() {
        is_quoted ^= character == '"';
        if character.is_whitespace() && !is_quoted {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Name, operator and value of a comparison.
fn comparison(text: &str) -> Option<(&str, Operator, &str)> {
    let (name, rest) = text.split_at(text.find(BEGINNINGS)?);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let (written, operator) = OPERATORS.iter().find(|(written, _)| rest.starts_with(written)).filter(|_| is_name)?;
    Some((name, *operator, &rest[written.len()..]))
}

/// The name in records of a value that may be an alias.
fn canonical(field: Field, value: &str) -> Result<String> {
    // `none` is a name of the identity among activations, and no value elsewhere.
    if value.is_empty() || is_missing(value) && field != Field::Setting("activation") {
        return Ok(String::new());
    }
    match field {
        Field::Record("status") => {
            let status: Status = value.to_lowercase().parse().map_err(|error| Failure::usage(format!("{error}")))?;
            Ok(status.name().into())
        }
        Field::Record("dataset") => Ok(catalog::find(value).map_or(value, |set| set.name).into()),
        Field::Setting(name) if SETTINGS.contains(&name) => {
            let mut config = Config::default();
            config.merge(&Map::from_iter([(name.to_owned(), Value::String(value.into()))]))?;
            Ok(plain(&config.to_map()[name]))
        }
        _ => Ok(value.into()),
    }
}

fn is_missing(value: &str) -> bool {
    value.is_empty() || value.eq_ignore_ascii_case("none")
}

impl Test {
    fn holds(&self, field: Field, value: &Value) -> bool {
        let is_time = matches!(field, Field::Record("started" | "ended"));
        let any = |holds: &dyn Fn(&str) -> bool| self.values.iter().any(|wanted| holds(wanted));
        let order = |accepts: fn(Ordering) -> bool| any(&|wanted| order(value, wanted).is_some_and(accepts));
        match self.operator {
            Operator::Equal => any(&|wanted| equals(value, wanted, is_time)),
            Operator::Unequal => !any(&|wanted| equals(value, wanted, is_time)),
            Operator::Contains => any(&|wanted| contains(value, &wanted.to_lowercase())),
            Operator::Greater => order(Ordering::is_gt),
            Operator::GreaterOrEqual => order(Ordering::is_ge),
            Operator::Less => order(Ordering::is_lt),
            Operator::LessOrEqual => order(Ordering::is_le),
        }
    }
}

/// True if a value is the wanted one. Of several tags, one is enough; of several layers, all must be as listed.
fn equals(value: &Value, wanted: &str, is_time: bool) -> bool {
    match value {
        Value::Null => is_missing(wanted),
        Value::String(text) if text.is_empty() => is_missing(wanted),
        Value::Array(values) if values.is_empty() => is_missing(wanted),
        _ if is_missing(wanted) => false,
        Value::Array(values) if values.iter().all(Value::is_string) => {
            values.iter().any(|value| equals(value, wanted, false))
        }
        Value::Bool(yes) => {
            wanted.eq_ignore_ascii_case(if *yes { "true" } else { "false" })
                || wanted.eq_ignore_ascii_case(if *yes { "yes" } else { "no" })
        }
        Value::String(time) if is_time => time.to_lowercase().starts_with(&wanted.to_lowercase()),
        _ => order(value, wanted) == Some(Ordering::Equal),
    }
}

/// True if a text contains `wanted`, which is in lower case; a number must be equal to it.
fn contains(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Null => false,
        Value::Number(_) | Value::Bool(_) => equals(value, wanted, false),
        value => plain(value).to_lowercase().contains(wanted),
    }
}

/// Order of a value and a wanted one: numbers by size, texts by alphabet in any case. None if they do not compare.
fn order(value: &Value, wanted: &str) -> Option<Ordering> {
    match value {
        Value::Number(number) => number.as_f64()?.partial_cmp(&self::number(wanted)?),
        Value::String(text) => Some(text.to_lowercase().cmp(&wanted.to_lowercase())),
        // Lists are equal or not, but have no order.
        Value::Array(_) => Some(Ordering::Equal).filter(|_| plain(value) == wanted),
        _ => None,
    }
}

/// `0.88`, `88%` or `1e-3` as a number.
fn number(text: &str) -> Option<f64> {
    let (digits, scale) = match text.strip_suffix('%') {
        Some(digits) => (digits.trim(), 100.0),
        None => (text, 1.0),
    };
    // `inf` and `nan` are texts here.
    let is_number = digits.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    digits.parse::<f64>().ok().filter(|_| is_number).map(|number| number / scale)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use handloom_engine::activation::Activation;
    use handloom_engine::config::{KEYS, Weights};
    use handloom_engine::init::Init;
    use handloom_engine::loss::LossKind;
    use handloom_engine::optim::Optimizer;
    use serde_json::json;

    use super::*;
    use crate::fields::ALIASES;

    /// Runs, and for each filter the ids of those that pass, or `null` if it is no filter.
    const CASES: &str = include_str!("../../../../view/web/tests/filter.json");
    /// The names that the dashboard knows.
    const NAMES: &str = include_str!("../../../../view/web/names.js");

    /// A run from an object with its fields and settings side by side.
    fn run(fields: &Map<String, Value>) -> Run {
        let mut record = fields.clone();
        let config: Map<String, Value> =
            fields.clone().into_iter().filter(|(name, _)| KEYS.iter().any(|key| key.name == name)).collect();
        record.insert("config".into(), Value::Object(config));
        Run { folder: "x".into(), record: serde_json::from_value(Value::Object(record)).unwrap() }
    }

    #[test]
    fn filters_find_what_the_shared_cases_say() {
        let cases: Value = serde_json::from_str(CASES).unwrap();
        let runs: Vec<Run> =
            cases["runs"].as_array().unwrap().iter().map(|run_| run(run_.as_object().unwrap())).collect();
        for case in cases["filters"].as_array().unwrap() {
            let filter = case["filter"].as_str().unwrap();
            let terms: Result<Vec<Filter>> = split(filter).iter().map(|part| Filter::term(part)).collect();
            let found = terms.ok().map(|terms| {
                let passing = runs.iter().filter(|run| terms.iter().all(|term| term.passes(run, None)));
                passing.map(|run| run.record.id.clone()).collect::<Vec<_>>()
            });
            assert_eq!(json!(found), case["passes"], "{filter}");
        }
    }

    #[test]
    fn the_dashboard_has_the_same_names() {
        fn named<'a>(names: &[&'a str], aliases: &[(&'a str, &'a str)]) -> BTreeMap<&'a str, &'a str> {
            names.iter().map(|name| (*name, *name)).chain(aliases.iter().copied()).collect()
        }
        let settings = KEYS.iter().flat_map(|key| key.aliases.iter().map(|alias| (*alias, key.name)));
        let aliases: BTreeMap<&str, &str> = settings.chain(ALIASES.iter().copied()).collect();
        let status: Vec<&str> = Status::ALL.iter().map(|status| status.name()).collect();
        let values = BTreeMap::from([
            ("activation", named(Activation::NAMES, Activation::ALIASES)),
            ("loss", named(LossKind::NAMES, LossKind::ALIASES)),
            ("optimizer", named(Optimizer::NAMES, Optimizer::ALIASES)),
            ("status", named(&status, &[])),
            ("weight_init", named(Init::NAMES, Init::ALIASES)),
            ("weights", named(Weights::NAMES, &[])),
        ]);
        let sets: BTreeMap<&str, &str> = catalog::SETS
            .iter()
            .flat_map(|set| set.aliases.iter().chain([&set.name]).map(|alias| (*alias, set.name)))
            .collect();
        let names = json!({"aliases": aliases, "values": values, "datasets": sets});
        let expected = format!(
            "// @ts-check\n// Names that filters understand: aliases of columns, and values of settings. A test of the program compares this file\n// with its own lists, and prints what it must be.\n\nexport const NAMES = {};\n",
            serde_json::to_string_pretty(&names).unwrap()
        );
        assert!(NAMES == expected, "crates/view/web/names.js must be:\n{expected}");
    }

    #[test]
    fn an_argument_is_one_term_unless_it_has_several_comparisons() {
        let terms = |text: &str| Filter::parse(text).unwrap().len();
        assert_eq!(terms("notes=too deep"), 1);
        assert_eq!(terms("optimizer=adam lr<0.01"), 2);
        assert_eq!(terms("two words"), 1);
        assert_eq!(terms("baseline optimizer=adam"), 2);
        assert_eq!(terms("notes:\"too deep\" adam"), 2);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (text, told) in [
            ("optimizer=adma", "did you mean `adam`"),
            ("status=done", "is no status"),
            ("colour=red", "runs have no `colour`"),
            ("=3", "is not a filter"),
            ("name!x", "is not a filter"),
            ("val_accuracy>", "has no value"),
        ] {
            let error = Filter::parse(text).err().unwrap().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
