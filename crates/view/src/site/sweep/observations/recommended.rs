//! The configuration to take, and whether its neighbors bear it out.

use std::collections::BTreeMap;

use crate::format::parameters;
use handloom_sweep::importance::Importance;
use serde_json::Value;

use super::super::table::{Parameter, Table};
use super::Observation;
use super::group::{LEAST, part};
use super::spread::median;

/// Neighbors that are asked.
const NEIGHBORS: usize = 5;
/// Weight of a parameter without importance.
const LITTLE: f64 = 0.02;

/// The best trial, with what the trials nearest to it came to: where they are among the best quarter of all, it is no
/// single lucky one.
pub(super) fn recommended(table: &Table, importance: &Importance) -> Vec<Observation> {
    let goodness = table.goodness();
    let scored: Vec<(usize, f64)> = (0..goodness.len()).filter_map(|at| Some((at, goodness[at]?))).collect();
    let Some(best) = table.best().filter(|_| scored.len() >= 4 * LEAST) else { return Vec::new() };
    let scales: Vec<(f64, Vec<f64>)> =
        table.parameters.iter().map(|one| (weight(one, importance), places(one))).collect();
    let distance = |at: usize| -> f64 {
        scales.iter().map(|(weight, places)| weight * (places[at] - places[best]).abs().min(1.0)).sum()
    };
    let mut near: Vec<(usize, f64, f64)> =
        scored.iter().filter(|(at, _)| *at != best).map(|&(at, good)| (at, distance(at), good)).collect();
    near.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    near.truncate(NEIGHBORS);
    let reached = median(&mut near.iter().map(|(_, _, good)| *good).collect::<Vec<_>>());
    let mut all: Vec<f64> = scored.iter().map(|(_, good)| *good).collect();
    let upper = {
        let place = all.len() * 3 / 4;
        *all.select_nth_unstable_by(place, f64::total_cmp).1
    };
    let settled = reached >= upper;
    let line = &table.trials[best];
    let choice: BTreeMap<String, _> =
        table.parameters.iter().map(|one| (one.name.clone(), one.values[best].clone())).collect();
    let names: Vec<String> = table.parameters.iter().map(|one| one.name.clone()).collect();
    let verdict = if settled {
        format!(
            "Its {NEIGHBORS} nearest trials reach {} in the median, so it is no single lucky one",
            table.text(reached)
        )
    } else {
        format!(
            "Its {NEIGHBORS} nearest trials reach only {} in the median, so it may be luck: try it with other seeds",
            table.text(reached)
        )
    };
    let text = format!(
        "Recommended: {} ({}, trial {}). {verdict}.",
        parameters(&choice, &names),
        table.text(goodness[best].unwrap_or_default()),
        line.number
    );
    let box_of = |one: &Parameter| (one.name.clone(), part(one, near.iter().map(|(at, ..)| *at).chain([best])));
    let mut observation = Observation::new("recommended", settled, text, table.parameters.iter().map(box_of).collect());
    observation.href = line.run.as_ref().map(|run| format!("#/run/{run}"));
    vec![observation]
}

/// Weight of a parameter in a distance.
fn weight(parameter: &Parameter, importance: &Importance) -> f64 {
    let name = parameter.name.strip_prefix("config.").unwrap_or(&parameter.name);
    let found = importance.parameters.iter().find(|weight| weight.name == name);
    found.map_or(LITTLE, |weight| weight.importance.max(LITTLE))
}

/// Position of each trial on a parameter, scaled so that the whole range of numbers is 1, and so is any difference of
/// categories.
fn places(parameter: &Parameter) -> Vec<f64> {
    let levels = parameter.levels();
    let all = 0..parameter.values.len();
    if parameter.is_number() {
        let numbers: Vec<f64> = levels.iter().filter_map(Value::as_f64).collect();
        let scale = (levels.len().max(2) - 1) as f64;
        let rank = |x: f64| numbers.partition_point(|&other| other < x) as f64 / scale;
        return all.map(|at| parameter.number(at).map_or(-1.0, rank)).collect();
    }
    let rank = |at: usize| levels.iter().position(|level| *level == parameter.values[at]);
    all.map(|at| rank(at).map_or(-1.0, |rank| rank as f64)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Part;
    use super::super::trials::Trials;
    use super::*;

    fn said(near: f64) -> Vec<Observation> {
        let trials = Trials::new(100).listed("optimizer", &json!(["sgd", "adam"])).rates("learning_rate", 1e-4, 1e-1);
        let table = trials.value(|one, noise| {
            let rate = one.number("learning_rate");
            let level = if one.is("optimizer", "adam") && (3e-4..3e-3).contains(&rate) { near } else { 0.7 };
            level + 0.002 * noise
        });
        let mut table = table.table();
        let middle = (0..100).filter(|&at| table.parameters[0].values[at] == json!("adam"));
        let rate = |at: usize| (table.parameters[1].number(at).unwrap() / 1e-3).ln().abs();
        let best = middle.min_by(|&a, &b| rate(a).total_cmp(&rate(b))).unwrap();
        table.trials[best].value = Some(0.9);
        recommended(&table, &Importance::default())
    }

    #[test]
    fn the_best_is_recommended_and_its_neighbors_are_asked() {
        let (borne_out, alone) = (said(0.88), said(0.68));
        assert!(borne_out[0].settled && borne_out[0].text.contains("no single lucky one"), "{borne_out:?}");
        assert!(borne_out[0].text.starts_with("Recommended: optimizer adam · learning_rate 0.00"), "{borne_out:?}");
        assert!(borne_out[0].text.contains("(90.0%, trial "), "{borne_out:?}");
        assert!(borne_out[0].href.as_ref().unwrap().starts_with("#/run/run"));
        assert_eq!(borne_out[0].brush[0], ("optimizer".to_owned(), Part::Levels(vec![json!("adam")])));
        assert!(!alone[0].settled && alone[0].text.contains("may be luck"), "{alone:?}");
    }

    #[test]
    fn a_few_trials_recommend_nothing() {
        let few = Trials::new(19).listed("optimizer", &json!(["sgd", "adam"])).table();
        assert_eq!(recommended(&few, &Importance::default()), []);
    }
}
