//! Differences in words. A difference is B minus A.

use handloom_engine::compare::Difference;
use serde_json::{Value, json};

use crate::output::{BOLD, GOOD, WARN};

/// Whether something is settled, and the sentence that says so.
pub(super) struct Verdict {
    /// None where nothing could be compared.
    pub(super) settled: Option<bool>,
    pub(super) words: String,
    /// The side that is ahead, settled or not: 0 for A.
    pub(super) ahead: Option<usize>,
}

impl Verdict {
    /// Of a difference of accuracies on or over `what`; `agrees` says whether another test finds it settled too.
    pub(super) fn of(difference: Option<Difference>, agrees: bool, what: &str) -> Self {
        let Some(Difference { value, low, high, settled }) = difference else {
            return Self::none(&format!("there is too little to judge by {what}"));
        };
        let settled = settled && agrees;
        let (better, [low, high]) = if value < 0.0 { ("A", [-high, -low]) } else { ("B", [low, high]) };
        let by = points(value.abs());
        let interval = format!("[{}, {}]", signed(low), signed(high));
        let words = if settled {
            format!("settled: {better} is better by {by} points {interval} {what}")
        } else if value == 0.0 {
            format!("not settled: A and B are equal, give or take {interval} points, {what}")
        } else {
            format!("not settled: {better} is ahead by {by} points, which may be chance {interval} {what}")
        };
        let ahead = (value != 0.0).then(|| usize::from(value > 0.0));
        Self { settled: Some(settled), words, ahead }
    }

    /// Why nothing could be compared.
    pub(super) fn none(why: &str) -> Self {
        Self { settled: None, words: format!("not settled: {why}"), ahead: None }
    }

    /// The sentence for people.
    pub(super) fn line(&self) -> String {
        let (first, rest) = self.words.split_once(':').unwrap_or(("", &self.words));
        let style = if self.settled == Some(true) { GOOD } else { WARN };
        format!("{style}{first}{style:#}:{BOLD}{rest}{BOLD:#}")
    }
}

/// `0.60`: percentage points.
fn points(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// `+0.60`, `-0.20`.
pub(super) fn signed(share: f64) -> String {
    // Minus nothing is nothing.
    let text = format!("{:+.2}", 100.0 * share);
    if text == "-0.00" { "+0.00".into() } else { text }
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
    fn whoever_is_better_is_named_with_an_interval_in_its_favor() {
        let difference = |value, low, high| Some(Difference { value, low, high, settled: low > 0.0 || high < 0.0 });
        let verdict = |d| Verdict::of(d, true, "on 100 images");
        let a = verdict(difference(-0.006, -0.010, -0.002));
        assert_eq!(
            (a.settled, a.words.as_str()),
            (Some(true), "settled: A is better by 0.60 points [+0.20, +1.00] on 100 images")
        );
        let b = verdict(difference(0.006, -0.002, 0.014));
        assert_eq!(b.words, "not settled: B is ahead by 0.60 points, which may be chance [-0.20, +1.40] on 100 images");
        assert_eq!(Verdict::of(difference(0.006, 0.001, 0.011), false, "").settled, Some(false));
        assert!(verdict(difference(0.0, -0.01, 0.01)).words.contains("A and B are equal"));
        assert_eq!(verdict(None).settled, None);
        assert_eq!([p_value(0.0001), p_value(0.0434)], ["p < 0.001", "p = 0.043"]);
    }
}
