//! Statistical comparison of two networks or two settings: differences with confidence intervals and tests.
//!
//! Two networks on the same images: [`mcnemar`] and [`paired_difference`]. On different images:
//! [`independent_difference`]. Two settings with several seeds each: [`welch`], or [`paired_means`] where both have the
//! same seeds. All intervals hold with 95 % confidence. What cannot be judged is `None`: it is not settled.

use crate::metric::wilson;

/// The normal distribution's 97.5 % quantile.
const Z: f64 = 1.959_963_984_540_054;

/// Difference of two figures, first minus second, with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The first figure minus the second.
    pub value: f64,
    /// Lower end of the 95 % confidence interval.
    pub low: f64,
    /// Upper end of the 95 % confidence interval.
    pub high: f64,
    /// True if the interval excludes 0: it is settled (significant at 5 %) which figure is greater.
    pub settled: bool,
}

impl Difference {
    fn new(value: f64, [low, high]: [f64; 2]) -> Self {
        Self { value, low, high, settled: low > 0.0 || high < 0.0 }
    }
}

/// Probability that two equally good networks differ on the same images at least as much as they do: on `only_first`
/// images only the first is right, on `only_second` only the second; 1 if on none.
///
/// The exact two-sided test, `min(1, 2 · Σ_{k ≤ min(b,c)} C(b+c, k) / 2^(b+c))`.
///
/// `McNemar` (1947), *Note on the sampling error of the difference between correlated proportions or percentages*.
pub fn mcnemar(only_first: u64, only_second: u64) -> f64 {
    let (least, n) = (only_first.min(only_second), only_first + only_second);
    if only_first == only_second {
        return 1.0;
    }
    let choices = |k: u64| ln_gamma(n as f64 + 1.0) - ln_gamma(k as f64 + 1.0) - ln_gamma((n - k) as f64 + 1.0);
    let largest = choices(least) - n as f64 * std::f64::consts::LN_2;
    // Each term in units of the largest, from there down to what no longer counts.
    let (mut sum, mut term) = (1.0, 1.0);
    for k in (1..=least).rev() {
        term *= k as f64 / (n - k + 1) as f64;
        sum += term;
        if term < 1e-18 * sum {
            break;
        }
    }
    (2.0 * sum * libm::exp(largest)).min(1.0)
}

/// Difference of the accuracies of two networks on the same `images`: on `only_first` of them only the first is right,
/// on `only_second` only the second. None without images.
///
/// The values at which the score test is not significant: `(b − c − nΔ)² = z² n (2q + Δ(1 − Δ))`, `q` being the likeliest
/// share of `only_second` given `Δ`, the root of `2n q² + ((2n − b + c)Δ − b − c) q − cΔ(1 − Δ)`.
///
/// Tango (1998), *Equivalence test and confidence interval for the difference in proportions for the paired-sample
/// design*.
pub fn paired_difference(images: u64, only_first: u64, only_second: u64) -> Option<Difference> {
    assert!(only_first + only_second <= images, "{only_first} and {only_second} of {images} images");
    if images == 0 {
        return None;
    }
    let [n, b, c] = [images, only_first, only_second].map(|count| count as f64);
    let score = |delta: f64| {
        let linear = (2.0 * n - b + c) * delta - b - c;
        let last = c * delta * (1.0 - delta);
        let root = (linear * linear + 8.0 * n * last).max(0.0).sqrt();
        // Of the two forms of the solution the one that subtracts nothing.
        let q = if linear > 0.0 { 2.0 * last / (linear + root) } else { (root - linear) / (4.0 * n) };
        (b - c - n * delta) / (n * (2.0 * q + delta * (1.0 - delta))).sqrt()
    };
    let value = (b - c) / n;
    // The score falls as the difference grows.
    let low = bisect(-1.0, value, |delta| score(delta) > Z);
    let high = bisect(value, 1.0, |delta| score(delta) > -Z);
    Some(Difference::new(value, [low, high]))
}

