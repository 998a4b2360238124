//! Grid search: every combination once.

use serde::{Deserialize, Serialize};

use super::Sampler;
use crate::space::{Params, SearchSpace};
use crate::trial::Trial;

/// Every combination once, in W&B's order: parameters by name, the last one's values fastest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grid {}

impl Sampler for Grid {
    fn suggest(&self, space: &SearchSpace, history: &[Trial], _seed: u64) -> Option<Params> {
        // Trial `n` has point `n`, whoever runs it and whatever became of the others.
        space.point(history.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::space::{Distribution, Parameter};

    #[test]
    fn every_combination_comes_once_and_the_last_name_is_fastest() {
        let parameter = |name: &str, distribution| Parameter { name: name.into(), distribution };
        let space = SearchSpace {
            parameters: vec![
                parameter("a", Distribution::Categorical(vec![json!(2), json!(1), json!(2)], None)),
                parameter("b", Distribution::Constant(json!("x"))),
                parameter("c", Distribution::IntUniform(3, 5)),
            ],
        };
        let mut history: Vec<Trial> = Vec::new();
        let grid = Grid {};
        while let Some(choice) = grid.suggest(&space, &history, 0) {
            history.push(Trial { number: history.len() as u64, choice, ..Trial::default() });
        }
        let found: Vec<_> =
            history.iter().map(|trial| (trial.choice["a"].clone(), trial.choice["c"].clone())).collect();
        let expected = [(2, 3), (2, 4), (2, 5), (1, 3), (1, 4), (1, 5)].map(|(a, c)| (json!(a), json!(c)));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_no_grid_can_go_through_has_no_point() {
        let distribution = Distribution::Uniform(0.0, 1.0);
        let space = SearchSpace { parameters: vec![Parameter { name: "a".into(), distribution }] };
        assert_eq!(Grid {}.suggest(&space, &[], 0), None);
    }
}
