//! A store in a folder: `handloom.db`, and `runs/ID/` for files.

mod access;
mod connect;
mod sweeps;

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use handloom_engine::event::EpochMetrics;
use handloom_engine::model::write_atomically;
use handloom_sweep::{Entry, Page, Seq};
use rusqlite::{Connection, OptionalExtension as _, ToSql, Transaction, TransactionBehavior, params};

use crate::epoch::{FIGURES, evidence, evidence_text, figures, integer, row, text};
use crate::error::{Error, Result, plain, unreadable_opening};
use crate::run::{Kept, read, relabeled};
use crate::{ByRun, Contents, Epoch, Labels, Run, Store, Sweep, TestSetAccess};
use access::{Identity, Opened, is_missing_table};
use connect::{Failure, MIGRATIONS, explain, is_orphan};

/// Time limit for waiting while other processes write.
const BUSY: Duration = Duration::from_secs(30);
/// Unix time in milliseconds.
const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// Runs in a folder.
pub struct Sqlite {
    folder: PathBuf,
    file: PathBuf,
    busy: Duration,
    state: Mutex<State>,
}

/// The database of a folder as this process last saw it.
#[derive(Default)]
struct State {
    opened: Option<Opened>,
    /// The file that was opened last. A store that had one and has none was removed.
    identity: Option<Identity>,
    /// Number of times that the database was opened; `replacements` of them found another file.
    openings: u64,
    replacements: u64,
}

impl Sqlite {
    /// The store in `folder`, which is made by the first write.
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self::waiting(folder, BUSY)
    }

    /// A store with another time limit for waiting for other processes.
    pub(crate) fn waiting(folder: impl Into<PathBuf>, busy: Duration) -> Self {
        let folder = folder.into();
        Self { file: folder.join("handloom.db"), folder, busy, state: Mutex::default() }
    }

    /// Does `act` with the connection; none if there is nothing to read yet.
    fn with<T>(&self, write: bool, act: impl FnOnce(&mut Connection) -> Result<T, Failure>) -> Result<Option<T>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.ready(&mut state, write)? {
            return Ok(None);
        }
        let opened = state.opened.as_mut().expect("was made ready");
        match act(&mut opened.connection) {
            Ok(done) => Ok(Some(done)),
            Err(Failure::Sql(error)) if !write && opened.version < MIGRATIONS.len() && is_missing_table(&error) => {
                Ok(None)
            }
            Err(failure) => Err(self.explained(failure, write)),
        }
    }

    /// Opens the database unless it is open and still the one that is there. False if there is nothing to read yet.
    fn ready(&self, state: &mut State, write: bool) -> Result<bool> {
        if let Some(opened) = &mut state.opened {
            if opened.is_current(&self.file) && (opened.is_writable() || !write) {
                // Another process may have brought the database to a version that this program does not know.
                connect::version(&opened.connection, &self.at(), MIGRATIONS.len())
                    .map_err(|failure| self.explained(failure, write))?;
                return Ok(true);
            }
            state.opened = None;
        }
        if write && state.identity.is_none() {
            fs::create_dir_all(&self.folder).map_err(Error::io(&self.folder, "write"))?;
        } else if !self.file.try_exists().map_err(Error::io(&self.file, "read"))? {
            return if state.identity.is_some() { Err(Error::Removed { at: self.at() }) } else { Ok(false) };
        }
        let opened =
            Opened::open(&self.file, &self.at(), write, self.busy).map_err(|failure| self.explained(failure, write))?;
        state.openings += 1;
        state.replacements += u64::from(state.identity.is_some_and(|known| known != opened.identity));
        state.identity = Some(opened.identity);
        state.opened = Some(opened);
        Ok(true)
    }

    fn explained(&self, failure: Failure, write: bool) -> Error {
        match failure {
            Failure::Sql(error) => explain(&error, &self.file, if write { "write" } else { "read" }),
            Failure::Store(error) => error,
        }
    }

    /// Makes the disk look full once the database has so many pages.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: u32) {
        self.with(true, |connection| Ok(connection.pragma_update(None, "max_page_count", pages)?)).unwrap();
    }

    fn read<T: Default>(&self, act: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T> {
        self.with(false, |connection| act(connection)).map(Option::unwrap_or_default)
    }

    fn write<T>(&self, act: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>) -> Result<T> {
        let done = self.with(true, |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = act(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })?;
        Ok(done.expect("a write opens the database"))
    }

    fn no_run(&self, run: &str) -> Error {
        Error::NoRun { at: self.at(), run: run.into() }
    }

    fn records(&self, which: &str, values: &[&dyn ToSql]) -> Result<Vec<Run>> {
        let query = format!("SELECT id, {NOW} - heartbeat_ms, labels, record FROM runs {which}");
        let kept: Vec<Kept> = self.read(|connection| {
            let mut query = connection.prepare_cached(&query)?;
            let kept = query.query_map(values, |row| {
                Ok(Kept { id: row.get(0)?, age_ms: row.get(1)?, labels: row.get(2)?, record: row.get(3)? })
            })?;
            Ok(kept.collect::<rusqlite::Result<_>>()?)
        })?;
        read(&kept, &self.at())
    }

    fn has(&self, id: &str) -> Result<bool> {
        let query = "SELECT EXISTS (SELECT 1 FROM runs WHERE id = ?1)";
        self.read(|connection| Ok(connection.prepare_cached(query)?.query_row([id], |row| row.get(0))?))
    }

    /// Folder of a run's files.
    fn files(&self, run: &str) -> Result<PathBuf> {
        plain(run)?;
        Ok(self.folder.join("runs").join(run))
    }
}

