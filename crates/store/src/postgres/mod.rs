//! A store in a PostgreSQL database, for several machines.
//!
//! One connection, made when it is first needed and again after it broke. Every statement may be sent twice without
//! harm, so that what a broken connection swallowed is simply sent again.

mod connect;
mod schema;
mod sweeps;
mod tls;

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use handloom_engine::event::Row;
use handloom_sweep::{Entry, Page, Seq};
use postgres::Client;
use postgres::error::SqlState;
use postgres::types::ToSql;

use crate::epoch::{FIGURES, evidence, evidence_text, figures, integer, row, text};
use crate::error::{Error, Result, plain};
use crate::run::{Kept, read, relabeled};
use crate::{ByRun, Epoch, Labels, Opening, Run, Store, Sweep};
pub use connect::masked;
use connect::{Server, is_broken};

/// What the files of a run may take, in bytes.
const ROOM: u64 = 64 << 20;
/// Unix time in milliseconds.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// Runs in a PostgreSQL database.
pub struct Postgres {
    server: Server,
    client: Mutex<Option<Client>>,
}

/// What went wrong inside a transaction.
enum Failure {
    Sql(postgres::Error),
    Store(Error),
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Postgres {
    /// The store in the database that `url` names, whose tables are made if it has none.
    pub fn open(url: &str) -> Result<Self> {
        let store = Self { server: Server::parse(url)?, client: Mutex::default() };
        store.with(|_| Ok(()))?;
        Ok(store)
    }

    /// Does `act` with a connection, and once more with a new one if the old one was broken.
    fn with<T>(&self, act: impl Fn(&mut Client) -> Result<T, Failure>) -> Result<T> {
        let mut held = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &mut *held {
            match act(client) {
                Err(Failure::Sql(error)) if client.is_closed() || is_broken(&error) => *held = None,
                done => return done.map_err(|failure| self.explain(failure)),
            }
        }
        let mut client = self.server.connect()?;
        schema::migrate(&mut client, &self.server.at, schema::MIGRATIONS).map_err(|failure| self.explain(failure))?;
        let done = act(&mut client);
        if !client.is_closed() {
            *held = Some(client);
        }
        done.map_err(|failure| self.explain(failure))
    }

    fn explain(&self, failure: Failure) -> Error {
        match failure {
            Failure::Sql(error) => self.server.explain(&error, false),
            Failure::Store(error) => error,
        }
    }

    fn no_run(&self, run: &str) -> Failure {
        Error::NoRun { at: self.at(), run: run.into() }.into()
    }

    fn orphan(&self, run: &str) -> impl Fn(postgres::Error) -> Failure {
        move |error| match error.code() {
            Some(code) if *code == SqlState::FOREIGN_KEY_VIOLATION => self.no_run(run),
            _ => error.into(),
        }
    }

    fn records(&self, which: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Run>> {
        let query = format!("SELECT id, {NOW} - heartbeat_ms, labels, record FROM handloom_runs {which}");
        let kept = |row: &postgres::Row| {
            Ok(Kept { id: row.try_get(0)?, age_ms: row.try_get(1)?, labels: row.try_get(2)?, record: row.try_get(3)? })
        };
        let kept: Vec<Kept> = self.with(|client| client.query(&query, values)?.iter().map(kept).collect())?;
        read(&kept, &self.at())
    }
}

/// The run and the figures of the columns that [`columns`] names.
fn figures_of(found: &postgres::Row) -> Result<(String, Row), Failure> {
    let mut figures = [None; FIGURES.len()];
    for (at, figure) in figures.iter_mut().enumerate() {
        *figure = found.try_get(2 + at)?;
    }
    Ok((found.try_get(0)?, row(found.try_get(1)?, figures)))
}

fn columns() -> String {
    format!("run, epoch, {}", FIGURES.join(", "))
}

impl Store for Postgres {
    fn at(&self) -> String {
        self.server.at.clone()
    }

    fn folder(&self) -> Option<&Path> {
        None
    }

    fn put(&self, run: &Run) -> Result<()> {
        plain(&run.id)?;
        let (record, labels) = run.columns();
        let put = format!(
            "INSERT INTO handloom_runs (id, heartbeat_ms, labels, record) VALUES ($1, {NOW}, $2, $3)
             ON CONFLICT (id) DO UPDATE SET heartbeat_ms = excluded.heartbeat_ms, record = excluded.record"
        );
        self.with(|client| {
            client.execute(&put, &[&run.id, &labels, &record])?;
            Ok(())
        })
    }

    fn run(&self, id: &str) -> Result<Option<Run>> {
        Ok(self.records("WHERE id = $1", &[&id])?.pop())
    }

    fn runs(&self) -> Result<Vec<Run>> {
        self.records("", &[])
    }

    fn recent(&self, within_ms: u64) -> Result<Vec<Run>> {
        // Without an index, which would make each heartbeat of each run more expensive than this is.
        self.records(&format!("WHERE heartbeat_ms >= {NOW} - $1"), &[&integer(within_ms)])
    }

    fn pulse(&self) -> Result<u64> {
        // Whose snapshots are the same see the same.
        let snapshot = "SELECT txid_current_snapshot()::text";
        let snapshot: String = self.with(|client| Ok(client.query_one(snapshot, &[])?.try_get(0)?))?;
        let mut hasher = DefaultHasher::new();
        snapshot.hash(&mut hasher);
        Ok(hasher.finish())
    }

    fn remove(&self, id: &str) -> Result<bool> {
        plain(id)?;
        self.with(|client| Ok(client.execute("DELETE FROM handloom_runs WHERE id = $1", &[&id])? > 0))
    }

    fn relabel(&self, id: &str, change: &dyn Fn(&mut Labels)) -> Result<bool> {
        self.with(|client| {
            let mut transaction = client.transaction()?;
            let query = "SELECT labels FROM handloom_runs WHERE id = $1 FOR UPDATE";
            let Some(row) = transaction.query_opt(query, &[&id])? else { return Ok(false) };
            let labels = relabeled(row.try_get(0)?, change).map_err(|error| Error::damaged(&self.at(), id, &error))?;
            transaction.execute("UPDATE handloom_runs SET labels = $2 WHERE id = $1", &[&id, &labels])?;
            transaction.commit()?;
            Ok(true)
        })
    }

    fn log(&self, run: &str, epochs: &[Epoch]) -> Result<()> {
        // One statement for all of them, which must not meet a row twice: of equals the last counts.
        let epochs: BTreeMap<i64, &Epoch> = epochs.iter().map(|epoch| (integer(epoch.row.epoch), epoch)).collect();
        let numbers: Vec<i64> = epochs.keys().copied().collect();
        let rows: Vec<_> = epochs.values().map(|epoch| figures(&epoch.row)).collect();
        let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<Option<f64>>>();
        let [a, b, c, d, e, f, g, h] = std::array::from_fn(column);
        let evidence: Vec<String> = epochs.values().map(|epoch| evidence_text(&epoch.evidence)).collect();
        let put = format!(
            "INSERT INTO handloom_epochs ({}, evidence)
             SELECT $1::text, * FROM unnest($2::int8[], {}, $11::text[])
             ON CONFLICT (run, epoch) DO UPDATE SET evidence = excluded.evidence, {}",
            columns(),
            [3, 4, 5, 6, 7, 8, 9, 10].map(|at| format!("${at}::float8[]")).join(", "),
            FIGURES.map(|name| format!("{name} = excluded.{name}")).join(", ")
        );
        self.with(|client| {
            let values: [&(dyn ToSql + Sync); 11] = [&run, &numbers, &a, &b, &c, &d, &e, &f, &g, &h, &evidence];
            client.execute(&put, &values).map_err(self.orphan(run))?;
            Ok(())
        })
    }

    fn epochs(&self, run: &str) -> Result<Vec<Epoch>> {
        let query = format!("SELECT {}, evidence FROM handloom_epochs WHERE run = $1 ORDER BY epoch", columns());
        self.with(|client| {
            let read = |found: &postgres::Row| {
                let evidence = evidence(found.try_get(2 + FIGURES.len())?);
                Ok(Epoch {
                    row: figures_of(found)?.1,
                    evidence: evidence.map_err(|error| Error::damaged(&self.at(), run, &error))?,
                })
            };
            client.query(&query, &[&run])?.iter().map(read).collect()
        })
    }

    fn rows(&self, runs: &[&str]) -> Result<ByRun<Vec<Row>>> {
        let query = format!("SELECT {} FROM handloom_epochs WHERE run = ANY($1) ORDER BY run, epoch", columns());
        self.with(|client| {
            let mut rows = ByRun::<Vec<Row>>::new();
            for found in client.query(&query, &[&runs])? {
                let (run, row) = figures_of(&found)?;
                rows.entry(run).or_default().push(row);
            }
            Ok(rows)
        })
    }

    fn last_rows(&self) -> Result<ByRun<Row>> {
        // Through the runs, so that of each one epoch is read and not all.
        let query = format!(
            "SELECT last.* FROM handloom_runs, LATERAL
             (SELECT {} FROM handloom_epochs WHERE run = id ORDER BY epoch DESC LIMIT 1) AS last",
            columns()
        );
        self.with(|client| client.query(&query, &[])?.iter().map(figures_of).collect())
    }

    fn rows_at(&self, epochs: &[(&str, u64)]) -> Result<ByRun<Row>> {
        let query = format!(
            "SELECT {} FROM unnest($1::text[], $2::int8[]) AS asked (run, epoch) JOIN handloom_epochs USING (run, epoch)",
            columns()
        );
        let (runs, epochs): (Vec<&str>, Vec<i64>) = epochs.iter().map(|(run, epoch)| (*run, integer(*epoch))).unzip();
        self.with(|client| client.query(&query, &[&runs, &epochs])?.iter().map(figures_of).collect())
    }

    fn forget_after(&self, run: &str, epoch: u64) -> Result<()> {
        self.with(|client| {
            client.execute("DELETE FROM handloom_epochs WHERE run = $1 AND epoch > $2", &[&run, &integer(epoch)])?;
            Ok(())
        })
    }

    fn heartbeat(&self, run: &str) -> Result<()> {
        let beat = format!("UPDATE handloom_runs SET heartbeat_ms = {NOW} WHERE id = $1");
        self.with(|client| match client.execute(&beat, &[&run])? {
            0 => Err(self.no_run(run)),
            _ => Ok(()),
        })
    }

    fn open_test(&self, opening: &Opening) -> Result<u64> {
        let (data, record) = (&opening.data_sha256, text(opening));
        // Makes an opening that is sent twice one opening.
        let token = format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1));
        let put = "INSERT INTO handloom_openings (token, data_sha256, record) VALUES ($1, $2, $3)
                   ON CONFLICT (token) DO NOTHING";
        self.with(|client| {
            let mut transaction = client.transaction()?;
            // Of two at once, one is the later.
            transaction.batch_execute(schema::LOCK)?;
            transaction.execute(put, &[&token, data, &record])?;
            let count = "SELECT count(*) FROM handloom_openings WHERE data_sha256 = $1";
            let count: i64 = transaction.query_one(count, &[data])?.try_get(0)?;
            transaction.commit()?;
            Ok(count as u64)
        })
    }

