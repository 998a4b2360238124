//! A store that holds what a report says, and nothing else: pages are made from it, be it by `report` from the figures of
//! the author's store, or by `verify` from figures that were trained again.

use std::path::Path;

use handloom_engine::event::{EpochDiagnostics, EpochMetrics, LayerStats};
use handloom_store::{ByRun, Contents, Epoch, Error, Labels, Result, Run, Store, Sweep, TestSetAccess};
use handloom_sweep::{Entry, Page, Seq, Stamped, Status};

use super::provenance::{Made, Provenance, Searched, Tried};

/// Diagnostics of the epochs of a run, by its id.
pub(super) type Diagnostics = Box<dyn Fn(&str) -> Result<Vec<(u64, EpochDiagnostics)>> + Send + Sync>;

/// The runs and sweeps of a report.
pub(super) struct Snapshot {
    runs: Vec<Run>,
    rows: ByRun<Vec<EpochMetrics>>,
    diagnostics: Diagnostics,
    sweeps: Vec<(Sweep, Vec<Stamped>)>,
    openings: Vec<TestSetAccess>,
    now_ms: u64,
}

impl Snapshot {
    /// The runs and sweeps of `provenance`.
    pub(super) fn new(provenance: &Provenance, diagnostics: Diagnostics) -> Self {
        let mut runs: Vec<Run> = provenance.runs.iter().map(run).collect();
        runs.sort_by(|a, b| (a.started_ms, &a.id).cmp(&(b.started_ms, &b.id)));
        let rows = provenance.runs.iter().filter_map(|made| Some((made.id.clone(), made.figures.as_ref()?.rows())));
        let now_ms = provenance.now_ms;
        let sweeps = provenance.sweeps.iter().map(|sweep| (record(sweep), journal(sweep, now_ms as i64)));
        let opening = |made: &Made| {
            let (run, accuracy) = (Some(made.id.clone()), made.opening_accuracy);
            let data_sha256 = made.test_sha256.clone()?;
            Some(TestSetAccess {
                run,
                accuracy,
                data_sha256,
                dataset: made.dataset.clone(),
                ..TestSetAccess::default()
            })
        };
        let openings = provenance.runs.iter().filter_map(opening).collect();
        Self { runs, rows: rows.collect(), diagnostics, sweeps: sweeps.collect(), openings, now_ms }
    }
}

fn run(made: &Made) -> Run {
    let made = made.clone();
    Run {
        id: made.id,
        name: made.name,
        status: made.status,
        sweep: made.sweep,
        group: made.group,
        tags: made.tags,
        notes: made.notes,
        started_ms: made.started_ms,
        ended_ms: made.ended_ms,
        version: made.version,
        isa: made.isa,
        numerics: made.numerics,
        arch: made.arch,
        git_commit: made.git_commit,
        config: made.config,
        seed: made.seed,
        dataset: made.dataset,
        data_sha256: made.data_sha256,
        weights_sha256: made.weights_sha256,
        val_accuracy: made.val_accuracy,
        best_epoch: made.best_epoch,
        initial_norms: made.initial_norms,
        reason: made.reason,
        epochs: made.epochs,
        test_accuracy: made.test_accuracy,
        test_loss: made.test_loss,
        ..Run::default()
    }
}

fn record(sweep: &Searched) -> Sweep {
    let sweep = sweep.clone();
    Sweep {
        id: sweep.id,
        name: sweep.name,
        created_ms: sweep.created_ms,
        command: sweep.command,
        yaml: sweep.yaml,
        seed: sweep.seed,
        settings: sweep.settings,
        ..Sweep::default()
    }
}

/// The agent of the trials that ended or still run.
const PRESENT: &str = "present";
/// The agent of the trials that nobody works on any more.
const GONE: &str = "gone";

/// A journal that comes to the trials of `sweep`: one attempt each, in the order of their numbers.
fn journal(sweep: &Searched, now_ms: i64) -> Vec<Stamped> {
    let (mut entries, mut ends, mut removed): (Vec<(i64, Entry)>, Vec<_>, Vec<_>) = Default::default();
    for (number, trial) in (0_u64..).zip(&sweep.trials) {
        let Tried { run, choice, status, values, reused, why, claimed_ms, ended_ms } = trial.clone();
        let agent = if status == Status::Pending { GONE } else { PRESENT };
        let agent = || agent.to_owned();
        if status == Status::Removed {
            removed.push((now_ms, Entry::Removed { run: run.clone() }));
        }
        entries.push((claimed_ms, Entry::Claimed { number, attempt: 0, agent: agent(), run: run.clone(), choice }));
        if reused {
            entries.push((claimed_ms, Entry::Reused { number, attempt: 0, agent: agent(), run }));
        }
        for (epoch, value) in (1..).zip(values) {
            entries.push((claimed_ms, Entry::Reported { number, attempt: 0, agent: agent(), epoch, value }));
        }
        if !matches!(status, Status::Pending | Status::Running) {
            let at_ms = ended_ms.unwrap_or(claimed_ms);
            let status = if status == Status::Removed { Status::Finished } else { status };
            ends.push((reused, (at_ms, Entry::Ended { number, attempt: 0, agent: agent(), status, why })));
        }
    }
    // The result that a trial reuses existed before: the trial that trained it counts, and the others repeat it.
    ends.sort_by_key(|(reused, _)| *reused);
    entries.extend(ends.into_iter().map(|(_, entry)| entry));
    entries.extend(removed);
    entries.push((now_ms, Entry::Beat { agent: PRESENT.into() }));
    entries.push((now_ms, Entry::Left { agent: GONE.into() }));
    // After all claims, which they would have kept from being valid.
    entries.extend(sweep.cap.map(|trials| (now_ms, Entry::Capped { trials })));
    entries.extend(sweep.stopped.then_some((now_ms, Entry::Stopped)));
    (1..).zip(entries).map(|(seq, (at_ms, entry))| Stamped { seq, at_ms, entry }).collect()
}

