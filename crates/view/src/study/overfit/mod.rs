//! Overfitting: training against validation accuracy of many runs, from small to large and from short to long.

mod rules;
#[cfg(test)]
mod tests;

use self::rules::conclusions;
use super::leader::Figure;
use super::page::{Block, Page};
use super::sample::Trial;
use super::{Origin, again, counted};
use crate::gap::{Fit, Point, gap};
use crate::words::count;

/// A run overfits if its training accuracy is further above that on validation data than this,
const GAP: f64 = 0.03;
/// and its validation loss at the end more than this many times what it was at its lowest.
const RISEN: f64 = 1.05;
/// A run learns too little if it is below this share of the best validation accuracy on both kinds of images.
const LITTLE: f64 = 0.8;
/// Number of the most overfitted runs that are listed.
const LISTED: usize = 5;
/// Settings that are numbers, and settings that are names.
const NUMBERS: [&str; 5] = ["epochs", "hidden_size", "num_layers", "val_fraction", "weight_decay"];
const NAMES: [&str; 2] = ["optimizer", "activation"];

/// A run that finished.
struct Case<'a> {
    trial: &'a Trial,
    train: f64,
    val: f64,
    /// Validation accuracy where validation loss was lowest before the last epoch.
    turned: Option<f64>,
    fit: Fit,
}

/// The page.
pub fn page(trials: &[Trial], origin: &Origin) -> Page {
    let cases = cases(trials);
    let mut blocks = vec![
        Block::Words(
            "Which runs overfit, and what do they have in common? A network that learns its training images by heart gets better on these than on images that it never saw. Each run below has settings of its own, drawn at random, and is one mark: its accuracies at its last epoch. What `val_fraction` keeps for validation is not trained on, so that the number of images differs.".into(),
        ),
        Block::Words(format!(
            "A run counts as overfitted if its training accuracy is more than {:.0} points above its validation accuracy and its validation loss ends more than {:.0} % above its lowest earlier value; as learning too little if both accuracies are below {:.0} % of the best validation accuracy of all.",
            100.0 * GAP,
            100.0 * (RISEN - 1.0),
            100.0 * LITTLE
        )),
    ];
    blocks.extend(counted(trials));
    blocks.push(Block::Heading("What is seen".into()));
    let picture = gap("Training against validation accuracy", caption(&cases), &points(&cases));
    blocks.push(Block::Picture { name: "overfit".into(), picture });
    blocks.push(table(&cases));
    blocks.push(Block::Heading("What it says".into()));
    blocks.extend(conclusions(&cases).into_iter().map(Block::Conclusion));
    blocks.extend(again(origin));
    Page { title: "Overfitting".into(), blocks }
}

/// The runs that finished and have validation figures.
fn cases(trials: &[Trial]) -> Vec<Case<'_>> {
    let sound = || trials.iter().filter(|trial| trial.is_over() && !trial.is_diverged());
    let best = sound().filter_map(Trial::accuracy).filter(|value| value.is_finite()).fold(0.0, f64::max);
    sound().filter_map(|trial| case(trial, best)).collect()
}

fn case(trial: &Trial, best: f64) -> Option<Case<'_>> {
    let (last, earlier) = trial.epochs.split_last()?;
    let (train, val) = (last.row.train_accuracy, last.row.val_accuracy?);
    let end = last.row.val_loss.filter(|_| train.is_finite() && val.is_finite())?;
    let lowest = earlier
        .iter()
        .filter_map(|epoch| Some((epoch.row.val_loss.filter(|loss| loss.is_finite())?, epoch.row.val_accuracy?)))
        .reduce(|least, next| if next.0 < least.0 { next } else { least });
    let has_risen = lowest.is_some_and(|(loss, _)| end > RISEN * loss);
    let fit = if train - val > GAP && has_risen {
        Fit::Over
    } else if train.max(val) < LITTLE * best {
        Fit::Little
    } else {
        Fit::Sound
    };
    Some(Case { trial, train, val, turned: lowest.map(|(_, accuracy)| accuracy), fit })
}

impl Case<'_> {
    fn is_over(&self) -> bool {
        self.fit == Fit::Over
    }

    fn gap(&self) -> f64 {
        self.train - self.val
    }

    fn settings(&self) -> String {
        let text = |name: &str| self.trial.text(name);
        format!(
            "{} epochs · {} of {} · {} · {} · val_fraction {} · weight_decay {}",
            text("epochs"),
            count(self.trial.depth() as u64, "layer", "layers"),
            text("hidden_size"),
            text("activation"),
            text("optimizer"),
            text("val_fraction"),
            text("weight_decay")
        )
    }
}

/// A setting that is a number; of widths that differ the first.
fn number(trial: &Trial, setting: &str) -> Option<f64> {
    match setting {
        "num_layers" => Some(trial.depth() as f64),
        "hidden_size" => trial.number(setting).or_else(|| trial.run.config.get(setting)?.get(0)?.as_f64()),
        name => trial.number(name),
    }
}

fn points(cases: &[Case<'_>]) -> Vec<Point> {
    let label = |case: &Case<'_>| format!("{}, {}", case.trial.run.id, case.settings());
    cases.iter().map(|case| Point { label: label(case), at: [case.train, case.val], fit: case.fit }).collect()
}

/// The overfitted runs, the widest gap first.
fn overfitted<'c, 'a>(cases: &'c [Case<'a>]) -> Vec<&'c Case<'a>> {
    let mut found: Vec<&Case<'_>> = cases.iter().filter(|case| case.is_over()).collect();
    found.sort_by(|a, b| b.gap().total_cmp(&a.gap()));
    found
}

fn caption(cases: &[Case<'_>]) -> String {
    let over = overfitted(cases);
    let said = format!("{} of {} overfit", over.len(), count(cases.len() as u64, "run", "runs"));
    match over.first() {
        Some(worst) => {
            format!("{said}; the widest gap of these is {:.1} points, of {}", 100.0 * worst.gap(), worst.trial.run.id)
        }
        None => said,
    }
}

fn table(cases: &[Case<'_>]) -> Block {
    let over = overfitted(cases);
    if over.is_empty() {
        return Block::Words("There is no overfitted run to list.".into());
    }
    let row = |case: &&Case<'_>| {
        let id = &case.trial.run.id;
        vec![
            id.clone(),
            case.settings(),
            case.trial.run.best_epoch.map_or_else(|| "–".into(), |epoch| epoch.to_string()),
            Figure::Accuracy.text(case.train),
            Figure::Accuracy.text(case.val),
            format!("{:.2} points", 100.0 * case.gap()),
            format!("`handloom show {id}`"),
        ]
    };
    let head =
        ["most overfitted", "settings", "best epoch", "training accuracy", "validation accuracy", "gap", "look at it"];
    Block::Table { head: head.map(str::to_owned).to_vec(), rows: over.iter().take(LISTED).map(row).collect() }
}
