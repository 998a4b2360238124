//! Learning curves: loss and accuracy by epoch, side by side, of one run or of many.
//!
//! One run shows training against validation. Several runs have a color and a mark each, and their names are at the
//! ends of their lines instead of in a legend. Of very many runs only the best are in color.

use crate::axis::Axis;
use crate::canvas::{Anchor, Canvas, HEAD, MARGIN, Mark, NOTE, Stroke};
use crate::color::{CONTEXT, Color, LINES, MUTED};
use crate::label::{LEAD, LINE, Label, Sign, draw_key, draw_labels, line_sign};
use crate::panel::{ABOVE, BELOW, LEFT, Panel, Place, clip};
use crate::picture::Picture;
use crate::run::{Run, Series, finite, pieces};
use crate::text::{amount, elide, share, widest};

/// Maximum number of runs whose training curves are drawn too.
const BOTH: usize = 8;
/// Maximum number of runs with a color each.
const COLORED: usize = 20;
/// Number of best runs with a color if there are more than [`COLORED`].
const BEST: usize = 5;
/// Width and least height of a panel.
const PANEL: [f64; 2] = [290.0, 260.0];
/// Space between panels.
const GAP: f64 = 22.0;
/// Maximum width of a run's name; longer ones are shortened.
const NAME: f64 = 220.0;
/// The marks of runs; the color changes with every run, the mark too.
const MARKS: [Mark; 4] = [Mark::Disc, Mark::Square, Mark::Triangle, Mark::Diamond];

