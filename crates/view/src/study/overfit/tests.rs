//! Each rule fires where it must, and not where it must not.

use serde_json::json;

use super::super::sample::tests::trial;
use super::rules::{conclusions, in_common};
use super::*;

/// A run whose training accuracy ends `gap` above its validation accuracy, and whose loss ends `risen` times its lowest.
fn run(at: u64, epochs: u64, accuracies: &[f64], gap: f64, risen: f64) -> Trial {
    let settings = json!({"epochs": epochs, "num_layers": 2, "hidden_size": 64, "optimizer": if at.is_multiple_of(2) { "adam" } else { "momentum" },
        "activation": "relu", "val_fraction": 0.5, "weight_decay": 0.0});
    let mut one = trial(settings, at, accuracies);
    for epoch in &mut one.epochs {
        epoch.row.val_loss = Some(0.4);
    }
    let last = &mut one.epochs.last_mut().unwrap().row;
    last.train_accuracy = last.val_accuracy.unwrap() + gap;
    last.val_loss = Some(0.4 * risen);
    one
}

/// Twelve long runs that overfit and twelve short ones that do not.
fn long_and_short(drop: f64) -> Vec<Trial> {
    let noise = |at: u64| 0.002 * (at % 5) as f64;
    (0..12)
        .flat_map(|at| {
            let end = 0.85 - drop + noise(at);
            [
                run(at, 25, &[0.85, 0.84, end], 0.1 + noise(at), 1.4),
                run(100 + at, 3, &[0.8, 0.85 + noise(at)], 0.01, 0.99),
            ]
        })
        .collect()
}

#[test]
fn a_run_overfits_only_if_gap_and_loss_say_so() {
    let of = |gap: f64, risen: f64| cases(&[run(1, 3, &[0.8, 0.8], gap, risen)])[0].fit;
    assert_eq!((of(0.04, 1.06), of(0.02, 1.5), of(0.2, 1.04)), (Fit::Over, Fit::Sound, Fit::Sound));
    let mut two = [run(1, 3, &[0.1, 0.1], 0.0, 1.0), run(2, 3, &[0.9, 0.9], 0.0, 1.0)];
    assert_eq!(cases(&two).iter().map(|case| case.fit).collect::<Vec<_>>(), [Fit::Little, Fit::Sound]);
    two[1].run.status = handloom_store::Status::Diverged;
    assert_eq!(cases(&two).len(), 1);
}

#[test]
fn what_overfitted_runs_have_in_common_is_named_and_nothing_else() {
    let page = page(&long_and_short(0.03), &Origin::default());
    let said: Vec<_> = page.conclusions().collect();
    assert!(said[0].text.starts_with("12 of 24 runs overfit, 50.0 % ["), "{said:?}");
    assert!(
        said[1].settled && said[1].text.starts_with("epochs: with 25 100.0 % of runs overfit (12 of 12), with 3 0.0 %"),
        "{said:?}"
    );
    assert!(!said[2].settled && said[2].text.starts_with("of optimizer no difference"), "{said:?}");
    assert!(said[3].settled && said[3].text.starts_with("overfitting costs accuracy: "), "{said:?}");
    assert_eq!(said.len(), 4);
    let caption = &page.pictures().next().unwrap().1.caption;
    assert!(caption.starts_with("12 of 24 runs overfit; the widest gap of these is "), "{caption}");
    let text = page.to_markdown();
    assert!(text.contains("25 epochs · 2 layers of 64 · relu · adam") && text.contains("`handloom show run"), "{text}");
    assert_eq!(text.matches("`handloom show run").count(), LISTED);
    assert!(page.pictures().next().unwrap().1.to_png().is_ok());
}

#[test]
fn a_loss_that_rises_without_cost_and_settings_without_effect_are_said_to_be_open_or_free() {
    let said = |drop: f64| conclusions(&cases(&long_and_short(drop))).pop().unwrap();
    assert!(said(-0.05).settled && said(-0.05).text.starts_with("overfitting costs no accuracy"), "{:?}", said(-0.05));
    assert!(!said(0.004).settled && said(0.004).text.starts_with("overfitting may cost"), "{:?}", said(0.004));
    let even: Vec<Trial> =
        (0..8).map(|at| run(at, 3 + at % 2, &[0.8, 0.8], if at < 4 { 0.1 } else { 0.0 }, 1.2)).collect();
    let found = in_common(&cases(&even));
    assert!(found.len() == 1 && !found[0].settled && found[0].text.contains("of epochs and optimizer no"), "{found:?}");
}

#[test]
fn without_runs_there_is_a_page_that_says_so() {
    let empty = page(&[], &Origin::default());
    assert!(empty.conclusions().all(|one| !one.settled) && empty.to_html().contains("no overfitted run to list"));
    assert!(empty.pictures().all(|(_, picture)| picture.to_png().is_ok()));
}
