//! Cross-entropy against squared error: the same seeds, and for each loss the learning rate that suits it.
//!
//! The rate is chosen by the first seed alone, and the comparison is made with the others, so that no loss is judged by the
//! runs that it was tuned on.

use std::collections::BTreeMap;

use super::leader::{Figure, leader, told};
use super::page::{Block, Conclusion, Page};
use super::sample::{Arm, Sample, Trial, arms};
use super::{Origin, again, by_epoch, counted, drawn};
use crate::bands::{Chart, Scale};

/// Results of a loss.
struct Side<'a> {
    /// Its runs at the chosen rate, without those that chose it.
    arm: Arm<'a>,
    rate: f64,
    /// Accuracy of the choosing runs at each rate.
    tuning: Vec<(f64, Option<f64>)>,
}

/// The page. `calibration` has for each run, by its id, how far its confidence is from its accuracy on validation data.
pub fn page(trials: &[Trial], calibration: &BTreeMap<String, f64>, origin: &Origin) -> Page {
    let mut all = blocks(trials, calibration);
    all.extend(again(origin));
    Page { title: "Cross-entropy against squared error".into(), blocks: all }
}

/// The same without a frame.
pub(super) fn blocks(trials: &[Trial], calibration: &BTreeMap<String, f64>) -> Vec<Block> {
    let sides = sides(trials);
    let mut blocks = vec![Block::Words(
        "Which loss is better to train with, cross-entropy or squared error? Their values have different units and their gradients different sizes, so that one learning rate for both would decide the answer. Each loss gets its own: the best of the same list for the first seed. The other seeds, which had no say in that, are compared.".into(),
    )];
    blocks.extend(counted(trials));
    blocks.push(tuning(&sides));
    blocks.extend(pictures(&sides));
    blocks.push(table(&sides, calibration));
    blocks.extend(conclusions(&sides, calibration).into_iter().map(Block::Conclusion));
    blocks
}

fn sides(trials: &[Trial]) -> Vec<Side<'_>> {
    let tuner = trials.iter().map(|trial| trial.run.seed).min();
    arms(trials, |trial| trial.text("loss")).into_iter().filter_map(|all| side(all, tuner)).collect()
}

