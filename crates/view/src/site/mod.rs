//! Answers that the pages of the dashboard and of the report request.
//!
//! Every answer is JSON, made by [`Site::answer`] from an address such as `/api/runs/ID`; docs/api.md describes them all.
//! The server hands answers to browsers, a report carries those that its pages need. What only the program knows, such as
//! where data sets are, comes through [`Host`].

mod api_error;
mod assets;
mod columns;
mod compare;
mod curves;
mod data;
mod errors;
mod first;
mod guard;
mod labels;
mod link;
mod opening;
mod project;
pub mod report;
mod route;
mod run;
mod runs;
mod seen;
mod sentence;
pub mod server;
mod sprite_sheet;
pub mod sweep;
#[cfg(test)]
mod tests;
mod watch;
mod words;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use handloom_engine::dataset::Dataset;
use handloom_engine::model::Model;
use handloom_store::{Run, Status, Store};
use serde_json::{Map, Value};

pub use self::api_error::ApiError;
use crate::words::line;

/// The program as the pages need it.
pub trait Host: Send + Sync {
    /// Effective status of a run: killed if its process is gone.
    fn effective_status(&self, run: &Run) -> Status;

    /// The `handloom train` command that makes the run again.
    fn command(&self, run: &Run) -> String;

    /// Settings of the run if only its data set and optimizer had been named.
    fn defaults(&self, run: &Run) -> Map<String, Value>;

    /// The saved model of the run.
    fn model(&self, run: &Run) -> Result<Model, ApiError>;

    /// The training images of the run's data set, those for validation among them.
    fn train(&self, run: &Run) -> Result<Arc<Dataset>, ApiError>;

    /// The test images of the run's data set; that they were opened is not counted.
    fn test(&self, run: &Run) -> Result<Arc<Dataset>, ApiError>;

    /// Counts that the test set was opened for the run, which had this accuracy, and says how often it now was.
    fn open_test(&self, run: &Run, accuracy: f64) -> Result<u64, ApiError>;

    /// True if the test set was opened for the run; and the number of openings in all.
    fn test_openings(&self, run: &Run) -> Result<(bool, u64), ApiError>;

    /// A data set by its name: the training images, the number of test images, and the folder unless it is built in.
    fn data(&self, name: &str) -> Result<(Dataset, usize, Option<PathBuf>), ApiError>;
}

/// A store as the pages see it.
pub struct Site {
    /// Store of runs and sweeps.
    pub store: Arc<dyn Store>,
    /// The program.
    pub host: Box<dyn Host>,
    /// True if pages may change labels.
    pub may_edit: bool,
    /// The reason why pages may not, though the user asked for it.
    pub edit_refused: Option<String>,
    pub(crate) sweeps: sweep::Sweeps,
    judged: errors::Cache,
    /// The moment that pages are made for, in Unix milliseconds, unless that is now.
    fixed_ms: Option<u64>,
    seen: seen::Cache,
    /// Statements about what matters in sweeps, for the headline.
    matters: project::Matters,
    /// Number of replacements of the store when this was read: caches of an earlier store are void.
    replacements: Mutex<u64>,
}

impl Site {
    /// The site of a store, whose labels stay as they are.
    pub fn new(store: Arc<dyn Store>, host: Box<dyn Host>) -> Self {
        let (sweeps, judged, seen, matters, replacements) = Default::default();
        Self {
            store,
            host,
            may_edit: false,
            edit_refused: None,
            sweeps,
            judged,
            fixed_ms: None,
            seen,
            matters,
            replacements,
        }
    }

    /// The answer to `GET` of an address: a path below `/api/` with its query.
    pub fn answer(&self, path_and_query: &str) -> Result<Value, ApiError> {
        self.renew()?;
        route::answer(self, path_and_query)
    }

    /// The answer to `POST` of `body` to an address.
    pub fn act(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.renew()?;
        route::act(self, path, body)
    }

    /// Forgets what is kept of a store that another one replaced. Fails while there is none: it was removed.
    fn renew(&self) -> Result<(), ApiError> {
        let found = self.store.replacements()?;
        let mut known = self.replacements.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != found {
            self.sweeps.clear();
            self.judged.clear();
            self.seen.clear();
            self.matters.clear();
            *known = found;
        }
        Ok(())
    }

    /// Works out ahead what the headline says of the latest sweep, which may take a second.
    pub fn look_ahead(&self) {
        project::look_ahead(self);
    }

    /// The moment that pages are made for: Unix time in milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        self.fixed_ms.unwrap_or_else(project::now_ms)
    }

    /// The run with this id, as the store has it.
    pub(crate) fn run(&self, id: &str) -> Result<Run, ApiError> {
        self.store.run(id)?.ok_or_else(|| {
            ApiError::new(404, format!("no run `{id}` in `{}`", self.store.at()), "`handloom ls` lists them")
        })
    }
}
