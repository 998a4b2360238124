//! Time that a Bayesian suggestion takes.

use std::fmt::Write as _;
use std::time::Instant;

use handloom_sweep::sampler::{Bayes, Random, Sampler as _};
use handloom_sweep::{Distribution, Parameter, SearchSpace, Status, Trial};

use crate::table::parameters;

/// Trials that are known at the time.
const KNOWN: [u64; 5] = [20, 50, 100, 500, 2000];
/// Suggestions for each number, with as many seeds.
const REPEATS: u64 = 15;

/// A table of times (ms) for the assignment's space with a learning rate from a range, on this machine.
pub(crate) fn table() -> String {
    let categorical = |(name, values): (&str, _)| Parameter {
        name: name.into(),
        distribution: Distribution::Categorical(values, None),
    };
    let mut space = SearchSpace { parameters: parameters().into_iter().map(categorical).collect() };
    for parameter in &mut space.parameters {
        if parameter.name == "learning_rate" {
            parameter.distribution = Distribution::LogUniformValues(1e-5, 1e-1);
        }
    }
    let mut text = "| trials so far | median, ms | longest, ms |\n|--:|--:|--:|\n".to_owned();
    for known in KNOWN {
        let mut history: Vec<Trial> = Vec::new();
        for number in 0..known {
            let choice = Random::default().suggest(&space, &history, 1).unwrap_or_default();
            let rate = choice["learning_rate"].as_f64().unwrap_or(1.0).log10();
            let costs = vec![(rate + 3.0).powi(2) + (number as f64).sin()];
            history.push(Trial { number, choice, costs, status: Status::Finished, ..Trial::default() });
        }
        let time = |seed| {
            let started = Instant::now();
            std::hint::black_box(Bayes::default().suggest(&space, &history, seed));
            started.elapsed().as_secs_f64() * 1e3
        };
        let mut times: Vec<f64> = (0..REPEATS).map(time).collect();
        times.sort_by(f64::total_cmp);
        let _ = writeln!(text, "| {known} | {:.1} | {:.1} |", times[times.len() / 2], times[times.len() - 1]);
    }
    text
}
