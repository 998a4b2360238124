//! A store in a PostgreSQL database, for several machines.
//!
//! One connection, made when it is first needed and again after it broke. Every statement may be sent twice without
//! harm, so that a statement lost with a broken connection is sent again.

mod connect;
mod schema;
mod sweeps;
mod tls;

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use handloom_engine::event::EpochMetrics;
use handloom_sweep::{Entry, Page, Seq};
use postgres::Client;
use postgres::error::SqlState;
use postgres::types::ToSql;

use crate::epoch::{FIGURES, evidence, evidence_text, figures, integer, row, text};
use crate::error::{Error, Result, plain, unreadable_opening};
use crate::run::{Kept, read, relabeled};
use crate::{ByRun, Contents, Epoch, Labels, Run, Store, Sweep, TestSetAccess};
pub use connect::masked;
use connect::{Server, is_broken};

/// Maximum total size of a run's files, in bytes.
const ROOM: u64 = 64 << 20;
/// Unix time in milliseconds.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// Interval between checks of the tables' version: another machine may migrate them to a version that this program does
/// not know, or replace them.
const LOOK: Duration = Duration::from_secs(2);

/// Runs in a PostgreSQL database.
pub struct Postgres {
    server: Server,
    state: Mutex<State>,
}

/// The connection, and the tables behind it as they were last seen.
#[derive(Default)]
struct State {
    client: Option<Client>,
    tables: Option<Tables>,
    replacements: u64,
}

/// The tables of a store.
struct Tables {
    version: usize,
    /// Object id of the version table; if it differs, the store was replaced.
    number: u32,
    /// Reason why they cannot be migrated to the latest version, if they cannot.
    obstacle: Option<String>,
    looked: Instant,
}

/// Error inside a transaction.
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

/// True if an error means that writing is not permitted: to this user, or on a standby server.
fn is_forbidden(error: &postgres::Error) -> bool {
    matches!(error.code(), Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE || *code == SqlState::READ_ONLY_SQL_TRANSACTION)
}

impl Postgres {
    /// The store in the database that `url` names, which must answer. Its tables are made by the first write.
    pub fn open(url: &str) -> Result<Self> {
        let store = Self { server: Server::parse(url)?, state: Mutex::default() };
        store.with(false, |_| Ok(()))?;
        Ok(store)
    }

    /// Does `act` with a connection, and once more with a new one if the old one was broken. None if there is nothing
    /// to read yet.
    fn with<T>(&self, write: bool, act: impl Fn(&mut Client) -> Result<T, Failure>) -> Result<Option<T>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.client.is_some() {
            match self.attempt(&mut state, write, &act) {
                Err(Failure::Sql(error))
                    if is_broken(&error) || state.client.as_ref().is_none_or(Client::is_closed) =>
                {
                    state.client = None;
                }
                done => return done.map_err(|failure| self.explain(failure)),
            }
        }
        state.client = Some(self.server.connect()?);
        // A server that broke may have come back with other tables.
        if let Some(tables) = &mut state.tables {
            tables.looked = tables.looked.checked_sub(LOOK).unwrap_or(tables.looked);
        }
        let done = self.attempt(&mut state, write, &act);
        if state.client.as_ref().is_some_and(Client::is_closed) {
            state.client = None;
        }
        done.map_err(|failure| self.explain(failure))
    }

    fn attempt<T>(
        &self,
        state: &mut State,
        write: bool,
        act: impl Fn(&mut Client) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        if !self.look(state, write)? {
            return Ok(None);
        }
        let (Some(client), Some(tables)) = (&mut state.client, &mut state.tables) else { return Ok(None) };
        match act(client) {
            Err(Failure::Sql(error)) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
                if !write && tables.version < schema::MIGRATIONS.len() {
                    return Ok(None);
                }
                // Another process removed the tables: check them at the next call.
                tables.looked = tables.looked.checked_sub(LOOK).unwrap_or(tables.looked);
                Err(Error::Removed { at: self.at() }.into())
            }
            done => done.map(Some),
        }
    }

    /// Checks the tables unless that was done recently, and migrates or creates them where that is allowed. False if
    /// there is nothing to read yet.
    fn look(&self, state: &mut State, write: bool) -> Result<bool, Failure> {
        let (Some(client), known) = (&mut state.client, schema::MIGRATIONS.len()) else { return Ok(false) };
        let is_fresh = |tables: &Tables| tables.looked.elapsed() < LOOK && (!write || tables.version == known);
        if state.tables.as_ref().is_some_and(is_fresh) {
            return Ok(true);
        }
        let mut version = schema::present(client, &self.server.at, known)?;
        let mut obstacle = None;
        match (version, &state.tables) {
            (None, Some(_)) => return Err(Error::Removed { at: self.at() }.into()),
            (None, None) if !write => return Ok(false),
            (Some(version), _) if version == known => {}
            _ => match schema::migrate(client, &self.server.at, schema::MIGRATIONS) {
                Ok(()) => version = Some(known),
                Err(Failure::Sql(error)) if !write && is_forbidden(&error) => {
                    obstacle = Some(error.to_string());
                }
                Err(failure) => return Err(failure),
            },
        }
        let number: u32 = client.query_one("SELECT 'handloom_version'::regclass::oid", &[])?.try_get(0)?;
        state.replacements += u64::from(state.tables.as_ref().is_some_and(|known| known.number != number));
        state.tables = Some(Tables { version: version.unwrap_or(known), number, obstacle, looked: Instant::now() });
        Ok(true)
    }

    fn read<T: Default>(&self, act: impl Fn(&mut Client) -> Result<T, Failure>) -> Result<T> {
        self.with(false, act).map(Option::unwrap_or_default)
    }

    fn write<T>(&self, act: impl Fn(&mut Client) -> Result<T, Failure>) -> Result<T> {
        Ok(self.with(true, act)?.expect("a write makes the tables"))
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
        let kept: Vec<Kept> = self.read(|client| client.query(&query, values)?.iter().map(kept).collect())?;
        read(&kept, &self.at())
    }
}

