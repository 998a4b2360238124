//! Effect of weight decay.

use handloom_sweep::importance::Importance;

use super::super::table::Table;
use super::group::{Group, left_out, measured};
use super::spread::{Measured, median};
use super::{Observation, counted};

/// The weight decay that harms most against the least one, by medians; else the one that helps most; else nothing.
pub(super) fn decay(table: &Table, _: &Importance) -> Vec<Observation> {
    let Some(parameter) = table.parameter("weight_decay").filter(|parameter| parameter.is_number()) else {
        return Vec::new();
    };
    let found = measured(table, parameter, median);
    let Some(((least, without), others)) = found.split_first() else { return Vec::new() };
    let change = |one: &(Group, Measured)| one.1.value - without.value;
    let worst =
        others.iter().filter(|(_, one)| one.over(without)[1] < 0.0).min_by(|a, b| change(a).total_cmp(&change(b)));
    let best =
        others.iter().filter(|(_, one)| one.over(without)[0] > 0.0).max_by(|a, b| change(a).total_cmp(&change(b)));
    let Some(one) = worst.or(best) else { return Vec::new() };
    let (group, measured) = one;
    let goodness = table.goodness();
    let scored: Vec<usize> = (0..goodness.len()).filter(|&at| goodness[at].is_some()).collect();
    let left = left_out(parameter, &scored);
    let [low, high] = measured.over(without);
    let (verb, way, interval) =
        if change(one) < 0.0 { ("harms", "below", [-high, -low]) } else { ("helps", "above", [low, high]) };
    let text = format!(
        "A weight decay of {} {verb}{}: {} reach {} in the median, {} {} {way} those with {}.{left}",
        group.label,
        table.scope(),
        counted(group.members.len()),
        table.text(measured.value),
        table.margin(change(one).abs()),
        table.interval(interval),
        least.label
    );
    vec![Observation::new("decay", left.is_empty(), text, vec![(parameter.name.clone(), group.part.clone())])]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Part;
    use super::super::trials::Trials;
    use super::*;

    fn said(of: impl Fn(f64) -> f64) -> Vec<Observation> {
        let trials = Trials::new(90).listed("weight_decay", &json!([0, 0.0005, 0.5]));
        decay(&trials.value(|one, noise| of(one.number("weight_decay")) + 0.01 * noise).table(), &Importance::default())
    }

    #[test]
    fn harm_and_help_are_told_and_no_difference_is_not() {
        let harm = said(|decay| if decay > 0.1 { 0.1 } else { 0.86 });
        assert!(harm[0].text.starts_with("A weight decay of 0.5 harms: "), "{harm:?}");
        assert!(harm[0].text.ends_with(" below those with 0."), "{harm:?}");
        assert_eq!(harm[0].brush, [("weight_decay".to_owned(), Part::Levels(vec![json!(0.5)]))]);
        let help = said(|decay| if decay == 0.0005 { 0.88 } else { 0.8 });
        assert!(help[0].text.starts_with("A weight decay of 0.0005 helps: "), "{help:?}");
        assert_eq!(said(|_| 0.8), []);
    }
}
