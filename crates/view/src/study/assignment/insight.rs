//! Question 6: what the settings do, which of them matter, and what to take.

use crate::format::{plain, rate};
use handloom_sweep::importance::Verdict;

use super::super::leader::{Figure, leader, told};
use super::super::page::{Block, Conclusion};
use super::super::sample::{Arm, Trial, arms};
use super::{Assignment, Searched};
use crate::intervals::{Interval, intervals};
use crate::parallel::{Dimension, parallel};
use crate::site::sweep::observations::observe;
use crate::site::sweep::table::{Parameter, Table};

/// Accuracy below which the assignment calls a run bad.
const BAR: f64 = 0.65;
/// Accuracy that the assignment hopes for.
const HOPE: f64 = 0.95;

/// Question 6.
pub(super) fn blocks(of: &Assignment<'_>) -> Vec<Block> {
    let survey = &of.survey;
    let mut blocks = vec![
        Block::Heading("Question 6: what matters, and what to take".into()),
        Block::Words("The runs of the survey, through their settings to their validation accuracy:".into()),
        coordinates(survey),
        matters(survey),
        correlations(survey),
    ];
    blocks.push(Block::Words("What the survey shows:".into()));
    blocks.extend(said(survey, |rule| !["recommended", "progress"].contains(&rule)));
    blocks.push(Block::Words(
        "And the search, which spent its runs where they do best and therefore says less of what does badly:".into(),
    ));
    blocks.extend(said(&of.search, |rule| ["recommended", "best", "rates"].contains(&rule)));
    blocks.extend(one_change(of));
    blocks.push(Block::Conclusion(hope(of)));
    blocks.push(Block::Commands(vec![
        format!("handloom sweep show {}", survey.id),
        format!("handloom sweep show {}", of.search.id),
        "handloom ui".into(),
    ]));
    blocks
}

/// Statements about a sweep, those that `keep` selects.
fn said(searched: &Searched, keep: impl Fn(&str) -> bool) -> Vec<Block> {
    let found = observe(&searched.table, &searched.importance);
    let all: Vec<Block> = found
        .into_iter()
        .filter(|one| keep(one.rule))
        .map(|one| Block::Conclusion(Conclusion { settled: one.settled, text: one.text }))
        .collect();
    if all.is_empty() {
        return vec![Block::Words("Too few runs have ended for any rule to say something.".into())];
    }
    all
}

/// Settings by what they matter, from the least to the most, and the metric at the end.
fn coordinates(searched: &Searched) -> Block {
    let table = &searched.table;
    let weight = |parameter: &&Parameter| {
        let found = searched.importance.parameters.iter().find(|one| one.name == bare(&parameter.name));
        found.map_or(f64::NEG_INFINITY, |one| one.importance)
    };
    let mut parameters: Vec<&Parameter> = table.parameters.iter().collect();
    parameters.sort_by(|a, b| weight(a).total_cmp(&weight(b)));
    let mut dimensions: Vec<Dimension> = parameters.into_iter().map(dimension).collect();
    let values: Vec<Option<f64>> = table.trials.iter().map(|trial| trial.value).collect();
    let (low, high) = bounds(values.iter().copied().flatten());
    let place = |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 };
    let tick = |share: f64| (share, table.text(low + share * (high - low)));
    dimensions.push(Dimension {
        name: table.metric.name.into(),
        ticks: [0.0, 0.25, 0.5, 0.75, 1.0].map(tick).to_vec(),
        places: values.iter().map(|value| value.map(place)).collect(),
    });
    // By rank among those above the bar: their values lie close together.
    let above: Vec<f64> = values.iter().flatten().copied().filter(|value| *value >= BAR).collect();
    let rank = |value: f64| above.iter().filter(|&&other| other < value).count() as f64 / above.len().max(1) as f64;
    let goodness: Vec<Option<f64>> = values.iter().map(|value| value.map(rank)).collect();
    let under: Vec<bool> = values.iter().map(|value| value.is_some_and(|value| value < BAR)).collect();
    let low_ones = under.iter().filter(|&&is| is).count();
    let caption = format!(
        "{} runs, {low_ones} of them under 65 %; settings that matter more are nearer to the accuracy",
        values.len()
    );
    let picture =
        parallel("Parallel coordinates of the survey", caption, &dimensions, &goodness, (&under, "under 65 %"));
    Block::Picture { name: "parallel".into(), picture }
}

