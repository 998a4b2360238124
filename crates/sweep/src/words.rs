//! Trials in words: what sets one apart from the others.

use serde_json::Value;

use crate::space::Choice;

/// What a trial tries: `activation relu · batch_size 32 · learning_rate 0.00081`.
pub fn tried(choice: &Choice, varying: &[String]) -> String {
    let said = varying.iter().filter_map(|name| Some(format!("{name} {}", value(choice.get(name)?))));
    said.collect::<Vec<_>>().join(" · ")
}

/// A value of a parameter, numbers with four digits.
pub fn value(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => short(number.as_f64().unwrap_or_default()),
        value => plain(value),
    }
}

/// A value as text: lists with spaces, nothing as `-`.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// A number with four digits: `0.0008124`, `1.5e-7`.
pub fn short(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let digits = 3 - x.abs().log10().floor() as i32;
    let scale = 10_f64.powi(digits.clamp(-300, 300));
    let rounded = (x * scale).round() / scale;
    if (1e-5..1e9).contains(&x.abs()) { rounded.to_string() } else { format!("{rounded:e}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_keep_four_digits() {
        let said = [0.000_812_345, 0.1, 123.456, 98_765.4, 1.234_56e-7, 0.0, -2.5].map(short);
        assert_eq!(said, ["0.0008123", "0.1", "123.5", "98770", "1.235e-7", "0", "-2.5"]);
    }

    #[test]
    fn a_trial_is_told_by_what_varies() {
        let choice = Choice::from([("lr".into(), json!(0.01)), ("e".into(), json!(5)), ("sz".into(), json!([64, 32]))]);
        assert_eq!(tried(&choice, &["lr", "sz", "gone"].map(String::from)), "lr 0.01 · sz 64 32");
    }
}
