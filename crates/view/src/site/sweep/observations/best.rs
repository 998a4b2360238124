//! The best value of a setting: optimizer, activation, initialization and the like.
//!
//! Compared is what the best quarter of a value's trials comes to, so that a value is judged by what it does where the
//! other settings suit it, however many trials a search spent on it.

use handloom_sweep::importance::Importance;
use serde_json::Value;

use super::super::table::{Parameter, Table};
use super::group::{Group, groups, left_out};
use super::spread::{Measured, best_quarter};
use super::{Observation, Part, counted};
use crate::words::listed;

/// Settings with a rule of their own, and what nobody chooses.
const OTHERS: [&str; 5] = ["learning_rate", "weight_decay", "num_layers", "hidden_size", "seed"];

/// The best value of each setting, with its lead over the next; or between which it is not settled.
pub(super) fn best(table: &Table, _: &Importance) -> Vec<Observation> {
    let goodness = table.goodness();
    let parameters = table.parameters.iter().filter(|parameter| !OTHERS.contains(&parameter.setting));
    parameters.filter_map(|parameter| leader(table, parameter, &goodness)).collect()
}

/// A group and what it comes to.
struct Rival {
    group: Group,
    measured: Measured,
}

fn leader(table: &Table, parameter: &Parameter, goodness: &[Option<f64>]) -> Option<Observation> {
    let scored: Vec<usize> = (0..goodness.len()).filter(|&at| goodness[at].is_some()).collect();
    let found = groups(parameter, &scored);
    let mut rivals: Vec<Rival> = (0_u64..)
        .zip(found)
        .map(|(number, group)| {
            let values: Vec<f64> = group.members.iter().filter_map(|&at| goodness[at]).collect();
            Rival { group, measured: Measured::of(&values, best_quarter, number) }
        })
        .collect();
    rivals.sort_by(|a, b| b.measured.value.total_cmp(&a.measured.value));
    let (first, others) = rivals.split_first()?;
    let second = others.first()?;
    let (tied, behind): (Vec<&Rival>, Vec<&Rival>) =
        others.iter().partition(|other| first.measured.over(&other.measured)[0] <= 0.0);
    let name = &parameter.name;
    let lead = |other: &Rival| {
        let margin = table.margin(first.measured.value - other.measured.value);
        format!("{margin} {}", table.interval(first.measured.over(&other.measured)))
    };
    let text = |rival: &Rival| table.text(rival.measured.value);
    let left = left_out(parameter, &scored);
    if tied.is_empty() {
        let last = match others {
            [_, .., last] => format!("; {} is last with {}", last.group.label, text(last)),
            _ => String::new(),
        };
        let does = if left.is_empty() { "does best" } else { "leads" };
        let said = format!(
            "{name}: {} {does}{}. The best quarter of its {} averages {}, {} better than that of {}, the next{last}.{left}",
            first.group.label,
            table.scope(),
            counted(first.group.members.len()),
            text(first),
            lead(second),
            second.group.label,
        );
        return Some(Observation::new("best", left.is_empty(), said, vec![(name.clone(), first.group.part.clone())]));
    }
    let level: Vec<&Rival> = std::iter::once(first).chain(tied).collect();
    let names: Vec<String> = level.iter().map(|rival| rival.group.label.clone()).collect();
    let values: Vec<String> = level.iter().map(|rival| text(rival)).collect();
    let others = match &behind[..] {
        [] => String::new(),
        [next, ..] => {
            let names: Vec<String> = behind.iter().map(|rival| rival.group.label.clone()).collect();
            let or_more = if names.len() > 1 { " or more" } else { "" };
            format!(
                "; {} {} behind, by {}{or_more}",
                listed(&names),
                if names.len() > 1 { "are" } else { "is" },
                lead(next)
            )
        }
    };
    let said = format!(
        "{name}: not settled between {}, of which the best quarters average {}{others}.{left}",
        listed(&names),
        listed(&values)
    );
    Some(Observation::new("best", false, said, vec![(name.clone(), joined(&level))]))
}

