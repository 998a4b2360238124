//! The parameters of a sweep and the values that each may take.
//!
//! Every distribution is its inverse cumulative distribution function, [`Distribution::at`], and that function's
//! inverse, [`Distribution::cdf`]: samplers work in `[0, 1]` and know nothing else. Definitions are those of W&B's own
//! sweeps 0.3.0, against which they are tested.

mod grid;
mod quantile;
#[cfg(test)]
mod tests;
mod written;

use std::collections::BTreeMap;

use handloom_engine::config::find;
use serde_json::{Map, Value};

use crate::spec::setting;

/// A configuration: name of a parameter, nested ones joined with `.`, to its value.
pub type Params = BTreeMap<String, Value>;

/// The parameters of a sweep, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchSpace {
    /// Sorted by name, nested ones within their parent, as W&B's grid goes through them.
    pub parameters: Vec<Parameter>,
}

impl SearchSpace {
    /// Names of the parameters that may differ between trials.
    pub fn varying(&self) -> Vec<String> {
        let varies = |distribution: &Distribution| match distribution {
            Distribution::Constant(_) => false,
            Distribution::Categorical(values, _) => values.len() > 1,
            _ => true,
        };
        let parameters = self.parameters.iter().filter(|parameter| varies(&parameter.distribution));
        parameters.map(|parameter| parameter.name.clone()).collect()
    }

    /// The same without the parameters that `settings` settle for every trial.
    #[must_use]
    pub fn without(&self, settings: &Map<String, Value>) -> Self {
        let is_free = |name: &str| {
            setting(name)
                .is_none_or(|key| !settings.keys().any(|set| find(set).is_some_and(|set| set.name == key.name)))
        };
        Self { parameters: self.parameters.iter().filter(|parameter| is_free(&parameter.name)).cloned().collect() }
    }
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name; nested names are joined with `.`.
    pub name: String,
    /// Its values.
    pub distribution: Distribution,
}

/// The values of a parameter and how likely they are. Names and definitions are W&B's (facts of its sweep schema).
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// One value.
    Constant(Value),
    /// One of several values, equally likely or with probabilities that sum to 1.
    Categorical(Vec<Value>, Option<Vec<f64>>),
    /// A whole number in `[min, max]`.
    IntUniform(i64, i64),
    /// A number in `[min, max]`.
    Uniform(f64, f64),
    /// The same, rounded to a multiple of the third.
    QUniform(f64, f64, f64),
    /// `exp(U(min, max))`: bounds are exponents of e.
    LogUniform(f64, f64),
    /// The same, rounded to a multiple of the third.
    QLogUniform(f64, f64, f64),
    /// `exp(-U(min, max))`: bounds are exponents of 1/e.
    InvLogUniform(f64, f64),
    /// Log-uniform between two values.
    LogUniformValues(f64, f64),
    /// The same, rounded to a multiple of the third.
    QLogUniformValues(f64, f64, f64),
    /// `1 / exp(U(-ln max, -ln min))`, which is log-uniform between two values.
    InvLogUniformValues(f64, f64),
    /// Normal with mean and standard deviation.
    Normal(f64, f64),
    /// The same, rounded to a multiple of the third.
    QNormal(f64, f64, f64),
    /// `exp` of a normal.
    LogNormal(f64, f64),
    /// The same, rounded to a multiple of the third.
    QLogNormal(f64, f64, f64),
    /// Beta with its two shapes.
    Beta(f64, f64),
    /// The same, rounded to a multiple of the third.
    QBeta(f64, f64, f64),
}

impl Distribution {
    /// Its name in a sweep file.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Constant(_) => "constant",
            Self::Categorical(_, None) => "categorical",
            Self::Categorical(_, Some(_)) => "categorical_w_probabilities",
            Self::IntUniform(..) => "int_uniform",
            Self::Uniform(..) => "uniform",
            Self::QUniform(..) => "q_uniform",
            Self::LogUniform(..) => "log_uniform",
            Self::QLogUniform(..) => "q_log_uniform",
            Self::InvLogUniform(..) => "inv_log_uniform",
            Self::LogUniformValues(..) => "log_uniform_values",
            Self::QLogUniformValues(..) => "q_log_uniform_values",
            Self::InvLogUniformValues(..) => "inv_log_uniform_values",
            Self::Normal(..) => "normal",
            Self::QNormal(..) => "q_normal",
            Self::LogNormal(..) => "log_normal",
            Self::QLogNormal(..) => "q_log_normal",
            Self::Beta(..) => "beta",
            Self::QBeta(..) => "q_beta",
        }
    }
}

/// Key by which W&B tells values apart: their YAML with sorted keys, where 3.0 is 3 unless it is inside a list or map.
pub(crate) fn identity(value: &Value) -> String {
    match value.as_f64() {
        // All whole numbers of this size are exact.
        Some(x) if value.is_f64() && x.fract() == 0.0 && x.abs() < 9e15 => (x as i64).to_string(),
        _ => canonical(value),
    }
}

fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(key, value)| format!("{key:?}:{}", canonical(value))).collect();
            entries.sort_unstable();
            format!("{{{}}}", entries.join(","))
        }
        other => other.to_string(),
    }
}