/// A picture of loss and accuracy by epoch of one or several runs.
///
/// Validation is a solid line, training a thin dashed one (left out from nine runs on). A hollow mark is the epoch with
/// the highest validation accuracy, a cross a divergence, a gap a missing value. Up to 20 runs have a color each; of
/// more runs the best five have one, and the others are gray.
pub fn curves(title: &str, runs: &[Run<'_>]) -> Picture {
    let looks = looks(runs);
    let last = runs.iter().flat_map(Run::series).flatten().map(|entry| entry.0).max().unwrap_or(1);
    let x = Axis::epochs(last, PANEL[0]);
    let height = PANEL[1].max(6.0 + LINE * looks.iter().flatten().count() as f64);
    let top = HEAD + ABOVE;
    let mut canvas = Canvas::default();
    let mut left = MARGIN + LEFT;
    let mut floor = None;
    for figure in [Figure::Loss, Figure::Accuracy] {
        let area = [left, top, PANEL[0], height];
        let (y, below) = figure.axis(runs);
        floor = floor.or(below);
        let mut panel = Panel::new(figure.name(), area, &x, &y);
        for (run, look) in in_order(runs, &looks) {
            figure.lines(run, look, runs.len(), &mut panel);
        }
        let place = panel.draw(&mut canvas);
        for (run, look) in in_order(runs, &looks).filter(|(run, look)| look.is_some() || run.diverged) {
            figure.marks(run, look, runs.len(), &place, &mut canvas);
        }
        let labels = figure.labels(runs, &looks, &place, area);
        draw_labels(&labels, left + PANEL[0], [top + 6.0, top + height], &mut canvas);
        left += PANEL[0] + GAP;
        if !labels.is_empty() {
            if runs.len() > 1 {
                canvas.text([left - GAP + LEAD, top - 10.0], Anchor::Start, NOTE, "best, run");
            }
            left += LEAD + widest(labels.iter().map(|label| label.text.as_str()), 12.0, false).ceil();
        }
        left += LEFT;
    }
    let wide = left - LEFT - GAP + MARGIN;
    let y = top + height + BELOW + 14.0;
    let tall = draw_key(&key(runs, &looks, floor), y, wide - 2.0 * MARGIN, &mut canvas);
    canvas.finish(title, caption(runs), [wide, y + tall + MARGIN])
}

/// Color and mark of a run; none for a gray one.
type Look = Option<(Color, Mark)>;

fn looks(runs: &[Run<'_>]) -> Vec<Look> {
    let mut looks = vec![None; runs.len()];
    let mut chosen: Vec<usize> = (0..runs.len()).collect();
    if runs.len() > COLORED {
        chosen = ranked(runs);
        chosen.truncate(BEST);
    }
    for (i, run) in chosen.into_iter().enumerate() {
        // With eight colors and four marks the first 32 pairs differ.
        looks[run] = Some((LINES[i % LINES.len()], MARKS[(i + i / LINES.len()) % MARKS.len()]));
    }
    looks
}

/// Runs with validation accuracy, the best first.
fn ranked(runs: &[Run<'_>]) -> Vec<usize> {
    let best: Vec<_> = runs.iter().map(|run| run.best().map(|(_, value)| value)).collect();
    let mut order: Vec<usize> = (0..runs.len()).filter(|&i| best[i].is_some()).collect();
    order.sort_by(|&a, &b| best[b].unwrap_or(0.0).total_cmp(&best[a].unwrap_or(0.0)));
    order
}

/// Runs in the order they are drawn: gray ones below, and the first above the others.
fn in_order<'r, 'a>(runs: &'r [Run<'a>], looks: &'r [Look]) -> impl Iterator<Item = (&'r Run<'a>, Look)> {
    let with = |gray: bool| runs.iter().zip(looks).rev().filter(move |(_, look)| look.is_none() == gray);
    with(true).chain(with(false)).map(|(run, look)| (run, *look))
}

/// Metric of a panel.
#[derive(Clone, Copy, PartialEq)]
enum Figure {
    Loss,
    Accuracy,
}

impl Figure {
    fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Accuracy => "accuracy",
        }
    }

    /// Training and validation.
    fn series<'a>(self, run: &Run<'a>) -> [Series<'a>; 2] {
        match self {
            Self::Loss => [run.train_loss, run.val_loss],
            Self::Accuracy => [run.train_accuracy, run.val_accuracy],
        }
    }

    /// The upright axis, and its floor if some runs end below it.
    fn axis<'a>(self, runs: &[Run<'a>]) -> (Axis, Option<f64>) {
        let left_out = usize::from(runs.len() > BOTH);
        let drawn =
            |run: &Run<'a>| self.series(run).into_iter().skip(left_out).flat_map(finite).map(|(_, value)| value);
        // Diverged runs do not set the range: their values would flatten all others.
        let sound = || runs.iter().filter(|run| !run.diverged).flat_map(drawn);
        let kept = |value: f64, [low, high]: [f64; 2]| (low..=high).contains(&value);
        let limits = match self {
            Self::Loss => {
                let first = runs.iter().filter_map(|run| drawn(run).next()).fold(0.0, f64::max);
                [f64::MIN, sound().fold(1.5 * first, f64::max)]
            }
            Self::Accuracy => [sound().reduce(f64::min).unwrap_or(f64::MIN), f64::MAX],
        };
        let values = || runs.iter().flat_map(drawn).filter(|&value| kept(value, limits));
        if self == Self::Loss {
            return (Axis::numbers(values(), [f64::MIN, f64::MAX], 1.0, ""), None);
        }
        let ends = || runs.iter().filter(|run| !run.diverged).filter_map(|run| finite(run.val_accuracy).last());
        if runs.len() > BOTH
            && let (_, Some(floor)) = Axis::shares_of_most(ends().map(|(_, value)| value).collect())
        {
            let mut axis = Axis::shares(values().filter(|&value| value >= floor));
            axis.low = floor;
            return (axis, Some(floor));
        }
        (Axis::shares(values()), None)
    }

    fn lines(self, run: &Run<'_>, look: Look, runs: usize, panel: &mut Panel) {
        let [training, validation] = self.series(run);
        let color = look.map_or(CONTEXT, |(color, _)| color);
        if runs <= BOTH {
            let color = if runs == 1 { LINES[1] } else { color };
            let width = if runs == 1 { 1.8 } else { 1.3 };
            panel.lines(&pieces(training), Stroke { color, width, dashed: true });
        }
        let width = match (look, runs) {
            (None, _) => 0.9,
            (_, ..=BOTH) => 2.2,
            _ => 1.8,
        };
        panel.lines(&pieces(validation), Stroke { color, width, dashed: false });
    }

    /// The best epoch and the end.
    fn marks(self, run: &Run<'_>, look: Look, runs: usize, place: &Place, canvas: &mut Canvas) {
        let (color, mark) = look.unwrap_or((CONTEXT, Mark::Disc));
        let [training, validation] = self.series(run);
        if look.is_some() {
            let best = run.best().and_then(|(best, _)| finite(validation).find(|&(epoch, _)| epoch == best));
            let best = best.filter(|&(_, value)| (place.limits[0]..=place.limits[1]).contains(&value));
            if let Some((epoch, value)) = best {
                let at = place.at([f64::from(epoch), value]);
                canvas.with_tip(&format!("{}: best epoch {epoch}", run.label), |canvas| {
                    canvas.mark(mark, at, 4.0, color, true);
                });
            }
        }
        if run.diverged {
            let shown = if runs > BOTH || finite(validation).next().is_some() { validation } else { training };
            // The cross marks the end of the line, or the point where it leaves the panel for good.
            let drawn = pieces(shown).iter().flat_map(|piece| clip(piece, place.limits)).next_back();
            if let Some(&end) = drawn.as_ref().and_then(|piece| piece.last()) {
                let tip = format!("{}: diverged after epoch {:.0}", run.label, end[0].ceil());
                canvas.with_tip(&tip, |canvas| canvas.mark(Mark::Cross, place.at(end), 4.6, color, false));
            }
        }
    }

    /// The names at the ends of the lines: of training and validation at one run, else of the runs.
    fn labels(self, runs: &[Run<'_>], looks: &[Look], place: &Place, [_, top, _, height]: [f64; 4]) -> Vec<Label> {
        let end = |series: Series<'_>| finite(series).last().map(|(epoch, value)| (f64::from(epoch), value));
        let inside = |at: (f64, f64)| place.at([at.0, at.1])[1].clamp(top, top + height);
        if let [run] = runs {
            let [training, validation] = self.series(run);
            let lines = [("training", training, LINES[1]), ("validation", validation, LINES[0])];
            return lines
                .into_iter()
                .filter_map(|(name, series, color)| {
                    let at = end(series)?;
                    let value = if self == Self::Loss { number(at.1) } else { share(at.1) };
                    let text = format!("{name} {value}");
                    Some(Label { y: inside(at), mark: Mark::Disc, color, tip: text.clone(), text })
                })
                .collect();
        }
        if self == Self::Loss {
            return Vec::new();
        }
        let labels = runs.iter().zip(looks).filter_map(|(run, look)| {
            let (color, mark) = (*look)?;
            let best = run.best().map_or("–".to_owned(), |(_, value)| share(value));
            let text = format!("{best}  {}", elide(run.label, 12.0, false, NAME));
            let y = end(run.val_accuracy).map_or(top + height, inside);
            Some(Label { y, mark, color, text, tip: format!("{}: {}", run.label, run.story()) })
        });
        labels.collect()
    }
}

