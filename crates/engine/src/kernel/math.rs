//! Elementary functions as straight-line code, which the compiler turns into vector instructions.
//!
//! All are accurate to a few units in the last place (`normal_share` to as much of 1), pass NaN through, and
//! are our own so that results do not depend on the C library of a machine. Every branch is computed and one
//! is selected.

/// `eˣ`.
///
/// Arguments are clamped to [−87.3, 88.3]: the result is at least 1.2 · 10⁻³⁸, a normal number, and finite.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let (power, rest) = exp_parts(x);
    (rest + 1.0) * power
}

/// `eˣ − 1`, exact also where it is nearly `x`.
#[inline(always)]
pub(crate) fn exp_m1(x: f32) -> f32 {
    let (power, rest) = exp_parts(x);
    rest * power + (power - 1.0)
}

/// `2ⁿ` and `eʳ − 1`, where `x = n ln 2 + r` and `|r| ≤ ln 2 / 2`; Taylor polynomial of degree 7 for `eʳ`.
#[inline(always)]
fn exp_parts(x: f32) -> (f32, f32) {
    const LOW: f32 = -87.3;
    const HIGH: f32 = 88.3;
    // ln 2 in two parts: n · LN_2_HIGH is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Adding and subtracting 1.5 · 2²³ rounds to the nearest integer in any instruction set.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < LOW { LOW } else { x };
    let x = if x > HIGH { HIGH } else { x };
    let n = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let p = 1.0 / 5_040.0;
    let p = p * r + 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = p * r + 1.0;
    // The bits of n + ROUND end in n: moved to the exponent they are 2ⁿ.
    let power = f32::from_bits(((n + ROUND).to_bits().wrapping_add(127)) << 23);
    (power, p * r)
}

/// `ln x` for positive, normal `x`: `x = m · 2ᵉ` with `m` in `[√½, √2)`, and `ln m = 2 artanh((m − 1) / (m + 1))`.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let bits = x.to_bits().wrapping_sub(SQRT_HALF);
    let e = (bits as i32) >> 23;
    let m = f32::from_bits((bits & 0x007f_ffff) + SQRT_HALF);
    let y = e as f32 * std::f32::consts::LN_2 + twice_artanh((m - 1.0) / (m + 1.0));
    if x > 0.0 { y } else { f32::NAN }
}

/// `ln(1 + t)` for `t` in `[0, 1]`.
#[inline(always)]
pub(crate) fn ln_1p(t: f32) -> f32 {
    twice_artanh(t / (2.0 + t))
}

/// `2 artanh s = 2 (s + s³/3 + s⁵/5 + …)` for `|s| ≤ 1/3`, where the first term left out is below 10⁻⁸.
#[inline(always)]
fn twice_artanh(s: f32) -> f32 {
    let q = s * s;
    let p = 1.0 / 13.0;
    let p = p * q + 1.0 / 11.0;
    let p = p * q + 1.0 / 9.0;
    let p = p * q + 1.0 / 7.0;
    let p = p * q + 1.0 / 5.0;
    let p = p * q + 1.0 / 3.0;
    let p = p * q + 1.0;
    2.0 * s * p
}

/// `tanh x`: Lambert's continued fraction (1768) to its seventh level for `|x| < 1`, else `(e²ˣ − 1) / (e²ˣ + 1)`.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let q = x * x;
    let near = x * (((q + 378.0) * q + 17_325.0) * q + 135_135.0);
    let near_under = ((28.0 * q + 3_150.0) * q + 62_370.0) * q + 135_135.0;
    // Beyond ±10 the result is ±1 in single precision.
    let clamped = if x.abs() > 10.0 { 10.0_f32.copysign(x) } else { x };
    let e = exp(2.0 * clamped);
    let is_near = x.abs() < 1.0;
    let over = if is_near { near } else { e - 1.0 };
    let under = if is_near { near_under } else { e + 1.0 };
    over / under
}

/// `1 / (1 + e⁻ˣ)`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `Φ(x)`, the share of a standard normal below `x`, to 3 · 10⁻⁷.
///
/// `½ erfc(|x|/√2)` by Hastings (1955), in Abramowitz & Stegun 7.1.26.
#[inline(always)]
pub(crate) fn normal_share(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152;
    let p = p * t + 1.421_413_7;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    let tail = 0.5 * p * t * exp(-z * z);
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// `φ(x) = e^(−x²/2) / √(2π)`, the density of a standard normal.
#[inline(always)]
pub(crate) fn normal_density(x: f32) -> f32 {
    const FRAC_1_SQRT_TAU: f32 = 0.398_942_3;
    FRAC_1_SQRT_TAU * exp(-0.5 * x * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error of `ours` over a grid on `[low, high]`, relative to `1.max(|theirs|)` if `absolute`.
    fn worst(ours: fn(f32) -> f32, theirs: fn(f64) -> f64, low: f32, high: f32, absolute: bool) -> f64 {
        (0..=200_000)
            .map(|i| low + (high - low) * (i as f32 / 200_000.0))
            .map(|x| {
                let (a, b) = (f64::from(ours(x)), theirs(f64::from(x)));
                (a - b).abs() / if absolute { b.abs().max(1.0) } else { b.abs().max(1e-30) }
            })
            .fold(0.0, f64::max)
    }

    /// Φ by its Taylor series around 0, exact to 10⁻¹² for |x| ≤ 6.
    fn exact_normal_share(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= x * x / f64::from(2 * n + 1);
            sum += term;
        }
        0.5 + sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
    }

    #[test]
    fn functions_are_as_exact_as_single_precision_lets_them_be() {
        assert!(worst(exp, f64::exp, -87.0, 88.0, false) < 3e-7);
        assert!(worst(exp_m1, f64::exp_m1, -87.0, 0.0, false) < 4e-7);
        assert!(worst(exp_m1, f64::exp_m1, -1e-3, 1e-3, false) < 2e-7);
        assert!(worst(ln, f64::ln, 1e-30, 1e3, true) < 2e-7);
        assert!(worst(ln, f64::ln, 0.5, 2.0, true) < 2e-7);
        assert!(worst(ln_1p, f64::ln_1p, 0.0, 1.0, false) < 3e-7);
        assert!(worst(tanh, f64::tanh, -20.0, 20.0, false) < 4e-7);
        assert!(worst(tanh, f64::tanh, -1e-3, 1e-3, false) < 4e-7);
        assert!(worst(sigmoid, |x| 1.0 / (1.0 + (-x).exp()), -80.0, 80.0, false) < 4e-7);
        assert!(worst(normal_share, exact_normal_share, -6.0, 6.0, true) < 3e-7);
    }

    #[test]
    fn ends_of_the_range_are_finite_and_nan_stays_nan() {
        assert_eq!((tanh(1e9), tanh(-1e9), sigmoid(1e9)), (1.0, -1.0, 1.0));
        assert!(sigmoid(-1e9) < 1e-37 && exp(-1e9) < 1e-37 && exp(f32::NEG_INFINITY) < 1e-37);
        assert!([exp, exp_m1, ln, tanh, sigmoid, normal_share, normal_density].iter().all(|f| f(f32::NAN).is_nan()));
        assert!(exp(1e9).is_finite() && tanh(f32::INFINITY) == 1.0);
    }
}
