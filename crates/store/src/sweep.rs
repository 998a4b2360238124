//! A sweep as it is recorded, and its journal as agents use it.

use std::sync::Arc;

use handloom_engine::damage::of_json;
use handloom_sweep::journal::{self, Entry, Page, Seq, Stamped};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Store;
use crate::error::{Error, Result};

/// The record of a sweep, fixed when it is created; everything that changes is in its journal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sweep {
    /// Eight characters `[a-z0-9]`.
    pub id: String,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// Unix time of its creation, in milliseconds.
    pub created_ms: u64,
    /// The command as typed; a password belongs [`masked`](crate::masked).
    pub command: Vec<String>,
    /// Version of the program.
    pub version: String,
    /// Name of the machine that it was created on.
    pub host: String,
    /// Git commit of the folder it was created in.
    pub git_commit: Option<String>,
    /// The sweep file, verbatim.
    pub yaml: String,
    /// Seed of the samplers.
    pub seed: u64,
    /// The flat configuration shared by all trials; a trial's own parameters override it.
    pub settings: Map<String, Value>,
    /// Weights & Biases as asked for: mode, project, entity.
    pub wandb: Map<String, Value>,
    /// The dataset.
    pub dataset: String,
    /// SHA-256 of its training images and labels: every agent is to have the same.
    pub data_sha256: String,
    /// True if trials are trained even if the store has an identical training.
    pub no_reuse: bool,
}

/// Parses the records of sweeps, sorted by creation time, then by id; `at` is the store.
pub(crate) fn read(records: &[(String, String)], at: &str) -> Result<Vec<Sweep>> {
    let read = |(id, record): &(String, String)| {
        serde_json::from_str(record).map_err(|error| damaged(at, id, &of_json(&error)))
    };
    let mut sweeps: Vec<Sweep> = records.iter().map(read).collect::<Result<_>>()?;
    sweeps.sort_unstable_by(|a, b| (a.created_ms, &a.id).cmp(&(b.created_ms, &b.id)));
    Ok(sweeps)
}

/// An entry of the journal of `sweep`, as a store keeps it.
pub(crate) fn stamped(at: &str, sweep: &str, seq: Seq, at_ms: i64, entry: &str) -> Result<Stamped> {
    let entry =
        Entry::parse(entry).map_err(|error| damaged(at, sweep, &format!("entry {seq} of its journal: {error}")))?;
    Ok(Stamped { seq, at_ms, entry })
}

fn damaged(at: &str, sweep: &str, why: &str) -> Error {
    Error::DamagedSweep { at: at.into(), sweep: sweep.into(), why: why.into() }
}

/// The journal of one sweep in a store. An agent should open a separate store for it, so that a slow upload of a model
/// does not delay its entries.
pub struct Journal {
    store: Arc<dyn Store>,
    sweep: String,
}

impl Journal {
    /// The journal of the sweep with this id, which must exist by the time it is used.
    pub fn new(store: Arc<dyn Store>, sweep: impl Into<String>) -> Self {
        Self { store, sweep: sweep.into() }
    }
}

fn explained(error: Error) -> journal::Error {
    journal::Error { temporary: error.is_temporary(), cause: Box::new(error) }
}

impl handloom_sweep::Journal for Journal {
    fn append(&self, entries: &[Entry]) -> Result<(), journal::Error> {
        self.store.append(&self.sweep, entries).map_err(explained)
    }

    fn read(&self, after: Seq) -> Result<Page, journal::Error> {
        self.store.entries(&self.sweep, after).map_err(explained)
    }
}
