//! Labelled images as bytes, and how they are split and put in order.
//!
//! Pixels stay `u8`: a network scales them to `[0, 1]` as it reads a batch, so that 60,000 images of
//! 784 pixels take 47 MB and not 188 MB.

use std::sync::Arc;

use crate::rng::Rng;

/// Labelled images of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Pixels of all images, one after the other (n · pixels), 0 to 255.
    pub images: Arc<Vec<u8>>,
    /// Class of each image (n), each below `classes.len()`.
    pub labels: Arc<Vec<u8>>,
    /// Shape of one image, such as `[28, 28]`.
    pub shape: Vec<usize>,
    /// Name of each class, at most 256.
    pub classes: Vec<String>,
}

impl Dataset {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Pixels of one image.
    pub fn pixels(&self) -> usize {
        self.shape.iter().product()
    }

    /// Pixels of image `i`.
    pub fn image(&self, i: usize) -> &[u8] {
        &self.images[i * self.pixels()..][..self.pixels()]
    }

    /// Row numbers for training and for validation, each in file order.
    ///
    /// The split depends on the labels and the share alone, never on a run's seed: of each class
    /// `round(n · share)` rows, chosen by a fixed stream, are kept for validation.
    pub fn split(&self, share: f64) -> (Vec<u32>, Vec<u32>) {
        let mut by_class = vec![Vec::new(); self.classes.len()];
        for (row, &label) in self.labels.iter().enumerate() {
            by_class[usize::from(label)].push(row as u32);
        }
        let mut held = vec![false; self.len()];
        for (class, rows) in by_class.iter_mut().enumerate() {
            let count = (rows.len() as f64 * share).round() as usize;
            Rng::stream(0, "split", class as u64).shuffle(rows);
            for &row in &rows[..count.min(rows.len())] {
                held[row as usize] = true;
            }
        }
        (0..self.len() as u32).partition(|&row| !held[row as usize])
    }
}

#[cfg(test)]
impl Dataset {
    /// Images of noise with labels of chance: the same at each call.
    pub(crate) fn noise(images: usize, pixels: usize, classes: usize) -> Self {
        let mut rng = crate::rng::Rng::stream(1, "data", 0);
        Self {
            images: Arc::new((0..images * pixels).map(|_| rng.below(256) as u8).collect()),
            labels: Arc::new((0..images).map(|_| rng.below(classes as u64) as u8).collect()),
            shape: vec![pixels],
            classes: (0..classes).map(|class| class.to_string()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(labels: Vec<u8>) -> Dataset {
        let classes = (0..3).map(|i| i.to_string()).collect();
        Dataset { images: Arc::new(vec![0; labels.len()]), labels: Arc::new(labels), shape: vec![1], classes }
    }

    #[test]
    fn a_split_is_stratified_and_leaves_no_row_out() {
        let data = labelled((0..1000).map(|i| if i % 10 == 0 { 2 } else { i as u8 % 2 }).collect());
        let (train, held) = data.split(0.1);
        let count = |class| held.iter().filter(|&&row| data.labels[row as usize] == class).count();
        assert_eq!([count(0), count(1), count(2)], [40, 50, 10]);
        let mut all = [train, held].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1000));
    }

    #[test]
    fn a_share_of_zero_keeps_every_row_for_training() {
        let (train, held) = labelled(vec![0, 1, 2, 0]).split(0.0);
        assert_eq!((train, held), (vec![0, 1, 2, 3], vec![]));
    }
}
