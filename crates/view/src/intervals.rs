//! Values with their confidence intervals, a row each: importance of parameters, correlations, comparisons.

use crate::axis::Axis;
use crate::canvas::{Anchor, BODY, Canvas, HEAD, MARGIN, Mark, NOTE, Stroke};
use crate::color::{CONTEXT, GRID, LINES};
use crate::label::{Sign, draw_key};
use crate::picture::Picture;
use crate::text::{elide, widest};

/// Height of a row, and width of the values.
const ROW: f64 = 22.0;
const WIDE: f64 = 420.0;
/// Maximum width of a row's name; longer ones are shortened.
const NAME: f64 = 260.0;

/// A row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// Name of the row.
    pub label: String,
    /// The value, and the ends of its interval; numbers that are not finite are not drawn.
    pub value: [f64; 3],
}

/// A picture of `rows`, from the top. `what` names the values; an interval that excludes 0 is in color.
pub fn intervals(title: &str, caption: String, what: &str, rows: &[Interval]) -> Picture {
    let finite = |row: &&Interval| row.value.iter().all(|value| value.is_finite());
    let values = rows.iter().filter(finite).flat_map(|row| row.value).chain([0.0]);
    let axis = Axis::numbers(values, [f64::MIN, f64::MAX], 1.0, "");
    let names: Vec<String> = rows.iter().map(|row| elide(&row.label, BODY.size, BODY.bold, NAME)).collect();
    let left = MARGIN + widest(names.iter().map(String::as_str), BODY.size, BODY.bold).ceil() + 14.0;
    let top = HEAD + 10.0;
    let bottom = top + ROW * rows.len() as f64;
    let x = |value: f64| left + WIDE * (value - axis.low) / (axis.high - axis.low);
    let mut canvas = Canvas::default();
    let mut tick = (axis.low / axis.step).ceil() * axis.step;
    while tick <= axis.high {
        let zero = tick.abs() < 1e-9 * axis.step.max(1.0);
        let color = if zero { CONTEXT } else { GRID };
        canvas.line(&[[x(tick), top - 4.0], [x(tick), bottom]], Stroke { color, width: 1.0, dashed: false });
        canvas.text([x(tick), bottom + 16.0], Anchor::Middle, NOTE, &(axis.format)(if zero { 0.0 } else { tick }));
        tick += axis.step;
    }
    canvas.text([left + WIDE / 2.0, bottom + 34.0], Anchor::Middle, NOTE, what);
    for (at, (row, name)) in rows.iter().zip(&names).enumerate() {
        let y = top + ROW * (at as f64 + 0.5);
        canvas.text([left - 14.0, y + 0.36 * BODY.size], Anchor::End, BODY, name);
        if !finite(&row) {
            continue;
        }
        let [value, low, high] = row.value;
        let is_clear = low > 0.0 || high < 0.0;
        let color = if is_clear { LINES[0] } else { CONTEXT };
        canvas.with_tip(&format!("{}: {value:.3} ({low:.3} to {high:.3})", row.label), |canvas| {
            canvas.line(&[[x(low), y], [x(high), y]], Stroke { color, width: 2.2, dashed: false });
            canvas.mark(Mark::Disc, [x(value), y], 4.2, color, !is_clear);
        });
    }
    let wide = left + WIDE + 2.0 * MARGIN;
    let key = [
        (Sign::Mark(Mark::Disc, LINES[0], false), "95 % interval without 0".to_owned()),
        (Sign::Mark(Mark::Disc, CONTEXT, true), "may be 0".to_owned()),
    ];
    let tall = draw_key(&key, bottom + 46.0, wide - 2.0 * MARGIN, &mut canvas);
    canvas.finish(title, caption, [wide, bottom + 46.0 + tall + MARGIN])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_excludes_zero_is_in_color_and_what_is_unknown_has_no_dot() {
        let row = |label: &str, value| Interval { label: label.into(), value };
        let rows = [row("<depth>", [0.4, 0.2, 0.6]), row("rate", [0.1, -0.1, 0.3]), row("new", [f64::NAN, 0.0, 0.0])];
        let picture = intervals("What matters", "depth does".into(), "importance", &rows);
        assert!(picture.svg.contains("&lt;depth&gt;: 0.400 (0.200 to 0.600)") && picture.svg.contains(">new<"));
        // Two rows have a dot, and the key has two.
        assert_eq!(picture.svg.matches("<circle").count(), 4);
        assert!(picture.to_png().is_ok() && intervals("None", String::new(), "", &[]).to_png().is_ok());
    }
}
