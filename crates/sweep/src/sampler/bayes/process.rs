//! A Gaussian process: what is believed of a function's values where it was not asked, given where it was.
//!
//! `n` points, `d` coordinates each. The covariance is a Matérn 5/2 function with a length scale for each coordinate, and
//! noise; the variance of the whole is that which the values suggest. Every sum has a fixed order and `exp` and `ln` are
//! those of `libm`, so that all machines come to the same numbers.
//!
//! Rasmussen & Williams (2006), *Gaussian Processes for Machine Learning*, chapters 2, 4 and 5.

use super::matrix::{Factor, dot};

/// Measure of the difference between two values of a coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By their distance; values lie in `[0, 1]`.
    Ordered,
    /// Equal or not: a category.
    Category,
}

/// Hyperparameters of a process: the logarithms of its length scales (d), then that of the noise's share of the
/// variance.
type Shape = Vec<f64>;

/// Mean and deviation of the prior of a length scale's logarithm, and of the noise's.
const SCALE: [f64; 2] = [0.0, 1.0];
const NOISE: [f64; 2] = [-4.0, 1.5];
/// Least and greatest logarithms of length scales and of the noise.
const SCALES: [f64; 2] = [-3.0, 5.0];
const NOISES: [f64; 2] = [-9.0, 1.0];
/// The variance is estimated as if so many values of variance 1 had been seen besides.
const SEEN: f64 = 2.0;
/// Starting points of the search for the likeliest hyperparameters: the logarithm of every length scale.
const STARTS: [f64; 2] = [0.0, -1.0];
/// Steps from each start, and further ones from the better of them; what is less than the last is no step.
const STEPS_EACH: usize = 7;
const STEPS_BEST: usize = 14;
const LEAST_STEP: f64 = 0.01;

/// A process that knows some values.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    kinds: Vec<Kind>,
    /// (n · d)
    points: Vec<f64>,
    values: Vec<f64>,
    shape: Shape,
    factor: Factor,
    /// Inverse covariance times values (n).
    weights: Vec<f64>,
    /// Variance of the function.
    variance: f64,
}

/// Prediction of a value: its mean and standard deviation, without noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Belief {
    pub mean: f64,
    pub deviation: f64,
}

impl Process {
    /// The likeliest process for `values` (n) at `points` (n · d), whose values have mean 0 and variance 1.
    ///
    /// The likelihood, times a weak prior, is climbed from two starts by the signs of its gradient
    /// (Blum & Riedmiller, 2013, *Optimization of Gaussian Process Hyperparameters using Rprop*).
    pub(crate) fn fitted(kinds: &[Kind], points: &[f64], values: &[f64]) -> Option<Self> {
        let gaps = Gaps::new(kinds, points);
        let climb = |start: f64| {
            let mut climb = Climb::new([vec![start; kinds.len()], vec![NOISE[0]]].concat());
            climb.on(STEPS_EACH, &gaps, values);
            climb
        };
        let mut best = STARTS.map(climb).into_iter().reduce(|a, b| if b.height() > a.height() { b } else { a })?;
        best.on(STEPS_BEST, &gaps, values);
        let (_, shape) = best.top?;
        Self::shaped(kinds, points, values, shape)
    }

    /// The process of a given shape.
    pub(crate) fn shaped(kinds: &[Kind], points: &[f64], values: &[f64], shape: Shape) -> Option<Self> {
        let gaps = Gaps::new(kinds, points);
        let state = State::new(&gaps, values, &shape)?;
        let State { factor, weights, variance, .. } = state;
        let (kinds, points, values) = (kinds.to_vec(), points.to_vec(), values.to_vec());
        Some(Self { kinds, points, values, shape, factor, weights, variance })
    }

    /// The same process with what it believes of `more` points (m · d) taken for known.
    pub(crate) fn believing(&self, more: &[f64]) -> Option<Self> {
        if more.is_empty() {
            return Some(self.clone());
        }
        let believed = self.beliefs(more).into_iter().map(|belief| belief.mean);
        let values: Vec<f64> = self.values.iter().copied().chain(believed).collect();
        let points = [&self.points[..], more].concat();
        let mut process = Self::shaped(&self.kinds, &points, &values, self.shape.clone())?;
        process.variance = self.variance;
        Some(process)
    }

