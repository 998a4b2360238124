//! Groups of runs that differ in their seed: mean, range (lowest to highest run), and last value of each run.
//!
//! Diverged runs are excluded from means and bands, and marked. A mean ends where the first of its other runs ends: a
//! mean over fewer and fewer runs would change only because its members do.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::axis::Axis;
use crate::canvas::{BODY, Canvas, HEAD, MARGIN, Mark, Stroke};
use crate::color::{Color, LINES, MUTED};
use crate::label::{LEAD, LINE, Label, Sign, draw_key, draw_labels};
use crate::panel::{ABOVE, BELOW, LEFT, Panel};
use crate::picture::Picture;
use crate::run::{Run, Series, finite};
use crate::text::{amount, elide, share, widest};

/// Width of the panels with curves and of the one with ends; least height of all.
const CURVES: f64 = 270.0;
const ENDS: f64 = 56.0;
const HEIGHT: f64 = 260.0;
/// Space between panels.
const GAP: f64 = 22.0;
/// Maximum width of a group's name.
const NAME: f64 = 180.0;
/// Maximum number of groups named in the caption.
const SAID: usize = 4;
const MARKS: [Mark; 4] = [Mark::Disc, Mark::Square, Mark::Triangle, Mark::Diamond];

/// Runs with the same settings and different seeds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Group<'a> {
    /// Name of the group.
    pub label: &'a str,
    /// The runs, one for each seed.
    pub runs: &'a [Run<'a>],
}

/// A picture of validation loss and accuracy by epoch of groups of runs, and of each run's accuracy at its last epoch.
///
/// Lines are means, bands reach from the lowest to the highest run of a group. `verdict` is a sentence on the
/// significance of the difference, or another remark; it is drawn below the caption and appended to it. If no run has
/// losses, as when their units differ, the panel of the loss is left out.
pub fn compared(title: &str, groups: &[Group<'_>], verdict: &str) -> Picture {
    let head = HEAD + if verdict.is_empty() { 0.0 } else { 20.0 };
    let top = head + ABOVE;
    let height = HEIGHT.max(LINE * groups.len() as f64);
    let runs = || groups.iter().flat_map(|group| group.runs);
    let last = runs().flat_map(Run::series).flatten().map(|entry| entry.0).max().unwrap_or(1);
    let x = Axis::epochs(last, CURVES);
    let mut canvas = Canvas::default();
    let mut left = MARGIN + LEFT;
    for (heading, series) in [("validation loss", loss as Figure), ("validation accuracy", accuracy)] {
        let curves: Vec<_> = groups.iter().map(|group| by_epoch(group, series)).collect();
        let values = curves.iter().flatten().flatten().flat_map(|at| [at.low, at.high]);
        let loss = heading.ends_with("loss");
        if loss && curves.iter().all(Vec::is_empty) {
            continue;
        }
        let y = if loss { Axis::numbers(values, [f64::MIN, f64::MAX], 1.0, "") } else { Axis::shares(values) };
        let mut panel = Panel::new(heading, [left, top, CURVES, height], &x, &y);
        for (i, piece) in curves.iter().enumerate().flat_map(|(i, pieces)| pieces.iter().map(move |piece| (i, piece))) {
            let [x, low, high] = [|at: &At| at.epoch, |at: &At| at.low, |at: &At| at.high]
                .map(|value| piece.iter().map(value).collect::<Vec<_>>());
            panel.band([&x, &low, &high], color(i), 0.22);
        }
        for (i, pieces) in curves.iter().enumerate() {
            let means = pieces.iter().map(|piece| piece.iter().map(|at| [at.epoch, at.mean]).collect());
            panel.lines(&means.collect::<Vec<_>>(), stroke(i));
        }
        panel.draw(&mut canvas);
        left += CURVES + GAP + LEFT;
    }
    let area = [left, top, ENDS * groups.len().max(2) as f64, height];
    let labels = draw_ends(groups, area, &mut canvas);
    left += area[2];
    draw_labels(&labels, left, [top, top + height], &mut canvas);
    left += LEAD + widest(labels.iter().map(|label| label.text.as_str()), BODY.size, false).ceil();
    let wide = left + MARGIN;
    let y = top + height + BELOW + 14.0;
    let tall = draw_key(&key(groups), y, wide - 2.0 * MARGIN, &mut canvas);
    canvas.finish_with(title, caption(groups), verdict, [wide, y + tall + MARGIN])
}

/// Accessor of the series of a run that a panel draws.
type Figure = for<'a> fn(&Run<'a>) -> Series<'a>;

fn loss<'a>(run: &Run<'a>) -> Series<'a> {
    run.val_loss
}

fn accuracy<'a>(run: &Run<'a>) -> Series<'a> {
    run.val_accuracy
}

fn color(group: usize) -> Color {
    LINES[group % LINES.len()]
}

fn stroke(group: usize) -> Stroke {
    Stroke { color: color(group), width: 2.2, dashed: false }
}

