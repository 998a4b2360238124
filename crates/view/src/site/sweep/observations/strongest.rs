//! The parameters that matter most.

use handloom_sweep::importance::{Importance, Verdict, Weight};

use super::super::table::Table;
use super::Observation;
use crate::words::listed;

/// Parameters that are named with their share.
const MOST: usize = 3;

/// The parameters that matter, and those that hardly do; nothing while it is too early to tell.
pub(super) fn strongest(table: &Table, importance: &Importance) -> Vec<Observation> {
    let with = |verdict| importance.parameters.iter().filter(move |weight| weight.verdict == verdict);
    let matters: Vec<String> = with(Verdict::Matters).take(MOST).map(weighed).collect();
    let Some((first, others)) = matters.split_first() else { return Vec::new() };
    let then = if others.is_empty() { String::new() } else { format!(", then {}", listed(others)) };
    let little: Vec<String> = with(Verdict::Little).map(|weight| weight.name.clone()).collect();
    let little = match &little[..] {
        [] => String::new(),
        [one] => format!(" {one} matters little."),
        all => format!(" {} matter little.", listed(all)),
    };
    let explained = 100.0 * importance.explained.unwrap_or_default();
    let text = format!(
        "What decides {} most is {first}{then}: permutation importance (random forest), in percent of the variance, outliers clipped. \
         The forest explains {explained:.0}% of the variance of trials that it has not seen.{little}",
        table.metric.name
    );
    vec![Observation::new("strongest", true, text, Vec::new())]
}

/// `learning_rate (41 ±9)`.
fn weighed(Weight { name, importance, interval: [low, high], .. }: &Weight) -> String {
    format!("{name} ({:.0} ±{:.0})", 100.0 * importance, 50.0 * (high - low))
}

#[cfg(test)]
mod tests {
    use super::super::trials::Trials;
    use super::*;

    #[test]
    fn only_what_matters_is_named_and_nothing_if_it_is_too_early() {
        let weight = |name: &str, importance, verdict| Weight {
            name: name.into(),
            importance,
            interval: [importance - 0.09, importance + 0.09],
            verdict,
        };
        let parameters = vec![
            weight("learning_rate", 0.41, Verdict::Matters),
            weight("optimizer", 0.2, Verdict::Matters),
            weight("activation", 0.1, Verdict::TooEarly),
            weight("batch_size", 0.0, Verdict::Little),
        ];
        let table = Trials::new(1).table();
        let mut importance = Importance { trials: 90, explained: Some(0.64), parameters, columns: Vec::new() };
        let text = &strongest(&table, &importance)[0].text;
        assert!(text.contains("is learning_rate (41 ±9), then optimizer (20 ±9):"), "{text}");
        assert!(text.contains("64% of") && text.ends_with(" batch_size matters little."), "{text}");
        assert!(!text.contains("activation"), "{text}");
        for weight in &mut importance.parameters {
            weight.verdict = Verdict::TooEarly;
        }
        assert_eq!(strongest(&table, &importance), []);
    }
}
