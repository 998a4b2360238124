//! Labelled images as bytes, and their split into training and validation data.
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

    /// True if there is no image.
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

    /// Explanation if a validation share above 0 selects no image, such as
    /// `val_fraction 0.1 of 2 images a class is none`.
    pub fn empty_validation(&self, share: f64) -> Option<String> {
        let mut counts = vec![0_usize; self.classes.len()];
        for &label in self.labels.iter() {
            counts[usize::from(label)] += 1;
        }
        counts.retain(|&count| count > 0);
        let (least, most) = (*counts.iter().min()?, *counts.iter().max()?);
        let at_most = if least == most { "" } else { "at most " };
        let images = if most == 1 { "image" } else { "images" };
        let is_none = share > 0.0 && (most as f64 * share).round() < 1.0;
        is_none.then(|| format!("val_fraction {share} of {at_most}{most} {images} a class is none"))
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
    fn a_share_that_keeps_no_image_is_told() {
        let told = |labels: &[u8], share| labelled(labels.to_vec()).empty_validation(share);
        assert_eq!(told(&[0, 0, 1, 1], 0.1).unwrap(), "val_fraction 0.1 of 2 images a class is none");
        assert_eq!(told(&[0, 1, 1], 0.1).unwrap(), "val_fraction 0.1 of at most 2 images a class is none");
        assert_eq!(told(&[0, 1], 0.1).unwrap(), "val_fraction 0.1 of 1 image a class is none");
        assert_eq!([told(&[0, 0, 1, 1], 0.0), told(&[0, 0, 1, 1], 0.3), told(&[], 0.1)], [None, None, None]);
        for n in 1..40 {
            let data = labelled(vec![0; n]);
            assert_eq!(data.empty_validation(0.1).is_some(), data.split(0.1).1.is_empty(), "{n}");
        }
    }

    #[test]
    fn a_share_of_zero_keeps_every_row_for_training() {
        let (train, held) = labelled(vec![0, 1, 2, 0]).split(0.0);
        assert_eq!((train, held), (vec![0, 1, 2, 3], vec![]));
    }
}
