//! Transfer: the same configurations on two data sets.

use handloom_sweep::importance::correlation;

use super::leader::{Figure, told};
use super::page::{Block, Conclusion, Page};
use super::sample::{Arm, Sample, Trial, arms};
use super::{Origin, again, counted};
use crate::slopes::{Slope, slopes};
use crate::words::listed;

/// Number of the best configurations that are looked up on the other set.
const TOP: usize = 3;

/// A configuration and what it comes to on both sets.
struct Carried {
    label: String,
    samples: [Sample; 2],
}

impl Carried {
    fn mean(&self, side: usize) -> f64 {
        self.samples[side].mean().unwrap_or(f64::NAN)
    }
}

/// The page; `sets` are the data set where settings were found and the one that they are carried over to.
pub fn page(trials: &[Trial], sets: [&str; 2], origin: &Origin) -> Page {
    let carried = carried(trials, sets);
    let mut blocks = vec![Block::Words(format!(
        "Do settings that are good on {} hold on {}? The same configurations were trained on both with the same seeds.",
        sets[0], sets[1]
    ))];
    blocks.extend(counted(trials));
    blocks.push(Block::Heading("What is seen".into()));
    blocks.push(picture(&carried, sets));
    blocks.push(table(&carried, sets));
    blocks.push(Block::Heading("What it says".into()));
    blocks.extend(conclusions(&carried, sets).into_iter().map(Block::Conclusion));
    blocks.extend(again(origin));
    Page { title: format!("Settings of {} on {}", sets[0], sets[1]), blocks }
}

/// Label of a configuration of this study.
fn label(trial: &Trial) -> String {
    let parts = ["optimizer", "hidden_size", "activation"].map(|name| match name {
        "hidden_size" => format!("{} layers of {}", trial.depth(), trial.text(name)),
        name => trial.text(name),
    });
    parts.join(" · ")
}

/// The configurations that have runs on both sets, the best on the first set first.
fn carried(trials: &[Trial], sets: [&str; 2]) -> Vec<Carried> {
    let on = |set: &str| arms(trials.iter().filter(|trial| trial.text("dataset") == set), label);
    let [first, second] = sets.map(on);
    let sample = |arm: &Arm<'_>| arm.sample(Trial::accuracy);
    let pair = |arm: &Arm<'_>| {
        let other = second.iter().find(|other| other.label == arm.label)?;
        let samples = [sample(arm), sample(other)];
        samples.iter().all(|sample| !sample.0.is_empty()).then(|| Carried { label: arm.label.clone(), samples })
    };
    let mut found: Vec<Carried> = first.iter().filter_map(pair).collect();
    found.sort_by(|a, b| b.mean(0).total_cmp(&a.mean(0)));
    found
}

fn picture(carried: &[Carried], sets: [&str; 2]) -> Block {
    let slope = |one: &Carried| Slope {
        label: one.label.clone(),
        values: [one.mean(0), one.mean(1)],
        texts: [0, 1].map(|side| Figure::Accuracy.text(one.mean(side))),
    };
    let all: Vec<Slope> = carried.iter().map(slope).collect();
    let caption = match (carried.first(), place_on_second(carried, 0)) {
        (Some(best), Some(place)) => {
            format!("{}, the best on {}, is number {place} of {} on {}", best.label, sets[0], carried.len(), sets[1])
        }
        _ => "no configuration has runs on both sets".into(),
    };
    let title = format!("Places on {} and on {}", sets[0], sets[1]);
    Block::Picture { name: "places".into(), picture: slopes(&title, caption, sets, &all) }
}

/// The place on the second set, from 1, of the configuration that is at `at` on the first.
fn place_on_second(carried: &[Carried], at: usize) -> Option<usize> {
    let own = carried.get(at)?.mean(1);
    Some(1 + carried.iter().filter(|one| one.mean(1) > own).count())
}

fn table(carried: &[Carried], sets: [&str; 2]) -> Block {
    let head = vec!["configuration".to_owned(), sets[0].to_owned(), sets[1].to_owned(), "place there".into()];
    let row = |(at, one): (usize, &Carried)| {
        vec![
            one.label.clone(),
            told(&one.samples[0], Figure::Accuracy),
            told(&one.samples[1], Figure::Accuracy),
            place_on_second(carried, at).map_or_else(|| "–".into(), |place| place.to_string()),
        ]
    };
    Block::Table { head, rows: carried.iter().enumerate().map(row).collect() }
}

fn conclusions(carried: &[Carried], sets: [&str; 2]) -> Vec<Conclusion> {
    vec![order(carried, sets), best(carried, sets)]
}

/// Ranks from 1, equal values sharing the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |&own: &f64| {
        let below = values.iter().filter(|&&other| other < own).count() as f64;
        let equal = values.iter().filter(|&&other| other == own).count() as f64;
        below + 0.5 * (equal + 1.0)
    };
    values.iter().map(rank).collect()
}

