//! Statements in words: made by rules from the data, each with its evidence. A rule that does not fire says nothing.

use crate::words::component;
use serde_json::{Value, json};

/// Something that a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// Name of the rule.
    pub(crate) rule: &'static str,
    /// Text.
    pub(crate) text: String,
    /// The page with the evidence, such as `#/run/ID`.
    pub(crate) href: Option<String>,
}

impl Sentence {
    /// A sentence of `rule`.
    pub(crate) fn new(rule: &'static str, text: impl Into<String>) -> Self {
        Self { rule, text: text.into(), href: None }
    }

    /// The same with its evidence on the page `href`.
    pub(crate) fn at(self, href: impl Into<String>) -> Self {
        Self { href: Some(href.into()), ..self }
    }

    /// As it is answered.
    pub(crate) fn to_value(&self) -> Value {
        json!({"rule": self.rule, "text": self.text, "href": self.href})
    }
}

/// Sentences as they are answered.
pub(crate) fn values(sentences: &[Sentence]) -> Value {
    sentences.iter().map(Sentence::to_value).collect()
}

/// The page of a run, or one below it: `#/run/ID/errors`.
pub(crate) fn run_page(id: &str, below: &str) -> String {
    format!("#/run/{}{below}", component(id))
}

/// The page of a sweep.
pub(crate) fn sweep_page(id: &str) -> String {
    format!("#/sweep/{}", component(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_addresses_stay_in_their_part() {
        assert_eq!(run_page("k3v9x0aa", "/errors"), "#/run/k3v9x0aa/errors");
        assert_eq!(sweep_page("a/b?c#d ä"), "#/sweep/a%2Fb%3Fc%23d%20%C3%A4");
        let said = Sentence::new("best", "Best: 90%.");
        assert_eq!(said.to_value(), json!({"rule": "best", "text": "Best: 90%.", "href": null}));
        assert_eq!(values(&[said.at("#/")]), json!([{"rule": "best", "text": "Best: 90%.", "href": "#/"}]));
    }
}
