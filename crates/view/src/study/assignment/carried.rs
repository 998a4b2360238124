//! Question 10: three configurations for another data set, chosen before it is opened.

use handloom_engine::compare::independent_difference;
use handloom_engine::metric::wilson;

use super::super::page::{Block, Conclusion};
use super::super::sample::Trial;
use super::Assignment;

/// Accuracy that a smaller network may lose and still be recommended.
const NEAR: f64 = 0.01;

/// Why a configuration was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is the best of all.
    Best,
    /// It is the best of those with another optimizer.
    Other,
    /// It has the fewest weights of those within a point of the best.
    Small,
}

impl Reason {
    /// The rule, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Best => "the highest validation accuracy of all",
            Self::Other => {
                "the highest with another optimizer than the first, in case that one suits only this data set"
            }
            Self::Small => {
                "the fewest weights of all within one point of the best, in case the easier data set needs less"
            }
        }
    }
}

/// A configuration and what it came to on the other data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Picked {
    /// Why it was chosen.
    pub reason: Reason,
    /// The run that it was chosen for, and its validation accuracy.
    pub from: (String, f64),
    /// The run on the other data set.
    pub run: String,
    /// The command that trains it.
    pub command: String,
    /// Validation accuracy there.
    pub val_accuracy: f64,
    /// Right test images there, and all.
    pub test: [u64; 2],
}

/// The three runs that are recommended, at most, in the order of [`Reason`]; `weights` is how many weights a run has.
pub fn pick<'a>(trials: &[&'a Trial], weights: impl Fn(&Trial) -> u64) -> Vec<(Reason, &'a Trial)> {
    let usable = |trial: &&&Trial| trial.is_over() && !trial.is_diverged() && trial.accuracy().is_some();
    let accuracy = |trial: &Trial| trial.accuracy().unwrap_or(-1.0);
    let better = |best: &'a Trial, next: &'a Trial| if accuracy(next) > accuracy(best) { next } else { best };
    let all: Vec<&Trial> = trials.iter().filter(usable).copied().collect();
    let Some(best) = all.iter().copied().reduce(better) else { return Vec::new() };
    let mut picked = vec![(Reason::Best, best)];
    let optimizer = best.text("optimizer");
    picked.extend(
        all.iter()
            .copied()
            .filter(|trial| trial.text("optimizer") != optimizer)
            .reduce(better)
            .map(|one| (Reason::Other, one)),
    );
    let is_new = |trial: &Trial| picked.iter().all(|(_, known)| known.run.id != trial.run.id);
    let near = all.iter().copied().filter(|trial| accuracy(trial) >= accuracy(best) - NEAR && is_new(trial));
    let small = near.min_by(|a, b| weights(a).cmp(&weights(b)).then(accuracy(b).total_cmp(&accuracy(a))));
    picked.extend(small.map(|one| (Reason::Small, one)));
    picked
}

/// Question 10.
pub(super) fn blocks(of: &Assignment<'_>) -> Vec<Block> {
    let mut blocks = vec![
        Block::Heading(format!("Question 10: three configurations for {}", of.to)),
        Block::Words(format!("Chosen by this rule from the runs on {}, before {} was opened:", of.dataset, of.to)),
        Block::Points([Reason::Best, Reason::Other, Reason::Small].map(|reason| reason.words().to_owned()).to_vec()),
    ];
    let picked = match &of.carried {
        Ok(picked) if !picked.is_empty() => picked,
        Ok(_) => {
            blocks.push(Block::Words("No run came to anything, so that none could be chosen.".into()));
            return blocks;
        }
        Err(why) => {
            blocks.push(Block::Words(format!("What came of it is not known: {why}")));
            return blocks;
        }
    };
    let row = |one: &Picked| {
        let [right, all] = one.test;
        let [low, high] = wilson(right, all).map(|end| 100.0 * end);
        vec![
            one.reason.words().split(", in case").next().unwrap_or_default().to_owned(),
            one.from.0.clone(),
            format!("{:.2} %", 100.0 * one.from.1),
            format!("{:.2} %", 100.0 * one.val_accuracy),
            format!("{:.2} % ({low:.2} to {high:.2})", 100.0 * right as f64 / all.max(1) as f64),
        ]
    };
    let head = vec![
        "chosen for".to_owned(),
        "run".into(),
        format!("validation, {}", of.dataset),
        format!("validation, {}", of.to),
        format!("test, {}", of.to),
    ];
    blocks.push(Block::Table { head, rows: picked.iter().map(row).collect() });
    blocks.push(Block::Conclusion(transferred(picked, of.dataset, of.to)));
    blocks.push(Block::Commands(picked.iter().map(|one| one.command.clone()).collect()));
    blocks
}

