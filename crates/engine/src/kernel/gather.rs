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
    /// First panel to write.
    pub(crate) first: usize,
    /// `[I / 16][B][16]` from panel `first` on; overwritten, pixels past the last are 0.
    pub(crate) out: &'a mut [Lanes],
}

impl Task for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const P: usize>(self) {
        for (b, &row) in self.rows.iter().enumerate() {
            let image = &self.images[row as usize * self.pixels..][..self.pixels];
            let (whole, rest) = image.as_chunks::<LANES>();
            let panels = self.out.chunks_exact_mut(self.rows.len());
            for (number, panel) in (self.first..).zip(panels) {
                panel[b] = if let Some(pixels) = whole.get(number) {
                    scaled(pixels)
                } else {
                    let mut pixels = [0; LANES];
                    pixels[..rest.len()].copy_from_slice(rest);
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