/// Diagnostics as they come back from a store: what is not finite is not a number, or missing.
fn stored(evidence: EpochDiagnostics) -> EpochDiagnostics {
    let finite = |figure: Option<f64>| figure.filter(|figure| figure.is_finite());
    let layer = |LayerStats { gradient_norm, dead, saturated, step }| LayerStats {
        gradient_norm: if f64::is_finite(gradient_norm) { gradient_norm } else { f64::NAN },
        dead: finite(dead),
        saturated: finite(saturated),
        step: finite(step),
    };
    let EpochDiagnostics { confusion, layers } = evidence;
    EpochDiagnostics { confusion, layers: layers.into_iter().map(layer).collect() }
}

/// Nothing is written into what a report was made of.
fn refused<T>() -> Result<T> {
    Err(Error::Place { at: "report".into(), why: "a report is only read".into() })
}

impl Store for Snapshot {
    fn at(&self) -> String {
        "report".into()
    }

    fn folder(&self) -> Option<&Path> {
        None
    }

    fn contents(&self) -> Result<Contents> {
        Ok(Contents::default())
    }

    fn read_only(&self) -> Result<Option<String>> {
        Ok(Some("a report is only read".into()))
    }

    fn replacements(&self) -> Result<u64> {
        Ok(0)
    }

    fn put(&self, _run: &Run) -> Result<()> {
        refused()
    }

    fn run(&self, id: &str) -> Result<Option<Run>> {
        Ok(self.runs.iter().find(|run| run.id == id).cloned())
    }

    fn runs(&self) -> Result<Vec<Run>> {
        Ok(self.runs.clone())
    }

    fn recent(&self, _within_ms: u64) -> Result<Vec<Run>> {
        Ok(Vec::new())
    }

    fn pulse(&self) -> Result<u64> {
        Ok(0)
    }

    fn remove(&self, _id: &str) -> Result<bool> {
        refused()
    }

    fn relabel(&self, _id: &str, _change: &dyn Fn(&mut Labels)) -> Result<bool> {
        refused()
    }

    fn log(&self, _run: &str, _epochs: &[Epoch]) -> Result<()> {
        refused()
    }

    fn epochs(&self, run: &str) -> Result<Vec<Epoch>> {
        let mut found: std::collections::BTreeMap<u64, EpochDiagnostics> =
            (self.diagnostics)(run)?.into_iter().collect();
        let rows = self.rows.get(run).map(Vec::as_slice).unwrap_or_default();
        let epoch = |row: &EpochMetrics| {
            let evidence = stored(found.remove(&row.epoch).unwrap_or_default());
            Epoch { row: row.clone(), evidence }
        };
        Ok(rows.iter().map(epoch).collect())
    }

    fn rows(&self, runs: &[&str]) -> Result<ByRun<Vec<EpochMetrics>>> {
        let own = runs.iter().filter_map(|id| Some(((*id).to_owned(), self.rows.get(*id)?.clone())));
        Ok(own.filter(|(_, rows)| !rows.is_empty()).collect())
    }

    fn last_rows(&self) -> Result<ByRun<EpochMetrics>> {
        Ok(self.rows.iter().filter_map(|(id, rows)| Some((id.clone(), rows.last()?.clone()))).collect())
    }

    fn rows_at(&self, epochs: &[(&str, u64)]) -> Result<ByRun<EpochMetrics>> {
        let at = |(id, epoch): &(&str, u64)| {
            let row = self.rows.get(*id)?.iter().find(|row| row.epoch == *epoch)?;
            Some(((*id).to_owned(), row.clone()))
        };
        Ok(epochs.iter().filter_map(at).collect())
    }

    fn forget_after(&self, _run: &str, _epoch: u64) -> Result<()> {
        refused()
    }

    fn heartbeat(&self, _run: &str) -> Result<()> {
        refused()
    }

    fn open_test(&self, _opening: &TestSetAccess) -> Result<u64> {
        refused()
    }

    fn openings(&self) -> Result<Vec<TestSetAccess>> {
        Ok(self.openings.clone())
    }

    fn put_file(&self, _run: &str, _name: &str, _bytes: &[u8]) -> Result<()> {
        refused()
    }

    fn file(&self, _run: &str, _name: &str) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn add_sweep(&self, _sweep: &Sweep, _entries: &[Entry]) -> Result<()> {
        refused()
    }

    fn sweep(&self, id: &str) -> Result<Option<Sweep>> {
        Ok(self.sweeps.iter().find(|(sweep, _)| sweep.id == id).map(|(sweep, _)| sweep.clone()))
    }

    fn sweeps(&self) -> Result<Vec<Sweep>> {
        let mut sweeps: Vec<Sweep> = self.sweeps.iter().map(|(sweep, _)| sweep.clone()).collect();
        sweeps.sort_by(|a, b| (a.created_ms, &a.id).cmp(&(b.created_ms, &b.id)));
        Ok(sweeps)
    }

    fn remove_sweep(&self, _id: &str) -> Result<bool> {
        refused()
    }

    fn append(&self, _sweep: &str, _entries: &[Entry]) -> Result<()> {
        refused()
    }

    fn entries(&self, sweep: &str, after: Seq) -> Result<Page> {
        let all = self.sweeps.iter().find(|(known, _)| known.id == sweep).map(|(_, entries)| entries.as_slice());
        let entries = all.unwrap_or_default().iter().filter(|stamped| stamped.seq > after).cloned().collect();
        Ok(Page { now_ms: self.now_ms as i64, entries })
    }
}
