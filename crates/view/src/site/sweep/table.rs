//! The trials of a sweep as a table: what columns are made of, and what the rules of observations look at.

use std::collections::HashMap;

use handloom_engine::config::Config;
use handloom_store::Run;
use handloom_sweep::spec::{Metric, Spec, setting};
use handloom_sweep::summary::run_of;
use handloom_sweep::{Distribution, Params, SearchSpace, State, Status, best};
use serde_json::Value;

/// Most different values of a list in a sweep file that are shown as categories rather than as numbers.
const MOST_LEVELS: usize = 12;
/// Names of fixed columns: a parameter with one of these names has `config.` before it.
const FIXED: [&str; 11] = [
    "number",
    "run",
    "status",
    "reused",
    "created_ms",
    "seconds",
    "epochs",
    "metric",
    "best_so_far",
    "weights",
    "name",
];

/// The trials of a sweep, in the order of their numbers.
#[derive(Clone, Debug)]
pub struct Table {
    /// Metric of the sweep.
    pub metric: Metric,
    /// A row each.
    pub trials: Vec<Line>,
    /// A column for each parameter that differed between trials, in the order of the space.
    pub parameters: Vec<Parameter>,
    /// True if the search chose its trials by earlier results: values that did well were tried more often.
    pub is_guided: bool,
}

/// A trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Position in the sweep, from 0.
    pub number: u64,
    /// The run that records its latest attempt.
    pub run: Option<String>,
    /// Status.
    pub status: Status,
    /// Its metric, as the search sees it: the best epoch's.
    pub value: Option<f64>,
    /// Epochs trained.
    pub epochs: u64,
    /// When its latest attempt began: Unix time in milliseconds.
    pub created_ms: Option<i64>,
    /// Seconds that its latest attempt took so far.
    pub seconds: Option<f64>,
    /// Number of weights and biases.
    pub weights: Option<u64>,
    /// True if it took the result of an identical training.
    pub reused: bool,
    /// The other trial of the sweep that has the same run: statistics count the two once, by leaving this one out.
    pub repeats: Option<u64>,
}

/// A parameter, with its value in every trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The column's name: as the sweep file has it, or after `config.` where a fixed column is called so.
    pub name: String,
    /// Name of the setting that it means, such as `learning_rate`.
    pub setting: &'static str,
    /// True if its values are categories: texts, lists, booleans, or a few numbers that the sweep file lists.
    pub is_category: bool,
    /// True if its numbers are spread over orders of magnitude.
    pub is_log: bool,
    /// A value for each trial, null where it has none.
    pub values: Vec<Value>,
    /// The values that the search space lists; empty for a range.
    pub listed: Vec<Value>,
}

impl Table {
    /// The trials of `state` with what `runs`, by their ids, add to them. `now_ms` is the time that running trials have got to, `widths`
    /// the inputs of an image and the number of classes, if they are known.
    pub fn new(
        spec: &Spec,
        space: &SearchSpace,
        state: &State,
        runs: &HashMap<&str, &Run>,
        now_ms: i64,
        widths: Option<(usize, usize)>,
    ) -> Self {
        let trial = |trial: &handloom_sweep::Trial| {
            let run = run_of(state, trial.number);
            let attempt = state.attempts.get(trial.number as usize).and_then(|attempts| attempts.last());
            let end = |began: i64, ended: Option<i64>| match trial.status {
                Status::Running => now_ms,
                _ => ended.unwrap_or(began),
            };
            // A reused training took none of this sweep's time.
            let took = attempt
                .filter(|_| !trial.reused)
                .map(|attempt| end(attempt.claimed_ms, attempt.ended_ms) - attempt.claimed_ms);
            let config = || configured(spec, &trial.choice, run.and_then(|run| runs.get(run).copied()));
            Line {
                number: trial.number,
                run: run.map(Into::into),
                status: trial.status,
                value: trial.best().map(|cost| state.goal.cost(cost)),
                epochs: trial.costs.len() as u64,
                created_ms: attempt.map(|attempt| attempt.claimed_ms),
                seconds: took.map(|ms| ms.max(0) as f64 / 1e3),
                weights: widths.and_then(|widths| Some(weights(&config()?.hidden_size, widths))),
                reused: trial.reused,
                repeats: trial.repeats,
            }
        };
        let trials: Vec<Line> = state.trials.iter().map(trial).collect();
        let parameters = space.parameters.iter().filter_map(|parameter| {
            let values =
                state.trials.iter().map(|trial| trial.choice.get(&parameter.name).cloned().unwrap_or_default());
            Parameter::new(&parameter.name, &parameter.distribution, values.collect())
        });
        Self {
            metric: spec.metric,
            trials,
            parameters: parameters.collect(),
            is_guided: spec.method == handloom_sweep::spec::Method::Bayes,
        }
    }

