//! Studies: experiments whose question, figures, pictures and conclusions make a page.
//!
//! The runs of a study are trials of a sweep, so that they are recorded, resumed and looked at like any other. A page is a
//! pure function of them. What it concludes is said by rules that can also say "not settled": [`leader`] for settings
//! with several seeds each, and in each study's own file what it alone asks.
//!
//! To add a study: a file with its `page`, and its line in the program's list of studies, which has its sweep file.

pub mod assignment;
pub mod dead;
pub mod init;
pub mod leader;
pub mod loss;
pub mod optimizers;
pub mod overfit;
pub mod page;
pub mod sample;
pub mod transfer;
pub mod vanishing;

use handloom_store::Epoch;

use self::page::Block;
use self::sample::{Arm, Sample, Trial};
use crate::bands::{Band, Chart, Scale, bands};
use crate::words::{count, grouped, listed};

/// Origin of the runs of a study.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The command that makes the study.
    pub command: String,
    /// Ids of its sweeps.
    pub sweeps: Vec<String>,
}

/// Sentences on the runs: their number, and those that are left out.
pub fn counted(trials: &[Trial]) -> Vec<Block> {
    let over = trials.iter().filter(|trial| trial.is_over()).count();
    let diverged = trials.iter().filter(|trial| trial.is_diverged()).count();
    let mut sets: Vec<String> = Vec::new();
    let mut seeds: Vec<u64> = Vec::new();
    for trial in trials {
        if !sets.contains(&trial.run.dataset) {
            sets.push(trial.run.dataset.clone());
        }
        if !seeds.contains(&trial.run.seed) {
            seeds.push(trial.run.seed);
        }
    }
    let validated = trials
        .iter()
        .filter_map(|trial| trial.last()?.evidence.confusion.as_ref())
        .map(handloom_engine::metric::Confusion::total)
        .max();
    let on = validated.map_or(String::new(), |images| {
        format!(" Accuracies are on {} validation images; the test set stayed closed.", grouped(images))
    });
    let amount = |n: usize| count(n as u64, "run", "runs");
    let seeds = count(seeds.len() as u64, "seed", "seeds");
    let mut sentences = vec![format!("{} on {}, {seeds}.{on}", amount(over), listed(&sets))];
    if diverged > 0 {
        sentences.push(format!("{} diverged.", amount(diverged)));
    }
    if over < trials.len() {
        sentences.push(format!("Left out: {} without a result.", amount(trials.len() - over)));
    }
    vec![Block::Words(sentences.join(" "))]
}

/// Commands that make the page again and show its runs.
pub fn again(origin: &Origin) -> Vec<Block> {
    let mut commands = vec![origin.command.clone()];
    commands.extend(origin.sweeps.iter().map(|sweep| format!("handloom sweep show {sweep}")));
    vec![
        Block::Heading("Reproduce this study".into()),
        Block::Words(
            "The same command makes the same page: runs that are there already are not trained again. Intervals in brackets hold with 95 % confidence."
                .into(),
        ),
        Block::Commands(commands),
        Block::File { name: "runs.csv".into(), what: "every run with its settings and figures".into() },
    ]
}

/// A figure by epoch, a line an arm, as means over the seeds with their intervals.
pub fn by_epoch(heading: &str, scale: Scale, arms: &[Arm<'_>], figure: impl Fn(&Epoch) -> Option<f64>) -> Chart {
    let band = |arm: &Arm<'_>| {
        let last = arm.trials.iter().filter_map(|trial| trial.last()).map(|epoch| epoch.row.epoch).max().unwrap_or(0);
        let at = |epoch: u64| {
            let found = arm.sample(|trial| figure(trial.epochs.iter().find(|one| one.row.epoch == epoch)?));
            point(epoch as f64, &found)
        };
        Band { label: arm.label.clone(), points: (1..=last).map(at).collect() }
    };
    Chart { heading: heading.into(), x: "epoch".into(), scale, bands: arms.iter().map(band).collect() }
}

/// A point of a band: the mean of a sample and its interval; a gap if it has none.
pub fn point(x: f64, sample: &Sample) -> [f64; 4] {
    match (sample.mean(), sample.interval()) {
        (Some(mean), Some([low, high])) => [x, mean, low, high],
        _ => [x, f64::NAN, f64::NAN, f64::NAN],
    }
}

/// Key of a line with a band.
pub const KEY: &str = "mean over the seeds, and its 95 % interval";

/// A picture of `charts` with lines of means over seeds.
pub fn drawn(name: &str, title: &str, caption: String, charts: &[Chart]) -> Block {
    Block::Picture { name: name.into(), picture: bands(title, caption, KEY, charts) }
}
