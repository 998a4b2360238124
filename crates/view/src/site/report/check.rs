//! The comparison of a report with what came of training again: value by value, and then byte by byte.

use std::collections::{BTreeMap, BTreeSet};

use handloom_engine::damage::of_json;
use handloom_engine::event::EpochDiagnostics;
use serde_json::{Map, Value, json};

use super::super::{ApiError, Host};
use super::answers::Given;
use super::provenance::{BUILD, Provenance, Unreadable};
use super::snapshot::Diagnostics;
use super::{Originals, element, pages};

/// Differences that are listed with their values; more are counted.
const LISTED: usize = 100;
/// Longest text of a difference, in characters.
const EXCERPT: usize = 60;

/// A report as its file has it.
#[derive(Clone, Debug)]
pub struct ReportFile {
    /// Provenance as the file states it.
    pub provenance: Provenance,
    html: Vec<u8>,
    origin: Value,
    answers: Map<String, Value>,
}

/// Results of training the runs of a report again.
#[derive(Clone, Debug, Default)]
pub struct Again {
    /// The report's provenance, with what was found in place of what it says.
    pub provenance: Provenance,
    /// Diagnostics of each epoch of the runs that were trained again.
    pub diagnostics: BTreeMap<String, Vec<(u64, EpochDiagnostics)>>,
    /// The runs whose pages are taken as they are.
    pub unchecked: BTreeSet<String>,
    /// The runs whose figures about the test set are taken as they are.
    pub untested: BTreeSet<String>,
    /// The data sets whose pages are taken as they are.
    pub no_data: BTreeSet<String>,
}

/// A value that is another than the report says.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its place: an address with a path, `provenance` with a path, or a part of the page.
    pub place: String,
    /// Value in the report.
    pub reported: Value,
    /// Value that came out.
    pub found: Value,
}

/// Comparison of a report with the results of training again.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// The first differences.
    pub differences: Vec<Difference>,
    /// Number of differences.
    pub count: usize,
    /// The code that made the pages, if it is not that of this program. Pages that differ may then be as honest.
    pub other_build: Option<String>,
}

impl ReportFile {
    /// Reads a report.
    pub fn read(html: Vec<u8>) -> Result<Self, Unreadable> {
        let provenance = Provenance::read(&html)?;
        let value = |id: &str| -> Result<Value, Unreadable> {
            let text = element::read(&html, id)?;
            serde_json::from_slice(&text)
                .map_err(|error| Unreadable(format!("its `{id}` are damaged: {}", of_json(&error))))
        };
        let (origin, answers) = (value("provenance")?, value("answers")?);
        let Value::Object(answers) = answers else { return Err(Unreadable("its `answers` are damaged".into())) };
        Ok(Self { provenance, html, origin, answers })
    }

    /// Makes the report anew from `again`, and compares. `host` has the models that were trained again.
    pub fn compare(&self, mut again: Again, host: Box<dyn Host>) -> Result<Comparison, ApiError> {
        let diagnostics = std::mem::take(&mut again.diagnostics);
        let bare: BTreeMap<String, BTreeSet<u64>> = again
            .provenance
            .runs
            .iter()
            .filter_map(|made| Some((made.id.clone(), made.figures.as_ref()?.undiagnosed.clone())))
            .collect();
        let diagnostics: Diagnostics = Box::new(move |id| {
            let own = diagnostics.get(id).into_iter().flatten();
            let known = |epoch: u64| bare.get(id).is_none_or(|bare| !bare.contains(&epoch));
            Ok(own.filter(|(epoch, _)| known(*epoch)).cloned().collect())
        });
        let given = Given {
            answers: &self.answers,
            unchecked: &again.unchecked,
            untested: &again.untested,
            no_data: &again.no_data,
        };
        let pages = pages(&again.provenance, diagnostics, (host, Originals::new()), Some(given))?;
        let mut found = again.provenance.clone();
        for (sweep, winner) in found.sweeps.iter_mut().zip(&pages.winners) {
            let answer = &pages.answers[format!("/api/sweeps/{}", sweep.id)];
            sweep.winner.clone_from(winner);
            sweep.cap = sweep.cap.filter(|cap| answer["planned"] == *cap);
            sweep.stopped &= answer["status"] == "stopped";
        }
        let mut comparison = Comparison {
            other_build: self.provenance.build.clone().filter(|build| build != BUILD),
            ..Comparison::default()
        };
        if comparison.other_build.is_none() {
            found.version = env!("CARGO_PKG_VERSION").into();
        }
        comparison.values("provenance", &self.origin, &found.to_value());
        let made = pages.answers.as_object().cloned().unwrap_or_default();
        let addresses: Vec<&String> =
            self.answers.keys().chain(made.keys().filter(|address| !self.answers.contains_key(*address))).collect();
        for address in addresses {
            match (self.answers.get(address), made.get(address)) {
                (Some(reported), Some(found)) => comparison.values(address, reported, found),
                (reported, found) => comparison.add(address, reported, found),
            }
        }
        // Everything that is not a value: text, styles, scripts, and the form of values.
        let elements = [("answers", &pages.answers), ("provenance", &found.to_value())]
            .map(|(id, value)| element::as_in(&self.html, id, value));
        let [answers, origin] = &elements;
        let pieces = pages.frame.pieces(&pages.title, &pages.first, [answers, origin]);
        if comparison.count == 0 || !pieces_before_data_agree(&self.html, &pieces) {
            comparison.bytes(&self.html, &pieces);
        }
        Ok(comparison)
    }
}