    /// Score of each trial: its metric, negated where less is better. A trial that diverged is as bad as the worst, as
    /// in the importance of parameters. One that failed, was removed or has not ended has none, and neither has one
    /// that repeats another's run.
    pub fn goodness(&self) -> Vec<Option<f64>> {
        let good = |line: &Line| match line.status {
            Status::Finished | Status::Pruned => line.value.map(|value| -self.metric.goal.cost(value)),
            _ => None,
        };
        let good = |line: &Line| good(line).filter(|_| line.repeats.is_none());
        let found: Vec<Option<f64>> = self.trials.iter().map(good).collect();
        let worst = found.iter().flatten().copied().reduce(f64::min);
        let diverged = |line: &Line| (line.status == Status::Diverged).then_some(worst).flatten();
        self.trials.iter().zip(found).map(|(line, good)| good.or_else(|| diverged(line))).collect()
    }

    /// Positions of the trials that statistics count: not those that were removed or repeat another's run.
    pub fn counted(&self) -> Vec<usize> {
        let counts = |at: &usize| {
            let line = &self.trials[*at];
            line.status != Status::Removed && line.repeats.is_none()
        };
        (0..self.trials.len()).filter(counts).collect()
    }

    /// The metric of this goodness, for people: `88.9%`, `0.3311`.
    pub fn text(&self, goodness: f64) -> String {
        let value = self.metric.goal.cost(-goodness);
        if self.metric.is_share() { format!("{:.1}%", 100.0 * value) } else { format!("{value:.4}") }
    }

    /// A difference, for people: `0.6 points`, `0.0123`.
    pub fn margin(&self, difference: f64) -> String {
        if self.metric.is_share() { format!("{:.1} points", 100.0 * difference) } else { format!("{difference:.4}") }
    }

    /// Limit of statements about this sweep: empty, or ` within what was tried` where the search was guided by results.
    pub fn scope(&self) -> &'static str {
        if self.is_guided { " within what was tried" } else { "" }
    }

    /// An interval of differences, for people: `[0.2, 1.1]`.
    pub fn interval(&self, [low, high]: [f64; 2]) -> String {
        if self.metric.is_share() {
            format!("[{:.1}, {:.1}]", 100.0 * low, 100.0 * high)
        } else {
            format!("[{low:.4}, {high:.4}]")
        }
    }

    /// Positions of the trials that were better than all before them, the best one last, by the rule of [`best`].
    pub fn improvements(&self) -> Vec<usize> {
        let cost = |value: f64| self.metric.goal.cost(value);
        let candidates: Vec<_> = self.trials.iter().map(|trial| (trial.status, trial.value.map(cost))).collect();
        best::improvements(&candidates, &best::TRIALS)
    }

    /// Position of the best trial.
    pub fn best(&self) -> Option<usize> {
        self.improvements().pop()
    }

    /// The parameter that means this setting, if it differed between trials.
    pub fn parameter(&self, setting: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.setting == setting)
    }
}

impl Parameter {
    /// The parameter `name` of a space, none if it has the same value in all trials.
    pub fn new(name: &str, distribution: &Distribution, values: Vec<Value>) -> Option<Self> {
        let first = values.first()?;
        if values.iter().all(|value| value == first) {
            return None;
        }
        let (is_category, is_log) = match distribution {
            Distribution::Constant(_) => (true, false),
            Distribution::Categorical(listed, _) => {
                let numbers: Option<Vec<f64>> = listed.iter().map(Value::as_f64).collect();
                match numbers {
                    Some(numbers) if numbers.len() > MOST_LEVELS => (false, spans_orders(&numbers)),
                    _ => (true, false),
                }
            }
            other => (false, other.is_log() && values.iter().filter_map(Value::as_f64).all(|x| x > 0.0)),
        };
        let setting = setting(name).map_or("", |key| key.name);
        let name = if FIXED.contains(&name) { format!("config.{name}") } else { name.to_owned() };
        let listed = match distribution {
            Distribution::Categorical(listed, _) => listed.clone(),
            _ => Vec::new(),
        };
        Some(Self { name, setting, is_category, is_log, values, listed })
    }

    /// Its number in a trial, if it is one.
    pub fn number(&self, at: usize) -> Option<f64> {
        self.values[at].as_f64()
    }

    /// True if all its values are numbers.
    pub fn is_number(&self) -> bool {
        self.values.iter().all(|value| value.is_number() || value.is_null())
    }

