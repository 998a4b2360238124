//! The confusion matrix: correct predictions in blue, mistakes on an orange scale of their own.
//!
//! On one scale the diagonal would take all of it, and the mistakes, which matter most, would be white.

use crate::canvas::{Anchor, BODY, Canvas, HEAD, MARGIN, NOTE, Style};
use crate::color::{Color, EMPTY, INK, PAPER};
use crate::format;
use crate::matrix::{Matrix, right, wrong};
use crate::picture::Picture;
use crate::text::{elide, percent, widest, width};
use crate::words::grouped;

/// Maximum number of classes whose cells show numbers.
const NUMBERED: usize = 20;
/// Maximum width of a class name; longer ones are shortened.
const NAME: f64 = 160.0;
/// Headings of the row sums and of the precision below the columns.
const IMAGES: &str = "images";
const PRECISION: &str = "precision";
/// Space between the cells and the sums.
const SPACE: f64 = 16.0;
/// Height of the legend.
const LEGEND: f64 = 44.0;
/// Width of one of the legend's two scales.
const SCALE: f64 = 220.0;

/// A picture of a confusion matrix: rows are true classes, columns predicted ones, cells colored by their share of the
/// row.
///
/// `counts[t][p]` is the number of images of class `t` that were predicted as `p`. With up to 20 classes, cells show
/// their counts and the diagonal its recall; row sums are beside the rows, and precisions below the columns. In an SVG
/// each cell has a tooltip.
pub fn confusion(title: &str, classes: &[String], counts: &[Vec<u64>]) -> Picture {
    let n = classes.len();
    assert!(counts.len() == n && counts.iter().all(|row| row.len() == n), "{n} classes, but other counts");
    let matrix = Matrix::new(classes, counts);
    let plan = Plan::new(&matrix);
    let mut canvas = Canvas::default();
    plan.names(&matrix, &mut canvas);
    plan.cells(&matrix, &mut canvas);
    if plan.numbers {
        plan.sums(&matrix, &mut canvas);
    }
    plan.legend(&matrix, &mut canvas);
    canvas.finish(title, matrix.caption(), plan.size)
}

/// Layout of the picture.
struct Plan {
    /// True if cells show their counts.
    numbers: bool,
    /// Side of a cell.
    cell: f64,
    /// Top left corner of the cells.
    corner: [f64; 2],
    /// Class names, shortened, at rows and columns.
    labels: Vec<String>,
    /// Text style of the names.
    name: Style,
    /// Clockwise turn of the columns' names (degrees).
    angle: f64,
    /// Width of the column of sums.
    sums: f64,
    /// Width and height of the picture.
    size: [f64; 2],
}

impl Plan {
    fn new(matrix: &Matrix<'_>) -> Self {
        let n = matrix.classes.len();
        let numbers = n <= NUMBERED;
        let least = match n {
            0..=4 => 96.0,
            5..=10 => 68.0,
            11..=NUMBERED => 48.0,
            _ => (900.0 / n as f64).floor().clamp(11.0, 32.0),
        };
        let name = Style { size: 12.0_f64.min(least - 1.0), ..BODY };
        let labels: Vec<_> = matrix.classes.iter().map(|class| elide(class, name.size, name.bold, NAME)).collect();
        let longest = widest(labels.iter().map(String::as_str), name.size, name.bold).ceil();
        let mut cell = least;
        if numbers {
            let count = matrix.rows.iter().chain(&matrix.columns).max().copied().unwrap_or(0);
            cell = cell.max(width(&grouped(count), BODY.size, true).ceil() + 10.0);
        }
        // A little wider cells spare the reader turned names.
        if n <= 10 && longest + 8.0 <= 88.0 {
            cell = cell.max(longest + 8.0);
        }
        let angle = if longest + 4.0 <= cell {
            0.0
        } else if numbers {
            -45.0
        } else {
            -90.0
        };
        let (sin, cos) = f64::to_radians(-angle).sin_cos();
        let names = (longest * sin + name.size * cos).ceil() + 8.0;
        let mut left = longest;
        let mut sums = 0.0;
        if numbers {
            left = left.max(width(PRECISION, NOTE.size, NOTE.bold));
            let counts: Vec<_> = matrix.rows.iter().map(|&images| grouped(images)).collect();
            let texts = counts.iter().map(String::as_str).chain([IMAGES]);
            sums = widest(texts, NOTE.size, NOTE.bold).ceil();
        }
        let corner = [(MARGIN + 22.0 + left + 10.0).ceil(), HEAD + 18.0 + names];
        let right = if numbers { SPACE + sums } else { 0.0 };
        let bottom = if numbers { 30.0 } else { 8.0 };
        let side = n as f64 * cell;
        Self {
            numbers,
            cell,
            corner,
            labels,
            name,
            angle,
            sums,
            size: [
                (corner[0] + side + right.max(longest * cos)).max(MARGIN + 2.0 * SCALE + 40.0) + MARGIN,
                corner[1] + side + bottom + 20.0 + LEGEND + MARGIN,
            ],
        }
    }

    /// Middle of row or column `i`, along `axis`.
    fn middle(&self, axis: usize, i: usize) -> f64 {
        self.corner[axis] + (i as f64 + 0.5) * self.cell
    }

    /// Length of the matrix's sides.
    fn side(&self) -> f64 {
        self.labels.len() as f64 * self.cell
    }