/// The metrics in the columns after run and epoch.
fn figures_of(found: &rusqlite::Row<'_>) -> rusqlite::Result<EpochMetrics> {
    let mut figures = [None; FIGURES.len()];
    for (at, figure) in figures.iter_mut().enumerate() {
        *figure = found.get(2 + at)?;
    }
    Ok(row(found.get(1)?, figures))
}

fn columns() -> String {
    format!("e.run, e.epoch, e.{}", FIGURES.join(", e."))
}

impl Store for Sqlite {
    fn at(&self) -> String {
        self.file.display().to_string()
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    fn put(&self, run: &Run) -> Result<()> {
        plain(&run.id)?;
        let (record, labels) = run.columns();
        let put = format!(
            "INSERT INTO runs (id, heartbeat_ms, labels, record) VALUES (?1, {NOW}, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET heartbeat_ms = excluded.heartbeat_ms, record = excluded.record"
        );
        self.write(|transaction| {
            transaction.prepare_cached(&put)?.execute(params![run.id, labels, record])?;
            Ok(())
        })
    }

    fn run(&self, id: &str) -> Result<Option<Run>> {
        Ok(self.records("WHERE id = ?1", &[&id])?.pop())
    }

    fn runs(&self) -> Result<Vec<Run>> {
        self.records("", &[])
    }

    fn recent(&self, within_ms: u64) -> Result<Vec<Run>> {
        self.records(&format!("WHERE heartbeat_ms >= {NOW} - ?1"), &[&integer(within_ms)])
    }

    fn pulse(&self) -> Result<u64> {
        // `data_version` counts changes by other connections; `total_changes` counts those of this one.
        let (theirs, own): (i64, u64) = self.read(|connection| {
            let theirs = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
            Ok((theirs, connection.total_changes()))
        })?;
        // A new connection counts from the beginning.
        let openings = self.state.lock().unwrap_or_else(PoisonError::into_inner).openings;
        let mut hasher = DefaultHasher::new();
        (openings, theirs, own).hash(&mut hasher);
        Ok(hasher.finish())
    }

    fn contents(&self) -> Result<Contents> {
        self.read(|connection| {
            let mut runs = connection.prepare_cached("SELECT id FROM runs")?;
            let runs = runs.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            let last = "SELECT id, (SELECT coalesce(max(seq), 0) FROM journal WHERE sweep = id) FROM sweeps";
            let mut sweeps = connection.prepare_cached(last)?;
            let sweeps = sweeps.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(Contents { runs, sweeps: sweeps.collect::<rusqlite::Result<_>>()? })
        })
    }

    fn read_only(&self) -> Result<Option<String>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = self.ready(&mut state, false)?;
        let Some(opened) = state.opened.as_ref().filter(|_| is_there) else { return Ok(None) };
        let obstacle = opened.obstacle();
        opened.connection.busy_timeout(self.busy).map_err(|error| explain(&error, &self.file, "read"))?;
        Ok(obstacle)
    }

