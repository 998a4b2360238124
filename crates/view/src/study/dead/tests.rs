//! Each rule fires where it must, and not where it must not.

use handloom_store::Status;
use serde_json::json;

use super::super::sample::tests::trial;
use super::rules::{conclusions, side};
use super::*;

/// Five seeds of relu, leaky relu and tanh at two rates. `silent` is relu's share at a rate, `top` the accuracy at the end.
fn trials(silent: impl Fn(f64) -> f64, top: impl Fn(&str, f64) -> f64) -> Vec<Trial> {
    let mut all = Vec::new();
    for seed in 1..=5 {
        for rate in [0.1, 0.001] {
            for name in ["relu", "leaky_relu", "tanh"] {
                let noise = 0.0001 * ((seed * 131 + name.len() as u64 * 17 + (rate * 50.0) as u64).pow(3) % 97) as f64;
                let end = top(name, rate) + noise;
                let first = if end < 0.5 { end + 0.0005 * seed as f64 } else { end - 0.1 + 0.003 * seed as f64 };
                let settings = json!({"activation": name, "learning_rate": rate, "num_layers": 2});
                let mut one = trial(settings, seed, &[first, end]);
                let hidden = LayerStats {
                    gradient_norm: 1.0,
                    dead: (name == "relu").then(|| silent(rate) + noise),
                    saturated: (name == "tanh").then_some(0.3 + noise),
                    step: None,
                };
                for epoch in &mut one.epochs {
                    epoch.evidence.layers = vec![hidden, hidden, LayerStats { dead: None, saturated: None, ..hidden }];
                }
                all.push(one);
            }
        }
    }
    all
}

#[test]
fn what_dies_and_stops_learning_is_named() {
    let top = |name: &str, rate: f64| if rate > 0.01 && name != "tanh" { 0.1 } else { 0.85 };
    let page = page(&trials(|rate| if rate > 0.01 { 0.8 } else { 0.02 }, top), &Origin::default());
    let said: Vec<_> = page.conclusions().collect();
    assert!(said.len() == 6 && said.iter().all(|one| one.settled), "{said:?}");
    let begins = [
        "relu has more silent units at a rate of 0.1",
        "relu is dead",
        "relu stops learning",
        "leaky_relu stops learning",
    ];
    assert!(said.iter().zip(begins).all(|(one, begin)| one.text.starts_with(begin)), "{said:?}");
    assert!(said[4].text.starts_with("tanh does not stop learning"), "{said:?}");
    assert!(said[5].text.starts_with("tanh is the best activation at a rate of 0.1"), "{said:?}");
    let text = page.to_markdown();
    assert!(text.contains("silent, layer 2 | saturated") && text.contains("| relu | 0.001 | 5 | 0 |"), "{text}");
    let (_, picture) = page.pictures().next().unwrap();
    assert!(picture.to_png().is_ok() && picture.caption.ends_with("with relu at 0.1"), "{}", picture.caption);
}

#[test]
fn equal_rates_are_not_settled_and_living_units_are_not_dead() {
    let said = conclusions(&families(&trials(|_| 0.1, |_, _| 0.85)));
    assert!(!said[0].settled && said[0].text.starts_with("relu may have more silent"), "{said:?}");
    assert!(said[1].settled && said[1].text.starts_with("relu is not dead"), "{said:?}");
    assert!(said[2..5].iter().all(|one| one.text.contains("does not stop learning")), "{said:?}");
    assert!(!said[5].settled, "{said:?}");
    let half = conclusions(&families(&trials(|_| 0.497, |_, _| 0.85)));
    assert!(!half[1].settled && half[1].text.starts_with("relu may be dead"), "{half:?}");
}

#[test]
fn equal_runs_count_and_one_run_does_not() {
    let of = |n: u64, value: f64| Sample((1..=n).map(|seed| (seed, value)).collect());
    assert_eq!((side(&of(5, 1.0), DEAD), side(&of(5, 0.0), DEAD)), (Some(true), Some(false)));
    assert_eq!((side(&of(1, 1.0), DEAD), side(&of(0, 1.0), DEAD)), (None, None));
}

#[test]
fn runs_that_diverged_are_counted_and_without_any_the_page_says_so() {
    let mut all = trials(|_| 0.1, |name, _| if name == "tanh" { 0.85 } else { 0.6 });
    for one in all
        .iter_mut()
        .filter(|one| one.text("activation") == "tanh" && one.number("learning_rate") == Some(0.1))
        .take(2)
    {
        one.run.status = Status::Diverged;
        one.run.val_accuracy = None;
        one.epochs.clear();
    }
    let found = page(&all, &Origin::default());
    assert!(found.to_markdown().contains("Diverged: 2 of 5 runs of tanh at 0.1."));
    let last = found.conclusions().last().unwrap();
    assert!(last.text.ends_with("out of it: tanh, of which 2 of 5 runs diverged"), "{last:?}");
    assert!(!last.text.starts_with("tanh"), "its runs that are left are the best: {last:?}");
    let tanh = found.conclusions().nth(4).unwrap();
    assert!(!tanh.settled && tanh.text.ends_with("2 of 5 runs diverged"), "{tanh:?}");
    let empty = page(&[], &Origin::default());
    assert!(empty.conclusions().all(|one| !one.settled) && empty.pictures().all(|(_, one)| one.to_png().is_ok()));
}
