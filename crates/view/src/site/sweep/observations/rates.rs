//! The learning rates that work, for each optimizer.

use crate::format::{self, plain};
use handloom_sweep::importance::Importance;
use serde_json::Value;

use super::super::table::{Parameter, Table};
use super::group::{LEAST, part};
use super::spread::{luck, median};
use super::{Observation, Part};

/// Most places where a range may begin or end.
const EDGES: usize = 40;
/// A range that luck finds as often is none.
const LUCK: f64 = 0.05;

/// For each optimizer the range of learning rates inside which trials do better than outside, if luck would hardly find one
/// as good.
pub(super) fn rates(table: &Table, _: &Importance) -> Vec<Observation> {
    let Some(rate) = table.parameter("learning_rate").filter(|rate| rate.is_number()) else { return Vec::new() };
    let goodness = table.goodness();
    let all: Vec<usize> = (0..goodness.len()).filter(|&at| goodness[at].is_some()).collect();
    let Some(optimizer) = table.parameter("optimizer") else {
        return works(table, rate, &all, &goodness, LUCK)
            .map(|(text, part)| Observation::new("rates", true, format!("L{text}"), vec![(rate.name.clone(), part)]))
            .into_iter()
            .collect();
    };
    let levels = optimizer.levels();
    let allowed = LUCK / levels.len() as f64;
    let of = |level: &Value| {
        let own: Vec<usize> = all.iter().copied().filter(|&at| optimizer.values[at] == *level).collect();
        let (text, part) = works(table, rate, &own, &goodness, allowed)?;
        let brush = vec![(optimizer.name.clone(), Part::Levels(vec![level.clone()])), (rate.name.clone(), part)];
        Some(Observation::new("rates", true, format!("With {}, l{text}", plain(level)), brush))
    };
    levels.iter().filter_map(of).collect()
}

/// Statement about the trials `among` after the letter L, and the rates to brush.
fn works(
    table: &Table,
    rate: &Parameter,
    among: &[usize],
    goodness: &[Option<f64>],
    allowed: f64,
) -> Option<(String, Part)> {
    let mut sorted: Vec<(f64, usize)> = among.iter().filter_map(|&at| Some((rate.number(at)?, at))).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let edges = edges(&sorted.iter().map(|(rate, _)| *rate).collect::<Vec<_>>());
    // Ranks: one trial that did not learn at all weighs no more than the others.
    let ranks = ranks(&sorted.iter().filter_map(|(_, at)| goodness[*at]).collect::<Vec<_>>());
    let (gain, low, high) = window(&ranks, &edges)?;
    if luck(&ranks, gain, |ranks| window(ranks, &edges).map_or(0.0, |found| found.0)) > allowed {
        return None;
    }
    let middle = |among: &mut dyn Iterator<Item = &(f64, usize)>| {
        let mut values: Vec<f64> = among.filter_map(|(_, at)| goodness[*at]).collect();
        (values.len(), table.text(median(&mut values)))
    };
    let (inside, reached) = middle(&mut sorted[low..high].iter());
    let (outside, otherwise) = middle(&mut sorted[..low].iter().chain(&sorted[high..]));
    let range = match (low == 0, high == sorted.len()) {
        (true, _) => format!("up to {}", format::rate(sorted[high - 1].0)),
        (_, true) => format!("from {} on", format::rate(sorted[low].0)),
        _ => format!("from {} to {}", format::rate(sorted[low].0), format::rate(sorted[high - 1].0)),
    };
    let text = format!(
        "earning rates {range} work{}: the {inside} trials there reach {reached} in the median, the {outside} others {otherwise}.",
        table.scope()
    );
    Some((text, part(rate, sorted[low..high].iter().map(|(_, at)| *at))))
}