/// A loss with its runs `all`, whose rate is chosen by those with the seed `tuner`.
fn side(all: Arm<'_>, tuner: Option<u64>) -> Option<Side<'_>> {
    let (choosing, others): (Vec<&Trial>, Vec<&Trial>) =
        all.trials.into_iter().partition(|trial| Some(trial.run.seed) == tuner);
    let tuned =
        |trial: &&Trial| Some((trial.number("learning_rate")?, trial.accuracy().filter(|_| !trial.is_diverged())));
    let mut tuning: Vec<(f64, Option<f64>)> = choosing.iter().filter_map(tuned).collect();
    tuning.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Of equals the smaller rate, which is the safer one.
    let best = tuning.iter().filter_map(|&(rate, accuracy)| Some((rate, accuracy?)));
    let (rate, _) = best.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let trials = others.into_iter().filter(|trial| trial.number("learning_rate") == Some(rate)).collect();
    Some(Side { arm: Arm { label: all.label, trials }, rate, tuning })
}

fn tuning(sides: &[Side<'_>]) -> Block {
    let rates: Vec<f64> =
        sides.first().map(|side| side.tuning.iter().map(|(rate, _)| *rate).collect()).unwrap_or_default();
    let mut head = vec!["first seed: accuracy at rate".to_owned()];
    head.extend(rates.iter().map(ToString::to_string));
    head.push("chosen".into());
    let row = |side: &Side<'_>| {
        let mut cells = vec![side.arm.label.clone()];
        cells.extend(rates.iter().map(|rate| {
            let found = side.tuning.iter().find(|(own, _)| own == rate).and_then(|(_, accuracy)| *accuracy);
            found.map_or_else(|| "diverged".into(), |accuracy| Figure::Accuracy.text(accuracy))
        }));
        cells.push(side.rate.to_string());
        cells
    };
    Block::Table { head, rows: sides.iter().map(row).collect() }
}

fn pictures(sides: &[Side<'_>]) -> Vec<Block> {
    let arms: Vec<Arm<'_>> = sides.iter().map(|side| side.arm.clone()).collect();
    let shared = [
        by_epoch("validation accuracy", Scale::Share, &arms, |epoch| epoch.row.val_accuracy),
        by_epoch("gradient norm, first layer", Scale::Log, &arms, |epoch| {
            Some(epoch.evidence.layers.first()?.gradient_norm)
        }),
    ];
    let ends: Vec<String> = arms
        .iter()
        .filter_map(|arm| Some(format!("{} {}", arm.label, Figure::Accuracy.text(arm.sample(Trial::accuracy).mean()?))))
        .collect();
    let caption = format!("Accuracy of the kept weights: {}", ends.join("; "));
    // Each loss has an axis of its own: on one, the smaller would be a flat line.
    let own: Vec<Chart> = arms
        .iter()
        .map(|arm| {
            let heading = format!("{}, training", arm.label.replace('_', " "));
            by_epoch(&heading, Scale::Number, std::slice::from_ref(arm), |epoch| Some(epoch.row.train_loss))
        })
        .collect();
    vec![
        drawn("loss-accuracy", "Two losses: accuracy and gradients", caption, &shared),
        drawn(
            "loss-own",
            "Each loss on its own axis",
            "Losses have different units: only their shapes compare".into(),
            &own,
        ),
    ]
}

/// Accuracy after the first epoch.
fn early(arm: &Arm<'_>) -> Sample {
    arm.sample(|trial| trial.epochs.first()?.row.val_accuracy)
}

fn calibrated(arm: &Arm<'_>, calibration: &BTreeMap<String, f64>) -> Sample {
    arm.sample(|trial| calibration.get(&trial.run.id).copied())
}

fn table(sides: &[Side<'_>], calibration: &BTreeMap<String, f64>) -> Block {
    let head = ["loss", "learning rate", "runs", "accuracy after one epoch", "accuracy", "calibration error"];
    let row = |side: &Side<'_>| {
        let arm = &side.arm;
        vec![
            arm.label.clone(),
            side.rate.to_string(),
            arm.trials.len().to_string(),
            told(&early(arm), Figure::Accuracy),
            told(&arm.sample(Trial::accuracy), Figure::Accuracy),
            told(&calibrated(arm, calibration), Figure::Loss),
        ]
    };
    Block::Table { head: head.map(str::to_owned).to_vec(), rows: sides.iter().map(row).collect() }
}

/// Conclusions about the two losses: accuracy in the end, accuracy after one epoch, and calibration.
fn conclusions(sides: &[Side<'_>], calibration: &BTreeMap<String, f64>) -> Vec<Conclusion> {
    let of = |figure: &dyn Fn(&Arm<'_>) -> Sample| -> Vec<(String, Sample)> {
        sides.iter().map(|side| (side.arm.label.clone(), figure(&side.arm))).collect()
    };
    vec![
        leader("loss", "validation accuracy", &of(&|arm| arm.sample(Trial::accuracy)), Figure::Accuracy),
        leader("loss", "validation accuracy after one epoch", &of(&early), Figure::Accuracy),
        leader("loss", "calibration error", &of(&|arm| calibrated(arm, calibration)), Figure::Loss),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::tests::trial;
    use super::*;

    /// Two losses at two rates with `seeds` seeds; `top` is the accuracy of a loss at a rate.
    fn trials(seeds: u64, top: impl Fn(&str, f64) -> f64) -> Vec<Trial> {
        let mut all = Vec::new();
        for seed in 1..=seeds {
            for loss in ["cross_entropy", "mean_squared_error"] {
                for rate in [0.001, 0.01] {
                    let noise = 0.001 * ((seed * 3 + loss.len() as u64) % 4) as f64;
                    let mut one = trial(
                        json!({"loss": loss, "learning_rate": rate}),
                        seed,
                        &[top(loss, rate) - 0.1 + noise, top(loss, rate) + noise],
                    );
                    one.run.id = format!("{loss}{rate}{seed}");
                    all.push(one);
                }
            }
        }
        all
    }

    #[test]
    fn each_loss_has_the_rate_that_suits_it_and_is_judged_by_other_seeds() {
        // At one rate for both, squared error would lose.
        let all = trials(5, |loss, rate| match (loss, rate) {
            ("cross_entropy", 0.001) => 0.90,
            ("mean_squared_error", 0.01) => 0.88,
            _ => 0.5,
        });
        let found = sides(&all);
        assert_eq!((found[0].rate, found[1].rate), (0.001, 0.01));
        assert!(
            found.iter().all(|side| side.arm.trials.len() == 4 && side.arm.trials.iter().all(|one| one.run.seed > 1))
        );
        let page = page(&all, &BTreeMap::new(), &Origin::default());
        let said: Vec<_> = page.conclusions().collect();
        assert!(said[0].settled && said[0].text.starts_with("cross_entropy is the best loss"), "{said:?}");
        assert!(!said[2].settled, "nothing is known of calibration: {said:?}");
        assert!(page.pictures().all(|(_, picture)| picture.to_png().is_ok()) && page.pictures().count() == 2);
    }

    #[test]
    fn level_losses_are_not_settled_and_one_seed_says_nothing() {
        let level = trials(5, |_, _| 0.88);
        assert!(!conclusions(&sides(&level), &BTreeMap::new())[0].settled);
        assert!(conclusions(&sides(&trials(1, |_, _| 0.88)), &BTreeMap::new()).iter().all(|one| !one.settled));
        assert!(conclusions(&sides(&[]), &BTreeMap::new()).iter().all(|one| !one.settled));
    }
}
