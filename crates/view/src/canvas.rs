//! Rectangles, lines, marks, texts and images on paper, written as SVG.

use std::fmt::Write as _;
use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{GrayImage, ImageFormat};

use crate::color::{Color, INK, MUTED, PAPER};
use crate::picture::Picture;
use crate::text::{elide, escape, widest, width};

/// Free room at the edges.
pub(crate) const MARGIN: f64 = 24.0;
/// Height of title and caption; the content begins below.
pub(crate) const HEAD: f64 = 84.0;
/// Maximum width of title and caption; longer ones are shortened.
const WIDEST: f64 = 900.0;

/// Style of a text.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub size: f64,
    pub bold: bool,
    pub color: Color,
}

/// The title of a picture.
pub(crate) const TITLE: Style = Style { size: 18.0, bold: true, color: INK };
/// A name or a number.
pub(crate) const BODY: Style = Style { size: 12.0, bold: false, color: INK };
/// A remark.
pub(crate) const NOTE: Style = Style { size: 11.0, bold: false, color: MUTED };

/// Point of a text that is placed at the given position (`text-anchor` in SVG).
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Style of a line.
#[derive(Clone, Copy)]
pub(crate) struct Stroke {
    pub color: Color,
    pub width: f64,
    pub dashed: bool,
}

/// Marker shape of a value, to tell series of equal color apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mark {
    Disc,
    Square,
    Triangle,
    Diamond,
    /// A triangle that points to something further down.
    Down,
    /// A cross, for failures.
    Cross,
}

/// A picture under construction; later shapes are drawn over earlier ones.
#[derive(Default)]
pub(crate) struct Canvas {
    body: String,
}

