//! Trials grouped by the value of one parameter.

use crate::format::{plain, rate};
use crate::words::listed;

use super::super::table::{Parameter, Table};
use super::Part;
use super::spread::Measured;

/// Fewest trials of which anything is said.
pub(super) const LEAST: usize = 5;
/// Most different values that are groups of their own.
const MOST: usize = 12;

/// Trials with the same value, or with numbers in one part of the range.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    /// The value, for people.
    pub(super) label: String,
    /// Brush that selects it.
    pub(super) part: Part,
    /// Positions of its trials.
    pub(super) members: Vec<usize>,
}

/// The trials `among` by the value of `parameter`, numbers ascending: a group for each value, or for many numbers a third
/// each. Groups of fewer than [`LEAST`] trials are left out; [`left_out`] names them.
pub(super) fn groups(parameter: &Parameter, among: &[usize]) -> Vec<Group> {
    let levels = parameter.levels();
    let found = if levels.len() <= MOST || !parameter.is_number() {
        let group = |level: &serde_json::Value| {
            let members = among.iter().copied().filter(|&at| parameter.values[at] == *level).collect();
            let part = match level.as_f64() {
                Some(number) if !parameter.is_category => Part::Range(number, number),
                _ => Part::Levels(vec![level.clone()]),
            };
            Group { label: plain(level), part, members }
        };
        levels.iter().map(group).collect()
    } else {
        thirds(parameter, among)
    };
    found.into_iter().filter(|group: &Group| group.members.len() >= LEAST).collect()
}

/// Values of `parameter` of which nothing can be said, since fewer than [`LEAST`] of the trials `among` have them: a sentence
/// that names them with their numbers of trials. Empty if there are none.
///
/// Nothing is settled while a value is left out.
pub(super) fn left_out(parameter: &Parameter, among: &[usize]) -> String {
    let mut levels = parameter.levels();
    if levels.len() > MOST && parameter.is_number() {
        return String::new();
    }
    let untried: Vec<_> = parameter.listed.iter().filter(|value| !levels.contains(value)).cloned().collect();
    levels.extend(untried);
    let count = |level: &serde_json::Value| among.iter().filter(|&&at| parameter.values[at] == *level).count();
    let few: Vec<String> = levels
        .iter()
        .map(|level| (plain(level), count(level)))
        .filter(|(_, count)| *count < LEAST)
        .map(|(label, count)| format!("{label} ({count})"))
        .collect();
    if few.is_empty() { String::new() } else { format!(" Too few trials to say: {}.", listed(&few)) }
}

/// The same groups of all trials with a metric, each with what `measure` makes of its metrics.
pub(super) fn measured(table: &Table, parameter: &Parameter, measure: fn(&mut [f64]) -> f64) -> Vec<(Group, Measured)> {
    let goodness = table.goodness();
    let scored: Vec<usize> = (0..goodness.len()).filter(|&at| goodness[at].is_some()).collect();
    (0_u64..)
        .zip(groups(parameter, &scored))
        .map(|(number, group)| {
            let values: Vec<f64> = group.members.iter().filter_map(|&at| goodness[at]).collect();
            (group, Measured::of(&values, measure, number))
        })
        .collect()
}

/// Three groups of about equal size by a number; equal numbers stay together.
fn thirds(parameter: &Parameter, among: &[usize]) -> Vec<Group> {
    let mut sorted: Vec<(f64, usize)> = among.iter().filter_map(|&at| Some((parameter.number(at)?, at))).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut found = Vec::new();
    let mut rest = &sorted[..];
    for left in (1..=3).rev() {
        let mut end = rest.len() / left;
        while end > 0 && end < rest.len() && rest[end].0 == rest[end - 1].0 {
            end += 1;
        }
        let (own, others) = rest.split_at(end);
        rest = others;
        if let [(low, _), ..] = own {
            let high = own[own.len() - 1].0;
            found.push(Group {
                label: format!("{} to {}", rate(*low), rate(high)),
                part: part(parameter, own.iter().map(|(_, at)| *at)),
                members: own.iter().map(|(_, at)| *at).collect(),
            });
        }
    }
    found
}

/// Brush that selects the values of a parameter in these trials.
pub(super) fn part(parameter: &Parameter, among: impl Iterator<Item = usize>) -> Part {
    let among: Vec<usize> = among.collect();
    let numbers: Option<Vec<f64>> = among.iter().map(|&at| parameter.number(at)).collect();
    match numbers {
        Some(numbers) if !parameter.is_category && !numbers.is_empty() => Part::Range(
            numbers.iter().copied().fold(f64::INFINITY, f64::min),
            numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ),
        _ => {
            let is_there = |level: &serde_json::Value| among.iter().any(|&at| parameter.values[at] == *level);
            Part::Levels(parameter.levels().into_iter().filter(is_there).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use handloom_sweep::Distribution;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn values_are_groups_and_many_numbers_are_thirds() {
        let values: Vec<Value> = (0..30).map(|at| json!(["sgd", "adam", "nag"][at % 3])).collect();
        let parameter = Parameter::new("optimizer", &Distribution::Categorical(values.clone(), None), values).unwrap();
        let all: Vec<usize> = (0..30).collect();
        let labels: Vec<String> = groups(&parameter, &all).into_iter().map(|group| group.label).collect();
        assert_eq!(labels, ["adam", "nag", "sgd"]);
        // Too few of any.
        assert_eq!(groups(&parameter, &all[..12]), []);
        assert_eq!(left_out(&parameter, &all[..12]), " Too few trials to say: adam (4), nag (4) and sgd (4).");
        assert_eq!(left_out(&parameter, &all), "");
        // A value that the space lists and no trial has.
        let values: Vec<Value> = (0..30).map(|at| json!(["sgd", "adam"][at % 2])).collect();
        let space = Distribution::Categorical(vec![json!("sgd"), json!("adam"), json!("lion")], None);
        let parameter = Parameter::new("optimizer", &space, values).unwrap();
        assert_eq!(left_out(&parameter, &all), " Too few trials to say: lion (0).");
        let values = (0..30).map(|at| json!(0.01 * f64::from(at / 2 + 1))).collect();
        let parameter = Parameter::new("momentum", &Distribution::Uniform(0.0, 1.0), values).unwrap();
        let found = groups(&parameter, &all);
        let sizes: Vec<usize> = found.iter().map(|group| group.members.len()).collect();
        assert_eq!(sizes, [10, 10, 10]);
        assert_eq!((found[0].label.as_str(), found[0].part.clone()), ("0.01 to 0.05", Part::Range(0.01, 0.05)));
    }

    #[test]
    fn equal_numbers_are_never_parted() {
        let values = (0..40).map(|at| if at < 27 { json!(0.5) } else { json!(0.01 * f64::from(at)) }).collect();
        let parameter = Parameter::new("momentum", &Distribution::Uniform(0.0, 1.0), values).unwrap();
        let all: Vec<usize> = (0..40).collect();
        for group in groups(&parameter, &all) {
            let halves = group.members.iter().filter(|&&at| parameter.number(at) == Some(0.5)).count();
            assert!(halves == 0 || halves == 27, "{group:?}");
        }
    }
}
