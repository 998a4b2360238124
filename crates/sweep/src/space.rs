//! The parameters of a sweep and the values that each may take.

use std::collections::BTreeMap;

use serde_json::Value;

/// A configuration: name of a parameter, nested ones joined with `.`, to its value.
pub type Choice = BTreeMap<String, Value>;

/// The parameters of a sweep, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Space {
    /// Sorted by name, as W&B's grid goes through them.
    pub parameters: Vec<Parameter>,
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
    /// `exp(max - U(..))` in W&B's mirrored form: bounds are exponents of e.
    InvLogUniform(f64, f64),
    /// Log-uniform between two values.
    LogUniformValues(f64, f64),
    /// The same, rounded to a multiple of the third.
    QLogUniformValues(f64, f64, f64),
    /// W&B's mirrored log-uniform between two values.
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
