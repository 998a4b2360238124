//! W&B's hyperband rule.

use serde::{Deserialize, Serialize};

use super::{Pruner, reported};
use crate::trial::Trial;

/// Most bands that are counted from a first one, as at W&B.
const MOST: usize = 100;

/// W&B's `early_terminate: hyperband`: at each band only a share of `1 / eta` of the trials goes on.
///
/// It is asynchronous successive halving (Li et al., 2020, *A System for Massively Parallel Hyperparameter Tuning*,
/// algorithm 2) with a percentile for the promotion. A trial's last band that it reached decides: the trial ends if its
/// value is above that of rank `⌊n / eta⌋`, from 0, of the `n` trials that have reached the band.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hyperband {
    /// Numbers of reported values, that is of epochs, at which trials are compared; rising.
    pub bands: Vec<u64>,
    /// Above 1.
    pub eta: f64,
    /// True if a trial's value at the band counts, and not the best up to it.
    pub strict: bool,
}

impl Default for Hyperband {
    fn default() -> Self {
        Self { bands: Self::rising(1, 3.0), eta: 3.0, strict: true }
    }
}

impl Hyperband {
    /// The bands of `min_iter`: `min_iter · etaᵏ` for `k` from 0, rounded down.
    pub fn rising(min_iter: u64, eta: f64) -> Vec<u64> {
        let bands = std::iter::successors(Some(min_iter as f64), |band| Some(band * eta));
        bands.take(MOST).map(|band| band as u64).take_while(|&band| band < u64::MAX).collect()
    }

    /// The bands of `max_iter` and `s`: `max_iter / etaᵏ` for `k` from 1 to `s`, rounded down, as long as it is at least 1.
    pub fn falling(max_iter: u64, s: u32, eta: f64) -> Vec<u64> {
        let bands = std::iter::successors(Some(max_iter as f64), |band| Some(band / eta));
        let mut bands: Vec<_> =
            bands.skip(1).take(s as usize).take_while(|&band| band >= 1.0).map(|band| band as u64).collect();
        bands.reverse();
        bands
    }

    /// The cost above which a trial ends at `band`, given the costs of all.
    fn threshold(&self, band: u64, all: &[Vec<f64>]) -> f64 {
        let mut at_band: Vec<f64> = all.iter().filter_map(|costs| costs.get(band as usize - 1)).copied().collect();
        at_band.sort_by(f64::total_cmp);
        // The product, not the quotient: it rounds as W&B's does.
        at_band.get((1.0 / self.eta * at_band.len() as f64) as usize).copied().unwrap_or(f64::INFINITY)
    }
}

impl Pruner for Hyperband {
    fn prunes(&self, trial: &Trial, history: &[Trial]) -> bool {
        let own = reported(trial);
        let reached = |band: &&u64| (1..=own.len() as u64).contains(*band);
        let Some(&band) = self.bands.iter().rev().find(reached) else { return false };
        let value =
            if self.strict { own[band as usize - 1] } else { own.iter().copied().fold(f64::INFINITY, f64::min) };
        let others = history.iter().filter(|other| other.number != trial.number).map(reported);
        let all: Vec<_> = others.chain([own]).collect();
        value > self.threshold(band, &all)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn bands_are_those_of_wandb() {
        assert_eq!(Hyperband::rising(3, 3.0)[..4], [3, 9, 27, 81]);
        assert_eq!(Hyperband::rising(1, 1.5)[..6], [1, 1, 2, 3, 5, 7]);
        assert_eq!(Hyperband::falling(27, 2, 3.0), [3, 9]);
        assert_eq!(Hyperband::falling(5, 9, 2.0), [1, 2]);
        assert!(Hyperband::falling(2, 2, 3.0).is_empty());
    }

    /// Made by `goldens/models.py` with W&B's own package.
    #[test]
    fn the_same_trials_end_as_at_wandb() {
        let goldens: Value = serde_json::from_str(include_str!("../../goldens/models.json")).unwrap();
        let (mut ended, mut all) = (0, 0);
        for case in goldens["hyperband"].as_array().unwrap() {
            let given = &case["early_terminate"];
            let eta = given["eta"].as_f64().unwrap();
            let bands = match given["min_iter"].as_u64() {
                Some(min_iter) => Hyperband::rising(min_iter, eta),
                None => {
                    Hyperband::falling(given["max_iter"].as_u64().unwrap(), given["s"].as_u64().unwrap() as u32, eta)
                }
            };
            let rule = Hyperband { bands, eta, strict: given["strict"].as_bool().unwrap() };
            let costs: Vec<Vec<Option<f64>>> = serde_json::from_value(case["costs"].clone()).unwrap();
            let trial = |(number, costs): (u64, Vec<Option<f64>>)| Trial {
                number,
                costs: costs.into_iter().map(|cost| cost.unwrap_or(f64::NAN)).collect(),
                ..Trial::default()
            };
            let history: Vec<Trial> = (0..).zip(costs).map(trial).collect();
            let found: Vec<u64> =
                history.iter().filter(|trial| rule.prunes(trial, &history)).map(|trial| trial.number).collect();
            let expected: Vec<u64> = serde_json::from_value(case["ended"].clone()).unwrap();
            assert_eq!(found, expected, "{given}");
            ended += expected.len();
            all += history.len();
        }
        assert!(ended > 50 && ended < all - 50, "{ended} of {all}");
    }

    #[test]
    fn what_is_known_of_the_trial_itself_wins_over_the_history() {
        let trial = |number, costs: &[f64]| Trial { number, costs: costs.to_vec(), ..Trial::default() };
        let history = [trial(0, &[1.0]), trial(1, &[2.0]), trial(2, &[])];
        assert!(Hyperband::default().prunes(&trial(2, &[3.0]), &history));
        assert!(!Hyperband::default().prunes(&trial(2, &[0.5]), &history));
    }
}
