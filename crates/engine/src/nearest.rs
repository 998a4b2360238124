//! The images that are nearest to others: exact, by every pixel, in whole numbers.
//!
//! Images that are looked for stay in the cache while those of a data set pass by once, and a comparison ends as soon as
//! an image is farther away than the farthest that is kept. What is found is the same for any number of threads.

use std::num::NonZero;
use std::thread;

use crate::dataset::Dataset;
use crate::kernel::{Isa, Task};
use crate::parallel::parallel;

/// Pixels that are compared before it is asked whether to go on: their squares fit 32 bits.
const BLOCK: usize = 112;

/// An image of a data set that is near another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Near {
    /// Sum of the squared differences of all pixels, which are 0 to 255.
    pub squared: u64,
    /// Its row.
    pub row: u32,
}

impl Near {
    /// Root of the mean squared difference of a pixel, in `[0, 1]`, of images with so many pixels.
    pub fn distance(self, pixels: usize) -> f64 {
        (self.squared as f64 / pixels.max(1) as f64).sqrt() / 255.0
    }
}

/// The `count` images among the rows `rows` of `data` that are nearest to each image of `wanted`: the nearest first, of
/// equals the lower row. Fewer if there are fewer.
pub fn nearest(wanted: &[&[u8]], data: &Dataset, rows: &[u32], count: usize) -> Vec<Vec<Near>> {
    let pixels = data.pixels();
    assert!(wanted.iter().all(|image| image.len() == pixels), "images have {pixels} pixels");
    if count == 0 || wanted.is_empty() {
        return vec![Vec::new(); wanted.len()];
    }
    let isa = Isa::best();
    let search = |rows: &[u32]| isa.run(Search { wanted, data, rows, count });
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let mut parts = parallel(rows.chunks(rows.len().div_ceil(threads).max(1)), search).into_iter();
    let mut found = parts.next().unwrap_or_else(|| search(&[]));
    for other in parts {
        for (found, other) in found.iter_mut().zip(other) {
            found.extend(other);
            found.sort_unstable();
            found.truncate(count);
        }
    }
    found
}

/// A search by one thread.
struct Search<'a> {
    wanted: &'a [&'a [u8]],
    data: &'a Dataset,
    rows: &'a [u32],
    count: usize,
}

impl Task for Search<'_> {
    type Output = Vec<Vec<Near>>;

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(self) -> Self::Output {
        let mut found = vec![Vec::with_capacity(self.count + 1); self.wanted.len()];
        for &row in self.rows {
            let image = self.data.image(row as usize);
            for (wanted, found) in self.wanted.iter().zip(&mut found) {
                let farthest =
                    found.last().filter(|_| found.len() == self.count).map_or(u64::MAX, |near: &Near| near.squared);
                let near = Near { squared: squared(wanted, image, farthest), row };
                if near.squared < farthest || found.len() < self.count {
                    let at = found.partition_point(|known| *known < near);
                    found.insert(at, near);
                    found.truncate(self.count);
                }
            }
        }
        found
    }
}

/// The squared distance of two images, or anything above `enough` if it is above.
#[inline(always)]
fn squared(a: &[u8], b: &[u8], enough: u64) -> u64 {
    let mut sum = 0;
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        let square = |(&a, &b): (&u8, &u8)| {
            let difference = i16::from(a) - i16::from(b);
            i32::from(difference) * i32::from(difference)
        };
        sum += a.iter().zip(b).map(square).sum::<i32>() as u64;
        if sum > enough {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_those_that_a_plain_search_finds() {
        let data = Dataset::noise(500, 301, 3);
        let rows: Vec<u32> = (0..500).filter(|row| row % 3 != 0).collect();
        let wanted: Vec<&[u8]> = [0, 3, 77, 499].map(|row| data.image(row)).into();
        let found = nearest(&wanted, &data, &rows, 4);
        for (wanted, found) in wanted.iter().zip(found) {
            let squared = |row: u32| {
                let pixels = wanted.iter().zip(data.image(row as usize));
                pixels.map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum::<u64>()
            };
            let mut all: Vec<Near> = rows.iter().map(|&row| Near { squared: squared(row), row }).collect();
            all.sort_unstable();
            assert_eq!(found, all[..4]);
        }
    }

    #[test]
    fn of_equals_the_lower_row_is_nearer_and_distances_are_shares_of_the_largest() {
        let data = Dataset {
            images: std::sync::Arc::new([vec![255; 4], vec![0; 4], vec![0; 4], vec![0; 4]].concat()),
            labels: std::sync::Arc::new(vec![0; 4]),
            shape: vec![2, 2],
            classes: vec!["x".into()],
        };
        let found = nearest(&[&[0; 4]], &data, &[0, 1, 2, 3], 2);
        assert_eq!(found[0].iter().map(|near| near.row).collect::<Vec<_>>(), [1, 2]);
        let all = nearest(&[&[0; 4]], &data, &[0, 1], 9);
        assert_eq!(all[0].iter().map(|near| near.distance(4)).collect::<Vec<_>>(), [0.0, 1.0]);
        assert_eq!(nearest(&[&[0; 4]], &data, &[], 3), [vec![]]);
    }
}
