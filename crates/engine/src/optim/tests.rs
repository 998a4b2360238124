//! Tests over the list: a new rule is under all of them without being named here.

use std::fs;

use serde_json::{Map, Value, json};

use super::*;
use crate::kernel::LANES;
use crate::layer::{Layer, Tensors};
use crate::rng::Rng;

/// A layer of one input and one output, moved by the real kernel: the weight's gradient is also the bias's.
struct One {
    rule: Optimizer,
    layer: Layer,
    scalars: Vec<f64>,
    t: u64,
}

impl One {
    fn new(rule: Optimizer, weight: f32, bias: f32) -> Self {
        let mut layer = Layer::new(1, 1, rule.slots());
        layer.set(0, &Tensors { weight: vec![weight], bias: vec![bias] });
        let scalars = vec![0.0; rule.scalars()];
        Self { rule, layer, scalars, t: 0 }
    }

    /// A step with gradient `g` for both; gives the weight and the bias after it.
    fn step(&mut self, g: f32, lr: f64, weight_decay: f64, loss: f64) -> (f32, f32) {
        self.t += 1;
        let lane = |x: f32| {
            let mut lanes = Lanes::ZERO;
            lanes.0[0] = x;
            [lanes]
        };
        let (x, d) = (lane(1.0), lane(g));
        let gradient = Gradient { x: &x, d: &d, rows: 1, plane: LANES + 1 };
        let decay = Decay::of(&*self.rule, weight_decay, lr);
        let mut whole = Layer::new(1, 1, 0);
        whole.set(0, &Tensors { weight: vec![g], bias: vec![g] });
        let layer = &mut self.layer;
        self.rule.step(Step { lr, t: self.t, loss }, &mut self.scalars, &mut |update| match update {
            Update::Fused(step) => step.apply(Isa::best(), gradient, &[], &mut layer.data, decay),
            Update::PerLayer(step) => step.apply(&Machine::new(1), layer, &whole, true, decay),
        });
        let after = self.layer.tensors(0);
        (after.weight[0], after.bias[0])
    }

    /// The weight and the bias after steps at the rule's own rate with these gradients.
    fn after(rule: Optimizer, gradients: &[f32]) -> Vec<(f32, f32)> {
        let lr = rule.learning_rate();
        let mut one = Self::new(rule, 1.0, 0.0);
        gradients.iter().map(|&g| one.step(g, lr, 0.0, 1.0)).collect()
    }
}

/// `rule` with some hyperparameters changed.
fn changed(rule: &Optimizer, values: &Value) -> Optimizer {
    Optimizer::read(rule.name(), values.as_object().unwrap()).unwrap()
}

#[test]
fn every_rule_descends_into_a_bowl_at_its_own_rate() {
    for rule in Optimizer::all() {
        let (name, lr) = (rule.name(), rule.learning_rate());
        let mut one = One::new(rule, 1.0, 0.0);
        let mut w = 1.0;
        for t in 0..20_000 {
            w = one.step(w, lr, 0.0, 0.5 * f64::from(w).powi(2)).0;
            assert!(t > 0 || w < 1.0, "{name}: its first step climbs, to {w}");
            assert!(w.abs() < 1.01, "{name}: thrown out to {w} in step {t}");
        }
        assert!(w.abs() < 0.01, "{name} ends at {w}");
    }
}

#[test]
fn a_zero_gradient_moves_no_weight_even_without_epsilon() {
    for rule in Optimizer::all().flat_map(|rule| [changed(&rule, &json!({"epsilon": 0.0})), rule]) {
        let mut one = One::new(rule.clone(), 0.3, -0.7);
        for t in 1..=100 {
            assert_eq!(one.step(0.0, 0.1, 0.0, 1.0 / f64::from(t)), (0.3, -0.7), "{rule:?} step {t}");
        }
    }
}

/// A gradient so small that its square is below single precision, and then none: without ε the mean gradient
/// is still there when its square is gone, and must not be divided by nothing.
#[test]
fn a_vanishing_gradient_throws_no_weight_out_even_without_epsilon() {
    for rule in Optimizer::all().map(|rule| changed(&rule, &json!({"epsilon": 0.0}))) {
        for size in [1e-19_f32, 1e-17, 1e-16, 1e-15, 1e-14, 1e-12] {
            let mut one = One::new(rule.clone(), 1.0, 0.0);
            for t in 0..50 {
                let w = one.step(if t < 2 { size } else { 0.0 }, 1e-3, 0.0, 1.0).0;
                assert!((w - 1.0).abs() < 0.2, "{rule:?}: {w} after {t} steps and a gradient of {size}");
            }
        }
    }
}

#[test]
fn names_are_unique_and_every_file_of_the_folder_is_in_the_list() {
    let mut names = Optimizer::NAMES.to_vec();
    names.sort_unstable();
    let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/optim")).unwrap();
    let mut files: Vec<_> = folder
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !["mod", "tests"].contains(&name.as_str()))
        .collect();
    files.sort_unstable();
    assert_eq!(names, files, "one file for each rule, named like it");
    names.dedup();
    assert_eq!(names.len(), Optimizer::all().count());
    for (name, rule) in Optimizer::NAMES.iter().zip(Optimizer::all()) {
        assert_eq!((rule.name(), Optimizer::named(name).as_ref()), (*name, Some(&rule)));
    }
}

