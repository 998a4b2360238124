//! The different trainings among the points of a space: points that differ only in what has no influence, such as the
//! momentum of Adam or two names of one optimizer, are one training.

use std::collections::HashSet;

use handloom_engine::config::{Config, find};
use serde_json::{Map, Value};

use crate::space::{Params, SearchSpace};
use crate::spec::{Method, Spec};
use crate::trial::Trial;

/// Most points of a space that are compared: each takes some microseconds, and a page may ask often.
const MOST: u64 = 10_000;

/// The different trainings of a finite space.
#[derive(Clone, Debug)]
pub struct Trainings {
    /// Settings that hold for every trial.
    settings: Map<String, Value>,
    /// Points of the space, equal values counted once for a grid.
    points: u64,
    /// Effective configurations.
    different: HashSet<String>,
}

impl Trainings {
    /// Those of `space`, the part of `spec` that is tried where `settings` hold for every trial. None if its points are
    /// infinitely many or too many to compare, or if none of them is a configuration.
    pub fn of(spec: &Spec, space: &SearchSpace, settings: &Map<String, Value>) -> Option<Self> {
        let points = Points::new(spec.method, space)?;
        let count = points.count;
        let different: HashSet<String> = points.filter_map(|choice| training(spec, settings, &choice)).collect();
        let settings = settings.clone();
        (!different.is_empty()).then_some(Self { settings, points: count, different })
    }

    /// Number of points.
    pub fn points(&self) -> u64 {
        self.points
    }

    /// Number of different trainings among them.
    pub fn different(&self) -> u64 {
        self.different.len() as u64
    }

    /// True if a random or Bayesian search has nothing left to try: each training is one of `trials`. A grid goes
    /// through its points, however many of them are the same.
    pub fn all_tried(&self, spec: &Spec, trials: &[Trial]) -> bool {
        if spec.method == Method::Grid || trials.len() < self.different.len() {
            return false;
        }
        let tried: HashSet<String> =
            trials.iter().filter_map(|trial| training(spec, &self.settings, &trial.choice)).collect();
        self.different.is_subset(&tried)
    }
}

/// The effective configuration of a choice as text, if it is a configuration.
fn training(spec: &Spec, settings: &Map<String, Value>, choice: &Params) -> Option<String> {
    let mut config = Config::default();
    // Settings beside the configuration, such as a name, have no influence.
    let fixed = settings.iter().filter(|(name, _)| find(name).is_some());
    config.merge(&fixed.map(|(name, value)| (name.clone(), value.clone())).collect()).ok()?;
    config.merge(&spec.settings(choice)).ok()?;
    serde_json::to_string(&config.effective()).ok()
}

/// The points of a space, one after the other.
struct Points {
    /// Name and values of each parameter.
    parameters: Vec<(String, Vec<Value>)>,
    count: u64,
    next: u64,
}

impl Points {
    fn new(method: Method, space: &SearchSpace) -> Option<Self> {
        let values = |parameter: &crate::space::Parameter| {
            let distribution = &parameter.distribution;
            let values = match method {
                Method::Grid => {
                    distribution.levels().filter(|levels| *levels <= MOST)?;
                    distribution.grid()?
                }
                Method::Random | Method::Bayes => distribution.support(MOST)?,
            };
            Some((parameter.name.clone(), values))
        };
        let parameters: Vec<_> = space.parameters.iter().map(values).collect::<Option<_>>()?;
        let count = parameters.iter().fold(1, |count: u64, (_, values)| count.saturating_mul(values.len() as u64));
        (count <= MOST).then_some(Self { parameters, count, next: 0 })
    }
}

impl Iterator for Points {
    type Item = Params;

    fn next(&mut self) -> Option<Params> {
        let mut index = self.next;
        self.next += 1;
        (index < self.count).then(|| {
            let value = |(name, values): &(String, Vec<Value>)| {
                let at = index % values.len() as u64;
                index /= values.len() as u64;
                (name.clone(), values[at as usize].clone())
            };
            self.parameters.iter().map(value).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn trainings(text: &str, settings: &Value) -> Option<(u64, u64)> {
        let spec = Spec::read(text).unwrap();
        let settings = settings.as_object().unwrap();
        let found = Trainings::of(&spec, &spec.space.without(settings), settings)?;
        Some((found.points(), found.different()))
    }

    const SAME: &str = "
parameters:
  optimizer: {values: [sgd, nag, nesterov]}
  momentum: {values: [0.5, 0.9]}
  num_layers: {values: [0]}
  hidden_size: {values: [8, 16, 32]}
  epochs: {value: 1}
";

    #[test]
    fn points_that_differ_in_nothing_of_influence_are_one_training() {
        for method in ["grid", "random"] {
            let text = format!("method: {method}{SAME}");
            assert_eq!(trainings(&text, &json!({})), Some((18, 3)), "{method}");
            assert_eq!(trainings(&text, &json!({"optimizer": "sgd"})), Some((6, 1)), "{method}");
            assert_eq!(trainings(&text, &json!({"num_layers": 1, "optimizer": "nag"})), Some((6, 6)), "{method}");
        }
    }

    #[test]
    fn finite_distributions_are_counted_and_others_are_not() {
        let of = |parameter: &str| {
            trainings(&format!("method: random\nparameters: {{batch_size: {{{parameter}}}}}\n"), &json!({}))
        };
        assert_eq!(of("min: 4, max: 9"), Some((6, 6)));
        assert_eq!(of("values: [4, 8, 16], probabilities: [0.5, 0.5, 0]"), Some((2, 2)));
        assert_eq!(of("values: [4, 4.0, \"8\"]"), Some((3, 2)));
        let sets = "method: grid\nparameters: {dataset: {values: [fashion, Fashion-MNIST, fashion_mnist, digits, ./fashion]}}\n";
        assert_eq!(trainings(sets, &json!({})), Some((5, 3)));
        assert_eq!(of("distribution: q_uniform, min: 8, max: 32, q: 8"), Some((4, 4)));
        assert_eq!(of("distribution: q_log_uniform_values, min: 8, max: 64, q: 8"), Some((8, 8)));
        assert_eq!(of("min: 1, max: 100000000"), None);
        let rate = "method: random\nparameters: {learning_rate: {min: 0.1, max: 0.2}}\n";
        assert_eq!(trainings(rate, &json!({})), None);
        assert_eq!(trainings(rate, &json!({"learning_rate": 0.1})), Some((1, 1)));
    }

    #[test]
    fn a_search_is_over_once_every_training_was_tried() {
        let spec = Spec::read(&format!("method: random{SAME}")).unwrap();
        let trainings = Trainings::of(&spec, &spec.space, &Map::new()).unwrap();
        let trial = |(number, (optimizer, momentum)): (u64, (&str, f64))| Trial {
            number,
            choice: Params::from([
                ("optimizer".into(), json!(optimizer)),
                ("momentum".into(), json!(momentum)),
                ("num_layers".into(), json!(0)),
                ("hidden_size".into(), json!(8)),
                ("epochs".into(), json!(1)),
            ]),
            ..Trial::default()
        };
        let tried = [("sgd", 0.5), ("sgd", 0.9), ("nag", 0.5), ("nesterov", 0.9)];
        let trials: Vec<Trial> = (0..).zip(tried).map(trial).collect();
        assert!(trainings.all_tried(&spec, &trials));
        assert!(!trainings.all_tried(&spec, &trials[..3]));
        let grid = Spec::read(&format!("method: grid{SAME}")).unwrap();
        assert!(!trainings.all_tried(&grid, &trials));
    }
}
