//! Converts pictures to the form of a network's training images: gray, light on dark, of their size.
//!
//! MNIST and Fashion-MNIST show a light object on black: a garment is cut out and fills the image, a digit
//! fits into 20 of 28 pixels and its center of mass is in the middle (`LeCun` et al., 1998; Xiao et al., 2017,
//! §2). [`convert`] does the same to photographs, drawings and screenshots, and says what it did. A picture
//! of exactly the right size is taken as it is, inverted if it is dark on light.

use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, Luma};

use crate::Error;
use crate::decode::{self, MOST_SIDE, More};

/// Inversion of pictures that are dark on light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invert {
    /// If the border of the picture is light.
    Auto,
    /// Always.
    Yes,
    /// Never.
    No,
}

/// Size and position of the object in its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// It fills the image and is in the middle, as in Fashion-MNIST.
    Full,
    /// It leaves a seventh free on each side and is in the middle, as in the built-in garments.
    Margin,
    /// It leaves a seventh free on each side and its center of mass is in the middle, as in MNIST.
    Digit,
    /// The whole picture with its background; nothing is cut away. For datasets with unknown preprocessing. It is not
    /// known either if they are light on dark, so pictures are inverted only on request.
    Whole,
}

/// A picture converted to the input of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// Pixels row by row, 0 to 255.
    pub pixels: Vec<u8>,
    /// Conversions that were applied, such as `inverted, fitted to 28×28`; or `unchanged`.
    pub converted: String,
}

/// Threshold [0, 1] of the object, as a part of the contrast between the background and the lightest pixel.
const CONTENT: f64 = 0.2;
/// Minimum contrast (of 255) between the object and its background.
const CONTRAST: u8 = 16;
/// Largest difference [0, 1] of the background from edge to edge, as a part of that contrast.
const UNEVEN: f64 = 0.4;
/// Longest side at which the object is looked for: noise is averaged out, strokes are still there.
const LOOK: u32 = 256;

/// A gray image, with the conversions that were applied.
pub(crate) struct Opaque {
    pub(crate) gray: GrayImage,
    pub(crate) had_color: bool,
    /// Background put behind transparent pixels, 255 or 0; none if the image was opaque.
    pub(crate) background: Option<u8>,
}

/// Decodes the bytes of an image file and converts it to `height` x `width` pixels; errors call it `name`.
pub fn read(
    name: &str,
    bytes: &[u8],
    [height, width]: [usize; 2],
    invert: Invert,
    framing: Framing,
) -> Result<Photo, Error> {
    let decoded = decode::decode(bytes).map_err(|found| Error::Damaged {
        file: name.into(),
        expected: format!("an image of at most {MOST_SIDE} pixels a side"),
        found,
        hint: "convert it to PNG or JPEG with any image program",
    })?;
    let mut photo = convert(&decoded.image, [height, width], invert, framing);
    let first = match decoded.more {
        More::None => return Ok(photo),
        More::Frames => "first frame",
        More::Pages => "first page",
    };
    photo.converted = match photo.converted.as_str() {
        "unchanged" => first.into(),
        done => format!("{first}, {done}"),
    };
    Ok(photo)
}

/// Converts an image to `height` x `width` pixels.
pub fn convert(image: &DynamicImage, [height, width]: [usize; 2], invert: Invert, framing: Framing) -> Photo {
    let (width, height) = (width as u32, height as u32);
    let mut done = Vec::new();
    let Opaque { mut gray, had_color, background: drawn_on } = opaque(image);
    if had_color {
        done.push("gray".to_owned());
    }
    if let Some(behind) = drawn_on {
        done.push(if behind == 255 { "put on white".into() } else { "put on black".into() });
    }
    let inverts = match invert {
        Invert::Auto => framing != Framing::Whole && background(&gray) >= 128,
        Invert::Yes => true,
        Invert::No => false,
    };
    if inverts {
        imageops::invert(&mut gray);
        done.push("inverted".to_owned());
    }
    if gray.dimensions() != (width, height) {
        gray = fit(&gray, [width, height], framing);
        done.push(format!("fitted to {width}×{height}"));
    }
    if done.is_empty() {
        done.push("unchanged".into());
    }
    Photo { pixels: gray.into_raw(), converted: done.join(", ") }
}

