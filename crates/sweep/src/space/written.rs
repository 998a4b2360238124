//! A distribution as a sweep file says it.

use serde_json::{Map, Value, json};

use super::Distribution;

impl Distribution {
    /// Its part of a sweep file, written out: `{"distribution": "uniform", "min": 0.1, "max": 0.5}`, or `{"values": [1, 2]}`.
    pub fn written(&self) -> Map<String, Value> {
        let named = |keys: &[(&str, f64)]| {
            let name = std::iter::once(("distribution".to_owned(), json!(self.name())));
            name.chain(keys.iter().map(|(key, number)| ((*key).to_owned(), json!(number)))).collect()
        };
        match *self {
            Self::Constant(ref value) => Map::from_iter([("value".to_owned(), value.clone())]),
            Self::Categorical(ref values, ref probabilities) => {
                let probabilities = probabilities.as_ref().map(|share| ("probabilities".to_owned(), json!(share)));
                std::iter::once(("values".to_owned(), json!(values))).chain(probabilities).collect()
            }
            Self::IntUniform(min, max) => {
                let bounds = [("distribution", json!(self.name())), ("min", json!(min)), ("max", json!(max))];
                bounds.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            }
            Self::Uniform(min, max)
            | Self::LogUniform(min, max)
            | Self::InvLogUniform(min, max)
            | Self::LogUniformValues(min, max)
            | Self::InvLogUniformValues(min, max) => named(&[("min", min), ("max", max)]),
            Self::QUniform(min, max, q) | Self::QLogUniform(min, max, q) | Self::QLogUniformValues(min, max, q) => {
                named(&[("min", min), ("max", max), ("q", q)])
            }
            Self::Normal(mu, sigma) | Self::LogNormal(mu, sigma) => named(&[("mu", mu), ("sigma", sigma)]),
            Self::QNormal(mu, sigma, q) | Self::QLogNormal(mu, sigma, q) => {
                named(&[("mu", mu), ("sigma", sigma), ("q", q)])
            }
            Self::Beta(a, b) => named(&[("a", a), ("b", b)]),
            Self::QBeta(a, b, q) => named(&[("a", a), ("b", b), ("q", q)]),
        }
    }

    /// True if its values are spread over orders of magnitude.
    pub const fn is_log(&self) -> bool {
        matches!(
            self,
            Self::LogUniform(..)
                | Self::QLogUniform(..)
                | Self::InvLogUniform(..)
                | Self::LogUniformValues(..)
                | Self::QLogUniformValues(..)
                | Self::InvLogUniformValues(..)
                | Self::LogNormal(..)
                | Self::QLogNormal(..)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Spec;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let all = [
            Distribution::Constant(json!("adam")),
            Distribution::Categorical(vec![json!(0.1), json!(0.2)], None),
            Distribution::Categorical(vec![json!(0.1), json!(0.2)], Some(vec![0.25, 0.75])),
            Distribution::Uniform(0.1, 0.5),
            Distribution::QUniform(0.1, 0.5, 0.1),
            Distribution::LogUniform(-5.0, -1.0),
            Distribution::QLogUniform(-5.0, -1.0, 0.01),
            Distribution::InvLogUniform(1.0, 5.0),
            Distribution::LogUniformValues(0.001, 0.1),
            Distribution::QLogUniformValues(0.001, 0.1, 0.001),
            Distribution::InvLogUniformValues(0.001, 0.1),
            Distribution::Normal(0.5, 0.01),
            Distribution::QNormal(0.5, 0.01, 0.01),
            Distribution::LogNormal(-1.0, 0.1),
            Distribution::QLogNormal(-1.0, 0.1, 0.01),
            Distribution::Beta(2.0, 3.0),
            Distribution::QBeta(2.0, 3.0, 0.01),
        ];
        // A setting that takes any number, and for whole ones another.
        let pairs = all.into_iter().map(|one| match one {
            Distribution::Constant(_) => ("optimizer", one),
            one => ("learning_rate", one),
        });
        for (name, one) in pairs.chain([("epochs", Distribution::IntUniform(3, 9))]) {
            let file = json!({"method": "random", "parameters": {name: one.written()}});
            let read = Spec::read(&file.to_string()).unwrap_or_else(|error| panic!("{one:?}: {error}"));
            assert_eq!(read.space.parameters[0].distribution, one);
        }
    }
}
