//! The first images of each class, as a grid of labelled cards.

use handloom_engine::dataset::Dataset;
use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};

use crate::canvas::{Anchor, BODY, Canvas, HEAD, MARGIN, NOTE, Style};
use crate::color::EMPTY;
use crate::picture::Picture;
use crate::text::{elide, widest, width};
use crate::words::grouped;

/// Space between images of a class, and between cards.
const GAP: f64 = 4.0;
const GUTTER: f64 = 20.0;
/// Height of a card above its images: the name and the number of images.
const LABEL: f64 = 36.0;
/// Maximum number of images side by side in a card.
const PER_LINE: usize = 10;
/// Maximum pixels on a side; larger images are shrunk.
const SIDE: u32 = 256;
/// Width to height that the grid comes close to.
const ASPECT: f64 = 1.6;

/// A picture of the first `per_class` images of each class, in file order, labeled with the class and its number of
/// images.
///
/// Any shape is drawn: dimensions of 1 are left out, `[n]` becomes nearly square, and of more than two dimensions the
/// leading ones are stacked. Pixels are whole multiples of a unit, unless an image has more than 128 on a side.
pub fn sample_grid(title: &str, data: &Dataset, per_class: usize) -> Picture {
    let per_class = per_class.max(1);
    let mut counts = vec![0_u64; data.classes.len()];
    let mut samples = vec![Vec::new(); data.classes.len()];
    for (i, &label) in data.labels.iter().enumerate() {
        let class = usize::from(label);
        counts[class] += 1;
        if samples[class].len() < per_class {
            samples[class].push(i);
        }
    }
    let most = samples.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let [rows, columns] = sides(&data.shape);
    let [w, h] = shown(rows, columns, most * samples.len());

    let strip = most.min(PER_LINE) as f64 * (w + GAP) - GAP;
    let name = Style { bold: true, ..BODY };
    let names = widest(data.classes.iter().map(String::as_str), name.size, name.bold).ceil();
    let card = [strip.max(names.min(140.0)).max(64.0), LABEL + most.div_ceil(PER_LINE) as f64 * (h + GAP) - GAP];
    let across = across(samples.len(), card);

    let mut canvas = Canvas::default();
    for (i, (class, samples)) in data.classes.iter().zip(&samples).enumerate() {
        let x = MARGIN + (i % across) as f64 * (card[0] + GUTTER);
        let y = HEAD + (i / across) as f64 * (card[1] + GUTTER);
        let number = amount(counts[i], card[0]);
        canvas.with_tip(&format!("{class}: {number}"), |canvas| {
            let short = elide(class, name.size, name.bold, card[0]);
            canvas.text([x, y + 12.0], Anchor::Start, name, &short);
            canvas.text([x, y + 27.0], Anchor::Start, NOTE, &number);
            for k in 0..most {
                let place =
                    [x + (k % PER_LINE) as f64 * (w + GAP), y + LABEL + (k / PER_LINE) as f64 * (h + GAP), w, h];
                match samples.get(k) {
                    Some(&i) if rows * columns > 0 => canvas.image(place, &image(data.image(i), [rows, columns], w)),
                    _ => canvas.rect(place, EMPTY),
                }
            }
        });
    }

    let lines = samples.len().div_ceil(across) as f64;
    let caption = format!(
        "{} of {columns} × {rows} pixels in {} classes · the first {} of each in file order",
        amount(data.len() as u64, f64::INFINITY),
        samples.len(),
        if most == 1 { "one".to_owned() } else { most.to_string() },
    );
    let body = [across as f64 * (card[0] + GUTTER) - GUTTER, lines * (card[1] + GUTTER) - GUTTER];
    canvas.finish(title, caption, [body[0] + 2.0 * MARGIN, HEAD + body[1].max(0.0) + MARGIN])
}

/// Rows and columns that an image of `shape` is drawn with.
pub(crate) fn sides(shape: &[usize]) -> [usize; 2] {
    let sides: Vec<_> = shape.iter().copied().filter(|&side| side != 1).collect();
    match sides[..] {
        [] => [1, 1],
        [n] => {
            let columns = n.isqrt() + usize::from(n.isqrt().pow(2) < n);
            [n.div_ceil(columns.max(1)), columns]
        }
        [ref stacked @ .., columns] => [stacked.iter().product(), columns],
    }
}

/// Displayed width and height (units) of one of `images` images: a whole multiple of its pixels, unless that is too
/// large.
fn shown(rows: usize, columns: usize, images: usize) -> [f64; 2] {
    let target = match images {
        0..=20 => 112,
        21..=300 => 56,
        _ => 28,
    };
    let longer = rows.max(columns).max(1);
    let scale = match longer {
        0..=128 => (target / longer).max(1) as f64,
        129..=256 => 0.5,
        _ => f64::from(SIDE) * 0.5 / longer as f64,
    };
    [columns, rows].map(|side| (side as f64 * scale).ceil().max(1.0))
}

/// Number of cards of a size (width, height) side by side.
fn across(cards: usize, [w, h]: [f64; 2]) -> usize {
    let cost = |across: &usize| {
        let lines = cards.div_ceil(*across);
        let aspect = (*across as f64 * (w + GUTTER)) / (lines as f64 * (h + GUTTER));
        let vacant = (across * lines - cards) as f64 / cards as f64;
        libm::log(aspect / ASPECT).abs() + vacant
    };
    (1..=cards).min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or(1)
}

