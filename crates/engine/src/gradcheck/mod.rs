//! Checks every gradient against a numeric one: each activation x loss x init x depth.
//!
//! *Analytic* is what training uses: [`Network::gradient`], the hand-written passes in single precision.
//! *Numeric* is a complex step on a plain forward pass in double precision, written from the definitions
//! (see `reference.rs`): exact to some 10⁻¹⁵, so that what differs is the rounding of the analytic side
//! alone, about 10⁻⁶, or a mistake, which is rarely below 10⁻². The error of a tensor is its largest
//! difference over its largest gradient.
//!
//! The networks are small and of odd widths, one of them beyond a panel; biases are drawn too, since at 0
//! they would hide a pass that forgets them. Where a hidden sum lies so near 0 that rounding could put it on
//! the other side of a kink of `relu`, the problem is drawn again.

pub(crate) mod reference;

use std::sync::Arc;

use crate::activation::Activation;
use crate::dataset::Dataset;
use crate::init::Init;
use crate::loss::LossKind;
use crate::network::{Network, Tensors};
use crate::pass::Machine;
use crate::rng::Rng;

/// Largest relative error that passes, unless told otherwise.
pub const TOLERANCE: f64 = 1e-4;

/// Pixels of an image.
const INPUTS: usize = 5;

/// Widths of the hidden layers; a network of depth n has the first n.
pub const HIDDEN: [usize; 3] = [7, 17, 6];

/// Classes.
const CLASSES: usize = 4;

/// Images in the batch.
const IMAGES: usize = 5;

/// Sums nearer to 0 than this may have the other sign in single precision.
const NEAR_KINK: f64 = 1e-4;

/// Network architecture to check, at the start of its training.
#[derive(Clone, Debug, PartialEq)]
pub struct Combination {
    /// Activation of hidden layers.
    pub activation: Activation,
    /// Loss.
    pub loss: LossKind,
    /// Weight initialization.
    pub init: Init,
    /// Number of hidden layers, up to as many as [`HIDDEN`] has.
    pub depth: usize,
}

impl std::fmt::Display for Combination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { activation, loss, init, depth } = self;
        write!(f, "{} x {} x {} x {depth} hidden layers", activation.name(), loss.name(), init.name())
    }
}

/// Every combination there is, in the order of the lists.
pub fn combinations() -> Vec<Combination> {
    let mut all = Vec::new();
    for activation in Activation::all() {
        for loss in LossKind::all() {
            for init in Init::all() {
                for depth in 0..=HIDDEN.len() {
                    let (activation, loss, init) = (activation.clone(), loss.clone(), init.clone());
                    all.push(Combination { activation, loss, init, depth });
                }
            }
        }
    }
    all
}

impl Combination {
    /// Relative errors of the engine's gradient, for each layer from the first its weight's and its bias's.
    pub fn check(&self, seed: u64, machine: &Machine) -> Vec<f64> {
        self.check_gradient(seed, |network, data, rows| network.gradient(data, rows, &self.loss, machine).1)
    }

    /// Relative errors of any gradient of the mean loss: `analytic` is given a network, data, and the rows of the batch.
    pub fn check_gradient(
        &self,
        seed: u64,
        analytic: impl FnOnce(&Network, &Dataset, &[u32]) -> Vec<Tensors>,
    ) -> Vec<f64> {
        let rows: Vec<u32> = (0..IMAGES as u32).collect();
        let (mut network, mut data) = self.problem(seed, 0);
        let mut draw = 0;
        while reference::Reference::new(&network, &self.loss, &data, &rows).margin() < NEAR_KINK {
            draw += 1;
            (network, data) = self.problem(seed, draw);
        }
        let numeric = reference::Reference::new(&network, &self.loss, &data, &rows).gradient();
        reference::relative_errors(&analytic(&network, &data, &rows), &numeric)
    }

