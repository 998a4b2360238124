//! Random search: independent draws.

use handloom_engine::rng::Rng;
use serde::{Deserialize, Serialize};

use super::Sampler;
use crate::space::{Params, SearchSpace};
use crate::trial::Trial;

/// Independent draws, as W&B makes them (Bergstra & Bengio, 2012, *Random Search for Hyper-Parameter Optimization*).
///
/// A trial's configuration depends on the seed and its number alone, so that the number of workers changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Random {}

impl Sampler for Random {
    fn suggest(&self, space: &SearchSpace, history: &[Trial], seed: u64) -> Option<Params> {
        Some(draw(space, &mut Rng::stream(seed, "random", history.len() as u64)))
    }
}

/// One draw of every parameter, in the order of the space.
pub(super) fn draw(space: &SearchSpace, rng: &mut Rng) -> Params {
    let parameters = space.parameters.iter();
    parameters.map(|parameter| (parameter.name.clone(), parameter.distribution.at(rng.unit()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::space::{Distribution, Parameter};
    use crate::trial::Status;

    fn space() -> SearchSpace {
        let parameter = |name: &str, distribution| Parameter { name: name.into(), distribution };
        let optimizers = vec![json!("sgd"), json!("adam")];
        SearchSpace {
            parameters: vec![
                parameter("learning_rate", Distribution::LogUniformValues(1e-4, 1e-1)),
                parameter("optimizer", Distribution::Categorical(optimizers, Some(vec![0.9, 0.1]))),
            ],
        }
    }

    #[test]
    fn a_trial_depends_on_its_number_and_the_seed_only() {
        let history = |status| -> Vec<Trial> {
            (0..7)
                .map(|number| Trial { number, costs: vec![0.1; number as usize], status, ..Trial::default() })
                .collect()
        };
        let suggest = |history: &[Trial], seed| Random {}.suggest(&space(), history, seed);
        let (running, finished) = (history(Status::Running), history(Status::Finished));
        assert_eq!(suggest(&running, 3), suggest(&finished, 3));
        assert_ne!(suggest(&running, 3), suggest(&running, 4));
        assert_ne!(suggest(&running, 3), suggest(&running[..6], 3));
    }

    #[test]
    fn probabilities_are_kept() {
        let adam = (0..2000).filter(|&seed| Random {}.suggest(&space(), &[], seed).unwrap()["optimizer"] == "adam");
        let adam = adam.count();
        assert!((150..250).contains(&adam), "{adam} of 2000");
    }
}
