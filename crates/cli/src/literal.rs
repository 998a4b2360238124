//! Values as Python prints them, which is how `wandb agent` passes lists and nested parameters:
//! `{'name': 'adam', 'layers': [32, 32]}`, `(128, 64)`, `True`, `None`. JSON is read by the same rules.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Value};

/// Deepest nesting; a parameter of people has two or three.
const DEEPEST: usize = 32;

/// The map, list or tuple that `text` is, if it is one; a tuple becomes a list.
pub(crate) fn collection(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text.trim().chars().peekable() };
    let value = reader.rest.peek().is_some_and(|first| "{[(".contains(*first)).then(|| reader.value(0))??;
    reader.rest.next().is_none().then_some(value)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        self.blank();
        let value = match self.rest.peek()? {
            _ if depth > DEEPEST => None,
            '{' => self.map(depth),
            '[' => self.list(']', depth),
            '(' => self.list(')', depth),
            '\'' | '"' => self.text().map(Value::String),
            _ => self.word(),
        };
        self.blank();
        value
    }

    fn map(&mut self, depth: usize) -> Option<Value> {
        let mut map = Map::new();
        self.rest.next();
        loop {
            self.blank();
            if self.rest.next_if_eq(&'}').is_some() {
                return Some(Value::Object(map));
            }
            let Value::String(name) = self.value(depth + 1)? else { return None };
            self.rest.next_if_eq(&':')?;
            map.insert(name, self.value(depth + 1)?);
            if self.rest.next_if_eq(&',').is_none() && self.rest.peek() != Some(&'}') {
                return None;
            }
        }
    }

    fn list(&mut self, end: char, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        self.rest.next();
        loop {
            self.blank();
            if self.rest.next_if_eq(&end).is_some() {
                return Some(Value::Array(items));
            }
            items.push(self.value(depth + 1)?);
            if self.rest.next_if_eq(&',').is_none() && self.rest.peek() != Some(&end) {
                return None;
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        let quote = self.rest.next()?;
        let mut text = String::new();
        loop {
            match self.rest.next()? {
                '\\' => text.push(self.escaped()?),
                end if end == quote => return Some(text),
                plain => text.push(plain),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.rest.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            plain => plain,
        })
    }

    /// A character by its number in hexadecimal digits. JSON writes rare ones as two halves.
    fn code(&mut self, digits: usize) -> Option<char> {
        let mut number = |digits| (0..digits).try_fold(0, |sum, _| Some(sum * 16 + self.rest.next()?.to_digit(16)?));
        let first: u32 = number(digits)?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first);
        }
        (self.rest.next()? == '\\' && self.rest.next()? == 'u').then_some(())?;
        let mut number = |digits| (0..digits).try_fold(0, |sum, _| Some(sum * 16 + self.rest.next()?.to_digit(16)?));
        let second: u32 = number(4)?;
        char::from_u32(0x10000 + ((first - 0xD800) << 10) + second.checked_sub(0xDC00).filter(|low| *low < 0x400)?)
    }

    /// A number, a truth, nothing; anything else is a text without quotes.
    fn word(&mut self) -> Option<Value> {
        let mut word = String::new();
        while let Some(next) = self.rest.next_if(|next| !",:]})".contains(*next)) {
            word.push(next);
        }
        Some(match word.trim() {
            "" => return None,
            "True" => true.into(),
            "False" => false.into(),
            "None" => Value::Null,
            word => serde_json::from_str(word).unwrap_or_else(|_| word.into()),
        })
    }

    fn blank(&mut self) {
        while self.rest.next_if(|next| next.is_whitespace()).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_python_prints_is_read() {
        for (text, expected) in [
            ("{'name': 'adam', 'layers': [32, 32]}", json!({"name": "adam", "layers": [32, 32]})),
            ("(128, 64)", json!([128, 64])),
            ("(128,)", json!([128])),
            ("[]", json!([])),
            ("{}", json!({})),
            (
                "[True, False, None, 1e-05, -0.5, 12345678901]",
                json!([true, false, null, 1e-5, -0.5, 12_345_678_901_u64]),
            ),
            (r#"{"it's": 'a "b"', 'c': 'd\'e\\\n\x41\u00e9'}"#, json!({"it's": "a \"b\"", "c": "d'e\\\nA\u{e9}"})),
            ("{'a': {'b': [(1, 2), {'c': 'x, y: ]'}]}}", json!({"a": {"b": [[1, 2], {"c": "x, y: ]"}]}})),
            ("{'lr': inf}", json!({"lr": "inf"})),
        ] {
            assert_eq!(collection(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn json_is_read_as_by_its_own_reader() {
        for text in [
            r#"{"lr": 0.001, "on": true, "off": false, "none": null, "list": [[1], {"a": "b"}], "s": "\ud83d\ude00\/\"\t"}"#,
            r#" [1.5E-3 , "x" ] "#,
        ] {
            assert_eq!(collection(text), Some(serde_json::from_str(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_collection_is_none() {
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "0.1",
            "'a'",
            "{",
            "{'a'",
            "{'a':",
            "{'a': 1",
            "{'a': 1} x",
            "{1: 2}",
            "[1",
            "[1}",
            "(1]",
            "['a",
            &deep,
        ] {
            assert_eq!(collection(text), None, "{}", &text[..text.len().min(20)]);
        }
    }
}
