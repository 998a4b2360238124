//! Median stopping.

use serde::{Deserialize, Serialize};

use super::{Pruner, reported};
use crate::trial::Trial;

/// Fewest other trials that must have come as far before a trial is compared with them.
const FEWEST: usize = 5;

/// A trial ends if the best value that it had is worse than the median of the other trials' averages up to the same epoch.
///
/// Golovin et al. (2017), *Google Vizier: A Service for Black-Box Optimization*, section 3.5.1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Median {
    /// Epochs before which no trial ends, at least 1.
    pub min_iter: u64,
}

impl Default for Median {
    fn default() -> Self {
        Self { min_iter: 1 }
    }
}

impl Pruner for Median {
    fn prunes(&self, trial: &Trial, history: &[Trial]) -> bool {
        let epoch = trial.costs.len();
        if (epoch as u64) < self.min_iter.max(1) {
            return false;
        }
        let others = history.iter().filter(|other| other.number != trial.number && other.costs.len() >= epoch);
        let average = |other: &Trial| {
            let costs: Vec<f64> = other.costs[..epoch].iter().copied().filter(|cost| cost.is_finite()).collect();
            (!costs.is_empty()).then(|| costs.iter().sum::<f64>() / costs.len() as f64)
        };
        let mut averages: Vec<f64> = others.filter_map(average).collect();
        if averages.len() < FEWEST {
            return false;
        }
        averages.sort_by(f64::total_cmp);
        let middle = averages.len() / 2;
        let median = if averages.len() % 2 == 1 {
            averages[middle]
        } else {
            f64::midpoint(averages[middle - 1], averages[middle])
        };
        reported(trial).into_iter().reduce(f64::min).is_some_and(|best| best > median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(number: u64, costs: &[f64]) -> Trial {
        Trial { number, costs: costs.to_vec(), ..Trial::default() }
    }

    /// Averages up to epoch 2: 1.5, 2.5, 3.5, 4.5 and 5.5.
    fn others() -> Vec<Trial> {
        (1..=5).map(|i| trial(i, &[f64::from(i as u32) + 1.0, f64::from(i as u32), 0.0])).collect()
    }

    #[test]
    fn the_best_so_far_is_compared_with_the_median_average() {
        let rule = Median { min_iter: 2 };
        assert!(rule.prunes(&trial(9, &[3.6, 3.6]), &others()));
        assert!(!rule.prunes(&trial(9, &[3.5, 9.0]), &others()), "its best is no worse");
        assert!(!rule.prunes(&trial(9, &[f64::NAN, 3.4]), &others()));
    }

    #[test]
    fn early_epochs_and_few_others_decide_nothing() {
        let bad = trial(9, &[9.0, 9.0]);
        assert!(!Median { min_iter: 3 }.prunes(&bad, &others()));
        assert!(!Median { min_iter: 1 }.prunes(&bad, &others()[1..]));
        let mut short = others();
        short[0].costs.truncate(1);
        assert!(!Median { min_iter: 1 }.prunes(&bad, &short), "one has not come as far");
    }

    #[test]
    fn of_an_even_number_the_median_lies_between() {
        let mut six = others();
        six.push(trial(6, &[7.0, 6.0]));
        assert!(!Median { min_iter: 1 }.prunes(&trial(9, &[4.0, 4.0]), &six));
        assert!(Median { min_iter: 1 }.prunes(&trial(9, &[4.1, 4.1]), &six));
    }
}