    /// Predictions for each of `points` (m · d).
    pub(crate) fn beliefs(&self, points: &[f64]) -> Vec<Belief> {
        /// Points at a time, so that their sums run side by side.
        const LANES: usize = 8;
        let (n, d) = (self.values.len(), self.kinds.len());
        let inverse: Vec<f64> = self.shape[..d].iter().map(|scale| libm::exp(-2.0 * scale)).collect();
        let mut all = Vec::with_capacity(points.len() / d);
        let mut covariances = vec![[0.0; LANES]; n];
        for block in points.chunks(LANES * d) {
            let mut means = [0.0; LANES];
            for (i, known) in self.points.chunks_exact(d).enumerate() {
                for (lane, point) in block.chunks_exact(d).enumerate() {
                    let square: f64 = (0..d).map(|k| gap(self.kinds[k], known[k], point[k]) * inverse[k]).sum();
                    covariances[i][lane] = matern(square);
                    means[lane] += covariances[i][lane] * self.weights[i];
                }
            }
            self.factor.solve_lanes(&mut covariances);
            let mut explained = [0.0; LANES];
            for row in &covariances {
                for (sum, x) in explained.iter_mut().zip(row) {
                    *sum += x * x;
                }
            }
            let count = block.len() / d;
            all.extend((0..count).map(|lane| Belief {
                mean: means[lane],
                deviation: (self.variance * (1.0 - explained[lane]).max(1e-12)).sqrt(),
            }));
        }
        all
    }

    /// Predictions for the values that it was given, from which they differ by noise.
    pub(crate) fn known(&self) -> Vec<Belief> {
        self.beliefs(&self.points)
    }
}

/// Square of the difference of two values of a coordinate before it is scaled.
fn gap(kind: Kind, a: f64, b: f64) -> f64 {
    match kind {
        Kind::Ordered => (a - b) * (a - b),
        Kind::Category => f64::from(a != b),
    }
}

/// Matérn 5/2 covariance at a squared distance.
fn matern(square: f64) -> f64 {
    let r = (5.0 * square).sqrt();
    (1.0 + r + r * r / 3.0) * libm::exp(-r)
}

/// The squared differences of every pair of points, by coordinate.
struct Gaps {
    n: usize,
    d: usize,
    /// Pair (i, j) with j < i is number `i (i - 1) / 2 + j` (pairs · d).
    squares: Vec<f64>,
}

impl Gaps {
    fn new(kinds: &[Kind], points: &[f64]) -> Self {
        let d = kinds.len();
        let rows: Vec<&[f64]> = points.chunks_exact(d).collect();
        let pairs = rows.iter().enumerate().flat_map(|(i, a)| rows[..i].iter().map(move |b| (a, b)));
        let squares = pairs.flat_map(|(a, b)| (0..d).map(move |k| gap(kinds[k], a[k], b[k]))).collect();
        Self { n: rows.len(), d, squares }
    }
}

/// Likelihood of hyperparameters, given values.
struct State {
    factor: Factor,
    weights: Vec<f64>,
    variance: f64,
    /// For each pair the derivative of its covariance by a length scale's logarithm, but for its scaled square.
    slopes: Vec<f64>,
}

impl State {
    fn new(gaps: &Gaps, values: &[f64], shape: &[f64]) -> Option<Self> {
        let n = gaps.n;
        let inverse: Vec<f64> = shape[..gaps.d].iter().map(|scale| libm::exp(-2.0 * scale)).collect();
        let mut matrix = vec![0.0; n * n];
        let mut slopes = Vec::with_capacity(n * n.saturating_sub(1) / 2);
        let mut pairs = gaps.squares.chunks_exact(gaps.d);
        for i in 0..n {
            for entry in &mut matrix[i * n..][..i] {
                let square: f64 = pairs.next()?.iter().zip(&inverse).map(|(gap, inverse)| gap * inverse).sum();
                let r = (5.0 * square).sqrt();
                let fall = libm::exp(-r);
                *entry = (1.0 + r + r * r / 3.0) * fall;
                slopes.push(5.0 / 3.0 * (1.0 + r) * fall);
            }
            matrix[i * n + i] = 1.0 + libm::exp(shape[gaps.d]);
        }
        let factor = Factor::new(matrix, n)?;
        let weights = factor.solve(values);
        let variance = (dot(values, &weights) + SEEN) / (n as f64 + SEEN);
        Some(Self { factor, weights, variance, slopes })
    }

