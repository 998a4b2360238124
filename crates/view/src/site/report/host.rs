//! The program as the pages of a report need it: what a report says of openings and status stands in it, and what could
//! not be read when it was written stays missing, so that the same pages come out wherever they are made.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use handloom_engine::dataset::Dataset;
use handloom_engine::model::Model;
use handloom_store::{Run, Status};
use serde_json::{Map, Value};

use super::super::{ApiError, Host};
use super::Originals;
use super::provenance::Provenance;

/// Names of the parts that could not be read, such as `model k3v9x0aa`.
pub(super) type Missing = Arc<Mutex<BTreeSet<String>>>;

/// The program, for the pages of one report.
pub(super) struct ReportHost {
    inner: Box<dyn Host>,
    /// The runs as `inner` knows them.
    originals: Originals,
    /// Number of openings of each test set; a run is in it if the set was opened for it.
    openings: std::collections::BTreeMap<String, u64>,
    missing: Missing,
}

impl ReportHost {
    /// That of a report with this provenance; what cannot be read is added to `missing`, and what is there already is not
    /// asked for.
    pub(super) fn new(inner: Box<dyn Host>, originals: Originals, provenance: &Provenance, missing: Missing) -> Self {
        let tested = provenance.runs.iter().filter(|made| made.is_tested());
        let openings = tested.map(|made| (made.id.clone(), made.openings.unwrap_or_default())).collect();
        Self { inner, originals, openings, missing }
    }

    fn original<'r>(&'r self, run: &'r Run) -> &'r Run {
        self.originals.get(&run.id).unwrap_or(run)
    }

    /// Result of `read`, unless `name` was missing before.
    fn ask<T>(&self, name: String, read: impl FnOnce() -> Result<T, ApiError>) -> Result<T, ApiError> {
        let missing = || self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if missing().contains(&name) {
            return Err(ApiError::new(404, format!("the report was written without `{name}`"), ""));
        }
        let found = read();
        if found.is_err() {
            missing().insert(name);
        }
        found
    }
}

impl Host for ReportHost {
    fn effective_status(&self, run: &Run) -> Status {
        run.status
    }

    fn command(&self, run: &Run) -> String {
        self.inner.command(run)
    }

    fn defaults(&self, run: &Run) -> Map<String, Value> {
        self.inner.defaults(run)
    }

    fn model(&self, run: &Run) -> Result<Model, ApiError> {
        self.ask(format!("model {}", run.id), || self.inner.model(self.original(run)))
    }

    fn train(&self, run: &Run) -> Result<Arc<Dataset>, ApiError> {
        self.ask(format!("training data of {}", run.id), || self.inner.train(self.original(run)))
    }

    fn test(&self, run: &Run) -> Result<Arc<Dataset>, ApiError> {
        self.ask(format!("test data of {}", run.id), || self.inner.test(self.original(run)))
    }

    fn open_test(&self, _run: &Run, _accuracy: f64) -> Result<u64, ApiError> {
        Err(ApiError::new(403, "no test set is opened for a report", ""))
    }

    fn test_openings(&self, run: &Run) -> Result<(bool, u64), ApiError> {
        let openings = self.openings.get(&run.id);
        Ok((openings.is_some(), openings.copied().unwrap_or_default()))
    }

    fn data(&self, name: &str) -> Result<(Dataset, usize, Option<PathBuf>), ApiError> {
        self.ask(format!("data {name}"), || self.inner.data(name))
    }
}