/// Positions among sorted numbers where a range may begin or end: never between equal ones, [`EDGES`] at most.
fn edges(sorted: &[f64]) -> Vec<usize> {
    let inner: Vec<usize> = (1..sorted.len()).filter(|&at| sorted[at] > sorted[at - 1]).collect();
    let step = inner.len().div_ceil(EDGES).max(1);
    std::iter::once(0).chain(inner.into_iter().step_by(step)).chain([sorted.len()]).collect()
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = |value: &f64| {
        let (below, up_to) = (sorted.partition_point(|x| x < value), sorted.partition_point(|x| x <= value));
        (below + up_to) as f64 / 2.0
    };
    values.iter().map(rank).collect()
}

/// The range between two edges whose inside is best told from its outside, and better: what it takes off the squared
/// error, and its ends.
fn window(values: &[f64], edges: &[usize]) -> Option<(f64, usize, usize)> {
    let n = values.len();
    let mut sums = vec![0.0; n + 1];
    for (at, value) in values.iter().enumerate() {
        sums[at + 1] = sums[at] + value;
    }
    let mut best: Option<(f64, usize, usize)> = None;
    for (first, &low) in edges.iter().enumerate() {
        for &high in &edges[first + 1..] {
            let inside = high - low;
            if inside < LEAST || n - inside < LEAST {
                continue;
            }
            let (own, others) = (sums[high] - sums[low], sums[n] - (sums[high] - sums[low]));
            let above = own / inside as f64 - others / (n - inside) as f64;
            let gain = above * above * (inside * (n - inside)) as f64 / n as f64;
            if above > 0.0 && best.is_none_or(|best| gain > best.0) {
                best = Some((gain, low, high));
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trials::{Settings, Trials};
    use super::*;

    fn trials() -> Trials {
        Trials::new(120).listed("optimizer", &json!(["sgd", "adam"])).rates("learning_rate", 1e-4, 1e-1)
    }

    /// sgd wants rates above 0.01, adam those between 0.0003 and 0.003.
    fn accuracy(one: &Settings<'_>, noise: f64) -> f64 {
        let rate = one.number("learning_rate");
        let works = if one.is("optimizer", "sgd") { rate > 0.01 } else { (0.000_3..0.003).contains(&rate) };
        if works { 0.88 + 0.01 * noise } else { 0.6 + 0.1 * noise }
    }

    #[test]
    fn each_optimizer_has_a_range_of_its_own() {
        let found = rates(&trials().value(accuracy).table(), &Importance::default());
        assert_eq!(found.len(), 2, "{found:?}");
        let range = |at: usize| match found[at].brush[1].1 {
            Part::Range(low, high) => (low, high),
            Part::Levels(_) => panic!("{found:?}"),
        };
        assert!(found[0].text.starts_with("With adam, learning rates from 0.000"), "{}", found[0].text);
        assert!(range(0).0 > 0.000_25 && range(0).1 < 0.003_5, "{found:?}");
        assert!(found[1].text.contains(" on work: ") && range(1).0 > 0.008, "{}", found[1].text);
    }

    #[test]
    fn where_the_rate_does_not_matter_no_range_is_said_to_work() {
        let found = rates(&trials().value(|_, noise| 0.8 + 0.05 * noise).table(), &Importance::default());
        assert_eq!(found, []);
        let few = Trials::new(9).rates("learning_rate", 1e-4, 1e-1).table();
        assert_eq!(rates(&few, &Importance::default()), []);
    }

    #[test]
    fn one_optimizer_needs_no_name_and_listed_rates_are_levels() {
        let trials = Trials::new(60).listed("lr", &json!([0.1, 0.01, 0.001]));
        let table = trials.value(|one, noise| if one.number("lr") > 0.05 { 0.2 } else { 0.8 } + 0.01 * noise).table();
        let found = rates(&table, &Importance::default());
        assert!(found[0].text.starts_with("Learning rates up to 0.01 work: "), "{}", found[0].text);
        assert_eq!(found[0].brush, [("lr".to_owned(), Part::Levels(vec![json!(0.001), json!(0.01)]))]);
    }
}
