//! Sweeps and their journals in PostgreSQL, where an advisory lock for each sweep puts entries in order.
//!
//! The server may be far away, so the journal's statements name their types: that saves a round trip for each.

use handloom_sweep::{Entry, Page, Seq};
use postgres::Transaction;
use postgres::error::SqlState;
use postgres::types::Type;

use super::{Failure, NOW, Postgres};
use crate::Store as _;
use crate::epoch::{integer, text};
use crate::error::{Error, Result, plain};
use crate::sweep::{Sweep, read, stamped};

impl Postgres {
    pub(super) fn put_sweep(&self, sweep: &Sweep, entries: &[Entry]) -> Result<()> {
        plain(&sweep.id)?;
        let (record, created_ms) = (text(sweep), integer(sweep.created_ms));
        self.write(|client| {
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
            self.read(|client| client.query(query, &[&id])?.iter().map(record).collect())?;
        read(&records, &self.at())
    }

    pub(super) fn delete_sweep(&self, id: &str) -> Result<bool> {
        self.write(|client| Ok(client.execute("DELETE FROM handloom_sweeps WHERE id = $1", &[&id])? > 0))
    }

    pub(super) fn put_entries(&self, sweep: &str, entries: &[Entry]) -> Result<()> {
        self.write(|client| {
            let mut transaction = client.transaction()?;
            self.insert(&mut transaction, sweep, entries)?;
            Ok(transaction.commit()?)
        })
    }

    fn insert(&self, transaction: &mut Transaction<'_>, sweep: &str, entries: &[Entry]) -> Result<(), Failure> {
        let entries: Vec<String> = entries.iter().map(Entry::text).collect();
        // Held from before the first read until the commit: concurrent appends run one after the other, so that no
        // reader finds a later entry before an earlier one.
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended('handloom sweep ' || $1, 0))";
        transaction.execute_typed(lock, &[(&sweep, Type::TEXT)])?;
        let put = format!(
            "INSERT INTO handloom_journal (sweep, seq, at_ms, entry)
             SELECT $1::text, last + number, {NOW}, entry
             FROM (SELECT coalesce(max(seq), 0) AS last FROM handloom_journal WHERE sweep = $1) AS journal,
                  unnest($2::text[]) WITH ORDINALITY AS new (entry, number)"
        );
        let values: [(&(dyn postgres::types::ToSql + Sync), Type); 2] =
            [(&sweep, Type::TEXT), (&entries, Type::TEXT_ARRAY)];
        transaction.execute_typed(&put, &values).map_err(|error| match error.code() {
            Some(code) if *code == SqlState::FOREIGN_KEY_VIOLATION => Error::no_sweep(&self.at(), sweep).into(),
            _ => Failure::Sql(error),
        })?;
        Ok(())
    }

    pub(super) fn read_entries(&self, sweep: &str, after: Seq) -> Result<Page> {
        let at = self.at();
        // One row without an entry if there is nothing new, and none if there is no such sweep.
        let query = format!(
            "SELECT {NOW}, seq, at_ms, entry FROM handloom_sweeps
             LEFT JOIN handloom_journal ON sweep = id AND seq > $2 WHERE id = $1 ORDER BY seq"
        );
        let page = self.with(false, |client| {
            let mut page = None;
            for row in client.query_typed(&query, &[(&sweep, Type::TEXT), (&after, Type::INT8)])? {
                let page = page.get_or_insert_with(Page::default);
                page.now_ms = row.try_get(0)?;
                if let Some(seq) = row.try_get(1)? {
                    page.entries.push(stamped(&at, sweep, seq, row.try_get(2)?, row.try_get(3)?)?);
                }
            }
            page.ok_or_else(|| Error::no_sweep(&at, sweep).into())
        })?;
        page.ok_or_else(|| Error::no_sweep(&at, sweep))
    }
}
