//! Importance of parameters: the share of the metric's variation that each one explains, and W&B's two numbers.

mod correlation;
mod forest;

use handloom_engine::rng::Rng;
use serde_json::Value;

pub use self::correlation::{Correlation, correlation};
use self::forest::{Data, grow};
use crate::space::{Distribution, SearchSpace};
use crate::trial::{Goal, Status, Trial};

/// Fewest trials of which anything is said.
const FEWEST: usize = 20;
/// Least share of unseen trials' variation that a forest must explain before it is believed.
const CREDIBLE: f64 = 0.2;
/// A parameter that explains less than this share of the variation matters little.
const LITTLE: f64 = 0.02;
/// Trees of the forest of all trials, number of forests of parts of them, and trees of each.
const TREES: u64 = 120;
const PARTS: u64 = 24;
const TREES_OF_PART: u64 = 60;
/// Interquartile ranges beyond the quartiles up to which the metric counts as it is.
const FENCES: f64 = 1.5;
/// The same trials always give the same numbers.
const SEED: u64 = 1;

/// Importance of the parameters of a sweep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Importance {
    /// Number of trials used: finished and pruned ones with their best value, and diverged ones with the worst of all.
    pub trials: usize,
    /// Share of the clipped metric's variance that the forest explains of trials that it has not seen; at most 1, below
    /// 0 if it explains nothing. None for fewer than two trials.
    pub explained: Option<f64>,
    /// Every parameter that varied, the most important first.
    pub parameters: Vec<Weight>,
    /// W&B's view: the same, but categories one by one, by name.
    pub columns: Vec<Column>,
}

/// Importance of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// The parameter.
    pub name: String,
    /// Rise of a forest's squared error when the parameter's values are shuffled, over the clipped
    /// metric's variance: 0 for a parameter that does not matter. It may come out a little below 0, or above 1.
    pub importance: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
    /// Conclusion about the parameter.
    pub verdict: Verdict,
}

/// Conclusion about a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Too few trials, too much noise, or an interval that includes 0.
    TooEarly,
    /// It matters.
    Matters,
    /// It matters hardly or not at all.
    Little,
}

/// One row of W&B's view.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The parameter.
    pub name: String,
    /// The category that the row is about; none for a number.
    pub category: Option<Value>,
    /// W&B's importance: the column's share of what the splits of a random forest take off the squared error.
    pub importance: f64,
    /// Its linear correlation with the metric, that of a category being of 1 where it was chosen and 0 elsewhere. None
    /// for fewer than four trials.
    pub correlation: Option<Correlation>,
}

/// Importance of the parameters of `space`, given the trials so far.
///
/// Outliers of the metric are clipped first: a few trials that learned nothing would else decide all importances, and scatter
/// so much that nothing could be said after a hundred trials. W&B's numbers are of the metric itself.
///
/// Importance is that of shuffling a parameter in a random forest (Breiman, 2001, section 10). Its interval is the
/// delete-d jackknife's over forests of two thirds of the trials (Ishwaran & Lu, 2019, *Standard Errors and Confidence
/// Intervals for Variable Importance in Random Forest Regression, Classification, and Survival*).
pub fn importance(space: &SearchSpace, history: &[Trial], goal: Goal) -> Importance {
    let rows = Rows::new(space, history);
    let n = rows.data.target.len();
    if n < 2 || rows.data.columns.is_empty() {
        return Importance { trials: n, ..Importance::default() };
    }
    let all: Vec<usize> = (0..n).collect();
    let impurity = grow(&rows.data, &all, TREES, SEED).impurity;
    let clipped = Data { target: clipped(&rows.data.target), ..rows.data.clone() };
    let found = grow(&clipped, &all, TREES, SEED);
    let kept = n * 2 / 3;
    // A part of two thirds varies with half the variance of the whole's own error: (n − d) / d.
    let inflation = kept as f64 / (n - kept) as f64;
    let mut parts: Vec<Vec<f64>> = Vec::new();
    for part in 0..PARTS {
        let mut among = all.clone();
        Rng::stream(SEED, "importance", part).shuffle(&mut among);
        among.truncate(kept);
        among.sort_unstable();
        parts.push(grow(&clipped, &among, TREES_OF_PART, SEED + 1 + part).permutation);
    }
    // About the mean of the parts: that a forest of fewer trials finds less is no uncertainty.
    let variance = |k: usize| {
        let mean = parts.iter().map(|part| part[k]).sum::<f64>() / PARTS as f64;
        parts.iter().map(|part| (part[k] - mean).powi(2)).sum::<f64>() * inflation / PARTS as f64
    };
    let weight = |k: usize| {
        let importance = found.permutation[k];
        let reach = 1.96 * variance(k).sqrt();
        let interval = [importance - reach, importance + reach];
        let verdict = if n < FEWEST || found.explained < CREDIBLE {
            Verdict::TooEarly
        } else if interval[1] < LITTLE {
            Verdict::Little
        } else if interval[0] > 0.0 {
            Verdict::Matters
        } else {
            Verdict::TooEarly
        };
        Weight { name: rows.names[k].clone(), importance, interval, verdict }
    };
    let mut parameters: Vec<Weight> = (0..rows.names.len()).map(weight).collect();
    parameters.sort_by(|a, b| b.importance.total_cmp(&a.importance));
    let metric: Vec<f64> = rows.data.target.iter().map(|&cost| goal.cost(cost)).collect();
    let columns = rows.columns.into_iter().zip(impurity).map(|(column, importance)| Column {
        name: column.name,
        category: column.category,
        importance,
        correlation: correlation(&column.values, &metric),
    });
    Importance { trials: n, explained: Some(found.explained), parameters, columns: columns.collect() }
}

