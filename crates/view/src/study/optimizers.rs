//! Speed of optimizers: the same network and the same seeds, each at its own default learning rate.

use super::leader::{Figure, leader, told};
use super::page::{Block, Conclusion, Page};
use super::sample::{Arm, Sample, Trial, arms};
use super::{Origin, again, by_epoch, counted, drawn, point};
use crate::bands::{Band, Chart, Scale};

/// The page.
pub fn page(trials: &[Trial], origin: &Origin) -> Page {
    let arms = arms(trials, |trial| trial.text("optimizer"));
    let mut blocks = vec![Block::Words(
        "Which optimizer learns fastest in the first epochs? One network, one batch size and the same seeds for all: a seed sets the weights and the order of the images, so that optimizers are compared run by run. Each has its own default learning rate, since no single rate suits all.".into(),
    )];
    blocks.extend(counted(trials));
    blocks.push(Block::Heading("What is seen".into()));
    let charts = [
        by_epoch("training loss", Scale::Log, &arms, |epoch| Some(epoch.row.train_loss)),
        by_seconds(&arms),
        by_epoch("validation accuracy", Scale::Share, &arms, |epoch| epoch.row.val_accuracy),
    ];
    blocks.push(drawn("optimizers", "Optimizers in their first epochs", caption(&arms), &charts));
    blocks.push(table(&arms));
    blocks.push(Block::Heading("What it says".into()));
    blocks.extend(conclusions(&arms).into_iter().map(Block::Conclusion));
    blocks.extend(again(origin));
    Page { title: "Optimizers".into(), blocks }
}

/// Training loss against the seconds that training had taken by then.
fn by_seconds(arms: &[Arm<'_>]) -> Chart {
    let band = |arm: &Arm<'_>| {
        let epochs = arm.trials.iter().map(|trial| trial.epochs.len()).max().unwrap_or(0);
        let at = |number: usize| {
            let seconds = arm.sample(|trial| {
                let until = trial.epochs.get(..number)?;
                Some(until.iter().map(|epoch| epoch.row.seconds).sum())
            });
            let loss = arm.sample(|trial| Some(trial.epochs.get(number - 1)?.row.train_loss));
            point(seconds.mean().unwrap_or(f64::NAN), &loss)
        };
        Band { label: arm.label.clone(), points: (1..=epochs).map(at).collect() }
    };
    let bands = arms.iter().map(band).collect();
    Chart { heading: "training loss".into(), x: "seconds of training".into(), scale: Scale::Log, bands }
}

/// Each optimizer's last training loss.
fn last_loss(arm: &Arm<'_>) -> Sample {
    arm.sample(|trial| Some(trial.last()?.row.train_loss).filter(|_| !trial.is_diverged()))
}

fn caption(arms: &[Arm<'_>]) -> String {
    let best = arms.iter().filter_map(|arm| Some((&arm.label, last_loss(arm).mean()?)));
    match best.min_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((label, loss)) => format!("{label} has the lowest training loss at the end, {loss:.3} on average"),
        None => "no run has a result".into(),
    }
}

fn table(arms: &[Arm<'_>]) -> Block {
    let head = [
        "optimizer",
        "learning rate",
        "runs",
        "first training loss",
        "last training loss",
        "validation accuracy",
        "s an epoch",
    ];
    let row = |arm: &Arm<'_>| {
        let first = arm.sample(|trial| Some(trial.epochs.first()?.row.train_loss));
        let seconds = arm.sample(|trial| {
            let all = trial.epochs.iter().map(|epoch| epoch.row.seconds);
            (!trial.epochs.is_empty()).then(|| all.sum::<f64>() / trial.epochs.len() as f64)
        });
        let rate = arm
            .trials
            .first()
            .and_then(|trial| trial.last())
            .map_or_else(String::new, |epoch| format!("{}", epoch.row.learning_rate));
        vec![
            arm.label.clone(),
            rate,
            arm.trials.len().to_string(),
            told(&first, Figure::Loss),
            told(&last_loss(arm), Figure::Loss),
            told(&arm.sample(Trial::accuracy), Figure::Accuracy),
            seconds.mean().map_or_else(|| "–".into(), |mean| format!("{mean:.2}")),
        ]
    };
    Block::Table { head: head.map(str::to_owned).to_vec(), rows: arms.iter().map(row).collect() }
}

/// Conclusions: the fastest optimizer, the one that generalizes best, and its cost in time.
fn conclusions(arms: &[Arm<'_>]) -> Vec<Conclusion> {
    let of = |figure: &dyn Fn(&Arm<'_>) -> Sample| -> Vec<(String, Sample)> {
        arms.iter().map(|arm| (arm.label.clone(), figure(arm))).collect()
    };
    let mut found = vec![
        leader("optimizer", "training loss", &of(&last_loss), Figure::Loss),
        leader("optimizer", "validation accuracy", &of(&|arm| arm.sample(Trial::accuracy)), Figure::Accuracy),
    ];
    let start = |arm: &Arm<'_>| arm.sample(|trial| Some(trial.epochs.first()?.row.train_loss));
    let first = leader("optimizer", "training loss after one epoch", &of(&start), Figure::Loss);
    found.insert(0, first);
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::tests::trial;
    use super::*;

    fn trials(adam: f64, sgd: f64) -> Vec<Trial> {
        let of = |name: &str, top: f64, seed: u64| {
            let noise = 0.002 * seed as f64;
            trial(json!({"optimizer": name}), seed, &[top - 0.1 + noise, top + noise])
        };
        (1..=3).flat_map(|seed| [of("sgd", sgd, seed), of("adam", adam + 0.001 * (seed % 2) as f64, seed)]).collect()
    }

    #[test]
    fn a_faster_optimizer_is_named_and_equal_ones_are_not() {
        let clear = page(&trials(0.88, 0.80), &Origin::default());
        let said: Vec<_> = clear.conclusions().collect();
        assert!(said.len() == 3 && said.iter().all(|one| one.settled && one.text.starts_with("adam")), "{said:?}");
        let level = page(&trials(0.8801, 0.8803), &Origin::default());
        assert!(level.conclusions().all(|one| !one.settled), "{:?}", level.conclusions().collect::<Vec<_>>());
        let text = clear.to_markdown();
        assert!(text.contains("| sgd | 0.001 | 3 |") && text.contains("6 runs on"), "{text}");
        assert!(clear.pictures().next().unwrap().1.to_png().is_ok());
    }

    #[test]
    fn without_runs_there_is_a_page_that_says_so() {
        let empty = page(&[], &Origin::default());
        assert!(empty.conclusions().all(|one| !one.settled) && empty.to_html().contains("no optimizer has"));
    }
}