    fn names(&self, matrix: &Matrix<'_>, canvas: &mut Canvas) {
        let [left, top] = self.corner;
        canvas.text([left + self.side() / 2.0, HEAD + 8.0], Anchor::Middle, NOTE, "predicted class");
        canvas.turned([MARGIN + 10.0, top + self.side() / 2.0], -90.0, Anchor::Middle, NOTE, "true class");
        for (i, (label, class)) in self.labels.iter().zip(matrix.classes).enumerate() {
            canvas.with_tip(class, |canvas| {
                let baseline = self.middle(1, i) + drop(self.name);
                canvas.text([left - 10.0, baseline], Anchor::End, self.name, label);
                let x = self.middle(0, i) + if self.angle == -90.0 { drop(self.name) } else { 0.0 };
                let anchor = if self.angle == 0.0 { Anchor::Middle } else { Anchor::Start };
                canvas.turned([x, top - 8.0], self.angle, anchor, self.name, label);
            });
        }
    }

    fn cells(&self, matrix: &Matrix<'_>, canvas: &mut Canvas) {
        let [left, top] = self.corner;
        // One rectangle for all empty cells: most cells of a matrix of many classes are empty.
        let side = self.side();
        canvas.rect([left, top, side, side], EMPTY);
        for (t, row) in matrix.counts.iter().enumerate() {
            for (p, &count) in row.iter().enumerate().filter(|&(_, &count)| count > 0) {
                let color = matrix.color(t, p);
                canvas.with_tip(&matrix.sentence(t, p), |canvas| {
                    let at = [left + p as f64 * self.cell, top + t as f64 * self.cell];
                    canvas.rect([at[0], at[1], self.cell, self.cell], color);
                    if self.numbers {
                        let style = Style { bold: t == p, ..BODY };
                        let [x, mut y] = [self.middle(0, p), self.middle(1, t) + drop(style)];
                        if t == p {
                            let recall = Style { size: 11.0, bold: false, ..style };
                            canvas.text([x, y + 8.0], Anchor::Middle, recall, &percent(count, matrix.rows[t], 0));
                            y -= 7.0;
                        }
                        canvas.text([x, y], Anchor::Middle, style, &grouped(count));
                    }
                });
            }
        }
        let line = if self.numbers { 1.0 } else { 0.5 };
        for i in 1..self.labels.len() {
            let along = i as f64 * self.cell - line / 2.0;
            canvas.rect([left + along, top, line, side], PAPER);
            canvas.rect([left, top + along, side, line], PAPER);
        }
    }

    /// Draws the number of images of each row and the precision of each column.
    fn sums(&self, matrix: &Matrix<'_>, canvas: &mut Canvas) {
        let [left, top] = self.corner;
        let x = left + self.side() + SPACE + self.sums;
        canvas.text([x, top - 8.0], Anchor::End, NOTE, IMAGES);
        for (t, &images) in matrix.rows.iter().enumerate() {
            canvas.text([x, self.middle(1, t) + drop(NOTE)], Anchor::End, NOTE, &grouped(images));
        }
        let y = top + self.side() + 20.0;
        canvas.text([left - 10.0, y], Anchor::End, NOTE, PRECISION);
        for (p, &images) in matrix.columns.iter().enumerate() {
            let precision = percent(matrix.counts[p][p], images, 0);
            canvas.text([self.middle(0, p), y], Anchor::Middle, NOTE, &precision);
        }
    }

    fn legend(&self, matrix: &Matrix<'_>, canvas: &mut Canvas) {
        let y = self.size[1] - MARGIN - LEGEND;
        let scales = [
            ("right: share of the true class (recall)", 1.0, right as fn(f64) -> Color),
            ("wrong: share of the true class", matrix.worst, wrong),
        ];
        for (i, (what, most, color)) in scales.into_iter().enumerate() {
            let x = MARGIN + i as f64 * (SCALE + 40.0);
            canvas.text([x, y + 9.0], Anchor::Start, Style { color: INK, ..NOTE }, what);
            for step in 0..SCALE as u32 {
                let along = f64::from(step);
                canvas.rect([x + along, y + 16.0, 1.0, 10.0], color((along + 0.5) / SCALE));
            }
            canvas.text([x, y + 40.0], Anchor::Start, NOTE, "0");
            canvas.text([x + SCALE, y + 40.0], Anchor::End, NOTE, &format::percent(most, 0));
        }
    }
}

/// Distance from the middle of capital letters down to the baseline.
fn drop(style: Style) -> f64 {
    0.36 * style.size
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_up(n: usize) -> (Vec<String>, Vec<Vec<u64>>) {
        let cell = |t: usize, p: usize| if t == p { 800 } else { (t * 7 + p * 3) as u64 % 40 };
        ((0..n).map(|i| format!("class {i}")).collect(), (0..n).map(|t| (0..n).map(|p| cell(t, p)).collect()).collect())
    }

    #[test]
    fn every_number_of_classes_can_be_drawn() {
        for n in [0, 1, 2, 10, 20, 21, 40, 256] {
            let (classes, counts) = made_up(n);
            let picture = confusion("Made up", &classes, &counts);
            for class in &classes {
                assert!(picture.svg.contains(&format!(">{class}</text>")));
            }
            let png = image::load_from_memory(&picture.to_png().unwrap()).unwrap();
            let scale = if n == 256 { 1.0 } else { 2.0 };
            assert_eq!([png.width(), png.height()].map(f64::from), [picture.width, picture.height].map(|s| s * scale));
        }
    }

    #[test]
    fn a_hostile_class_name_stays_text() {
        let classes = [r#"<script>&""#.to_owned(), "$x$ \\ \u{1b}".to_owned()];
        let picture = confusion("</svg>", &classes, &[vec![3, 1], vec![0, 4]]);
        assert!(!picture.svg.contains("<script") && !picture.svg.contains('\u{1b}'));
        assert_eq!(picture.svg.matches(">&lt;script&gt;&amp;&quot;</text>").count(), 2);
        assert_eq!(picture.svg.matches("</svg>").count(), 1);
        assert!(picture.to_png().is_ok());
    }
}
