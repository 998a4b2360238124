//! Numbers, percentages, durations and sizes as people read them: one form each in the terminal, pages and pictures.
//!
//! `web/format.js` is the twin of this module for the pages. The tests of both read `web/tests/format.json`.

use handloom_sweep::space::Params;
use serde_json::Value;

pub use crate::words::{count, grouped};

/// Stands for a value that is missing or not finite.
pub const MISSING: &str = "–";

/// Maximum number of digits of a setting that is shown as typed; longer ones were drawn by a search and are rounded.
const TYPED: usize = 5;
/// Significant digits of a learning rate, and of a setting that was drawn.
const RATE: i32 = 3;
/// Significant digits of any other number.
const NUMBER: i32 = 4;

/// A share [0, 1] as a percentage with so many decimals: `88.15%`.
pub fn percent(share: f64, decimals: usize) -> String {
    if share.is_finite() { format!("{}%", fixed(100.0 * share, decimals)) } else { MISSING.into() }
}

/// A difference of two shares in percentage points, with its sign: `+1.2`.
pub fn points(difference: f64, decimals: usize) -> String {
    if !difference.is_finite() {
        return MISSING.into();
    }
    let size = fixed(100.0 * difference.abs(), decimals);
    let is_zero = size.bytes().all(|byte| byte == b'0' || byte == b'.');
    match (is_zero, difference < 0.0) {
        (true, _) => size,
        (false, true) => format!("−{size}"),
        (false, false) => format!("+{size}"),
    }
}

/// A number with at most four significant digits: `0.3111`, `12,346`, `1e-5`.
pub fn number(x: f64) -> String {
    let size = x.abs();
    if !x.is_finite() {
        MISSING.into()
    } else if x == 0.0 {
        "0".into()
    } else if !(1e-3..1e6).contains(&size) {
        exponential(x, RATE)
    } else if size >= 1e4 {
        let sign = if x < 0.0 { "-" } else { "" };
        format!("{sign}{}", grouped(size.round() as u64))
    } else {
        significant(x, NUMBER)
    }
}

/// A learning rate with three significant digits: `0.000812`, `1.5e-7`.
pub fn rate(x: f64) -> String {
    if !x.is_finite() {
        MISSING.into()
    } else if x == 0.0 {
        "0".into()
    } else if (1e-4..1e6).contains(&x.abs()) {
        significant(x, RATE)
    } else {
        exponential(x, RATE)
    }
}

/// A setting: as it was typed if it has few digits, else with three significant ones.
pub fn setting(x: f64) -> String {
    let digits =
        format!("{x:e}").split('e').next().map_or(0, |digits| digits.bytes().filter(u8::is_ascii_digit).count());
    if !x.is_finite() || digits > TYPED && x.fract() != 0.0 {
        rate(x)
    } else if x == 0.0 || (1e-4..1e9).contains(&x.abs()) {
        x.to_string()
    } else {
        exponential(x, TYPED as i32)
    }
}

/// The value of a setting: `0.001`, `256 128 64`, `adam`, `yes`.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => MISSING.into(),
        Value::Number(number) => number.as_f64().map_or_else(|| MISSING.into(), setting),
        Value::Bool(yes) => (if *yes { "yes" } else { "no" }).into(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".into(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(" "),
        Value::Object(_) => value.to_string(),
    }
}

/// One trial's values of the parameters that a sweep varies: `activation relu · batch_size 32 · learning_rate 0.00081`.
pub fn parameters(choice: &Params, varying: &[String]) -> String {
    let said = varying.iter().filter_map(|name| Some(format!("{name} {}", plain(choice.get(name)?))));
    said.collect::<Vec<_>>().join(" · ")
}

/// A duration in its largest units: `0.84 s`, `14 s`, `3 min 5 s`, `2 h 10 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return MISSING.into();
    }
    let seconds = seconds.max(0.0);
    if seconds < 9.95 {
        let decimals = if seconds >= 1.0 {
            1
        } else if seconds >= 0.1 {
            2
        } else {
            3
        };
        return format!("{} s", tidy(&fixed(seconds, decimals)));
    }
    let whole = (seconds + 0.5).floor() as u64;
    let pair = |large: u64, unit: &str, small: u64, part: &str| {
        if small == 0 {
            format!("{} {unit}", grouped(large))
        } else {
            format!("{} {unit} {small} {part}", grouped(large))
        }
    };
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => pair(whole / 60, "min", whole % 60, "s"),
        _ => {
            let minutes = (seconds / 60.0 + 0.5).floor() as u64;
            pair(minutes / 60, "h", minutes % 60, "min")
        }
    }
}

