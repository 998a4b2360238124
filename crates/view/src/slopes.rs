//! A slope chart: the same items ranked twice, and their changes of rank.

use crate::canvas::{Anchor, BODY, Canvas, HEAD, MARGIN, Mark, Stroke, Style};
use crate::color::{CONTEXT, Color, LINES, MUTED};
use crate::label::{Sign, draw_key};
use crate::picture::Picture;
use crate::text::{elide, widest, width};

/// Height of a place.
const ROW: f64 = 24.0;
/// From the names on the left to those on the right.
const BETWEEN: f64 = 260.0;
/// Maximum width of a name; longer ones are shortened.
const NAME: f64 = 260.0;
/// A change of at least this many places is in color.
const FAR: usize = 3;

/// An item that is ranked twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slope {
    /// Name of the item.
    pub label: String,
    /// Values on the left and on the right; higher is better.
    pub values: [f64; 2],
    /// Formatted values.
    pub texts: [String; 2],
}

/// A picture of `slopes` by their ranks on both sides, named `sides`. Items that move three ranks or more are in color.
pub fn slopes(title: &str, caption: String, sides: [&str; 2], slopes: &[Slope]) -> Picture {
    let places = [0, 1].map(|side| places(slopes, side));
    let names: Vec<String> = slopes.iter().map(|slope| elide(&slope.label, BODY.size, BODY.bold, NAME)).collect();
    let text = |at: usize, side: usize| match side {
        0 => format!("{}  {}", names[at], slopes[at].texts[0]),
        _ => format!("{}  {}", slopes[at].texts[1], names[at]),
    };
    let head = Style { bold: true, ..BODY };
    let room = [0, 1].map(|side| {
        let texts: Vec<String> = (0..slopes.len()).map(|at| text(at, side)).collect();
        widest(texts.iter().map(String::as_str), BODY.size, BODY.bold).max(width(sides[side], head.size, head.bold))
    });
    let left = MARGIN + room[0].ceil() + 40.0;
    let ends = [left, left + BETWEEN];
    let top = HEAD + 30.0;
    let mut canvas = Canvas::default();
    let place = |x: f64| [x, top - 18.0];
    canvas.text(place(ends[0] - 14.0), Anchor::End, head, sides[0]);
    canvas.text(place(ends[1] + 14.0), Anchor::Start, head, sides[1]);
    for at in 0..slopes.len() {
        let [from, to] = [0, 1].map(|side| places[side][at]);
        let color = color(from, to);
        let y = [from, to].map(|rank| top + ROW * rank as f64);
        let tip = format!("{}: {} of {}, then {}", slopes[at].label, from + 1, slopes.len(), to + 1);
        canvas.with_tip(&tip, |canvas| {
            let wide = if color == CONTEXT { 1.4 } else { 2.4 };
            canvas.line(&[[ends[0], y[0]], [ends[1], y[1]]], Stroke { color, width: wide, dashed: false });
            for side in 0..2 {
                canvas.mark(Mark::Disc, [ends[side], y[side]], 4.0, color, false);
                let (x, anchor) =
                    if side == 0 { (ends[0] - 14.0, Anchor::End) } else { (ends[1] + 14.0, Anchor::Start) };
                canvas.text([x, y[side] + 0.36 * BODY.size], anchor, BODY, &text(at, side));
            }
        });
    }
    let wide = ends[1] + 14.0 + room[1].ceil() + MARGIN;
    let below = top + ROW * slopes.len() as f64 + 8.0;
    let line = |color: Color| Sign::Line(Stroke { color, width: 2.2, dashed: false });
    let key = [
        (line(LINES[0]), format!("{FAR} places up or more")),
        (line(LINES[1]), format!("{FAR} places down or more")),
        (line(CONTEXT), "about where it was".to_owned()),
    ];
    let tall = draw_key(&key, below, wide - 2.0 * MARGIN, &mut canvas);
    if slopes.is_empty() {
        canvas.text([MARGIN, top], Anchor::Start, Style { color: MUTED, ..BODY }, "nothing to rank");
    }
    canvas.finish(title, caption, [wide, below + tall + MARGIN])
}

/// Rank of each item from 0, the highest value first; ties keep their order, and values that are not finite are last.
fn places(slopes: &[Slope], side: usize) -> Vec<usize> {
    let value = |at: usize| Some(slopes[at].values[side]).filter(|value| value.is_finite()).unwrap_or(f64::MIN);
    let mut order: Vec<usize> = (0..slopes.len()).collect();
    order.sort_by(|&a, &b| value(b).total_cmp(&value(a)));
    let mut places = vec![0; slopes.len()];
    for (place, at) in order.into_iter().enumerate() {
        places[at] = place;
    }
    places
}

fn color(from: usize, to: usize) -> Color {
    match from.abs_diff(to) {
        0..FAR => CONTEXT,
        _ if to < from => LINES[0],
        _ => LINES[1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slope(label: &str, values: [f64; 2]) -> Slope {
        Slope { label: label.into(), values, texts: values.map(|value| format!("{value:.1}")) }
    }

    #[test]
    fn who_moves_far_is_in_color_and_names_are_text() {
        let all =
            [slope("<a>", [0.9, 0.1]), slope("b", [0.8, 0.9]), slope("c", [0.7, 0.8]), slope("d", [f64::NAN, 0.7])];
        let picture = slopes("Ranks", "a falls".into(), ["first & foremost", "second"], &all);
        assert!(picture.svg.contains("&lt;a&gt;: 1 of 4, then 4") && picture.svg.contains("d: 4 of 4, then 3"));
        let falls = format!("stroke=\"{}\"", LINES[1]);
        // Its own line and the one in the key.
        assert_eq!(picture.svg.matches(&falls).count(), 2, "{}", picture.svg);
        assert!(picture.to_png().is_ok() && picture.svg.contains("first &amp; foremost"));
        assert!(slopes("None", String::new(), ["a", "b"], &[]).to_png().is_ok());
    }
}