/// A column of numbers.
struct Numbers {
    name: String,
    category: Option<Value>,
    values: Vec<f64>,
}

/// The trials as rows of numbers.
struct Rows {
    /// Parameters that varied.
    names: Vec<String>,
    columns: Vec<Numbers>,
    data: Data,
}

impl Rows {
    fn new(space: &SearchSpace, history: &[Trial]) -> Self {
        let counts = |trial: &&Trial| match trial.status {
            Status::Finished | Status::Pruned => trial.best().is_some(),
            Status::Diverged => true,
            Status::Pending | Status::Running | Status::Failed | Status::Removed => false,
        };
        let trials: Vec<&Trial> = history.iter().filter(|trial| trial.repeats.is_none()).filter(counts).collect();
        let cost = |trial: &&Trial| if trial.status == Status::Diverged { None } else { trial.best() };
        let costs: Vec<Option<f64>> = trials.iter().map(cost).collect();
        let worst = costs.iter().flatten().copied().reduce(f64::max).unwrap_or(0.0);
        let target = costs.into_iter().map(|cost| cost.unwrap_or(worst)).collect();
        let mut rows = Self { names: vec![], columns: vec![], data: Data { target, ..Data::default() } };
        for parameter in &space.parameters {
            if matches!(parameter.distribution, Distribution::Constant(_)) {
                continue;
            }
            let values = trials.iter().map(|trial| trial.choice.get(&parameter.name).unwrap_or(&Value::Null));
            rows.add(&parameter.name, &values.collect::<Vec<_>>());
        }
        rows
    }

    /// Adds the columns of a parameter, if it varied.
    fn add(&mut self, name: &str, values: &[&Value]) {
        let number = |value: &Value| value.as_f64().or_else(|| value.as_bool().map(|truth| f64::from(u8::from(truth))));
        let numbers: Option<Vec<f64>> = values.iter().map(|value| number(value)).collect();
        let columns: Vec<(Option<Value>, Vec<f64>)> = if let Some(numbers) = numbers {
            vec![(None, numbers)]
        } else {
            let mut categories: Vec<&Value> = Vec::new();
            for value in values {
                if !categories.contains(value) {
                    categories.push(value);
                }
            }
            categories.sort_by_key(ToString::to_string);
            let is = |category: &Value| values.iter().map(|&value| f64::from(u8::from(value == category))).collect();
            categories.iter().map(|&category| (Some(category.clone()), is(category))).collect()
        };
        let varied: Vec<_> =
            columns.into_iter().filter(|(_, column)| column.windows(2).any(|pair| pair[0] != pair[1])).collect();
        if varied.is_empty() {
            return;
        }
        self.names.push(name.to_owned());
        let first = self.columns.len();
        self.data.groups.push((first..first + varied.len()).collect());
        for (category, values) in varied {
            self.data.columns.push(ranks(&values));
            self.columns.push(Numbers { name: name.to_owned(), category, values });
        }
    }
}

/// Values beyond Tukey's fences, the quartiles ± [`FENCES`] interquartile ranges, moved to them.
///
/// Tukey (1977), *Exploratory Data Analysis*, section 2C.
fn clipped(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quartile = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    let (first, third) = (quartile(0.25), quartile(0.75));
    let reach = FENCES * (third - first);
    if reach == 0.0 {
        // Most trials came to the same: what the others did is all that there is to explain.
        return values.to_vec();
    }
    values.iter().map(|value| value.clamp(first - reach, third + reach)).collect()
}

