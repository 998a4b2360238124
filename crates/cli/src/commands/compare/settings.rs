//! Settings in which two sides differ.

use std::collections::BTreeSet;

use handloom_engine::config::KEYS;
use serde_json::{Map, Value, json};

use crate::fields::plain;
use crate::output::Output;
use crate::runs::Run;
use crate::table::{elided, one_line};

/// A setting with the values of both sides.
pub(super) struct Setting {
    pub(super) name: String,
    /// Each once; several where runs of one side differ.
    pub(super) values: [Vec<Value>; 2],
}

impl Setting {
    /// The values of a side for people.
    pub(super) fn text(&self, side: usize) -> String {
        one_line(&self.values[side].iter().map(plain).collect::<Vec<_>>().join(" | "))
    }
}

/// The settings in which the sides differ, in the order of the documentation.
pub(super) fn differing(sides: [&[Run]; 2]) -> Vec<Setting> {
    let unknown: BTreeSet<&str> = sides
        .iter()
        .copied()
        .flatten()
        .flat_map(|run| run.record.config.keys().map(String::as_str))
        .filter(|name| KEYS.iter().all(|key| key.name != *name))
        .collect();
    let names = KEYS.iter().map(|key| key.name).chain(unknown);
    let settings = names.map(|name| Setting { name: name.into(), values: sides.map(|runs| values(runs, name)) });
    settings.filter(|setting| setting.values[0] != setting.values[1]).collect()
}

/// The values that a setting has in `runs`, each once, in order.
fn values(runs: &[Run], name: &str) -> Vec<Value> {
    let mut values: Vec<Value> =
        runs.iter().map(|run| run.record.config.get(name).cloned().unwrap_or_default()).collect();
    values.sort_by(|a, b| match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => plain(a).cmp(&plain(b)),
    });
    values.dedup();
    values
}

/// Settings other than the seed in which runs of the same side differ.
pub(super) fn mixed(runs: &[Run]) -> Vec<&'static str> {
    let names = KEYS.iter().map(|key| key.name).filter(|name| *name != "seed");
    names.filter(|name| values(runs, name).len() > 1).collect()
}

/// Both sides as an object by setting.
pub(super) fn event(settings: &[Setting]) -> Value {
    let one = |values: &[Value]| match values {
        [one] => one.clone(),
        several => json!(several),
    };
    let both = |setting: &Setting| json!({"a": one(&setting.values[0]), "b": one(&setting.values[1])});
    Value::Object(settings.iter().map(|setting| (setting.name.clone(), both(setting))).collect::<Map<_, _>>())
}

/// Prints the settings with the sides in columns.
pub(super) fn print(settings: &[Setting], names: [&str; 2], output: &Output) {
    const WIDEST: usize = 40;
    if settings.is_empty() {
        output.result("All settings are the same.");
        return;
    }
    let mut rows = vec![["setting".to_owned(), format!("A {}", names[0]), format!(" B {}", names[1])]];
    rows.extend(settings.iter().map(|setting| {
        [setting.name.clone(), elided(&setting.text(0), WIDEST), format!(" {}", elided(&setting.text(1), WIDEST))]
    }));
    output.table(&rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(config: &Value) -> Run {
        let record = crate::runs::Record { config: config.as_object().unwrap().clone(), ..Default::default() };
        Run { folder: "x".into(), record }
    }

    #[test]
    fn only_what_differs_is_told() {
        let a = [
            run(&json!({"loss": "mse", "seed": 2, "epochs": 3})),
            run(&json!({"loss": "mse", "seed": 1, "epochs": 3})),
        ];
        let b = [run(&json!({"loss": "ce", "seed": 1, "epochs": 3, "later": true}))];
        let settings = differing([&a, &b]);
        let names: Vec<&str> = settings.iter().map(|setting| setting.name.as_str()).collect();
        assert_eq!(names, ["loss", "seed", "later"]);
        assert_eq!(
            (settings[1].text(0), settings[1].text(1), settings[2].text(0)),
            ("1 | 2".into(), "1".into(), "-".into())
        );
        assert_eq!(event(&settings)["seed"], json!({"a": [1, 2], "b": 1}));
        assert!(mixed(&a).is_empty());
        assert_eq!(mixed(&[a[0].clone(), b[0].clone()]), ["loss"]);
    }
}
