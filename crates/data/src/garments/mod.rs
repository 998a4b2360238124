//! Garments: a look-alike of Fashion-MNIST that needs no file and no network, because Handloom draws it.
//!
//! Ten classes with Fashion-MNIST's names in its order, 12,000 training and 2,000 test images of 28x28 pixels, each
//! class equally often. Size, place, turn, cut, brightness, pattern and noise vary; T-shirt, pullover, coat and
//! shirt overlap, so that a linear model stays below a network with hidden layers. Every image depends on its number
//! alone. To change a drawing is to make a new dataset: the tests check its SHA-256.

mod canvas;
mod clothes;
mod shoes;

use std::sync::Arc;
use std::thread;

use handloom_engine::dataset::Dataset;
use handloom_engine::parallel;
use handloom_engine::rng::Rng;

use self::canvas::{Canvas, Dice, Pose, SIDE};
use crate::catalog::FASHION_CLASSES;

/// Adds one item of a class, mostly of the given light, to a canvas.
type Draw = fn(&mut Canvas, &mut Dice, f32);

/// The drawing of each class.
const ITEMS: [Draw; 10] = [
    clothes::t_shirt,
    clothes::trouser,
    clothes::pullover,
    clothes::dress,
    clothes::coat,
    shoes::sandal,
    clothes::shirt,
    shoes::sneaker,
    clothes::bag,
    shoes::boot,
];

/// The 12,000 training images.
pub fn train() -> Dataset {
    images("garments train", 12_000)
}

/// The 2,000 test images.
pub fn test() -> Dataset {
    images("garments test", 2_000)
}

fn images(part: &str, count: usize) -> Dataset {
    let mut pixels = vec![0; count * SIDE * SIDE];
    let share = count.div_ceil(thread::available_parallelism().map_or(1, usize::from));
    parallel((0..).step_by(share).zip(pixels.chunks_mut(share * SIDE * SIDE)), |(start, chunk)| {
        for (i, image) in (start..).zip(chunk.chunks_exact_mut(SIDE * SIDE)) {
            draw(i % 10, &mut Dice(Rng::stream(0, part, i as u64)), image);
        }
    });
    Dataset {
        images: Arc::new(pixels),
        labels: Arc::new((0..count).map(|i| (i % 10) as u8).collect()),
        shape: vec![SIDE, SIDE],
        classes: FASHION_CLASSES.map(String::from).to_vec(),
    }
}

fn draw(class: usize, dice: &mut Dice, image: &mut [u8]) {
    let mirrored = dice.chance(0.2);
    let mut canvas = Canvas::new(Pose::random(dice, mirrored));
    let light = dice.between(0.35, 0.95);
    ITEMS[class](&mut canvas, dice, light);
    pattern(&mut canvas, dice);
    let noise = dice.between(0.02, 0.07);
    for (pixel, light) in image.iter_mut().zip(canvas.light) {
        let light = if light > 0.0 { light * (1.0 + noise * dice.bell()) } else { 0.0 };
        *pixel = (light * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
    }
}

/// Stripes, checks or plain cloth, and a light that falls from one side.
fn pattern(canvas: &mut Canvas, dice: &mut Dice) {
    let (across, along) = (dice.chance(0.14), dice.chance(0.1));
    let (step, strength) = (dice.between(2.0, 6.0), dice.between(0.1, 0.5));
    let slope = [0.012 * dice.bell(), 0.012 * dice.bell()];
    for (i, light) in canvas.light.iter_mut().enumerate() {
        let (x, y) = ((i % SIDE) as f32, (i / SIDE) as f32);
        let striped = |on: bool, at: f32| if on && (at / step).fract() < 0.5 { 1.0 - strength } else { 1.0 };
        let falling = 1.0 + slope[0] * (x - 13.5) + slope[1] * (y - 13.5);
        *light = (*light * striped(across, y) * striped(along, x) * falling).clamp(0.0, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum;

    #[test]
    fn classes_are_balanced_and_no_image_is_blank_or_twice() {
        let (train, test) = (train(), test());
        assert_eq!((train.len(), test.len(), &train.shape[..]), (12_000, 2_000, &[28, 28][..]));
        for data in [&train, &test] {
            let mut counts = [0; 10];
            data.labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
            assert_eq!(counts, [data.len() / 10; 10]);
        }
        let all = (0..train.len()).map(|i| train.image(i)).chain((0..test.len()).map(|i| test.image(i)));
        let mut seen = std::collections::HashSet::new();
        for image in all {
            assert!(image.iter().filter(|&&pixel| pixel > 20).count() > 25);
            assert!(seen.insert(image.to_vec()));
        }
    }

    #[test]
    fn the_images_are_those_of_every_other_machine() {
        assert_eq!(checksum::of_dataset(&train()), "46fcdbf822ba9db12ea705d414458a31f6cb6c22494472134a791c7eeb0af958");
        assert_eq!(checksum::of_dataset(&test()), "dde92c03e97c88b5ba28c6f75506dbcfda7e2b62dd50d3779d30ca31a36a206b");
    }
}