/// Run and metrics of a row with the columns of [`columns`].
fn figures_of(found: &postgres::Row) -> Result<(String, EpochMetrics), Failure> {
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
        self.write(|client| {
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

    fn contents(&self) -> Result<Contents> {
        // In one statement, so that both are of one moment.
        let query = "SELECT id, NULL::bigint FROM handloom_runs UNION ALL
                     SELECT id, (SELECT coalesce(max(seq), 0) FROM handloom_journal WHERE sweep = handloom_sweeps.id)
                     FROM handloom_sweeps";
        self.read(|client| {
            let mut contents = Contents::default();
            for row in client.query(query, &[])? {
                let id: String = row.try_get(0)?;
                match row.try_get(1)? {
                    Some(last) => drop(contents.sweeps.insert(id, last)),
                    None => drop(contents.runs.insert(id)),
                }
            }
            Ok(contents)
        })
    }

    fn read_only(&self) -> Result<Option<String>> {
        let may =
            "SELECT has_table_privilege('handloom_runs', 'INSERT') AND has_table_privilege('handloom_epochs', 'INSERT')
                   AND NOT pg_is_in_recovery()";
        let is_forbidden = self.read(|client| Ok(!client.query_one(may, &[])?.try_get::<_, bool>(0)?))?;
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let obstacle = state.tables.as_ref().and_then(|tables| tables.obstacle.clone());
        Ok(obstacle.or_else(|| is_forbidden.then(|| "this user may only read its tables".into())))
    }

    fn replacements(&self) -> Result<u64> {
        self.read(|_| Ok(()))?;
        Ok(self.state.lock().unwrap_or_else(PoisonError::into_inner).replacements)
    }

    fn pulse(&self) -> Result<u64> {
        // Equal snapshots see equal data.
        let snapshot = "SELECT txid_current_snapshot()::text";
        let snapshot: String = self.read(|client| Ok(client.query_one(snapshot, &[])?.try_get(0)?))?;
        let mut hasher = DefaultHasher::new();
        snapshot.hash(&mut hasher);
        Ok(hasher.finish())
    }

    fn remove(&self, id: &str) -> Result<bool> {
        plain(id)?;
        self.write(|client| Ok(client.execute("DELETE FROM handloom_runs WHERE id = $1", &[&id])? > 0))
    }

    fn relabel(&self, id: &str, change: &dyn Fn(&mut Labels)) -> Result<bool> {
        self.write(|client| {
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
        // One statement for all epochs, which must not contain a row twice: of equal numbers the last one is kept.
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
        self.write(|client| {
            let values: [&(dyn ToSql + Sync); 11] = [&run, &numbers, &a, &b, &c, &d, &e, &f, &g, &h, &evidence];
            client.execute(&put, &values).map_err(self.orphan(run))?;
            Ok(())
        })
    }

    fn epochs(&self, run: &str) -> Result<Vec<Epoch>> {
        let query = format!("SELECT {}, evidence FROM handloom_epochs WHERE run = $1 ORDER BY epoch", columns());
        self.read(|client| {
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

    fn rows(&self, runs: &[&str]) -> Result<ByRun<Vec<EpochMetrics>>> {
        let query = format!("SELECT {} FROM handloom_epochs WHERE run = ANY($1) ORDER BY run, epoch", columns());
        self.read(|client| {
            let mut rows = ByRun::<Vec<EpochMetrics>>::new();
            for found in client.query(&query, &[&runs])? {
                let (run, row) = figures_of(&found)?;
                rows.entry(run).or_default().push(row);
            }
            Ok(rows)
        })
    }

    fn last_rows(&self) -> Result<ByRun<EpochMetrics>> {
        // Starts from the runs, so that one epoch of each is read instead of all.
        let query = format!(
            "SELECT last.* FROM handloom_runs, LATERAL
             (SELECT {} FROM handloom_epochs WHERE run = id ORDER BY epoch DESC LIMIT 1) AS last",
            columns()
        );
        self.read(|client| client.query(&query, &[])?.iter().map(figures_of).collect())
    }

    fn rows_at(&self, epochs: &[(&str, u64)]) -> Result<ByRun<EpochMetrics>> {
        let query = format!(
            "SELECT {} FROM unnest($1::text[], $2::int8[]) AS asked (run, epoch) JOIN handloom_epochs USING (run, epoch)",
            columns()
        );
        let (runs, epochs): (Vec<&str>, Vec<i64>) = epochs.iter().map(|(run, epoch)| (*run, integer(*epoch))).unzip();
        self.read(|client| client.query(&query, &[&runs, &epochs])?.iter().map(figures_of).collect())
    }

    fn forget_after(&self, run: &str, epoch: u64) -> Result<()> {
        self.write(|client| {
            client.execute("DELETE FROM handloom_epochs WHERE run = $1 AND epoch > $2", &[&run, &integer(epoch)])?;
            Ok(())
        })
    }

    fn heartbeat(&self, run: &str) -> Result<()> {
        let beat = format!("UPDATE handloom_runs SET heartbeat_ms = {NOW} WHERE id = $1");
        self.write(|client| match client.execute(&beat, &[&run])? {
            0 => Err(self.no_run(run)),
            _ => Ok(()),
        })
    }

    fn open_test(&self, opening: &TestSetAccess) -> Result<u64> {
        let (data, record) = (&opening.data_sha256, text(opening));
        // The token makes sending an opening twice harmless: it is stored once.
        let token = format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1));
        let put = "INSERT INTO handloom_openings (token, data_sha256, record) VALUES ($1, $2, $3)
                   ON CONFLICT (token) DO NOTHING";
        self.write(|client| {
            let mut transaction = client.transaction()?;
            // The lock orders concurrent openings, so that each count is distinct.
            transaction.batch_execute(schema::LOCK)?;
            transaction.execute(put, &[&token, data, &record])?;
            let count = "SELECT count(*) FROM handloom_openings WHERE data_sha256 = $1";
            let count: i64 = transaction.query_one(count, &[data])?.try_get(0)?;
            transaction.commit()?;
            Ok(count as u64)
        })
    }

    fn openings(&self) -> Result<Vec<TestSetAccess>> {
        let rows =
            self.read(|client| Ok(client.query("SELECT record FROM handloom_openings ORDER BY number", &[])?))?;
        let read = |row: &postgres::Row| {
            let why = |error: serde_json::Error| Error::Database { at: self.at(), why: unreadable_opening(&error) };
            serde_json::from_str::<TestSetAccess>(row.get(0)).map_err(why)
        };
        let mut openings: Vec<TestSetAccess> = rows.iter().map(read).collect::<Result<_>>()?;
        openings.sort_by_key(|opening| opening.at_ms);
        Ok(openings)
    }

    fn put_file(&self, run: &str, name: &str, bytes: &[u8]) -> Result<()> {
        plain(name)?;
        let full = |used: i64| {
            let (run, name) = (run.into(), name.into());
            Error::TooLarge { run, name, bytes: bytes.len() as u64, used: used as u64, limit: ROOM }
        };
        self.write(|client| {
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
        self.read(|client| {
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
