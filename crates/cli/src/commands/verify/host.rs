//! The program as the pages of a report need it when they are made again: models that were trained again, and their data.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::model::Model;
use handloom_engine::network::Network;
use handloom_engine::train;
use handloom_view::site::{ApiError, Host};
use handloom_view::words::line;
use serde_json::{Map, Value};

use crate::runs::{Record, Status};
use crate::training::fits;
use crate::{command, settings};

/// Models and data of the runs that were trained again.
#[derive(Default)]
pub(super) struct VerifyHost {
    /// By run.
    pub(super) models: BTreeMap<String, Model>,
    /// Training images by name and checksum.
    pub(super) train: BTreeMap<(String, String), Arc<Dataset>>,
    /// Test images by the same; none were read unless the report shows them.
    pub(super) test: BTreeMap<(String, String), Arc<Dataset>>,
    /// Data sets by name, each with the number of its test images.
    pub(super) data: BTreeMap<String, (Arc<Dataset>, usize)>,
}

fn absent(what: &str) -> ApiError {
    ApiError::new(404, format!("{what} is not at hand"), "")
}

fn key(run: &Record) -> (String, String) {
    (run.dataset.clone(), run.data_sha256.clone())
}

fn config(run: &Record) -> Option<Config> {
    let mut config = Config::default();
    config.merge(&run.config).ok()?;
    Some(config)
}

impl Host for VerifyHost {
    fn effective_status(&self, run: &Record) -> Status {
        run.status
    }

    fn command(&self, run: &Record) -> String {
        config(run).map_or_else(|| line(&run.command), |config| line(&command::train(&config)))
    }

    fn defaults(&self, run: &Record) -> Map<String, Value> {
        settings::usual(&run.config)
    }

    /// The model that was trained again, or of another run one of the same shape: only what it shows of its shape is asked.
    fn model(&self, run: &Record) -> Result<Model, ApiError> {
        if let Some(model) = self.models.get(&run.id) {
            return Ok(model.clone());
        }
        let (Some(config), Some(data)) = (config(run), self.train.get(&key(run))) else {
            return Err(absent("the model"));
        };
        fits(&config, data, (1, 0)).map_err(|error| ApiError::told(409, &error.to_string()))?;
        let network =
            Network::new(&train::sizes(&config, data), config.activation.clone(), &config.weight_init, config.seed);
        let (classes, input_shape) = (data.classes.clone(), data.shape.clone());
        Ok(Model { network, classes, input_shape, config: run.config.clone() })
    }

    fn train(&self, run: &Record) -> Result<Arc<Dataset>, ApiError> {
        self.train.get(&key(run)).cloned().ok_or_else(|| absent("the training data"))
    }

    fn test(&self, run: &Record) -> Result<Arc<Dataset>, ApiError> {
        self.test.get(&key(run)).cloned().ok_or_else(|| absent("the test set"))
    }

    fn open_test(&self, _run: &Record, _accuracy: f64) -> Result<u64, ApiError> {
        Err(ApiError::new(403, "pages that are made again open no test set", ""))
    }

    fn test_openings(&self, _run: &Record) -> Result<(bool, u64), ApiError> {
        Ok((false, 0))
    }

    fn data(&self, name: &str) -> Result<(Dataset, usize, Option<PathBuf>), ApiError> {
        let (train, tested) = self.data.get(name).ok_or_else(|| absent("the data set"))?;
        Ok((Dataset::clone(train), *tested, None))
    }
}