impl Canvas {
    /// A filled rectangle.
    pub(crate) fn rect(&mut self, [x, y, w, h]: [f64; 4], fill: Color) {
        self.put(format_args!(r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{fill}"/>"#, n(x), n(y), n(w), n(h)));
    }

    /// A line through `points`; nothing without two of them.
    pub(crate) fn line(&mut self, points: &[[f64; 2]], Stroke { color, width, dashed }: Stroke) {
        if points.len() < 2 {
            return;
        }
        let dash = if dashed { r#" stroke-dasharray="6 4""# } else { "" };
        let path = path(points);
        self.put(format_args!(
            r#"<path d="{path}" fill="none" stroke="{color}" stroke-width="{}" stroke-linejoin="round"{dash}/>"#,
            n(width)
        ));
    }

    /// A translucent area inside the outline `d`, in the syntax of an SVG path.
    pub(crate) fn area(&mut self, d: &str, color: Color, opacity: f64) {
        self.put(format_args!(r#"<path d="{}" fill="{color}" fill-opacity="{}"/>"#, escape(d), n(opacity)));
    }

    /// Discs of one radius, color and opacity.
    pub(crate) fn discs(&mut self, centers: impl IntoIterator<Item = [f64; 2]>, r: f64, color: Color, opacity: f64) {
        self.put(format_args!(r#"<g fill="{color}" fill-opacity="{}">"#, n(opacity)));
        for [x, y] in centers {
            self.put(format_args!(r#"<circle cx="{}" cy="{}" r="{}"/>"#, n(x), n(y), n(r)));
        }
        self.put(format_args!("</g>"));
    }

    /// A mark about as large as a disc of radius `r`, filled with its color or, if `hollow`, with paper.
    pub(crate) fn mark(&mut self, mark: Mark, [x, y]: [f64; 2], r: f64, color: Color, hollow: bool) {
        let at = |points: &[[f64; 2]]| path(&points.iter().map(|p| [x + r * p[0], y + r * p[1]]).collect::<Vec<_>>());
        let look = if hollow {
            format!(r#"fill="{PAPER}" stroke="{color}" stroke-width="1.6""#)
        } else {
            format!(r#"fill="{color}""#)
        };
        match mark {
            Mark::Disc => self.put(format_args!(r#"<circle cx="{}" cy="{}" r="{}" {look}/>"#, n(x), n(y), n(r))),
            Mark::Square => {
                let outline = at(&[[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]);
                self.put(format_args!(r#"<path d="{outline}Z" {look}/>"#));
            }
            Mark::Triangle => {
                let outline = at(&[[0.0, -1.25], [1.15, 0.8], [-1.15, 0.8]]);
                self.put(format_args!(r#"<path d="{outline}Z" {look}/>"#));
            }
            Mark::Down => {
                let outline = at(&[[0.0, 1.1], [1.1, -0.8], [-1.1, -0.8]]);
                self.put(format_args!(r#"<path d="{outline}Z" {look}/>"#));
            }
            Mark::Diamond => {
                let outline = at(&[[0.0, -1.3], [1.3, 0.0], [0.0, 1.3], [-1.3, 0.0]]);
                self.put(format_args!(r#"<path d="{outline}Z" {look}/>"#));
            }
            Mark::Cross => {
                let [a, b] = [at(&[[-1.0, -1.0], [1.0, 1.0]]), at(&[[-1.0, 1.0], [1.0, -1.0]])];
                self.put(format_args!(r#"<path d="{a}{b}" fill="none" stroke="{color}" stroke-width="2"/>"#));
            }
        }
    }

    /// One line of text; `at` is on its baseline.
    pub(crate) fn text(&mut self, at: [f64; 2], anchor: Anchor, style: Style, text: &str) {
        self.turned(at, 0.0, anchor, style, text);
    }

    /// One line of text, turned clockwise around `at` by `angle` degrees.
    pub(crate) fn turned(&mut self, [x, y]: [f64; 2], angle: f64, anchor: Anchor, style: Style, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let bold = if style.bold { r#" font-weight="bold""# } else { "" };
        let (x, y, size, color, text) = (n(x), n(y), n(style.size), style.color, escape(text));
        let turn = if angle == 0.0 { String::new() } else { format!(r#" transform="rotate({} {x} {y})""#, n(angle)) };
        self.put(format_args!(
            r#"<text x="{x}" y="{y}" font-size="{size}" fill="{color}"{anchor}{bold}{turn}>{text}</text>"#
        ));
    }

    /// A gray image whose pixels stay sharp squares.
    pub(crate) fn image(&mut self, [x, y, w, h]: [f64; 4], image: &GrayImage) {
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png).expect("memory takes a PNG of an image that is not empty");
        let data = STANDARD.encode(png.into_inner());
        // Both forms of pixelated scaling, SVG 1.1's attribute and the CSS style, as viewers know one or the other.
        self.put(format_args!(
            concat!(
                r#"<image x="{}" y="{}" width="{}" height="{}" preserveAspectRatio="none" "#,
                r#"image-rendering="optimizeSpeed" style="image-rendering:pixelated" href="data:image/png;base64,{}"/>"#
            ),
            n(x),
            n(y),
            n(w),
            n(h),
            data
        ));
    }

    /// Draws with `draw`, translated by `x` to the right and `y` down.
    pub(crate) fn moved(&mut self, [x, y]: [f64; 2], draw: impl FnOnce(&mut Self)) {
        self.put(format_args!(r#"<g transform="translate({} {})">"#, n(x), n(y)));
        draw(self);
        self.put(format_args!("</g>"));
    }

    /// Draws with `draw`, with a tooltip.
    pub(crate) fn with_tip(&mut self, tip: &str, draw: impl FnOnce(&mut Self)) {
        self.put(format_args!("<g><title>{}</title>", escape(tip)));
        draw(self);
        self.put(format_args!("</g>"));
    }

    /// Adds title and caption and ends the picture, which becomes wider if they need it.
    pub(crate) fn finish(self, title: &str, caption: String, size: [f64; 2]) -> Picture {
        self.finish_with(title, caption, "", size)
    }

    /// As [`Self::finish`], with a second sentence on a line of its own, 20 units lower.
    pub(crate) fn finish_with(mut self, title: &str, mut caption: String, verdict: &str, size: [f64; 2]) -> Picture {
        let title = elide(title, TITLE.size, TITLE.bold, WIDEST);
        let [shown, second] = [&*caption, verdict].map(|words| elide(words, BODY.size, BODY.bold, WIDEST));
        let heads = widest([&*shown, &*second], BODY.size, BODY.bold).max(width(&title, TITLE.size, TITLE.bold));
        self.text([MARGIN, 40.0], Anchor::Start, TITLE, &title);
        self.text([MARGIN, 61.0], Anchor::Start, Style { color: MUTED, ..BODY }, &shown);
        if !verdict.is_empty() {
            self.text([MARGIN, 81.0], Anchor::Start, BODY, &second);
            caption = format!("{caption}. {verdict}");
        }
        let (w, h) = (size[0].max(heads + 2.0 * MARGIN).ceil(), size[1].ceil());
        let svg = format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" "#,
                r#"font-family="'DejaVu Sans', Verdana, sans-serif"><title>{title}: {caption}</title>"#,
                "\n",
                r#"<rect width="{w}" height="{h}" fill="{paper}"/>"#,
                "\n{body}</svg>\n"
            ),
            w = w,
            h = h,
            title = escape(&title),
            caption = escape(&caption),
            paper = PAPER,
            body = self.body
        );
        Picture { caption, width: w, height: h, svg }
    }

    fn put(&mut self, markup: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{markup}").expect("a string takes all");
    }
}

/// Straight lines from point to point, as the attribute `d` has them.
fn path(points: &[[f64; 2]]) -> String {
    let mut out = String::new();
    for (i, [x, y]) in points.iter().enumerate() {
        write!(out, "{}{} {}", if i == 0 { 'M' } else { 'L' }, n(*x), n(*y)).expect("a string takes all");
    }
    out
}

/// A length with at most two decimals.
fn n(length: f64) -> f64 {
    (length * 100.0).round() / 100.0
}
