//! Learning rates of different optimizers, made alike.
//!
//! The best rate of `sgd` is some hundred times that of `adam`. Compared as they are, a rate at which `sgd` does well says
//! of `adam` only what is wrong, and a search that found a good rate for one optimizer stays with it. What they have in
//! common is how many times the optimizer's own rate they are, so that is how a process sees them.

use handloom_engine::config::Config;
use serde_json::{Map, Value};

/// Differences between learning rates, each as a multiple of its optimizer's default.
pub(super) struct Rates {
    /// Logarithm of each optimizer's own rate.
    own: Vec<f64>,
    /// Range of the logarithms of the rates.
    span: f64,
}

impl Rates {
    /// For these optimizers, and for rates from the least to the greatest of `rates`; none if an optimizer is unknown or
    /// a rate is no positive number.
    pub(super) fn new(optimizers: &[Value], rates: &[Value]) -> Option<Self> {
        let own = |name: &Value| {
            let mut config = Config::default();
            config.merge(&Map::from_iter([("optimizer".to_owned(), name.clone())])).ok()?;
            Some(libm::log(config.optimizer.learning_rate()))
        };
        let own = optimizers.iter().map(own).collect::<Option<_>>()?;
        let logarithms: Vec<f64> = rates.iter().map(logarithm).collect::<Option<_>>()?;
        let [low, high] = [f64::min, f64::max].map(|end| logarithms.iter().copied().reduce(end));
        let span = high? - low?;
        (span > 0.0).then_some(Self { own, span })
    }

    /// The coordinate of `rate` with optimizer number `optimizer`: 0 is its own rate, 1 is as far as the rates reach.
    pub(super) fn place(&self, rate: &Value, optimizer: usize) -> f64 {
        // Each value comes from where those of `new` did.
        logarithm(rate).map_or(0.0, |logarithm| (logarithm - self.own[optimizer]) / self.span)
    }
}

fn logarithm(rate: &Value) -> Option<f64> {
    rate.as_f64().filter(|&rate| rate > 0.0 && rate.is_finite()).map(libm::log)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Bayes;
    use super::*;
    use crate::space::{Distribution, Parameter, Params, SearchSpace};
    use crate::trial::{Status, Trial};

    #[test]
    fn as_many_times_an_optimizers_own_rate_is_the_same_place() {
        let rates = Rates::new(&[json!("sgd"), json!("adam")], &[json!(1e-4), json!(0.1)]).unwrap();
        let own = |name: &str| {
            let mut config = Config::default();
            config.merge(json!({ "optimizer": name }).as_object().unwrap()).unwrap();
            config.optimizer.learning_rate()
        };
        let place = |times: f64, optimizer, name| rates.place(&json!(times * own(name)), optimizer);
        assert!(place(1.0, 0, "sgd").abs() < 1e-9 && place(1.0, 1, "adam").abs() < 1e-9);
        assert!((place(3.0, 0, "sgd") - place(3.0, 1, "adam")).abs() < 1e-9);
        assert!((place(1000.0, 0, "sgd") - 1.0).abs() < 1e-9, "the rates reach over three powers of ten");
        for (optimizers, given) in [(json!(["sgd", "mine"]), json!([0.1, 0.2])), (json!(["sgd"]), json!([0.0, 0.2]))] {
            assert!(Rates::new(optimizers.as_array().unwrap(), given.as_array().unwrap()).is_none());
        }
    }

    #[test]
    fn what_was_learned_of_one_optimizers_rate_is_believed_of_anothers() {
        let line = Distribution::LogUniformValues(1e-5, 1.0);
        let list = Distribution::Categorical(vec![json!("sgd"), json!("adam")], None);
        let parameter = |name: &str, distribution| Parameter { name: name.into(), distribution };
        let space = SearchSpace { parameters: vec![parameter("learning_rate", line), parameter("optimizer", list)] };
        let choice = |optimizer: &str, rate: f64| {
            Params::from([("learning_rate".into(), json!(rate)), ("optimizer".into(), json!(optimizer))])
        };
        // sgd is best at 0.1 by far; of adam nothing but one middling trial is known.
        let trial = |number: u64, choice, cost| Trial {
            number,
            choice,
            costs: vec![cost],
            status: Status::Finished,
            ..Trial::default()
        };
        let sgd = (0..14_u64).map(|i| {
            let exponent = -5.0 + i as f64 * 5.0 / 13.0;
            trial(i, choice("sgd", 10_f64.powf(exponent)), (exponent + 1.0).powi(2))
        });
        let history: Vec<Trial> = sgd.chain([trial(14, choice("adam", 1e-4), 1.0)]).collect();
        let rates = [1e-5, 3e-4, 1e-3, 1e-2, 0.1, 0.9];
        let candidates: Vec<Params> = rates.iter().map(|&rate| choice("adam", rate)).collect();
        let picked = Bayes::default().pick(&space, &history, &candidates, 1).unwrap();
        assert!([3e-4, 1e-3].contains(&rates[picked]), "{}", rates[picked]);
    }
}