/// A loss, to three digits.
fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 1e5 || (v < 5e-4 && v > 0.0) => format!("{value:.1e}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

fn key(runs: &[Run<'_>], looks: &[Look], floor: Option<f64>) -> Vec<(Sign, String)> {
    let mut key = Vec::new();
    let gray = looks.iter().filter(|look| look.is_none()).count();
    let trained = runs.iter().any(|run| finite(run.train_loss).chain(finite(run.train_accuracy)).next().is_some());
    let color = if runs.len() == 1 { LINES[0] } else { MUTED };
    if runs.len() > 1 {
        let left_out = trained && runs.len() > BOTH;
        key.push(line_sign(false, if left_out { "validation (training is left out)" } else { "validation" }));
        if runs.len() <= BOTH && trained {
            key.push(line_sign(true, "training"));
        }
    }
    if runs.iter().any(|run| run.best().is_some()) {
        key.push((Sign::Mark(Mark::Disc, color, true), "best epoch: highest validation accuracy".into()));
    }
    if runs.iter().any(|run| run.diverged) {
        key.push((Sign::Mark(Mark::Cross, color, false), "diverged".into()));
    }
    if let Some(floor) = floor {
        let ends = runs.iter().filter(|run| !run.diverged).filter_map(|run| finite(run.val_accuracy).last());
        let n = ends.filter(|&(_, value)| value < floor).count();
        key.push((
            Sign::Mark(Mark::Down, MUTED, false),
            format!("{} below {}, not shown", amount(n, "end"), share(floor)),
        ));
    }
    if gray > 0 {
        let stroke = Stroke { color: CONTEXT, width: 1.2, dashed: false };
        key.push((Sign::Line(stroke), format!("the other {}", amount(gray, "run"))));
    }
    key
}

/// Caption: the result in words.
fn caption(runs: &[Run<'_>]) -> String {
    if let [run] = runs {
        return run.story();
    }
    let ranked = ranked(runs);
    let diverged = runs.iter().filter(|run| run.diverged).count();
    let mut words = vec![amount(runs.len(), "run")];
    if let [first, ..] = ranked[..] {
        let (epoch, best) = runs[first].best().expect("ranked runs have an accuracy");
        let name = elide(runs[first].label, 12.0, false, 240.0);
        words.push(format!(": {name} is best with {} validation accuracy at epoch {epoch}", share(best)));
        if let [.., last] = ranked[1..] {
            words.push(format!(", the lowest has {}", share(runs[last].best().map_or(0.0, |(_, value)| value))));
        }
    } else if !runs.is_empty() {
        words.push(" without validation accuracy".to_owned());
    }
    if diverged > 0 {
        words.push(format!("; {diverged} diverged"));
    }
    words.concat()
}

#[cfg(test)]
mod tests;
