//! Checks of every map of the file: known keys, each once, each with the kind of value that it takes.

use handloom_engine::config::neighbors;

use super::finding::Findings;
use super::node::{Kind, Name, Node, shortened};
use super::schema::{Field, Takes};

/// Checks `node` against `fields`; whether it is a map at all.
pub(super) fn check(node: &Node, what: &str, fields: &[Field], findings: &mut Findings) -> bool {
    let Some(entries) = node.entries() else {
        let names: Vec<&str> = fields.iter().take(3).map(|field| field.name).collect();
        findings.wrong(
            node.at,
            format!("{what} is {}, not a map", node.described()),
            format!("it has keys such as `{}`", names.join("`, `")),
        );
        return false;
    };
    twice(entries, findings);
    for (name, value) in entries {
        match fields.iter().find(|field| field.name == name.text) {
            Some(field) => {
                fits(name, value, field.takes, findings);
                if let Some(why) = field.ignored {
                    findings.note(name.at, format!("`{}` is ignored: {why}", field.name));
                }
            }
            None => unknown(name, what, fields.iter().map(|field| field.name), findings),
        }
    }
    true
}

/// Refuses a key that stands twice.
pub(super) fn twice(entries: &[(Name, Node)], findings: &mut Findings) {
    let mut seen = std::collections::HashMap::new();
    for (name, _) in entries {
        if let Some(line) = seen.insert(&name.text, name.at.line) {
            let message = format!("`{}` stands twice, first in line {line}", shortened(&name.text));
            findings.wrong(name.at, message, "keep one of the two");
        }
    }
}

/// Refuses a key that is none.
pub(super) fn unknown<'a>(
    name: &Name,
    what: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    findings: &mut Findings,
) {
    let hint = match neighbors(&name.text, known.clone()).first() {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{what} takes {}", known.collect::<Vec<_>>().join(" ")),
    };
    findings.wrong(name.at, format!("unknown key `{}`", shortened(&name.text)), hint);
}

fn fits(name: &Name, value: &Node, takes: Takes, findings: &mut Findings) {
    let (fits, expected) = match takes {
        Takes::Text => (value.text().is_some(), "text".to_owned()),
        Takes::Word(words) => {
            let text = match &value.kind {
                // YAML reads `false` as no text.
                Kind::Bool(truth) => truth.to_string(),
                _ => value.text().unwrap_or_default().to_owned(),
            };
            if words.contains(&text.as_str()) {
                return;
            }
            let begins = |word: &&str| text.len() >= 3 && word.starts_with(&text.to_lowercase());
            let near = words.iter().copied().find(begins).or(neighbors(&text, words.iter().copied()).first().copied());
            let near = near.map(|near| format!("did you mean `{near}`? "));
            (false, format!("{}choices: {}", near.unwrap_or_default(), words.join(" ")))
        }
        Takes::Whole(least) => {
            let fits = value.whole().is_some_and(|whole| u64::try_from(whole).is_ok_and(|whole| whole >= least));
            (fits, format!("a whole number of at least {least}"))
        }
        Takes::Number => (value.number().is_some(), "a number".into()),
        Takes::Truth => (matches!(value.kind, Kind::Bool(_)), "`true` or `false`".into()),
        Takes::List => (matches!(value.kind, Kind::List(_)), "a list".into()),
        Takes::Map => (matches!(value.kind, Kind::Map(_)), "a map".into()),
    };
    if !fits {
        let (given, hint) = match takes {
            Takes::Word(_) => (value.quoted(), expected),
            _ => (value.described(), format!("it takes {expected}")),
        };
        findings.wrong(value.at, format!("`{}` cannot be {given}", name.text), hint);
    }
}
