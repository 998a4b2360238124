//! Labels at the ends of lines, beside the panels, and the legend below them.

use crate::canvas::{Anchor, BODY, Canvas, MARGIN, Mark, NOTE, Stroke};
use crate::color::{Color, MUTED};
use crate::text::width;

/// Height of a line of text.
pub(crate) const LINE: f64 = 15.0;
/// From the end of the axes to the text of a label.
pub(crate) const LEAD: f64 = 44.0;

/// A text at the end of a line.
pub(crate) struct Label {
    /// Height of the line's end.
    pub y: f64,
    pub mark: Mark,
    pub color: Color,
    pub text: String,
    /// Tooltip.
    pub tip: String,
}

/// Writes labels right of `x`, none over another, between the heights `low` and `high`.
pub(crate) fn draw_labels(labels: &[Label], x: f64, [low, high]: [f64; 2], canvas: &mut Canvas) {
    let wanted: Vec<_> = labels.iter().map(|label| label.y).collect();
    for (label, y) in labels.iter().zip(spread(&wanted, LINE, [low, high])) {
        canvas.with_tip(&label.tip, |canvas| {
            let lead = [[x + 1.0, label.y], [x + 6.0, label.y], [x + 26.0, y], [x + 30.0, y]];
            canvas.line(&lead, Stroke { color: label.color, width: 0.8, dashed: false });
            canvas.mark(label.mark, [x + 34.0, y], 3.6, label.color, false);
            canvas.text([x + LEAD, y + 0.36 * BODY.size], Anchor::Start, BODY, &label.text);
        });
    }
}

/// Heights as close to `wanted` as they can be while they are `apart` from each other and between `low` and `high`.
///
/// Without enough room they are less apart. Of equal heights the earlier stays above.
///
/// Isotonic least squares by pooling adjacent violators: Ayer et al. (1955), *An Empirical Distribution Function for
/// Sampling with Incomplete Information*.
pub(crate) fn spread(wanted: &[f64], apart: f64, [low, high]: [f64; 2]) -> Vec<f64> {
    let last = wanted.len().saturating_sub(1) as f64;
    let apart = if last > 0.0 { apart.min((high - low) / last) } else { apart };
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    // Neighbors that would be too close form a block: the sum of where their first one should be, and their number.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (rank, &i) in order.iter().enumerate() {
        let mut block = (wanted[i] - rank as f64 * apart, 1);
        while let Some(&(sum, count)) = blocks.last() {
            if sum / count as f64 <= block.0 / block.1 as f64 {
                break;
            }
            block = (block.0 + sum, block.1 + count);
            blocks.pop();
        }
        blocks.push(block);
    }
    let top = high - last * apart;
    let firsts = blocks
        .iter()
        .flat_map(|&(sum, count)| std::iter::repeat_n((sum / count as f64).clamp(low, top.max(low)), count));
    let mut out = vec![0.0; wanted.len()];
    for (rank, (first, i)) in firsts.zip(order).enumerate() {
        out[i] = first + rank as f64 * apart;
    }
    out
}

/// Symbol of a legend entry.
#[derive(Clone, Copy)]
pub(crate) enum Sign {
    Line(Stroke),
    Mark(Mark, Color, bool),
    /// A band with its line.
    Band(Color),
    /// A short upright line.
    Tick(Color),
}

/// Draws signs with their meaning in rows no wider than `room`, and returns the height they take.
pub(crate) fn draw_key(signs: &[(Sign, String)], y: f64, room: f64, canvas: &mut Canvas) -> f64 {
    let [mut x, mut row] = [MARGIN, 0.0];
    for (sign, meaning) in signs {
        let (lead, gap) = match sign {
            Sign::Line(_) | Sign::Band(_) => (24.0, 6.0),
            _ => (8.0, 6.0),
        };
        let long = lead + gap + width(meaning, NOTE.size, NOTE.bold);
        if x > MARGIN && x + long > MARGIN + room {
            [x, row] = [MARGIN, row + 1.0];
        }
        let middle = y + 6.0 + row * 18.0;
        let ends = [[x, middle], [x + lead, middle]];
        match *sign {
            Sign::Line(stroke) => canvas.line(&ends, stroke),
            Sign::Mark(mark, color, hollow) => canvas.mark(mark, [x + 4.0, middle], 3.8, color, hollow),
            Sign::Band(color) => {
                canvas.rect([x, middle - 5.0, lead, 10.0], crate::color::PAPER.mix(color, 0.25));
                canvas.line(&ends, Stroke { color, width: 2.2, dashed: false });
            }
            Sign::Tick(color) => {
                canvas.line(
                    &[[x + 4.0, middle - 5.0], [x + 4.0, middle + 5.0]],
                    Stroke { color, width: 1.6, dashed: false },
                );
            }
        }
        canvas.text([x + lead + gap, middle + 0.36 * NOTE.size], Anchor::Start, NOTE, meaning);
        x += long + 22.0;
    }
    if signs.is_empty() { 0.0 } else { (row + 1.0) * 18.0 }
}

/// Legend entry for solid or dashed lines, in gray because color encodes something else.
pub(crate) fn line_sign(dashed: bool, meaning: &str) -> (Sign, String) {
    let width = if dashed { 1.3 } else { 2.2 };
    (Sign::Line(Stroke { color: MUTED, width, dashed }), meaning.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_distance_and_their_order() {
        assert_eq!(spread(&[50.0], 15.0, [0.0, 100.0]), [50.0]);
        assert_eq!(spread(&[50.0, 50.0], 10.0, [0.0, 100.0]), [45.0, 55.0]);
        assert_eq!(spread(&[98.0, 99.0], 10.0, [0.0, 100.0]), [90.0, 100.0]);
        assert_eq!(spread(&[0.0; 6], 100.0, [0.0, 100.0]), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        let wanted: Vec<f64> = (0..20).map(|i| f64::from(i * i * 37 % 101)).collect();
        let found = spread(&wanted, 12.0, [0.0, 300.0]);
        for i in 0..20 {
            assert!((0.0..=300.0).contains(&found[i]));
            for j in (0..20).filter(|&j| j != i) {
                assert!((found[i] - found[j]).abs() >= 12.0 - 1e-9);
                assert!(wanted[i] >= wanted[j] || found[i] < found[j], "{i} and {j} changed places");
            }
        }
    }
}