#[test]
fn every_rule_survives_its_hyperparameters_and_fits_the_kernel() {
    for rule in Optimizer::all() {
        assert!(rule.slots() <= MAX_SLOTS, "{}", rule.name());
        assert!(rule.learning_rate() > 0.0);
        let fields = rule.hyperparameters();
        let other: Map<_, _> =
            fields.keys().zip(1..).map(|(key, n)| (key.clone(), json!(f64::from(n) / 8.0))).collect();
        let read = Optimizer::read(rule.name(), &other).unwrap();
        assert_eq!(read.hyperparameters(), other, "{}", rule.name());
        assert!(fields.is_empty() || read != rule);
    }
}

/// Finds a hyperparameter that is read but does nothing, and a memory that is never stored.
#[test]
fn every_hyperparameter_changes_the_path() {
    let mut rng = Rng::stream(1, "test", 0);
    let gradients: Vec<f32> = (0..40).map(|_| rng.normal() as f32).collect();
    for rule in Optimizer::all() {
        let usual = One::after(rule.clone(), &gradients);
        for key in rule.hyperparameters().keys() {
            let other = One::after(changed(&rule, &json!({key: 0.25})), &gradients);
            assert!(
                usual.iter().zip(&other).any(|(a, b)| (a.0 - b.0).abs().max((a.1 - b.1).abs()) > 1e-5),
                "{}: {key}",
                rule.name()
            );
        }
    }
}

/// Finds a memory that is not kept: a rule with memory steps differently after another past, on the next step and later.
#[test]
fn what_a_rule_remembers_reaches_later_steps() {
    for rule in Optimizer::all().filter(|rule| rule.slots() > 0) {
        let small = One::after(rule.clone(), &[1.0, -1.0, -1.0]);
        let large = One::after(rule.clone(), &[1e4, -1.0, -1.0]);
        for step in 1..3 {
            let moved = |path: &[(f32, f32)]| path[step].0 - path[step - 1].0;
            let (small, large) = (moved(&small), moved(&large));
            assert!((small - large).abs() > 1e-2 * small.abs(), "{} {step}: {small} {large}", rule.name());
        }
    }
}

/// Implementations get this wrong by decaying the gradient, or by ignoring the flag: decay acts on the weight and needs no
/// gradient. Biases are never decayed.
#[test]
fn weight_decay_alone_shrinks_weights_and_leaves_biases() {
    for rule in Optimizer::all() {
        for start in [0.8_f32, -0.8] {
            let (lr, decay) = (0.5 * rule.learning_rate(), 0.125);
            let mut one = One::new(rule.clone(), start, 0.5);
            let mut before = start;
            for t in 1..=20 {
                let (w, bias) = one.step(0.0, lr, decay, 1.0);
                assert_eq!(bias, 0.5, "{}: its bias moved", rule.name());
                assert!(w.abs() < before.abs() && w * start > 0.0, "{} step {t}: {before} to {w}", rule.name());
                if rule.decoupled() {
                    assert_eq!(w, (1.0 - lr * decay) as f32 * before, "{}", rule.name());
                }
                before = w;
            }
        }
    }
}

/// Coupled decay is a gradient of λw like any other, decoupled decay multiplies the weight beside the step.
#[test]
fn decay_is_the_same_as_its_definition_by_hand() {
    for rule in Optimizer::all() {
        let (lr, decay) = (0.01, 0.25);
        let (mut one, mut hand) = (One::new(rule.clone(), 0.8, 0.0), One::new(rule.clone(), 0.8, 0.0));
        let mut by_hand = 0.8_f32;
        for g in [0.3, -0.2, 0.5, 0.1_f32] {
            let (w, _) = one.step(g, lr, decay, 1.0);
            hand.layer.set(0, &Tensors { weight: vec![by_hand], bias: vec![0.0] });
            by_hand = if rule.decoupled() {
                by_hand -= by_hand * (lr * decay) as f32;
                hand.layer.set(0, &Tensors { weight: vec![by_hand], bias: vec![0.0] });
                hand.step(g, lr, 0.0, 1.0).0
            } else {
                hand.step(g + decay as f32 * by_hand, lr, 0.0, 1.0).0
            };
            assert!((w - by_hand).abs() < 1e-6, "{}: {w} {by_hand}", rule.name());
        }
    }
}

/// A rate that is applied twice acts by its square: here the first step doubles with the rate.
#[test]
fn the_learning_rate_enters_once() {
    for rule in Optimizer::all() {
        let first = |lr| One::new(rule.clone(), 0.0, 0.0).step(1.0, lr, 0.0, 1.0).0;
        assert!((first(0.02) / first(0.01) - 2.0).abs() < 1e-4, "{}", rule.name());
    }
}
