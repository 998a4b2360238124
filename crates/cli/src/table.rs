//! Numbers, texts and tables as people read them.

use std::borrow::Cow;

use clap::builder::styling::Style;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// `87%`, or `-` for what is undefined.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |share| format!("{:.0}%", share * 100.0))
}

/// `26.4 MB`.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// `text` on at most `width` characters.
pub(crate) fn elided(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.into();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// `text` as a terminal may show it: what would steer the terminal or turn the direction of writing becomes `�`; tabs
/// and line breaks stay.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(steers) { text.replace(steers, "\u{fffd}").into() } else { text.into() }
}

/// The same on one line.
pub(crate) fn one_line(text: &str) -> String {
    harmless(text).replace(['\n', '\t'], " ")
}

/// `text` on at most `width` columns of a terminal, without its middle: names often differ at the end.
pub(crate) fn squeezed(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.into();
    }
    let room = width.saturating_sub(1);
    let within = |room: usize| {
        let mut used = 0;
        move |c: &char| {
            used += c.width().unwrap_or(0);
            used <= room
        }
    };
    let head: String = text.chars().take_while(within(room.div_ceil(2))).collect();
    let tail: Vec<char> = text.chars().rev().take_while(within(room / 2)).collect();
    format!("{head}…{}", tail.into_iter().rev().collect::<String>())
}

/// Lines of a table whose cells may have styles; a column is to the right if `right` says so. Where `width` is too
/// little for it, the columns in `flexible` give way, the widest first.
pub(crate) fn grid(
    rows: &[Vec<(String, Style)>],
    right: &[bool],
    flexible: &[bool],
    width: Option<usize>,
) -> Vec<String> {
    const LEAST: usize = 12;
    let natural = |at: usize| rows.iter().map(|row| row[at].0.width()).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..right.len()).map(natural).collect();
    let total = |widths: &[usize]| widths.iter().map(|width| width + 2).sum::<usize>();
    while let Some(width) = width
        && total(&widths) > width
        && let Some(widest) =
            (0..widths.len()).filter(|&at| flexible[at] && widths[at] > LEAST).max_by_key(|&at| widths[at])
    {
        widths[widest] -= 1;
    }
    let line = |row: &Vec<(String, Style)>| {
        let mut line = String::new();
        let mut gap = 2;
        for (at, (text, style)) in row.iter().enumerate() {
            let text = squeezed(text, widths[at]);
            let pad = widths[at] - text.width();
            let before = if right[at] { pad } else { 0 };
            line.push_str(&" ".repeat(gap + before));
            line.extend([style.to_string(), text, format!("{style:#}")]);
            gap = 2 + pad - before;
        }
        line
    };
    rows.iter().map(line).collect()
}

/// Lines of a table: the first and the last column to the left, those between to the right.
pub(crate) fn lines<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let widths: [usize; N] =
        std::array::from_fn(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0));
    let line = |row: &[String; N]| {
        let cell = |(at, text): (usize, &String)| {
            // Counts characters, as `{:>width$}` does.
            let width = widths[at];
            if at == 0 || at + 1 == N { format!("{text:<width$}") } else { format!("{text:>width$}") }
        };
        format!("  {}", row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well_and_columns_are_straight() {
        assert_eq!([percent(Some(0.871)), percent(None)], ["87%", "-"]);
        assert_eq!([elided("Ankle boot", 10), elided("Ankle boot", 6)], ["Ankle boot", "Ankle…"]);
        assert_eq!(
            [squeezed("hl_3_lr_0.001", 9), squeezed("試験試験", 5), squeezed("ab", 2)],
            ["hl_3….001", "試…験", "ab"]
        );
        let rows = [["", "n", "x"], ["é", "10", "y z"]].map(|row| row.map(String::from));
        assert_eq!(lines(&rows), ["      n  x", "  é  10  y z"]);
    }

    #[test]
    fn what_steers_a_terminal_is_shown_and_not_obeyed() {
        assert_eq!(harmless("a\u{1b}[31mb\u{9b}c\u{202e}d\re\nf"), "a�[31mb�c�d�e\nf");
        assert_eq!(one_line("Größe\t試し\n<b>"), "Größe 試し <b>");
    }

    #[test]
    fn wide_characters_count_twice_and_long_names_give_way() {
        let cell = |text: &str| (text.to_owned(), Style::new());
        let rows = [["n", "name"], ["10", "試験"], ["7", "a_long_name_indeed"]].map(|row| row.map(cell).to_vec());
        let table = |width| grid(&rows, &[true, false], &[false, true], width);
        assert_eq!(table(None), ["   n  name", "  10  試験", "   7  a_long_name_indeed"]);
        assert_eq!(table(Some(18))[2], "   7  a_long…ndeed");
    }
}