/// Difference of two accuracies on different images, each as the number of right ones and of all. None without images.
///
/// From the distances of both shares to the ends of their Wilson intervals:
/// `p₁ − p₂ − √((p₁ − l₁)² + (u₂ − p₂)²)` to `p₁ − p₂ + √((u₁ − p₁)² + (p₂ − l₂)²)`.
///
/// Newcombe (1998), *Interval estimation for the difference between independent proportions*, method 10.
pub fn independent_difference(first: [u64; 2], second: [u64; 2]) -> Option<Difference> {
    let both = [first, second];
    assert!(both.iter().all(|[right, all]| right <= all), "{both:?} right of all images");
    if both.iter().any(|&[_, all]| all == 0) {
        return None;
    }
    let [p1, p2] = both.map(|[right, all]| right as f64 / all as f64);
    let [[l1, u1], [l2, u2]] = both.map(|[right, all]| wilson(right, all));
    let value = p1 - p2;
    Some(Difference::new(value, [value - libm::hypot(p1 - l1, u2 - p2), value + libm::hypot(u1 - p1, p2 - l2)]))
}

/// Difference of the means of two groups of figures, one figure for each seed. None if a group has fewer than two, if
/// none of them scatters at all, or if one is not finite.
///
/// `x̄ − ȳ ± t √(s²ₓ/m + s²ᵧ/n)`, `t` with `(vₓ + vᵧ)² / (vₓ²/(m−1) + vᵧ²/(n−1))` degrees of freedom, `v` being the two terms.
///
/// Welch (1947), *The generalization of "Student's" problem when several different population variances are involved*.
pub fn welch(first: &[f64], second: &[f64]) -> Option<Difference> {
    let ([m1, v1], [m2, v2]) = (mean(first)?, mean(second)?);
    let freedom = (v1 + v2).powi(2) / (v1 * v1 / (first.len() - 1) as f64 + v2 * v2 / (second.len() - 1) as f64);
    around(m1 - m2, (v1 + v2).sqrt(), freedom)
}

/// Difference of the means of two groups of figures, the `i`th of both with the same seed. None if there are fewer than two
/// pairs, if all differ by the same, or if one is not finite.
///
/// `d̄ ± t s_d/√n` with `n − 1` degrees of freedom.
///
/// Student (1908), *The probable error of a mean*.
pub fn paired_means(first: &[f64], second: &[f64]) -> Option<Difference> {
    assert_eq!(first.len(), second.len(), "pairs have two figures each");
    let differences: Vec<_> = first.iter().zip(second).map(|(x, y)| x - y).collect();
    let [mean, variance] = mean(&differences)?;
    around(mean, variance.sqrt(), (differences.len() - 1) as f64)
}

/// Mean, and the variance of the mean.
fn mean(values: &[f64]) -> Option<[f64; 2]> {
    if values.len() < 2 || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some([mean, squares / (n - 1.0) / n])
}

fn around(value: f64, error: f64, freedom: f64) -> Option<Difference> {
    // Rounding of equal figures is no scatter.
    if error.is_nan() || error <= 1e-12 * value.abs().max(1e-3) {
        return None;
    }
    let half = student_quantile(freedom) * error;
    Some(Difference::new(value, [value - half, value + half]))
}

/// The 97.5 % quantile of Student's distribution with `freedom` ≥ 1 degrees of freedom, which need not be whole.
fn student_quantile(freedom: f64) -> f64 {
    // P(|T| > t) = I(freedom / (freedom + t²); freedom / 2, 1/2); with one degree of freedom t is 12.7.
    bisect(1.9, 13.0, |t| incomplete_beta(freedom / (freedom + t * t), freedom / 2.0, 0.5) > 0.05)
}

