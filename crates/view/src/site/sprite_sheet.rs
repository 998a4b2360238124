//! Sheets: many small images as one picture, so that a page asks once and not two hundred times.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::imageops::thumbnail;
use image::{ExtendedColorType, GrayImage, ImageEncoder as _};
use serde_json::{Value, json};

use crate::samples::sides;

/// Most pixels of a side of a tile; larger images are shrunk.
const SIDE: usize = 64;

/// Images of `width` x `height` gray pixels, row by row, as one picture of equal tiles; null of none.
pub(super) fn sheet(tiles: &[&[u8]], width: usize, height: usize) -> Value {
    if tiles.is_empty() || width == 0 || height == 0 {
        return Value::Null;
    }
    let longer = width.max(height);
    let shrunk = |side: usize| if longer > SIDE { (side * SIDE / longer).max(1) } else { side };
    let (wide, high) = (shrunk(width), shrunk(height));
    let columns = tiles.len().isqrt() + usize::from(tiles.len().isqrt().pow(2) < tiles.len());
    let lines = tiles.len().div_ceil(columns);
    let across = columns * wide;
    let mut pixels = vec![0; across * lines * high];
    for (i, tile) in tiles.iter().enumerate() {
        let tile = fitted(tile, [width, height], [wide, high]);
        let corner = (i / columns) * high * across + (i % columns) * wide;
        for (y, line) in tile.chunks(wide).enumerate() {
            pixels[corner + y * across..][..wide].copy_from_slice(line);
        }
    }
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::NoFilter)
        .write_image(&pixels, across as u32, (lines * high) as u32, ExtendedColorType::L8)
        .expect("a vector takes all bytes, and there are as many as pixels");
    let png = format!("data:image/png;base64,{}", STANDARD.encode(png));
    json!({"width": wide, "height": high, "columns": columns, "count": tiles.len(), "png": png})
}

/// Images of any shape as a sheet: sides of one are left out, `[n]` becomes a near-square, more than two sides are stacked.
pub(super) fn sheet_of(tiles: &[&[u8]], shape: &[usize]) -> Value {
    let [height, width] = sides(shape);
    sheet(tiles, width, height)
}

/// A tile in its place's size; pixels that it lacks, as where a square is not full, are black.
fn fitted(tile: &[u8], [width, height]: [usize; 2], [wide, high]: [usize; 2]) -> Vec<u8> {
    let mut pixels = tile.to_vec();
    pixels.resize(width * height, 0);
    if [wide, high] == [width, height] {
        return pixels;
    }
    let image = GrayImage::from_raw(width as u32, height as u32, pixels).expect("as many bytes as pixels");
    thumbnail(&image, wide as u32, high as u32).into_raw()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The picture of a sheet.
    pub(in super::super) fn picture(sheet: &Value) -> GrayImage {
        let png = sheet["png"].as_str().unwrap().strip_prefix("data:image/png;base64,").unwrap();
        image::load_from_memory(&STANDARD.decode(png).unwrap()).unwrap().to_luma8()
    }

    #[test]
    fn tiles_lie_side_by_side_in_order() {
        let tiles: Vec<Vec<u8>> = (0..5).map(|i| vec![10 * i, 10 * i + 1, 10 * i + 2]).collect();
        let tiles: Vec<&[u8]> = tiles.iter().map(Vec::as_slice).collect();
        let sheet = sheet(&tiles, 3, 1);
        assert_eq!(
            [&sheet["width"], &sheet["height"], &sheet["columns"], &sheet["count"]],
            [&json!(3), &json!(1), &json!(3), &json!(5)]
        );
        let picture = picture(&sheet);
        assert_eq!(picture.dimensions(), (9, 2));
        assert_eq!(picture.into_raw(), [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42, 0, 0, 0]);
    }

    #[test]
    fn large_images_are_shrunk_short_ones_are_filled_and_none_is_null() {
        let large = vec![200; 300 * 100];
        let shrunk = sheet_of(&[&large], &[1, 100, 300]);
        assert_eq!((&shrunk["width"], &shrunk["height"]), (&json!(64), &json!(21)));
        assert!(picture(&shrunk).pixels().all(|pixel| pixel.0[0] == 200));
        let five = sheet_of(&[&[9; 5]], &[5]);
        assert_eq!(picture(&five).into_raw(), [9, 9, 9, 9, 9, 0]);
        assert_eq!((sheet(&[], 2, 2), sheet_of(&[&[]], &[0])), (Value::Null, Value::Null));
    }
}
