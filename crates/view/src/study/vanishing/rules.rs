//! Conclusions about gradients: do they vanish with depth, with which activation least, and does accuracy fall too.

use handloom_engine::compare::Difference;
use handloom_engine::metric::wilson;

use super::super::page::Conclusion;
use super::super::sample::{Sample, Trial};
use super::{Family, layers, logs, ratio, zeros};
use crate::insight::health::VANISHED;
use crate::words::{count, listed};

/// The conclusions, those on vanishing gradients first.
pub(super) fn conclusions(families: &[Family<'_>]) -> Vec<Conclusion> {
    let mut found: Vec<Conclusion> = families.iter().map(vanishes).collect();
    found.push(keeps(families));
    found.extend(families.iter().map(falls));
    found
}

/// A value whose logarithm this is, for people: three digits.
pub(super) fn figure(log: f64) -> String {
    let value = libm::exp(log);
    if (1e-3..1e6).contains(&value) {
        format!("{value:.0$}", (2.0 - libm::log10(value).floor()).max(0.0) as usize)
    } else {
        format!("{value:.1e}")
    }
}

/// A difference of logarithms as a factor.
pub(super) fn factor(found: &Difference) -> String {
    let [value, low, high] = [found.value, found.low, found.high].map(figure);
    format!("{value} times [{low}, {high}]")
}

/// Conclusion about an activation's deepest networks: gradients vanish there or not, by the rule of
/// [`health`](crate::insight::health).
pub(super) fn vanishes(family: &Family<'_>) -> Conclusion {
    let name = &family.activation;
    let Some((many, deep)) = family.depths.last().filter(|(depth, _)| *depth > 1) else {
        return Conclusion::open(format!("{name}: there is no network of two or more hidden layers"));
    };
    let (lost, runs) = (zeros(deep), deep.trials.len());
    if wilson(lost as u64, runs as u64)[0] > 0.5 {
        let text =
            format!("{name} vanishes: with {} the gradient is exactly 0 in {lost} of {runs} runs", layers(*many));
        return Conclusion::settled(text);
    }
    let left = match lost {
        0 => String::new(),
        lost => format!("; it is exactly 0 in {}, left out", count(lost as u64, "run", "runs")),
    };
    let Some(found) = logs(deep, ratio).estimate() else {
        return Conclusion::open(format!("{name}: there are too few gradients to say what depth does to them{left}"));
    };
    let said = format!("with {} layer 1 gets {} the gradient of layer {many}{left}", layers(*many), factor(&found));
    if libm::exp(found.high) < VANISHED {
        Conclusion::settled(format!("{name} vanishes: {said}"))
    } else if libm::exp(found.low) > VANISHED && lost == 0 {
        // A run without any gradient speaks against it, and is not in the mean.
        Conclusion::settled(format!("{name} does not vanish: {said}"))
    } else {
        Conclusion::open(format!("{name} may vanish or not: {said}"))
    }
}

/// The activation with which the first layer gets the largest share of the last hidden layer's gradient.
pub(super) fn keeps(families: &[Family<'_>]) -> Conclusion {
    let deepest = families.iter().filter_map(|family| Some(family.depths.last()?.0)).max();
    let ends = |family: &Family<'_>| {
        let (_, arm) = family.depths.last().filter(|(depth, _)| Some(*depth) == deepest)?;
        let logs = logs(arm, ratio);
        let mean = logs.mean()?;
        Some((logs, mean, zeros(arm)))
    };
    let mut ranked: Vec<(&str, (Sample, f64, usize))> =
        families.iter().filter_map(|family| Some((family.activation.as_str(), ends(family)?))).collect();
    ranked.sort_by(|a, b| b.1.1.total_cmp(&a.1.1));
    let deep = layers(deepest.unwrap_or(0));
    let [(first, (sample, mean, lost)), others @ ..] = &ranked[..] else {
        return Conclusion::open("no activation has a gradient to keep yet");
    };
    let Some((second, (next, ..))) = others.first() else {
        return Conclusion::open(format!("{first} is the only activation with a gradient at {deep}"));
    };
    let lead =
        sample.over(next).map_or(String::new(), |found| format!(", {} as much as with {second}", factor(&found)));
    let said = format!(
        "with {deep} {first} keeps most: layer 1 gets {} times the gradient of the last hidden layer{lead}",
        figure(*mean)
    );
    let is_rival = |other: &Sample| sample.over(other).is_none_or(|found| found.low <= 0.0);
    let rivals: Vec<String> =
        others.iter().filter(|(_, (other, ..))| is_rival(other)).map(|(name, _)| (*name).to_owned()).collect();
    if *lost > 0 {
        let runs = count(*lost as u64, "run", "runs");
        Conclusion::open(format!("{said}, but it is exactly 0 in {runs}, left out"))
    } else if rivals.is_empty() {
        Conclusion::settled(said)
    } else {
        Conclusion::open(format!("{said}, but {} may keep as much", listed(&rivals)))
    }
}

/// Conclusion about depth and accuracy: the deepest network against the shallowest.
pub(super) fn falls(family: &Family<'_>) -> Conclusion {
    let name = &family.activation;
    let Some([(few, shallow), (many, deep)]) = family.ends() else {
        return Conclusion::open(format!("{name}: there are no two depths whose accuracy could be compared"));
    };
    let Some(found) = deep.sample(Trial::accuracy).over(&shallow.sample(Trial::accuracy)) else {
        return Conclusion::open(format!("{name}: there are too few runs to compare the accuracy of two depths"));
    };
    let [value, low, high] = [found.value, found.low, found.high].map(|share| 100.0 * share);
    let span = format!("from {few} to {}", layers(*many));
    if !found.settled {
        let text = format!("{name}: {span} accuracy changes by {value:+.2} points [{low:+.2}, {high:+.2}]");
        return Conclusion::open(text);
    }
    let (word, by, [low, high]) =
        if value < 0.0 { ("falls", -value, [-high, -low]) } else { ("rises", value, [low, high]) };
    Conclusion::settled(format!("{name}: {span} accuracy {word} by {by:.2} points [{low:.2}, {high:.2}]"))
}
