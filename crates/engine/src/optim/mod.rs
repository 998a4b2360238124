//! Optimizers: update rules of a parameter, given its gradient.
//!
//! Each rule is a module with a struct of its hyperparameters, its formula and its paper; [`Optimizer`] is any one of them,
//! chosen by name. A [`Config`](crate::config::Config) takes hyperparameters by name, or with the rule:
//!
//! ```
//! use handloom_engine::config::Config;
//! use handloom_engine::optim::{Optimizer, adam::Adam};
//!
//! let config = Config { optimizer: Optimizer::Adam(Adam { beta1: 0.5, ..Adam::default() }), ..Config::default() };
//! assert_eq!(config.to_map()["beta1"], 0.5);
//! ```
//!
//! To add one, write `optim/your_rule.rs` like `sgd.rs` and name it in the two lines below (`pub mod` and list).
//! It is then in configurations, sweeps, `--help` and checkpoints, runs on the fast path and is under the
//! tests of this folder.

pub mod adadelta;
pub mod adagrad;
pub mod adam;
pub mod adamax;
pub mod adamw;
pub mod amsgrad;
pub mod eve;
pub mod lion;
pub mod momentum;
pub mod muon;
pub mod nadam;
pub mod nag;
pub mod radam;
pub mod rmsprop;
pub mod sgd;
#[cfg(test)]
mod tests;

use crate::kernel::update::{FusedUpdate, Gradient};
use crate::kernel::{Isa, Lanes};
use crate::layer::Layer;
use crate::pass::Machine;

registry! {
    /// An update rule with its hyperparameters.
    pub enum Optimizer: DynOptimizer {
        "sgd" => Sgd(sgd::Sgd),
        "momentum" => Momentum(momentum::Momentum),
        "nag" | "nesterov" => Nag(nag::Nag),
        "rmsprop" => Rmsprop(rmsprop::Rmsprop),
        "adam" => Adam(adam::Adam),
        "nadam" => Nadam(nadam::Nadam),
        "adamw" => Adamw(adamw::Adamw),
        "adagrad" => Adagrad(adagrad::Adagrad),
        "adadelta" => Adadelta(adadelta::Adadelta),
        "adamax" => Adamax(adamax::Adamax),
        "amsgrad" => Amsgrad(amsgrad::Amsgrad),
        "radam" => Radam(radam::Radam),
        "lion" => Lion(lion::Lion),
        "eve" => Eve(eve::Eve),
        "muon" => Muon(muon::Muon),
    }
}

/// Largest number of state values per parameter.
pub(crate) const MAX_SLOTS: usize = 3;

/// An update rule: its hyperparameters, and one function of a single parameter.
///
/// Its state (such as moments) is held by the trainer, which zeroes, checkpoints and restores it. `update` is inlined
/// into the kernel that computes the gradient: keep it free of branches and calls, and mark it
/// `#[inline(always)]`.
pub trait Rule: Send + Sync + 'static {
    /// Number of state values per parameter, in `[0, 3]`; they start at 0.
    const SLOTS: usize;
    /// Number of state values of the whole run; they start at 0.
    const SCALARS: usize = 0;
    /// Learning rate if none is given.
    const LEARNING_RATE: f64;
    /// Decoupled weight decay: shrink the weight by `lr · weight_decay` instead of adding `weight_decay · w` to the gradient.
    const DECOUPLED: bool = false;
    /// Per-step coefficients, computed once for all parameters.
    type Coef: Copy + Send + Sync;

    /// Called once a step, before any `update`.
    fn prepare(&self, at: Step, scalars: &mut [f64]) -> Self::Coef;

    /// The new value of parameter `w` with gradient `g`; changes its `s` (SLOTS).
    fn update(c: Self::Coef, w: f32, g: f32, s: &mut [f32]) -> f32;
}

/// Position of an update in the training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Learning rate.
    pub lr: f64,
    /// Number of this step, from 1; it runs on over epochs.
    pub t: u64,
    /// Mean loss of this step's batch, before the update, without L2.
    pub loss: f64,
}

/// Smallest divisor of a step.
///
/// A square `(1−β₂)g²` below 10⁻³⁰ counts as 0 in a memory, and `g` is then below 10⁻¹³: without an ε, a
/// remembered mean gradient would be divided by nothing.
const LEAST: f32 = 1e-13;

