//! Words that the terminal and the pages share.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::format;

/// `1234567` as `1,234,567`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 image`, `2 images`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// `once`, `twice`, `3 times`.
pub fn times(n: u64) -> String {
    match n {
        1 => "once".into(),
        2 => "twice".into(),
        n => format!("{} times", grouped(n)),
    }
}

/// A share [0, 1] as sentences say it: `88.9%`.
pub(crate) fn percent(share: f64) -> String {
    format::percent(share, 1)
}

/// Widths of the hidden layers that a configuration describes.
pub(crate) fn hidden(config: &Map<String, Value>) -> Vec<u64> {
    let count = config.get("num_layers").and_then(Value::as_u64);
    match config.get("hidden_size") {
        Some(Value::Array(widths)) => widths.iter().filter_map(Value::as_u64).collect(),
        Some(width) => vec![width.as_u64().unwrap_or(0); count.unwrap_or(1).min(10_000) as usize],
        None => Vec::new(),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// Words as a shell command line, quoted so that pasting it gives the program the same words.
pub fn line<'w>(words: impl IntoIterator<Item = &'w String>) -> String {
    words.into_iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it: in quotes where it would mean something else without.
pub fn quoted(word: &str) -> String {
    // A path on Windows has backslashes, which its shells do not interpret.
    let plain = |c: char| c.is_alphanumeric() || "/:._-+@%,=".contains(c) || cfg!(windows) && c == '\\';
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if !word.contains(is_unseen) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    // Quoted as `$'...'`, which makes invisible characters visible and keeps everything on one line.
    let mut text = String::from("$'");
    for c in word.chars() {
        match c {
            '\n' => text.push_str(r"\n"),
            '\t' => text.push_str(r"\t"),
            '\'' | '\\' => text.extend(['\\', c]),
            c if is_unseen(c) => {
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text + "'"
}

/// True for control characters, invisible ones, and those that change the direction of text.
fn is_unseen(c: char) -> bool {
    const UNSEEN: [std::ops::RangeInclusive<char>; 3] =
        ['\u{200b}'..='\u{200f}', '\u{2028}'..='\u{202e}', '\u{2060}'..='\u{206f}'];
    c.is_control() || c == '\u{feff}' || UNSEEN.iter().any(|range| range.contains(&c))
}

/// A part of an address as JavaScript's `encodeURIComponent` writes it, since pages look answers up by it.
pub(crate) fn component(text: &str) -> String {
    text.bytes().fold(String::new(), |mut written, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            written.push(char::from(byte));
        } else {
            let _ = write!(written, "%{byte:02X}");
        }
        written
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_lines_read_well() {
        assert_eq!([0, 999, 60_000, 1_234_567].map(grouped), ["0", "999", "60,000", "1,234,567"]);
        assert_eq!([1, 2, 1_290].map(times), ["once", "twice", "1,290 times"]);
        assert_eq!([count(1, "run", "runs"), count(1_290, "run", "runs")], ["1 run", "1,290 runs"]);
        let words = ["a", "b", "c"].map(String::from);
        assert_eq!([listed(&words), listed(&words[..2]), listed(&words[..1])], ["a, b and c", "a and b", "a"]);
        assert_eq!(
            line(&["handloom", "-sz", "64,32", "my data", "it's", ""].map(String::from)),
            r"handloom -sz 64,32 'my data' 'it'\''s' ''"
        );
    }

    #[test]
    fn a_quoted_word_is_one_line_that_a_shell_reads_as_it_was() {
        for (word, expected) in [
            ("$HOME `x`", "'$HOME `x`'"),
            (r"a\b", r"'a\b'"),
            ("~/data", "'~/data'"),
            ("a\nb", r"$'a\nb'"),
            ("it's\t\\ \u{202e}", r"$'it\'s\t\\ \u202e'"),
            ("größe", "größe"),
            ("a;b", "'a;b'"),
            ("*", "'*'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn a_part_of_an_address_is_what_pages_look_up() {
        assert_eq!(component("fashion_mnist"), "fashion_mnist");
        assert_eq!(component("my data/ä('x')"), "my%20data%2F%C3%A4('x')");
    }
}
