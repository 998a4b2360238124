//! The colors: Okabe and Ito's sky blue and vermilion, which color-blind readers tell apart, and grays.
//!
//! Both are light enough for `INK` on all their shades, so that no text has to change its color.

use std::fmt;

/// A color in sRGB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Color(pub [u8; 3]);

/// What everything is drawn on.
pub(crate) const PAPER: Color = Color([255, 255, 255]);
/// Text.
pub(crate) const INK: Color = Color([18, 18, 22]);
/// Text of less weight.
pub(crate) const MUTED: Color = Color([92, 92, 102]);
/// Where there is nothing.
pub(crate) const EMPTY: Color = Color([244, 244, 247]);
/// What is right.
pub(crate) const BLUE: Color = Color([86, 180, 233]);
/// What is wrong.
pub(crate) const VERMILION: Color = Color([213, 94, 0]);

impl Color {
    /// The color `share` [0, 1] of the way to `other`.
    pub(crate) fn mix(self, other: Self, share: f64) -> Self {
        let share = share.clamp(0.0, 1.0);
        Self(std::array::from_fn(|i| {
            let (from, to) = (f64::from(self.0[i]), f64::from(other.0[i]));
            (from + (to - from) * share).round() as u8
        }))
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Color {
        /// Contrast ratio [1, 21] as WCAG 2 defines it.
        fn contrast(self, other: Self) -> f64 {
            let (a, b) = (self.luminance(), other.luminance());
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        }

        /// Relative luminance [0, 1] as WCAG 2 defines it.
        fn luminance(self) -> f64 {
            let linear = self.0.map(|v| {
                let v = f64::from(v) / 255.0;
                if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        }
    }

    #[test]
    fn text_is_legible_on_every_shade() {
        for hue in [BLUE, VERMILION] {
            for i in 0..=100 {
                let shade = PAPER.mix(hue, f64::from(i) / 100.0);
                assert!(shade.contrast(INK) >= 4.5, "{shade}");
            }
        }
        assert!(PAPER.contrast(MUTED) >= 4.5 && EMPTY.contrast(MUTED) >= 4.5);
    }
}
