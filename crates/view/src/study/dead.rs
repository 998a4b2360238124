//! Units that fall silent at a learning rate that is far too high, and what that costs.

use handloom_engine::compare::Difference;
use handloom_engine::event::Health;
use handloom_engine::metric::wilson;
use handloom_store::Epoch;

use super::leader::{Figure, leader, told};
use super::page::{Block, Conclusion, Page};
use super::sample::{Arm, Sample, Trial, arms};
use super::{Origin, again, counted, drawn, point};
use crate::bands::{Band, Chart, Scale};
use crate::words::{count, listed};

/// A network is dead if more than this share of its units is silent.
const DEAD: f64 = 0.5;
/// Training stands still if it gains at most this much accuracy after its first epoch.
const STILL: f64 = 0.02;

/// The runs of an activation by their learning rate, the lowest first.
struct Family<'a> {
    activation: String,
    rates: Vec<(f64, Arm<'a>)>,
}

/// What an epoch shows of something.
type OfEpoch = fn(&Epoch) -> Option<f64>;

/// The page.
pub fn page(trials: &[Trial], origin: &Origin) -> Page {
    let families = families(trials);
    let mut blocks = vec![Block::Words(
        "What does a learning rate that is far too high do to units? A step that is too large can push a unit to where its activation is flat, so that it gets no gradient and does not come back. A unit of relu that gives exactly 0 for every validation image is silent: dead. Units of tanh do not die, but saturate: their outputs are below -0.9 or above 0.9. Leaky relu is flat nowhere.".into(),
    )];
    blocks.extend(counted(trials));
    blocks.extend(diverged(&families).map(Block::Words));
    blocks.push(Block::Heading("What is seen".into()));
    let mut charts = vec![
        chart("silent units", &families, silent),
        chart("saturated outputs", &families, saturated),
        chart("validation accuracy", &families, accuracy),
    ];
    charts.retain(|chart| chart.bands.iter().flat_map(|band| &band.points).any(|point| point[1].is_finite()));
    blocks.push(drawn("dead", "Units at two learning rates", caption(&families), &charts));
    blocks.push(table(&families));
    blocks.push(Block::Heading("What it says".into()));
    blocks.extend(conclusions(&families).into_iter().map(Block::Conclusion));
    blocks.extend(again(origin));
    Page { title: "Silent units".into(), blocks }
}

fn families(trials: &[Trial]) -> Vec<Family<'_>> {
    let all = arms(trials, |trial| trial.text("activation")).into_iter();
    all.map(|arm| {
        let by_rate = arms(arm.trials, |trial| format!("{} at {}", arm.label, trial.text("learning_rate")));
        let rated = |one: Arm<'_>| one.trials.first()?.number("learning_rate");
        let mut rates: Vec<_> = by_rate.into_iter().filter_map(|one| Some((rated(one.clone())?, one))).collect();
        rates.sort_by(|a, b| a.0.total_cmp(&b.0));
        Family { activation: arm.label, rates }
    })
    .collect()
}

impl Family<'_> {
    /// Its runs at the lowest and at the highest rate.
    fn ends(&self) -> Option<[&(f64, Arm<'_>); 2]> {
        match &self.rates[..] {
            [low, .., high] => Some([low, high]),
            _ => None,
        }
    }

    fn can_die(&self) -> bool {
        self.rates.iter().any(|(_, arm)| !last(arm, silent).0.is_empty())
    }
}

