//! Which runs overfit: training against validation accuracy of many runs, from small to large and from short to long.

use handloom_engine::compare::{Difference, independent_difference};
use handloom_engine::metric::wilson;
use handloom_sweep::words::short;

use super::leader::Figure;
use super::page::{Block, Conclusion, Page};
use super::sample::{Sample, Trial};
use super::{Origin, again, counted};
use crate::gap::{Fit, Point, gap};
use crate::words::{count, listed};

/// A run overfits if its training accuracy is further above that on validation data than this,
const GAP: f64 = 0.03;
/// and its validation loss at the end more than this many times what it was at its lowest.
const RISEN: f64 = 1.05;
/// A run learns too little if it is below this share of the best validation accuracy on both kinds of images.
const LITTLE: f64 = 0.8;
/// How many of the most overfitted runs are listed.
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

/// How many runs overfit, what they have in common, and what it costs.
fn conclusions(cases: &[Case<'_>]) -> Vec<Conclusion> {
    let mut found = vec![how_many(cases)];
    found.extend(in_common(cases));
    found.push(cost(cases));
    found
}

fn how_many(cases: &[Case<'_>]) -> Conclusion {
    let of = |fit: Fit| cases.iter().filter(|case| case.fit == fit).count() as u64;
    let (over, little, all) = (of(Fit::Over), of(Fit::Little), cases.len() as u64);
    if all == 0 {
        return Conclusion::open("no run has finished with validation figures");
    }
    let [share, low, high] = [over as f64 / all as f64, wilson(over, all)[0], wilson(over, all)[1]].map(|x| 100.0 * x);
    let said = format!(
        "{over} of {} overfit, {share:.1} % [{low:.1}, {high:.1}]; {little} learn too little",
        count(all, "run", "runs")
    );
    // One run tells as little of the others as one seed.
    if all > 1 { Conclusion::settled(said) } else { Conclusion::open(said) }
}

/// The share of overfitted runs on two sides of a setting, the side with the larger one first.
struct Contrast {
    setting: &'static str,
    /// What the sides are, with their overfitted runs and all.
    sides: [(String, [u64; 2]); 2],
    found: Difference,
}

impl Contrast {
    fn new(setting: &'static str, first: (String, [u64; 2]), second: (String, [u64; 2])) -> Option<Self> {
        let found = independent_difference(first.1, second.1)?;
        if found.value < 0.0 {
            return Self::new(setting, second, first);
        }
        Some(Self { setting, sides: [first, second], found })
    }

    fn text(&self) -> String {
        let side = |(what, [over, all]): &(String, [u64; 2])| {
            format!("with {what} {:.1} % of runs overfit ({over} of {all})", 100.0 * *over as f64 / *all as f64)
        };
        let [value, low, high] = [self.found.value, self.found.low, self.found.high].map(|share| 100.0 * share);
        format!(
            "{}: {}, {}: {value:.1} points more [{low:+.1}, {high:+.1}]",
            self.setting,
            side(&self.sides[0]),
            side(&self.sides[1])
        )
    }
}

/// Overfitted runs and all, of those cases that `keep` keeps.
fn counts(cases: &[Case<'_>], keep: impl Fn(&Case<'_>) -> bool) -> [u64; 2] {
    let kept = || cases.iter().filter(|case| keep(case));
    [kept().filter(|case| case.is_over()).count() as u64, kept().count() as u64]
}

/// The highest against the lowest value of a number that varies.
fn of_number(cases: &[Case<'_>], setting: &'static str) -> Option<Contrast> {
    let values = || cases.iter().filter_map(|case| number(case.trial, setting));
    let (low, high) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
    let side = |value: f64| (short(value), counts(cases, |case| number(case.trial, setting) == Some(value)));
    if low < high { Contrast::new(setting, side(high), side(low)) } else { None }
}

/// Each name against the others; of two names the first against the second.
fn of_names(cases: &[Case<'_>], setting: &'static str) -> Vec<Contrast> {
    let mut names: Vec<String> = Vec::new();
    for name in cases.iter().map(|case| case.trial.text(setting)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let against = |name: &String| {
        let rest = match &names[..] {
            [_, second] => second.clone(),
            _ => "others".into(),
        };
        let own = counts(cases, |case| case.trial.text(setting) == *name);
        Contrast::new(setting, (name.clone(), own), (rest, counts(cases, |case| case.trial.text(setting) != *name)))
    };
    let shown = if names.len() == 2 { 1 } else { names.len() };
    names.iter().take(shown).filter_map(against).collect()
}

/// The settings that tell overfitted runs from others, the largest difference first, and those of which that is open.
fn in_common(cases: &[Case<'_>]) -> Vec<Conclusion> {
    let numbers = NUMBERS.into_iter().filter_map(|setting| of_number(cases, setting));
    let mut all: Vec<Contrast> =
        numbers.chain(NAMES.into_iter().flat_map(|setting| of_names(cases, setting))).collect();
    if all.is_empty() {
        return vec![Conclusion::open("no setting varies among the runs that finished")];
    }
    all.sort_by(|a, b| b.found.value.total_cmp(&a.found.value));
    let (settled, open): (Vec<_>, Vec<_>) = all.into_iter().partition(|contrast| contrast.found.settled);
    let mut rest: Vec<String> = Vec::new();
    for Contrast { setting, .. } in &open {
        if !settled.iter().any(|one| one.setting == *setting) && !rest.iter().any(|name| name == setting) {
            rest.push((*setting).to_owned());
        }
    }
    let mut found: Vec<Conclusion> = settled.iter().map(|one| Conclusion::settled(one.text())).collect();
    if found.is_empty() {
        let text =
            format!("no setting tells overfitted runs from the others: of {} no difference is certain", listed(&rest));
        found.push(Conclusion::open(text));
    } else if !rest.is_empty() {
        found.push(Conclusion::open(format!("of {} no difference is certain", listed(&rest))));
    }
    found
}

/// Whether overfitted runs are less accurate at the end than where their validation loss was lowest. Their best epoch would
/// not do: it is chosen by accuracy, so that no epoch can be above it.
fn cost(cases: &[Case<'_>]) -> Conclusion {
    let over: Vec<&Case<'_>> = cases.iter().filter(|case| case.is_over()).collect();
    let sample = |before: &dyn Fn(&Case<'_>) -> Option<f64>| {
        Sample((1..).zip(&over).filter_map(|(at, case)| Some((at, before(case)? - case.val))).collect())
    };
    let lost = sample(&|case| case.turned);
    let Some(mean) = lost.mean() else {
        return Conclusion::open("no run overfits, so that nothing can be said of what that costs");
    };
    let runs = count(over.len() as u64, "overfitted run", "overfitted runs");
    let best = sample(&|case| case.trial.accuracy()).mean().map_or(String::new(), |mean| {
        format!(
            "; the best epoch, which is the one chosen for its accuracy, is {:.2} points above the end",
            100.0 * mean
        )
    });
    let Some(found) = lost.over(&sample(&|case| Some(case.val))) else {
        return Conclusion::open(format!(
            "{runs} cannot tell what overfitting costs, now {:.2} points{best}",
            100.0 * mean
        ));
    };
    let [value, low, high] = [found.value, found.low, found.high].map(|share| 100.0 * share);
    let said = format!(
        "from the epoch with the lowest validation loss to the last, the validation accuracy of {runs} changes by {:+.2} points [{:+.2}, {:+.2}]{best}",
        -value, -high, -low
    );
    match (found.settled, found.value > 0.0) {
        (true, true) => Conclusion::settled(format!("overfitting costs accuracy: {said}")),
        (true, false) => Conclusion::settled(format!("overfitting costs no accuracy, though loss rises: {said}")),
        _ => Conclusion::open(format!("overfitting may cost accuracy or not: {said}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::tests::trial;
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
            said[1].settled
                && said[1].text.starts_with("epochs: with 25 100.0 % of runs overfit (12 of 12), with 3 0.0 %"),
            "{said:?}"
        );
        assert!(!said[2].settled && said[2].text.starts_with("of optimizer no difference"), "{said:?}");
        assert!(said[3].settled && said[3].text.starts_with("overfitting costs accuracy: "), "{said:?}");
        assert_eq!(said.len(), 4);
        let text = page.to_markdown();
        assert!(
            text.contains("25 epochs · 2 layers of 64 · relu · adam") && text.contains("`handloom show run"),
            "{text}"
        );
        assert_eq!(text.matches("`handloom show run").count(), LISTED);
        assert!(page.pictures().next().unwrap().1.to_png().is_ok());
    }

    #[test]
    fn a_loss_that_rises_without_cost_and_settings_without_effect_are_said_to_be_open_or_free() {
        let said = |drop: f64| conclusions(&cases(&long_and_short(drop))).pop().unwrap();
        assert!(
            said(-0.05).settled && said(-0.05).text.starts_with("overfitting costs no accuracy"),
            "{:?}",
            said(-0.05)
        );
        assert!(!said(0.004).settled && said(0.004).text.starts_with("overfitting may cost"), "{:?}", said(0.004));
        let even: Vec<Trial> =
            (0..8).map(|at| run(at, 3 + at % 2, &[0.8, 0.8], if at < 4 { 0.1 } else { 0.0 }, 1.2)).collect();
        let found = in_common(&cases(&even));
        assert!(
            found.len() == 1 && !found[0].settled && found[0].text.contains("of epochs and optimizer no"),
            "{found:?}"
        );
    }

    #[test]
    fn without_runs_there_is_a_page_that_says_so() {
        let empty = page(&[], &Origin::default());
        assert!(empty.conclusions().all(|one| !one.settled) && empty.to_html().contains("no overfitted run to list"));
        assert!(empty.pictures().all(|(_, picture)| picture.to_png().is_ok()));
    }
}
