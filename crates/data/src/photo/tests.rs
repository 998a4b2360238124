use image::{GrayAlphaImage, LumaA, Rgb, RgbImage};

use super::*;

/// `width` x `height` pixels of `behind` with a box `[left, top, right, bottom]` of `light`.
fn boxed(width: u32, height: u32, behind: u8, light: u8, [left, top, right, bottom]: [u32; 4]) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        Luma([if (left..right).contains(&x) && (top..bottom).contains(&y) { light } else { behind }])
    })
}

fn full(image: GrayImage) -> Photo {
    convert(&image.into(), [28, 28], Invert::Auto, Framing::Full)
}

/// Bounding box (left, top, right, bottom) of the pixels that are not black.
fn extent(photo: &Photo) -> [usize; 4] {
    let lit: Vec<usize> = (0..784).filter(|&i| photo.pixels[i] > 0).collect();
    let (x, y) = (lit.iter().map(|i| i % 28), lit.iter().map(|i| i / 28));
    let (most_x, most_y) = (x.clone().max().unwrap(), y.clone().max().unwrap());
    [x.min().unwrap(), y.min().unwrap(), most_x + 1, most_y + 1]
}

#[test]
fn an_image_of_the_right_size_is_unchanged_bit_for_bit() {
    let image = GrayImage::from_fn(28, 28, |x, y| Luma([if x.min(y) < 2 { 3 } else { (x * y % 256) as u8 }]));
    let photo = full(image.clone());
    assert_eq!((photo.pixels, photo.converted.as_str()), (image.into_raw(), "unchanged"));
}

#[test]
fn dark_on_light_is_inverted_unless_told_otherwise() {
    let image = boxed(28, 28, 250, 10, [8, 8, 20, 20]);
    let photo = full(image.clone());
    assert_eq!((photo.pixels[0], photo.pixels[14 * 28 + 14], photo.converted.as_str()), (5, 245, "inverted"));
    let kept = convert(&image.clone().into(), [28, 28], Invert::No, Framing::Full);
    assert_eq!(kept.pixels, image.into_raw());
    let light = boxed(28, 28, 0, 200, [8, 8, 20, 20]);
    assert_eq!(convert(&light.into(), [28, 28], Invert::Yes, Framing::Full).pixels[0], 255);
}

#[test]
fn an_object_is_cut_out_keeps_its_aspect_and_fills_the_image() {
    // 200 x 50 pixels somewhere in a gray photograph: 28 x 7 in the middle, on black, at full contrast.
    let photo = full(boxed(250, 150, 200, 30, [20, 30, 220, 80]));
    assert_eq!(photo.converted, "inverted, fitted to 28×28");
    assert_eq!(extent(&photo), [0, 10, 28, 17]);
    assert!(photo.pixels.iter().all(|&value| value == 0 || value == 255), "{:?}", photo.pixels);
    let tall = full(boxed(7, 14, 0, 99, [2, 0, 5, 12]));
    assert_eq!(extent(&tall), [10, 0, 17, 28]);
}

#[test]
fn uneven_light_is_taken_away() {
    let paper = |x: u32, y: u32| 230 - x / 4 - y / 5;
    let image = GrayImage::from_fn(200, 200, |x, y| {
        let ink = (80..120).contains(&x) && (60..140).contains(&y);
        Luma([if ink { 20 } else { paper(x, y) as u8 }])
    });
    let photo = full(image);
    assert_eq!(extent(&photo), [7, 0, 21, 28]);
    assert!(photo.pixels.iter().all(|&value| value == 0 || value > 200), "{:?}", photo.pixels);
}

#[test]
fn a_digit_has_a_margin_and_its_mass_in_the_middle() {
    let image = boxed(100, 100, 255, 0, [0, 10, 20, 60]);
    let photo = convert(&image.into(), [28, 28], Invert::Auto, Framing::Digit);
    assert_eq!(extent(&photo), [10, 4, 18, 24]);
}

#[test]
fn of_unknown_data_sets_the_whole_picture_is_kept_with_its_background() {
    let image = boxed(56, 28, 250, 10, [0, 0, 28, 28]);
    let photo = convert(&image.into(), [28, 28], Invert::Auto, Framing::Whole);
    let at = |x: usize, y: usize| photo.pixels[y * 28 + x];
    assert_eq!([at(0, 0), at(5, 14), at(20, 14), at(0, 27)], [250, 10, 250, 250]);
    assert_eq!(photo.converted, "fitted to 28×28");
}

#[test]
fn what_is_transparent_is_behind_the_object() {
    for (light, words) in [(20, "put on white, inverted, fitted to 28×28"), (230, "put on black, fitted to 28×28")] {
        let image = GrayAlphaImage::from_fn(60, 60, |x, _| LumaA([light, if x > 30 { 255 } else { 0 }]));
        let photo = convert(&image.into(), [28, 28], Invert::Auto, Framing::Full);
        assert_eq!(photo.converted, words);
        assert_eq!(photo.pixels[14 * 28 + 14], 255, "{words}");
    }
    let solid = GrayAlphaImage::from_pixel(28, 28, LumaA([9, 255]));
    assert_eq!(convert(&solid.into(), [28, 28], Invert::Auto, Framing::Full).converted, "unchanged");
}

#[test]
fn colors_pictures_without_contrast_and_extreme_shapes_are_taken() {
    let color = RgbImage::from_pixel(28, 28, Rgb([10, 20, 30]));
    assert_eq!(convert(&color.into(), [28, 28], Invert::Auto, Framing::Full).converted, "gray");
    let equal = RgbImage::from_pixel(28, 28, Rgb([30, 30, 30]));
    assert_eq!(convert(&equal.into(), [28, 28], Invert::Auto, Framing::Full).converted, "unchanged");
    for (width, height) in [(1, 1), (1, 500), (500, 1), (29, 28), (3, 2)] {
        for framing in [Framing::Full, Framing::Margin, Framing::Digit, Framing::Whole] {
            for size in [[28, 28], [1, 1], [5, 9]] {
                let image = boxed(width, height, 40, 90, [0, 0, width / 2, height]);
                assert_eq!(convert(&image.into(), size, Invert::Auto, framing).pixels.len(), size[0] * size[1]);
            }
        }
    }
}

#[test]
fn shrinking_keeps_the_mean() {
    let image = GrayImage::from_fn(31, 17, |x, y| Luma([(x * 7 + y * 5) as u8]));
    let small = shrunk(&image, 5, 4);
    let mean = |image: &GrayImage| image.iter().map(|&v| f64::from(v)).sum::<f64>() / image.len() as f64;
    assert!((mean(&image) - mean(&small)).abs() < 0.5, "{} {}", mean(&image), mean(&small));
}

#[test]
fn bytes_that_are_no_image_are_named() {
    let error = read("a.png", b"nonsense", [28, 28], Invert::Auto, Framing::Full).unwrap_err().to_string();
    assert!(error.starts_with("`a.png` is damaged") && error.contains("hint: convert it"), "{error}");
}
