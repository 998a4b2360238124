//! Muon (Jordan et al., 2024).

use serde::{Deserialize, Serialize};

use super::adamw::Adamw;
use super::{Decay, DynOptimizer, LayerStep, Rule, Step, Update};
use crate::kernel::orthogonal::orthogonalize;
use crate::kernel::update::{NEGLIGIBLE_MEMORY, Settle};
use crate::kernel::{LANES, Lanes};
use crate::layer::Layer;
use crate::pass::Machine;

/// Muon: each weight matrix between two hidden layers moves by its momentum made orthogonal; all else by `adamw`.
///
/// `m ← μm + (1−μ)g`, `u = μm + (1−μ)g`, `W ← (1 − lr·λ)W − 0.2·√max(O, I)·lr · NS(u)`, where `NS` sets all singular values
/// to about 1. The factor makes a step as large as one of `adamw`, so that one learning rate serves all parameters.
///
/// Jordan et al. (2024), *Muon: An optimizer for hidden layers in neural networks*; the factor of Liu et al. (2025), *Muon is
/// Scalable for LLM Training*. As `torch.optim.Muon` with `match_rms_adamw`, but for single precision instead of bfloat16.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Muon {
    /// μ, the share of the mean gradient that is kept; in `[0, 1)`.
    pub momentum: f64,
    /// Decay of the mean gradient in `adamw`; in `[0, 1)`.
    pub beta1: f64,
    /// Decay of the mean squared gradient in `adamw`; in `[0, 1)`.
    pub beta2: f64,
    /// Added to the denominator in `adamw`, outside the root.
    pub epsilon: f64,
}

impl Default for Muon {
    fn default() -> Self {
        let Adamw { beta1, beta2, epsilon } = Adamw::default();
        // 0.95 in PyTorch; here the setting `momentum` has one default for all rules.
        Self { momentum: 0.9, beta1, beta2, epsilon }
    }
}

impl DynOptimizer for Muon {
    fn slots(&self) -> usize {
        Adamw::SLOTS
    }

    fn scalars(&self) -> usize {
        0
    }

    fn learning_rate(&self) -> f64 {
        Adamw::LEARNING_RATE
    }

    fn decoupled(&self) -> bool {
        true
    }

    fn step(&self, at: Step, scalars: &mut [f64], body: &mut dyn FnMut(Update<'_>)) {
        let Self { momentum, beta1, beta2, epsilon } = *self;
        let adamw = Adamw { beta1, beta2, epsilon }.prepare(at, scalars);
        body(Update::PerLayer(&Prepared { gain: (1.0 - momentum) as f32, rate: at.lr, adamw }));
    }
}

struct Prepared {
    /// `1 − μ`.
    gain: f32,
    rate: f64,
    adamw: <Adamw as Rule>::Coef,
}

impl LayerStep for Prepared {
    fn apply(&self, machine: &Machine, layer: &mut Layer, gradient: &Layer, hidden: bool, decay: Decay) {
        if hidden {
            self.turn(machine, layer, gradient, decay);
        }
        let (plane, Decay { penalty, shrink }) = (layer.plane(), decay);
        let (gradient, parameters, bias_alone) = (&gradient.data, &mut layer.data, hidden);
        machine.isa().run(Settle::<Adamw> {
            gradient,
            parameters,
            plane,
            coef: self.adamw,
            penalty,
            shrink,
            bias_alone,
        });
    }
}

impl Prepared {
    /// Moves the weights of a hidden layer; the first plane of its memory is the momentum.
    fn turn(&self, machine: &Machine, layer: &mut Layer, gradient: &Layer, decay: Decay) {
        let (stride, plane, depth) = (layer.stride(), layer.plane(), layer.depth());
        let mut direction = vec![Lanes::ZERO; layer.data.len() / stride * depth];
        let panels = layer.data.chunks_exact_mut(stride).zip(gradient.data.chunks_exact(plane));
        for ((parameters, gradient), direction) in panels.zip(direction.chunks_exact_mut(depth)) {
            for ((m, g), direction) in parameters[plane..].iter_mut().zip(gradient).zip(direction) {
                for lane in 0..LANES {
                    let mean = m.0[lane] + self.gain * (g.0[lane] - m.0[lane]);
                    m.0[lane] = if mean.abs() < NEGLIGIBLE_MEMORY { 0.0 } else { mean };
                    direction.0[lane] = m.0[lane] + self.gain * (g.0[lane] - m.0[lane]);
                }
            }
        }
        orthogonalize(machine, &mut direction, depth);
        let rate = (0.2 * (layer.inputs.max(layer.outputs) as f64).sqrt() * self.rate) as f32;
        for (parameters, direction) in layer.data.chunks_exact_mut(stride).zip(direction.chunks_exact(depth)) {
            for (w, direction) in parameters.iter_mut().zip(direction) {
                *w = Lanes(std::array::from_fn(|lane| decay.shrink * w.0[lane] - rate * direction.0[lane]));
            }
        }
    }
}
