//! The face of a cell: the mean of the images that landed there, which shows why they did.

use serde_json::{Value, json};

use super::super::sprite_sheet::sheet_of;
use super::predictions::Predictions;

/// Most faces.
const MOST: usize = 300;
/// Most pixels of all faces together.
const PIXELS: usize = 1 << 23;
/// With more classes than this, those that were right have no face.
const FEW: usize = 40;

/// The mean image of each cell, and which tile it is, -1 where there is none; with many classes of the fullest cells alone.
pub(super) fn of(judged: &Predictions) -> Value {
    let (classes, counts) = (judged.classes(), &judged.confusion().counts);
    let pixels: usize = judged.shape().iter().product();
    let mut cells: Vec<(usize, usize)> = (0..classes).flat_map(|t| (0..classes).map(move |p| (t, p))).collect();
    cells.retain(|&(t, p)| counts[t][p] > 0 && (t != p || classes <= FEW));
    // The diagonal first, then by number.
    cells.sort_by_key(|&(t, p)| (t != p, std::cmp::Reverse(counts[t][p])));
    cells.truncate(MOST.min(PIXELS / pixels.max(1)));
    let mut index = vec![vec![-1_i64; classes]; classes];
    for (tile, &(t, p)) in cells.iter().enumerate() {
        index[t][p] = tile as i64;
    }
    let mut sums = vec![0_u32; cells.len() * pixels];
    for place in 0..judged.len() {
        if let Ok(tile) = usize::try_from(index[judged.truth(place)][judged.predicted(place)]) {
            add(&mut sums[tile * pixels..][..pixels], judged.image(place));
        }
    }
    let means: Vec<u8> = cells
        .iter()
        .enumerate()
        .flat_map(|(tile, &(t, p))| mean(&sums[tile * pixels..][..pixels], counts[t][p]))
        .collect();
    let tiles: Vec<&[u8]> = means.chunks(pixels.max(1)).collect();
    json!({"sheet": sheet_of(&tiles, judged.shape()), "index": index})
}

/// Adds an image to sums, which hold 16 million images.
pub(in super::super) fn add(sums: &mut [u32], image: &[u8]) {
    for (sum, &pixel) in sums.iter_mut().zip(image) {
        *sum += u32::from(pixel);
    }
}

/// The mean of `count` images, rounded.
pub(in super::super) fn mean(sums: &[u32], count: u64) -> impl Iterator<Item = u8> {
    let count = count.max(1);
    sums.iter().map(move |&sum| ((u64::from(sum) + count / 2) / count) as u8)
}
