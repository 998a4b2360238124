//! Activations: a scalar function and its derivative, applied element by element.
//!
//! To add one, write it in `elementwise!`, name it in the list below, and write its definition once more in
//! `gradcheck/reference.rs`, plainly: then it is in configurations, sweeps, `--help`, the fast path and under
//! the tests.

use serde::{Deserialize, Serialize};

use crate::kernel::{Isa, Lanes, elementwise, math};

registry! {
    /// Activation function of the hidden layers, applied to each element of the pre-activations.
    pub enum Activation: Pass {
        "identity" | "linear" | "none" => Identity(Identity),
        "sigmoid" | "logistic" => Sigmoid(Sigmoid),
        "tanh" => Tanh(Tanh),
        "relu" => Relu(Relu),
        "leaky_relu" | "leakyrelu" => LeakyRelu(LeakyRelu),
        "elu" => Elu(Elu),
        "gelu" => Gelu(Gelu),
        "silu" | "swish" => Silu(Silu),
        "softplus" => Softplus(Softplus),
    }
}

/// A differentiable scalar function, inlined into vector passes: plain arithmetic, no calls.
pub trait Elementwise: Send + Sync + 'static {
    /// True if `df` reads `x`; otherwise only `y` is kept for the backward pass.
    const NEEDS_INPUT: bool;

    /// Regions of zero or almost zero slope, in which a unit hardly learns; `None` if there are none, or only far from 0.
    const FLAT: Option<Flat> = None;

    /// `y = f(x)`.
    fn f(&self, x: f32) -> f32;

    /// `f'(x)`, given also `y = f(x)` so that no exponential is taken twice.
    fn df(&self, x: f32, y: f32) -> f32;
}

/// Outputs at which an activation lets next to no gradient through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flat {
    /// Exactly 0: a unit that gives it for every image is dead.
    Zero,
    /// Below the first or above the second: a unit there is saturated.
    Ends(f32, f32),
}

/// The passes over a layer that every [`Elementwise`] has.
pub trait Pass: Send + Sync {
    /// True if the backward pass reads pre-activations.
    fn needs_input(&self) -> bool;

    /// Flat regions of the activation, if it has any.
    fn flat(&self) -> Option<Flat>;

    /// `f(x)` of one number.
    fn value(&self, x: f32) -> f32;

    /// `f'(x)` of one number.
    fn slope(&self, x: f32) -> f32;

    /// `y ← f(y)`; keeps the pre-activations in `z` if they are needed.
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "passes over panels are the engine's own")]
    fn forward(&self, isa: Isa, y: &mut [Lanes], z: &mut [Lanes]);

    /// `d ← d · f'`.
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "passes over panels are the engine's own")]
    fn backward(&self, isa: Isa, y: &[Lanes], z: &[Lanes], d: &mut [Lanes]);
}

impl<F: Elementwise> Pass for F {
    fn needs_input(&self) -> bool {
        F::NEEDS_INPUT
    }

    fn flat(&self) -> Option<Flat> {
        F::FLAT
    }

    fn value(&self, x: f32) -> f32 {
        self.f(x)
    }

    fn slope(&self, x: f32) -> f32 {
        self.df(x, self.f(x))
    }

    #[expect(private_interfaces, reason = "passes over panels are the engine's own")]
    fn forward(&self, isa: Isa, y: &mut [Lanes], z: &mut [Lanes]) {
        isa.run(elementwise::Forward { f: self, y, z });
    }

    #[expect(private_interfaces, reason = "passes over panels are the engine's own")]
    fn backward(&self, isa: Isa, y: &[Lanes], z: &[Lanes], d: &mut [Lanes]) {
        isa.run(elementwise::Backward { f: self, y, z, d });
    }
}

