//! Numbers and tables as people read them.

/// `10,000`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `87%`, or `-` for what is undefined.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |share| format!("{:.0}%", share * 100.0))
}

/// `1 image`, `2 images`.
pub(crate) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// `once`, `twice`, `3 times`.
pub(crate) fn times(n: u64) -> String {
    match n {
        1 => "once".into(),
        2 => "twice".into(),
        n => format!("{} times", grouped(n)),
    }
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
    fn numbers_are_grouped_and_columns_are_straight() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(60_000), grouped(1_234_567)],
            ["0", "999", "60,000", "1,234,567"]
        );
        assert_eq!([percent(Some(0.871)), percent(None)], ["87%", "-"]);
        assert_eq!([elided("Ankle boot", 10), elided("Ankle boot", 6)], ["Ankle boot", "Ankle…"]);
        let rows = [["", "n", "x"], ["é", "10", "y z"]].map(|row| row.map(String::from));
        assert_eq!(lines(&rows), ["      n  x", "  é  10  y z"]);
    }
}
