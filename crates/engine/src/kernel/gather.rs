//! Reading a batch: rows of bytes become panels of numbers in `[0, 1]`.

use super::{LANES, Lanes, Task};

/// Writes `images[rows[b]] / 255` into panels.
pub(crate) struct Gather<'a> {
    /// Pixels of all images, one after the other.
    pub(crate) images: &'a [u8],
    /// Pixels of one image, I.
    pub(crate) pixels: usize,
    /// Images to read (B).
    pub(crate) rows: &'a [u32],
    /// `[I / 16][B][16]`; overwritten, pixels past the last are 0.
    pub(crate) out: &'a mut [Lanes],
}

impl Task for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(self) {
        // Panel after panel, so that what is written lies in a row; the images stay in the cache meanwhile.
        for (number, panel) in self.out.chunks_exact_mut(self.rows.len()).enumerate() {
            let whole = (number + 1) * LANES <= self.pixels;
            let rest = self.pixels - number * LANES;
            for (lanes, &row) in panel.iter_mut().zip(self.rows) {
                let from = row as usize * self.pixels + number * LANES;
                *lanes = if whole {
                    scaled(self.images[from..].first_chunk().expect("16 pixels of the image"))
                } else {
                    let mut pixels = [0; LANES];
                    pixels[..rest].copy_from_slice(&self.images[from..][..rest]);
                    scaled(&pixels)
                };
            }
        }
    }
}

#[inline(always)]
fn scaled(pixels: &[u8; LANES]) -> Lanes {
    let mut lanes = Lanes::ZERO;
    for (x, &pixel) in lanes.0.iter_mut().zip(pixels) {
        *x = f32::from(pixel) * (1.0 / 255.0);
    }
    lanes
}
