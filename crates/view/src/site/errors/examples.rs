//! Images with what was thought of them, and the training images nearest to them.

use std::sync::Arc;

use handloom_engine::dataset::Dataset;
use handloom_engine::nearest::{Near, nearest};
use handloom_store::Run;
use serde_json::{Value, json};

use super::super::sprite_sheet::sheet_of;
use super::super::{ApiError, Site};
use super::predictions::{Predictions, share};

/// Classes told of each image, the most probable ones.
const TOP: usize = 3;
/// Nearest training images of each image.
const NEAR: usize = 3;

/// The images that a run was trained on.
pub(crate) struct Known {
    data: Arc<Dataset>,
    rows: Vec<u32>,
}

impl Known {
    /// Those of `run`.
    pub(crate) fn of(site: &Site, run: &Run) -> Result<Self, ApiError> {
        let data = site.host.train(run)?;
        let rows = data.split(share(run)).0;
        Ok(Self { data, rows })
    }

    /// The rows `rows` of `data`.
    #[cfg(test)]
    pub(super) fn new(data: Arc<Dataset>, rows: Vec<u32>) -> Self {
        Self { data, rows }
    }

    /// The nearest of them to each of the images in `places`.
    pub(super) fn near(&self, judged: &Predictions, places: &[usize], count: usize) -> Vec<Vec<Near>> {
        // Test images may be of another size than training images, where folders say so.
        if self.data.shape != judged.shape() {
            return vec![Vec::new(); places.len()];
        }
        let wanted: Vec<&[u8]> = places.iter().map(|&place| judged.image(place)).collect();
        nearest(&wanted, &self.data, &self.rows, count)
    }

    /// Class of a training image.
    pub(super) fn label(&self, near: Near) -> usize {
        self.data.labels[near.row as usize].into()
    }
}

/// Places of the images that are wanted, those first that the model was surest of.
pub(crate) fn surest_first(judged: &Predictions, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut places: Vec<usize> = (0..judged.len()).filter(|&place| wanted(place)).collect();
    places.sort_by(|&a, &b| judged.confidence(b).total_cmp(&judged.confidence(a)));
    places
}

/// The first `most` of the images in `places` as examples.
pub(crate) fn examples(judged: &Predictions, places: &[usize], most: usize, known: &Known) -> Value {
    let shown = &places[..places.len().min(most)];
    let near = known.near(judged, shown, NEAR);
    of_near(judged, shown, places.len(), &near, known)
}

/// Examples of the images in `shown`, of which there are `count` in all, with the images near them.
pub(super) fn of_near(judged: &Predictions, shown: &[usize], count: usize, near: &[Vec<Near>], known: &Known) -> Value {
    let near: Vec<&[Near]> = near.iter().map(|near| &near[..near.len().min(NEAR)]).collect();
    let list: Vec<Value> = shown.iter().zip(&near).map(|(&place, near)| example(judged, place, near, known)).collect();
    let tiles: Vec<&[u8]> = shown.iter().map(|&place| judged.image(place)).collect();
    // Every example has its three places, also where there are fewer training images.
    let blank = vec![0; judged.shape().iter().product()];
    let tile = |near: Option<&Near>| near.map_or(blank.as_slice(), |near| known.data.image(near.row as usize));
    let tiles_near: Vec<&[u8]> = near.iter().flat_map(|near| (0..NEAR).map(|at| tile(near.get(at)))).collect();
    json!({
        "count": count, "list": list, "sheet": sheet_of(&tiles, judged.shape()),
        "near": sheet_of(&tiles_near, judged.shape()),
    })
}

fn example(judged: &Predictions, place: usize, near: &[Near], known: &Known) -> Value {
    let pixels = judged.shape().iter().product();
    let near: Vec<Value> = near
        .iter()
        .map(|&near| json!({"index": near.row, "label": known.label(near), "distance": rounded(near.distance(pixels))}))
        .collect();
    json!({
        "index": judged.row(place), "true": judged.truth(place), "predicted": judged.predicted(place),
        "top": top(judged.odds(place)), "near": near,
    })
}

/// The most probable classes with their probabilities.
fn top(odds: &[f32]) -> Vec<(usize, f64)> {
    let mut classes: Vec<usize> = (0..odds.len()).collect();
    classes.sort_by(|&a, &b| odds[b].total_cmp(&odds[a]));
    classes.into_iter().take(TOP).map(|class| (class, rounded(odds[class].into()))).collect()
}

/// A share with five digits: more would only be longer.
pub(in super::super) fn rounded(share: f64) -> f64 {
    (share * 1e5).round() / 1e5
}