    /// Logarithm of the likelihood times the prior of `shape`, but for a constant; and its gradient.
    fn likelihood(&self, gaps: &Gaps, shape: &[f64]) -> (f64, Vec<f64>) {
        let (n, d) = (gaps.n, gaps.d);
        let mut total = -0.5 * ((n as f64 + SEEN) * libm::log(self.variance) + self.factor.log_determinant());
        let mut gradient = vec![0.0; d + 1];
        let inverse = self.factor.inverse();
        let scale: Vec<f64> = shape[..d].iter().map(|scale| libm::exp(-2.0 * scale)).collect();
        let pull = |i: usize, j: usize| self.weights[i] * self.weights[j] / self.variance - inverse[i * n + j];
        let mut pairs = gaps.squares.chunks_exact(d).zip(&self.slopes);
        for i in 0..n {
            for (j, (squares, slope)) in pairs.by_ref().take(i).enumerate() {
                let pull = pull(i, j) * slope;
                for (sum, square) in gradient.iter_mut().zip(squares) {
                    *sum += pull * square;
                }
            }
            gradient[d] += 0.5 * pull(i, i);
        }
        for (sum, scale) in gradient.iter_mut().zip(&scale) {
            *sum *= scale;
        }
        gradient[d] *= libm::exp(shape[d]);
        for (k, (&at, sum)) in shape.iter().zip(&mut gradient).enumerate() {
            let [mean, deviation] = if k < d { SCALE } else { NOISE };
            let away = (at - mean) / deviation;
            total -= 0.5 * away * away;
            *sum -= away / deviation;
        }
        (total, gradient)
    }
}

/// A search for the likeliest shape.
struct Climb {
    shape: Shape,
    /// Next change of each logarithm, and the gradient before the last change.
    steps: Vec<f64>,
    before: Vec<f64>,
    /// The likeliest shape so far, with the logarithm of its likelihood.
    top: Option<(f64, Shape)>,
}

impl Climb {
    fn new(shape: Shape) -> Self {
        Self { steps: vec![0.4; shape.len()], before: vec![0.0; shape.len()], shape, top: None }
    }

    fn height(&self) -> f64 {
        self.top.as_ref().map_or(f64::NEG_INFINITY, |top| top.0)
    }

    /// Goes on for so many steps, or until these are too small to matter.
    fn on(&mut self, steps: usize, gaps: &Gaps, values: &[f64]) {
        for _ in 0..steps {
            if self.steps.iter().all(|&step| step < LEAST_STEP) {
                return;
            }
            let Some(state) = State::new(gaps, values, &self.shape) else { return };
            let (likelihood, gradient) = state.likelihood(gaps, &self.shape);
            if !likelihood.is_finite() {
                return;
            }
            if likelihood > self.height() {
                self.top = Some((likelihood, self.shape.clone()));
            }
            self.step(gradient, gaps.d);
        }
    }

    fn step(&mut self, mut gradient: Vec<f64>, d: usize) {
        for (k, slope) in gradient.iter_mut().enumerate() {
            let turned = *slope * self.before[k];
            if turned > 0.0 {
                self.steps[k] = (self.steps[k] * 1.3).min(1.0);
            } else if turned < 0.0 {
                self.steps[k] *= 0.4;
                *slope = 0.0;
            }
            let [low, high] = if k < d { SCALES } else { NOISES };
            let direction = if *slope == 0.0 { 0.0 } else { slope.signum() };
            self.shape[k] = (self.shape[k] + self.steps[k] * direction).clamp(low, high);
        }
        self.before = gradient;
    }
}

#[cfg(test)]
mod tests {
    use handloom_engine::rng::Rng;
    use serde::Deserialize;

