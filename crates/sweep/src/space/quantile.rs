//! Values at positions in `[0, 1]`, and positions of values.

use serde_json::Value;
use statrs::distribution::{Beta, ContinuousCDF as _, Normal};

use super::{Distribution, identity};

/// End of an unbounded distribution: half a unit in the last place of 1 away from 0 and 1.
const EDGE: f64 = f64::EPSILON / 2.0;

impl Distribution {
    /// The value at position `u` in `[0, 1]`: the inverse of the cumulative distribution function.
    ///
    /// Whole numbers of whole-numbered distributions are JSON integers. A bounded distribution gives nothing outside its
    /// bounds, but rounding to a multiple may, as it does at W&B.
    pub fn at(&self, u: f64) -> Value {
        let u = if u.is_nan() { 0.0 } else { u.clamp(0.0, 1.0) };
        match self {
            Self::Constant(value) => value.clone(),
            Self::Categorical(values, None) => {
                values.get(step(u, values.len() as u64) as usize).cloned().unwrap_or_default()
            }
            Self::Categorical(values, Some(shares)) => {
                let sums = sums(shares);
                // Shares may sum to a little less than 1; what is left belongs to the last that has a share.
                let index = sums.iter().position(|&sum| u < sum);
                let index = index.or_else(|| shares.iter().rposition(|&share| share > 0.0));
                index.and_then(|index| values.get(index)).cloned().unwrap_or_default()
            }
            Self::IntUniform(min, max) => min.saturating_add_unsigned(step(u, count(*min, *max))).min(*max).into(),
            Self::QUniform(.., q) | Self::QLogUniform(.., q) | Self::QLogUniformValues(.., q) => {
                multiple(self.quantile(u), *q)
            }
            Self::QNormal(.., q) | Self::QLogNormal(.., q) | Self::QBeta(.., q) => multiple(self.quantile(u), *q),
            _ => finite(self.quantile(u)).into(),
        }
    }

    /// The position of `value`, or none if it is not one that the distribution can be asked about: not in the list, or
    /// not a number. That of a category is where its share ends; that of a constant is 0.
    pub fn cdf(&self, value: &Value) -> Option<f64> {
        let wanted = identity(value);
        let index = |values: &[Value]| values.iter().position(|known| identity(known) == wanted);
        let linear = |x: f64, min: f64, max: f64| ((x - min) / (max - min)).clamp(0.0, 1.0);
        let position = match self {
            Self::Constant(constant) => return (identity(constant) == wanted).then_some(0.0),
            Self::Categorical(values, None) => (index(values)? + 1) as f64 / values.len() as f64,
            Self::Categorical(values, Some(shares)) => sums(shares).get(index(values)?)?.min(1.0),
            Self::IntUniform(min, max) => {
                let x = value.as_f64()?.floor();
                ((x - *min as f64 + 1.0) / count(*min, *max) as f64).clamp(0.0, 1.0)
            }
            Self::Uniform(min, max) | Self::QUniform(min, max, _) => linear(value.as_f64()?, *min, *max),
            Self::LogUniform(min, max) | Self::QLogUniform(min, max, _) => linear(log(value)?, *min, *max),
            Self::InvLogUniform(min, max) => linear(log(value)?, -max, -min),
            Self::LogUniformValues(min, max)
            | Self::QLogUniformValues(min, max, _)
            | Self::InvLogUniformValues(min, max) => linear(log(value)?, libm::log(*min), libm::log(*max)),
            Self::Normal(mean, deviation) | Self::QNormal(mean, deviation, _) => {
                below((value.as_f64()? - mean) / deviation)
            }
            Self::LogNormal(mean, deviation) | Self::QLogNormal(mean, deviation, _) => {
                below((log(value)? - mean) / deviation)
            }
            Self::Beta(a, b) | Self::QBeta(a, b, _) => {
                let x = value.as_f64()?.clamp(0.0, 1.0);
                Beta::new(*a, *b).map_or(x, |beta| beta.cdf(x))
            }
        };
        position.is_finite().then_some(position)
    }

