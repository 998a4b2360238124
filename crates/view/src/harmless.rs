//! Untrusted texts, such as names of classes, runs and files: made safe for a terminal, and the rules for labels.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Maximum length of a name, tag or group, in characters; a line of a terminal has room for less.
const LONGEST: usize = 200;
/// Maximum length of notes, in characters.
const LONGEST_NOTES: usize = 20_000;
/// Maximum number of tags of a run.
pub const MOST_TAGS: usize = 100;

/// True if a character can control a terminal, change the direction of text, or break a line invisibly: control
/// characters (C0 without tab and line feed, DEL, C1), bidirectional marks and overrides, Unicode's line separators,
/// and the byte order mark.
pub fn steers(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `text` with `\u{fffd}` for each character that [`steers`]; tabs and line breaks stay.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.contains(steers) { text.replace(steers, "\u{fffd}").into() } else { text.into() }
}

/// The same on one line.
pub fn one_line(text: &str) -> String {
    harmless(text).replace(['\n', '\t'], " ")
}

/// JSON with `\\uXXXX` for each character that [`steers`]; in JSON such characters occur only in strings.
pub fn json(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers(c) {
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped.into()
}

/// A name, tag or group as it is stored, without space around it; `Err` describes the fault.
pub fn label(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        Err("is empty")
    } else if text.chars().count() > LONGEST {
        Err("is longer than 200 characters")
    } else if one_line(text) != text {
        Err("has control characters, line breaks or marks of direction in it")
    } else {
        Ok(text.into())
    }
}

/// Notes as they are stored, which may have several lines; `Err` describes the fault.
pub fn notes(text: &str) -> Result<String, &'static str> {
    let text = text.replace("\r\n", "\n");
    if text.chars().count() > LONGEST_NOTES {
        Err("are longer than 20,000 characters")
    } else if text.contains(steers) {
        Err("have control characters or marks of direction in them")
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_and_not_obeyed() {
        assert_eq!(
            harmless("a\u{1b}[31mb\u{9b}c\u{202e}d\re\nf\u{2028}\u{7f}"),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}d\u{fffd}e\nf\u{fffd}\u{fffd}"
        );
        assert_eq!(one_line("Größe\t試し\n<b>👩\u{200d}🔬"), "Größe 試し <b>👩\u{200d}🔬");
        let value = serde_json::json!({"name": "a\u{1b}\u{9b}\u{202e}ö\n\u{7f}"});
        let text = json(&value.to_string()).into_owned();
        assert_eq!(text, "{\"name\":\"a\\u001b\\u009b\\u202eö\\n\\u007f\"}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn labels_are_short_texts_on_one_line() {
        assert_eq!(label("  Größe 試し <b> "), Ok("Größe 試し <b>".into()));
        assert!(label(&"x".repeat(200)).is_ok());
        for wrong in ["", "  ", "a\nb", "a\tb", "a\u{1b}[0m", "a\u{85}b", "a\u{202e}b", "a\u{2066}", &"x".repeat(201)] {
            assert!(label(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(notes("one\r\n\ttwo"), Ok("one\n\ttwo".into()));
        assert!(notes("a\u{1b}[2J").is_err() && notes(&"x".repeat(20_001)).is_err());
    }
}