/// The image in gray; transparent pixels become white behind a dark object and black behind a light one.
///
/// This is the one rule for transparency: `predict` and the reading of datasets both use it.
pub(crate) fn opaque(image: &DynamicImage) -> Opaque {
    let had_color = image.color().has_color() && has_hue(image);
    let plain = |image: &DynamicImage| Opaque { gray: image.to_luma8(), had_color, background: None };
    if !image.color().has_alpha() {
        return plain(image);
    }
    let pixels = image.to_luma_alpha8();
    let (light, weight) = pixels.pixels().fold((0_u64, 0_u64), |(light, weight), pixel| {
        let [value, alpha] = pixel.0.map(u64::from);
        (light + value * alpha, weight + alpha)
    });
    if weight == 255 * pixels.pixels().len() as u64 {
        return plain(image);
    }
    let behind = if light < 128 * weight { 255 } else { 0 };
    let blended = pixels.pixels().map(|pixel| {
        let [value, alpha] = pixel.0.map(u32::from);
        ((value * alpha + behind * (255 - alpha) + 127) / 255) as u8
    });
    let gray = GrayImage::from_raw(pixels.width(), pixels.height(), blended.collect());
    Opaque { gray: gray.expect("one value for each pixel"), had_color, background: Some(behind as u8) }
}

/// True if a visible pixel has a color. Three equal channels are gray, and lose nothing in the conversion.
fn has_hue(image: &DynamicImage) -> bool {
    let is_gray = |[red, green, blue]: [u8; 3]| red == green && green == blue;
    match image {
        DynamicImage::ImageRgb8(image) => !image.pixels().all(|pixel| is_gray(pixel.0)),
        other => {
            let pixels = other.to_rgba8();
            !pixels.pixels().all(|pixel| pixel.0[3] == 0 || is_gray([pixel.0[0], pixel.0[1], pixel.0[2]]))
        }
    }
}

/// The whole image in `height` x `width` pixels, as [`Framing::Whole`] converts it.
pub(crate) fn whole(gray: GrayImage, [height, width]: [usize; 2]) -> GrayImage {
    let size = [width as u32, height as u32];
    if [gray.width(), gray.height()] == size { gray } else { fit(&gray, size, Framing::Whole) }
}

/// Median of the pixels along the border.
fn background(gray: &GrayImage) -> u8 {
    median(edges(gray).concat())
}

/// Pixels along the left, right, top and bottom border.
fn edges(gray: &GrayImage) -> [Vec<u8>; 4] {
    let (width, height) = gray.dimensions();
    let column = |x: u32| (0..height).map(|y| gray.get_pixel(x, y).0[0]).collect();
    let row = |y: u32| (0..width).map(|x| gray.get_pixel(x, y).0[0]).collect();
    [column(0), column(width - 1), row(0), row(height - 1)]
}

fn median(mut values: Vec<u8>) -> u8 {
    let middle = values.len() / 2;
    *values.select_nth_unstable(middle).1
}

/// The image minus its background: the border's median plus a linear gradient from edge to edge.
fn flattened(gray: &GrayImage) -> GrayImage {
    let all = edges(gray);
    let middle = f64::from(median(all.concat()));
    let [left, right, top, bottom] = all.map(|edge| f64::from(median(edge)));
    // A greater difference is the object's, which touches that edge.
    let most = UNEVEN * gray.iter().map(|&value| f64::from(value) - middle).fold(0.0, f64::max);
    let tilt = |from: f64, to: f64| if (to - from).abs() <= most { to - from } else { 0.0 };
    let (across, down) = (tilt(left, right), tilt(top, bottom));
    let (width, height) = gray.dimensions();
    let part = |at: u32, of: u32| (f64::from(at) + 0.5) / f64::from(of) - 0.5;
    GrayImage::from_fn(width, height, |x, y| {
        let behind = middle + across * part(x, width) + down * part(y, height);
        Luma([(f64::from(gray.get_pixel(x, y).0[0]) - behind).round().clamp(0.0, 255.0) as u8])
    })
}

/// Cuts the object out of its background, which becomes black, and places it in an image of `size`; or, with
/// [`Framing::Whole`] and if there is no object, fits all of it on its background.
fn fit(gray: &GrayImage, size: [u32; 2], framing: Framing) -> GrayImage {
    let flat;
    let gray = if framing == Framing::Whole {
        gray
    } else {
        flat = flattened(gray);
        &flat
    };
    let behind = background(gray);
    let (width, height) = gray.dimensions();
    let look = shrunk(gray, width.min(LOOK), height.min(LOOK));
    let lightest = look.iter().copied().max().unwrap_or(0);
    // Without contrast there is no object to cut out.
    let contrast = Some(lightest.saturating_sub(behind)).filter(|&c| c >= CONTRAST && framing != Framing::Whole);
    let [left, top, right, bottom] =
        contrast.map_or([0, 0, width, height], |contrast| content(&look, behind, contrast, [width, height]));
    let room = match framing {
        Framing::Full | Framing::Whole => size,
        Framing::Margin | Framing::Digit => size.map(|side| (side - side * 2 / 7).max(1)),
    };
    let (w, h) = (right - left, bottom - top);
    let scale = (f64::from(room[0]) / f64::from(w)).min(f64::from(room[1]) / f64::from(h));
    let side = |n: u32, most: u32| ((f64::from(n) * scale).round() as u32).clamp(1, most);
    let mut object = imageops::crop_imm(gray, left, top, w, h).to_image();
    object = resized(&object, side(w, room[0]), side(h, room[1]));
    let mut canvas = GrayImage::from_pixel(size[0], size[1], Luma([if contrast.is_some() { 0 } else { behind }]));
    if let Some(contrast) = contrast {
        for value in object.iter_mut() {
            let above = u32::from(value.saturating_sub(behind)).min(contrast.into());
            *value = (above * 255 / u32::from(contrast)) as u8;
        }
    }
    let [x, y] = place(&object, size, framing);
    imageops::replace(&mut canvas, &object, x.into(), y.into());
    canvas
}