    /// Its different values: numbers by size, then others by their text.
    pub fn levels(&self) -> Vec<Value> {
        let there = self.values.iter().filter(|value| !value.is_null());
        let mut levels: Vec<Value> = Vec::new();
        if self.is_number() {
            levels.extend(there.cloned());
            levels.sort_by(|a, b| a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)));
            levels.dedup();
        } else {
            for value in there {
                if !levels.contains(value) {
                    levels.push(value.clone());
                }
            }
            // Numbers by size come first.
            levels.sort_by_cached_key(ToString::to_string);
            levels.sort_by(|a, b| {
                let [a, b] = [a, b].map(|value| value.as_f64().unwrap_or(f64::INFINITY));
                a.total_cmp(&b)
            });
        }
        levels
    }
}

/// True if positive `numbers` span more than two orders of magnitude.
fn spans_orders(numbers: &[f64]) -> bool {
    let (low, high) =
        (numbers.iter().copied().fold(f64::INFINITY, f64::min), numbers.iter().copied().fold(0.0, f64::max));
    low > 0.0 && high / low >= 100.0
}

/// The configuration of a trial: as its run recorded it, since a default may have changed, or as its choice has it.
fn configured(spec: &Spec, choice: &Params, run: Option<&Run>) -> Option<Config> {
    let mut config = Config::default();
    match run {
        Some(run) => config.merge(&run.config).ok()?,
        None => config.merge(&spec.settings(choice)).ok()?,
    }
    Some(config)
}

/// Weights and biases of a network with these hidden layers between `inputs` and `classes`.
pub fn weights(hidden: &[usize], (inputs, classes): (usize, usize)) -> u64 {
    let sizes: Vec<u64> =
        std::iter::once(inputs).chain(hidden.iter().copied()).chain([classes]).map(|size| size as u64).collect();
    let layers = sizes.windows(2).map(|pair| pair[0].saturating_add(1).saturating_mul(pair[1]));
    layers.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn weights_and_biases_are_those_of_the_layers() {
        // 784 · 128 + 128, 128 · 10 + 10.
        assert_eq!(weights(&[128], (784, 10)), 101_770);
        assert_eq!(weights(&[], (4, 3)), 15);
    }

    #[test]
    fn what_did_not_vary_is_no_column_and_a_taken_name_is_told_apart() {
        let of = |name, values: Value| {
            let listed = values.as_array().unwrap().clone();
            Parameter::new(name, &Distribution::Categorical(listed.clone(), None), listed)
        };
        assert_eq!(of("optimizer", json!(["adam", "adam"])), None);
        let epochs = of("epochs", json!([10, 5])).unwrap();
        assert_eq!((epochs.name.as_str(), epochs.setting, epochs.is_category), ("config.epochs", "epochs", true));
        assert_eq!(epochs.levels(), [json!(5), json!(10)]);
        let widths = of("hidden_sizes", json!([[128, 64], 32, [64]])).unwrap();
        assert_eq!((widths.setting, widths.levels()[0].clone()), ("hidden_size", json!(32)));
        assert!(!widths.is_number() && widths.number(0).is_none());
        let many: Vec<Value> = (0..20).map(|power| json!(10_f64.powi(-power))).collect();
        let rate = of("lr", Value::Array(many)).unwrap();
        assert!(!rate.is_category && rate.is_log);
    }

    #[test]
    fn a_diverged_trial_is_as_bad_as_the_worst_and_the_unfinished_is_nothing() {
        let line = |status, value| Line {
            number: 0,
            run: None,
            status,
            value,
            epochs: 1,
            created_ms: None,
            seconds: None,
            weights: None,
            reused: false,
            repeats: None,
        };
        let trials = vec![
            line(Status::Finished, Some(0.8)),
            line(Status::Diverged, Some(0.9)),
            line(Status::Running, Some(0.7)),
            line(Status::Pruned, Some(0.3)),
        ];
        let mut table = Table { metric: Metric::default(), trials, parameters: Vec::new(), is_guided: false };
        assert_eq!(table.goodness(), [Some(0.8), Some(0.3), None, Some(0.3)]);
        assert_eq!(
            (table.best(), table.text(0.8), table.margin(0.006)),
            (Some(0), "80.0%".into(), "0.6 points".into())
        );
        table.metric = Metric { name: "val_loss", goal: handloom_sweep::Goal::Minimize, target: None };
        assert_eq!(table.goodness(), [Some(-0.8), Some(-0.8), None, Some(-0.3)]);
        assert_eq!((table.best(), table.text(-0.8)), (Some(0), "0.8000".into()));
    }
}
