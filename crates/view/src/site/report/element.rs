//! Elements of a report that hold a JSON value: as text, or compressed where a report would be too long.
//!
//! `<script type="application/json" id="ID">` has the value with every `<` written as `\u003c`;
//! `<script type="application/gzip" id="ID">` has that text compressed, in base64. Reading trusts no length.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value;

use super::super::assets::gzip;
use super::Unreadable;
use crate::text::embedded;

/// Form in which the values of a report are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// To be read by eye and with `grep`.
    Plain,
    /// A quarter of the bytes.
    Packed,
}

impl Form {
    const ALL: [Self; 2] = [Self::Plain, Self::Packed];

    /// The element with this id.
    pub(super) fn element(self, id: &str, value: &Value) -> String {
        format!("{}{}{END}", self.opening(id), self.content(value))
    }

    /// Bytes that `value` takes, alone; as part of a larger one it takes no more.
    pub(super) fn size(self, value: &Value) -> usize {
        self.content(value).len()
    }

    fn opening(self, id: &str) -> String {
        let kind = if self == Self::Plain { "json" } else { "gzip" };
        format!("<script type=\"application/{kind}\" id=\"{id}\">")
    }

    fn content(self, value: &Value) -> String {
        let text = embedded(value);
        if self == Self::Plain { text } else { STANDARD.encode(gzip(&text)) }
    }
}

/// Longest text that is unpacked.
const MOST_TEXT: u64 = 64 << 20;

const END: &str = "</script>";

/// The text of the first element with this id in a file, which must go on to the end of its page.
pub(super) fn read(html: &[u8], id: &str) -> Result<Vec<u8>, Unreadable> {
    let (content, form) = content(html, id)?;
    if form == Form::Plain { Ok(content.to_vec()) } else { unpacked(content) }
}

/// An element that holds `value`: the very one of the file, if that holds the same text, else as it is written here. How
/// text is compressed is not the same on every processor.
pub(super) fn as_in(html: &[u8], id: &str, value: &Value) -> String {
    let own = embedded(value);
    let same = content(html, id).ok().filter(|(content, form)| match form {
        Form::Plain => *content == own.as_bytes(),
        Form::Packed => unpacked(content).is_ok_and(|text| text == own.as_bytes()),
    });
    match same.and_then(|(content, form)| Some((std::str::from_utf8(content).ok()?, form))) {
        Some((content, form)) => format!("{}{content}{END}", form.opening(id)),
        None => Form::Plain.element(id, value),
    }
}

/// Content of the first element with this id, and its form.
fn content<'h>(html: &'h [u8], id: &str) -> Result<(&'h [u8], Form), Unreadable> {
    let soon = || Unreadable("it ends too soon".into());
    let found = Form::ALL.map(|form| {
        let opening = form.opening(id);
        find(html, opening.as_bytes()).map(|at| (at + opening.len(), form))
    });
    let first = found.into_iter().flatten().min_by_key(|&(at, _)| at);
    let (at, form) = first.ok_or_else(|| Unreadable("it says nothing of how it was made".into()))?;
    let rest = &html[at..];
    let end = find(rest, END.as_bytes()).ok_or_else(soon)?;
    // A file that was cut off later has lost what it shows.
    find(&rest[end..], b"</html>").ok_or_else(soon)?;
    Ok((&rest[..end], form))
}

fn unpacked(base64: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let damaged = || Unreadable("it is damaged: its packed data cannot be unpacked".into());
    let bytes = STANDARD.decode(base64).map_err(|_| damaged())?;
    let mut text = Vec::new();
    GzDecoder::new(&bytes[..]).take(MOST_TEXT + 1).read_to_end(&mut text).map_err(|_| damaged())?;
    if text.len() as u64 > MOST_TEXT {
        return Err(Unreadable(format!("it has more than {} MiB when unpacked", MOST_TEXT >> 20)));
    }
    Ok(text)
}

/// Position at which `wanted` begins in `bytes`.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(element: &str) -> Vec<u8> {
        format!("<html>{element}<body></body></html>").into_bytes()
    }

    #[test]
    fn what_is_written_in_any_form_is_read() {
        let long: Vec<String> = (0..1_000).map(|i| format!("</script> {i}")).collect();
        for (form, kind) in [(Form::Plain, "json"), (Form::Packed, "gzip")] {
            let element = form.element("x", &json!(long));
            assert!(element.starts_with(&format!("<script type=\"application/{kind}\" id=\"x\">")));
            assert_eq!(element.matches("</script>").count(), 1);
            assert!((form.size(&json!(long))..form.size(&json!(long)) + 64).contains(&element.len()));
            let text = read(&file(&element), "x").unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), json!(long));
            read(&file(&element), "y").unwrap_err();
        }
        assert!(4 * Form::Packed.size(&json!(long)) < Form::Plain.size(&json!(long)));
    }

    #[test]
    fn damage_is_found_and_nothing_is_unpacked_without_end() {
        let element = |text: &str| file(&format!("{}{text}{END}", Form::Packed.opening("x")));
        for text in ["", "%", "AAAA", &STANDARD.encode(gzip("1"))[..12]] {
            assert!(read(&element(text), "x").unwrap_err().to_string().contains("damaged"), "{text}");
        }
        let bomb = STANDARD.encode(gzip(&" ".repeat(usize::try_from(MOST_TEXT).unwrap() + 1)));
        assert!(bomb.len() < 1 << 20);
        assert!(read(&element(&bomb), "x").unwrap_err().to_string().contains("64 MiB"));
    }
}
