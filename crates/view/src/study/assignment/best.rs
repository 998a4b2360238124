//! Question 7: the best model on the test set, and what it gets wrong.

use handloom_engine::metric::{Confusion, wilson};

use super::super::page::{Block, Conclusion};
use super::Assignment;
use crate::confusion;
use crate::mistakes::{Mistake, mistakes};
use crate::words::grouped;

/// Mistakes that are shown.
const SHOWN: usize = 24;
/// Pairs that are told.
const PAIRS: usize = 5;

/// The best model, tested.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// The run that won.
    pub won: String,
    /// Its validation accuracy.
    pub val_accuracy: f64,
    /// The run of the same configuration on all training images.
    pub run: String,
    /// The command that trains it.
    pub command: String,
    /// Confusion matrix of the test images.
    pub confusion: Confusion,
    /// Every mistake on test images, the surest first.
    pub mistakes: Vec<Mistake>,
    /// Number of openings of the test set in this store.
    pub openings: u64,
}

impl Best {
    /// Accuracy on test images.
    pub fn accuracy(&self) -> f64 {
        self.confusion.accuracy().unwrap_or(f64::NAN)
    }

    /// Its 95 % interval.
    pub fn interval(&self) -> [f64; 2] {
        wilson(self.confusion.correct(), self.confusion.total())
    }
}

/// Question 7.
pub(super) fn blocks(of: &Assignment<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::Heading("Question 7: the best model on the test set".into())];
    let (Some(best), Some(test)) = (&of.best, of.test) else {
        blocks.push(Block::Words("No run came to anything, so there is no model to test.".into()));
        return blocks;
    };
    let [low, high] = best.interval().map(|end| 100.0 * end);
    let total = best.confusion.total();
    blocks.push(Block::Words(format!(
        "Run `{}` has the highest validation accuracy of all, {:.2} %. Its configuration was trained on all training images, as many epochs as were best for it, and tested: run `{}`. This store has opened the test set {}.",
        best.won,
        100.0 * best.val_accuracy,
        best.run,
        crate::words::times(best.openings)
    )));
    blocks.push(Block::Conclusion(Conclusion::settled(format!(
        "test accuracy {:.2} % [{low:.2}, {high:.2}]: {} of {} images are right",
        100.0 * best.accuracy(),
        grouped(best.confusion.correct()),
        grouped(total)
    ))));
    blocks.push(Block::Picture {
        name: "confusion".into(),
        picture: confusion("What test images are taken for", &test.classes, &best.confusion.counts),
    });
    blocks.extend(pairs(best, &test.classes));
    let shown = &best.mistakes[..best.mistakes.len().min(SHOWN)];
    let caption = match shown.first() {
        Some(first) => format!(
            "the {} surest of {} mistakes; the surest of all, with {:.1} %, takes {} for {}",
            shown.len(),
            grouped(best.mistakes.len() as u64),
            100.0 * first.confidence,
            test.classes[usize::from(test.labels[first.row])],
            test.classes[first.predicted]
        ),
        None => "there is no mistake".into(),
    };
    blocks.push(Block::Picture {
        name: "mistakes".into(),
        picture: mistakes("What it is most sure of, and wrong about", caption, test, shown),
    });
    blocks.push(Block::Commands(vec![
        best.command.clone(),
        format!("handloom evaluate {} --plot confusion.svg", best.run),
        format!("handloom report {}", best.run),
    ]));
    blocks
}

/// The pairs of classes that most mistakes are between.
fn pairs(best: &Best, classes: &[String]) -> Vec<Block> {
    let wrong = best.confusion.total() - best.confusion.correct();
    let both = |a: usize, b: usize| best.confusion.counts[a][b] + best.confusion.counts[b][a];
    let mut found: Vec<(u64, usize, usize)> = (0..classes.len())
        .flat_map(|b| (0..b).map(move |a| (a, b)))
        .map(|(a, b)| (both(a, b), a, b))
        .filter(|one| one.0 > 0)
        .collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    if found.is_empty() {
        return Vec::new();
    }
    let first: u64 = found.iter().take(PAIRS).map(|one| one.0).sum();
    let text = format!(
        "{} mistakes; {:.0} % of them are between these {} of {} pairs of classes.",
        grouped(wrong),
        100.0 * first as f64 / wrong.max(1) as f64,
        found.len().min(PAIRS),
        classes.len() * (classes.len() - 1) / 2
    );
    let row = |&(count, a, b): &(u64, usize, usize)| {
        vec![
            format!("{} and {}", classes[a], classes[b]),
            count.to_string(),
            best.confusion.counts[a][b].to_string(),
            best.confusion.counts[b][a].to_string(),
        ]
    };
    let head = ["pair", "mistakes", "first for second", "second for first"].map(str::to_owned).to_vec();
    vec![Block::Words(text), Block::Table { head, rows: found.iter().take(PAIRS).map(row).collect() }]
}
