//! Validation accuracy against the time of creation: every run, and the best so far.

use std::collections::BTreeSet;

use handloom_store::Status;

use crate::axis::{Axis, moment};
use crate::canvas::{Anchor, BODY, Canvas, HEAD, MARGIN, Mark, Stroke, Style};
use crate::color::{CONTEXT, Color, INK, LINES, PAPER, VERMILION};
use crate::label::{Sign, draw_key};
use crate::panel::{ABOVE, BELOW, LEFT, Panel};
use crate::picture::Picture;
use crate::text::{amount, elide, share, width};
use crate::words::{grouped, listed};

/// Width and height of the panel.
const PANEL: [f64; 2] = [760.0, 320.0];
/// Maximum number of runs for which each has a tooltip; with more runs none has one.
const NAMED: usize = 500;
/// Maximum width of the best run's name.
const NAME: f64 = 320.0;
/// Dots, and the line of the best.
const DOT: Color = LINES[0];
const SO_FAR: Stroke = Stroke { color: LINES[1], width: 2.2, dashed: false };
/// Tick of a run that is not drawn as a dot.
const TICK: Stroke = Stroke { color: INK, width: 1.6, dashed: false };

/// Outcome of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// As planned.
    #[default]
    Finished,
    /// Not yet, or earlier than planned: running, stopped, pruned or killed.
    Unfinished,
    /// Its loss or its weights were no longer usable.
    Diverged,
    /// It could not be trained.
    Failed,
}

impl From<Status> for Ending {
    fn from(status: Status) -> Self {
        match status {
            Status::Finished => Self::Finished,
            Status::Running | Status::Stopped | Status::Pruned | Status::Killed => Self::Unfinished,
            Status::Diverged => Self::Diverged,
            Status::Failed => Self::Failed,
        }
    }
}

/// A run by the time of its creation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Created<'a> {
    /// Name of the run.
    pub label: &'a str,
    /// Time of creation, in seconds since 1970 (UTC).
    pub at: f64,
    /// Its validation accuracy, a share in [0, 1].
    pub val_accuracy: Option<f64>,
    /// Outcome.
    pub ending: Ending,
    /// Name of its data set.
    pub dataset: &'a str,
}

impl Created<'_> {
    /// Validation accuracy at which it is drawn; none if it is a tick at the bottom.
    fn value(&self) -> Option<f64> {
        let usable = matches!(self.ending, Ending::Finished | Ending::Unfinished);
        self.val_accuracy.filter(|value| usable && value.is_finite())
    }

    /// True if it can be the best so far: finished, with a validation accuracy.
    fn counts(&self) -> bool {
        self.ending == Ending::Finished && self.value().is_some()
    }
}

