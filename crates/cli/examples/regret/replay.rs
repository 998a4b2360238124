//! Searches of the table: each method, many times, with how far its best trial was from the best of the table.

use handloom_engine::rng::Rng;
use handloom_sweep::pruner::{Hyperband, Pruner as _};
use handloom_sweep::sampler::Bayes;
use handloom_sweep::{Distribution, Parameter, Params, SearchSpace, Status, Trial};
use serde_json::{Value, json};

use crate::table::{Row, parameters};

/// Numbers of epochs, as the assignment has them.
const EPOCHS: [usize; 2] = [5, 10];

/// Search method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    Random,
    RandomHyperband,
    Bayes,
    BayesHyperband,
}

impl Search {
    pub(crate) const ALL: [Self; 4] = [Self::Random, Self::RandomHyperband, Self::Bayes, Self::BayesHyperband];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::RandomHyperband => "random + hyperband",
            Self::Bayes => "bayes",
            Self::BayesHyperband => "bayes + hyperband",
        }
    }

    /// True if trials may end early.
    const fn prunes(self) -> bool {
        matches!(self, Self::RandomHyperband | Self::BayesHyperband)
    }
}

/// The configurations of the table.
pub(crate) struct Field {
    space: SearchSpace,
    choices: Vec<Params>,
    /// Costs after each epoch, which are negated accuracies.
    costs: Vec<Vec<f64>>,
    /// The least of them.
    pub best: f64,
}

impl Field {
    pub(crate) fn new(rows: &[Row]) -> Self {
        let (mut choices, mut costs) = (Vec::new(), Vec::new());
        for row in rows {
            for epochs in EPOCHS {
                let values = parameters().into_iter().zip(&row.values);
                let mut choice: Params = values.map(|((name, _), value)| (name.to_owned(), value.clone())).collect();
                choice.insert("epochs".into(), json!(epochs));
                choices.push(choice);
                costs.push(row.accuracy.iter().take(epochs).map(|accuracy| -accuracy).collect());
            }
        }
        let epochs = ("epochs", EPOCHS.map(Value::from).to_vec());
        let parameter = |(name, values): (&str, Vec<Value>)| Parameter {
            name: name.into(),
            distribution: Distribution::Categorical(values, None),
        };
        let mut all: Vec<Parameter> = parameters().into_iter().chain([epochs]).map(parameter).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let best = costs.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        Self { space: SearchSpace { parameters: all }, choices, costs, best }
    }

    /// Number of configurations.
    pub(crate) fn len(&self) -> usize {
        self.choices.len()
    }

    /// The search, trial after trial.
    pub(crate) fn search(&self, search: Search, hyperband: &Hyperband, trials: usize, seed: u64) -> Course {
        let mut history: Vec<Trial> = Vec::new();
        let mut order: Vec<usize> = (0..self.len()).collect();
        Rng::stream(seed, "regret random", 0).shuffle(&mut order);
        let mut course = Course::default();
        let (mut best, mut epochs) = (f64::INFINITY, 0);
        while history.len() < trials {
            let next = match search {
                Search::Random | Search::RandomHyperband => order.get(history.len()).copied(),
                Search::Bayes | Search::BayesHyperband => {
                    Bayes::default().pick(&self.space, &history, &self.choices, seed)
                }
            };
            let Some(next) = next else { break };
            let mut trial = Trial {
                number: history.len() as u64,
                choice: self.choices[next].clone(),
                status: Status::Finished,
                ..Trial::default()
            };
            for &cost in &self.costs[next] {
                trial.costs.push(cost);
                epochs += 1;
                best = cost.min(best);
                course.by_epoch.push(best - self.best);
                let last = trial.costs.len() == self.costs[next].len();
                if search.prunes() && !last && hyperband.prunes(&trial, &history) {
                    trial.status = Status::Pruned;
                    break;
                }
            }
            history.push(trial);
            course.by_trial.push(best - self.best);
        }
        course.epochs = epochs;
        course
    }
}

/// Result of a search.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    /// Regret after each trial: how far the best so far is from the best of the table.
    pub by_trial: Vec<f64>,
    /// Regret after each epoch that was trained.
    pub by_epoch: Vec<f64>,
    /// Epochs that were trained.
    pub epochs: usize,
}

/// A mean of what is never below 0, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mean {
    pub value: f64,
    pub interval: [f64; 2],
}

impl Mean {
    pub(crate) fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let value = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - value) * (x - value)).sum::<f64>() / (n - 1.0).max(1.0);
        let reach = 1.96 * (variance / n).sqrt();
        Self { value, interval: [(value - reach).max(0.0), value + reach] }
    }
}