/// True if the file agrees with all that comes before the first element of data.
fn pieces_before_data_agree(html: &[u8], pieces: &[(&'static str, String)]) -> bool {
    let mut rest = html;
    pieces.iter().take_while(|(name, _)| *name != "provenance").all(|(_, text)| {
        let agrees = rest.starts_with(text.as_bytes());
        rest = rest.get(text.len()..).unwrap_or_default();
        agrees
    })
}

impl Comparison {
    /// Notes a value that is another than the report says.
    pub fn add(&mut self, place: &str, reported: Option<&Value>, found: Option<&Value>) {
        self.count += 1;
        if self.differences.len() < LISTED {
            let [reported, found] = [reported, found].map(excerpt);
            self.differences.push(Difference { place: place.into(), reported, found });
        }
    }

    /// Compares two values, and names each place at which they differ.
    pub fn values(&mut self, place: &str, reported: &Value, found: &Value) {
        match (reported, found) {
            (Value::Object(a), Value::Object(b)) => {
                for (key, reported) in a {
                    let place = format!("{place} {key}");
                    match b.get(key) {
                        Some(found) => self.values(&place, reported, found),
                        None => self.add(&place, Some(reported), None),
                    }
                }
                for (key, found) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                    self.add(&format!("{place} {key}"), None, Some(found));
                }
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (at, (reported, found)) in a.iter().zip(b).enumerate() {
                    self.values(&format!("{place}[{at}]"), reported, found);
                }
            }
            _ if reported == found => {}
            _ => self.add(place, Some(reported), Some(found)),
        }
    }

    /// Compares a file with the pieces that it should consist of, and names the first at which it differs.
    fn bytes(&mut self, html: &[u8], pieces: &[(&'static str, String)]) {
        let mut rest = html;
        for (name, text) in pieces {
            let text = text.as_bytes();
            if rest.starts_with(text) {
                rest = &rest[text.len()..];
                continue;
            }
            let at = rest.iter().zip(text).take_while(|(a, b)| a == b).count();
            let from = at.saturating_sub(EXCERPT / 3);
            let part = |bytes: &[u8]| {
                let end = bytes.len().min(at + EXCERPT);
                json!(String::from_utf8_lossy(bytes.get(from..end).unwrap_or_default()))
            };
            let (reported, found) = (part(rest), part(text));
            self.add(name, Some(&reported), Some(&found));
            return;
        }
        if !rest.is_empty() {
            self.add("after the end of the page", Some(&json!(String::from_utf8_lossy(rest))), None);
        }
    }
}

/// A value, short enough for a line.
fn excerpt(value: Option<&Value>) -> Value {
    let Some(value) = value else { return Value::Null };
    let text = match value {
        Value::Array(_) | Value::Object(_) => value.to_string(),
        Value::String(text) => text.clone(),
        other => return other.clone(),
    };
    let short: String = text.chars().take(EXCERPT).collect();
    json!(if short.len() < text.len() { format!("{short}...") } else { short })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_that_differs_is_named_with_its_place() {
        let mut found = Comparison::default();
        let reported = json!({"a": [1, {"b": 2.0}], "c": "x", "only": true, "list": [1, 2]});
        let made = json!({"a": [1, {"b": 2.5}], "c": "x", "new": null, "list": [1]});
        found.values("/api/x", &reported, &made);
        let named: Vec<&str> = found.differences.iter().map(|one| one.place.as_str()).collect();
        assert_eq!(named, ["/api/x a[1] b", "/api/x only", "/api/x list", "/api/x new"]);
        assert_eq!(found.differences[0].reported, json!(2.0));
        assert_eq!(found.differences[0].found, json!(2.5));
        assert_eq!(found.differences[2].reported, json!("[1,2]"));
        let long = vec![1; LISTED + 7];
        let mut many = Comparison::default();
        many.values("x", &json!(long), &json!(vec![2; LISTED + 7]));
        assert_eq!((many.count, many.differences.len()), (LISTED + 7, LISTED));
    }

    #[test]
    fn a_byte_that_differs_is_named_by_its_part_of_the_page() {
        let pieces = vec![("markup", "<html>".to_owned()), ("page text", "88.9%".into()), ("markup", "</html>".into())];
        let place = |html: &str| {
            let mut found = Comparison::default();
            found.bytes(html.as_bytes(), &pieces);
            found.differences.pop().map(|one| one.place)
        };
        assert_eq!(place("<html>88.9%</html>"), None);
        assert_eq!(place("<html>98.9%</html>").as_deref(), Some("page text"));
        assert_eq!(place("<html>88.9%</htm>").as_deref(), Some("markup"));
        assert_eq!(place("<html>88.9%</html> ").as_deref(), Some("after the end of the page"));
        assert_eq!(place("").as_deref(), Some("markup"));
    }
}