    fn replacements(&self) -> Result<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.ready(&mut state, false)?;
        Ok(state.replacements)
    }

    fn remove(&self, id: &str) -> Result<bool> {
        let files = self.files(id)?;
        if !self.has(id)? {
            return Ok(false);
        }
        self.write(|transaction| {
            let removed = transaction.execute("DELETE FROM runs WHERE id = ?1", [id])?;
            // Before the commit: a run whose files stay is not gone.
            match fs::remove_dir_all(&files) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(&files, "remove")(error).into()),
                _ => Ok(removed > 0),
            }
        })
    }

    fn relabel(&self, id: &str, change: &dyn Fn(&mut Labels)) -> Result<bool> {
        if !self.has(id)? {
            return Ok(false);
        }
        self.write(|transaction| {
            let read = transaction.query_row("SELECT labels FROM runs WHERE id = ?1", [id], |row| row.get(0));
            let Some(labels) = read.optional()? else { return Ok(false) };
            let labels: String = labels;
            let labels = relabeled(&labels, change).map_err(|error| Error::damaged(&self.at(), id, &error))?;
            transaction.execute("UPDATE runs SET labels = ?2 WHERE id = ?1", [id, &labels])?;
            Ok(true)
        })
    }

    fn log(&self, run: &str, epochs: &[Epoch]) -> Result<()> {
        let put = format!(
            "INSERT INTO epochs (run, epoch, {}) VALUES (?, ?{}) ON CONFLICT (run, epoch) DO UPDATE SET {}",
            FIGURES.join(", "),
            ", ?".repeat(FIGURES.len()),
            FIGURES.map(|name| format!("{name} = excluded.{name}")).join(", ")
        );
        let show = "INSERT INTO evidence (run, epoch, evidence) VALUES (?1, ?2, ?3)
                    ON CONFLICT (run, epoch) DO UPDATE SET evidence = excluded.evidence";
        self.write(|transaction| {
            let (mut put, mut show) = (transaction.prepare_cached(&put)?, transaction.prepare_cached(show)?);
            for Epoch { row, evidence } in epochs {
                let (epoch, [a, b, c, d, e, f, g, h]) = (integer(row.epoch), figures(row));
                put.execute(params![run, epoch, a, b, c, d, e, f, g, h])
                    .map_err(|error| if is_orphan(&error) { Failure::Store(self.no_run(run)) } else { error.into() })?;
                show.execute(params![run, epoch, evidence_text(evidence)])?;
            }
            Ok(())
        })
    }

    fn epochs(&self, run: &str) -> Result<Vec<Epoch>> {
        let query = format!(
            "SELECT {}, evidence FROM epochs e JOIN evidence USING (run, epoch) WHERE e.run = ?1 ORDER BY e.epoch",
            columns()
        );
        self.read(|connection| {
            let mut query = connection.prepare_cached(&query)?;
            let mut found = query.query([run])?;
            let mut epochs = Vec::new();
            while let Some(row) = found.next()? {
                let shown = row.get_ref(2 + FIGURES.len())?.as_str().map_err(rusqlite::Error::from)?;
                let evidence = evidence(shown).map_err(|error| Error::damaged(&self.at(), run, &error))?;
                epochs.push(Epoch { row: figures_of(row)?, evidence });
            }
            Ok(epochs)
        })
    }

    fn rows(&self, runs: &[&str]) -> Result<ByRun<Vec<EpochMetrics>>> {
        let query = format!(
            "SELECT {} FROM epochs e WHERE e.run IN (SELECT value FROM json_each(?1)) ORDER BY e.run, e.epoch",
            columns()
        );
        self.read(|connection| {
            let mut query = connection.prepare_cached(&query)?;
            let mut found = query.query([text(&runs)])?;
            let mut rows = ByRun::<Vec<EpochMetrics>>::new();
            while let Some(row) = found.next()? {
                rows.entry(row.get(0)?).or_default().push(figures_of(row)?);
            }
            Ok(rows)
        })
    }

    fn last_rows(&self) -> Result<ByRun<EpochMetrics>> {
        // `CROSS` makes SQLite start from the runs, so that one epoch of each is read instead of all.
        let query = format!(
            "SELECT {} FROM runs CROSS JOIN epochs e
             ON e.run = runs.id AND e.epoch = (SELECT max(epoch) FROM epochs WHERE run = runs.id)",
            columns()
        );
        self.read(|connection| {
            let mut query = connection.prepare_cached(&query)?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, figures_of(row)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn rows_at(&self, epochs: &[(&str, u64)]) -> Result<ByRun<EpochMetrics>> {
        let query = format!(
            "SELECT {} FROM json_each(?1) asked CROSS JOIN epochs e ON e.run = asked.key AND e.epoch = asked.value",
            columns()
        );
        let epochs: ByRun<i64> = epochs.iter().map(|(run, epoch)| ((*run).to_owned(), integer(*epoch))).collect();
        self.read(|connection| {
            let mut query = connection.prepare_cached(&query)?;
            let rows = query.query_map([text(&epochs)], |row| Ok((row.get(0)?, figures_of(row)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn forget_after(&self, run: &str, epoch: u64) -> Result<()> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM epochs WHERE run = ?1 AND epoch > ?2", params![run, integer(epoch)])?;
            Ok(())
        })
    }

    fn heartbeat(&self, run: &str) -> Result<()> {
        let beat = format!("UPDATE runs SET heartbeat_ms = {NOW} WHERE id = ?1");
        self.write(|transaction| match transaction.prepare_cached(&beat)?.execute([run])? {
            0 => Err(self.no_run(run).into()),
            _ => Ok(()),
        })
    }

    fn open_test(&self, opening: &TestSetAccess) -> Result<u64> {
        let (data, record) = (&opening.data_sha256, text(opening));
        self.write(|transaction| {
            transaction.execute("INSERT INTO openings (data_sha256, record) VALUES (?1, ?2)", [data, &record])?;
            let count = "SELECT count(*) FROM openings WHERE data_sha256 = ?1";
            Ok(transaction.query_row(count, [data], |row| row.get::<_, i64>(0))? as u64)
        })
    }

    fn openings(&self) -> Result<Vec<TestSetAccess>> {
        self.read(|connection| {
            let mut query = connection.prepare("SELECT record FROM openings ORDER BY number")?;
            let records = query.query_map([], |row| row.get::<_, String>(0))?;
            let records: Vec<String> = records.collect::<rusqlite::Result<_>>()?;
            let read = |record: &String| {
                let why = |error: serde_json::Error| Error::Foreign { at: self.at(), why: unreadable_opening(&error) };
                serde_json::from_str::<TestSetAccess>(record).map_err(why)
            };
            let mut openings: Vec<TestSetAccess> = records.iter().map(read).collect::<Result<_>>()?;
            openings.sort_by_key(|opening| opening.at_ms);
            Ok(openings)
        })
    }

    fn put_file(&self, run: &str, name: &str, bytes: &[u8]) -> Result<()> {
        plain(name)?;
        let path = self.files(run)?.join(name);
        if !self.has(run)? {
            return Err(self.no_run(run));
        }
        let error = |error: handloom_engine::model::Error| io::Error::other(error.to_string());
        write_atomically(&path, bytes).map_err(error).map_err(Error::io(path, "write"))
    }

    fn file(&self, run: &str, name: &str) -> Result<Option<Vec<u8>>> {
        plain(name)?;
        let path = self.files(run)?.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(path, "read")(error)),
        }
    }

    fn add_sweep(&self, sweep: &Sweep, entries: &[Entry]) -> Result<()> {
        self.put_sweep(sweep, entries)
    }

    fn sweep(&self, id: &str) -> Result<Option<Sweep>> {
        Ok(self.read_sweeps(Some(id))?.pop())
    }

    fn sweeps(&self) -> Result<Vec<Sweep>> {
        self.read_sweeps(None)
    }

    fn remove_sweep(&self, id: &str) -> Result<bool> {
        self.delete_sweep(id)
    }

    fn append(&self, sweep: &str, entries: &[Entry]) -> Result<()> {
        self.put_entries(sweep, entries)
    }

    fn entries(&self, sweep: &str, after: Seq) -> Result<Page> {
        self.read_entries(sweep, after)
    }
}