    /// Every value that may be drawn, or none if they are infinitely many or more than `most`.
    pub fn support(&self, most: u64) -> Option<Vec<Value>> {
        let listed = match self {
            Self::Constant(value) => vec![value.clone()],
            Self::Categorical(values, None) => values.clone(),
            Self::Categorical(values, Some(shares)) => {
                let drawn = values.iter().zip(shares).filter(|(_, share)| **share > 0.0);
                drawn.map(|(value, _)| value.clone()).collect()
            }
            Self::IntUniform(min, max) => {
                let count = count(*min, *max);
                (0..if count <= most { count } else { return None })
                    .map(|step| min.saturating_add_unsigned(step).into())
                    .collect()
            }
            Self::QUniform(.., q) | Self::QLogUniform(.., q) | Self::QLogUniformValues(.., q) | Self::QBeta(.., q) => {
                let [low, high] = [0.0, 1.0].map(|u| (self.quantile(u) / q).round_ties_even());
                let count = high - low + 1.0;
                if !(1.0..=most as f64).contains(&count) {
                    return None;
                }
                (0..count as u64).map(|step| multiple((low + step as f64) * q, *q)).collect()
            }
            _ => return None,
        };
        (listed.len() as u64 <= most).then_some(listed)
    }

    /// The number at position `u` before it is rounded to a multiple.
    fn quantile(&self, u: f64) -> f64 {
        let between = |min: f64, max: f64| (min + u * (max - min)).clamp(min, max);
        match self {
            Self::Uniform(min, max) | Self::QUniform(min, max, _) => between(*min, *max),
            Self::LogUniform(min, max) | Self::QLogUniform(min, max, _) => libm::exp(between(*min, *max)),
            Self::InvLogUniform(min, max) => libm::exp(-(min + (1.0 - u) * (max - min))),
            Self::LogUniformValues(min, max)
            | Self::QLogUniformValues(min, max, _)
            | Self::InvLogUniformValues(min, max) => {
                libm::exp(between(libm::log(*min), libm::log(*max))).clamp(*min, *max)
            }
            Self::Normal(mean, deviation) | Self::QNormal(mean, deviation, _) => mean + deviation * standard(u),
            Self::LogNormal(mean, deviation) | Self::QLogNormal(mean, deviation, _) => {
                libm::exp(mean + deviation * standard(u))
            }
            Self::Beta(a, b) | Self::QBeta(a, b, _) => Beta::new(*a, *b).map_or(u, |beta| inverse(|x| beta.cdf(x), u)),
            Self::Constant(_) | Self::Categorical(..) | Self::IntUniform(..) => {
                unreachable!("they are no numbers on a line")
            }
        }
    }
}

/// Number of whole numbers in `[min, max]`.
pub(super) fn count(min: i64, max: i64) -> u64 {
    max.abs_diff(min).saturating_add(1)
}

/// Index of the one of `count` equal steps from 0 to 1 that holds `u`; an edge belongs to the step below it.
fn step(u: f64, count: u64) -> u64 {
    let step = ((u * count as f64).ceil() - 1.0).max(0.0) as u64;
    // `u` may be an edge whose product with the count is rounded up.
    let lower = step.saturating_sub(1);
    let step = if (lower + 1) as f64 / count as f64 >= u { lower } else { step };
    step.min(count.saturating_sub(1))
}

/// Running sums.
fn sums(shares: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    shares
        .iter()
        .map(|share| {
            sum += share;
            sum
        })
        .collect()
}

/// `x` rounded to a multiple of `q`, half to even.
fn multiple(x: f64, q: f64) -> Value {
    const EXACT: f64 = (1_u64 << 53) as f64;
    let x = finite((x / q).round_ties_even() * q);
    if q.fract() == 0.0 && x.abs() <= EXACT { Value::from(x as i64) } else { Value::from(x) }
}

/// JSON has no infinity.
fn finite(x: f64) -> f64 {
    if x.is_nan() { 0.0 } else { x.clamp(f64::MIN, f64::MAX) }
}

/// Logarithm of a positive number; that of 0 or less is where nothing is.
fn log(value: &Value) -> Option<f64> {
    let x = value.as_f64()?;
    Some(if x > 0.0 { libm::log(x) } else { f64::MIN })
}

fn standard(u: f64) -> f64 {
    Normal::standard().inverse_cdf(u.clamp(EDGE, 1.0 - EDGE))
}

fn below(z: f64) -> f64 {
    // A deviation of 0: all is at the mean.
    if z.is_nan() { 1.0 } else { Normal::standard().cdf(z) }
}

/// Argument in `[0, 1]` at which a rising function reaches `u`. The inverse of the beta distribution in `statrs` panics
/// at small shapes.
fn inverse(rising: impl Fn(f64) -> f64, u: f64) -> f64 {
    // Positive floats are ordered as their bits are, so that tiny values are found as exactly as others.
    let (mut low, mut high) = (0_u64, 1_f64.to_bits());
    while low < high {
        let middle = low + (high - low) / 2;
        if rising(f64::from_bits(middle)) < u { low = middle + 1 } else { high = middle }
    }
    f64::from_bits(low)
}
