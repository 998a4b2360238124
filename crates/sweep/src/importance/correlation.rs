//! Linear correlation and how sure it is.

/// A correlation coefficient with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlation {
    /// Pearson's coefficient, in `[-1, 1]`.
    pub value: f64,
    /// Its 95 % confidence interval.
    pub interval: [f64; 2],
}

/// The correlation of `x` and `y`; none for fewer than four pairs or where one of them does not vary.
///
/// The interval is that of the coefficient's inverse hyperbolic tangent, whose deviation is `1 / √(n − 3)` (Fisher, 1921).
pub fn correlation(x: &[f64], y: &[f64]) -> Option<Correlation> {
    let n = x.len();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n as f64;
    let (mean_x, mean_y) = (mean(x), mean(y));
    let sum = |f: fn(f64, f64) -> f64| x.iter().zip(y).map(|(x, y)| f(x - mean_x, y - mean_y)).sum::<f64>();
    let (xx, yy, xy) = (sum(|x, _| x * x), sum(|_, y| y * y), sum(|x, y| x * y));
    let value = (xy / (xx * yy).sqrt()).clamp(-1.0, 1.0);
    if n < 4 || !value.is_finite() {
        return None;
    }
    let reach = 1.959_963_984_540_054 / (n as f64 - 3.0).sqrt();
    let interval = if value.abs() < 1.0 {
        [-reach, reach].map(|reach| libm::tanh(libm::atanh(value) + reach))
    } else {
        [value, value]
    };
    Some(Correlation { value, interval })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coefficient_and_its_interval_are_those_of_the_books() {
        // Anscombe (1973), first data set: r = 0.81642; scipy.stats.pearsonr's interval.
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
        let found = correlation(&x, &y).unwrap();
        assert!((found.value - 0.816_420_516).abs() < 1e-8, "{found:?}");
        assert!(
            (found.interval[0] - 0.424_391_213).abs() < 1e-6 && (found.interval[1] - 0.950_693_254).abs() < 1e-6,
            "{found:?}"
        );
    }

    #[test]
    fn what_does_not_vary_or_is_too_little_has_none() {
        assert_eq!(correlation(&[1.0; 9], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]), None);
        assert_eq!(correlation(&[1.0, 2.0, 3.0], &[1.0, 2.0, 4.0]), None);
        let line = correlation(&[1.0, 2.0, 3.0, 4.0], &[2.0, 4.0, 6.0, 8.0]).unwrap();
        assert!(line.value > 0.999_999 && line.interval[0] > 0.9);
    }
}