/// Mean, lowest and highest value of a group at an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
struct At {
    epoch: f64,
    mean: f64,
    low: f64,
    high: f64,
}

fn at(epoch: f64, values: &[f64]) -> At {
    At {
        epoch,
        mean: values.iter().sum::<f64>() / values.len() as f64,
        low: values.iter().copied().fold(f64::INFINITY, f64::min),
        high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    }
}

/// The epochs at which all runs that did not diverge have a value, in pieces between the others.
fn by_epoch(group: &Group<'_>, figure: Figure) -> Vec<Vec<At>> {
    let sound: Vec<_> = group.runs.iter().filter(|run| !run.diverged).collect();
    let mut epochs: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for run in &sound {
        for &(epoch, value) in figure(run) {
            epochs.entry(epoch).or_default().extend(value.filter(|value| value.is_finite()));
        }
    }
    let all: Vec<_> = epochs.into_iter().collect();
    let pieces = all.split(|(_, values)| values.len() < sound.len()).filter(|piece| !piece.is_empty());
    pieces.map(|piece| piece.iter().map(|(epoch, values)| at(f64::from(*epoch), values)).collect()).collect()
}

/// The last validation accuracy of each run of a group that did not diverge.
fn last_values(group: &Group<'_>) -> Vec<f64> {
    let sound = group.runs.iter().filter(|run| !run.diverged);
    sound.filter_map(|run| finite(run.val_accuracy).last()).map(|(_, value)| value).collect()
}