/// A parameter's name in the space.
fn bare(name: &str) -> &str {
    name.strip_prefix("config.").unwrap_or(name)
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// A parameter as an axis: categories as steps, numbers on their scale.
fn dimension(parameter: &Parameter) -> Dimension {
    let name = bare(&parameter.name).replace('_', " ");
    let levels = parameter.levels();
    if parameter.is_category || !parameter.is_number() {
        let last = levels.len().max(2) - 1;
        let place = |at: usize| at as f64 / last as f64;
        let of = |own: &serde_json::Value| levels.iter().position(|level| level == own).map(place);
        let ticks = levels.iter().enumerate().map(|(at, level)| (place(at), plain(level))).collect();
        return Dimension { name, ticks, places: parameter.values.iter().map(of).collect() };
    }
    let scaled = |number: f64| if parameter.is_log { libm::log(number.max(f64::MIN_POSITIVE)) } else { number };
    let numbers = || (0..parameter.values.len()).filter_map(|at| parameter.number(at));
    let (low, high) = bounds(numbers().map(scaled));
    let place = |number: f64| if high > low { (scaled(number) - low) / (high - low) } else { 0.5 };
    let back = |share: f64| low + share * (high - low);
    let tick = |share: f64| (share, rate(if parameter.is_log { libm::exp(back(share)) } else { back(share) }));
    Dimension {
        name,
        ticks: [0.0, 0.5, 1.0].map(tick).to_vec(),
        places: (0..parameter.values.len()).map(|at| parameter.number(at).map(place)).collect(),
    }
}

fn matters(searched: &Searched) -> Block {
    let found = &searched.importance;
    let row = |one: &handloom_sweep::importance::Weight| Interval {
        label: one.name.replace('_', " "),
        value: [one.importance, one.interval[0], one.interval[1]],
    };
    let rows: Vec<Interval> = found.parameters.iter().map(row).collect();
    let clear: Vec<String> = found
        .parameters
        .iter()
        .filter(|one| one.verdict == Verdict::Matters)
        .map(|one| one.name.replace('_', " "))
        .collect();
    let caption = if clear.is_empty() {
        format!("of {} runs: too early to say of any setting that it matters", found.trials)
    } else {
        format!("of {} runs: {} matter", found.trials, crate::words::listed(&clear))
    };
    let what = "rise of a forest's squared error when the setting is shuffled, over the variance of the accuracy";
    Block::Picture { name: "matters".into(), picture: intervals("What matters", caption, what, &rows) }
}

fn correlations(searched: &Searched) -> Block {
    let mut rows: Vec<Interval> = searched
        .importance
        .columns
        .iter()
        .filter_map(|column| {
            let found = column.correlation.as_ref()?;
            let name = column.name.replace('_', " ");
            let label = match &column.category {
                Some(category) => format!("{name} = {}", plain(category)),
                None => name,
            };
            Some(Interval { label, value: [found.value, found.interval[0], found.interval[1]] })
        })
        .collect();
    rows.sort_by(|a, b| b.value[0].total_cmp(&a.value[0]));
    let caption = match (rows.first(), rows.last()) {
        (Some(most), Some(least)) => format!("{} goes most with accuracy, {} most against it", most.label, least.label),
        _ => "too few runs".into(),
    };
    let picture = intervals(
        "Correlation with validation accuracy",
        caption,
        "linear correlation; a category is 1 where it was chosen",
        &rows,
    );
    Block::Picture { name: "correlation".into(), picture }
}

/// The best configuration with one thing changed, several seeds each: the best optimizer and the best activation.
fn one_change(of: &Assignment<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::Words(
        "Runs of a search differ in many settings at once. So the best configuration was trained again with one thing changed and the same seeds: every optimizer at its own default learning rate, every activation at the rate that was found.".into(),
    )];
    for (what, trials) in [("optimizer", &of.optimizers), ("activation", &of.activations)] {
        let arms = arms(trials, |trial| trial.text(what));
        let row = |arm: &Arm<'_>| {
            let rate = arm
                .trials
                .first()
                .and_then(|trial| trial.last())
                .map_or_else(String::new, |epoch| rate(epoch.row.learning_rate));
            vec![
                arm.label.clone(),
                rate,
                arm.trials.len().to_string(),
                told(&arm.sample(Trial::accuracy), Figure::Accuracy),
            ]
        };
        let head = [what, "learning rate", "runs", "validation accuracy"].map(str::to_owned).to_vec();
        blocks.push(Block::Table { head, rows: arms.iter().map(row).collect() });
        let contenders: Vec<_> = arms.iter().map(|arm| (arm.label.clone(), arm.sample(Trial::accuracy))).collect();
        blocks.push(Block::Conclusion(leader(what, "validation accuracy", &contenders, Figure::Accuracy)));
    }
    blocks
}

