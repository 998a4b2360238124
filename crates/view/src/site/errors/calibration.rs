//! Calibration: confidence of a model against its accuracy.

use serde_json::{Value, json};

use super::super::columns::number;
use super::predictions::Predictions;

/// The bins of the calibration error.
const BINS: usize = 15;

/// Images about which a model was between two degrees of confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bin {
    pub(super) images: u64,
    pub(super) right: u64,
    /// Summed confidence.
    sure: f64,
}

impl Bin {
    /// Mean confidence; none without images.
    pub(super) fn confidence(&self) -> Option<f64> {
        (self.images > 0).then(|| self.sure / self.images as f64)
    }

    /// Share of images that were right; none without images.
    pub(super) fn accuracy(&self) -> Option<f64> {
        (self.images > 0).then(|| self.right as f64 / self.images as f64)
    }
}

/// Images by how sure the model was of them, in `((b−1)/15, b/15]`.
pub(super) fn bins(judged: &Predictions) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for place in 0..judged.len() {
        let sure = f64::from(judged.confidence(place));
        let bin = &mut bins[((sure * BINS as f64).ceil() as usize).clamp(1, BINS) - 1];
        bin.images += 1;
        bin.right += u64::from(!judged.is_wrong(place));
        bin.sure += sure;
    }
    bins
}

/// Bins as they are answered.
pub(super) fn values(bins: &[Bin; BINS]) -> Value {
    let edge = |number: usize| number as f64 / BINS as f64;
    let value = |(at, bin): (usize, &Bin)| {
        json!({
            "low": edge(at), "high": edge(at + 1), "images": bin.images, "confidence": number(bin.confidence()),
            "accuracy": number(bin.accuracy()),
        })
    };
    bins.iter().enumerate().map(value).collect()
}
