//! Lines with bands: means of several runs with their intervals, against epochs, steps, seconds or sizes.

use std::sync::Arc;

use crate::axis::Axis;
use crate::canvas::{BODY, Canvas, HEAD, MARGIN, Mark, Stroke};
use crate::color::{LINES, MUTED};
use crate::label::{LEAD, LINE, Label, Sign, draw_key, draw_labels};
use crate::panel::{ABOVE, BELOW, LEFT, Panel};
use crate::picture::Picture;
use crate::text::{elide, share, widest};

/// Width and least height of a panel.
const PANEL: [f64; 2] = [300.0, 260.0];
/// Space between panels.
const GAP: f64 = 22.0;
/// Maximum width of a line's name; longer ones are shortened.
const NAME: f64 = 200.0;
/// Floor of a logarithmic axis, as a share of the highest value: 0 has no logarithm.
const LEAST: f64 = 1e-3;
/// Maximum number of doublings with a tick each; a longer axis has ticks at powers of ten.
const DOUBLINGS: f64 = 10.0;
/// Largest whole number up to which an axis has ticks only at whole numbers.
const WHOLE: f64 = 100_000.0;
const MARKS: [Mark; 4] = [Mark::Disc, Mark::Square, Mark::Triangle, Mark::Diamond];

/// Scale of the vertical axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Linear, plain numbers.
    #[default]
    Number,
    /// Linear, shares [0, 1] as percentages.
    Share,
    /// Logarithmic; values below a thousandth of the highest are drawn at that floor.
    Log,
}

/// One panel.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// Name of the quantity on the vertical axis.
    pub heading: String,
    /// Name of the horizontal axis, such as `epoch`.
    pub x: String,
    /// Scale of the vertical axis.
    pub scale: Scale,
    /// Its lines, a color each; equal positions in several charts have equal colors.
    pub bands: Vec<Band>,
}

/// A line with its band.
#[derive(Clone, Debug, Default)]
pub struct Band {
    /// Name of the line.
    pub label: String,
    /// Points of position, mean, and low and high end of the interval. A value that is not finite is a gap.
    pub points: Vec<[f64; 4]>,
}

/// A picture of `charts` side by side. `key` explains lines and bands, `caption` summarizes the result.
pub fn bands(title: &str, caption: String, key: &str, charts: &[Chart]) -> Picture {
    let most = charts.iter().map(|chart| chart.bands.len()).max().unwrap_or(0);
    let height = PANEL[1].max(LINE * most as f64);
    let top = HEAD + ABOVE;
    let mut canvas = Canvas::default();
    let mut left = MARGIN + LEFT;
    for chart in charts {
        let area = [left, top, PANEL[0], height];
        let y = chart.upright();
        let mut panel = Panel::new(&chart.heading, area, &chart.along(), &y);
        let pieces: Vec<_> = chart.bands.iter().map(|band| chart.pieces(band)).collect();
        for (at, pieces) in pieces.iter().enumerate() {
            for piece in pieces.iter().filter(|piece| piece.len() > 1) {
                let column = |k: usize| piece.iter().map(|point| point[k]).collect::<Vec<f64>>();
                let bounds = |values: Vec<f64>| values.into_iter().map(|v| v.clamp(y.low, y.high)).collect::<Vec<_>>();
                let [x, low, high] = [column(0), bounds(column(2)), bounds(column(3))];
                panel.band([&x, &low, &high], LINES[at % LINES.len()], 0.2);
            }
        }
        for (at, pieces) in pieces.iter().enumerate().rev() {
            let lines: Vec<Vec<[f64; 2]>> =
                pieces.iter().map(|piece| piece.iter().map(|point| [point[0], point[1]]).collect()).collect();
            panel.lines(&lines, Stroke { color: LINES[at % LINES.len()], width: 2.2, dashed: at >= LINES.len() });
        }
        let place = panel.draw(&mut canvas);
        let label = |(at, pieces): (usize, &Vec<Vec<[f64; 4]>>)| {
            let &[x, value, ..] = pieces.last()?.last()?;
            let band = &chart.bands[at];
            let &[_, mean, low, high] = band.points.iter().rev().find(|point| point[0] == x)?;
            let tip = format!(
                "{}: {} ({} to {}) at {} {x}",
                band.label,
                chart.told(mean),
                chart.told(low),
                chart.told(high),
                chart.x
            );
            let (mark, color) = (MARKS[(at + at / LINES.len()) % MARKS.len()], LINES[at % LINES.len()]);
            let name = elide(&band.label, BODY.size, BODY.bold, NAME);
            Some(Label { y: place.at([x, value])[1], mark, color, text: format!("{}  {name}", chart.told(mean)), tip })
        };
        let labels: Vec<Label> = pieces.iter().enumerate().filter_map(label).collect();
        left += PANEL[0];
        draw_labels(&labels, left, [top, top + height], &mut canvas);
        left += LEAD + widest(labels.iter().map(|label| label.text.as_str()), BODY.size, false).ceil() + GAP + LEFT;
    }
    let wide = left - LEFT - GAP + MARGIN;
    let below = top + height + BELOW + 14.0;
    let key: &[_] = if key.is_empty() { &[] } else { &[(Sign::Band(MUTED), key.to_owned())] };
    let tall = draw_key(key, below, wide - 2.0 * MARGIN, &mut canvas);
    canvas.finish(title, caption, [wide, below + tall + MARGIN])
}

impl Chart {
    fn points(&self) -> impl Iterator<Item = &[f64; 4]> {
        self.bands.iter().flat_map(|band| &band.points).filter(|point| point.iter().all(|value| value.is_finite()))
    }

