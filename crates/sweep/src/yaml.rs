//! Errors of the YAML parser in words for the person who wrote the file.
//!
//! The parser's own messages speak to programmers (`use from_str_multiple`, `set DuplicateKeyPolicy in Options`).

use serde_saphyr::{Error, UserMessageFormatter};

/// A mistake in a YAML or JSON file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Line, counted from 1.
    pub line: u64,
    /// Column, counted from 1.
    pub column: u64,
    /// The mistake in words, on one line.
    pub message: String,
}

impl Mistake {
    /// The mistake that the parser stopped at.
    pub fn of(error: &Error) -> Self {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line().max(1), at.column().max(1)));
        Self { line, column, message: message(error.without_snippet()) }
    }
}

fn message(error: &Error) -> String {
    const TOO_LARGE: &str = "the file has too many values, or too many within each other";
    match error {
        Error::MultipleDocuments { .. } => "a second document begins here (`---`), and a file has one".into(),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` is set twice"),
        Error::DuplicateMappingKey { key: None, .. } => "a key is set twice".into(),
        Error::NonFiniteFloat { value, .. } => format!("`{value}` is not a finite number"),
        Error::NullIntoString { .. } => "a key must be text".into(),
        Error::Unexpected { expected, .. } if expected.contains("scalar") => {
            "a key must be text, not a list or a map".into()
        }
        Error::UnknownAnchor { .. } => "`*` refers to a name that no `&` has given before it".into(),
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => TOO_LARGE.into(),
        error => {
            let mut said = error.render_with_formatter(&UserMessageFormatter);
            said.truncate(said.find(['\n', '\r']).unwrap_or(said.len()));
            let said = said.strip_prefix("error: ").unwrap_or(&said);
            let said = match said.split_once(": ") {
                Some((place, said)) if place.starts_with("line ") => said,
                _ => said,
            };
            let said = said.split(" at line ").next().unwrap_or(said);
            let known = [
                ("recursion limit", TOO_LARGE),
                // A limit that is broken while an alias is repeated comes as a message.
                ("too large or too complex", TOO_LARGE),
                ("<document start>", "there is text after the end of the document"),
                ("mapping values are not allowed", "unexpected `:`; a text with `: ` in it needs quotes"),
                ("tabs disallowed", "lines are indented by spaces, not by tabs"),
                ("surrogate", "`\\u` with half a character"),
                ("unsupported YAML", "this version of YAML is not read; leave out the line `%YAML`"),
            ];
            if let Some((_, plain)) = known.iter().find(|(library, _)| said.contains(library)) {
                return (*plain).into();
            }
            match said.strip_prefix("unexpected character: ") {
                Some(character) => format!("unexpected character `{}`", character.trim_matches(['`', '\''])),
                None => said.to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn mistakes_are_told_in_words_and_with_their_place() {
        let deep = format!("a: {}", "[".repeat(2000));
        let times = |n: i32| format!("a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 10].join(","));
        let bomb = format!("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n{}", (1..9).map(times).collect::<Vec<_>>().join("\n"));
        let cases = [
            ("epochs: 1\nepochs: 2\n", 2, "`epochs` is set twice"),
            ("{\"epochs\":1,\"epochs\":2}", 1, "`epochs` is set twice"),
            ("epochs: 1\n---\nepochs: 2\n", 3, "a second document begins here"),
            ("x: *x\n", 1, "`*` refers to a name"),
            ("epochs:\n\t- 1\n", 2, "not by tabs"),
            ("? [a]\n: 1\n", 1, "a key must be text"),
            ("null: 2\n", 1, "a key must be text"),
            ("rate: .nan\n", 1, "`.nan` is not a finite number"),
            ("{\"rate\": 1e400}", 1, "`1e400` is not a finite number"),
            ("a: 1: 2\n", 1, "unexpected `:`"),
            ("a: 1\n  b: 2\n", 2, "unexpected `:`"),
            ("a: @x\n", 1, "unexpected character `@`"),
            ("a: \u{1}\n", 1, "unexpected character `"),
            ("a: [1, 2\n", 1, "unclosed bracket"),
            ("a: \"1\n", 1, "unclosed quote"),
            ("{\"a\":1} x", 1, "after the end of the document"),
            ("{\"a\":\"\\ud800\"}", 1, "half a character"),
            ("%YAML 3.0\n---\na: 1\n", 1, "leave out the line"),
            (deep.as_str(), 1, "too many within each other"),
            (bomb.as_str(), 5, "too many values"),
        ];
        for (text, line, expected) in cases {
            let mistake = Mistake::of(&serde_saphyr::from_str::<Value>(text).unwrap_err());
            let shown: String = text.chars().take(30).collect();
            assert!(mistake.message.contains(expected), "{shown:?}: {mistake:?}");
            assert!(mistake.line == line || text == bomb, "{shown:?}: {mistake:?}");
            for library in ["from_str", "Policy", "Options", "Option<", "serde", "scalar", "budget", "{ "] {
                assert!(!mistake.message.contains(library), "{shown:?}: {mistake:?}");
            }
        }
    }
}
