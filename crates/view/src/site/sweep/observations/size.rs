//! Effects of depth and width.

use handloom_sweep::importance::Importance;

use super::super::table::{Parameter, Table};
use super::Observation;
use super::group::{left_out, measured};
use super::spread::best_quarter;

/// The most against the fewest layers, and the widest against the narrowest, by the best quarter of their trials.
pub(super) fn size(table: &Table, _: &Importance) -> Vec<Observation> {
    let pair = [("num_layers", "Deeper", "deeper", "layers"), ("hidden_size", "Wider", "wider", "units")];
    let found = pair.into_iter().filter_map(|(setting, begins, within, units)| {
        let parameter = table.parameter(setting).filter(|parameter| parameter.is_number())?;
        pays(table, parameter, begins, within, units)
    });
    found.collect()
}

fn pays(table: &Table, parameter: &Parameter, begins: &str, within: &str, units: &str) -> Option<Observation> {
    let found = measured(table, parameter, best_quarter);
    let [(least, low), .., (most, high)] = &found[..] else { return None };
    let interval = high.over(low);
    let said: Vec<String> =
        found.iter().map(|(group, measured)| format!("{} {}", group.label, table.text(measured.value))).collect();
    let averages = format!("Mean of the best quarter by {units}: {}.", said.join(", "));
    let goodness = table.goodness();
    let scored: Vec<usize> = (0..goodness.len()).filter(|&at| goodness[at].is_some()).collect();
    let left = left_out(parameter, &scored);
    let (difference, scope) = (table.margin((high.value - low.value).abs()), table.scope());
    let (text, settled, shown) = if interval[0] > 0.0 {
        let interval = table.interval(interval);
        (
            format!(
                "{begins} is better{scope}: {} {units} beat {} by {difference} {interval}.",
                most.label, least.label
            ),
            true,
            most,
        )
    } else if interval[1] < 0.0 {
        let interval = table.interval([-interval[1], -interval[0]]);
        (
            format!(
                "{begins} is worse{scope}: {} {units} trail {} by {difference} {interval}.",
                most.label, least.label
            ),
            true,
            least,
        )
    } else {
        let (sign, interval) = (if high.value < low.value { "-" } else { "+" }, table.interval(interval));
        (
            format!(
                "Whether {within} networks pay is not settled: {} over {} {units} make {sign}{difference} {interval}.",
                most.label, least.label
            ),
            false,
            most,
        )
    };
    let brush = vec![(parameter.name.clone(), shown.part.clone())];
    Some(Observation::new("size", settled && left.is_empty(), format!("{text} {averages}{left}"), brush))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Part;
    use super::super::trials::Trials;
    use super::*;

    fn said(by_layer: f64) -> Observation {
        let trials = Trials::new(90).listed("num_layers", &json!([3, 4, 5]));
        let table = trials.value(|one, noise| 0.7 + by_layer * one.number("num_layers") + 0.01 * noise).table();
        let mut found = size(&table, &Importance::default());
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn depth_pays_costs_or_is_not_settled() {
        let (better, worse, neither) = (said(0.03), said(-0.03), said(0.0));
        assert!(better.settled && better.text.starts_with("Deeper is better: 5 layers beat 3 by"), "{better:?}");
        assert_eq!(better.brush, [("num_layers".to_owned(), Part::Levels(vec![json!(5)]))]);
        assert!(worse.settled && worse.text.starts_with("Deeper is worse: 5 layers trail 3 by"), "{worse:?}");
        assert!(!worse.text.contains('-'), "{worse:?}");
        assert!(
            !neither.settled && neither.text.starts_with("Whether deeper networks pay is not settled"),
            "{neither:?}"
        );
    }

    #[test]
    fn lists_of_widths_and_one_depth_say_nothing() {
        let lists = Trials::new(40).listed("hidden_size", &json!([[64, 32], [128, 64]])).table();
        assert_eq!(size(&lists, &Importance::default()), []);
        let few = Trials::new(7).listed("num_layers", &json!([1, 2])).table();
        assert_eq!(size(&few, &Importance::default()), []);
    }
}
