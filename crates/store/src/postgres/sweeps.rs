//! Sweeps and their journals in PostgreSQL, where an advisory lock for each sweep puts entries in order.

use handloom_sweep::{Entry, Page, Seq};
use postgres::Transaction;
use postgres::error::SqlState;

use super::{Failure, NOW, Postgres};
use crate::Store as _;
use crate::epoch::{integer, text};
use crate::error::{Error, Result, plain};
use crate::sweep::{Sweep, read, stamped};

impl Postgres {
    pub(super) fn put_sweep(&self, sweep: &Sweep, entries: &[Entry]) -> Result<()> {
        plain(&sweep.id)?;
        let (record, created_ms) = (text(sweep), integer(sweep.created_ms));
        self.with(|client| {
            let mut transaction = client.transaction()?;
            let put = "INSERT INTO handloom_sweeps (id, created_ms, record) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            if transaction.execute(put, &[&sweep.id, &created_ms, &record])? == 0 {
                let there = "SELECT record = $2 FROM handloom_sweeps WHERE id = $1";
                // The same one is this one, sent twice.
                let same: bool = transaction.query_one(there, &[&sweep.id, &record])?.try_get(0)?;
                let why = || format!("there is another sweep `{}`", sweep.id);
                return if same { Ok(()) } else { Err(Error::Database { at: self.at(), why: why() }.into()) };
            }
            self.insert(&mut transaction, &sweep.id, entries)?;
            Ok(transaction.commit()?)
        })
    }

    pub(super) fn read_sweeps(&self, id: Option<&str>) -> Result<Vec<Sweep>> {
        let query = "SELECT id, record FROM handloom_sweeps WHERE $1::text IS NULL OR id = $1";
        let record = |row: &postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
        let records: Vec<(String, String)> =
            self.with(|client| client.query(query, &[&id])?.iter().map(record).collect())?;
        read(&records, &self.at())
    }

    pub(super) fn delete_sweep(&self, id: &str) -> Result<bool> {
        self.with(|client| Ok(client.execute("DELETE FROM handloom_sweeps WHERE id = $1", &[&id])? > 0))
    }

    pub(super) fn put_entries(&self, sweep: &str, entries: &[Entry]) -> Result<()> {
        self.with(|client| {
            let mut transaction = client.transaction()?;
            self.insert(&mut transaction, sweep, entries)?;
            Ok(transaction.commit()?)
        })
    }

    fn insert(&self, transaction: &mut Transaction<'_>, sweep: &str, entries: &[Entry]) -> Result<(), Failure> {
        let entries: Vec<String> = entries.iter().map(Entry::text).collect();
        // Before anything is read, and until the commit: of two that append, one sees what the other did, so that no
        // reader finds a later entry before an earlier one.
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended('handloom sweep ' || $1, 0))";
        transaction.execute(lock, &[&sweep])?;
        let put = format!(
            "INSERT INTO handloom_journal (sweep, seq, at_ms, entry)
             SELECT $1::text, last + number, {NOW}, entry
             FROM (SELECT coalesce(max(seq), 0) AS last FROM handloom_journal WHERE sweep = $1) AS journal,
                  unnest($2::text[]) WITH ORDINALITY AS new (entry, number)"
        );
        transaction.execute(&put, &[&sweep, &entries]).map_err(|error| match error.code() {
            Some(code) if *code == SqlState::FOREIGN_KEY_VIOLATION => Error::no_sweep(&self.at(), sweep).into(),
            _ => Failure::Sql(error),
        })?;
        Ok(())
    }

    pub(super) fn read_entries(&self, sweep: &str, after: Seq) -> Result<Page> {
        let at = self.at();
        let query = "SELECT seq, at_ms, entry FROM handloom_journal WHERE sweep = $1 AND seq > $2 ORDER BY seq";
        let now = format!("SELECT {NOW}, EXISTS (SELECT FROM handloom_sweeps WHERE id = $1)");
        self.with(|client| {
            let read = |row: &postgres::Row| {
                Ok::<_, Failure>(stamped(&at, sweep, row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)?)
            };
            let entries = client.query(query, &[&sweep, &after])?.iter().map(read).collect::<Result<_, _>>()?;
            let now = client.query_one(&now, &[&sweep])?;
            if !now.try_get::<_, bool>(1)? {
                return Err(Error::no_sweep(&at, sweep).into());
            }
            Ok(Page { now_ms: now.try_get(0)?, entries })
        })
    }
}
