//! Rectangles, texts and images on paper, written as SVG.

use std::fmt::Write as _;
use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{GrayImage, ImageFormat};

use crate::color::{Color, INK, MUTED, PAPER};
use crate::picture::Picture;
use crate::text::{elide, escape, width};

/// Free room at the edges.
pub(crate) const MARGIN: f64 = 24.0;
/// Where the space below title and caption begins.
pub(crate) const HEAD: f64 = 84.0;
/// Widest title or caption; what is longer is shortened.
const WIDEST: f64 = 900.0;

/// How a text looks.
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

/// Which point of a text is put where.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture as it comes to be; later shapes lie on earlier ones.
#[derive(Default)]
pub(crate) struct Canvas {
    body: String,
}

impl Canvas {
    /// A filled rectangle.
    pub(crate) fn rect(&mut self, [x, y, w, h]: [f64; 4], fill: Color) {
        self.put(format_args!(r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{fill}"/>"#, n(x), n(y), n(w), n(h)));
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
        // The attribute is SVG 1.1's word for it, the style CSS's: each is understood where the other is not.
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

    /// What `draw` draws, with a text that is shown while the pointer is on it.
    pub(crate) fn with_tip(&mut self, tip: &str, draw: impl FnOnce(&mut Self)) {
        self.put(format_args!("<g><title>{}</title>", escape(tip)));
        draw(self);
        self.put(format_args!("</g>"));
    }

    /// Adds title and caption and ends the picture, which becomes wider if they need it.
    pub(crate) fn finish(mut self, title: &str, caption: String, size: [f64; 2]) -> Picture {
        let title = elide(title, TITLE.size, TITLE.bold, WIDEST);
        let shown = elide(&caption, BODY.size, BODY.bold, WIDEST);
        let heads = width(&title, TITLE.size, TITLE.bold).max(width(&shown, BODY.size, BODY.bold));
        self.text([MARGIN, 40.0], Anchor::Start, TITLE, &title);
        self.text([MARGIN, 61.0], Anchor::Start, Style { color: MUTED, ..BODY }, &shown);
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

/// A length with at most two decimals.
fn n(length: f64) -> f64 {
    (length * 100.0).round() / 100.0
}
