//! Conditions that runs under 65 % have in common, one after the other.

use crate::format::{plain, rate};
use handloom_sweep::importance::Importance;

use super::super::table::{Parameter, Table};
use super::group::{LEAST, part};
use super::{Brush, Observation, counted};

/// Accuracies below this are not worth keeping; the assignment asks for these runs.
const BAR: f64 = 0.65;
/// Most conditions that are told.
const MOST: usize = 3;
/// Most thresholds of a number that are tried.
const THRESHOLDS: usize = 40;
/// Least share of the trials under the bar that meet the condition, less that of the others, for it to be told.
const APART: f64 = 0.3;

/// The condition that best tells the trials under 65 % from the others, then the best for those that are left.
pub(super) fn common(table: &Table, _: &Importance) -> Vec<Observation> {
    if !table.metric.is_share() || table.metric.goal != handloom_sweep::Goal::Maximize {
        return Vec::new();
    }
    let goodness = table.goodness();
    let is_under = |at: usize| table.trials[at].status == handloom_sweep::Status::Diverged || goodness[at] < Some(BAR);
    let mut left: Vec<usize> = (0..goodness.len()).filter(|&at| goodness[at].is_some()).collect();
    let (trials, under) = (left.len(), left.iter().filter(|&&at| is_under(at)).count());
    let mut found = Vec::new();
    while found.len() < MOST {
        let Some(best) = condition(table, &left, is_under) else { break };
        let with: Vec<usize> =
            left.iter().copied().filter(|&at| (best.meets)(&table.parameters[best.parameter], at)).collect();
        let hits = with.iter().filter(|&&at| is_under(at)).count();
        let remaining = left.iter().filter(|&&at| is_under(at)).count();
        let parameter = &table.parameters[best.parameter];
        let [precision, recall] = [with.len(), remaining].map(|of| 100.0 * hits as f64 / of as f64);
        let share = format!("{hits} of the {} that {}", counted(with.len()), best.words);
        let text = if found.is_empty() {
            format!(
                "{under} of {trials} trials ended below 65%. {recall:.0}% of them have one setting in common: {share} \
                 did ({precision:.0}%)."
            )
        } else {
            format!(
                "Of the other {remaining} below 65%, {recall:.0}% have this in common: {share} ended below it \
                 ({precision:.0}%)."
            )
        };
        let brush: Brush = vec![(parameter.name.clone(), part(parameter, with.iter().copied()))];
        left.retain(|&at| !(best.meets)(parameter, at));
        found.push(Observation::new("common", true, text, brush));
    }
    found
}

/// Condition on a parameter: true if a trial, by its position, meets it.
type Meets = Box<dyn Fn(&Parameter, usize) -> bool>;

/// A condition on one parameter.
struct Condition {
    /// Position of the parameter.
    parameter: usize,
    /// `have a learning_rate of at least 0.03`.
    words: String,
    meets: Meets,
    apart: f64,
}

/// The condition that best tells those of `among` that are under the bar from the others; none if none does, or luck could
/// have found it.
fn condition(table: &Table, among: &[usize], is_under: impl Fn(usize) -> bool) -> Option<Condition> {
    let under = among.iter().filter(|&&at| is_under(at)).count();
    let over = among.len() - under;
    if under < LEAST || over < LEAST {
        return None;
    }
    let all: Vec<Condition> = (0..table.parameters.len()).flat_map(|at| conditions(table, at, among)).collect();
    let tried = all.len() as f64;
    let judged = all.into_iter().filter_map(|mut one| {
        let parameter = &table.parameters[one.parameter];
        let with = || among.iter().filter(|&&at| (one.meets)(parameter, at));
        let (met, hits) = (with().count(), with().filter(|&&at| is_under(at)).count());
        let [true_share, false_share] = [hits as f64 / under as f64, (met - hits) as f64 / over as f64];
        // χ² of the fourfold table with one degree of freedom, of which P(χ² > x) ≤ exp(−x / 2).
        let n = among.len() as f64;
        let apart = true_share - false_share;
        let spread = met as f64 * (n - met as f64);
        let chi = n * (apart * (under * over) as f64).powi(2) / ((under * over) as f64 * spread);
        one.apart = apart;
        (met > 0 && spread > 0.0 && apart >= APART && tried * libm::exp(-chi / 2.0) < 0.05).then_some(one)
    });
    judged.reduce(|best, next| if next.apart > best.apart { next } else { best })
}