/// Bounding box of the object (left, top, right, bottom), in pixels of the whole picture of `size`.
fn content(look: &GrayImage, behind: u8, contrast: u8, size: [u32; 2]) -> [u32; 4] {
    let least = f64::from(behind) + CONTENT * f64::from(contrast);
    let (mut first, mut last) = ([u32::MAX; 2], [0; 2]);
    for (x, y, pixel) in look.enumerate_pixels() {
        if f64::from(pixel.0[0]) > least {
            first = [first[0].min(x), first[1].min(y)];
            last = [last[0].max(x), last[1].max(y)];
        }
    }
    let looked = [look.width(), look.height()];
    let start = |axis: usize| (u64::from(first[axis]) * u64::from(size[axis]) / u64::from(looked[axis])) as u32;
    let end =
        |axis: usize| (u64::from(last[axis] + 1) * u64::from(size[axis])).div_ceil(u64::from(looked[axis])) as u32;
    [start(0), start(1), end(0), end(1)]
}

/// Position of the object's top left corner: centered, or for digits by the center of mass.
fn place(object: &GrayImage, size: [u32; 2], framing: Framing) -> [u32; 2] {
    let sides = [object.width(), object.height()];
    let free = [size[0] - sides[0], size[1] - sides[1]];
    if framing != Framing::Digit {
        return free.map(|free| free / 2);
    }
    let (mut mass, mut moment) = (0.0, [0.0; 2]);
    for (x, y, pixel) in object.enumerate_pixels() {
        let light = f64::from(pixel.0[0]);
        mass += light;
        moment = [moment[0] + light * (f64::from(x) + 0.5), moment[1] + light * (f64::from(y) + 0.5)];
    }
    [0, 1].map(|axis| {
        let center = if mass > 0.0 { moment[axis] / mass } else { f64::from(sides[axis]) / 2.0 };
        ((f64::from(size[axis]) / 2.0 - center).round().max(0.0) as u32).min(free[axis])
    })
}

/// Resizes by averaging areas where the image shrinks, and by interpolation where it grows.
fn resized(image: &GrayImage, width: u32, height: u32) -> GrayImage {
    let small = shrunk(image, width.min(image.width()), height.min(image.height()));
    if small.dimensions() == (width, height) {
        small
    } else {
        imageops::resize(&small, width, height, FilterType::Triangle)
    }
}

/// Each pixel is the mean of the area it covers; neither side may grow.
fn shrunk(image: &GrayImage, width: u32, height: u32) -> GrayImage {
    if image.dimensions() == (width, height) {
        return image.clone();
    }
    let columns = spans(image.width(), width);
    let area = f64::from(image.width()) / f64::from(width) * f64::from(image.height()) / f64::from(height);
    let mut pixels = Vec::with_capacity(width as usize * height as usize);
    let mut sums = vec![0.0; width as usize];
    for (first, weights) in spans(image.height(), height) {
        sums.fill(0.0);
        for (y, down) in weights.iter().enumerate() {
            let row = &image.as_raw()[(first + y) * image.width() as usize..][..image.width() as usize];
            for (sum, (first, weights)) in sums.iter_mut().zip(&columns) {
                let line = row[*first..].iter().zip(weights).map(|(&value, across)| f64::from(value) * across);
                *sum += down * line.sum::<f64>();
            }
        }
        pixels.extend(sums.iter().map(|sum| (sum / area).round() as u8));
    }
    GrayImage::from_raw(width, height, pixels).expect("one value for each pixel")
}

/// For each of `to` pixels the first of `from` pixels that it covers, and how much of that and the following.
fn spans(from: u32, to: u32) -> Vec<(usize, Vec<f64>)> {
    let edge = |i: u32| f64::from(i) * f64::from(from) / f64::from(to);
    let span = |i: u32| {
        let (start, end) = (edge(i), edge(i + 1).min(f64::from(from)));
        let cover = |x: u32| f64::from(x + 1).min(end) - f64::from(x).max(start);
        let (first, last) = (start as u32, end.ceil() as u32);
        (first as usize, (first..last).map(cover).collect())
    };
    (0..to).map(span).collect()
}

#[cfg(test)]
mod tests;
