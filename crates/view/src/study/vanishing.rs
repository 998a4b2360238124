//! How the gradient of the first layer shrinks with depth: three activations in networks of one to eight hidden layers.
//!
//! Norms are compared by their logarithms, since what counts is how many times smaller one is. A norm of exactly 0 has no
//! logarithm: its run is in no mean, and is counted instead.

use handloom_engine::compare::Difference;
use handloom_engine::metric::wilson;

use super::leader::{Figure, told};
use super::page::{Block, Conclusion, Page};
use super::sample::{Arm, Sample, Trial, arms};
use super::{Origin, again, counted};
use crate::bands::{Band, Chart, Scale, bands};
use crate::words::{count, listed};

/// A gradient that is less than this share of the shallowest network's has vanished.
const VANISHED: f64 = 0.1;
/// What is less than this share of the highest has no place of its own on a scale of logarithms.
const FLOOR: f64 = 1e-3;
/// What lines and bands are here: intervals of logarithms reach so far up that they would flatten all else.
const KEY: &str = "mean over the seeds (of gradients the geometric one), and from the lowest to the highest run";

/// The runs of an activation by their number of hidden layers, the shallowest first.
struct Family<'a> {
    activation: String,
    depths: Vec<(usize, Arm<'a>)>,
}

/// The page.
pub fn page(trials: &[Trial], origin: &Origin) -> Page {
    let families = families(trials);
    let mut blocks = vec![Block::Words(
        "What does depth do to the gradient of the first layer? It comes down from the last one, and each layer between multiplies it by its weights and by the slope of its activation: where these factors are small it vanishes, and the first layer hardly learns. Below is how large it is after the first epoch, for one fixed batch of training images.".into(),
    )];
    blocks.extend(counted(trials));
    blocks.extend(left_out(&families).map(Block::Words));
    blocks.push(Block::Heading("What is seen".into()));
    let charts = [
        chart("gradient norm, first layer", Scale::Log, &families, norm),
        chart("first layer's norm / last layer's", Scale::Log, &families, ratio),
        chart("validation accuracy", Scale::Share, &families, Trial::accuracy),
    ];
    let picture = bands("Gradients by depth", caption(&families), KEY, &charts);
    blocks.push(Block::Picture { name: "vanishing".into(), picture });
    if charts.iter().any(is_cut) {
        blocks.push(Block::Words(
            "What is below a thousandth of the highest is drawn at that height; the table has its value.".into(),
        ));
    }
    blocks.push(table(&families));
    blocks.push(Block::Heading("What it says".into()));
    blocks.extend(conclusions(&families).into_iter().map(Block::Conclusion));
    blocks.extend(again(origin));
    Page { title: "Vanishing gradients".into(), blocks }
}

fn families(trials: &[Trial]) -> Vec<Family<'_>> {
    let all = arms(trials, |trial| trial.text("activation")).into_iter();
    all.map(|arm| {
        let by_depth = arms(arm.trials, |trial| trial.depth().to_string());
        let mut depths: Vec<_> =
            by_depth.into_iter().filter_map(|one| Some((one.trials.first()?.depth(), one))).collect();
        depths.sort_by_key(|(depth, _)| *depth);
        Family { activation: arm.label, depths }
    })
    .collect()
}

impl Family<'_> {
    /// Its shallowest and its deepest runs.
    fn ends(&self) -> Option<[&(usize, Arm<'_>); 2]> {
        match &self.depths[..] {
            [shallow, .., deep] => Some([shallow, deep]),
            _ => None,
        }
    }
}

/// Norm of the first layer's gradient after the first epoch.
fn norm(trial: &Trial) -> Option<f64> {
    Some(trial.epochs.first()?.evidence.layers.first()?.gradient_norm)
}

/// How many times the last layer's norm that is.
fn ratio(trial: &Trial) -> Option<f64> {
    let last = trial.epochs.first()?.evidence.layers.last()?.gradient_norm;
    Some(norm(trial)? / last)
}

