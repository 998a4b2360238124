//! Labels that look wrong: the model sees hardly a trace of the class that an image is said to have, and the training
//! images that look like it are of the class that the model sees.

use handloom_engine::nearest::Near;
use serde_json::Value;

use super::OF_A_LIST;
use super::examples::{Known, of_near};
use super::predictions::Predictions;

/// A class with less probability is no option for the model.
const TRACE: f32 = 0.01;
/// Images that are looked at, those first whose class has the least probability.
const LOOKED_AT: usize = 120;
/// Training images that are asked, and how many of them have to agree with the model.
const ASKED: usize = 5;
const AGREE: usize = 4;

/// Images whose label looks wrong.
pub(super) struct Suspects {
    /// Number of images found.
    pub(super) count: usize,
    places: Vec<usize>,
    near: Vec<Vec<Near>>,
}

/// The suspects among the wrong ones, the least probable label first.
pub(super) fn of(judged: &Predictions, known: &Known) -> Suspects {
    let truth = |place: usize| judged.odds(place)[judged.truth(place)];
    let mut places: Vec<usize> =
        (0..judged.len()).filter(|&place| judged.is_wrong(place) && truth(place) < TRACE).collect();
    places.sort_by(|&a, &b| truth(a).total_cmp(&truth(b)));
    places.truncate(LOOKED_AT);
    let near = known.near(judged, &places, ASKED);
    let agrees = |(place, near): &(usize, Vec<Near>)| {
        let predicted = judged.predicted(*place);
        near.iter().filter(|near| known.label(**near) == predicted).count() >= AGREE
    };
    let (places, near): (Vec<_>, Vec<_>) = places.into_iter().zip(near).filter(agrees).unzip();
    Suspects { count: places.len(), places, near }
}

impl Suspects {
    /// As they are answered.
    pub(super) fn to_value(&self, judged: &Predictions, known: &Known) -> Value {
        let shown = self.count.min(OF_A_LIST);
        of_near(judged, &self.places[..shown], self.count, &self.near[..shown], known)
    }
}