    fn openings(&self) -> Result<Vec<Opening>> {
        let rows =
            self.with(|client| Ok(client.query("SELECT record FROM handloom_openings ORDER BY number", &[])?))?;
        let read = |row: &postgres::Row| {
            let why = |error: serde_json::Error| Error::Database { at: self.at(), why: error.to_string() };
            serde_json::from_str::<Opening>(row.get(0)).map_err(why)
        };
        let mut openings: Vec<Opening> = rows.iter().map(read).collect::<Result<_>>()?;
        openings.sort_by_key(|opening| opening.at_ms);
        Ok(openings)
    }

    fn put_file(&self, run: &str, name: &str, bytes: &[u8]) -> Result<()> {
        plain(name)?;
        let full = |used: i64| {
            let (run, name) = (run.into(), name.into());
            Error::TooLarge { run, name, bytes: bytes.len() as u64, used: used as u64, limit: ROOM }
        };
        self.with(|client| {
            let mut transaction = client.transaction()?;
            let lock = "SELECT FROM handloom_runs WHERE id = $1 FOR NO KEY UPDATE";
            transaction.query_opt(lock, &[&run])?.ok_or_else(|| self.no_run(run))?;
            let used = "SELECT coalesce(sum(length(bytes)), 0)::int8 FROM handloom_files WHERE run = $1 AND name <> $2";
            let used: i64 = transaction.query_one(used, &[&run, &name])?.try_get(0)?;
            if used as u64 + bytes.len() as u64 > ROOM {
                return Err(full(used).into());
            }
            let put = "INSERT INTO handloom_files (run, name, bytes) VALUES ($1, $2, $3)
                       ON CONFLICT (run, name) DO UPDATE SET bytes = excluded.bytes";
            transaction.execute(put, &[&run, &name, &bytes])?;
            Ok(transaction.commit()?)
        })
    }

    fn file(&self, run: &str, name: &str) -> Result<Option<Vec<u8>>> {
        plain(name)?;
        self.with(|client| {
            let query = "SELECT bytes FROM handloom_files WHERE run = $1 AND name = $2";
            Ok(client.query_opt(query, &[&run, &name])?.map(|row| row.try_get(0)).transpose()?)
        })
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