/// Logarithms of a figure, of the runs that have any.
fn logs(arm: &Arm<'_>, figure: fn(&Trial) -> Option<f64>) -> Sample {
    arm.sample(|trial| figure(trial).filter(|value| *value > 0.0).map(f64::ln))
}

/// How many runs have no gradient at all in their first layer.
fn zeros(arm: &Arm<'_>) -> usize {
    arm.trials.iter().filter(|trial| norm(trial) == Some(0.0)).count()
}

fn chart(heading: &str, scale: Scale, families: &[Family<'_>], figure: fn(&Trial) -> Option<f64>) -> Chart {
    let point = |(depth, arm): &(usize, Arm<'_>)| {
        let is_log = scale == Scale::Log;
        let sample = if is_log { logs(arm, figure) } else { arm.sample(figure) };
        let back = |value: f64| if is_log { value.exp() } else { value };
        // Without any run a gap.
        let end = |of: fn(f64, f64) -> f64| sample.values().into_iter().reduce(of).map_or(f64::NAN, back);
        [*depth as f64, sample.mean().map_or(f64::NAN, back), end(f64::min), end(f64::max)]
    };
    let band = |family: &Family<'_>| Band {
        label: family.activation.clone(),
        points: family.depths.iter().map(point).collect(),
    };
    let bands = families.iter().map(band).collect();
    Chart { heading: heading.into(), x: "hidden layers".into(), scale, bands }
}

/// Whether something in a chart is below what a scale of logarithms shows.
fn is_cut(chart: &Chart) -> bool {
    let points = || chart.bands.iter().flat_map(|band| &band.points);
    let highest = points().map(|point| point[3]).fold(0.0, f64::max);
    chart.scale == Scale::Log && points().any(|point| point[1] < FLOOR * highest)
}

