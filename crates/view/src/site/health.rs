//! Whether a run learns as it should: checks by rules over what its epochs showed, each said with the run's own numbers.
//!
//! A rule that finds its illness also says what helps against it. One that cannot tell, since the run has no such layer or
//! nothing was recorded, says why.

mod checks;
#[cfg(test)]
mod tests;

use handloom_store::{Epoch, Run};
use serde_json::{Value, json};

use crate::words::listed;

/// What a rule found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Looked, and found nothing wrong.
    Good,
    /// Found what it looks for.
    Bad,
    /// Cannot tell.
    Unknown,
}

/// What a rule says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// Which rule.
    pub(crate) rule: &'static str,
    pub(crate) state: State,
    /// What was found, in words.
    pub(crate) text: String,
    /// What helps; empty unless it is bad.
    pub(crate) fix: String,
    /// The layer that it is about, from 1.
    pub(crate) layer: Option<usize>,
}

impl Check {
    fn new(rule: &'static str, state: State, text: impl Into<String>) -> Self {
        Self { rule, state, text: text.into(), fix: String::new(), layer: None }
    }

    fn bad(rule: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: fix.into(), ..Self::new(rule, State::Bad, text) }
    }

    fn of_layer(self, layer: usize) -> Self {
        Self { layer: Some(layer), ..self }
    }

    fn to_value(&self) -> Value {
        let state = match self.state {
            State::Good => "good",
            State::Bad => "bad",
            State::Unknown => "unknown",
        };
        let fix = Some(&self.fix).filter(|fix| !fix.is_empty());
        json!({"rule": self.rule, "state": state, "text": self.text, "fix": fix, "layer": self.layer})
    }
}

/// What every rule says of a run; `classes` has the names of classes, as far as they are known.
pub(crate) fn examine(run: &Run, epochs: &[Epoch], classes: &[String]) -> Vec<Check> {
    checks::ALL.iter().map(|rule| rule(&checks::Case { run, epochs, classes })).collect()
}

/// Checks as they are answered.
pub(crate) fn values(checks: &[Check]) -> Value {
    checks.iter().map(Check::to_value).collect()
}

/// All checks in a sentence: what is wrong, or that nothing is. Says nothing where no rule could tell.
pub(crate) fn verdict(checks: &[Check]) -> Option<String> {
    let bad: Vec<&Check> = checks.iter().filter(|check| check.state == State::Bad).collect();
    match bad[..] {
        [] if checks.iter().any(|check| check.state == State::Good) => Some("Healthy.".into()),
        [] => None,
        [one] => Some(one.text.clone()),
        [first, ref others @ ..] => {
            let names: Vec<String> = others.iter().map(|check| checks::ailment(check.rule).to_owned()).collect();
            Some(format!("{} Besides: {}.", first.text, listed(&names)))
        }
    }
}
