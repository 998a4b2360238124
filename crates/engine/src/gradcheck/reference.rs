//! Reference implementation of a network and its derivatives in double precision, written from the definitions.
//!
//! Shares nothing with the kernels. Numbers are complex for the sake of the *complex step* (Squire & Trapp,
//! 1998, *Using Complex Variables to Estimate Derivatives of Real Functions*): for an analytic function
//! `f(w + ih) = f(w) + ih f'(w) − h² f''(w)/2 …`, so `Im f(w + ih) / h` is `f'(w)` up to `h²`. No two close
//! numbers are subtracted, so `h` can be so small that `h²` vanishes, and the derivative is as exact as `f`,
//! also where it is a billionth of it. Real parts never move: no unit is pushed over a kink.

use std::ops::{Add, Div, Mul, Sub};

use crate::activation::Activation;
use crate::dataset::Dataset;
use crate::loss::LossKind;
use crate::network::{Network, Tensors};

/// The imaginary step, h: its square is nothing beside any `f64` that occurs here.
const STEP: f64 = 1e-40;

/// A complex number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Complex {
    pub(crate) re: f64,
    pub(crate) im: f64,
}

impl Complex {
    const ZERO: Self = Self::real(0.0);
    const ONE: Self = Self::real(1.0);

    /// A real number.
    pub(crate) const fn real(re: f64) -> Self {
        Self { re, im: 0.0 }
    }

    fn exp(self) -> Self {
        let size = libm::exp(self.re);
        Self { re: size * libm::cos(self.im), im: size * libm::sin(self.im) }
    }

    fn ln(self) -> Self {
        Self { re: libm::log(libm::hypot(self.re, self.im)), im: libm::atan2(self.im, self.re) }
    }

    /// `erf z = 2/√π · e^(−z²) · Σ 2ⁿ z²ⁿ⁺¹ / (2n+1)!!`, whose terms have one sign on the real axis.
    fn erf(self) -> Self {
        if self.re.abs() > 6.0 {
            return Self::real(self.re.signum()); // to the last bit of f64
        }
        let square = self * self;
        let (mut term, mut sum, mut n) = (self, self, 1.0);
        while term.re.abs() > 1e-18 * sum.re.abs() {
            term = term * square * Self::real(2.0 / (2.0 * n + 1.0));
            sum = sum + term;
            n += 1.0;
        }
        Self::real(std::f64::consts::FRAC_2_SQRT_PI) * (Self::ZERO - square).exp() * sum
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        Self { re: self.re + b.re, im: self.im + b.im }
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        Self { re: self.re - b.re, im: self.im - b.im }
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        Self { re: self.re * b.re - self.im * b.im, im: self.re * b.im + self.im * b.re }
    }
}

impl Div for Complex {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let size = b.re * b.re + b.im * b.im;
        let product = self * Self { re: b.re, im: -b.im };
        Self { re: product.re / size, im: product.im / size }
    }
}

/// `f(z)`.
pub(crate) fn activate(f: &Activation, z: Complex) -> Complex {
    let sigmoid = |z| Complex::ONE / (Complex::ONE + (Complex::ZERO - z).exp());
    match f {
        Activation::Identity(_) => z,
        Activation::Sigmoid(_) => sigmoid(z),
        Activation::Tanh(_) => {
            let e = (Complex::real(-2.0 * z.re.signum()) * z).exp();
            Complex::real(z.re.signum()) * (Complex::ONE - e) / (Complex::ONE + e)
        }
        Activation::Relu(_) => Complex::real(if z.re > 0.0 { 1.0 } else { 0.0 }) * z,
        Activation::LeakyRelu(_) => Complex::real(if z.re > 0.0 { 1.0 } else { 0.01 }) * z,
        Activation::Elu(_) if z.re > 0.0 => z,
        Activation::Elu(_) => z.exp() - Complex::ONE,
        Activation::Gelu(_) => {
            let share = Complex::ONE + (z * Complex::real(std::f64::consts::FRAC_1_SQRT_2)).erf();
            Complex::real(0.5) * z * share
        }
        Activation::Silu(_) => z * sigmoid(z),
        Activation::Softplus(_) if z.re > 0.0 => z + (Complex::ONE + (Complex::ZERO - z).exp()).ln(),
        Activation::Softplus(_) => (Complex::ONE + z.exp()).ln(),
    }
}

