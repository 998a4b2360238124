//! Uncertainty of differences: bootstrap intervals, and the differences that a search among many splits finds by
//! chance.

use handloom_engine::rng::Rng;

/// The same trials always give the same intervals.
const SEED: u64 = 1;
/// Work that a bootstrap may take: values drawn in all.
const DRAWS: usize = 2_000_000;
const MOST_REPEATS: usize = 1_000;
const FEWEST_REPEATS: usize = 200;
/// Shufflings by which luck is judged.
pub(super) const SHUFFLES: u64 = 200;

/// Statistic of a group of values, with its bootstrap replicates.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) value: f64,
    repeats: Vec<f64>,
}

impl Measured {
    /// `measure` of `values`, of which there is at least one; `number` tells groups apart.
    pub(super) fn of(values: &[f64], measure: fn(&mut [f64]) -> f64, number: u64) -> Self {
        let repeats = (DRAWS / values.len()).clamp(FEWEST_REPEATS, MOST_REPEATS);
        let mut rng = Rng::stream(SEED, "observations", number);
        let mut drawn = vec![0.0; values.len()];
        let repeats = (0..repeats).map(|_| {
            drawn.fill_with(|| values[rng.below(values.len() as u64) as usize]);
            measure(&mut drawn)
        });
        Self { repeats: repeats.collect(), value: measure(&mut values.to_vec()) }
    }

    /// The 95 % interval of `self - other`: percentiles of the differences (Efron, 1979).
    pub(super) fn over(&self, other: &Self) -> [f64; 2] {
        let mut differences: Vec<f64> = self.repeats.iter().zip(&other.repeats).map(|(a, b)| a - b).collect();
        differences.sort_by(f64::total_cmp);
        let last = (differences.len() - 1) as f64;
        [0.025, 0.975].map(|share| differences[(share * last).round() as usize])
    }
}

/// The mean of the best quarter, at least one value: what a choice comes to where the other settings suit it.
pub(super) fn best_quarter(values: &mut [f64]) -> f64 {
    let kept = values.len().div_ceil(4);
    if kept < values.len() {
        values.select_nth_unstable_by(kept, |a, b| b.total_cmp(a));
    }
    values[..kept].iter().sum::<f64>() / kept as f64
}

/// The middle value, the lower one of two.
pub(super) fn median(values: &mut [f64]) -> f64 {
    let middle = (values.len() - 1) / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// The share of shufflings of `labels` in which `search` finds at least `found`: how likely luck is to do as well.
pub(super) fn luck<T: Clone>(labels: &[T], found: f64, search: impl Fn(&[T]) -> f64) -> f64 {
    let as_good = (0..SHUFFLES).filter(|&number| {
        let mut shuffled = labels.to_vec();
        Rng::stream(SEED, "luck", number).shuffle(&mut shuffled);
        search(&shuffled) >= found
    });
    (as_good.count() + 1) as f64 / (SHUFFLES + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_quarter_and_the_median_are_those_of_sorted_values() {
        let values = [3.0, 9.0, 1.0, 7.0, 5.0, 8.0, 2.0, 6.0, 4.0];
        // Of nine values three: 9, 8 and 7.
        assert_eq!(best_quarter(&mut values.clone()), 8.0);
        assert_eq!([best_quarter(&mut [2.0]), median(&mut values.clone()), median(&mut [4.0, 1.0])], [2.0, 5.0, 1.0]);
    }

    #[test]
    fn an_interval_has_its_difference_and_tells_noise_from_a_gap() {
        let group = |mean: f64, number| -> Vec<f64> {
            let mut rng = Rng::stream(5, "group", number);
            (0..40).map(|_| mean + rng.normal()).collect()
        };
        let measured = |mean, number| Measured::of(&group(mean, number), median, number);
        let (near, far) = (measured(0.0, 2).over(&measured(0.0, 1)), measured(3.0, 3).over(&measured(0.0, 1)));
        assert!(near[0] < 0.0 && near[1] > 0.0, "{near:?}");
        assert!(far[0] > 1.5 && far[1] < 4.5, "{far:?}");
    }

    #[test]
    fn luck_is_rare_where_the_order_says_something() {
        let steps = |labels: &[bool]| labels.iter().take(10).filter(|&&label| label).count() as f64;
        let sorted: Vec<bool> = (0..20).map(|at| at < 10).collect();
        let mixed: Vec<bool> = (0..20).map(|at| at % 2 == 0).collect();
        assert!(luck(&sorted, steps(&sorted), steps) < 0.01);
        assert!(luck(&mixed, steps(&mixed), steps) > 0.3);
    }
}
