//! Conclusions about overfitting: number of runs, settings that they share, and the cost.

use crate::format;
use handloom_engine::compare::{Difference, independent_difference};
use handloom_engine::metric::wilson;

use super::super::page::Conclusion;
use super::super::sample::Sample;
use super::{Case, NAMES, NUMBERS, number};
use crate::gap::Fit;
use crate::words::{count, listed};

/// Conclusions of all rules.
pub(super) fn conclusions(cases: &[Case<'_>]) -> Vec<Conclusion> {
    let mut found = vec![how_many(cases)];
    found.extend(in_common(cases));
    found.push(cost(cases));
    found
}

fn how_many(cases: &[Case<'_>]) -> Conclusion {
    let of = |fit: Fit| cases.iter().filter(|case| case.fit == fit).count() as u64;
    let (over, little, all) = (of(Fit::Over), of(Fit::Little), cases.len() as u64);
    if all == 0 {
        return Conclusion::open("no run has finished with validation figures");
    }
    let [share, low, high] = [over as f64 / all as f64, wilson(over, all)[0], wilson(over, all)[1]].map(|x| 100.0 * x);
    let said = format!(
        "{over} of {} overfit, {share:.1} % [{low:.1}, {high:.1}]; {little} learn too little",
        count(all, "run", "runs")
    );
    // One run tells as little of the others as one seed.
    if all > 1 { Conclusion::settled(said) } else { Conclusion::open(said) }
}

/// The share of overfitted runs on two sides of a setting, the side with the larger one first.
struct Contrast {
    setting: &'static str,
    /// Names of the sides, with their numbers of overfitted and of all runs.
    sides: [(String, [u64; 2]); 2],
    found: Difference,
}

impl Contrast {
    fn new(setting: &'static str, first: (String, [u64; 2]), second: (String, [u64; 2])) -> Option<Self> {
        let found = independent_difference(first.1, second.1)?;
        if found.value < 0.0 {
            return Self::new(setting, second, first);
        }
        Some(Self { setting, sides: [first, second], found })
    }

    fn text(&self) -> String {
        let side = |(what, [over, all]): &(String, [u64; 2])| {
            format!("with {what} {:.1} % of runs overfit ({over} of {all})", 100.0 * *over as f64 / *all as f64)
        };
        let [value, low, high] = [self.found.value, self.found.low, self.found.high].map(|share| 100.0 * share);
        format!(
            "{}: {}, {}: {value:.1} points more [{low:+.1}, {high:+.1}]",
            self.setting,
            side(&self.sides[0]),
            side(&self.sides[1])
        )
    }
}

/// Overfitted runs and all, of those cases that `keep` keeps.
pub(super) fn counts(cases: &[Case<'_>], keep: impl Fn(&Case<'_>) -> bool) -> [u64; 2] {
    let kept = || cases.iter().filter(|case| keep(case));
    [kept().filter(|case| case.is_over()).count() as u64, kept().count() as u64]
}

/// The highest against the lowest value of a number that varies.
fn of_number(cases: &[Case<'_>], setting: &'static str) -> Option<Contrast> {
    let values = || cases.iter().filter_map(|case| number(case.trial, setting));
    let (low, high) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
    let side = |value: f64| (format::setting(value), counts(cases, |case| number(case.trial, setting) == Some(value)));
    if low < high { Contrast::new(setting, side(high), side(low)) } else { None }
}

/// Each name against the others; of two names the first against the second.
fn of_names(cases: &[Case<'_>], setting: &'static str) -> Vec<Contrast> {
    let mut names: Vec<String> = Vec::new();
    for name in cases.iter().map(|case| case.trial.text(setting)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let against = |name: &String| {
        let rest = match &names[..] {
            [_, second] => second.clone(),
            _ => "others".into(),
        };
        let own = counts(cases, |case| case.trial.text(setting) == *name);
        Contrast::new(setting, (name.clone(), own), (rest, counts(cases, |case| case.trial.text(setting) != *name)))
    };
    let shown = if names.len() == 2 { 1 } else { names.len() };
    names.iter().take(shown).filter_map(against).collect()
}

/// The settings that tell overfitted runs from others, the largest difference first, and those of which that is open.
pub(super) fn in_common(cases: &[Case<'_>]) -> Vec<Conclusion> {
    let numbers = NUMBERS.into_iter().filter_map(|setting| of_number(cases, setting));
    let mut all: Vec<Contrast> =
        numbers.chain(NAMES.into_iter().flat_map(|setting| of_names(cases, setting))).collect();
    if all.is_empty() {
        return vec![Conclusion::open("no setting varies among the runs that finished")];
    }
    all.sort_by(|a, b| b.found.value.total_cmp(&a.found.value));
    let (settled, open): (Vec<_>, Vec<_>) = all.into_iter().partition(|contrast| contrast.found.settled);
    let mut rest: Vec<String> = Vec::new();
    for Contrast { setting, .. } in &open {
        if !settled.iter().any(|one| one.setting == *setting) && !rest.iter().any(|name| name == setting) {
            rest.push((*setting).to_owned());
        }
    }
    let mut found: Vec<Conclusion> = settled.iter().map(|one| Conclusion::settled(one.text())).collect();
    if found.is_empty() {
        let text =
            format!("no setting tells overfitted runs from the others: of {} no difference is certain", listed(&rest));
        found.push(Conclusion::open(text));
    } else if !rest.is_empty() {
        found.push(Conclusion::open(format!("of {} no difference is certain", listed(&rest))));
    }
    found
}

/// Cost of overfitting: accuracy at the end against that where the validation loss was lowest. The best epoch would not
/// do: it is chosen by accuracy, so that no epoch can be above it.
pub(super) fn cost(cases: &[Case<'_>]) -> Conclusion {
    let over: Vec<&Case<'_>> = cases.iter().filter(|case| case.is_over()).collect();
    let sample = |before: &dyn Fn(&Case<'_>) -> Option<f64>| {
        Sample((1..).zip(&over).filter_map(|(at, case)| Some((at, before(case)? - case.val))).collect())
    };
    let lost = sample(&|case| case.turned);
    let Some(mean) = lost.mean() else {
        return Conclusion::open("no run overfits, so that nothing can be said of what that costs");
    };
    let runs = count(over.len() as u64, "overfitted run", "overfitted runs");
    let best = sample(&|case| case.trial.accuracy()).mean().map_or(String::new(), |mean| {
        format!(
            "; the best epoch, which is the one chosen for its accuracy, is {:.2} points above the end",
            100.0 * mean
        )
    });
    let Some(found) = lost.over(&sample(&|case| Some(case.val))) else {
        return Conclusion::open(format!(
            "{runs} cannot tell what overfitting costs, now {:.2} points{best}",
            100.0 * mean
        ));
    };
    let [value, low, high] = [found.value, found.low, found.high].map(|share| 100.0 * share);
    let said = format!(
        "from the epoch with the lowest validation loss to the last, the validation accuracy of {runs} changes by {:+.2} points [{:+.2}, {:+.2}]{best}",
        -value, -high, -low
    );
    match (found.settled, found.value > 0.0) {
        (true, true) => Conclusion::settled(format!("overfitting costs accuracy: {said}")),
        (true, false) => Conclusion::settled(format!("overfitting costs no accuracy, though loss rises: {said}")),
        _ => Conclusion::open(format!("overfitting may cost accuracy or not: {said}")),
    }
}