/// `f'(x)`, by a complex step.
#[cfg(test)]
pub(crate) fn slope(f: &Activation, x: f64) -> f64 {
    activate(f, Complex { re: x, im: STEP }).im / STEP
}

/// The loss of one image with these scores.
fn row_loss(loss: &LossKind, scores: &[Complex], label: usize) -> Complex {
    let top = Complex::real(scores.iter().map(|s| s.re).fold(f64::NEG_INFINITY, f64::max));
    let exponents = scores.iter().map(|&s| (s - top).exp());
    let total = exponents.clone().fold(Complex::ZERO, Add::add);
    match loss {
        LossKind::CrossEntropy(_) => total.ln() - (scores[label] - top),
        LossKind::MeanSquaredError(_) => {
            let squares = exponents.enumerate().map(|(class, e)| {
                let error = e / total - if class == label { Complex::ONE } else { Complex::ZERO };
                error * error
            });
            squares.fold(Complex::ZERO, Add::add) / Complex::real(scores.len() as f64)
        }
    }
}

/// A network and a batch, as numbers.
pub(crate) struct Reference<'a> {
    sizes: Vec<usize>,
    activation: &'a Activation,
    loss: &'a LossKind,
    /// Weight and bias of each layer in turn.
    parameters: Vec<Vec<Complex>>,
    /// Inputs (B, I).
    x: Vec<Complex>,
    /// Labels (B).
    labels: Vec<usize>,
}

impl<'a> Reference<'a> {
    /// `network` on the images `rows` of `data`.
    pub(crate) fn new(network: &'a Network, loss: &'a LossKind, data: &Dataset, rows: &[u32]) -> Self {
        let complex = |values: &[f32]| values.iter().map(|&w| Complex::real(f64::from(w))).collect();
        let pixels = rows.iter().flat_map(|&row| data.image(row as usize));
        Self {
            sizes: network.sizes(),
            activation: network.activation(),
            loss,
            parameters: network.tensors().iter().flat_map(|t| [complex(&t.weight), complex(&t.bias)]).collect(),
            x: pixels.map(|&pixel| Complex::real(f64::from(pixel) / 255.0)).collect(),
            labels: rows.iter().map(|&row| usize::from(data.labels[row as usize])).collect(),
        }
    }

    /// Sums (B, O) that layer `layer` makes of `x` (B, I): `x · Wᵀ + b`.
    fn sums(&self, layer: usize, x: &[Complex]) -> Vec<Complex> {
        let (inputs, outputs) = (self.sizes[layer], self.sizes[layer + 1]);
        let (weight, bias) = (&self.parameters[2 * layer], &self.parameters[2 * layer + 1]);
        let dot = |x: &[Complex], o: usize| {
            let weights = &weight[o * inputs..][..inputs];
            x.iter().zip(weights).fold(bias[o], |sum, (&x, &w)| sum + x * w)
        };
        x.chunks_exact(inputs).flat_map(|x| (0..outputs).map(move |o| (x, o))).map(|(x, o)| dot(x, o)).collect()
    }

    /// Mean loss of the batch, given the inputs of layer `from`.
    fn loss_above(&self, from: usize, x: &[Complex]) -> Complex {
        let mut z = self.sums(from, x);
        for layer in from + 1..self.sizes.len() - 1 {
            let y: Vec<_> = z.iter().map(|&z| activate(self.activation, z)).collect();
            z = self.sums(layer, &y);
        }
        let rows = z.chunks_exact(self.sizes[self.sizes.len() - 1]).zip(&self.labels);
        let total = rows.fold(Complex::ZERO, |sum, (scores, &label)| sum + row_loss(self.loss, scores, label));
        total / Complex::real(self.labels.len() as f64)
    }

    /// Mean loss of the batch.
    #[cfg(test)]
    pub(crate) fn loss(&self) -> f64 {
        self.loss_above(0, &self.x).re
    }

    /// The least distance of a hidden unit's sum from 0, where some activations have a kink.
    pub(crate) fn margin(&self) -> f64 {
        let (mut x, mut least) = (self.x.clone(), f64::INFINITY);
        for layer in 0..self.sizes.len() - 2 {
            let z = self.sums(layer, &x);
            least = z.iter().map(|z| z.re.abs()).fold(least, f64::min);
            x = z.iter().map(|&z| activate(self.activation, z)).collect();
        }
        least
    }

