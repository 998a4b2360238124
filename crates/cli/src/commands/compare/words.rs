//! Differences in words. A difference is B minus A.

use handloom_engine::compare::Difference;
use handloom_view::verdict::{Verdict, signed};
use serde_json::{Value, json};

use crate::output::{BOLD, GOOD, WARN};

/// A verdict for people.
pub(super) fn line(verdict: &Verdict) -> String {
    let (first, rest) = verdict.words.split_once(':').unwrap_or(("", &verdict.words));
    let style = if verdict.settled == Some(true) { GOOD } else { WARN };
    format!("{style}{first}{style:#}:{BOLD}{rest}{BOLD:#}")
}

/// `B +0.60 points [+0.20, +1.00]`.
pub(super) fn difference(difference: Option<Difference>) -> String {
    difference.map_or_else(String::new, |Difference { value, low, high, .. }| {
        format!("B {} points [{}, {}]", signed(value), signed(low), signed(high))
    })
}

/// A difference as an object.
pub(super) fn event(difference: Option<Difference>) -> Value {
    difference.map_or(Value::Null, |Difference { value, low, high, settled }| {
        json!({"value": value, "low": low, "high": high, "settled": settled})
    })
}

/// `p < 0.001` or `p = 0.043`.
pub(super) fn p_value(p: f64) -> String {
    if p < 0.001 { "p < 0.001".into() } else { format!("p = {p:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_and_chances_are_short() {
        let found = Difference { value: 0.006, low: -0.002, high: 0.014, settled: false };
        assert_eq!(difference(Some(found)), "B +0.60 points [-0.20, +1.40]");
        assert_eq!(difference(None), "");
        assert_eq!([p_value(0.0001), p_value(0.0434)], ["p < 0.001", "p = 0.043"]);
    }
}
