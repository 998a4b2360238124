//! Units that fall silent at a learning rate that is far too high, and what that costs.

mod rules;
#[cfg(test)]
mod tests;

use handloom_engine::event::LayerStats;
use handloom_store::Epoch;

use self::rules::conclusions;
use super::leader::{Figure, told};
use super::page::{Block, Page};
use super::sample::{Arm, Sample, Trial, arms};
use super::{Origin, again, counted, drawn, point};
use crate::bands::{Band, Chart, Scale};
use crate::words::{count, listed};

/// A network is dead if more than this share of its units is silent.
const DEAD: f64 = 0.5;
/// Training stands still if it gains at most this much accuracy after its first epoch.
const STILL: f64 = 0.02;

/// The runs of an activation by their learning rate, the lowest first.
struct Family<'a> {
    activation: String,
    rates: Vec<(f64, Arm<'a>)>,
}

/// Figure of an epoch.
type OfEpoch = fn(&Epoch) -> Option<f64>;

/// The page.
pub fn page(trials: &[Trial], origin: &Origin) -> Page {
    let families = families(trials);
    let mut blocks = vec![Block::Words(
        "What does a learning rate that is far too high do to units? A step that is too large can push a unit to where its activation is flat, so that it gets no gradient and does not come back. A unit of relu that gives exactly 0 for every validation image is silent: dead. Units of tanh do not die, but saturate: their outputs are below -0.9 or above 0.9. Leaky relu is flat nowhere.".into(),
    )];
    blocks.extend(counted(trials));
    blocks.extend(diverged(&families).map(Block::Words));
    blocks.push(Block::Heading("What is seen".into()));
    let mut charts = vec![
        chart("silent units", &families, silent),
        chart("saturated outputs", &families, saturated),
        chart("validation accuracy", &families, accuracy),
    ];
    charts.retain(|chart| chart.bands.iter().flat_map(|band| &band.points).any(|point| point[1].is_finite()));
    blocks.push(drawn("dead", "Units at two learning rates", caption(&families), &charts));
    blocks.push(table(&families));
    blocks.push(Block::Heading("What it says".into()));
    blocks.extend(conclusions(&families).into_iter().map(Block::Conclusion));
    blocks.extend(again(origin));
    Page { title: "Silent units".into(), blocks }
}

fn families(trials: &[Trial]) -> Vec<Family<'_>> {
    let all = arms(trials, |trial| trial.text("activation")).into_iter();
    all.map(|arm| {
        let by_rate = arms(arm.trials, |trial| format!("{} at {}", arm.label, trial.text("learning_rate")));
        let rated = |one: Arm<'_>| one.trials.first()?.number("learning_rate");
        let mut rates: Vec<_> = by_rate.into_iter().filter_map(|one| Some((rated(one.clone())?, one))).collect();
        rates.sort_by(|a, b| a.0.total_cmp(&b.0));
        Family { activation: arm.label, rates }
    })
    .collect()
}

impl Family<'_> {
    /// Its runs at the lowest and at the highest rate.
    fn ends(&self) -> Option<[&(f64, Arm<'_>); 2]> {
        match &self.rates[..] {
            [low, .., high] => Some([low, high]),
            _ => None,
        }
    }

    fn can_die(&self) -> bool {
        self.rates.iter().any(|(_, arm)| !last(arm, silent).0.is_empty())
    }
}

/// Mean over the layers that have it.
fn over_layers(epoch: &Epoch, figure: fn(&LayerStats) -> Option<f64>) -> Option<f64> {
    let shares: Vec<f64> = epoch.evidence.layers.iter().filter_map(figure).collect();
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

/// Share of the hidden layers' units that are silent.
fn silent(epoch: &Epoch) -> Option<f64> {
    over_layers(epoch, |health| health.dead)
}

/// Share of the hidden layers' outputs that are saturated.
fn saturated(epoch: &Epoch) -> Option<f64> {
    over_layers(epoch, |health| health.saturated)
}

fn accuracy(epoch: &Epoch) -> Option<f64> {
    epoch.row.val_accuracy
}

/// A figure of the last epoch that each run finished.
fn last(arm: &Arm<'_>, figure: OfEpoch) -> Sample {
    arm.sample(|trial| figure(trial.last()?))
}

/// A figure by epoch, as far as all runs have it: means over ever fewer would change only with their members. Every arm has
/// its line, if an empty one, so that its color is the same in every chart.
fn chart(heading: &str, families: &[Family<'_>], figure: OfEpoch) -> Chart {
    let band = |(_, arm): &(f64, Arm<'_>)| {
        let end = arm.trials.iter().filter_map(|trial| Some(trial.last()?.row.epoch)).min().unwrap_or(0);
        let at = |number: u64| {
            let found = arm.sample(|trial| figure(trial.epochs.iter().find(|epoch| epoch.row.epoch == number)?));
            point(number as f64, &found)
        };
        Band { label: arm.label.clone(), points: (1..=end).map(at).collect() }
    };
    let bands = families.iter().flat_map(|family| &family.rates).map(band).collect();
    Chart { heading: heading.into(), x: "epoch".into(), scale: Scale::Share, bands }
}

/// Sentence on the runs that diverged.
fn diverged(families: &[Family<'_>]) -> Option<String> {
    let arms = families.iter().flat_map(|family| &family.rates).map(|(_, arm)| arm);
    let lost: Vec<String> = arms
        .filter(|arm| arm.diverged() > 0)
        .map(|arm| format!("{} of {} of {}", arm.diverged(), count(arm.trials.len() as u64, "run", "runs"), arm.label))
        .collect();
    (!lost.is_empty()).then(|| {
        format!(
            "Diverged: {}. A line ends before the first of its runs diverges. Figures at the end are of the last epoch that each run finished: what diverged is missing there or looks better than it is.",
            listed(&lost)
        )
    })
}

fn caption(families: &[Family<'_>]) -> String {
    let arms = families.iter().flat_map(|family| &family.rates);
    let most = arms.filter_map(|(_, arm)| Some((&arm.label, last(arm, silent).mean()?)));
    match most.max_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((label, share)) => {
            format!("At most {} of the units are silent at the end, with {label}", Figure::Accuracy.text(share))
        }
        None => "no run has units that could fall silent".into(),
    }
}

fn table(families: &[Family<'_>]) -> Block {
    let rates = || families.iter().flat_map(|family| family.rates.iter().map(move |cell| (family, cell)));
    let hidden = rates().flat_map(|(_, (_, arm))| arm.trials.iter().map(|trial| trial.depth())).max().unwrap_or(0);
    let mut head = ["activation", "learning rate", "runs", "diverged"].map(str::to_owned).to_vec();
    head.extend((1..=hidden).map(|layer| format!("silent, layer {layer}")));
    head.extend(["saturated", "accuracy at the end", "accuracy kept"].map(str::to_owned));
    let row = |family: &Family<'_>, (rate, arm): &(f64, Arm<'_>)| {
        let numbers = [rate.to_string(), arm.trials.len().to_string(), arm.diverged().to_string()];
        let mut cells = vec![family.activation.clone()];
        cells.extend(numbers);
        cells.extend((0..hidden).map(|layer| {
            let dead = arm.sample(|trial| trial.last()?.evidence.layers.get(layer)?.dead);
            told(&dead, Figure::Accuracy)
        }));
        let figures = [last(arm, saturated), last(arm, accuracy), arm.sample(Trial::accuracy)];
        cells.extend(figures.iter().map(|sample| told(sample, Figure::Accuracy)));
        cells
    };
    Block::Table { head, rows: rates().map(|(family, cell)| row(family, cell)).collect() }
}