/// Point at which `is_below` turns from true to false, by bisection.
fn bisect(mut low: f64, mut high: f64, is_below: impl Fn(f64) -> bool) -> f64 {
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if is_below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// The regularized incomplete beta function `I_x(a, b)` for `x` in [0, 1].
///
/// Its continued fraction, evaluated from the front (Lentz's method). *NIST Digital Library of Mathematical Functions*,
/// 8.17.22 and 8.17.4.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let log = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * libm::log(x) + b * libm::log(1.0 - x);
    let front = libm::exp(log) / a;
    let coefficient = |i: u32| {
        let m = f64::from(i / 2);
        if i.is_multiple_of(2) {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        }
    };
    // 1 / (1 + d₁ / (1 + d₂ / …)) as a product of ratios of successive numerators and denominators.
    let (mut value, mut over, mut under) = (1.0, 1.0, 0.0);
    for i in 1..10_000 {
        let d = coefficient(i);
        under = 1.0 / (1.0 + d * under);
        over = 1.0 + d / over;
        let ratio: f64 = over * under;
        value *= ratio;
        if (ratio - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front / value
}

/// `ln Γ(x)` for `x > 0`.
///
/// Stirling's series, for small `x` moved up with `Γ(x + 1) = x Γ(x)`. *NIST Digital Library of Mathematical Functions*,
/// 5.11.1.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 12.0 {
        product *= x;
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let terms = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0];
    let series = terms.iter().rev().fold(0.0, |sum, term| sum * square + term) / x;
    (x - 0.5) * libm::log(x) - x + 0.5 * libm::log(std::f64::consts::TAU) + series - libm::log(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance * expected.abs().max(1e-300), "{found} instead of {expected}");
    }

    #[track_caller]
    fn same(found: Option<Difference>, [low, high]: [f64; 2], tolerance: f64) {
        let found = found.unwrap();
        assert!((found.low - low).abs() < tolerance && (found.high - high).abs() < tolerance, "{found:?}");
        assert_eq!(found.settled, low > 0.0 || high < 0.0);
        assert!(found.low <= found.value && found.value <= found.high);
    }

    /// statsmodels 0.15.0: `mcnemar([[0, b], [c, 0]], exact=True).pvalue`.
    #[test]
    fn mcnemar_is_exact() {
        for (b, c, p) in [
            (0, 0, 1.0),
            (0, 1, 1.0),
            (3, 3, 1.0),
            (1, 9, 0.021_484_375),
            (2, 10, 0.038_574_218_75),
            (12, 25, 0.047_031_027_439_516_04),
            (311, 149, 3.312_549_579_603_819e-14),
            (5000, 5000, 1.0),
            (4900, 5100, 0.046_585_527_704_946_45),
            (4800, 5200, 6.593_515_598_672_343e-5),
        ] {
            near(mcnemar(b, c), p, 1e-9);
            assert_eq!(mcnemar(b, c), mcnemar(c, b));
        }
        assert_eq!(mcnemar(0, 10_000), 0.0);
    }

    /// scipy 1.17.1, from the definition: `brentq` of the score minus or plus `norm.ppf(0.975)`, with `minimize_scalar` over `q`
    /// of `-(b log(q + d) + c log q + (n - b - c) log(1 - 2q - d))` for its likeliest value.
    #[test]
    fn the_paired_interval_is_that_of_the_score_test() {
        for (n, b, c, interval) in [
            (10_000, 311, 149, [0.012_052_059_28, 0.020_464_292_85]),
            (100, 8, 3, [-0.017_456_877_07, 0.125_338_331_29]),
            (50, 0, 0, [-0.071_347_603_2, 0.071_347_599_1]),
            (44, 0, 1, [-0.118_077_101_37, 0.059_393_231_12]),
            (10_000, 20, 21, [-0.001_416_165_42, 0.001_207_713_47]),
            (30, 30, 0, [0.772_973_215_37, 1.0]),
            (1000, 0, 12, [-0.020_857_268_75, -0.006_877_647_7]),
            (10, 9, 1, [0.191_699_950_8, 0.964_247_573_62]),
        ] {
            same(paired_difference(n, b, c), interval, 2e-8);
            same(paired_difference(n, c, b), [-interval[1], -interval[0]], 2e-8);
        }
        // Without any difference the score test has a closed form, z² / (n + z²).
        same(paired_difference(50, 0, 0), [-Z * Z / (50.0 + Z * Z), Z * Z / (50.0 + Z * Z)], 1e-12);
        assert_eq!(paired_difference(0, 0, 0), None);
    }

    /// statsmodels 0.15.0: `confint_proportions_2indep(56, 70, 48, 80, method="newcomb", compare="diff")`.
    #[test]
    fn the_independent_interval_is_newcombes() {
        for (first, second, interval) in [
            ([56, 70], [48, 80], [0.052_431_472_402, 0.333_872_654_037]),
            ([8900, 10_000], [8850, 10_000], [-0.003_760_792_667, 0.013_762_157_186]),
            ([0, 10], [0, 10], [-0.277_532_799_863, 0.277_532_799_863]),
            ([10, 10], [0, 20], [0.679_086_037_142, 1.0]),
            ([9, 10], [3, 10], [0.170_522_723_935, 0.809_017_973_535]),
            ([5, 56], [0, 29], [-0.038_137_147_904, 0.192_560_013_855]),
        ] {
            same(independent_difference(first, second), interval, 1e-11);
        }
        assert_eq!(independent_difference([0, 0], [1, 2]), None);
    }

    /// scipy 1.17.1: `ttest_ind(x, y, equal_var=False).confidence_interval()`, `ttest_rel(x, y).confidence_interval()`.
    #[test]
    fn groups_of_seeds_differ_by_students_intervals() {
        let (x, y) = ([0.89, 0.892, 0.887, 0.894, 0.891], [0.882, 0.886, 0.879, 0.885, 0.884]);
        same(welch(&x, &y), [0.003_683_293_751_145, 0.011_516_706_248_855], 1e-13);
        same(paired_means(&x, &y), [0.006_184_285_223_018, 0.009_015_714_776_982], 1e-13);
        same(welch(&[0.89, 0.88], &[0.87, 0.9, 0.91]), [-0.053_648_860_571_474, 0.036_982_193_904_807], 1e-13);
        same(welch(&[0.5, 0.5, 0.5], &[0.4, 0.41]), [0.031_468_976_319_127, 0.158_531_023_680_873], 1e-12);
    }

    #[test]
    fn what_cannot_be_judged_is_none() {
        assert_eq!(welch(&[0.9], &[0.1, 0.2]), None);
        assert_eq!(welch(&[], &[]), None);
        assert_eq!(welch(&[0.9, f64::NAN], &[0.1, 0.2]), None);
        // The same run twice shows no scatter, which is not certainty.
        assert_eq!(welch(&[0.9, 0.9], &[0.1, 0.1]), None);
        assert_eq!(paired_means(&[0.9], &[0.1]), None);
        assert_eq!(paired_means(&[0.3, 0.4, 0.5], &[0.2, 0.3, 0.4]), None);
    }

    /// scipy 1.17.1: `t.ppf(0.975, df)`.
    #[test]
    fn students_quantiles_are_right_for_few_and_many_seeds() {
        for (freedom, t) in [
            (1.0, 12.706_204_736_174_694),
            (2.0, 4.302_652_729_749_462),
            (3.0, 3.182_446_305_283_708),
            (4.5, 2.658_912_347_204_403),
            (7.9, 2.311_094_927_866_423),
            (30.0, 2.042_272_456_301_238),
            (1000.0, 1.962_339_080_826_408),
            (1e6, 1.959_966_356_814_107),
        ] {
            near(student_quantile(freedom), t, 1e-10);
        }
    }
}