/// Conclusion about the order on both data sets: the best there is the best here, or not.
fn transferred(picked: &[Picked], from: &str, to: &str) -> Conclusion {
    let share = |one: &Picked| one.test[0] as f64 / one.test[1].max(1) as f64;
    let Some(first) = picked.first() else { return Conclusion::open("nothing was carried over") };
    let top = picked.iter().reduce(|best, next| if share(next) > share(best) { next } else { best }).unwrap_or(first);
    let others = picked.iter().filter(|one| one.run != top.run);
    let Some(second) = others.reduce(|best, next| if share(next) > share(best) { next } else { best }) else {
        return Conclusion::open(format!("one configuration alone says nothing of what transfers to {to}"));
    };
    let Some(lead) = independent_difference(top.test, second.test) else {
        return Conclusion::open(format!("{to} has no test images"));
    };
    let which = if top.run == first.run {
        format!("the best on {from} is also the best of the three on {to}")
    } else {
        format!("the best on {from} is not the best of the three on {to}")
    };
    let said = format!(
        "{which}: {:.2} % on test images, {:.2} points [{:+.2}, {:+.2}] ahead of the next",
        100.0 * share(top),
        100.0 * lead.value,
        100.0 * lead.low,
        100.0 * lead.high
    );
    if lead.settled { Conclusion::settled(said) } else { Conclusion::open(format!("{said}, which may be chance")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::sample::tests::trial;
    use super::*;

    fn run(id: &str, optimizer: &str, width: u64, accuracy: f64) -> Trial {
        let mut one = trial(json!({"optimizer": optimizer, "hidden_size": width}), 1, &[accuracy]);
        one.run.id = id.into();
        one
    }

    #[test]
    fn the_three_are_the_best_another_optimizer_and_a_small_one() {
        let mut all = vec![
            run("a", "nadam", 128, 0.890),
            run("b", "nadam", 128, 0.889),
            run("c", "sgd", 64, 0.870),
            run("d", "adam", 64, 0.885),
            run("e", "nadam", 32, 0.883),
            run("f", "nadam", 16, 0.700),
        ];
        let mut exploded = run("g", "sgd", 8, 0.99);
        exploded.run.status = handloom_store::Status::Diverged;
        all.push(exploded);
        let found = pick(&all.iter().collect::<Vec<_>>(), |one| one.number("hidden_size").unwrap() as u64);
        let names: Vec<_> = found.iter().map(|(reason, one)| (*reason, one.run.id.as_str())).collect();
        assert_eq!(names, [(Reason::Best, "a"), (Reason::Other, "d"), (Reason::Small, "e")]);
        assert!(pick(&[], |_| 1).is_empty());
    }

    fn picked(run: &str, right: u64) -> Picked {
        Picked {
            reason: Reason::Best,
            from: ("x".into(), 0.9),
            run: run.into(),
            command: String::new(),
            val_accuracy: 0.9,
            test: [right, 10_000],
        }
    }

    #[test]
    fn what_transfers_is_settled_only_by_a_clear_lead() {
        let said = transferred(&[picked("a", 9_800), picked("b", 9_600), picked("c", 9_500)], "fashion_mnist", "mnist");
        assert!(
            said.settled
                && said.text.starts_with("the best on fashion_mnist is also the best of the three on mnist: 98.00 %"),
            "{said:?}"
        );
        let said = transferred(&[picked("a", 9_800), picked("b", 9_805)], "fashion_mnist", "mnist");
        assert!(
            !said.settled && said.text.contains("is not the best of the three") && said.text.ends_with("may be chance"),
            "{said:?}"
        );
        assert!(!transferred(&[], "a", "b").settled);
    }
}
