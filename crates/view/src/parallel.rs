//! Parallel coordinates: a line for each run through its settings to its result.

use crate::canvas::{Anchor, BODY, Canvas, HEAD, MARGIN, NOTE, Stroke, Style};
use crate::color::{Color, GRID, LINES, PAPER, VERMILION};
use crate::label::{Sign, draw_key};
use crate::picture::Picture;
use crate::text::{elide, widest};

/// Height of an axis, and least width between two.
const HEIGHT: f64 = 300.0;
const APART: f64 = 118.0;
/// Maximum width of an axis name or tick label.
const NAME: f64 = 108.0;
/// Position of runs without a value: below the axis by this share of its length.
const NONE: f64 = -0.08;
/// Color of the worst run above the threshold.
const PALE: Color = Color([190, 205, 218]);

/// An axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dimension {
    /// Name of the setting or result.
    pub name: String,
    /// Tick positions, from 0 at the bottom to 1 at the top, with their labels.
    pub ticks: Vec<(f64, String)>,
    /// Position of each run on the axis, from 0 to 1; none without a value.
    pub places: Vec<Option<f64>>,
}

/// A picture of runs as lines through `dimensions`. `goodness` is the quality of each run in `[0, 1]`; better runs are
/// darker and drawn later. Runs `under` the threshold, whose name is `bar`, are vermilion.
pub fn parallel(
    title: &str,
    caption: String,
    dimensions: &[Dimension],
    goodness: &[Option<f64>],
    (under, bar): (&[bool], &str),
) -> Picture {
    let runs = goodness.len();
    let at = |axis: usize| MARGIN + 40.0 + APART * axis as f64;
    let top = HEAD + 34.0;
    let height = |place: f64| top + HEIGHT * (1.0 - place);
    let mut canvas = Canvas::default();
    let mut order: Vec<usize> = (0..runs).collect();
    let good = |run: usize| goodness[run].unwrap_or(-1.0);
    order.sort_by(|&a, &b| good(a).total_cmp(&good(b)));
    for run in order {
        let points: Vec<[f64; 2]> = dimensions
            .iter()
            .enumerate()
            .map(|(axis, dimension)| {
                let place = dimension.places.get(run).copied().flatten();
                // Equal values are spread a little, so that their number shows; by the number of the run, so that
                // pictures are reproducible.
                let shift = 0.03 * (f64::from((run * 7919 % 31) as u32) / 15.0 - 1.0);
                let shift = if axis + 1 == dimensions.len() { 0.0 } else { shift };
                [at(axis), height(place.map_or(NONE, |place| place.clamp(0.0, 1.0) + shift))]
            })
            .collect();
        let is_under = under.get(run).copied().unwrap_or(false);
        let color = match goodness[run] {
            _ if is_under => PAPER.mix(VERMILION, 0.55),
            Some(good) => PALE.mix(LINES[0], good.clamp(0.0, 1.0).powi(2)),
            None => GRID,
        };
        let width = if is_under { 1.0 } else { 0.9 + good(run).clamp(0.0, 1.0).powi(4) };
        canvas.line(&points, Stroke { color, width, dashed: false });
    }
    let head = Style { bold: true, ..BODY };
    for (axis, dimension) in dimensions.iter().enumerate() {
        let x = at(axis);
        let ends = [[x, height(0.0) + 4.0], [x, height(1.0) - 4.0]];
        canvas.line(&ends, Stroke { color: BODY.color, width: 1.2, dashed: false });
        canvas.text([x, top - 18.0], Anchor::Middle, head, &elide(&dimension.name, head.size, head.bold, NAME));
        for (place, text) in &dimension.ticks {
            let text = elide(text, NOTE.size, NOTE.bold, NAME);
            let wide = widest([text.as_str()], NOTE.size, NOTE.bold);
            let y = height(*place);
            canvas.rect([x + 4.0, y - 7.0, wide + 5.0, 14.0], PAPER);
            canvas.text([x + 6.0, y + 0.36 * NOTE.size], Anchor::Start, Style { color: BODY.color, ..NOTE }, &text);
        }
        if dimension.places.iter().any(Option::is_none) {
            canvas.text([x, height(NONE) + 14.0], Anchor::Middle, NOTE, "none");
        }
    }
    let wide = at(dimensions.len().max(2) - 1) + 90.0;
    let below = height(NONE) + 30.0;
    let line = |color: Color| Sign::Line(Stroke { color, width: 2.2, dashed: false });
    let mut key = vec![(line(LINES[0]), "the best".to_owned()), (line(PALE), "the others".to_owned())];
    if under.contains(&true) {
        key.push((line(PAPER.mix(VERMILION, 0.55)), bar.to_owned()));
    }
    let tall = draw_key(&key, below, wide - 2.0 * MARGIN, &mut canvas);
    canvas.finish(title, caption, [wide, below + tall + MARGIN])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_is_a_line_and_the_missing_has_a_place() {
        let of = |name: &str, places: &[Option<f64>]| Dimension {
            name: name.into(),
            ticks: vec![(0.0, "<low>".into()), (1.0, "high".into())],
            places: places.to_vec(),
        };
        let dimensions = [of("a & b", &[Some(0.0), Some(1.0), None]), of("accuracy", &[Some(0.9), Some(0.2), None])];
        let goodness = [Some(1.0), Some(0.1), None];
        let picture = parallel("Runs", "three".into(), &dimensions, &goodness, (&[false, true, true], "under 65 %"));
        // Three runs, two axes, and three lines in the key.
        assert_eq!(picture.svg.matches("<path d=\"M").count(), 8);
        assert!(
            picture.svg.contains("a &amp; b") && picture.svg.contains("&lt;low&gt;") && picture.svg.contains(">none<")
        );
        assert!(picture.to_png().is_ok());
        assert!(parallel("None", String::new(), &[], &[], (&[], "")).to_png().is_ok());
    }
}
