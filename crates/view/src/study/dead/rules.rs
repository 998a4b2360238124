//! Conclusions about dead units: their number, dead networks, training that stands still, and the activation that
//! suffers least.

use handloom_engine::compare::Difference;
use handloom_engine::metric::wilson;

use super::super::leader::{Figure, leader, told};
use super::super::page::Conclusion;
use super::super::sample::{Arm, Sample, Trial};
use super::{DEAD, Family, STILL, accuracy, last, silent};
use crate::words::{count, listed};

/// Conclusions of all rules.
pub(super) fn conclusions(families: &[Family<'_>]) -> Vec<Conclusion> {
    let mut found = Vec::new();
    for family in families.iter().filter(|family| family.can_die()) {
        found.extend([is_more_silent(family), is_process_gone(family)]);
    }
    found.extend(families.iter().map(stands_still));
    found.push(suffers_least(families));
    found
}

/// A difference of shares with the word for what is less or the one for what is more.
pub(super) fn points(found: &Difference, [less, more]: [&str; 2]) -> String {
    let [value, low, high] = [found.value, found.low, found.high].map(|share| 100.0 * share);
    if value < 0.0 {
        format!("{:.2} points [{:+.2}, {:+.2}] {less}", -value, -high, -low)
    } else {
        format!("{value:.2} points [{low:+.2}, {high:+.2}] {more}")
    }
}

/// On which side of a limit the mean is with 95 % confidence: true if above. Where all runs are equal, and there is no
/// interval, on which side most runs are.
pub(super) fn side(sample: &Sample, limit: f64) -> Option<bool> {
    let [low, high] = sample.interval()?;
    if low < high {
        return if low > limit { Some(true) } else { (high <= limit).then_some(false) };
    }
    let (above, all) = (low > limit, sample.0.len() as u64);
    (wilson(all, all)[0] > 0.5).then_some(above)
}

/// Conclusion about an activation without two rates.
fn alone(name: &str) -> Conclusion {
    Conclusion::open(format!("{name}: there are no two learning rates to compare"))
}

fn is_more_silent(family: &Family<'_>) -> Conclusion {
    let name = &family.activation;
    let Some([(low, usual), (high, large)]) = family.ends() else { return alone(name) };
    let samples = [last(usual, silent), last(large, silent)];
    let rates = format!("at a rate of {high} than at {low}");
    let share = format!("{} at the end", told(&samples[1], Figure::Accuracy));
    let Some(found) = samples[1].over(&samples[0]) else {
        return Conclusion::open(format!(
            "{name}: the runs do not tell whether more units are silent {rates}, {share}"
        ));
    };
    let said = format!("{share}, {}", points(&found, ["less", "more"]));
    match (found.settled, found.value > 0.0) {
        (true, true) => Conclusion::settled(format!("{name} has more silent units {rates}: {said}")),
        (true, false) => Conclusion::settled(format!("{name} has fewer silent units {rates}: {said}")),
        _ => Conclusion::open(format!("{name} may have more silent units {rates} or not: {said}")),
    }
}

fn is_process_gone(family: &Family<'_>) -> Conclusion {
    let name = &family.activation;
    let Some([_, (rate, arm)]) = family.ends() else { return alone(name) };
    let sample = last(arm, silent);
    let said = format!("{} of its units are silent at the end", told(&sample, Figure::Accuracy));
    match side(&sample, DEAD) {
        Some(true) => Conclusion::settled(format!("{name} is dead at a rate of {rate}: {said}, more than half")),
        Some(false) => Conclusion::settled(format!("{name} is not dead at a rate of {rate}: {said}, at most half")),
        None => Conclusion::open(format!("{name} may be dead at a rate of {rate} or not: {said}")),
    }
}

/// Conclusion about training at the highest rate: it gains next to nothing after its first epoch and ends behind the
/// lowest rate, or not.
fn stands_still(family: &Family<'_>) -> Conclusion {
    let name = &family.activation;
    let Some([(low, usual), (high, large)]) = family.ends() else { return alone(name) };
    let gain = large.sample(|trial| {
        let [first, .., last] = &trial.epochs[..] else { return None };
        Some(accuracy(last)? - accuracy(first)?)
    });
    let (Some(mean), Some(ends)) = (gain.mean(), gain.interval()) else {
        return Conclusion::open(format!("{name}: no run at a rate of {high} has two epochs to compare"));
    };
    let [mean, from, to] = [mean, ends[0], ends[1]].map(|share| 100.0 * share);
    let margin = last(large, accuracy).over(&last(usual, accuracy));
    let beside = margin
        .map_or(String::new(), |found| format!(", and ends {} that at {low}", points(&found, ["below", "above"])));
    let lost = match large.diverged() {
        0 => String::new(),
        lost => format!("; {lost} of {} diverged", count(large.trials.len() as u64, "run", "runs")),
    };
    let said = format!(
        "from first to last epoch its accuracy changes by {mean:+.2} points [{from:+.2}, {to:+.2}]{beside}{lost}"
    );
    let behind = margin.filter(|found| found.settled).map(|found| found.value < 0.0);
    match (side(&gain, STILL), behind) {
        (Some(false), Some(true)) => Conclusion::settled(format!("{name} stops learning at a rate of {high}: {said}")),
        // A run that diverged does not go on learning either.
        (Some(true), _) | (_, Some(false)) if lost.is_empty() => {
            Conclusion::settled(format!("{name} does not stop learning at a rate of {high}: {said}"))
        }
        _ => Conclusion::open(format!("{name} may stop learning at a rate of {high} or not: {said}")),
    }
}

/// The most accurate activation at the highest rate, of those of which no run diverged there.
fn suffers_least(families: &[Family<'_>]) -> Conclusion {
    let large: Vec<_> = families.iter().filter_map(|family| Some((&family.activation, family.ends()?[1]))).collect();
    let Some(rate) = large.iter().map(|(_, (rate, _))| *rate).reduce(f64::max) else {
        return Conclusion::open("no activation has runs at two learning rates");
    };
    let (lost, whole): (Vec<_>, Vec<_>) = large.into_iter().partition(|(_, (_, arm))| arm.diverged() > 0);
    let contenders: Vec<(String, Sample)> =
        whole.into_iter().map(|(name, (_, arm))| (name.clone(), arm.sample(Trial::accuracy))).collect();
    let what = format!("activation at a rate of {rate}");
    let mut found = leader(&what, "validation accuracy", &contenders, Figure::Accuracy);
    if !lost.is_empty() {
        let of = |(name, (_, arm)): &(&String, &(f64, Arm<'_>))| {
            format!("{name}, of which {} of {} diverged", arm.diverged(), count(arm.trials.len() as u64, "run", "runs"))
        };
        found.text = format!("{}; out of it: {}", found.text, listed(&lost.iter().map(of).collect::<Vec<_>>()));
    }
    found
}