/// Mean over the layers that have it.
fn over_layers(epoch: &Epoch, figure: fn(&Health) -> Option<f64>) -> Option<f64> {
    let shares: Vec<f64> = epoch.evidence.layers.iter().filter_map(figure).collect();
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

/// Share of the hidden layers' units that are silent.
fn silent(epoch: &Epoch) -> Option<f64> {
    over_layers(epoch, |health| health.dead)
}

/// Share of the hidden layers' outputs that are saturated.
fn saturated(epoch: &Epoch) -> Option<f64> {
    over_layers(epoch, |health| health.saturated)
}

fn accuracy(epoch: &Epoch) -> Option<f64> {
    epoch.row.val_accuracy
}

/// A figure of the last epoch that each run finished.
fn last(arm: &Arm<'_>, figure: OfEpoch) -> Sample {
    arm.sample(|trial| figure(trial.last()?))
}

/// A figure by epoch, as far as all runs have it: means over ever fewer would change only with their members. Every arm has
/// its line, if an empty one, so that its color is the same in every chart.
fn chart(heading: &str, families: &[Family<'_>], figure: OfEpoch) -> Chart {
    let band = |(_, arm): &(f64, Arm<'_>)| {
        let end = arm.trials.iter().filter_map(|trial| Some(trial.last()?.row.epoch)).min().unwrap_or(0);
        let at = |number: u64| {
            let found = arm.sample(|trial| figure(trial.epochs.iter().find(|epoch| epoch.row.epoch == number)?));
            point(number as f64, &found)
        };
        Band { label: arm.label.clone(), points: (1..=end).map(at).collect() }
    };
    let bands = families.iter().flat_map(|family| &family.rates).map(band).collect();
    Chart { heading: heading.into(), x: "epoch".into(), scale: Scale::Share, bands }
}

/// Which runs diverged, and what is left of them.
fn diverged(families: &[Family<'_>]) -> Option<String> {
    let arms = families.iter().flat_map(|family| &family.rates).map(|(_, arm)| arm);
    let lost: Vec<String> = arms
        .filter(|arm| arm.diverged() > 0)
        .map(|arm| format!("{} of {} of {}", arm.diverged(), count(arm.trials.len() as u64, "run", "runs"), arm.label))
        .collect();
    (!lost.is_empty()).then(|| {
        format!(
            "Diverged: {}. A line ends before the first of its runs diverges. Figures at the end are of the last epoch that each run finished: what diverged is missing there or looks better than it is.",
            listed(&lost)
        )
    })
}

fn caption(families: &[Family<'_>]) -> String {
    let arms = families.iter().flat_map(|family| &family.rates);
    let most = arms.filter_map(|(_, arm)| Some((&arm.label, last(arm, silent).mean()?)));
    match most.max_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((label, share)) => {
            format!("At most {} of the units are silent at the end, with {label}", Figure::Accuracy.text(share))
        }
        None => "no run has units that could fall silent".into(),
    }
}

fn table(families: &[Family<'_>]) -> Block {
    let rates = || families.iter().flat_map(|family| family.rates.iter().map(move |cell| (family, cell)));
    let hidden = rates().flat_map(|(_, (_, arm))| arm.trials.iter().map(|trial| trial.depth())).max().unwrap_or(0);
    let mut head = ["activation", "learning rate", "runs", "diverged"].map(str::to_owned).to_vec();
    head.extend((1..=hidden).map(|layer| format!("silent, layer {layer}")));
    head.extend(["saturated", "accuracy at the end", "accuracy kept"].map(str::to_owned));
    let row = |family: &Family<'_>, (rate, arm): &(f64, Arm<'_>)| {
        let numbers = [rate.to_string(), arm.trials.len().to_string(), arm.diverged().to_string()];
        let mut cells = vec![family.activation.clone()];
        cells.extend(numbers);
        cells.extend((0..hidden).map(|layer| {
            let dead = arm.sample(|trial| trial.last()?.evidence.layers.get(layer)?.dead);
            told(&dead, Figure::Accuracy)
        }));
        let figures = [last(arm, saturated), last(arm, accuracy), arm.sample(Trial::accuracy)];
        cells.extend(figures.iter().map(|sample| told(sample, Figure::Accuracy)));
        cells
    };
    Block::Table { head, rows: rates().map(|(family, cell)| row(family, cell)).collect() }
}

/// Whether units fall silent, whether most do, whether training stands still, and which activation suffers least.
fn conclusions(families: &[Family<'_>]) -> Vec<Conclusion> {
    let mut found = Vec::new();
    for family in families.iter().filter(|family| family.can_die()) {
        found.extend([is_more_silent(family), is_dead(family)]);
    }
    found.extend(families.iter().map(stands_still));
    found.push(suffers_least(families));
    found
}

/// A difference of shares with the word for what is less or the one for what is more.
fn points(found: &Difference, [less, more]: [&str; 2]) -> String {
    let [value, low, high] = [found.value, found.low, found.high].map(|share| 100.0 * share);
    if value < 0.0 {
        format!("{:.2} points [{:+.2}, {:+.2}] {less}", -value, -high, -low)
    } else {
        format!("{value:.2} points [{low:+.2}, {high:+.2}] {more}")
    }
}

/// On which side of a limit the mean is with 95 % confidence: true if above. Where all runs are equal, and there is no
/// interval, on which side most runs are.
fn side(sample: &Sample, limit: f64) -> Option<bool> {
    let [low, high] = sample.interval()?;
    if low < high {
        return if low > limit { Some(true) } else { (high <= limit).then_some(false) };
    }
    let (above, all) = (low > limit, sample.0.len() as u64);
    (wilson(all, all)[0] > 0.5).then_some(above)
}

/// What there is to say of an activation without two rates.
fn alone(name: &str) -> Conclusion {
    Conclusion::open(format!("{name}: there are no two learning rates to compare"))
}

fn is_more_silent(family: &Family<'_>) -> Conclusion {
    let name = &family.activation;
    let Some([(low, usual), (high, large)]) = family.ends() else { return alone(name) };
    let samples = [last(usual, silent), last(large, silent)];
    let rates = format!("at a rate of {high} than at {low}");
    let share = format!("{} at the end", told(&samples[1], Figure::Accuracy));
    let Some(found) = samples[1].over(&samples[0]) else {
        return Conclusion::open(format!(
            "{name}: the runs do not tell whether more units are silent {rates}, {share}"
        ));
    };
    let said = format!("{share}, {}", points(&found, ["less", "more"]));
    match (found.settled, found.value > 0.0) {
        (true, true) => Conclusion::settled(format!("{name} has more silent units {rates}: {said}")),
        (true, false) => Conclusion::settled(format!("{name} has fewer silent units {rates}: {said}")),
        _ => Conclusion::open(format!("{name} may have more silent units {rates} or not: {said}")),
    }
}

fn is_dead(family: &Family<'_>) -> Conclusion {
    let name = &family.activation;
    let Some([_, (rate, arm)]) = family.ends() else { return alone(name) };
    let sample = last(arm, silent);
    let said = format!("{} of its units are silent at the end", told(&sample, Figure::Accuracy));
    match side(&sample, DEAD) {
        Some(true) => Conclusion::settled(format!("{name} is dead at a rate of {rate}: {said}, more than half")),
        Some(false) => Conclusion::settled(format!("{name} is not dead at a rate of {rate}: {said}, at most half")),
        None => Conclusion::open(format!("{name} may be dead at a rate of {rate} or not: {said}")),
    }
}

/// Whether training at the highest rate gains next to nothing after its first epoch and ends behind that at the lowest.
fn stands_still(family: &Family<'_>) -> Conclusion {
    let name = &family.activation;
    let Some([(low, usual), (high, large)]) = family.ends() else { return alone(name) };
    let gain = large.sample(|trial| {
        let [first, .., last] = &trial.epochs[..] else { return None };
        Some(accuracy(last)? - accuracy(first)?)
    });
    let (Some(mean), Some(ends)) = (gain.mean(), gain.interval()) else {
        return Conclusion::open(format!("{name}: no run at a rate of {high} has two epochs to compare"));
    };
    let [mean, from, to] = [mean, ends[0], ends[1]].map(|share| 100.0 * share);
    let margin = last(large, accuracy).over(&last(usual, accuracy));
    let beside = margin
        .map_or(String::new(), |found| format!(", and ends {} that at {low}", points(&found, ["below", "above"])));
    let lost = match large.diverged() {
        0 => String::new(),
        lost => format!("; {lost} of {} diverged", count(large.trials.len() as u64, "run", "runs")),
    };
    let said = format!(
        "from first to last epoch its accuracy changes by {mean:+.2} points [{from:+.2}, {to:+.2}]{beside}{lost}"
    );
    let behind = margin.filter(|found| found.settled).map(|found| found.value < 0.0);
    match (side(&gain, STILL), behind) {
        (Some(false), Some(true)) => Conclusion::settled(format!("{name} stops learning at a rate of {high}: {said}")),
        // A run that diverged does not go on learning either.
        (Some(true), _) | (_, Some(false)) if lost.is_empty() => {
            Conclusion::settled(format!("{name} does not stop learning at a rate of {high}: {said}"))
        }
        _ => Conclusion::open(format!("{name} may stop learning at a rate of {high} or not: {said}")),
    }
}

/// Which activation is most accurate at the highest rate, of those of which no run diverged there.
fn suffers_least(families: &[Family<'_>]) -> Conclusion {
    let large: Vec<_> = families.iter().filter_map(|family| Some((&family.activation, family.ends()?[1]))).collect();
    let Some(rate) = large.iter().map(|(_, (rate, _))| *rate).reduce(f64::max) else {
        return Conclusion::open("no activation has runs at two learning rates");
    };
    let (lost, whole): (Vec<_>, Vec<_>) = large.into_iter().partition(|(_, (_, arm))| arm.diverged() > 0);
    let contenders: Vec<(String, Sample)> =
        whole.into_iter().map(|(name, (_, arm))| (name.clone(), arm.sample(Trial::accuracy))).collect();
    let what = format!("activation at a rate of {rate}");
    let mut found = leader(&what, "validation accuracy", &contenders, Figure::Accuracy);
    if !lost.is_empty() {
        let of = |(name, (_, arm)): &(&String, &(f64, Arm<'_>))| {
            format!("{name}, of which {} of {} diverged", arm.diverged(), count(arm.trials.len() as u64, "run", "runs"))
        };
        found.text = format!("{}; out of it: {}", found.text, listed(&lost.iter().map(of).collect::<Vec<_>>()));
    }
    found
}

#[cfg(test)]
mod tests {
    use handloom_store::Status;
    use serde_json::json;

    use super::super::sample::tests::trial;
    use super::*;

    /// Five seeds of relu, leaky relu and tanh at two rates. `silent` is relu's share at a rate, `top` the accuracy at the end.
    fn trials(silent: impl Fn(f64) -> f64, top: impl Fn(&str, f64) -> f64) -> Vec<Trial> {
        let mut all = Vec::new();
        for seed in 1..=5 {
            for rate in [0.1, 0.001] {
                for name in ["relu", "leaky_relu", "tanh"] {
                    let noise =
                        0.0001 * ((seed * 131 + name.len() as u64 * 17 + (rate * 50.0) as u64).pow(3) % 97) as f64;
                    let end = top(name, rate) + noise;
                    let first = if end < 0.5 { end + 0.0005 * seed as f64 } else { end - 0.1 + 0.003 * seed as f64 };
                    let settings = json!({"activation": name, "learning_rate": rate, "num_layers": 2});
                    let mut one = trial(settings, seed, &[first, end]);
                    let hidden = Health {
                        gradient_norm: 1.0,
                        dead: (name == "relu").then(|| silent(rate) + noise),
                        saturated: (name == "tanh").then_some(0.3 + noise),
                    };
                    for epoch in &mut one.epochs {
                        epoch.evidence.layers = vec![hidden, hidden, Health { dead: None, saturated: None, ..hidden }];
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
}