/// `6,000 images`, or only the number if that is too wide.
fn amount(n: u64, room: f64) -> String {
    let long = format!("{} {}", grouped(n), if n == 1 { "image" } else { "images" });
    if width(&long, NOTE.size, NOTE.bold) <= room { long } else { grouped(n) }
}

/// Image of pixels in rows and columns, padded with white, and shrunk if it has many; `w` (units) is its displayed
/// width.
pub(crate) fn image(pixels: &[u8], [rows, columns]: [usize; 2], w: f64) -> GrayImage {
    let at = |x: u32, y: u32| pixels.get(y as usize * columns + x as usize).copied().unwrap_or(255);
    let image = GrayImage::from_fn(columns as u32, rows as u32, |x, y| Luma([at(x, y)]));
    let longer = image.width().max(image.height());
    if longer > SIDE {
        let side = |side: u32| (f64::from(side) * f64::from(SIDE) / f64::from(longer)).round().max(1.0) as u32;
        return imageops::thumbnail(&image, side(image.width()), side(image.height()));
    }
    // Scaled to the size in a PNG, because some viewers smooth enlarged images even where the SVG forbids it.
    let scale = (2.0 * w / columns as f64).max(1.0) as u32;
    imageops::resize(&image, image.width() * scale, image.height() * scale, FilterType::Nearest)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn data(shape: &[usize], classes: usize, per_class: usize) -> Dataset {
        let n = classes * per_class;
        let images = (0..n * shape.iter().product::<usize>()).map(|i| i as u8).collect();
        Dataset {
            images: Arc::new(images),
            labels: Arc::new((0..n).map(|i| (i % classes) as u8).collect()),
            shape: shape.to_vec(),
            classes: (0..classes).map(|i| format!("class {i}")).collect(),
        }
    }

    #[test]
    fn any_shape_is_two_sides() {
        assert_eq!(sides(&[28, 20]), [28, 20]);
        assert_eq!(sides(&[1, 28, 20, 1]), [28, 20]);
        assert_eq!(sides(&[784]), [28, 28]);
        assert_eq!(sides(&[10]), [3, 4]);
        assert_eq!(sides(&[3, 8, 8]), [24, 8]);
        assert_eq!(sides(&[]), [1, 1]);
        assert_eq!(sides(&[1, 1]), [1, 1]);
        assert_eq!(sides(&[0]), [0, 0]);
    }

    #[test]
    fn pixels_are_whole_multiples() {
        assert_eq!(shown(28, 28, 10), [112.0, 112.0]);
        assert_eq!(shown(28, 14, 50), [28.0, 56.0]);
        assert_eq!(shown(100, 100, 1000), [100.0, 100.0]);
        assert_eq!(shown(512, 1024, 10), [128.0, 64.0]);
    }

    #[test]
    fn every_class_has_its_first_images_in_file_order() {
        let data = data(&[2, 3], 10, 4);
        let svg = sample_grid("Ten", &data, 3).svg;
        assert_eq!(svg.matches("<image").count(), 30);
        for class in &data.classes {
            assert!(svg.contains(&format!(">{class}</text>")));
        }
        let mut canvas = Canvas::default();
        canvas.image([0.0; 4], &image(data.image(0), [2, 3], shown(2, 3, 30)[0]));
        let first = canvas.finish("", String::new(), [1.0; 2]).svg;
        let address = |svg: &str| svg.split("href=").nth(1).map(|rest| rest.split('>').next().unwrap().to_owned());
        assert_eq!(address(&svg), address(&first));
    }

    #[test]
    fn a_png_shows_the_very_pixels() {
        let mut data = data(&[2, 2], 1, 1);
        data.images = Arc::new(vec![0, 255, 100, 200]);
        let picture = sample_grid("", &data, 1);
        let png = image::load_from_memory(&picture.to_png().unwrap()).unwrap().to_luma8();
        assert_eq!(f64::from(png.width()), picture.width * 2.0);
        let [left, top] = [2 * MARGIN as u32, 2 * (HEAD + LABEL) as u32];
        let at = |x: u32, y: u32| png.get_pixel(left + x, top + y).0[0];
        assert_eq!([at(0, 0), at(111, 111), at(112, 111), at(111, 112), at(223, 223)], [0, 0, 255, 100, 200]);
    }

    #[test]
    fn all_sizes_can_be_drawn() {
        for (shape, classes, per_class, shown) in [
            (&[28, 28][..], 256, 1, 1),
            (&[7], 2, 0, 3),
            (&[300, 5], 3, 2, 25),
            (&[0, 4], 2, 1, 1),
            (&[3, 16, 16], 40, 2, 0),
            (&[1, 600], 1, 30, 30),
        ] {
            let picture = sample_grid("A title", &data(shape, classes, per_class), shown);
            let png = picture.to_png().unwrap();
            assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
        }
        let none = Dataset { images: Arc::default(), labels: Arc::default(), shape: vec![], classes: vec![] };
        assert!(sample_grid("", &none, 1).to_png().is_ok());
    }
}
