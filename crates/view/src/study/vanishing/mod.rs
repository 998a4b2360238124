//! Vanishing gradients: three activations in networks of one to eight hidden layers.
//!
//! Norms are compared by their logarithms, since what counts is how many times smaller one is. A norm of exactly 0 has no
//! logarithm: its run is in no mean, and is counted instead.

mod rules;
#[cfg(test)]
mod tests;

use self::rules::{conclusions, figure};
use super::leader::{Figure, told};
use super::page::{Block, Page};
use super::sample::{Arm, Sample, Trial, arms};
use super::{Origin, again, counted};
use crate::bands::{Band, Chart, Scale, bands};
use crate::insight::health::{VANISHED, gradient_ratio};
use crate::words::{count, listed};

/// A value below this share of the highest has no place of its own on a logarithmic scale.
const FLOOR: f64 = 1e-3;
/// Key of lines and bands: intervals of logarithms reach so far up that they would flatten all else.
const KEY: &str = "mean over the seeds (of gradients the geometric one), and from the lowest to the highest run";

/// The runs of an activation by their number of hidden layers, the shallowest first.
struct Family<'a> {
    activation: String,
    depths: Vec<(usize, Arm<'a>)>,
}

/// The page.
pub fn page(trials: &[Trial], origin: &Origin) -> Page {
    let families = families(trials);
    let mut blocks = vec![Block::Words(format!(
        "Depth can make the gradient of the first layer vanish. Backpropagation multiplies it layer by layer by the weights and by the slope of the activation. Where these factors are small, the first layer hardly learns. A gradient counts as vanished where, before the first step, its norm in layer 1 is below {VANISHED} times that in the last hidden layer. Norms are measured before the first step and after the first epoch, on one fixed batch of training images."
    ))];
    blocks.extend(counted(trials));
    blocks.extend(left_out(&families).map(Block::Words));
    blocks.push(Block::Heading("What is seen".into()));
    let charts = [
        chart("first layer's gradient, before training", Scale::Log, &families, norm),
        chart("the same after one epoch", Scale::Log, &families, later),
        chart("validation accuracy", Scale::Share, &families, Trial::accuracy),
    ];
    let picture = bands("Gradients by depth", caption(&families), KEY, &charts);
    blocks.push(Block::Picture { name: "vanishing".into(), picture });
    if charts.iter().any(is_cut) {
        blocks.push(Block::Words(
            "What is below a thousandth of the highest is drawn at that height; the table has its value.".into(),
        ));
    }
    blocks.push(table(&families));
    blocks.push(Block::Heading("What it says".into()));
    blocks.extend(conclusions(&families).into_iter().map(Block::Conclusion));
    blocks.extend(again(origin));
    Page { title: "Vanishing gradients".into(), blocks }
}

fn families(trials: &[Trial]) -> Vec<Family<'_>> {
    let all = arms(trials, |trial| trial.text("activation")).into_iter();
    all.map(|arm| {
        let by_depth = arms(arm.trials, |trial| trial.depth().to_string());
        let mut depths: Vec<_> =
            by_depth.into_iter().filter_map(|one| Some((one.trials.first()?.depth(), one))).collect();
        depths.sort_by_key(|(depth, _)| *depth);
        Family { activation: arm.label, depths }
    })
    .collect()
}

impl Family<'_> {
    /// Its shallowest and its deepest runs.
    fn ends(&self) -> Option<[&(usize, Arm<'_>); 2]> {
        match &self.depths[..] {
            [shallow, .., deep] => Some([shallow, deep]),
            _ => None,
        }
    }
}

/// Norm of the first layer's gradient before the first step.
fn norm(trial: &Trial) -> Option<f64> {
    trial.run.initial_norms.first().copied()
}

/// The same after the first epoch.
fn later(trial: &Trial) -> Option<f64> {
    Some(trial.epochs.first()?.evidence.layers.first()?.gradient_norm)
}

/// The same over that of the last hidden layer, by which health is judged, too.
fn ratio(trial: &Trial) -> Option<f64> {
    gradient_ratio(&trial.run.initial_norms)
}

/// Logarithms of a figure, of the runs that have any.
fn logs(arm: &Arm<'_>, figure: fn(&Trial) -> Option<f64>) -> Sample {
    arm.sample(|trial| figure(trial).filter(|value| *value > 0.0).map(libm::log))
}

/// Number of runs without any gradient in their first layer.
fn zeros(arm: &Arm<'_>) -> usize {
    arm.trials.iter().filter(|trial| norm(trial) == Some(0.0)).count()
}

