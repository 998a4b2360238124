//! The file as a tree whose every node knows where it stands.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Spanned};

use crate::yaml::Mistake;

/// Largest file.
const MOST_BYTES: usize = 1 << 20;

/// Most values, those that aliases repeat included.
const MOST_NODES: usize = 100_000;

/// Place in the file, counted from 1 in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) length: u64,
    /// Range in the text, in bytes.
    pub(super) bytes: Option<(u64, u64)>,
}

/// The beginning of the file.
pub(super) const START: Place = Place { line: 1, column: 1, length: 0, bytes: None };

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) at: Place,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Name, Node)>),
}

/// A key of a map and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) at: Place,
}

impl Node {
    /// Reads a YAML or JSON document; an error is what is wrong and where.
    pub(super) fn read(text: &str) -> Result<Self, (Place, String)> {
        if text.len() > MOST_BYTES {
            return Err((START, format!("the file has {} bytes, more than {MOST_BYTES}", text.len())));
        }
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_depth: 32,
                max_nodes: MOST_NODES,
                max_events: 3 * MOST_NODES,
                max_documents: 2,
            },
            alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MOST_NODES },
            duplicate_keys: DuplicateKeyPolicy::PassThrough,
            non_finite_float_policy: NonFiniteFloatPolicy::AsString,
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options::<Spanned<Kind>>(text, options).map(Self::from).map_err(|error| {
            let at = error.location().map_or(START, Place::from);
            (at, Mistake::of(&error).message)
        })
    }

    /// The value without places.
    pub(super) fn value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(truth) => Value::Bool(*truth),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => items.iter().map(Self::value).collect(),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|(name, node)| (name.text.clone(), node.value())).collect())
            }
        }
    }

    /// As a number.
    pub(super) fn number(&self) -> Option<f64> {
        match &self.kind {
            Kind::Number(number) => number.as_f64().filter(|x| x.is_finite()),
            _ => None,
        }
    }

    /// As a whole number that is written as one: without a point.
    pub(super) fn whole(&self) -> Option<i64> {
        match &self.kind {
            Kind::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// As text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its entries, if it is a map.
    pub(super) fn entries(&self) -> Option<&[(Name, Self)]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry of this name, the last one if it stands twice.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.entries()?.iter().rev().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// Description of the value where text is expected.
    pub(super) fn quoted(&self) -> String {
        self.text().map_or_else(|| self.described(), |text| format!("`{}`", shortened(text)))
    }

    /// Description of the value where something else than text is expected.
    pub(super) fn described(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".into(),
            Kind::List(_) => "a list".into(),
            Kind::Map(_) => "a map".into(),
            Kind::Text(text) => format!("the text `{}`", shortened(text)),
            Kind::Bool(_) | Kind::Number(_) => format!("`{}`", self.value()),
        }
    }
}

/// Text that fits into a message.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).chain(['…']).collect() }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        let span = location.span();
        let bytes = span.byte_offset().zip(span.byte_len());
        Self { line: location.line().max(1), column: location.column().max(1), length: span.len(), bytes }
    }
}

impl From<Spanned<Kind>> for Node {
    fn from(spanned: Spanned<Kind>) -> Self {
        Self { at: spanned.referenced.into(), kind: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Kind;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Kind, E> {
        Ok(Kind::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Kind, E> {
        Ok(Kind::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Kind, E> {
        Number::from_f64(number).map(Kind::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Kind>>()? {
            list.push(item.into());
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kind, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<Kind>>()? {
            let text = match key.value {
                Kind::Text(text) => text,
                Kind::Null => "null".into(),
                Kind::Bool(truth) => truth.to_string(),
                Kind::Number(number) => number.to_string(),
                Kind::List(_) | Kind::Map(_) => return Err(A::Error::custom("a key cannot be a list or a map")),
            };
            map.push((Name { text, at: key.referenced.into() }, entries.next_value::<Spanned<Kind>>()?.into()));
        }
        Ok(Kind::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(node: &Node, found: &mut Vec<(String, u64, u64)>) {
        let mut name = |text: String, at: Place| found.push((text, at.line, at.column));
        match &node.kind {
            Kind::List(items) => items.iter().for_each(|item| places(item, found)),
            Kind::Map(entries) => {
                for (key, value) in entries {
                    found.push((key.text.clone(), key.at.line, key.at.column));
                    places(value, found);
                }
            }
            _ => name(node.value().to_string(), node.at),
        }
    }

    #[test]
    fn everything_knows_where_it_stands() {
        let text = "# ü\na: {b: [1, [x, 'é', ü]],\n   c: yes}\nd:\n  - k: 1e-5\n    l: ~\n  -\n    - 2.5\n";
        let mut found = Vec::new();
        places(&Node::read(text).unwrap(), &mut found);
        let lines: Vec<String> = found.iter().map(|(text, line, column)| format!("{text} {line}:{column}")).collect();
        assert_eq!(
            lines,
            [
                "a 2:1",
                "b 2:5",
                "1 2:9",
                "\"x\" 2:13",
                "\"é\" 2:16",
                "\"ü\" 2:21",
                "c 3:4",
                "true 3:7",
                "d 4:1",
                "k 5:5",
                "0.00001 5:8",
                "l 6:5",
                "null 6:8",
                "2.5 8:7"
            ]
        );
    }

    #[test]
    fn a_broken_file_is_told_with_its_place() {
        let broken = |text: &str| Node::read(text).map(|_| ()).unwrap_err();
        let (at, message) = broken("a: 1\nb: [1, 2\nc: 3\n");
        assert!(at.line >= 2 && !message.is_empty() && !message.contains("line"), "{at:?} {message}");
        assert!(broken("a: 1\n---\nb: 2\n").0.line >= 2);
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Node::read(&deep(30)).is_ok());
        assert!(broken(&deep(100)).1.contains("too many"));
        assert!(broken(&" ".repeat(MOST_BYTES + 1)).1.contains("bytes"));
        let bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n".to_owned()
            + &(b'b'..b'i')
                .map(|c| format!("{0}: &{0} [{1}]\n", c as char, vec![format!("*{}", (c - 1) as char); 10].join(",")))
                .collect::<Vec<_>>()
                .concat();
        Node::read(&bomb).unwrap_err();
    }
}
