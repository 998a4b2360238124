//! The share of the training data that trials of a sweep may keep for validation.

use handloom_engine::config::Config;
use serde_json::{Map, Value};

use super::setting;
use crate::space::{Distribution, SearchSpace};

/// Name of the setting.
const SHARE: &str = "val_fraction";

/// The largest share that a trial over `space` may keep for validation, where `settings` hold for every trial.
///
/// A larger share never keeps fewer images, so a search that has no validation images at this share has none at all.
pub fn largest_validation_share(space: &SearchSpace, settings: &Map<String, Value>) -> f64 {
    if let Some(fixed) = settings.get(SHARE) {
        return share(fixed);
    }
    let parameter = space.parameters.iter().find(|one| setting(&one.name).is_some_and(|key| key.name == SHARE));
    let Some(parameter) = parameter else { return Config::default().val_fraction };
    let largest = |values: &[Value]| values.iter().map(share).fold(0.0, f64::max);
    match &parameter.distribution {
        Distribution::Constant(value) => share(value),
        Distribution::Categorical(values, None) => largest(values),
        Distribution::Categorical(values, Some(shares)) => {
            let drawn = values.iter().zip(shares).filter(|(_, share)| **share > 0.0);
            largest(&drawn.map(|(value, _)| value.clone()).collect::<Vec<_>>())
        }
        other => largest(&[other.at(0.0), other.at(1.0)]),
    }
}

/// A value of the setting; 0 if it is none.
fn share(value: &Value) -> f64 {
    let mut config = Config::default();
    match config.merge(&Map::from_iter([(SHARE.to_owned(), value.clone())])) {
        Ok(()) => config.val_fraction,
        // Too large, which a trial is refused for by itself.
        Err(_) => value.as_f64().unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Spec;
    use super::*;

    #[test]
    fn the_largest_share_is_that_of_the_settings_else_of_the_parameter_else_the_default() {
        let of = |parameter: &str, settings: Value| {
            let text = format!("method: random\nparameters: {{learning_rate: {{value: 0.1}}{parameter}}}\n");
            let spec = Spec::read(&text).unwrap();
            largest_validation_share(&spec.space, settings.as_object().unwrap())
        };
        assert_eq!(of("", json!({})), Config::default().val_fraction);
        assert_eq!(of("", json!({"val_fraction": "0.0001"})), 0.0001);
        assert_eq!(of(", val_fraction: {value: 0}", json!({})), 0.0);
        assert_eq!(of(", val_fraction: {value: 0}", json!({"val_fraction": 0.2})), 0.2);
        assert_eq!(of(", val-fraction: {values: [0, 0.2, 0.1]}", json!({})), 0.2);
        assert_eq!(of(", val_fraction: {values: [0, 0.2], probabilities: [1, 0]}", json!({})), 0.0);
        assert_eq!(of(", val_fraction: {min: 0.0, max: 0.25}", json!({})), 0.25);
    }
}
