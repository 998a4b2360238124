//! Statements about a sweep, made by rules over its trials.
//!
//! A rule is a function of the table of trials, and of what matters in it, to observations: it says what the data say,
//! with margin and interval, or nothing. Where an interval includes "no difference" it says that this is not settled.
//! To add one: a file with a `pub fn`, and its line in [`RULES`].

mod best;
mod common;
mod decay;
mod diverged;
mod group;
mod progress;
mod rates;
mod recommended;
mod size;
mod spread;
mod strongest;
#[cfg(test)]
mod trials;

use handloom_sweep::importance::Importance;
use serde_json::{Map, Value, json};

use super::table::Table;

/// A sentence about a sweep, with its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The rule that made it.
    pub rule: &'static str,
    /// Text.
    pub text: String,
    /// True if the data settle it: the difference is statistically significant.
    pub settled: bool,
    /// Address of the evidence, if it is a page of its own.
    pub href: Option<String>,
    /// Brush that selects the evidence.
    pub brush: Brush,
}

/// Selection of trials: for each column the part of its values.
pub type Brush = Vec<(String, Part)>;

/// Part of a column's values.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// These categories.
    Levels(Vec<Value>),
    /// Numbers from the first to the second, both included.
    Range(f64, f64),
}

/// A rule.
pub type Rule = fn(&Table, &Importance) -> Vec<Observation>;

/// Every rule, in the order in which they are told.
pub const RULES: [Rule; 9] = [
    recommended::recommended,
    strongest::strongest,
    best::best,
    rates::rates,
    size::size,
    decay::decay,
    common::common,
    diverged::diverged,
    progress::progress,
];

/// Statements of all rules about the trials.
pub fn observe(table: &Table, importance: &Importance) -> Vec<Observation> {
    RULES.iter().flat_map(|rule| rule(table, importance)).collect()
}

impl Observation {
    /// One that the data settle, or do not.
    fn new(rule: &'static str, settled: bool, text: String, brush: Brush) -> Self {
        Self { rule, text, settled, href: None, brush }
    }

    /// As pages take it.
    pub fn to_value(&self) -> Value {
        let part = |(name, part): &(String, Part)| {
            let part = match part {
                Part::Levels(levels) => json!({"levels": levels}),
                Part::Range(low, high) => json!({"low": low, "high": high}),
            };
            (name.clone(), part)
        };
        let brush = (!self.brush.is_empty()).then(|| self.brush.iter().map(part).collect::<Map<_, _>>());
        json!({"rule": self.rule, "text": self.text, "href": self.href, "settled": self.settled, "brush": brush})
    }
}

/// `1 trial`, `3 trials`.
fn counted(count: usize) -> String {
    format!("{count} {}", if count == 1 { "trial" } else { "trials" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_comes_as_brushes_of_columns() {
        let brush = vec![
            ("optimizer".to_owned(), Part::Levels(vec![json!("adam")])),
            ("learning_rate".to_owned(), Part::Range(0.001, 0.1)),
        ];
        let shown = Observation::new("best", true, "text".into(), brush).to_value();
        assert_eq!(
            shown["brush"],
            json!({"optimizer": {"levels": ["adam"]}, "learning_rate": {"low": 0.001, "high": 0.1}})
        );
        assert_eq!(Observation::new("best", false, String::new(), vec![]).to_value()["brush"], Value::Null);
    }

    #[test]
    fn trials_are_counted_as_people_do() {
        assert_eq!([counted(1), counted(2)], ["1 trial", "2 trials"]);
    }

    #[test]
    fn a_sweep_in_which_nothing_ended_shows_nothing() {
        let table = trials::Trials::new(3).running().table();
        assert_eq!(observe(&table, &Importance::default()), []);
    }
}