/// A picture of the validation accuracy of runs by the time of their creation (UTC), with the best so far as a step
/// line.
///
/// Finished runs are dots, unfinished ones hollow (gray if there are many). Runs that diverged, failed or have no
/// accuracy are ticks at the bottom; a few outliers that would flatten all others are triangles above the ticks.
/// Only finished runs count as the best so far, or without any the unfinished ones.
pub fn created(title: &str, runs: &[Created<'_>]) -> Picture {
    let mut placed: Vec<_> = runs.iter().filter(|run| !moment(run.at, "%Y").is_empty()).collect();
    placed.sort_by(|a, b| a.at.total_cmp(&b.at));
    let [first, last] = [placed.first(), placed.last()].map(|run| run.map_or(0.0, |run| run.at));
    let (x, origin) = Axis::times(first, last, PANEL[0]);
    let (mut y, floor) = Axis::shares_of_most(placed.iter().filter_map(|run| run.value()).collect());
    let below = |run: &Created<'_>| floor.is_some_and(|floor| run.value().is_some_and(|value| value < floor));
    // Room for the ticks below and for the name of the best above.
    let span = y.high - y.low;
    y.low -= if floor.is_some() { 0.09 } else { 0.05 } * span;
    y.high += 0.05 * span;
    let area = [MARGIN + LEFT, HEAD + ABOVE, PANEL[0], PANEL[1]];
    let mut panel = Panel::new("validation accuracy", area, &x, &y);
    let point = |run: &&Created<'_>| Some([run.at - origin, run.value()?]);
    let (r, opacity) = match placed.len() {
        ..=60 => (4.2, 0.85),
        61..=NAMED => (3.2, 0.6),
        501..=3000 => (2.4, 0.45),
        _ => (2.0, 0.3),
    };
    // Rings would cover the dots where there are many of both.
    let few = placed.len() <= NAMED;
    let rings = |run: &Created<'_>| few && run.ending == Ending::Unfinished;
    for (ending, color) in [(Ending::Unfinished, CONTEXT), (Ending::Finished, DOT)] {
        let shown = |run: &&&Created<'_>| run.ending == ending && !rings(run) && !below(run);
        let dots: Vec<_> = placed.iter().filter(shown).filter_map(point).collect();
        panel.dots(&dots, r, color, opacity);
    }
    let best = best_so_far(&placed);
    let mut line: Vec<_> = best.iter().filter(|run| !below(run)).filter_map(point).collect();
    if let Some(&[_, value]) = line.last() {
        line.push([x.high, value]);
    }
    panel.steps(&line, SO_FAR);
    let mut canvas = Canvas::default();
    let place = panel.draw(&mut canvas);
    let bottom = area[1] + area[3];
    for run in &placed {
        let [x, y] = place.at([run.at - origin, run.value().unwrap_or(0.0)]);
        let draw = |canvas: &mut Canvas| match run.value() {
            None => canvas.line(&[[x, bottom - 11.0], [x, bottom - 2.0]], Stroke { color: tick(run).0, ..TICK }),
            Some(_) if below(run) => {
                let color = if run.counts() { DOT } else { CONTEXT };
                canvas.mark(Mark::Down, [x, bottom - 18.0], 3.6, color, rings(run));
            }
            Some(_) if rings(run) => canvas.mark(Mark::Disc, [x, y], r, CONTEXT, true),
            // The dot is drawn already; this mark carries the tooltip.
            Some(_) if few => canvas.discs([[x, y]], r + 1.0, DOT, 0.0),
            Some(_) => (),
        };
        if few {
            canvas.with_tip(&tip(run), draw);
        } else {
            draw(&mut canvas);
        }
    }
    if let Some(best) = best.last() {
        name_best(best, place.at([best.at - origin, best.value().unwrap_or(0.0)]), area, &mut canvas);
    }
    let y = area[1] + area[3] + BELOW + 14.0;
    let wide = MARGIN + LEFT + PANEL[0] + 2.0 * MARGIN;
    let mut key = key(&placed, DOT.mix(PAPER, 1.0 - opacity.max(0.5)), few);
    if let Some(floor) = floor {
        let n = placed.iter().filter(|run| below(run)).count();
        key.push((Sign::Mark(Mark::Down, DOT, false), format!("{} below {}", grouped(n as u64), share(floor))));
    }
    let tall = draw_key(&key, y, wide - 2.0 * MARGIN, &mut canvas);
    canvas.finish(title, caption(runs.len(), &placed, best.last().copied()), [wide, y + tall + MARGIN])
}

/// Name and accuracy of the best run, above it.
fn name_best(best: &Created<'_>, [x, y]: [f64; 2], [left, _, w, _]: [f64; 4], canvas: &mut Canvas) {
    let bold = Style { bold: true, ..BODY };
    let text = format!("{}  {}", share(best.value().unwrap_or(0.0)), elide(best.label, BODY.size, true, NAME));
    let half = width(&text, BODY.size, true) / 2.0;
    let middle = x.max(left + half + 6.0).min(left + w - half - 2.0);
    canvas.mark(Mark::Disc, [x, y], 5.2, SO_FAR.color, true);
    canvas.discs([[x, y]], 2.4, DOT, 1.0);
    canvas.text([middle, y - 11.0], Anchor::Middle, bold, &text);
}

/// Color and meaning of the tick of a run without a usable accuracy.
fn tick(run: &Created<'_>) -> (Color, &'static str) {
    match run.ending {
        Ending::Diverged => (VERMILION, "diverged"),
        Ending::Failed => (INK, "failed"),
        Ending::Finished | Ending::Unfinished => (CONTEXT, "without accuracy"),
    }
}

/// Tooltip of a run.
fn tip(run: &Created<'_>) -> String {
    let what = run.value().map_or_else(|| tick(run).1.to_owned(), share);
    format!("{}: {what}, {} UTC", run.label, moment(run.at, "%Y-%m-%d %H:%M:%S"))
}

fn key(placed: &[&Created<'_>], dot: Color, rings: bool) -> Vec<(Sign, String)> {
    let mut key = Vec::new();
    let count = |keep: &dyn Fn(&Created<'_>) -> bool| placed.iter().filter(|run| keep(run)).count();
    let unfinished = count(&|run| run.ending == Ending::Unfinished && run.value().is_some());
    let finished = count(&|run| run.counts());
    if finished > 0 {
        key.push((Sign::Mark(Mark::Disc, dot, false), amount(finished, "finished run")));
    }
    if finished + unfinished > 0 {
        key.push((Sign::Line(SO_FAR), "best so far".into()));
    }
    if unfinished > 0 {
        key.push((Sign::Mark(Mark::Disc, CONTEXT, rings), format!("{} not finished", grouped(unfinished as u64))));
    }
    for what in ["diverged", "failed", "without accuracy"] {
        let n = count(&|run| run.value().is_none() && tick(run).1 == what);
        if let Some(run) = placed.iter().find(|run| run.value().is_none() && tick(run).1 == what) {
            key.push((Sign::Tick(tick(run).0), format!("{} {what}", grouped(n as u64))));
        }
    }
    key
}

/// Caption: the result in words.
fn caption(all: usize, placed: &[&Created<'_>], best: Option<&Created<'_>>) -> String {
    let mut words = vec![amount(all, "run")];
    if let Some(best) = best {
        let rank = placed.iter().position(|run| std::ptr::eq(*run, best)).map_or(0, |at| at + 1);
        let name = elide(best.label, BODY.size, false, NAME);
        let value = share(best.value().unwrap_or(0.0));
        let end = if best.ending == Ending::Finished { "" } else { " so far, not finished" };
        words.push(format!(": {name} is best with {value} validation accuracy{end}"));
        words.push(match placed.len() - rank {
            0 => ", the last to be created".to_owned(),
            1 => ", and the one created since is not better".to_owned(),
            since => format!(", and none of the {} created since is better", grouped(since as u64)),
        });
    } else if all > 0 {
        words.push(", none with a validation accuracy".to_owned());
    }
    let sets: BTreeSet<&str> = placed.iter().map(|run| run.dataset).collect();
    if sets.len() > 1 {
        let sets: Vec<String> = sets.into_iter().map(|set| elide(set, BODY.size, false, NAME)).collect();
        words.push(format!("; the data sets {} are mixed, whose accuracies do not compare", listed(&sets)));
    }
    if placed.len() < all {
        words.push(format!("; {} without a time left out", grouped((all - placed.len()) as u64)));
    }
    words.concat()
}

/// The runs that were better than all before them.
fn best_so_far<'r, 'a>(placed: &[&'r Created<'a>]) -> Vec<&'r Created<'a>> {
    let candidates: Vec<_> = placed.iter().map(|run| (run.ending, run.value().map(|value| -value))).collect();
    let tiers: [&[Ending]; 2] = [&[Ending::Finished], &[Ending::Unfinished]];
    handloom_sweep::best::improvements(&candidates, &tiers).into_iter().map(|position| placed[position]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: f64 = 1_795_448_395.0;

    fn run(label: &str, seconds: f64, val_accuracy: Option<f64>, ending: Ending) -> Created<'_> {
        Created { label, at: START + seconds, val_accuracy, ending, dataset: "mnist" }
    }

    #[test]
    fn only_finished_runs_are_the_best_and_none_is_lost() {
        use Ending::{Diverged, Failed, Finished, Unfinished};
        let runs = [
            run("late", 60.0, Some(0.9), Finished),
            run("early", 0.0, Some(0.8), Finished),
            run("worse", 90.0, Some(0.7), Finished),
            run("pruned", 95.0, Some(0.99), Unfinished),
            run("exploded", 99.0, Some(0.95), Diverged),
            run("broken", 120.0, None, Failed),
            run("silent", 130.0, Some(f64::NAN), Finished),
            run("nowhen", f64::INFINITY, Some(0.97), Finished),
            run("never", 1e300, Some(0.98), Finished),
        ];
        let picture = created("Sweep", &runs);
        assert_eq!(
            picture.caption.replace('\u{a0}', " "),
            "9 runs: late is best with 90.0% validation accuracy, and none of the 5 created since is better; \
             2 without a time left out"
        );
        let svg = picture.svg.replace('\u{a0}', " ");
        for words in ["3 finished runs", "1 not finished", "1 diverged", "1 failed", "1 without accuracy"] {
            assert!(svg.contains(&format!(">{words}</text>")), "{words}");
        }
        for tip in ["early: 80.0%, 2026-11-23 15:39:55 UTC", "exploded: diverged", "pruned: 99.0%", "silent: without"] {
            assert!(svg.contains(&format!("<title>{tip}")), "{tip}");
        }
        assert!(svg.contains(">90.0%  late</text>") && svg.contains("(UTC), 2026-11-23<"));
    }

    #[test]
    fn runs_far_below_the_others_are_marks_at_the_bottom() {
        let mut runs: Vec<_> =
            (0..20).map(|i| run("r", f64::from(i), Some(0.88 + 0.001 * f64::from(i)), Ending::Finished)).collect();
        runs[3].val_accuracy = Some(0.1);
        let picture = created("Outlier", &runs);
        let words = picture.svg.rsplit(">1 below ").next().unwrap().replace('\u{a0}', " ");
        assert!(words.starts_with("87.") || words.starts_with("88."), "{words}");
        // No number of the axis is far from the values.
        assert!(!picture.svg.contains(">80%<") && picture.svg.contains("<title>r: 10.0%"));
    }

    #[test]
    fn from_none_to_ten_thousand_runs_can_be_drawn() {
        for n in [0, 1, 2, 501, 10_000] {
            let runs: Vec<_> = (0..n)
                .map(|i| run("r", f64::from(i) * 7.0, Some(f64::from(i * 31 % 97) / 100.0), Ending::Finished))
                .collect();
            let picture = created("Many", &runs);
            let dots = picture.svg.matches("<circle").count();
            // Each is a dot, and also something to point at where there are few; the key and the best have three more.
            let each = if n as usize <= NAMED { 2 } else { 1 };
            assert_eq!(dots, n as usize * each + if n == 0 { 0 } else { 3 });
            assert!(picture.to_png().is_ok());
        }
    }

    #[test]
    fn a_hostile_name_stays_text() {
        let picture = created("<b>", &[run("<script>alert(1)</script>$x$", 0.0, Some(0.5), Ending::Finished)]);
        assert!(!picture.svg.contains("<script") && picture.svg.contains("&lt;script&gt;alert(1)"));
        assert!(picture.svg.contains("$x$") && picture.to_png().is_ok());
    }

    #[test]
    fn without_a_finished_run_unfinished_ones_count_and_mixed_data_sets_are_named() {
        let runs = [
            run("a", 0.0, Some(0.7), Ending::Unfinished),
            run("b", 1.0, Some(0.8), Ending::Unfinished),
            Created { dataset: "garments", ..run("c", 2.0, Some(0.99), Ending::Diverged) },
        ];
        let caption = created("", &runs).caption;
        assert!(caption.contains("b is best with 80.0% validation accuracy so far, not finished"), "{caption}");
        assert!(
            caption.ends_with("the data sets garments and mnist are mixed, whose accuracies do not compare"),
            "{caption}"
        );
        assert!(!created("", &runs[..2]).caption.contains("mixed"));
    }
}
