//! Misclassified images, with their true and predicted classes.

use handloom_engine::dataset::Dataset;

use crate::canvas::{Anchor, BODY, Canvas, HEAD, MARGIN, NOTE};
use crate::color::EMPTY;
use crate::picture::Picture;
use crate::samples::{image, sides};
use crate::text::elide;

/// Height of an image, space between cards, and cards in a line.
const SIDE: f64 = 84.0;
const GUTTER: f64 = 18.0;
const ACROSS: usize = 8;
/// Width of a card.
const CARD: f64 = 112.0;

/// A misclassified image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mistake {
    /// Its row in the dataset.
    pub row: usize,
    /// Number of the predicted class.
    pub predicted: usize,
    /// Confidence of the prediction, in `[0, 1]`.
    pub confidence: f64,
}

/// A picture of `mistakes` in images of `data`.
pub fn mistakes(title: &str, caption: String, data: &Dataset, mistakes: &[Mistake]) -> Picture {
    let [rows, columns] = sides(&data.shape);
    let scale = SIDE / rows.max(columns).max(1) as f64;
    let [w, h] = [columns, rows].map(|side| (side as f64 * scale).max(1.0));
    let mut canvas = Canvas::default();
    for (at, mistake) in mistakes.iter().enumerate() {
        let x = MARGIN + (at % ACROSS) as f64 * (CARD + GUTTER);
        let y = HEAD + (at / ACROSS) as f64 * (SIDE + 44.0 + GUTTER);
        let [is, taken] =
            [usize::from(data.labels[mistake.row]), mistake.predicted].map(|class| data.classes[class].as_str());
        let sure = format!("{:.0} %", 100.0 * mistake.confidence);
        let tip = format!("image {}: {is}, taken for {taken} with {sure}", mistake.row);
        canvas.with_tip(&tip, |canvas| {
            if rows * columns > 0 {
                canvas.image([x, y, w, h], &image(data.image(mistake.row), [rows, columns], w));
            } else {
                canvas.rect([x, y, SIDE, SIDE], EMPTY);
            }
            canvas.text([x, y + SIDE + 16.0], Anchor::Start, BODY, &elide(is, BODY.size, BODY.bold, CARD));
            let words = elide(&format!("→ {taken} {sure}"), NOTE.size, NOTE.bold, CARD);
            canvas.text([x, y + SIDE + 32.0], Anchor::Start, NOTE, &words);
        });
    }
    let lines = mistakes.len().div_ceil(ACROSS) as f64;
    let wide = ACROSS.min(mistakes.len().max(1)) as f64 * (CARD + GUTTER);
    canvas.finish(title, caption, [wide + 2.0 * MARGIN, HEAD + lines * (SIDE + 44.0 + GUTTER) + MARGIN])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_mistake_says_what_it_is_and_what_it_is_taken_for() {
        let data = Dataset {
            images: Arc::new((0..=255).cycle().take(4 * 9).collect()),
            labels: Arc::new(vec![0, 1, 0, 1]),
            shape: vec![3, 3],
            classes: vec!["<shirt>".into(), "coat".into()],
        };
        let found =
            [Mistake { row: 2, predicted: 1, confidence: 0.987 }, Mistake { row: 3, predicted: 0, confidence: 0.5 }];
        let picture = mistakes("Mistakes", "two".into(), &data, &found);
        assert!(picture.svg.contains("image 2: &lt;shirt&gt;, taken for coat with 99 %"), "{}", picture.svg);
        assert_eq!(picture.svg.matches("<image").count(), 2);
        assert!(picture.to_png().is_ok() && mistakes("None", String::new(), &data, &[]).to_png().is_ok());
    }
}
