//! Sweeps and their journals in SQLite, whose one writer at a time puts entries in order.

use handloom_sweep::{Entry, Page, Seq};
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::connect::{Failure, is_orphan};
use super::{NOW, Sqlite};
use crate::Store as _;
use crate::epoch::{integer, text};
use crate::error::{Error, Result, plain};
use crate::sweep::{Sweep, read, stamped};

impl Sqlite {
    pub(super) fn put_sweep(&self, sweep: &Sweep, entries: &[Entry]) -> Result<()> {
        plain(&sweep.id)?;
        self.write(|transaction| {
            let put = "INSERT INTO sweeps (id, created_ms, record) VALUES (?1, ?2, ?3)";
            transaction.execute(put, params![sweep.id, integer(sweep.created_ms), text(sweep)])?;
            self.insert(transaction, &sweep.id, entries)
        })
    }

    pub(super) fn read_sweeps(&self, id: Option<&str>) -> Result<Vec<Sweep>> {
        let records: Vec<(String, String)> = self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT id, record FROM sweeps WHERE ?1 IS NULL OR id = ?1")?;
            let records = query.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(records.collect::<rusqlite::Result<_>>()?)
        })?;
        read(&records, &self.at())
    }

    pub(super) fn delete_sweep(&self, id: &str) -> Result<bool> {
        let there = "SELECT EXISTS (SELECT 1 FROM sweeps WHERE id = ?1)";
        // A write would make a database where there is none.
        if !self.read(|connection| Ok(connection.query_row(there, [id], |row| row.get(0))?))? {
            return Ok(false);
        }
        self.write(|transaction| Ok(transaction.execute("DELETE FROM sweeps WHERE id = ?1", [id])? > 0))
    }

    pub(super) fn put_entries(&self, sweep: &str, entries: &[Entry]) -> Result<()> {
        self.write(|transaction| self.insert(transaction, sweep, entries))
    }

    fn insert(&self, transaction: &Transaction<'_>, sweep: &str, entries: &[Entry]) -> Result<(), Failure> {
        let last = "SELECT coalesce(max(seq), 0) FROM journal WHERE sweep = ?1";
        let last: Seq = transaction.prepare_cached(last)?.query_row([sweep], |row| row.get(0))?;
        let put = format!("INSERT INTO journal (sweep, seq, at_ms, entry) VALUES (?1, ?2, {NOW}, ?3)");
        let mut put = transaction.prepare_cached(&put)?;
        for (seq, entry) in (last + 1..).zip(entries) {
            put.execute(params![sweep, seq, entry.text()]).map_err(|error| {
                if is_orphan(&error) { Failure::Store(Error::no_sweep(&self.at(), sweep)) } else { error.into() }
            })?;
        }
        Ok(())
    }

    pub(super) fn read_entries(&self, sweep: &str, after: Seq) -> Result<Page> {
        let at = self.at();
        let page = self.with(false, |connection| {
            let mut query = connection
                .prepare_cached("SELECT seq, at_ms, entry FROM journal WHERE sweep = ?1 AND seq > ?2 ORDER BY seq")?;
            let mut found = query.query(params![sweep, after])?;
            let mut entries = Vec::new();
            while let Some(row) = found.next()? {
                let entry = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
                entries.push(stamped(&at, sweep, row.get(0)?, row.get(1)?, entry)?);
            }
            if entries.is_empty() {
                let there =
                    connection.prepare_cached("SELECT 1 FROM sweeps WHERE id = ?1")?.query_row([sweep], |_| Ok(()));
                there.optional()?.ok_or_else(|| Error::no_sweep(&at, sweep))?;
            }
            let now_ms = connection.prepare_cached(&format!("SELECT {NOW}"))?.query_row([], |row| row.get(0))?;
            Ok(Page { now_ms, entries })
        })?;
        page.ok_or_else(|| Error::no_sweep(&at, sweep))
    }
}
