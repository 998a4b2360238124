//! The colors of fills, Okabe and Ito's sky blue and vermilion, those of lines and dots, and grays.
//!
//! Fills are light enough for `INK` on all their shades, so that no text has to change its color. Lines and dots
//! are dark enough for white paper. Color-blind readers can tell each set's colors apart.

use std::fmt;

/// A color in sRGB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Color(pub [u8; 3]);

/// Background.
pub(crate) const PAPER: Color = Color([255, 255, 255]);
/// Text.
pub(crate) const INK: Color = Color([18, 18, 22]);
/// Text of less weight.
pub(crate) const MUTED: Color = Color([92, 92, 102]);
/// Empty cells.
pub(crate) const EMPTY: Color = Color([244, 244, 247]);
/// Correct predictions.
pub(crate) const BLUE: Color = Color([86, 180, 233]);
/// Mistakes.
pub(crate) const VERMILION: Color = Color([213, 94, 0]);
/// Lines of a grid.
pub(crate) const GRID: Color = Color([228, 228, 234]);
/// Lines and dots in the background, for comparison.
pub(crate) const CONTEXT: Color = Color([146, 146, 156]);
/// Distinct colors for lines and dots: blue, vermilion, green, plum, black, brown, violet, pink.
pub(crate) const LINES: [Color; 8] = [
    Color([0, 114, 178]),
    VERMILION,
    Color([0, 160, 122]),
    Color([153, 34, 102]),
    Color([22, 22, 26]),
    Color([106, 58, 10]),
    Color([148, 104, 240]),
    Color([208, 112, 168]),
];

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
            dot([0.2126, 0.7152, 0.0722], self.linear())
        }

        /// Light [0, 1] of each primary.
        fn linear(self) -> [f64; 3] {
            self.0.map(|v| {
                let v = f64::from(v) / 255.0;
                if v <= 0.040_45 { v / 12.92 } else { libm::pow((v + 0.055) / 1.055, 2.4) }
            })
        }
    }

    fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    /// CIE 1976 L*a*b* of linear sRGB under D65.
    fn lab(light: [f64; 3]) -> [f64; 3] {
        let light = light.map(|v| v.clamp(0.0, 1.0));
        let [x, y, z] = [
            dot([0.412_456, 0.357_576, 0.180_438], light) / 0.950_47,
            dot([0.212_673, 0.715_152, 0.072_175], light),
            dot([0.019_334, 0.119_192, 0.950_304], light) / 1.088_83,
        ]
        .map(|t| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// Machado, Oliveira & Fernandes (2009), *A Physiologically-based Model for Simulation of Color Vision
    /// Deficiency*: full vision, then protanopia, deuteranopia and tritanopia.
    const VISIONS: [[[f64; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ];

    #[test]
    fn lines_stand_out_from_paper_and_from_each_other_for_every_kind_of_vision() {
        for (i, a) in LINES.into_iter().enumerate() {
            assert!(a.contrast(PAPER) >= 3.0, "{a}");
            for b in LINES.into_iter().skip(i + 1) {
                for vision in VISIONS {
                    let [a, b] = [a, b].map(|color| lab(vision.map(|row| dot(row, color.linear()))));
                    let apart = (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>().sqrt();
                    assert!(apart >= 15.0, "{a:?} {b:?}: {apart}");
                }
            }
        }
        assert!(CONTEXT.contrast(PAPER) >= 3.0);
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
