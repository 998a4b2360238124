//! Words that the terminal and the pages share.

use std::fmt::Write as _;

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

/// `a`, `a and b`, `a, b and c`.
pub fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// Words as a line for a shell.
pub fn line<'w>(words: impl IntoIterator<Item = &'w String>) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/\\:._-+@%,=".contains(c);
    let quoted = |word: &String| {
        let is_plain = !word.is_empty() && word.chars().all(plain);
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
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
    fn a_part_of_an_address_is_what_pages_look_up() {
        assert_eq!(component("fashion_mnist"), "fashion_mnist");
        assert_eq!(component("my data/ä('x')"), "my%20data%2F%C3%A4('x')");
    }
}
