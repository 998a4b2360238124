//! Tables of trials for the tests of rules.

use handloom_engine::rng::Rng;
use handloom_sweep::spec::Metric;
use handloom_sweep::{Distribution, Status};
use serde_json::{Value, json};

use super::super::table::{Line, Parameter, Table};

/// Finished trials of `val_accuracy`, 80 % each unless told otherwise.
pub(super) struct Trials {
    table: Table,
}

impl Trials {
    pub(super) fn new(count: u64) -> Self {
        let line = |number| Line {
            number,
            run: Some(format!("run{number}")),
            status: Status::Finished,
            value: Some(0.8),
            epochs: 10,
            created_ms: Some(number as i64 * 1_000),
            seconds: Some(1.0),
            weights: Some(1_000),
            reused: false,
            repeats: None,
        };
        Self {
            table: Table {
                metric: Metric::default(),
                trials: (0..count).map(line).collect(),
                parameters: vec![],
                is_guided: false,
            },
        }
    }

    /// A parameter that takes these values at random.
    pub(super) fn listed(mut self, name: &str, values: &Value) -> Self {
        let values = values.as_array().expect("a list of values").clone();
        let distribution = Distribution::Categorical(values.clone(), None);
        self.add(name, &distribution);
        self
    }

    /// A parameter that is log-uniform.
    pub(super) fn rates(mut self, name: &str, low: f64, high: f64) -> Self {
        self.add(name, &Distribution::LogUniformValues(low, high));
        self
    }

    fn add(&mut self, name: &str, distribution: &Distribution) {
        let mut rng = Rng::stream(3, name, 0);
        let values = self.table.trials.iter().map(|_| distribution.at(rng.unit())).collect();
        self.table.parameters.push(Parameter::new(name, distribution, values).expect("it varies"));
    }

    /// Sets the metric of each trial, given its settings and a normal number.
    pub(super) fn value(mut self, value: impl Fn(&Settings<'_>, f64) -> f64) -> Self {
        for at in 0..self.table.trials.len() {
            let noise = Rng::stream(4, "noise", at as u64).normal();
            self.table.trials[at].value = Some(value(&Settings { table: &self.table, at }, noise));
        }
        self
    }

    /// Sets the status of each trial.
    pub(super) fn status(mut self, status: impl Fn(&Settings<'_>) -> Status) -> Self {
        for at in 0..self.table.trials.len() {
            self.table.trials[at].status = status(&Settings { table: &self.table, at });
        }
        self
    }

    /// The search was guided by results.
    pub(super) fn guided(mut self) -> Self {
        self.table.is_guided = true;
        self
    }

    /// None has ended.
    pub(super) fn running(self) -> Self {
        self.status(|_| Status::Running)
    }

    pub(super) fn table(self) -> Table {
        self.table
    }
}

/// The settings of one trial.
pub(super) struct Settings<'a> {
    table: &'a Table,
    pub(super) at: usize,
}

impl Settings<'_> {
    fn value(&self, name: &str) -> &Value {
        let mut parameters = self.table.parameters.iter();
        &parameters.find(|parameter| parameter.name == name).expect("a parameter of the test").values[self.at]
    }

    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        *self.value(name) == json!(value)
    }

    pub(super) fn number(&self, name: &str) -> f64 {
        self.value(name).as_f64().expect("a number")
    }
}
