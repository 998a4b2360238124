//! A panel: axes, grid, lines, bands and dots, laid out by `kuva` and drawn on our canvas.
//!
//! `kuva` turns data into shapes. They are taken over one by one instead of its SVG, so that fonts, escaping and
//! rounding are those of every other picture. Names of runs never pass through it: it reads `$...$` as formulas.

use std::sync::Arc;

use kuva::plot::{BandPlot, LinePlot, ScatterPlot};
use kuva::render::color::Color as Paint;
use kuva::render::layout::{ComputedLayout, Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::{PathData, Primitive, TextAnchor, render_multiple};
use kuva::render::theme::Theme;

use crate::axis::{Axis, TICK};
use crate::canvas::{Anchor, BODY, Canvas, NOTE, Stroke, Style};
use crate::color::{Color, GRID, MUTED, PAPER};

/// Room that the numbers left of a panel take.
pub(crate) const LEFT: f64 = 52.0;
/// Room that the numbers and the name below a panel take.
pub(crate) const BELOW: f64 = 44.0;
/// Room above a panel for its heading.
pub(crate) const ABOVE: f64 = 22.0;

/// A panel under construction; later shapes are drawn over earlier ones.
pub(crate) struct Panel {
    /// Left edge, top, width and height of the area inside the axes.
    area: [f64; 4],
    /// Lowest and highest value of the vertical axis.
    limits: [f64; 2],
    empty: bool,
    heading: String,
    name: String,
    layout: Layout,
    plots: Vec<Plot>,
}

/// Coordinates of a drawn panel.
pub(crate) struct Place {
    layout: ComputedLayout,
    shift: [f64; 2],
    /// Lowest and highest value of the vertical axis.
    pub limits: [f64; 2],
}

impl Place {
    /// Position of a value in the picture.
    pub(crate) fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.layout.map_x(x) + self.shift[0], self.layout.map_y(y) + self.shift[1]]
    }
}

impl Panel {
    /// An empty panel whose axes enclose `area` (left, top, width, height).
    pub(crate) fn new(heading: &str, area: [f64; 4], x: &Axis, y: &Axis) -> Self {
        let color = |color: Color| color.to_string();
        let theme = Theme {
            background: color(PAPER),
            axis_color: color(MUTED),
            grid_color: color(GRID),
            tick_color: color(MUTED),
            text_color: color(MUTED),
            ..Theme::light()
        };
        let custom = |axis: &Axis| TickFormat::Custom(Arc::clone(&axis.format) as Arc<_>);
        let layout = Layout::new((x.low, x.high), (y.low, y.high))
            .with_width(area[2] + 2.0 * LEFT)
            .with_height(area[3] + 2.0 * BELOW)
            .with_force_margins(LEFT, LEFT)
            .with_force_margins_y(BELOW, BELOW)
            .with_x_axis_min(x.low)
            .with_x_axis_max(x.high)
            .with_y_axis_min(y.low)
            .with_y_axis_max(y.high)
            .with_x_tick_step(x.step)
            .with_y_tick_step(y.step)
            .with_x_tick_format(custom(x))
            .with_y_tick_format(custom(y))
            .with_tick_size(TICK as u32)
            .with_axis_line_width(1.0)
            .with_tick_width(1.0)
            .with_tick_length(4.0)
            .with_grid_line_width(1.0)
            .with_theme(theme);
        let limits = [y.low, y.high];
        Self {
            area,
            limits,
            empty: y.empty,
            heading: heading.to_owned(),
            name: x.name.clone(),
            layout,
            plots: Vec::new(),
        }
    }

    /// The lines through `pieces` as far as they are between the limits; a single point becomes a dot.
    pub(crate) fn lines(&mut self, pieces: &[Vec<[f64; 2]>], stroke: Stroke) {
        let limits = self.limits;
        for piece in pieces.iter().flat_map(|piece| clip(piece, limits)) {
            if let [only] = piece[..] {
                self.dots(&[only], stroke.width + 1.2, stroke.color, 1.0);
            } else {
                let line = plain(&piece, stroke);
                self.plots.push(if stroke.dashed { line.with_dashed() } else { line }.into());
            }
        }
    }