/// Draws each run's accuracy at its last epoch, one column a group, and returns the groups' names for its right side.
fn draw_ends(groups: &[Group<'_>], area: [f64; 4], canvas: &mut Canvas) -> Vec<Label> {
    let [_, top, _, height] = area;
    let y = Axis::shares(groups.iter().flat_map(last_values));
    let x = Axis {
        // Group `i` is at `i + 1`, and there are no ticks.
        low: 0.5,
        high: groups.len().max(2) as f64 + 0.5,
        step: 1e6,
        format: Arc::new(|_| String::new()),
        name: "one mark a run".into(),
        empty: false,
    };
    let mut panel = Panel::new("at the last epoch", area, &x, &y);
    for (i, group) in groups.iter().enumerate() {
        let values = last_values(group);
        if values.len() > 1 {
            let mean = at(0.0, &values).mean;
            panel.lines(&[vec![[i as f64 + 0.64, mean], [i as f64 + 1.36, mean]]], stroke(i));
        }
    }
    let place = panel.draw(canvas);
    let mut labels = Vec::new();
    for (i, group) in groups.iter().enumerate() {
        let values = last_values(group);
        let mut beside = 0.0;
        for run in group.runs {
            let (mark, value) = match finite(run.val_accuracy).last() {
                _ if run.diverged => (Mark::Cross, y.low),
                Some((_, value)) => (MARKS[i % MARKS.len()], value),
                None => continue,
            };
            // Runs of a group are placed side by side, so that equal values stay visible.
            let aside = if group.runs.len() > 1 { beside / (group.runs.len() - 1) as f64 - 0.5 } else { 0.0 };
            beside += 1.0;
            let [x, mut y] = place.at([i as f64 + 1.0 + 0.5 * aside, value]);
            y = y.min(top + height - 7.0);
            let said = if run.diverged { "diverged".to_owned() } else { share(value) };
            canvas
                .with_tip(&format!("{}: {said}", run.label), |canvas| canvas.mark(mark, [x, y], 3.4, color(i), false));
        }
        let (said, height) = if values.is_empty() {
            ("–".to_owned(), top + height)
        } else {
            let mean = at(0.0, &values).mean;
            (share(mean), place.at([0.0, mean])[1])
        };
        labels.push(Label {
            y: height,
            mark: MARKS[i % MARKS.len()],
            color: color(i),
            text: format!("{said}  {}", elide(group.label, BODY.size, false, NAME)),
            tip: format!("{}: {}", group.label, numbers(group)),
        });
    }
    labels
}

/// Mean, extremes and number of a group's last accuracies.
fn numbers(group: &Group<'_>) -> String {
    let values = last_values(group);
    let diverged = group.runs.iter().filter(|run| run.diverged).count();
    let lost = if diverged > 0 { format!(", {diverged} diverged") } else { String::new() };
    match values[..] {
        [] => format!("no accuracy in {}{lost}", amount(group.runs.len(), "run")),
        [only] => format!("{} in one run{lost}", share(only)),
        _ => {
            let At { mean, low, high, .. } = at(0.0, &values);
            let range = format!("{:.1}–{}", 100.0 * low, share(high));
            format!("{} ({range}, {}{lost})", share(mean), amount(values.len(), "run"))
        }
    }
}

fn key(groups: &[Group<'_>]) -> Vec<(Sign, String)> {
    let mut key =
        vec![(Sign::Band(MUTED), "mean of a group's runs, and from its lowest to its highest run".to_owned())];
    if groups.iter().flat_map(|group| group.runs).any(|run| run.diverged) {
        key.push((Sign::Mark(Mark::Cross, MUTED, false), "diverged: in no mean and no band".into()));
    }
    key
}

/// Caption: the result in words.
fn caption(groups: &[Group<'_>]) -> String {
    let name = |group: &Group<'_>| elide(group.label, BODY.size, false, NAME);
    // Of two groups there is room for all numbers.
    let said = |group: &Group<'_>| match last_values(group)[..] {
        _ if groups.len() <= 2 => format!("{} {}", name(group), numbers(group)),
        [] => format!("{} –", name(group)),
        ref values => format!("{} {}", name(group), share(at(0.0, values).mean)),
    };
    let mut words: Vec<_> = groups.iter().take(SAID).map(said).collect();
    if groups.len() > SAID {
        words.push(format!("{} more", groups.len() - SAID));
    }
    let diverged = groups.iter().flat_map(|group| group.runs).filter(|run| run.diverged).count();
    if groups.len() > 2 && diverged > 0 {
        words.push(format!("{} diverged", amount(diverged, "run")));
    }
    let mean = if groups.iter().any(|group| last_values(group).len() > 1) { "mean " } else { "" };
    if words.is_empty() {
        "no groups".into()
    } else {
        format!("{mean}validation accuracy at the last epoch: {}", words.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Values = Vec<(u32, Option<f64>)>;

    fn values(values: &[f64]) -> Values {
        (1..).zip(values.iter().map(|&value| Some(value))).collect()
    }

    fn runs(all: &[Values], diverged: bool) -> Vec<Run<'_>> {
        all.iter()
            .map(|series| Run { label: "<i>seed</i>", val_accuracy: series, diverged, ..Run::default() })
            .collect()
    }

    #[test]
    fn means_are_over_all_sound_runs_or_not_drawn() {
        let sound = [values(&[0.5, 0.6, 0.7]), values(&[0.7, f64::NAN, 0.8]), values(&[0.6, 0.6, 0.6, 0.9])];
        let lost = [values(&[0.1, 0.1, 0.1])];
        let all = [runs(&sound, false), runs(&lost, true)].concat();
        let found = by_epoch(&Group { label: "", runs: &all }, accuracy);
        assert_eq!(
            found.iter().map(|piece| piece.iter().map(|at| at.epoch).collect()).collect::<Vec<Vec<_>>>(),
            [[1.0], [3.0]]
        );
        assert!((found[0][0].mean - 0.6).abs() < 1e-12 && found[0][0].low == 0.5 && found[0][0].high == 0.7);
        assert!(by_epoch(&Group { label: "", runs: &all[3..] }, accuracy).is_empty());
    }

    #[test]
    fn the_words_have_the_numbers_and_the_verdict() {
        let (a, b) = ([values(&[0.8, 0.9]), values(&[0.8, 0.88])], [values(&[0.7]), values(&[0.2])]);
        let [a, mut b] = [runs(&a, false), runs(&b, false)];
        b[1].diverged = true;
        let groups = [Group { label: "A", runs: &a }, Group { label: "<b>", runs: &b }];
        let picture = compared("A or B", &groups, "Not settled.");
        assert_eq!(
            picture.caption.replace('\u{a0}', " "),
            "mean validation accuracy at the last epoch: A 89.0% (88.0–90.0%, 2 runs); <b> 70.0% in one run, 1 diverged. \
             Not settled."
        );
        assert!(picture.svg.contains(">Not settled.</text>") && picture.svg.contains("<title>&lt;i&gt;seed"));
        assert!(!picture.svg.contains("<i>") && !picture.svg.contains("<b>"));
        // A band for two runs, none for one.
        assert_eq!(picture.svg.matches("fill-opacity=\"0.22\"").count(), 1);
    }

    #[test]
    fn losses_that_are_not_given_take_no_room() {
        let series = [values(&[0.5, 0.7])];
        let accuracies = runs(&series, false);
        let both: Vec<_> = accuracies.iter().map(|run| Run { val_loss: run.val_accuracy, ..*run }).collect();
        let picture = |runs: &[Run<'_>]| compared("Losses", &[Group { label: "one", runs }], "");
        let (with, without) = (picture(&both), picture(&accuracies));
        assert!(with.svg.contains("validation loss") && !without.svg.contains("validation loss"));
        assert!(with.width > without.width + CURVES);
    }

    #[test]
    fn from_none_to_twelve_groups_can_be_drawn() {
        let series = [values(&[0.5, 0.7]), values(&[0.6, 0.65])];
        let runs = runs(&series, false);
        for n in [0, 1, 3, 12] {
            let groups = vec![Group { label: "group", runs: &runs }; n];
            let picture = compared("Groups", &groups, "");
            assert_eq!(picture.svg.matches("%  group</text>").count(), n);
            assert!(picture.to_png().is_ok());
        }
        assert!(compared("Empty", &[Group { label: "none", runs: &[] }], "").caption.contains("none no accuracy in 0"));
    }
}