    /// The lines between gaps, their heights as they are drawn.
    fn pieces(&self, band: &Band) -> Vec<Vec<[f64; 4]>> {
        let least = self.least();
        let drawn = |value: f64| if self.scale == Scale::Log { libm::log2(value.max(least)) } else { value };
        let gaps = band.points.split(|point| point.iter().any(|value| !value.is_finite()));
        let piece = |piece: &[[f64; 4]]| {
            piece.iter().map(|&[x, mean, low, high]| [x, drawn(mean), drawn(low), drawn(high)]).collect::<Vec<_>>()
        };
        gaps.filter(|piece| !piece.is_empty()).map(piece).collect()
    }

    /// The least height that a logarithm is taken of.
    fn least(&self) -> f64 {
        let highest = self.points().map(|point| point[3].max(point[1])).fold(0.0, f64::max);
        (LEAST * highest).max(f64::MIN_POSITIVE)
    }

    fn along(&self) -> Axis {
        let all = || self.points().map(|point| point[0]);
        let last = all().fold(0.0, f64::max);
        let whole = last <= WHOLE && all().all(|x| x >= 1.0 && x.fract() == 0.0);
        let axis =
            if whole { Axis::epochs(last as u32, PANEL[0]) } else { Axis::numbers(all(), [0.0, f64::MAX], 1.0, "") };
        Axis { name: self.x.clone(), ..axis }
    }

    fn upright(&self) -> Axis {
        let heights = || self.points().flat_map(|point| [point[1], point[2], point[3]]);
        match self.scale {
            Scale::Number => Axis::numbers(heights(), [f64::MIN, f64::MAX], 1.0, ""),
            Scale::Share => Axis::shares(heights()),
            Scale::Log => logarithms(heights().map(|value| libm::log2(value.max(self.least())))),
        }
    }

    fn told(&self, value: f64) -> String {
        if self.scale == Scale::Share { share(value) } else { digits(value) }
    }
}

/// An axis of base-two logarithms, with a tick for every doubling, or for powers of ten where there are many.
fn logarithms(values: impl Iterator<Item = f64>) -> Axis {
    let axis = Axis::numbers(values, [f64::MIN, f64::MAX], 1.0, "");
    let span = axis.high - axis.low;
    let step = if span <= DOUBLINGS { span / 9.0 } else { span / (8.0 * std::f64::consts::LOG2_10) }.ceil().max(1.0);
    let step = if span <= DOUBLINGS { step } else { step * std::f64::consts::LOG2_10 };
    Axis { step, format: Arc::new(|v: f64| digits(libm::exp2(v))), ..axis }
}

/// Two digits that count, without a power of ten where that is short.
fn digits(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".into();
    }
    if !(0.99e-4..1e6).contains(&size) {
        return format!("{value:.1e}");
    }
    // A logarithm of a tick is hardly ever a whole number.
    let decimals = (1.0 - (libm::log10(size) + 1e-9).floor()).clamp(0.0, 9.0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(heading: &str, scale: Scale, lasts: &[f64]) -> Chart {
        let band = |&last: &f64| Band {
            label: format!("<{last}>"),
            points: (1..=20).map(f64::from).map(|i| [i, last + 8.0 / i, last + 6.0 / i, last + 10.0 / i]).collect(),
        };
        Chart { heading: heading.into(), x: "trial".into(), scale, bands: lasts.iter().map(band).collect() }
    }

    #[test]
    fn every_line_has_its_last_mean_in_every_panel() {
        let charts = [chart("missed", Scale::Log, &[0.5, 0.1]), chart("loss", Scale::Number, &[0.25, 0.0])];
        let picture = bands("Search", "what is seen".into(), "mean", &charts);
        for text in
            ["0.90  &lt;0.5&gt;", "0.50  &lt;0.1&gt;", "0.65  &lt;0.25&gt;", "0.40  &lt;0&gt;", ">trial<", ">mean<"]
        {
            assert!(picture.svg.contains(text), "{text}");
        }
        assert_eq!(picture.caption, "what is seen");
        assert_eq!(picture.svg.matches("fill-opacity=\"0.2\"").count(), 4);
        assert!(picture.to_png().is_ok());
    }

    #[test]
    fn nothing_zeros_and_gaps_can_be_drawn() {
        assert!(bands("None", String::new(), "", &[]).to_png().is_ok());
        let zeros = Band { label: "zero".into(), points: vec![[1.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]] };
        let gap = Band {
            label: "gap".into(),
            points: vec![[1.0, 1.0, 1.0, 1.0], [2.0, f64::NAN, 0.0, 0.0], [3.0, 2.0, 1.0, 3.0]],
        };
        for scale in [Scale::Log, Scale::Number, Scale::Share] {
            let chart = Chart { scale, bands: vec![zeros.clone(), gap.clone()], ..Chart::default() };
            let picture = bands("Zero", String::new(), "", &[chart]);
            assert!(picture.to_png().is_ok() && !picture.svg.contains("NaN"), "{scale:?}");
        }
    }

    #[test]
    fn many_orders_of_magnitude_have_ticks_at_powers_of_ten() {
        let points = (1..=8).map(f64::from).map(|i| [i, 10_f64.powf(-i), 10_f64.powf(-i), 10_f64.powf(-i)]).collect();
        let chart = Chart { scale: Scale::Log, bands: vec![Band { label: "norm".into(), points }], ..Chart::default() };
        // Three orders below the highest is the floor.
        let svg = bands("Norms", String::new(), "", &[chart]).svg;
        for tick in ["0.10", "0.010", "0.0010"] {
            assert!(svg.contains(&format!(">{tick}</text>")), "{tick}");
        }
    }
}