/// Time that has passed: `just now`, `5 min ago`, `3 h ago`, `12 d ago`.
pub fn ago(ms: u64) -> String {
    match ms / 1000 {
        0..60 => "just now".into(),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} d ago", grouped(seconds / 86_400)),
    }
}

/// A number of bytes: `4.0 kB`, `26.4 MB`, `3.2 GB`.
pub fn bytes(bytes: u64) -> String {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    match units.into_iter().find(|(size, _)| bytes as f64 >= *size) {
        Some((size, unit)) => format!("{} {unit}", fixed(bytes as f64 / size, 1)),
        None => format!("{bytes} B"),
    }
}

/// A value in a table of runs, by the name of its column.
pub(crate) fn cell(name: &str, value: &Value) -> String {
    match (value.as_f64(), name) {
        (Some(x), "gap") => points(x, 1),
        (Some(x), "seconds") => duration(x),
        (Some(x), "learning_rate") => rate(x),
        (Some(x), "metric" | "best_so_far") => number(x),
        (Some(x), name) if name.ends_with("accuracy") => percent(x, 2),
        (Some(x), name) if name.ends_with("loss") => fixed(x, 4),
        _ => plain(value),
    }
}

/// `x` with so many decimals; a half is rounded away from zero, as JavaScript does.
pub(crate) fn fixed(x: f64, decimals: usize) -> String {
    // Rust rounds a half to even. An exact half ends in a single 5, however many digits are written.
    const MORE: usize = 30;
    let exact = format!("{:.*}", decimals + MORE, x.abs());
    let rest = &exact[exact.len() - MORE..];
    let is_half = rest.starts_with('5') && rest[1..].bytes().all(|byte| byte == b'0');
    let shift = if is_half { x.signum() * 0.1 * 10_f64.powi(-(decimals as i32)) } else { 0.0 };
    format!("{:.decimals$}", x + shift)
}

/// `x` with so many significant digits, without an exponent.
fn significant(x: f64, digits: i32) -> String {
    let decimals = digits - 1 - exponent(x);
    if decimals >= 0 {
        return tidy(&fixed(x, decimals as usize));
    }
    format!("{}{}", fixed(x / 10_f64.powi(-decimals), 0), "0".repeat(-decimals as usize))
}

/// `x` with so many significant digits and an exponent: `1.5e-7`.
fn exponential(x: f64, digits: i32) -> String {
    const MORE: usize = 30;
    let decimals = (digits - 1) as usize;
    let exact = format!("{:.*e}", decimals + MORE, x);
    let rest = exact.split('e').next().map_or("", |mantissa| &mantissa[mantissa.len() - MORE..]);
    let is_half = rest.starts_with('5') && rest[1..].bytes().all(|byte| byte == b'0');
    let text = format!("{:.decimals$e}", if is_half { x * (1.0 + 1e-12) } else { x });
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{}e{power}", tidy(mantissa))
}

/// The power of ten in the scientific form of `x`.
fn exponent(x: f64) -> i32 {
    format!("{x:e}").split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0)
}

/// A decimal number without zeros at its end.
fn tidy(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each form, values and their texts.
    const CASES: &str = include_str!("../web/tests/format.json");

    #[test]
    fn a_trial_is_told_by_what_varies() {
        let choice = Params::from([
            ("lr".into(), Value::from(0.01)),
            ("e".into(), Value::from(5)),
            ("sz".into(), Value::from(vec![64, 32])),
        ]);
        assert_eq!(parameters(&choice, &["lr", "sz", "gone"].map(String::from)), "lr 0.01 · sz 64 32");
    }

    #[test]
    fn every_form_is_as_the_shared_cases_say() {
        let cases: Value = serde_json::from_str(CASES).unwrap();
        let mut count = 0;
        for (form, cases) in cases.as_object().unwrap() {
            for case in cases.as_array().unwrap() {
                let (value, text) = (&case[0], case[case.as_array().unwrap().len() - 1].as_str().unwrap());
                let x = value.as_f64().unwrap_or(f64::NAN);
                let digits = case[1].as_u64().unwrap_or(1) as usize;
                let is = match form.as_str() {
                    "percent" => percent(x, digits),
                    "points" => points(x, digits),
                    "number" => number(x),
                    "rate" => rate(x),
                    "plain" => plain(value),
                    "duration" => duration(x),
                    "ago" => ago(x as u64),
                    "bytes" => bytes(x as u64),
                    "cell" => cell(value["name"].as_str().unwrap(), &value["value"]),
                    form => panic!("no form is called {form}"),
                };
                assert_eq!(is, text, "{form} of {value}");
                count += 1;
            }
        }
        assert!(count > 80, "{count} cases");
    }
}