    /// A line that keeps its value until the next point.
    pub(crate) fn steps(&mut self, points: &[[f64; 2]], stroke: Stroke) {
        if points.is_empty() {
            return;
        }
        let line = plain(points, stroke).with_step();
        self.plots.push(line.into());
    }

    /// The area between two lines over the same `x`.
    pub(crate) fn band(&mut self, [x, low, high]: [&[f64]; 3], color: Color, opacity: f64) {
        let band = BandPlot::new(x.iter().copied(), low.iter().copied(), high.iter().copied());
        self.plots.push(band.with_color(color.to_string()).with_opacity(opacity).into());
    }

    /// Discs of one radius and color.
    pub(crate) fn dots(&mut self, points: &[[f64; 2]], r: f64, color: Color, opacity: f64) {
        if points.is_empty() {
            return;
        }
        let dots = ScatterPlot::new().with_data(points.iter().map(|&[x, y]| (x, y)));
        self.plots.push(dots.with_color(color.to_string()).with_size(r).with_marker_opacity(opacity).into());
    }

    /// Draws the panel and returns its coordinates.
    pub(crate) fn draw(mut self, canvas: &mut Canvas) -> Place {
        let [left, top, w, h] = self.area;
        // `kuva` draws with its own margins around the axes.
        let shift = [left - LEFT, top - BELOW];
        let layout = ComputedLayout::from_layout(&self.layout);
        let heading = Style { bold: true, ..BODY };
        canvas.text([left, top - 10.0], Anchor::Start, heading, &self.heading);
        canvas.text([left + w / 2.0, top + h + BELOW - 10.0], Anchor::Middle, NOTE, &self.name);
        // Without anything to draw there would be no axes either.
        self.plots.push(LinePlot::new().into());
        let scene = render_multiple(self.plots, self.layout);
        for shape in &scene.elements {
            take_over(shape, shift, canvas);
        }
        if self.empty {
            canvas.text([left + w / 2.0, top + h / 2.0], Anchor::Middle, NOTE, "no values");
        }
        Place { layout, shift, limits: self.limits }
    }
}

fn plain(points: &[[f64; 2]], stroke: Stroke) -> LinePlot {
    let line = LinePlot::new().with_data(points.iter().map(|&[x, y]| (x, y)));
    line.with_color(stroke.color.to_string()).with_stroke_width(stroke.width)
}

/// Pieces of a line between two heights.
///
/// Lines are clipped here, because some viewers fail on coordinates far outside of a picture.
pub(crate) fn clip(points: &[[f64; 2]], [low, high]: [f64; 2]) -> Vec<Vec<[f64; 2]>> {
    let mut pieces: Vec<Vec<[f64; 2]>> = Vec::new();
    if let [only] = points {
        return if (low..=high).contains(&only[1]) { vec![vec![*only]] } else { pieces };
    }
    for pair in points.windows(2) {
        // The end of the segment that is `a`'s, moved to where the segment crosses a limit.
        let end = |a: [f64; 2], b: [f64; 2]| {
            let limit = a[1].clamp(low, high);
            let beyond = (a[1] < low && b[1] < low) || (a[1] > high && b[1] > high);
            let share = if limit == a[1] { 0.0 } else { (limit - a[1]) / (b[1] - a[1]) };
            (!beyond).then_some([a[0] + share * (b[0] - a[0]), limit])
        };
        let (Some(from), Some(to)) = (end(pair[0], pair[1]), end(pair[1], pair[0])) else { continue };
        match pieces.last_mut().filter(|piece| piece.last() == Some(&from)) {
            Some(piece) => piece.push(to),
            None => pieces.push(vec![from, to]),
        }
    }
    pieces
}