/// Which runs have no gradient that could be compared.
fn left_out(families: &[Family<'_>]) -> Option<String> {
    let all = || families.iter().flat_map(|family| family.depths.iter().map(move |cell| (&family.activation, cell)));
    let missing: usize = all().map(|(_, (_, arm))| arm.trials.len() - zeros(arm) - logs(arm, norm).0.len()).sum();
    let places: Vec<String> = all()
        .filter(|(_, (_, arm))| zeros(arm) > 0)
        .map(|(name, (depth, arm))| format!("{} of {name} with {}", zeros(arm), layers(*depth)))
        .collect();
    let mut said = Vec::new();
    if !places.is_empty() {
        let runs = all().map(|(_, (_, arm))| zeros(arm)).sum::<usize>();
        said.push(format!(
            "The gradient of the first layer is exactly 0 in {}, which are in no mean of it: {}.",
            count(runs as u64, "run", "runs"),
            listed(&places)
        ));
    }
    if missing > 0 {
        said.push(format!("It is missing or no finite number in {}.", count(missing as u64, "run", "runs")));
    }
    (!said.is_empty()).then(|| said.join(" "))
}

fn layers(depth: usize) -> String {
    count(depth as u64, "hidden layer", "hidden layers")
}

fn caption(families: &[Family<'_>]) -> String {
    let factor = |family: &Family<'_>| {
        let [(_, shallow), (_, deep)] = family.ends()?;
        let by = logs(deep, norm).mean()? - logs(shallow, norm).mean()?;
        Some(format!("{} times ({})", figure(by), family.activation))
    };
    let factors: Vec<String> = families.iter().filter_map(factor).collect();
    match (families.iter().find_map(Family::ends), &factors[..]) {
        (None, _) | (_, []) => "no runs of two depths have a gradient".into(),
        (Some([(few, _), (many, _)]), factors) => {
            format!("from {few} to {} the first layer's gradient becomes {}", layers(*many), listed(factors))
        }
    }
}

fn table(families: &[Family<'_>]) -> Block {
    let head = [
        "activation",
        "hidden layers",
        "runs",
        "gradient norm, first layer",
        "first / last layer",
        "validation accuracy",
    ];
    let geometric = |logs: Sample| match (logs.mean(), logs.interval()) {
        (Some(mean), Some(ends)) => {
            let [mean, low, high] = [mean, ends[0], ends[1]].map(figure);
            if low == high { mean } else { format!("{mean} ({low} to {high})") }
        }
        _ => "–".into(),
    };
    let row = |family: &Family<'_>, (depth, arm): &(usize, Arm<'_>)| {
        vec![
            family.activation.clone(),
            depth.to_string(),
            arm.trials.len().to_string(),
            geometric(logs(arm, norm)),
            geometric(logs(arm, ratio)),
            told(&arm.sample(Trial::accuracy), Figure::Accuracy),
        ]
    };
    let rows = families.iter().flat_map(|family| family.depths.iter().map(move |cell| row(family, cell))).collect();
    Block::Table { head: head.map(str::to_owned).to_vec(), rows }
}

/// Whether gradients vanish, with which activation least, and whether accuracy falls too.
fn conclusions(families: &[Family<'_>]) -> Vec<Conclusion> {
    let mut found: Vec<Conclusion> = families.iter().map(vanishes).collect();
    found.push(keeps(families));
    found.extend(families.iter().map(falls));
    found
}

/// A value whose logarithm this is, for people: three digits.
fn figure(log: f64) -> String {
    let value = log.exp();
    if (1e-3..1e6).contains(&value) {
        format!("{value:.0$}", (2.0 - value.log10().floor()).max(0.0) as usize)
    } else {
        format!("{value:.1e}")
    }
}

/// A difference of logarithms as a factor.
fn factor(found: &Difference) -> String {
    let [value, low, high] = [found.value, found.low, found.high].map(figure);
    format!("{value} times [{low}, {high}]")
}

fn vanishes(family: &Family<'_>) -> Conclusion {
    let name = &family.activation;
    let Some([(few, shallow), (many, deep)]) = family.ends() else {
        return Conclusion::open(format!("{name}: there are no two depths to compare"));
    };
    let (lost, runs) = (zeros(deep), deep.trials.len());
    if zeros(shallow) == 0 && wilson(lost as u64, runs as u64)[0] > 0.5 {
        let text =
            format!("{name} vanishes: with {} the gradient is exactly 0 in {lost} of {runs} runs", layers(*many));
        return Conclusion::settled(text);
    }
    let left = match lost {
        0 => String::new(),
        lost => format!("; it is exactly 0 in {} with {many}, left out", count(lost as u64, "run", "runs")),
    };
    let Some(found) = logs(deep, norm).over(&logs(shallow, norm)) else {
        return Conclusion::open(format!("{name}: there are too few gradients to say what depth does to them{left}"));
    };
    let said = format!("with {} the first layer's gradient is {} that with {few}{left}", layers(*many), factor(&found));
    if found.high.exp() < VANISHED {
        Conclusion::settled(format!("{name} vanishes: {said}"))
    } else if found.low.exp() > VANISHED && lost == 0 {
        // A run without any gradient speaks against it, and is not in the mean.
        Conclusion::settled(format!("{name} does not vanish: {said}"))
    } else {
        Conclusion::open(format!("{name} may vanish or not: {said}"))
    }
}

/// Which activation hands the largest share of the last layer's gradient down to the first.
fn keeps(families: &[Family<'_>]) -> Conclusion {
    let deepest = families.iter().filter_map(|family| Some(family.depths.last()?.0)).max();
    let ends = |family: &Family<'_>| {
        let (_, arm) = family.depths.last().filter(|(depth, _)| Some(*depth) == deepest)?;
        let logs = logs(arm, ratio);
        let mean = logs.mean()?;
        Some((logs, mean, zeros(arm)))
    };
    let mut ranked: Vec<(&str, (Sample, f64, usize))> =
        families.iter().filter_map(|family| Some((family.activation.as_str(), ends(family)?))).collect();
    ranked.sort_by(|a, b| b.1.1.total_cmp(&a.1.1));
    let deep = layers(deepest.unwrap_or(0));
    let [(first, (sample, mean, lost)), others @ ..] = &ranked[..] else {
        return Conclusion::open("no activation has a gradient to keep yet");
    };
    let Some((second, (next, ..))) = others.first() else {
        return Conclusion::open(format!("{first} is the only activation with a gradient at {deep}"));
    };
    let lead =
        sample.over(next).map_or(String::new(), |found| format!(", {} as much as with {second}", factor(&found)));
    let said = format!(
        "with {deep} {first} keeps most: the first layer's gradient is {} times the last layer's{lead}",
        figure(*mean)
    );
    let is_rival = |other: &Sample| sample.over(other).is_none_or(|found| found.low <= 0.0);
    let rivals: Vec<String> =
        others.iter().filter(|(_, (other, ..))| is_rival(other)).map(|(name, _)| (*name).to_owned()).collect();
    if *lost > 0 {
        let runs = count(*lost as u64, "run", "runs");
        Conclusion::open(format!("{said}, but it is exactly 0 in {runs}, left out"))
    } else if rivals.is_empty() {
        Conclusion::settled(said)
    } else {
        Conclusion::open(format!("{said}, but {} may keep as much", listed(&rivals)))
    }
}

/// Whether the deepest network is less accurate than the shallowest.
fn falls(family: &Family<'_>) -> Conclusion {
    let name = &family.activation;
    let Some([(few, shallow), (many, deep)]) = family.ends() else {
        return Conclusion::open(format!("{name}: there are no two depths whose accuracy could be compared"));
    };
    let Some(found) = deep.sample(Trial::accuracy).over(&shallow.sample(Trial::accuracy)) else {
        return Conclusion::open(format!("{name}: there are too few runs to compare the accuracy of two depths"));
    };
    let [value, low, high] = [found.value, found.low, found.high].map(|share| 100.0 * share);
    let span = format!("from {few} to {}", layers(*many));
    if !found.settled {
        let text = format!("{name}: {span} accuracy changes by {value:+.2} points [{low:+.2}, {high:+.2}]");
        return Conclusion::open(text);
    }
    let (word, by, [low, high]) =
        if value < 0.0 { ("falls", -value, [-high, -low]) } else { ("rises", value, [low, high]) };
    Conclusion::settled(format!("{name}: {span} accuracy {word} by {by:.2} points [{low:.2}, {high:.2}]"))
}

#[cfg(test)]
mod tests {
    use handloom_engine::event::Health;
    use serde_json::json;

    use super::super::sample::tests::trial;
    use super::*;

    /// Five seeds of each activation at 1, 4 and 8 layers; `norm` is of the first layer, and that of the last is 1.
    fn trials(
        names: &[&str],
        norm: impl Fn(&str, usize, u64) -> f64,
        accuracy: impl Fn(&str, usize) -> f64,
    ) -> Vec<Trial> {
        let mut all = Vec::new();
        for seed in 1..=5 {
            for depth in [8, 1, 4] {
                for name in names {
                    let noise = 0.02 * (noisy(seed, depth) - 1.0);
                    let settings = json!({"activation": name, "num_layers": depth, "hidden_size": 64});
                    let mut one = trial(settings, seed, &[accuracy(name, depth) + noise]);
                    let health = |gradient_norm| Health { gradient_norm, dead: None, saturated: None };
                    one.epochs[0].evidence.layers = vec![health(norm(name, depth, seed)), health(1.0)];
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
        assert!(
            text.contains("exactly 0 in 1 run, which are in no mean of it: 1 of relu with 8 hidden layers."),
            "{text}"
        );
        assert!(text.contains("no finite number in 1 run."), "{text}");
        // All others are far above a tenth.
        let first = page.conclusions().next().unwrap();
        assert!(!first.settled && first.text.ends_with("exactly 0 in 1 run with 8, left out"), "{first:?}");
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
}