/// Brush that selects all of these groups.
fn joined(rivals: &[&Rival]) -> Part {
    let levels = rivals.iter().flat_map(|rival| match &rival.group.part {
        Part::Levels(levels) => levels.clone(),
        Part::Range(..) => Vec::new(),
    });
    let levels: Vec<Value> = levels.collect();
    let ranges = rivals.iter().filter_map(|rival| match rival.group.part {
        Part::Range(low, high) => Some((low, high)),
        Part::Levels(_) => None,
    });
    let hull = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    hull.map_or(Part::Levels(levels), |(low, high)| Part::Range(low, high))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trials::Trials;
    use super::*;

    fn said(trials: Trials) -> Vec<Observation> {
        best(&trials.table(), &Importance::default())
    }

    #[test]
    fn a_clear_winner_is_named_with_its_lead() {
        let trials = Trials::new(90).listed("optimizer", &json!(["sgd", "adam", "nadam"]));
        let found = said(trials.value(|one, noise| {
            let level = if one.is("optimizer", "nadam") { 0.89 } else { 0.85 };
            level - 0.1 * f64::from(u8::from(one.is("optimizer", "sgd"))) + 0.004 * noise
        }));
        assert_eq!(found.len(), 1);
        let Observation { text, settled, brush, .. } = &found[0];
        assert!(*settled && text.starts_with("optimizer: nadam does best."), "{text}");
        assert!(text.contains("better than that of adam, the next; sgd is last with 7"), "{text}");
        assert_eq!(brush[..], [("optimizer".to_owned(), Part::Levels(vec![json!("nadam")]))]);
    }

    #[test]
    fn equals_are_not_settled_and_what_is_behind_is_said() {
        let trials = Trials::new(90).listed("activation", &json!(["relu", "tanh", "sigmoid"]));
        let found = said(
            trials.value(|one, noise| 0.88 - 0.2 * f64::from(u8::from(one.is("activation", "sigmoid"))) + 0.01 * noise),
        );
        let Observation { text, settled, brush, .. } = &found[0];
        assert!(!settled && text.contains("not settled between"), "{text}");
        assert!(text.contains("sigmoid is behind, by 2"), "{text}");
        let Part::Levels(levels) = &brush[0].1 else { panic!("{brush:?}") };
        assert!(levels.len() == 2 && !levels.contains(&json!("sigmoid")));
    }

    #[test]
    fn a_value_with_too_few_trials_is_named_and_keeps_the_rest_from_being_settled() {
        // Of 40 trials, lion has about a tenth.
        let values = json!(["sgd", "adam", "sgd", "adam", "sgd", "adam", "sgd", "adam", "lion"]);
        let level = |one: &super::super::trials::Settings<'_>, noise: f64| {
            if one.is("optimizer", "adam") { 0.89 + 0.004 * noise } else { 0.7 + 0.004 * noise }
        };
        let found = said(Trials::new(40).listed("optimizer", &values).value(level));
        let Observation { text, settled, .. } = &found[0];
        assert!(!settled && text.starts_with("optimizer: adam leads. "), "{text}");
        assert!(text.contains(" Too few trials to say: lion ("), "{text}");
        let values = json!(["sgd", "adam"]);
        let guided = said(Trials::new(40).listed("optimizer", &values).value(level).guided());
        let Observation { text, settled, .. } = &guided[0];
        assert!(*settled && text.starts_with("optimizer: adam does best within what was tried. "), "{text}");
    }

    #[test]
    fn few_trials_and_settings_with_rules_of_their_own_say_nothing() {
        assert_eq!(said(Trials::new(8).listed("optimizer", &json!(["sgd", "adam", "nadam"]))), []);
        let trials = Trials::new(90).listed("num_layers", &json!([3, 4, 5])).rates("learning_rate", 1e-4, 1e-1);
        assert_eq!(said(trials), []);
    }
}
