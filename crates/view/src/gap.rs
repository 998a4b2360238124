//! Validation against training accuracy: a mark a run, and the diagonal on which both are equal.

use crate::axis::Axis;
use crate::canvas::{Canvas, HEAD, MARGIN, Mark, Stroke};
use crate::color::{Color, LINES, MUTED, VERMILION};
use crate::label::{Sign, draw_key};
use crate::panel::{ABOVE, BELOW, LEFT, Panel};
use crate::picture::Picture;
use crate::text::{amount, share};

/// Width and height of the panel.
const SIDE: f64 = 460.0;
/// Diagonal of equal accuracies.
const EQUAL: Stroke = Stroke { color: MUTED, width: 1.3, dashed: true };

/// Fit of a run: sound, overfitted or underfitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Neither of the others.
    Sound,
    /// Overfitted: it memorized its training images.
    Over,
    /// Underfitted: it learned next to nothing.
    Little,
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    /// Name of the run.
    pub label: String,
    /// Its accuracy on training and on validation images, shares in [0, 1].
    pub at: [f64; 2],
    pub fit: Fit,
}

/// A picture of `points`.
pub(crate) fn gap(title: &str, caption: String, points: &[Point]) -> Picture {
    // One range for both axes: the diagonal goes from corner to corner.
    let y = Axis::shares(points.iter().flat_map(|point| point.at));
    let x = Axis { name: "training accuracy".into(), ..y.clone() };
    let area = [MARGIN + LEFT, HEAD + ABOVE, SIDE, SIDE];
    let mut panel = Panel::new("validation accuracy", area, &x, &y);
    panel.lines(&[vec![[y.low, y.low], [y.high, y.high]]], EQUAL);
    let mut canvas = Canvas::default();
    let place = panel.draw(&mut canvas);
    // Overfitted runs are drawn last, on top.
    for fit in [Fit::Little, Fit::Sound, Fit::Over] {
        let (mark, color, hollow) = look(fit);
        for point in points.iter().filter(|point| point.fit == fit) {
            let [train, val] = point.at.map(share);
            let tip = format!("{}: {train} on training images, {val} on validation images", point.label);
            canvas.with_tip(&tip, |canvas| canvas.mark(mark, place.at(point.at), 4.2, color, hollow));
        }
    }
    let below = area[1] + SIDE + BELOW + 14.0;
    let wide = area[0] + SIDE + 2.0 * MARGIN;
    let tall = draw_key(&key(points), below, wide - 2.0 * MARGIN, &mut canvas);
    canvas.finish(title, caption, [wide, below + tall + MARGIN])
}

/// Mark and color of a run, and true if the mark is hollow.
fn look(fit: Fit) -> (Mark, Color, bool) {
    match fit {
        Fit::Sound => (Mark::Disc, LINES[0], false),
        Fit::Over => (Mark::Triangle, VERMILION, false),
        Fit::Little => (Mark::Disc, LINES[0], true),
    }
}

fn key(points: &[Point]) -> Vec<(Sign, String)> {
    let meanings = [(Fit::Over, "overfitted"), (Fit::Sound, "not overfitted"), (Fit::Little, "learning too little")];
    let sign = |(fit, meaning): (Fit, &str)| {
        let n = points.iter().filter(|point| point.fit == fit).count();
        let (mark, color, hollow) = look(fit);
        (n > 0).then(|| (Sign::Mark(mark, color, hollow), format!("{} {meaning}", amount(n, "run"))))
    };
    let mut key: Vec<_> = meanings.into_iter().filter_map(sign).collect();
    key.push((Sign::Line(EQUAL), "no gap".to_owned()));
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_its_mark_and_the_diagonal_its_name() {
        let point = |label: &str, at, fit| Point { label: label.into(), at, fit };
        let points = [
            point("<a>", [0.99, 0.85], Fit::Over),
            point("b", [0.9, 0.89], Fit::Sound),
            point("c", [0.88, 0.9], Fit::Sound),
            point("d", [0.1, 0.1], Fit::Little),
        ];
        let picture = gap("Gap", "one overfits".into(), &points);
        let svg = picture.svg.replace('\u{a0}', " ");
        for text in [
            ">1 run overfitted<",
            ">2 runs not overfitted<",
            ">1 run learning too little<",
            ">no gap<",
            ">training accuracy<",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(
            svg.contains("&lt;a&gt;: 99.0% on training images, 85.0% on validation images") && picture.to_png().is_ok()
        );
        // One mark each, and one in the key for each kind.
        assert_eq!((svg.matches("<circle").count(), svg.matches(&format!("fill=\"{VERMILION}\"")).count()), (5, 2));
        assert!(gap("None", String::new(), &[]).to_png().is_ok());
    }
}
