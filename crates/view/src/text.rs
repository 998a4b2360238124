//! Texts in pictures: measuring, shortening and escaping them.

use serde_json::Value;
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use crate::format;
use crate::words::grouped;

/// Width of `text` at a font size, in the unit of the size.
///
/// The sum of the advances. The fonts that viewers of an SVG use instead are seldom wider.
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let bytes = if bold { dejavu::sans::bold() } else { dejavu::sans::regular() };
    let font = FontRef::new(bytes).expect("a font that is part of the program");
    let (map, metrics) = (font.charmap(), font.glyph_metrics(Size::new(size as f32), LocationRef::default()));
    let advance = |c| map.map(c).and_then(|glyph| metrics.advance_width(glyph)).map_or(size, f64::from);
    text.chars().map(advance).sum()
}

/// Width of the widest of `texts`; 0 of none.
pub(crate) fn widest<'a>(texts: impl IntoIterator<Item = &'a str>, size: f64, bold: bool) -> f64 {
    texts.into_iter().map(|text| width(text, size, bold)).fold(0.0, f64::max)
}

/// `text`, or its beginning and its end around an ellipsis, as much as fits `room`.
///
/// Names of classes often differ at the end.
pub(crate) fn elide(text: &str, size: f64, bold: bool, room: f64) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let keep = |n: usize| {
        let [head, tail] = [&chars[..n.div_ceil(2)], &chars[chars.len() - n / 2..]].map(String::from_iter);
        format!("{}…{}", head.trim_end(), tail.trim_start())
    };
    (0..chars.len()).map(keep).take_while(|short| width(short, size, bold) <= room).last().unwrap_or_default()
}

/// `value` as JSON for a script element of HTML: nothing in it ends the element.
pub(crate) fn embedded(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

/// `text` escaped for XML, attributes included; characters that XML 1.0 forbids become U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// `part` of `whole` as a percentage with `digits` decimals; a dash if there is no whole.
pub(crate) fn percent(part: u64, whole: u64, digits: usize) -> String {
    format::percent(part as f64 / whole as f64, digits)
}

/// A share [0, 1] in pictures: a percentage with one decimal.
pub(crate) fn share(value: f64) -> String {
    format::percent(value, 1)
}

/// `1 run`, `2 runs`.
pub(crate) fn amount(n: usize, one: &str) -> String {
    format!("{}\u{a0}{one}{}", grouped(n as u64), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_embedded_cannot_end_its_element_and_is_the_same_value() {
        let value = json!({"</script>": ["<!--", "a < b"], "n": 1.5});
        let text = embedded(&value);
        assert!(!text.contains('<'));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_shortened_text_fits_and_a_short_one_stays() {
        assert_eq!(elide("Coat", 12.0, false, 100.0), "Coat");
        let short = elide("a very long name of a class", 12.0, true, 80.0);
        assert!(
            short.starts_with("a v")
                && short.ends_with("ss")
                && short.contains('…')
                && width(&short, 12.0, true) <= 80.0
        );
        assert_eq!(elide("Coat", 12.0, false, 3.0), "");
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((percent(1, 8, 1).as_str(), percent(0, 0, 1).as_str()), ("12.5%", "–"));
    }

    #[test]
    fn markup_and_control_characters_are_harmless() {
        assert_eq!(escape("<a b='\"'>&\u{0}\n"), "&lt;a b=&#39;&quot;&#39;&gt;&amp;\u{fffd} ");
    }
}