/// Conclusion about the order of configurations: Spearman's rank correlation with its interval.
fn order(carried: &[Carried], sets: [&str; 2]) -> Conclusion {
    let [first, second] = [0, 1].map(|side| ranks(&carried.iter().map(|one| one.mean(side)).collect::<Vec<_>>()));
    let n = carried.len();
    let Some(found) = correlation(&first, &second) else {
        return Conclusion::open(format!("{n} configurations on both sets are too few to compare their order"));
    };
    let [low, high] = found.interval;
    let said = format!("the rank correlation of {n} configurations is {:+.2} [{low:+.2}, {high:+.2}]", found.value);
    if low > 0.0 {
        Conclusion::settled(format!("what is better on {} tends to be better on {}: {said}", sets[0], sets[1]))
    } else if high < 0.0 {
        Conclusion::settled(format!("what is better on {} tends to be worse on {}: {said}", sets[0], sets[1]))
    } else {
        Conclusion::open(format!("whether the order on {} says anything of {}: {said}", sets[0], sets[1]))
    }
}

/// Accuracy lost by taking the best of the first set instead of searching on the second.
fn best(carried: &[Carried], sets: [&str; 2]) -> Conclusion {
    let there = carried.iter().max_by(|a, b| a.mean(1).total_cmp(&b.mean(1)));
    let (Some(best), Some(there)) = (carried.first(), there) else {
        return Conclusion::open("no configuration has runs on both sets");
    };
    let places: Vec<String> = (0..carried.len().min(TOP))
        .filter_map(|at| place_on_second(carried, at).map(|place| place.to_string()))
        .collect();
    let top = format!("The {} best of {} are number {} on {}", places.len(), sets[0], listed(&places), sets[1]);
    if best.label == there.label {
        return Conclusion::settled(format!("{} is the best of all on both sets. {top}", best.label));
    }
    let points = |share: f64| 100.0 * share;
    let Some(lost) = there.samples[1].over(&best.samples[1]) else {
        return Conclusion::open(format!("too few runs to tell what {} loses on {}. {top}", best.label, sets[1]));
    };
    let said = format!(
        "{:.2} points [{:+.2}, {:+.2}] behind {}, the best there",
        points(lost.value),
        points(lost.low),
        points(lost.high),
        there.label
    );
    if lost.settled {
        Conclusion::settled(format!("{}, the best on {}, is on {} {said}. {top}", best.label, sets[0], sets[1]))
    } else {
        Conclusion::open(format!(
            "{}, the best on {}, loses nothing that can be told from chance on {}: {said}. {top}",
            best.label, sets[0], sets[1]
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::tests::trial;
    use super::*;

    /// Eight configurations of which number `k` has `first(k)` on one set and `second(k)` on the other.
    fn trials(first: impl Fn(u32) -> f64, second: impl Fn(u32) -> f64) -> Vec<Trial> {
        let mut all = Vec::new();
        for k in 0..8 {
            for seed in 1..=3 {
                let noise = 0.001 * f64::from((k * k + seed * (k + 1)) % 4);
                for (set, value) in [("a", first(k)), ("b", second(k))] {
                    let settings = json!({"dataset": set, "optimizer": "adam", "hidden_size": 8 * (k + 1), "activation": "relu", "num_layers": 2});
                    all.push(trial(settings, u64::from(seed), &[value + noise]));
                }
            }
        }
        all
    }

    #[test]
    fn an_order_that_holds_is_settled() {
        let of = |k: u32| 0.8 + 0.01 * f64::from(k);
        let page = page(&trials(of, |k| of(k) + 0.1), ["a", "b"], &Origin::default());
        let said: Vec<_> = page.conclusions().collect();
        assert!(said.iter().all(|one| one.settled), "{said:?}");
        assert!(said[0].text.starts_with("what is better on a tends to be better on b"), "{said:?}");
        assert!(said[1].text.starts_with("adam · 2 layers of 64 · relu is the best of all on both"), "{said:?}");
        assert!(page.pictures().next().unwrap().1.to_png().is_ok());
    }

    #[test]
    fn an_order_that_is_lost_is_not_settled_and_what_that_costs_is_said() {
        let shuffled = [3, 0, 6, 1, 7, 2, 5, 4];
        let page = page(
            &trials(|k| 0.8 + 0.01 * f64::from(k), |k| 0.8 + 0.01 * f64::from(shuffled[k as usize])),
            ["a", "b"],
            &Origin::default(),
        );
        let said: Vec<_> = page.conclusions().collect();
        assert!(!said[0].settled, "{said:?}");
        assert!(
            said[1].settled && said[1].text.contains("3.10 points [") && said[1].text.contains("behind adam"),
            "{said:?}"
        );
        assert!(super::page(&[], ["a", "b"], &Origin::default()).conclusions().all(|one| !one.settled));
    }

    #[test]
    fn equal_values_share_their_rank() {
        assert_eq!(ranks(&[0.5, 0.1, 0.5, 0.9]), [2.5, 1.0, 2.5, 4.0]);
    }
}