/// An honest word on the 95 % that the assignment hopes for.
fn hope(of: &Assignment<'_>) -> Conclusion {
    let best = |table: &Table| table.trials.iter().filter_map(|trial| trial.value).fold(f64::NAN, f64::max);
    let reached = best(&of.survey.table).max(best(&of.search.table));
    let tested = of.best.as_ref().map(|best| (best.accuracy(), best.interval()));
    match tested {
        Some((accuracy, [_, high])) if high < HOPE => Conclusion::settled(format!(
            "95 % is out of reach of these networks on {}: the best has {:.2} % on validation and {:.2} % on test images, and its interval ends at {:.2} %. {}",
            of.dataset,
            100.0 * reached,
            100.0 * accuracy,
            100.0 * high,
            gap(of)
        )),
        Some((accuracy, [low, _])) if low > HOPE => Conclusion::settled(format!(
            "95 % is reached on {}: {:.2} % on test images, and its interval begins at {:.2} %",
            of.dataset,
            100.0 * accuracy,
            100.0 * low
        )),
        Some((accuracy, [low, high])) => Conclusion::open(format!(
            "whether 95 % is reached on {}: {:.2} % on test images, between {:.2} and {:.2} %",
            of.dataset,
            100.0 * accuracy,
            100.0 * low,
            100.0 * high
        )),
        None => Conclusion::open(format!(
            "whether 95 % can be reached: the best has {:.2} % on validation images, and was not tested",
            100.0 * reached
        )),
    }
}

/// Sentence on the limit of the best: too little learned (underfitting), or too much by heart (overfitting).
fn gap(of: &Assignment<'_>) -> String {
    let all = of.survey.trials.iter().chain(&of.search.trials);
    let best = all
        .filter(|trial| trial.is_over() && !trial.is_diverged())
        .max_by(|a, b| a.accuracy().unwrap_or(-1.0).total_cmp(&b.accuracy().unwrap_or(-1.0)));
    let Some(row) = best.and_then(|trial| trial.kept()) else { return String::new() };
    let Some(validation) = row.val_accuracy else { return String::new() };
    let gap = 100.0 * (row.train_accuracy - validation);
    if row.train_accuracy > HOPE {
        format!(
            "On its training images it is over 95 % already: {gap:.1} points are learned by heart, and a larger network would only add to that"
        )
    } else {
        format!(
            "On its training images it has {:.2} %, {gap:+.1} points from validation: more of the same training would not close the rest",
            100.0 * row.train_accuracy
        )
    }
}