    use super::*;

    /// Results of scikit-learn, from `goldens/models.py`.
    #[derive(Deserialize)]
    struct Golden {
        category: Vec<bool>,
        scales: Vec<f64>,
        noise: f64,
        points: Vec<Vec<f64>>,
        values: Vec<f64>,
        asked: Vec<Vec<f64>>,
        means: Vec<f64>,
        deviations: Vec<f64>,
        likelihood: f64,
    }

    fn kinds(category: &[bool]) -> Vec<Kind> {
        category.iter().map(|&category| if category { Kind::Category } else { Kind::Ordered }).collect()
    }

    #[test]
    fn beliefs_and_likelihood_are_those_of_scikit_learn() {
        let goldens: serde_json::Value = serde_json::from_str(include_str!("../../../goldens/models.json")).unwrap();
        let cases: Vec<Golden> = serde_json::from_value(goldens["process"].clone()).unwrap();
        assert!(cases.len() >= 3);
        for case in cases {
            let shape = case.scales.iter().chain([&case.noise]).map(|x| x.ln()).collect();
            let process = Process::shaped(&kinds(&case.category), &case.points.concat(), &case.values, shape).unwrap();
            let beliefs = process.beliefs(&case.asked.concat());
            for ((belief, mean), deviation) in beliefs.iter().zip(&case.means).zip(&case.deviations) {
                assert!((belief.mean - mean).abs() < 1e-8, "{belief:?} {mean}");
                assert!(
                    (belief.deviation / process.variance.sqrt() - deviation).abs() < 1e-7,
                    "{belief:?} {deviation}"
                );
            }
            let fit = dot(&case.values, &process.weights) + process.factor.log_determinant();
            let likelihood = -0.5 * (fit + case.values.len() as f64 * std::f64::consts::TAU.ln());
            assert!((likelihood - case.likelihood).abs() < 1e-8, "{likelihood} {}", case.likelihood);
        }
    }

    /// Values that depend on the first coordinate and the category in the third, and on nothing in the second.
    fn sample(n: usize) -> (Vec<Kind>, Vec<f64>, Vec<f64>) {
        let mut rng = Rng::stream(5, "process", 0);
        let points: Vec<f64> = (0..n).flat_map(|i| [rng.unit(), rng.unit(), (i % 3) as f64]).collect();
        let value = |point: &[f64]| (4.0 * point[0]).sin() + 0.7 * f64::from(point[2] == 1.0);
        let values: Vec<f64> = points.chunks_exact(3).map(value).map(|value| value + 0.02 * rng.normal()).collect();
        (kinds(&[false, false, true]), points, values)
    }

    #[test]
    fn the_gradient_of_the_likelihood_is_right() {
        let (kinds, points, values) = sample(14);
        let gaps = Gaps::new(&kinds, &points);
        let at = |shape: &[f64]| State::new(&gaps, &values, shape).unwrap().likelihood(&gaps, shape);
        let shape = [-0.4, 0.3, 0.8, -3.0];
        let (_, gradient) = at(&shape);
        for k in 0..shape.len() {
            let moved = |by: f64| {
                let mut shape = shape;
                shape[k] += by;
                at(&shape).0
            };
            let numeric = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((gradient[k] - numeric).abs() < 1e-5 * (1.0 + numeric.abs()), "{k}: {} {numeric}", gradient[k]);
        }
    }

    #[test]
    fn what_does_not_matter_gets_a_long_scale_and_what_is_believed_is_near_the_truth() {
        let (kinds, points, values) = sample(60);
        let process = Process::fitted(&kinds, &points, &values).unwrap();
        let [first, second, ..] = process.shape[..] else { unreachable!("there are three coordinates") };
        assert!(second > first + 0.7, "{:?}", process.shape);
        let asked = [0.3, 0.9, 1.0];
        let belief = process.beliefs(&asked)[0];
        let truth = (1.2_f64).sin() + 0.7;
        assert!((belief.mean - truth).abs() < 0.05, "{belief:?} {truth}");
        assert!(process.believing(&asked).unwrap().beliefs(&asked)[0].deviation < belief.deviation);
    }
}