/// Draws one of `kuva`'s shapes on our canvas.
fn take_over(shape: &Primitive, [dx, dy]: [f64; 2], canvas: &mut Canvas) {
    match shape {
        // Nothing reaches beyond the axes.
        Primitive::ClipStart { .. } | Primitive::ClipEnd => (),
        Primitive::Line { x1, y1, x2, y2, stroke, stroke_width, .. } => {
            let stroke = Stroke { color: color(stroke), width: *stroke_width, dashed: false };
            canvas.line(&[[x1 + dx, y1 + dy], [x2 + dx, y2 + dy]], stroke);
        }
        Primitive::PolyLine { points, stroke, stroke_width, stroke_dasharray } => {
            let points: Vec<_> = points.iter().map(|(x, y)| [x + dx, y + dy]).collect();
            let stroke = Stroke { color: color(stroke), width: *stroke_width, dashed: stroke_dasharray.is_some() };
            canvas.line(&points, stroke);
        }
        Primitive::CircleBatch { cx, cy, r, fill, fill_opacity, .. } => {
            let centers = cx.iter().zip(cy).map(|(x, y)| [x + dx, y + dy]);
            canvas.discs(centers, *r, color(fill), fill_opacity.unwrap_or(1.0));
        }
        Primitive::Text { x, y, content, anchor, .. } => {
            let anchor = match anchor {
                TextAnchor::Start => Anchor::Start,
                TextAnchor::Middle => Anchor::Middle,
                TextAnchor::End => Anchor::End,
            };
            let style = Style { size: TICK, bold: false, color: MUTED };
            canvas.text([x + dx, y + dy], anchor, style, content);
        }
        Primitive::Path(path) => {
            let PathData { d, fill, opacity, .. } = &**path;
            let fill = fill.as_ref().map_or(MUTED, color);
            canvas.moved([dx, dy], |canvas| canvas.area(d, fill, opacity.unwrap_or(1.0)));
        }
        other => unreachable!("lines, bands and dots consist of no {other:?}"),
    }
}

/// Colors are ours, which are written as hexadecimal numbers.
fn color(paint: &Paint) -> Color {
    match paint {
        Paint::Rgb(r, g, b) => Color([*r, *g, *b]),
        other => unreachable!("no color of ours: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_where_it_leaves_and_begins_where_it_returns() {
        let line = [[1.0, 0.5], [2.0, 1.0], [3.0, 1e12], [4.0, 0.0], [5.0, -1.0], [6.0, -2.0]];
        let found = clip(&line, [0.0, 2.0]);
        assert_eq!(found.len(), 2);
        assert!(found[0].len() == 3 && found[0][2][1] == 2.0 && (found[0][2][0] - 2.0).abs() < 1e-9);
        assert!(found[1][0][1] == 2.0 && found[1][1] == [4.0, 0.0]);
        assert_eq!(clip(&[[1.0, 0.0], [2.0, 4.0]], [1.0, 3.0]), [[[1.25, 1.0], [1.75, 3.0]]]);
        assert!(clip(&[[1.0, 5.0], [2.0, 6.0]], [1.0, 3.0]).is_empty() && clip(&[[1.0, 5.0]], [1.0, 3.0]).is_empty());
        assert_eq!(clip(&[[1.0, 2.0]], [1.0, 3.0]), [[[1.0, 2.0]]]);
    }

    #[test]
    fn values_are_where_the_axes_say() {
        let axis = |high| Axis { low: 0.0, high, ..Axis::numbers([0.0, high].into_iter(), [0.0, high], 1.0, "") };
        let mut panel = Panel::new("", [100.0, 50.0, 200.0, 80.0], &axis(10.0), &axis(1.0));
        panel.dots(&[[5.0, 0.25]], 3.0, PAPER, 0.5);
        let mut canvas = Canvas::default();
        let place = panel.draw(&mut canvas);
        assert_eq!([place.at([0.0, 0.0]), place.at([10.0, 1.0])], [[100.0, 130.0], [300.0, 50.0]]);
        let svg = canvas.finish("", String::new(), [400.0, 200.0]).svg;
        assert!(svg.contains(r#"<circle cx="200" cy="110" r="3"/>"#), "{svg}");
    }
}
