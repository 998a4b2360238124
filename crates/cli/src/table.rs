//! Numbers, texts and tables as people read them.

use clap::builder::styling::Style;
pub(crate) use handloom_view::harmless::{harmless, one_line};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// A share as a whole percentage, or `-` for what is undefined.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |share| handloom_view::format::percent(share, 0))
}

/// `text` on one line of at most `width` characters.
pub(crate) fn elided(text: &str, width: usize) -> String {
    let text = &one_line(text);
    if text.chars().count() <= width {
        return text.clone();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// `text` on at most `width` columns of a terminal, without its middle: names often differ at the end.
pub(crate) fn squeezed(text: &str, width: usize) -> String {
    let text = one_line(text);
    if text.width() <= width {
        return text;
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
    let natural = |at: usize| rows.iter().map(|row| one_line(&row[at].0).width()).max().unwrap_or(0);
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
    let rows: Vec<[String; N]> = rows.iter().map(|row| std::array::from_fn(|at| one_line(&row[at]))).collect();
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
        let hostile = [["a\nb".to_owned(), "\u{1b}[2J".into()]];
        assert_eq!(lines(&hostile), ["  a b  \u{fffd}[2J"]);
        assert_eq!([elided("a\nb", 9), squeezed("a\u{9b}b", 9)], ["a b", "a\u{fffd}b"]);
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
