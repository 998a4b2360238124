//! Searches: how far from the best each method still is, against what it has spent.

use std::sync::Arc;

use crate::axis::Axis;
use crate::canvas::{BODY, Canvas, HEAD, MARGIN, Mark, Stroke};
use crate::color::{LINES, MUTED};
use crate::label::{LEAD, LINE, Label, Sign, draw_key, draw_labels};
use crate::panel::{ABOVE, BELOW, LEFT, Panel};
use crate::picture::Picture;
use crate::text::widest;

/// Width and least height of a panel.
const PANEL: [f64; 2] = [300.0, 260.0];
/// Space between panels.
const GAP: f64 = 22.0;
/// What is below this share of the highest value is drawn at it: a logarithm has no 0.
const LEAST: f64 = 1e-3;
const MARKS: [Mark; 4] = [Mark::Disc, Mark::Square, Mark::Triangle, Mark::Diamond];

/// What searches still miss, against one kind of expense.
#[derive(Clone, Debug, Default)]
pub struct Expense {
    /// What is spent, such as `trials`.
    pub name: String,
    /// One for each method, always in the same order.
    pub methods: Vec<Method>,
}

/// How one method fares.
#[derive(Clone, Debug, Default)]
pub struct Method {
    /// Its name.
    pub label: String,
    /// What was spent, the mean that is still missed, and the ends of its interval.
    pub points: Vec<[f64; 4]>,
}

/// A picture of what methods of search still miss (percentage points, on a logarithmic scale), one panel an expense.
///
/// Lines are means and bands their intervals.
pub fn searches(title: &str, expenses: &[Expense]) -> Picture {
    let methods = expenses.iter().map(|expense| expense.methods.len()).max().unwrap_or(0);
    let height = PANEL[1].max(LINE * methods as f64);
    let top = HEAD + ABOVE;
    let highest = all(expenses).map(|point| point[3]).fold(0.0, f64::max);
    let log = |value: f64| value.max(LEAST * highest).max(f64::MIN_POSITIVE).log2();
    let y = doublings(all(expenses).flat_map(|point| [point[1], point[3]]).map(log));
    let mut canvas = Canvas::default();
    let mut left = MARGIN + LEFT;
    for expense in expenses {
        let spent = expense.methods.iter().flat_map(|method| &method.points).map(|point| point[0]);
        let x = Axis { name: expense.name.clone(), ..Axis::numbers(spent, [0.0, f64::MAX], 1.0, "") };
        let area = [left, top, PANEL[0], height];
        let mut panel = Panel::new("still missed, percentage points", area, &x, &y);
        for (method, color) in expense.methods.iter().zip(LINES.iter().cycle()) {
            let column = |k: usize, f: &dyn Fn(f64) -> f64| method.points.iter().map(|point| f(point[k])).collect();
            let bounds = |value: f64| log(value).clamp(y.low, y.high);
            let [x, low, high]: [Vec<f64>; 3] = [column(0, &|x| x), column(2, &bounds), column(3, &bounds)];
            panel.band([&x, &low, &high], *color, 0.2);
        }
        for (i, method) in expense.methods.iter().enumerate().rev() {
            let line = method.points.iter().map(|point| [point[0], log(point[1])]).collect();
            panel.lines(&[line], Stroke { color: LINES[i % LINES.len()], width: 2.2, dashed: false });
        }
        let place = panel.draw(&mut canvas);
        let labels: Vec<Label> = (expense.methods.iter().enumerate())
            .filter_map(|(i, method)| {
                let &[x, mean, low, high] = method.points.last()?;
                let tip = format!("{}: {mean:.2} ({low:.2} to {high:.2}) after {x} {}", method.label, expense.name);
                let (mark, color) = (MARKS[i % MARKS.len()], LINES[i % LINES.len()]);
                let y = place.at([x, log(mean)])[1];
                Some(Label { y, mark, color, text: format!("{mean:.2}  {}", method.label), tip })
            })
            .collect();
        left += PANEL[0];
        draw_labels(&labels, left, [top, top + height], &mut canvas);
        left += LEAD + widest(labels.iter().map(|label| label.text.as_str()), BODY.size, false).ceil() + GAP + LEFT;
    }
    let wide = left - LEFT - GAP + MARGIN;
    let below = top + height + BELOW + 14.0;
    let key = [(Sign::Band(MUTED), "mean of all searches, and its 95 % interval".to_owned())];
    let tall = draw_key(&key, below, wide - 2.0 * MARGIN, &mut canvas);
    canvas.finish(title, caption(expenses), [wide, below + tall + MARGIN])
}

fn all(expenses: &[Expense]) -> impl Iterator<Item = &[f64; 4]> {
    expenses.iter().flat_map(|expense| &expense.methods).flat_map(|method| &method.points)
}

/// An axis of base-two logarithms, with a tick for every doubling.
fn doublings(values: impl Iterator<Item = f64>) -> Axis {
    let axis = Axis::numbers(values, [f64::MIN, f64::MAX], 1.0, "");
    let step = ((axis.high - axis.low) / 9.0).ceil().max(1.0);
    let format = |v: f64| {
        let value = v.exp2();
        let decimals = (1.0 - value.log10().floor()).clamp(0.0, 9.0) as usize;
        format!("{value:.decimals$}")
    };
    Axis { step, format: Arc::new(format), ..axis }
}

fn caption(expenses: &[Expense]) -> String {
    let Some(expense) = expenses.first().filter(|expense| !expense.methods.is_empty()) else {
        return "no searches".into();
    };
    let last = |method: &Method| method.points.last().copied();
    let spent = expense.methods.iter().filter_map(last).map(|point| point[0]).fold(0.0, f64::max);
    let said = |method: &Method| match last(method) {
        Some([_, mean, ..]) => format!("{} {mean:.2}", method.label),
        None => format!("{} –", method.label),
    };
    let said: Vec<_> = expense.methods.iter().map(said).collect();
    format!("points still missed after {spent} {}: {}", expense.name, said.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expense(name: &str, lasts: &[f64]) -> Expense {
        let method = |&last: &f64| Method {
            label: format!("<{last}>"),
            points: (1..=20).map(f64::from).map(|i| [i, last + 8.0 / i, last + 6.0 / i, last + 10.0 / i]).collect(),
        };
        Expense { name: name.into(), methods: lasts.iter().map(method).collect() }
    }

    #[test]
    fn every_method_has_its_last_mean_in_every_panel() {
        let picture = searches("Search", &[expense("trials", &[0.5, 0.1]), expense("epochs", &[0.25, 0.0])]);
        assert_eq!(picture.caption, "points still missed after 20 trials: <0.5> 0.90; <0.1> 0.50");
        for text in ["0.90  &lt;0.5&gt;", "0.50  &lt;0.1&gt;", "0.65  &lt;0.25&gt;", "0.40  &lt;0&gt;", ">epochs<"] {
            assert!(picture.svg.contains(text), "{text}");
        }
        assert_eq!(picture.svg.matches("fill-opacity=\"0.2\"").count(), 4);
        assert!(picture.to_png().is_ok());
    }

    #[test]
    fn nothing_and_zeros_can_be_drawn() {
        assert_eq!(searches("None", &[]).caption, "no searches");
        let zeros = Method { label: "zero".into(), points: vec![[1.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]] };
        let picture = searches("Zero", &[Expense { name: "trials".into(), methods: vec![zeros] }]);
        assert!(picture.to_png().is_ok() && !picture.svg.contains("NaN"));
    }
}