/// The rank of each value among the different ones.
fn ranks(values: &[f64]) -> Vec<u32> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    values.iter().map(|value| sorted.partition_point(|other| other < value) as u32).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::space::Parameter;

    /// Trials in which the rate matters much, the optimizer some, and the rest not at all.
    fn trials(n: u64) -> (SearchSpace, Vec<Trial>) {
        let parameter = |name: &str, distribution| Parameter { name: name.into(), distribution };
        let space = SearchSpace {
            parameters: vec![
                parameter("epochs", Distribution::Constant(json!(5))),
                parameter("layers", Distribution::IntUniform(1, 5)),
                parameter("noise", Distribution::Uniform(0.0, 1.0)),
                parameter(
                    "optimizer",
                    Distribution::Categorical(vec![json!("sgd"), json!("adam"), json!("nag")], None),
                ),
                parameter("rate", Distribution::LogUniformValues(1e-4, 1e-1)),
            ],
        };
        let trial = |number| {
            let mut rng = Rng::stream(7, "importance test", number);
            let choice: crate::Params = (space.parameters.iter())
                .map(|parameter| (parameter.name.clone(), parameter.distribution.at(rng.unit())))
                .collect();
            let rate = choice["rate"].as_f64().unwrap().log10();
            let cost =
                (rate + 2.5).powi(2) + 0.5 * f64::from(u8::from(choice["optimizer"] == "sgd")) + 0.1 * rng.normal();
            let status = if number % 10 == 3 { Status::Pruned } else { Status::Finished };
            Trial { number, choice, costs: vec![cost + 1.0, f64::NAN, cost], status, ..Trial::default() }
        };
        let trials = (0..n).map(trial).collect();
        (space, trials)
    }

    #[test]
    fn what_matters_is_found_and_what_does_not_is_not() {
        let (space, trials) = trials(150);
        let found = importance(&space, &trials, Goal::Minimize);
        let names: Vec<_> = found.parameters.iter().map(|weight| weight.name.as_str()).collect();
        assert_eq!(names[..2], ["rate", "optimizer"]);
        assert_eq!(names.len(), 4, "a constant is no parameter that varied");
        let verdicts: Vec<_> = found.parameters.iter().map(|weight| weight.verdict).collect();
        assert_eq!(verdicts[..2], [Verdict::Matters; 2]);
        assert!(!verdicts[2..].contains(&Verdict::Matters), "{:?}", found.parameters);
        assert!(found.explained.unwrap() > 0.7);
        assert_eq!(importance(&space, &trials, Goal::Minimize), found);
    }

    #[test]
    fn a_few_trials_that_learned_nothing_do_not_hide_the_rest() {
        let (space, mut trials) = trials(80);
        let quiet = importance(&space, &trials, Goal::Minimize);
        for trial in trials.iter_mut().filter(|trial| trial.number % 16 == 5) {
            trial.costs = vec![1e3];
        }
        let found = importance(&space, &trials, Goal::Minimize);
        let verdict = |found: &Importance, name: &str| {
            found.parameters.iter().find(|weight| weight.name == name).unwrap().verdict
        };
        assert_eq!(verdict(&quiet, "rate"), Verdict::Matters);
        assert_eq!(verdict(&found, "rate"), Verdict::Matters, "{:?}", found.parameters);
        // Values within the fences stay as they are.
        assert_eq!(clipped(&[1.0, 2.0, 3.0, 4.0, 100.0]), [1.0, 2.0, 3.0, 4.0, 7.0]);
        assert_eq!(clipped(&[1.0]), [1.0]);
        assert_eq!(clipped(&[0.1, 0.1, 0.1, 0.1, 0.1, 0.8]), [0.1, 0.1, 0.1, 0.1, 0.1, 0.8]);
    }

    #[test]
    fn few_trials_and_mere_noise_are_too_early_to_tell() {
        let (space, few) = trials(15);
        let found = importance(&space, &few, Goal::Minimize);
        assert!(found.parameters.iter().all(|weight| weight.verdict == Verdict::TooEarly));
        let (space, mut noise) = trials(60);
        for trial in &mut noise {
            trial.costs = vec![Rng::stream(1, "noise", trial.number).normal()];
        }
        let found = importance(&space, &noise, Goal::Minimize);
        assert!(found.parameters.iter().all(|weight| weight.verdict == Verdict::TooEarly), "{found:?}");
    }

    #[test]
    fn correlations_are_with_the_metric_and_categories_stand_alone() {
        let (space, trials) = trials(80);
        let [minimized, maximized] = [Goal::Minimize, Goal::Maximize].map(|goal| importance(&space, &trials, goal));
        let sgd = |found: &Importance| {
            let mut columns = found.columns.iter();
            columns.find(|column| column.category == Some(json!("sgd"))).unwrap().correlation.unwrap()
        };
        assert!(sgd(&minimized).value > 0.1 && sgd(&maximized).value == -sgd(&minimized).value);
        assert_eq!(minimized.columns.len(), 6, "three categories, two numbers and whole numbers");
        let sum: f64 = minimized.columns.iter().map(|column| column.importance).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn diverged_trials_count_as_the_worst_and_others_not_at_all() {
        let (space, mut trials) = trials(40);
        for trial in &mut trials {
            if trial.choice["rate"].as_f64().unwrap() > 0.03 {
                trial.status = Status::Diverged;
                trial.costs = vec![f64::NAN];
            }
        }
        let all = importance(&space, &trials, Goal::Minimize);
        assert_eq!((all.trials, all.parameters[0].name.as_str()), (40, "rate"));
        for trial in &mut trials {
            trial.status = Status::Failed;
        }
        assert_eq!(importance(&space, &trials, Goal::Minimize).trials, 0);
    }
}
