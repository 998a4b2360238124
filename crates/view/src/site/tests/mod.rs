//! The answers, and the server, over a store in a temporary folder.

mod answers;
mod server;

use std::path::PathBuf;
use std::sync::Arc;

use handloom_engine::activation::Activation;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::{EpochDiagnostics, EpochMetrics, LayerStats};
use handloom_engine::init::Init;
use handloom_engine::metric::Confusion;
use handloom_engine::model::Model;
use handloom_engine::network::Network;
use handloom_store::{Epoch, Run, Status, Store, TestSetAccess, open};
use serde_json::{Map, Value, json};

use super::{ApiError, Host, Site};

/// A program that knows one small data set, and a model of each run that is not called `bare`.
pub(super) struct Small {
    store: Arc<dyn Store>,
}

/// A store in a folder that is there as long as this.
pub(super) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The store, opened anew: as another process would have it.
    pub(super) fn store(&self) -> Arc<dyn Store> {
        open(self.folder.path().join("store")).unwrap()
    }

    /// Moves the store elsewhere, or back.
    pub(super) fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.folder.path().join(from), self.folder.path().join(to)).unwrap();
    }

    pub(super) fn site(&self) -> Site {
        Site::new(self.store(), Box::new(Small { store: self.store() }))
    }
}

/// Six images of two by one pixels in two classes.
pub(super) fn images() -> Dataset {
    Dataset {
        images: Arc::new(vec![255, 0, 0, 255, 200, 10, 10, 200, 255, 0, 0, 255]),
        labels: Arc::new(vec![0, 1, 0, 1, 0, 1]),
        shape: vec![2, 1],
        classes: vec!["left".into(), "right".into()],
    }
}

impl Host for Small {
    fn effective_status(&self, run: &Run) -> Status {
        run.effective_status("elsewhere", |_| None)
    }
    fn command(&self, run: &Run) -> String {
        format!("handloom train --seed {}", run.seed)
    }
    fn defaults(&self, _run: &Run) -> Map<String, Value> {
        map(json!({"optimizer": "adam", "learning_rate": 0.001, "epochs": 15}))
    }
    fn model(&self, run: &Run) -> Result<Model, ApiError> {
        if run.id == "bare" {
            return Err(ApiError::new(404, "no model yet", ""));
        }
        let network =
            Network::new(&[2, 3, 2], Activation::named("relu").unwrap(), &Init::named("he").unwrap(), run.seed);
        Ok(Model { network, classes: images().classes, input_shape: vec![2, 1], config: run.config.clone() })
    }
    fn train(&self, _run: &Run) -> Result<Arc<Dataset>, ApiError> {
        Ok(Arc::new(images()))
    }
    fn test(&self, run: &Run) -> Result<Arc<Dataset>, ApiError> {
        self.train(run)
    }
    fn open_test(&self, run: &Run, accuracy: f64) -> Result<u64, ApiError> {
        let (id, accuracy) = (Some(run.id.clone()), Some(accuracy));
        Ok(self.store.open_test(&TestSetAccess { run: id, accuracy, ..TestSetAccess::default() })?)
    }
    fn test_openings(&self, run: &Run) -> Result<(bool, u64), ApiError> {
        let all = self.store.openings()?;
        Ok((all.iter().any(|opening| opening.run.as_ref() == Some(&run.id)), all.len() as u64))
    }
    fn data(&self, _name: &str) -> Result<(Dataset, usize, Option<PathBuf>), ApiError> {
        Ok((images(), 6, None))
    }
}

pub(super) fn map(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("{value}") };
    map
}

/// A finished run of three epochs, of which the second is the best.
pub(super) fn run(id: &str, started_ms: u64, config: Value) -> Run {
    Run {
        id: id.into(),
        name: format!("name of {id}"),
        status: Status::Finished,
        started_ms,
        ended_ms: Some(started_ms + 2_500),
        dataset: "small".into(),
        config: map(config),
        epochs: 3,
        best_epoch: Some(2),
        val_accuracy: Some(0.75),
        ..Run::default()
    }
}

/// An epoch whose figures follow from its number, with three layers that are well.
pub(super) fn epoch(n: u64) -> Epoch {
    let x = n as f64;
    let row = EpochMetrics {
        epoch: n,
        train_loss: 1.0 / x,
        train_accuracy: 1.0 - 0.4 / x,
        val_loss: Some(1.1 / x),
        val_accuracy: Some(1.0 - 0.5 / x),
        learning_rate: 0.001,
        samples_per_second: 1_000.0,
        seconds: 2.0,
        val_seconds: 0.5,
    };
    let health = LayerStats { gradient_norm: 0.5 / x, dead: Some(0.0), saturated: None, step: Some(1e-3) };
    let output = LayerStats { dead: None, ..health };
    let confusion = Confusion { counts: vec![vec![40, 10], vec![10, 40]] };
    Epoch { row, evidence: EpochDiagnostics { confusion: Some(confusion), layers: vec![health, health, output] } }
}

/// Puts a run with its three epochs into a store.
pub(super) fn put(store: &dyn Store, run: &Run) {
    store.put(run).unwrap();
    store.log(&run.id, &[1, 2, 3].map(epoch)).unwrap();
}