/// `a / b` that is 0 where `a` is, even if `b` is 0 too: a zero gradient moves no weight.
#[inline(always)]
pub(crate) fn ratio(a: f32, b: f32) -> f32 {
    a / if b < LEAST { LEAST } else { b }
}

/// Bias correction `1 − βᵗ` of a moving average that started at 0 (Kingma & Ba, 2015, §3).
pub(crate) fn seen(beta: f64, t: u64) -> f64 {
    1.0 - beta.powi(i32::try_from(t).unwrap_or(i32::MAX))
}

/// A rule as the trainer sees it. Every [`Rule`] is one; a rule that needs a whole matrix at a time, as `muon`,
/// implements this and [`LayerStep`] instead.
pub trait DynOptimizer: Send + Sync {
    /// Number of state values per parameter.
    fn slots(&self) -> usize;

    /// Number of state values of the whole run.
    fn scalars(&self) -> usize;

    /// Learning rate if none is given.
    fn learning_rate(&self) -> f64;

    /// True if weight decay is decoupled from the gradient.
    fn decoupled(&self) -> bool;

    /// Prepares a step and calls `body` with the update of a layer's parameters.
    fn step(&self, at: Step, scalars: &mut [f64], body: &mut dyn FnMut(Update<'_>));
}

/// Application of a rule: fused with the gradient tile by tile, or to whole layers.
pub enum Update<'a> {
    /// Fast: a tile of weights is updated in registers as soon as its gradient is computed.
    Fused(&'a dyn FusedStep),
    /// Slower: a layer is updated after the gradients of all layers are computed.
    PerLayer(&'a dyn LayerStep),
}

/// Moves the parameters of one layer, given all of its gradient.
pub trait LayerStep {
    /// Moves `layer`, weights and biases; `hidden`: it is neither the first layer nor the last.
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "panels are the engine's own")]
    fn apply(&self, machine: &Machine, layer: &mut Layer, gradient: &Layer, hidden: bool, decay: Decay);
}

/// Moves the parameters of one layer, or of a share of it.
pub trait FusedStep: Sync {
    /// Moves `parameters`: for each output panel of a share, a plane of weights and the rule's memory behind it.
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "panels are the engine's own")]
    fn apply(&self, isa: Isa, gradient: Gradient<'_>, sum: &[Lanes], parameters: &mut [Lanes], decay: Decay);
}

/// Weight decay of a step: coupled (`penalty`) or decoupled (`shrink`), never both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    /// Coefficient λ of the term `λ · w` added to the gradient; 0 if decoupled.
    pub penalty: f32,
    /// Factor of each weight before the step, `1 − lr · weight_decay`; 1 if coupled.
    pub shrink: f32,
}

impl Decay {
    /// The decay of `rule` with this coefficient and learning rate.
    pub fn of(rule: &dyn DynOptimizer, weight_decay: f64, lr: f64) -> Self {
        if rule.decoupled() {
            Self { penalty: 0.0, shrink: (1.0 - lr * weight_decay) as f32 }
        } else {
            Self { penalty: weight_decay as f32, shrink: 1.0 }
        }
    }
}

impl<R: Rule> DynOptimizer for R {
    fn slots(&self) -> usize {
        R::SLOTS
    }

    fn scalars(&self) -> usize {
        R::SCALARS
    }

    fn learning_rate(&self) -> f64 {
        R::LEARNING_RATE
    }

    fn decoupled(&self) -> bool {
        R::DECOUPLED
    }

    fn step(&self, at: Step, scalars: &mut [f64], body: &mut dyn FnMut(Update<'_>)) {
        body(Update::Fused(&Prepared::<R>(self.prepare(at, scalars))));
    }
}

struct Prepared<R: Rule>(R::Coef);

impl<R: Rule> FusedStep for Prepared<R> {
    fn apply(&self, isa: Isa, gradient: Gradient<'_>, sum: &[Lanes], parameters: &mut [Lanes], decay: Decay) {
        let Decay { penalty, shrink } = decay;
        isa.run(FusedUpdate::<R> { gradient, sum, parameters, coef: self.0, penalty, shrink });
    }
}
