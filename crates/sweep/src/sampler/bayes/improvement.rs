//! Expected improvement of a point over the best.

use std::f64::consts::{PI, SQRT_2};

use super::process::Belief;

/// Logarithm of the improvement that is expected below `best`.
///
/// `ln s + ln(φ(z) + z Φ(z))` with `z = (best − mean) / s` (Ament et al., 2023, *Unexpected Improvements to Expected
/// Improvement for Bayesian Optimization*): unlike the improvement itself it tells points apart that are all hopeless.
pub(crate) fn log_expected(belief: Belief, best: f64) -> f64 {
    let z = (best - belief.mean) / belief.deviation;
    libm::log(belief.deviation) + log_mills(z)
}

/// `ln(φ(z) + z Φ(z))`.
fn log_mills(z: f64) -> f64 {
    let log_density = -0.5 * z * z - 0.5 * libm::log(2.0 * PI);
    if z > -12.0 {
        let share = 0.5 * libm::erfc(-z / SQRT_2);
        libm::log(libm::exp(log_density) + z * share)
    } else {
        // The first terms of the asymptotic series, where the sum above would cancel.
        let u = 1.0 / (z * z);
        log_density + libm::log(u * (1.0 - 3.0 * u + 15.0 * u * u))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_right_where_the_improvement_can_be_told_and_goes_on_beyond() {
        // Integral of the positive part by the trapezoidal rule.
        for (mean, deviation) in [(0.0, 1.0), (1.5, 0.5), (-0.3, 2.0)] {
            let step = 1e-4;
            let improvement: f64 = (0..200_000)
                .map(|i| {
                    let gain = f64::from(i) * step;
                    let z: f64 = (-gain - mean) / deviation;
                    gain * (-0.5 * z * z).exp() / (deviation * (2.0 * PI).sqrt()) * step
                })
                .sum();
            let found = log_expected(Belief { mean, deviation }, 0.0);
            assert!((found - improvement.ln()).abs() < 1e-5, "{found} {}", improvement.ln());
        }
        let far: Vec<f64> = (0..400).map(|i| log_mills(-0.1 * f64::from(i))).collect();
        assert!(far.windows(2).all(|pair| pair[0] > pair[1] && pair[1].is_finite()));
        assert!((log_mills(-12.001) - log_mills(-11.999)).abs() < 0.05, "the two formulas meet");
    }
}