fn chart(heading: &str, scale: Scale, families: &[Family<'_>], figure: fn(&Trial) -> Option<f64>) -> Chart {
    let point = |(depth, arm): &(usize, Arm<'_>)| {
        let is_log = scale == Scale::Log;
        let sample = if is_log { logs(arm, figure) } else { arm.sample(figure) };
        let back = |value: f64| if is_log { libm::exp(value) } else { value };
        // Without any run a gap.
        let end = |of: fn(f64, f64) -> f64| sample.values().into_iter().reduce(of).map_or(f64::NAN, back);
        [*depth as f64, sample.mean().map_or(f64::NAN, back), end(f64::min), end(f64::max)]
    };
    let band = |family: &Family<'_>| Band {
        label: family.activation.clone(),
        points: family.depths.iter().map(point).collect(),
    };
    let bands = families.iter().map(band).collect();
    Chart { heading: heading.into(), x: "hidden layers".into(), scale, bands }
}

/// True if a value in a chart is below the range of its logarithmic scale.
fn is_cut(chart: &Chart) -> bool {
    let points = || chart.bands.iter().flat_map(|band| &band.points);
    let highest = points().map(|point| point[3]).fold(0.0, f64::max);
    chart.scale == Scale::Log && points().any(|point| point[1] < FLOOR * highest)
}

/// Sentence on the runs that have no gradient to compare.
fn left_out(families: &[Family<'_>]) -> Option<String> {
    let all = || families.iter().flat_map(|family| family.depths.iter().map(move |cell| (&family.activation, cell)));
    let missing: usize = all().map(|(_, (_, arm))| arm.trials.len() - zeros(arm) - logs(arm, norm).0.len()).sum();
    let places: Vec<String> = all()
        .filter(|(_, (_, arm))| zeros(arm) > 0)
        .map(|(name, (depth, arm))| format!("{} of {name} with {}", zeros(arm), layers(*depth)))
        .collect();
    let mut said = Vec::new();
    if !places.is_empty() {
        let runs = all().map(|(_, (_, arm))| zeros(arm)).sum::<usize>();
        said.push(format!(
            "The gradient of the first layer is exactly 0 in {}, which are in no mean of it: {}.",
            count(runs as u64, "run", "runs"),
            listed(&places)
        ));
    }
    if missing > 0 {
        said.push(format!("It is missing or no finite number in {}.", count(missing as u64, "run", "runs")));
    }
    (!said.is_empty()).then(|| said.join(" "))
}

fn layers(depth: usize) -> String {
    count(depth as u64, "hidden layer", "hidden layers")
}

fn caption(families: &[Family<'_>]) -> String {
    let factor = |family: &Family<'_>| {
        let [(_, shallow), (_, deep)] = family.ends()?;
        let by = logs(deep, norm).mean()? - logs(shallow, norm).mean()?;
        Some(format!("{} times ({})", figure(by), family.activation))
    };
    let factors: Vec<String> = families.iter().filter_map(factor).collect();
    match (families.iter().find_map(Family::ends), &factors[..]) {
        (None, _) | (_, []) => "no runs of two depths have a gradient".into(),
        (Some([(few, _), (many, _)]), factors) => {
            format!("from {few} to {} the first layer's gradient becomes {}", layers(*many), listed(factors))
        }
    }
}

fn table(families: &[Family<'_>]) -> Block {
    let head = [
        "activation",
        "hidden layers",
        "runs",
        "first layer's gradient",
        "first / last hidden layer",
        "after one epoch",
        "validation accuracy",
    ];
    let geometric = |logs: Sample| match (logs.mean(), logs.interval()) {
        (Some(mean), Some(ends)) => {
            let [mean, low, high] = [mean, ends[0], ends[1]].map(figure);
            if low == high { mean } else { format!("{mean} ({low} to {high})") }
        }
        _ => "–".into(),
    };
    let row = |family: &Family<'_>, (depth, arm): &(usize, Arm<'_>)| {
        vec![
            family.activation.clone(),
            depth.to_string(),
            arm.trials.len().to_string(),
            geometric(logs(arm, norm)),
            geometric(logs(arm, ratio)),
            geometric(logs(arm, later)),
            told(&arm.sample(Trial::accuracy), Figure::Accuracy),
        ]
    };
    let rows = families.iter().flat_map(|family| family.depths.iter().map(move |cell| row(family, cell))).collect();
    Block::Table { head: head.map(str::to_owned).to_vec(), rows }
}
