//! Predictions of a model for the images of a set: computed once, and cached.

use std::num::NonZero;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::available_parallelism;

use handloom_engine::Machine;
use handloom_engine::dataset::Dataset;
use handloom_engine::metric::{Confusion, first_maximum};
use handloom_engine::model::Model;
use handloom_store::Run;
use serde_json::Value;

use super::super::route::Query;
use super::super::{ApiError, Site};

/// Most sets of images whose judgments are kept: each takes a few megabytes at most.
const KEPT: usize = 8;

/// Images that a run was not trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// Kept back from the training images.
    Validation,
    /// The test set.
    Test,
}

impl Set {
    /// The set that `set=` names: validation if it names none.
    pub(super) fn of(query: &Query) -> Result<Self, ApiError> {
        match query.text("set") {
            None | Some("validation") => Ok(Self::Validation),
            Some("test") => Ok(Self::Test),
            Some(other) => {
                Err(ApiError::new(400, format!("there is no set `{other}`"), "`set=validation` or `set=test`"))
            }
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// Images of a set with what a model makes of them. Places count the judged images from 0.
pub(crate) struct Predictions {
    run: String,
    set: Set,
    data: Arc<Dataset>,
    /// Rows of the images in their data set (n).
    rows: Vec<u32>,
    labels: Vec<u8>,
    /// (n, C)
    probabilities: Vec<f32>,
    predicted: Vec<u8>,
    confusion: Confusion,
    /// The answer about all errors, once somebody asked.
    pub(super) answer: OnceLock<Value>,
}

impl Predictions {
    /// Predictions of `model`, that of run `run`, for the images `rows` of `data`.
    pub(super) fn new(
        run: &str,
        set: Set,
        model: &Model,
        data: Arc<Dataset>,
        rows: Vec<u32>,
    ) -> Result<Self, ApiError> {
        let fits = model.network.inputs() == data.pixels() && model.network.classes() == data.classes.len();
        let wrong = if !fits {
            Some(format!("the model of run `{run}` does not fit the images of its data set"))
        } else if !model.network.is_finite() {
            Some(format!("run `{run}` has weights that are not finite numbers"))
        } else {
            None
        };
        if let Some(wrong) = wrong {
            return Err(ApiError::new(409, wrong, "train again: `handloom train`"));
        }
        let machine = Machine::new(available_parallelism().map_or(1, NonZero::get));
        let probabilities = model.network.predict(&data, &rows, &machine);
        Ok(Self::from_probabilities(run, set, data, rows, probabilities))
    }

    /// Images with the probabilities (n, C) that a model gave them.
    pub(super) fn from_probabilities(
        run: &str,
        set: Set,
        data: Arc<Dataset>,
        rows: Vec<u32>,
        probabilities: Vec<f32>,
    ) -> Self {
        let classes = data.classes.len();
        let labels: Vec<u8> = rows.iter().map(|&row| data.labels[row as usize]).collect();
        let predicted: Vec<u8> = probabilities.chunks(classes).map(|row| first_maximum(row) as u8).collect();
        let outcomes = labels.iter().zip(&predicted).map(|(&truth, &predicted)| (truth.into(), predicted.into()));
        let confusion = Confusion::new(classes, outcomes);
        Self { run: run.into(), set, data, rows, labels, probabilities, predicted, confusion, answer: OnceLock::new() }
    }

    /// Id of the run.
    pub(crate) fn run(&self) -> &str {
        &self.run
    }

    /// The set of images.
    pub(crate) fn set(&self) -> Set {
        self.set
    }

    /// Number of images.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Number of classes.
    pub(crate) fn classes(&self) -> usize {
        self.data.classes.len()
    }

    /// Names of the classes.
    pub(crate) fn names(&self) -> &[String] {
        &self.data.classes
    }

    /// Shape of an image.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.data.shape
    }

    /// The image in this place.
    pub(crate) fn image(&self, place: usize) -> &[u8] {
        self.data.image(self.row(place) as usize)
    }

    /// Its number in its data set.
    pub(crate) fn row(&self, place: usize) -> u32 {
        self.rows[place]
    }

    /// Classes of all images.
    pub(crate) fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Probabilities of all images (n, C).
    pub(crate) fn probabilities(&self) -> &[f32] {
        &self.probabilities
    }

    /// Its class.
    pub(crate) fn truth(&self, place: usize) -> usize {
        self.labels[place].into()
    }

    /// Predicted class.
    pub(crate) fn predicted(&self, place: usize) -> usize {
        self.predicted[place].into()
    }

    /// True if the prediction is wrong.
    pub(crate) fn is_wrong(&self, place: usize) -> bool {
        self.labels[place] != self.predicted[place]
    }

    /// Probability of each class (C).
    pub(crate) fn odds(&self, place: usize) -> &[f32] {
        &self.probabilities[place * self.classes()..][..self.classes()]
    }

    /// Probability of what it was taken for.
    pub(crate) fn confidence(&self, place: usize) -> f32 {
        self.odds(place)[self.predicted(place)]
    }

    /// Confusion matrix.
    pub(crate) fn confusion(&self) -> &Confusion {
        &self.confusion
    }
}

/// The share of the training images that a run keeps for validation.
pub(crate) fn share(run: &Run) -> f64 {
    run.config.get("val_fraction").and_then(Value::as_f64).unwrap_or_default()
}

/// Latest predictions, by run, weights and set.
#[derive(Default)]
pub(crate) struct Cache(Mutex<Vec<(Key, Arc<Predictions>)>>);

type Key = (String, String, Set);

impl Cache {
    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn get(&self, key: &Key) -> Option<Arc<Predictions>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| known == key)?;
        // An entry that is used again moves to the end, as the last to be dropped.
        let entry = kept.remove(at);
        let judged = Arc::clone(&entry.1);
        kept.push(entry);
        Some(judged)
    }

    fn put(&self, key: Key, judged: Arc<Predictions>) -> Arc<Predictions> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| *known != key);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((key, Arc::clone(&judged)));
        judged
    }
}

/// Predictions of the model of `run` for the images of `set`; the test set only if it was opened for this run.
pub(crate) fn judged(site: &Site, run: &Run, set: Set) -> Result<Arc<Predictions>, ApiError> {
    let id = run.id.as_str();
    if set == Set::Test && !site.host.test_openings(run)?.0 {
        let hint = "opening it is counted: choose by validation images, and open it once at the end";
        return Err(ApiError::new(403, format!("the test set is closed for run `{id}`"), hint));
    }
    let key = run.weights_sha256.clone().map(|weights| (run.id.clone(), weights, set));
    if let Some(judged) = key.as_ref().and_then(|key| site.judged.get(key)) {
        return Ok(judged);
    }
    let model = site.host.model(run)?;
    let (data, rows) = match set {
        Set::Validation => {
            let data = site.host.train(run)?;
            let rows = data.split(share(run)).1;
            (data, rows)
        }
        Set::Test => {
            let data = site.host.test(run)?;
            let rows = (0..data.len() as u32).collect();
            (data, rows)
        }
    };
    if rows.is_empty() {
        let hint = "`handloom train` keeps a tenth of the images for it, unless `--val-fraction` says otherwise";
        return Err(ApiError::new(404, format!("run `{id}` has no {} images", set.name()), hint));
    }
    let judged = Arc::new(Predictions::new(id, set, &model, data, rows)?);
    Ok(match key {
        Some(key) => site.judged.put(key, judged),
        None => judged,
    })
}
