//! A canvas of 28x28 pixels on which polygons are filled with smooth edges.
//!
//! Coordinates run from -1 to 1, `x` to the right and `y` down, before the pose moves them. Only `+ - * /` and
//! square roots touch a pixel, so that the images are the same on every machine.

use handloom_engine::rng::Rng;

/// Pixels a side.
pub(super) const SIDE: usize = 28;

/// Lines per row of pixels along which an edge is followed.
const LINES: usize = 4;

/// A place: `x` to the right, `y` down.
pub(super) type Point = [f32; 2];

/// Random numbers of one image.
pub(super) struct Dice(pub(super) Rng);

impl Dice {
    /// Uniform in `[low, high)`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.0.unit() as f32)
    }

    /// True with probability `p`.
    pub(super) fn chance(&mut self, p: f32) -> bool {
        (self.0.unit() as f32) < p
    }

    /// Roughly normal, mean 0, deviation 1: the sum of four 16-bit uniforms.
    pub(super) fn bell(&mut self) -> f32 {
        let bits = self.0.bits();
        let sum: u64 = (0..4).map(|i| bits >> (16 * i) & 0xffff).sum();
        (sum as f32 / 65536.0 - 2.0) * 1.732
    }
}

/// Scale, rotation and shift of an item in the frame.
#[derive(Clone, Copy)]
pub(super) struct Pose {
    scale: Point,
    turn: f32,
    shift: Point,
}

impl Pose {
    /// A slightly moved, turned and stretched item; `mirrored` swaps left and right.
    pub(super) fn random(dice: &mut Dice, mirrored: bool) -> Self {
        let size = dice.between(0.78, 1.0);
        let wide = size * dice.between(0.86, 1.1);
        let scale = [if mirrored { -wide } else { wide }, size];
        Self { scale, turn: 0.07 * dice.bell(), shift: [0.07 * dice.bell(), 0.06 * dice.bell()] }
    }

    fn place(&self, [x, y]: Point) -> Point {
        // Sine and cosine of a small angle, without a mathematics library.
        let (sin, cos) = (self.turn, 1.0 - self.turn * self.turn / 2.0);
        let (x, y) = (x * self.scale[0], y * self.scale[1]);
        let half = SIDE as f32 / 2.0;
        [half * (1.0 + x * cos - y * sin + self.shift[0]), half * (1.0 + x * sin + y * cos + self.shift[1])]
    }
}

/// Light of each pixel, 0 (background) to 1.
pub(super) struct Canvas {
    /// Row by row.
    pub(super) light: [f32; SIDE * SIDE],
    pose: Pose,
}

impl Canvas {
    pub(super) fn new(pose: Pose) -> Self {
        Self { light: [0.0; SIDE * SIDE], pose }
    }

    /// Fills the inside of a closed outline.
    pub(super) fn fill(&mut self, outline: &[Point], light: f32) {
        let points: Vec<Point> = outline.iter().map(|&point| self.pose.place(point)).collect();
        let low = points.iter().fold(f32::MAX, |low, p| low.min(p[1])).clamp(0.0, SIDE as f32) as usize;
        let high = points.iter().fold(f32::MIN, |high, p| high.max(p[1])).clamp(0.0, SIDE as f32 - 1.0) as usize;
        let mut crossings = Vec::with_capacity(8);
        for row in low..=high {
            let mut cover = [0.0_f32; SIDE];
            for line in 0..LINES {
                let y = row as f32 + (line as f32 + 0.5) / LINES as f32;
                crossings.clear();
                let mut last = points[points.len() - 1];
                for &point in &points {
                    if (last[1] <= y) != (point[1] <= y) {
                        crossings.push(last[0] + (y - last[1]) / (point[1] - last[1]) * (point[0] - last[0]));
                    }
                    last = point;
                }
                crossings.sort_unstable_by(f32::total_cmp);
                crossings.chunks_exact(2).for_each(|span| add_span(&mut cover, span[0], span[1]));
            }
            for (pixel, cover) in self.light[row * SIDE..][..SIDE].iter_mut().zip(cover) {
                let share = (cover / LINES as f32).min(1.0);
                *pixel += share * (light - *pixel);
            }
        }
    }

    /// Fills an outline and its mirror image.
    pub(super) fn fill_both(&mut self, outline: &[Point], light: f32) {
        self.fill(outline, light);
        let other: Vec<Point> = outline.iter().map(|&[x, y]| [-x, y]).collect();
        self.fill(&other, light);
    }

    /// Draws a line of some width.
    pub(super) fn line(&mut self, from: Point, to: Point, width: f32, light: f32) {
        let (x, y) = (to[0] - from[0], to[1] - from[1]);
        let half = width / 2.0 / (x * x + y * y).sqrt().max(1e-6);
        let (x, y) = (-y * half, x * half);
        self.fill(
            &[[from[0] + x, from[1] + y], [to[0] + x, to[1] + y], [to[0] - x, to[1] - y], [from[0] - x, from[1] - y]],
            light,
        );
    }
}

/// Adds to each pixel of a row the share that lies between `from` and `to`.
fn add_span(cover: &mut [f32; SIDE], from: f32, to: f32) {
    let (from, to) = (from.clamp(0.0, SIDE as f32), to.clamp(0.0, SIDE as f32));
    for (x, cover) in cover.iter_mut().enumerate().take(to.ceil() as usize).skip(from as usize) {
        *cover += (to.min(x as f32 + 1.0) - from.max(x as f32)).max(0.0);
    }
}

/// The closed outline whose right half is `half`, from the top to the bottom.
pub(super) fn symmetric(half: &[Point]) -> Vec<Point> {
    half.iter().copied().chain(half.iter().rev().map(|&[x, y]| [-x, y])).collect()
}

/// The outline with its corners cut off (Chaikin, 1974).
pub(super) fn rounded(outline: &[Point]) -> Vec<Point> {
    let next = outline.iter().cycle().skip(1);
    let cut = |a: &Point, b: &Point, t: f32| [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
    outline.iter().zip(next).flat_map(|(a, b)| [cut(a, b, 0.25), cut(a, b, 0.75)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_covers_its_area_wherever_its_edges_lie() {
        let pose = Pose { scale: [1.0, 1.0], turn: 0.0, shift: [0.013, 0.0] };
        let mut canvas = Canvas::new(pose);
        canvas.fill(&[[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]], 1.0);
        assert!((canvas.light.iter().sum::<f32>() - 196.0).abs() < 0.01);
        canvas.fill(&[[-9.0, -9.0], [9.0, -9.0], [9.0, 9.0], [-9.0, 9.0]], 0.5);
        assert!(canvas.light.iter().all(|&light| light == 0.5));
    }
}
