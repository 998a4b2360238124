//! Progress of the search: it still improves, or it does not.

use handloom_sweep::importance::Importance;

use super::super::table::Table;
use super::spread::median;
use super::{Observation, Part};

/// Fewest trials at the end that are looked at; there must be twice as many.
const LAST: usize = 20;
/// The best got no better if it gained less than this share of its lead over the median.
const NOTHING: f64 = 0.01;

/// Gain of the last trials over the best before them: a fifth of all, at least [`LAST`].
pub(super) fn progress(table: &Table, _: &Importance) -> Vec<Observation> {
    let goodness = table.goodness();
    let ended: Vec<(u64, f64)> =
        table.trials.iter().zip(&goodness).filter_map(|(line, good)| Some((line.number, (*good)?))).collect();
    let last = LAST.max(ended.len() / 5);
    if ended.len() < 2 * last {
        return Vec::new();
    }
    let (before, after) = ended.split_at(ended.len() - last);
    let best = |among: &[(u64, f64)]| among.iter().map(|(_, good)| *good).fold(f64::NEG_INFINITY, f64::max);
    let (earlier, later) = (best(before), best(after));
    let gain = (later - earlier).max(0.0);
    let lead = earlier - median(&mut ended.iter().map(|(_, good)| *good).collect::<Vec<_>>());
    let margin = table.margin(gain);
    let text = if gain <= NOTHING * lead {
        format!("The last {last} trials improved the best by {margin}: more of the same will hardly help.")
    } else {
        format!(
            "The search still improves: the last {last} trials improved the best by {margin}, to {}.",
            table.text(later)
        )
    };
    let part = Part::Range(after[0].0 as f64, after[last - 1].0 as f64);
    vec![Observation::new("progress", true, text, vec![("number".to_owned(), part)])]
}

#[cfg(test)]
mod tests {
    use super::super::trials::Trials;
    use super::*;

    fn said(count: u64, last: f64) -> Vec<Observation> {
        let trials = Trials::new(count);
        let value = |one: &super::super::trials::Settings<'_>, noise: f64| {
            if one.at == 0 {
                0.89
            } else if one.at == 95 {
                last
            } else {
                0.8 + 0.01 * noise
            }
        };
        progress(&trials.value(value).table(), &Importance::default())
    }

    #[test]
    fn what_the_last_trials_added_is_told_either_way() {
        let (over, goes_on) = (said(100, 0.8), said(100, 0.9));
        assert!(over[0].text.starts_with("The last 20 trials improved the best by 0.0 points"), "{over:?}");
        assert!(goes_on[0].text.contains("improved the best by 1.0 points, to 90.0%"), "{goes_on:?}");
        assert_eq!(over[0].brush, [("number".to_owned(), Part::Range(80.0, 99.0))]);
    }

    #[test]
    fn a_search_that_has_just_begun_says_nothing() {
        assert_eq!(said(39, 0.8), []);
        assert_eq!(said(40, 0.8).len(), 1);
    }
}