macro_rules! elementwise {
    ($($(#[$doc:meta])* $Name:ident { needs_input: $needs:literal, $(flat: $flat:expr,)? f: |$x:pat_param| $f:expr, df: |$dx:pat_param, $dy:pat_param| $df:expr })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
        pub struct $Name {}

        impl Elementwise for $Name {
            const NEEDS_INPUT: bool = $needs;
            $(const FLAT: Option<Flat> = Some($flat);)?

            #[inline(always)]
            fn f(&self, $x: f32) -> f32 {
                $f
            }

            #[inline(always)]
            fn df(&self, $dx: f32, $dy: f32) -> f32 {
                $df
            }
        }
    )+};
}

elementwise! {
    /// `x`.
    Identity { needs_input: false, f: |x| x, df: |_, _| 1.0 }

    /// `1 / (1 + e⁻ˣ)`, into `(0, 1)`.
    Sigmoid { needs_input: false, flat: Flat::Ends(0.05, 0.95), f: |x| math::sigmoid(x), df: |_, y| y * (1.0 - y) }

    /// `(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`, into `(−1, 1)`.
    Tanh { needs_input: false, flat: Flat::Ends(-0.9, 0.9), f: |x| math::tanh(x), df: |_, y| 1.0 - y * y }

    /// `max(x, 0)`; its slope at 0 is 0. NaN stays NaN, so that a diverged run is seen.
    Relu { needs_input: false, flat: Flat::Zero, f: |x| if x < 0.0 { 0.0 } else { x }, df: |_, y| if y > 0.0 { 1.0 } else { 0.0 } }

    /// `x` if positive, else `x / 100`. Maas, Hannun & Ng (2013), *Rectifier Nonlinearities Improve Neural Network Acoustic Models*.
    LeakyRelu { needs_input: false, f: |x| if x < 0.0 { 0.01 * x } else { x }, df: |_, y| if y > 0.0 { 1.0 } else { 0.01 } }

    /// `x` if positive, else `eˣ − 1`. Clevert, Unterthiner & Hochreiter (2016), *Fast and Accurate Deep Network Learning by Exponential Linear Units*.
    Elu { needs_input: false, f: |x| if x <= 0.0 { math::exp_m1(x) } else { x }, df: |_, y| if y > 0.0 { 1.0 } else { y + 1.0 } }

    /// `x · Φ(x)` with the exact normal distribution. Hendrycks & Gimpel (2016), *Gaussian Error Linear Units*.
    Gelu { needs_input: true, f: |x| x * math::normal_share(x), df: |x, _| math::normal_share(x) + x * math::normal_density(x) }

    /// `x · sigmoid(x)`. Elfwing, Uchibe & Doya (2018), *Sigmoid-Weighted Linear Units for Neural Network Function Approximation*.
    Silu { needs_input: true, f: |x| x * math::sigmoid(x), df: |x, y| { let s = math::sigmoid(x); s + y * (1.0 - s) } }

    /// `ln(1 + eˣ)`. Dugas et al. (2001), *Incorporating Second-Order Functional Knowledge for Better Option Pricing*.
    Softplus { needs_input: true, f: |x| (if x < 0.0 { 0.0 } else { x }) + math::ln_1p(math::exp(-x.abs())), df: |x, _| math::sigmoid(x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every derivative agrees with the central difference of its function.
    #[test]
    fn slopes_match_finite_differences() {
        const H: f32 = 1e-2;
        for part in Activation::all() {
            for x in [-3.1, -2.1, -0.7, 0.4, 1.9, 4.2_f32] {
                let difference = (part.value(x + H) - part.value(x - H)) / (2.0 * H);
                let slope = part.slope(x);
                assert!((slope - difference).abs() < 1e-3, "{} at {x}: {slope} is not {difference}", part.name());
            }
        }
    }

    #[test]
    fn every_function_passes_nan_through_and_stays_finite_far_out() {
        for part in Activation::all() {
            assert!(part.value(f32::NAN).is_nan(), "{}", part.name());
            for x in [-1e4, 1e4_f32] {
                assert!(part.value(x).is_finite() && part.slope(x).is_finite(), "{} at {x}", part.name());
            }
        }
    }

    #[test]
    fn names_and_aliases_are_read_in_any_case() {
        assert_eq!(Activation::named("ReLU"), Some(Activation::Relu(Relu {})));
        assert_eq!(Activation::named("Leaky-ReLU").unwrap().name(), "leaky_relu");
        assert_eq!(Activation::named("rleu"), None);
    }
}
