//! Optimizers: how a parameter moves, given its gradient.
//!
//! To add one, write `optim/your_rule.rs` like `sgd.rs` and name it in the two lines below (`mod` and list).
//! It is then in configurations, sweeps, `--help` and checkpoints, runs on the fast path and is under the
//! tests of this folder.

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod amsgrad;
mod eve;
mod lion;
mod momentum;
mod muon;
mod nadam;
mod nag;
mod radam;
mod rmsprop;
mod sgd;
#[cfg(test)]
mod tests;

use crate::kernel::update::{Descend, Gradient};
use crate::kernel::{Isa, Lanes};
use crate::layer::Layer;
use crate::pass::Machine;

registry! {
    /// An update rule with its hyperparameters.
    pub enum Optimizer: Descent {
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

/// Most values that a rule remembers for each parameter.
pub(crate) const MAX_SLOTS: usize = 3;

/// An update rule: its hyperparameters, and one function of a single parameter.
///
/// What it remembers lies with the trainer, which zeroes, checkpoints and restores it. `update` is inlined
/// into the kernel that computes the gradient: keep it free of branches and calls, and mark it
/// `#[inline(always)]`.
pub trait Rule: Send + Sync + 'static {
    /// Values remembered for each parameter, at most three; they begin at 0.
    const SLOTS: usize;
    /// Values remembered for the whole run; they begin at 0.
    const SCALARS: usize = 0;
    /// Learning rate if none is given.
    const LEARNING_RATE: f64;
    /// Whether weight decay shrinks the weight by `lr · weight_decay` instead of adding to the gradient.
    const DECOUPLED: bool = false;
    /// What one step needs, computed once for all parameters.
    type Coef: Copy + Send + Sync;

    /// Called once a step, before any `update`.
    fn prepare(&self, at: Step, scalars: &mut [f64]) -> Self::Coef;

    /// The new value of parameter `w` with gradient `g`; changes its `s` (SLOTS).
    fn update(c: Self::Coef, w: f32, g: f32, s: &mut [f32]) -> f32;
}

/// Where in training an update happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Learning rate.
    pub lr: f64,
    /// Number of this step, from 1; it runs on over epochs.
    pub t: u64,
    /// Mean loss of this step's batch, before the update, without L2.
    pub loss: f64,
}

/// The least that a step is divided by.
///
/// A square `(1−β₂)g²` below 10⁻³⁰ counts as 0 in a memory, and `g` is then below 10⁻¹³: without an ε, a
/// remembered mean gradient would be divided by nothing.
const LEAST: f32 = 1e-13;

/// `a / b` that is 0 where `a` is, even if `b` is 0 too: a zero gradient moves no weight.
#[inline(always)]
pub(crate) fn ratio(a: f32, b: f32) -> f32 {
    a / if b < LEAST { LEAST } else { b }
}

/// `1 − βᵗ`: what an average that began at 0 has seen after `t` steps (Kingma & Ba, 2015, §3).
pub(crate) fn seen(beta: f64, t: u64) -> f64 {
    1.0 - beta.powi(i32::try_from(t).unwrap_or(i32::MAX))
}

/// A rule as the trainer sees it. Every [`Rule`] is one; a rule that needs a whole matrix at a time, as `muon`,
/// implements this and [`Whole`] instead.
pub trait Descent: Send + Sync {
    /// Values remembered for each parameter.
    fn slots(&self) -> usize;

    /// Values remembered for the run.
    fn scalars(&self) -> usize;

    /// Learning rate if none is given.
    fn learning_rate(&self) -> f64;

    /// Whether weight decay is decoupled from the gradient.
    fn decoupled(&self) -> bool;

    /// Prepares a step and calls `body` with what moves the parameters of a layer.
    fn step(&self, at: Step, scalars: &mut [f64], body: &mut dyn FnMut(Door<'_>));
}

/// The two doors by which a rule comes to the parameters.
pub enum Door<'a> {
    /// The fast one: weights move tile by tile, each as soon as its gradient is known.
    Tiles(&'a dyn Move),
    /// The slower one: a layer moves when the gradients of all are known.
    Whole(&'a dyn Whole),
}

/// Moves the parameters of one layer, given all of its gradient.
pub trait Whole {
    /// Moves `layer`, weights and biases; `hidden`: it is neither the first layer nor the last.
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "panels are the engine's own")]
    fn apply(&self, machine: &Machine, layer: &mut Layer, gradient: &Layer, hidden: bool, decay: Decay);
}

/// Moves the parameters of one layer, or of a share of it.
pub trait Move: Sync {
    /// Moves `parameters`: for each output panel of a share, a plane of weights and the rule's memory behind it.
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "panels are the engine's own")]
    fn apply(&self, isa: Isa, gradient: Gradient<'_>, sum: &[Lanes], parameters: &mut [Lanes], decay: Decay);
}

/// How weight decay enters a step: exactly one of the two ways does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    /// Added to a weight's gradient for each unit of the weight.
    pub penalty: f32,
    /// What a weight is multiplied with.
    pub shrink: f32,
}

impl Decay {
    /// The decay of `rule` with this coefficient and learning rate.
    pub fn of(rule: &dyn Descent, weight_decay: f64, lr: f64) -> Self {
        if rule.decoupled() {
            Self { penalty: 0.0, shrink: (1.0 - lr * weight_decay) as f32 }
        } else {
            Self { penalty: weight_decay as f32, shrink: 1.0 }
        }
    }
}

impl<R: Rule> Descent for R {
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

    fn step(&self, at: Step, scalars: &mut [f64], body: &mut dyn FnMut(Door<'_>)) {
        body(Door::Tiles(&Prepared::<R>(self.prepare(at, scalars))));
    }
}

struct Prepared<R: Rule>(R::Coef);

impl<R: Rule> Move for Prepared<R> {
    fn apply(&self, isa: Isa, gradient: Gradient<'_>, sum: &[Lanes], parameters: &mut [Lanes], decay: Decay) {
        let Decay { penalty, shrink } = decay;
        isa.run(Descend::<R> { gradient, sum, parameters, coef: self.0, penalty, shrink });
    }
}
