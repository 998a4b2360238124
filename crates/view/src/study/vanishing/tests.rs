//! Each rule fires where it must, and not where it must not.

use handloom_engine::event::LayerStats;
use serde_json::json;

use super::super::sample::tests::trial;
use super::rules::{conclusions, vanishes};
use super::*;

/// Five seeds of each activation at 1, 4 and 8 layers; `norm` is of the first layer, and that of the last is 1.
fn trials(names: &[&str], norm: impl Fn(&str, usize, u64) -> f64, accuracy: impl Fn(&str, usize) -> f64) -> Vec<Trial> {
    let mut all = Vec::new();
    for seed in 1..=5 {
        for depth in [8, 1, 4] {
            for name in names {
                let noise = 0.02 * (noisy(seed, depth) - 1.0);
                let settings = json!({"activation": name, "num_layers": depth, "hidden_size": 64});
                let mut one = trial(settings, seed, &[accuracy(name, depth) + noise]);
                let health = |gradient_norm| LayerStats { gradient_norm, dead: None, saturated: None, step: None };
                one.epochs[0].evidence.layers = vec![health(norm(name, depth, seed)), health(1.0)];
                // All hidden layers but the first, and the output layer.
                let others = std::iter::repeat_n(1.0, depth);
                one.run.initial_norms = [norm(name, depth, seed)].into_iter().chain(others).collect();
                all.push(one);
            }
        }
    }
    all
}

/// A factor between 1 and 1.2 that nothing cancels.
fn noisy(seed: u64, depth: usize) -> f64 {
    1.0 + 0.002 * ((seed * 131 + depth as u64 * 17).pow(3) % 97) as f64
}

#[test]
fn what_vanishes_and_what_does_not_are_told_apart() {
    let shrink = |name: &str| if name == "sigmoid" { 5.0_f64 } else { 1.1 };
    let norm = |name: &str, depth: usize, seed: u64| {
        shrink(name).powi(-(depth as i32)) * noisy(seed + name.len() as u64, depth)
    };
    let accuracy = |name: &str, depth: usize| if name == "sigmoid" { 0.9 - 0.1 * depth as f64 } else { 0.9 };
    let all = trials(&["sigmoid", "relu"], norm, accuracy);
    let page = page(&all, &Origin::default());
    let said: Vec<_> = page.conclusions().collect();
    assert!(said[0].settled && said[0].text.starts_with("sigmoid vanishes: with 8 hidden layers"), "{said:?}");
    assert!(said[1].settled && said[1].text.starts_with("relu does not vanish"), "{said:?}");
    assert!(said[2].settled && said[2].text.contains("relu keeps most"), "{said:?}");
    assert!(said[3].settled && said[3].text.contains("accuracy falls by 70."), "{said:?}");
    assert!(
        !said[4].settled && said[4].text.starts_with("relu: from 1 to 8 hidden layers accuracy changes"),
        "{said:?}"
    );
    let text = page.to_markdown();
    assert!(text.contains("| sigmoid | 8 | 5 |") && text.contains("below a thousandth"), "{text}");
    assert!(page.pictures().next().unwrap().1.to_png().is_ok() && !text.contains("exactly 0"));
}

#[test]
fn a_factor_about_a_tenth_and_equal_activations_are_not_settled() {
    let norm = |_: &str, depth: usize, seed: u64| match depth {
        1 => 1.0,
        _ => 0.1 * (0.5 * (seed as f64 - 3.0)).exp(),
    };
    let said = conclusions(&families(&trials(&["tanh", "relu"], norm, |_, _| 0.8)));
    assert!(said.iter().all(|one| !one.settled), "{said:?}");
    assert!(said[0].text.starts_with("tanh may vanish or not") && said[2].text.contains("relu may keep as much"));
}

#[test]
fn no_gradient_is_counted_and_breaks_nothing() {
    let norm = |_: &str, depth: usize, seed: u64| match (depth, seed) {
        (8, 1) => 0.0,
        (4, 2) => f64::NAN,
        _ => 0.9 * noisy(seed, depth),
    };
    let all = trials(&["relu"], norm, |_, _| 0.8);
    let page = page(&all, &Origin::default());
    let text = page.to_markdown();
    assert!(text.contains("exactly 0 in 1 run, which are in no mean of it: 1 of relu with 8 hidden layers."), "{text}");
    assert!(text.contains("no finite number in 1 run."), "{text}");
    // All others are far above what counts as vanished.
    let first = page.conclusions().next().unwrap();
    assert!(!first.settled && first.text.ends_with("exactly 0 in 1 run, left out"), "{first:?}");
    assert!(page.pictures().all(|(_, picture)| picture.to_png().is_ok() && !picture.svg.contains("NaN")));
    let gone = |_: &str, depth: usize, _: u64| if depth == 8 { 0.0 } else { 1.0 };
    let said = vanishes(&families(&trials(&["relu"], gone, |_, _| 0.8))[0]);
    assert!(said.settled && said.text.contains("exactly 0 in 5 of 5 runs"), "{said:?}");
}

#[test]
fn without_runs_there_is_a_page_that_says_so() {
    let empty = page(&[], &Origin::default());
    assert!(empty.conclusions().all(|one| !one.settled) && empty.to_html().contains("no activation has"));
}