    /// Gradient of the mean loss: for each layer its weight's (O, I) and its bias's (O), one complex step each.
    pub(crate) fn gradient(&mut self) -> Vec<[Vec<f64>; 2]> {
        let (mut x, mut gradient) = (self.x.clone(), Vec::new());
        for layer in 0..self.sizes.len() - 1 {
            gradient.push([2 * layer, 2 * layer + 1].map(|tensor| {
                let count = self.parameters[tensor].len();
                let derivative = |i: usize| {
                    self.parameters[tensor][i].im = STEP;
                    let derivative = self.loss_above(layer, &x).im / STEP;
                    self.parameters[tensor][i].im = 0.0;
                    derivative
                };
                (0..count).map(derivative).collect()
            }));
            x = self.sums(layer, &x).into_iter().map(|z| activate(self.activation, z)).collect();
        }
        gradient
    }
}

/// Relative error of `ours`: the largest difference from `exact` over the largest number of the two; 0 if both
/// are 0, infinite where one is not a finite number.
pub(crate) fn relative_error(ours: &[f32], exact: &[f64]) -> f64 {
    assert_eq!(ours.len(), exact.len(), "tensors of one shape");
    let (mut difference, mut size) = (0.0_f64, f64::MIN_POSITIVE);
    for (&a, &b) in ours.iter().zip(exact) {
        let a = f64::from(a);
        if !(a - b).is_finite() {
            return f64::INFINITY;
        }
        difference = difference.max((a - b).abs());
        size = size.max(a.abs()).max(b.abs());
    }
    difference / size
}

/// [`relative_error`] of each weight and bias in turn.
pub(crate) fn relative_errors(ours: &[Tensors], exact: &[[Vec<f64>; 2]]) -> Vec<f64> {
    assert_eq!(ours.len(), exact.len(), "layers");
    let layers = ours.iter().zip(exact);
    layers.flat_map(|(a, b)| [relative_error(&a.weight, &b[0]), relative_error(&a.bias, &b[1])]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_complex_step_agrees_with_five_point_differences() {
        const H: f64 = 1e-3;
        for f in Activation::all() {
            for x in [-3.2, -1.1, -0.3, 0.2, 0.9, 2.7] {
                let value = |h: f64| activate(&f, Complex::real(x + h)).re;
                let difference = (value(-2.0 * H) - 8.0 * value(-H) + 8.0 * value(H) - value(2.0 * H)) / (12.0 * H);
                assert!((slope(&f, x) - difference).abs() < 1e-11, "{} {x}: {} {difference}", f.name(), slope(&f, x));
            }
        }
        for loss in LossKind::all() {
            let scores = [0.3, -1.2, 0.8, 2.0].map(Complex::real);
            for (label, class) in (0..16).map(|n| (n / 4, n % 4)) {
                let value = |re: f64, im: f64| {
                    let mut scores = scores;
                    scores[class] = scores[class] + Complex { re, im };
                    row_loss(&loss, &scores, label)
                };
                let at = |h| value(h, 0.0).re;
                let difference = (at(-2.0 * H) - 8.0 * at(-H) + 8.0 * at(H) - at(2.0 * H)) / (12.0 * H);
                assert!((value(0.0, STEP).im / STEP - difference).abs() < 1e-11, "{} {label} {class}", loss.name());
            }
        }
    }

    #[test]
    fn known_values_come_out() {
        let erf = |x| Complex::real(x).erf().re;
        assert!(
            (erf(0.5) - 0.520_499_877_813_046_5).abs() < 1e-15 && (erf(-2.0) + 0.995_322_265_018_952_7).abs() < 1e-15
        );
        assert!((erf(5.9) - 1.0).abs() < 1e-15);
        let f = |name, x| activate(&Activation::named(name).unwrap(), Complex::real(x)).re;
        assert!((f("tanh", -0.7) - (-0.7_f64).tanh()).abs() < 1e-15);
        assert!((f("softplus", 30.0) - 30.0).abs() < 1e-12 && (f("gelu", 1.0) - 0.841_344_746_068_542_9).abs() < 1e-15);
    }
}