    /// Draw number `draw` of a network and data under `seed`.
    fn problem(&self, seed: u64, draw: u64) -> (Network, Dataset) {
        let mut rng = Rng::stream(seed, "gradcheck", draw);
        let sizes = [&[INPUTS], &HIDDEN[..self.depth], &[CLASSES]].concat();
        let tensors: Vec<_> = sizes
            .windows(2)
            .map(|pair| Tensors {
                weight: self.init.draw(pair[0], pair[1], &mut rng),
                bias: (0..pair[1]).map(|_| rng.uniform(-0.5, 0.5) as f32).collect(),
            })
            .collect();
        let data = Dataset {
            images: Arc::new((0..IMAGES * INPUTS).map(|_| rng.below(256) as u8).collect()),
            labels: Arc::new((0..IMAGES).map(|_| rng.below(CLASSES as u64) as u8).collect()),
            shape: vec![INPUTS],
            classes: (0..CLASSES).map(|class| class.to_string()).collect(),
        };
        (Network::from_tensors(&sizes, self.activation.clone(), &tensors), data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    #[test]
    #[expect(clippy::print_stdout, reason = "shows how well they agree, with `--nocapture`")]
    fn every_gradient_is_right_on_every_instruction_set_and_for_any_seed() {
        for isa in Isa::supported() {
            let machine = Machine::with_isa(1, isa);
            for seed in 1..=2 {
                let (mut worst, mut at, mut wrong) = (0.0, String::new(), Vec::new());
                for combination in combinations() {
                    for error in combination.check(seed, &machine) {
                        if error >= 1e-5 {
                            wrong.push(format!("{combination}: {error:.1e}"));
                        }
                        if error > worst {
                            (worst, at) = (error, combination.to_string());
                        }
                    }
                }
                println!("{}, seed {seed}: worst {worst:.1e} in {at}", isa.name());
                assert!(wrong.is_empty(), "on {}:\n{}", isa.name(), wrong.join("\n"));
            }
        }
    }

    /// The number farthest from 0.
    fn largest(g: &mut [f32]) -> &mut f32 {
        g.iter_mut().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap()
    }

    /// Mistakes people make: each must stand out in the tensors it spoils, and a right gradient must not.
    #[test]
    fn a_wrong_gradient_is_noticed() {
        let machine = Machine::new(1);
        let combination = |activation, loss, depth| Combination {
            activation: Activation::named(activation).unwrap(),
            loss: LossKind::named(loss).unwrap(),
            init: Init::named("xavier").unwrap(),
            depth,
        };
        let worst = |combination: &Combination, spoil: &dyn Fn(&mut Vec<Tensors>, &Network, &Dataset)| {
            let errors = combination.check_gradient(1, |network, data, rows| {
                let mut gradient = network.gradient(data, rows, &combination.loss, &machine).1;
                spoil(&mut gradient, network, data);
                gradient
            });
            errors.into_iter().fold(0.0, f64::max)
        };
        let relu = combination("relu", "ce", 2);
        assert!(worst(&relu, &|_, _, _| ()) < 1e-6);
        assert!(worst(&relu, &|g, _, _| *largest(&mut g[1].weight) *= 1.01) > 5e-3, "one weight is 1 % off");
        assert!(worst(&relu, &|g, _, _| g[2].bias.fill(0.0)) > 0.9, "a bias without gradient");
        assert!(worst(&relu, &|g, _, _| g[0].weight.iter_mut().for_each(|g| *g *= 5.0)) > 0.5, "a sum, not a mean");
        assert!(worst(&relu, &|g, _, _| g[0].bias[0] = f32::NAN) > 1.0, "not a number");
        let mse = combination("tanh", "mse", 1);
        let wrong_loss = |g: &mut Vec<Tensors>, network: &Network, data: &Dataset| {
            *g = network.gradient(data, &[0, 1, 2, 3, 4], &LossKind::named("ce").unwrap(), &machine).1;
        };
        assert!(worst(&mse, &wrong_loss) > 0.1, "the gradient of another loss");
    }
}