/// Everything that may be asked of the parameter at position `at`.
fn conditions(table: &Table, at: usize, among: &[usize]) -> Vec<Condition> {
    let parameter = &table.parameters[at];
    let name = &parameter.name;
    let new = |words, meets: Meets| Condition { parameter: at, words, meets, apart: 0.0 };
    if !parameter.is_number() {
        let is = |level: serde_json::Value| {
            let words = format!("have {name} {}", plain(&level));
            new(words, Box::new(move |parameter: &Parameter, at: usize| parameter.values[at] == level))
        };
        return parameter.levels().into_iter().map(is).collect();
    }
    let mut numbers: Vec<f64> = among.iter().filter_map(|&at| parameter.number(at)).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    let step = numbers.len().div_ceil(THRESHOLDS).max(1);
    let mut found = Vec::new();
    for edge in (1..numbers.len()).step_by(step) {
        let (below, above) = (numbers[edge - 1], numbers[edge]);
        found.push(new(
            format!("have a {name} of at most {}", rate(below)),
            Box::new(move |parameter: &Parameter, at: usize| parameter.number(at).is_some_and(|x| x <= below)),
        ));
        found.push(new(
            format!("have a {name} of at least {}", rate(above)),
            Box::new(move |parameter: &Parameter, at: usize| parameter.number(at).is_some_and(|x| x >= above)),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Part;
    use super::super::trials::Trials;
    use super::*;

    fn trials() -> Trials {
        Trials::new(100)
            .listed("optimizer", &json!(["sgd", "adam", "nadam", "nag"]))
            .rates("learning_rate", 1e-4, 1e-1)
            .listed("batch_size", &json!([16, 32, 64]))
    }

    #[test]
    fn conditions_are_told_one_after_the_other_with_precision_and_recall() {
        let table = trials().value(|one, noise| {
            let bad = one.number("learning_rate") > 0.02 || one.is("optimizer", "sgd");
            if bad { 0.3 } else { 0.85 + 0.01 * noise }
        });
        let table = table.table();
        let found = common(&table, &Importance::default());
        assert_eq!(found.len(), 2, "{found:?}");
        let texts = format!("{} | {}", found[0].text, found[1].text);
        assert!(texts.contains("have a learning_rate of at least 0.02"), "{texts}");
        assert!(texts.contains("have optimizer sgd") && texts.contains("(100%)"), "{texts}");
        let under = table.trials.iter().filter(|line| line.value < Some(0.65)).count();
        assert!(found[0].text.starts_with(&format!("{under} of 100 trials ended below 65%.")), "{texts}");
        assert!(found.iter().any(|one| one.brush == [("optimizer".to_owned(), Part::Levels(vec![json!("sgd")]))]));
    }

    #[test]
    fn what_has_nothing_in_common_is_not_explained() {
        let by_chance = trials().value(|one, _| if one.at % 3 == 0 { 0.3 } else { 0.85 }).table();
        assert_eq!(common(&by_chance, &Importance::default()), []);
        let all_good = trials().value(|_, noise| 0.85 + 0.01 * noise).table();
        assert_eq!(common(&all_good, &Importance::default()), []);
    }

    #[test]
    fn a_loss_has_no_65_percent() {
        let mut table = trials().value(|one, _| if one.is("optimizer", "sgd") { 0.3 } else { 0.85 }).table();
        assert_eq!(common(&table, &Importance::default()).len(), 1);
        table.metric = handloom_sweep::spec::Metric { name: "val_loss", ..table.metric };
        assert_eq!(common(&table, &Importance::default()), []);
    }
}
