//! Parameter importance, in words and figures, with its uncertainty.

use handloom_sweep::importance::{Correlation, Importance, Verdict, importance};
use handloom_sweep::{Goal, SearchSpace, Trial};
use handloom_view::format;
use serde_json::{Map, Value, json};

use crate::output::{BOLD, DIM, Output};
use crate::table::one_line;

/// After how many ended trials it is worth asking again: 20, 25, 31, 38 and so on.
pub(super) fn is_worth_asking(ended: u64) -> bool {
    let mut next = 20;
    while next < ended {
        next = next * 5 / 4;
    }
    next == ended
}

/// The most important parameters, on a line; none while none is known to matter.
pub(super) fn headline(space: &SearchSpace, trials: &[Trial], goal: Goal) -> Option<String> {
    const MOST: usize = 3;
    let found = importance(space, trials, goal);
    let matters = found.parameters.iter().filter(|weight| weight.verdict == Verdict::Matters);
    let said: Vec<String> = matters
        .take(MOST)
        .map(|weight| format!("{} {}", one_line(&weight.name), weighed(weight.importance, weight.interval)))
        .collect();
    let explained = found.explained.map(|share| format!(" (forest, R² {share:.2})")).unwrap_or_default();
    (!said.is_empty()).then(|| format!("matters most{explained}: {}", said.join(" · ")))
}

/// `41 ±9`: percent of the metric's variance.
fn weighed(importance: f64, [low, high]: [f64; 2]) -> String {
    format!("{:.0} ±{:.0}", 100.0 * importance, 50.0 * (high - low))
}

/// Prints importance and correlation of every parameter that varied.
pub(super) fn print(space: &SearchSpace, trials: &[Trial], goal: Goal, output: &Output) {
    let found = importance(space, trials, goal);
    if found.parameters.is_empty() {
        return;
    }
    let explained =
        found.explained.map(|share| format!(", a forest explains {:.0}% of unseen trials", 100.0 * share.max(0.0)));
    output.result(format!(
        "{BOLD}what matters{BOLD:#}  {DIM}permutation importance (random forest), in percent of the variance, outliers clipped; {} trials{}{DIM:#}",
        found.trials,
        explained.unwrap_or_default()
    ));
    let mut rows = vec![["parameter", "importance", "95% interval", "verdict"].map(str::to_owned)];
    rows.extend(found.parameters.iter().map(|weight| {
        let [low, high] = weight.interval.map(|end| format!("{:.0}", 100.0 * end));
        [
            one_line(&weight.name),
            format!("{:.0}", 100.0 * weight.importance),
            format!("[{low}, {high}]"),
            verdict(weight.verdict).to_owned(),
        ]
    }));
    output.table(&rows);
    output.result(format!(
        "{BOLD}as W&B counts{BOLD:#}  {DIM}forest importance, linear correlation with the metric{DIM:#}"
    ));
    let mut rows = vec![["parameter", "importance", "correlation", "95% interval"].map(str::to_owned)];
    rows.extend(found.columns.iter().map(|column| {
        let name = match &column.category {
            Some(category) => format!("{}.{}", column.name, format::plain(category)),
            None => column.name.clone(),
        };
        let (value, interval) = match &column.correlation {
            Some(Correlation { value, interval: [low, high], .. }) => {
                (format!("{value:+.2}"), format!("[{low:+.2}, {high:+.2}]"))
            }
            None => ("-".into(), "too early to tell".into()),
        };
        [one_line(&name), format!("{:.2}", column.importance), value, interval]
    }));
    output.table(&rows);
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::TooEarly => "too early to tell",
        Verdict::Matters => "matters",
        Verdict::Little => "matters little",
    }
}

/// The same as fields of an object.
pub(super) fn object(space: &SearchSpace, trials: &[Trial], goal: Goal) -> Map<String, Value> {
    let Importance { trials, explained, parameters, columns } = importance(space, trials, goal);
    let finite = |x: f64| if x.is_finite() { json!(x) } else { Value::Null };
    let too_early = parameters.iter().all(|weight| weight.verdict == Verdict::TooEarly);
    let weights = parameters.iter().map(|weight| {
        json!({
            "parameter": weight.name, "importance": finite(weight.importance), "interval": weight.interval.map(finite),
            "verdict": verdict(weight.verdict),
        })
    });
    let correlations = columns.iter().map(|column| {
        json!({
            "parameter": column.name, "category": column.category, "importance": finite(column.importance),
            "correlation": column.correlation.as_ref().map(|found| finite(found.value)),
            "interval": column.correlation.as_ref().map(|found| found.interval.map(finite)),
        })
    });
    Map::from_iter([
        ("importance".to_owned(), weights.collect()),
        ("wandb".to_owned(), correlations.collect()),
        ("importance_trials".to_owned(), json!(trials)),
        ("explained".to_owned(), json!(explained)),
        ("too_early".to_owned(), json!(too_early)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_less_and_less_often() {
        let asked: Vec<u64> = (0..100).filter(|&ended| is_worth_asking(ended)).collect();
        assert_eq!(asked, [20, 25, 31, 38, 47, 58, 72, 90]);
    }
}
