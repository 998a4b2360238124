//! A connection to `handloom.db`: its settings, its version, and the translation of SQLite's errors.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi};

use crate::error::Error;

/// Schema migrations, each to the next version; version `n` is the first `n` of them. Append only.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE runs (
        id TEXT PRIMARY KEY NOT NULL,
        heartbeat_ms INTEGER NOT NULL,
        labels TEXT NOT NULL, -- JSON: name, tags, notes; what users change
        record TEXT NOT NULL  -- JSON: everything else; what the run's process changes
    );
    CREATE TABLE epochs (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        epoch INTEGER NOT NULL,
        train_loss REAL, train_accuracy REAL, val_loss REAL, val_accuracy REAL,
        learning_rate REAL, samples_per_second REAL, seconds REAL, val_seconds REAL,
        PRIMARY KEY (run, epoch)
    ) WITHOUT ROWID;
    -- Apart from the figures, which are read in bulk and are a tenth of the size.
    CREATE TABLE evidence (
        run TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        evidence TEXT NOT NULL, -- JSON: confusion, layers
        PRIMARY KEY (run, epoch),
        FOREIGN KEY (run, epoch) REFERENCES epochs (run, epoch) ON DELETE CASCADE
    ) WITHOUT ROWID;
    CREATE TABLE openings (
        number INTEGER PRIMARY KEY,
        data_sha256 TEXT NOT NULL,
        record TEXT NOT NULL -- JSON
    );
    CREATE INDEX openings_by_data ON openings (data_sha256);
",
    "
    CREATE TABLE sweeps (
        id TEXT PRIMARY KEY NOT NULL,
        created_ms INTEGER NOT NULL,
        record TEXT NOT NULL -- JSON
    );
    -- Nothing in here is ever changed.
    CREATE TABLE journal (
        sweep TEXT NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL, -- from 1, without gaps
        at_ms INTEGER NOT NULL,
        entry TEXT NOT NULL, -- JSON
        PRIMARY KEY (sweep, seq)
    ) WITHOUT ROWID;
",
    "
    -- Who looks for news finds the few runs that live among thousands.
    CREATE INDEX runs_by_heartbeat ON runs (heartbeat_ms);
",
];

/// `HLOM`: SQLite's application id, which tells our databases from those of other programs.
const APPLICATION: i64 = 0x484c_4f4d;

/// Error inside a transaction.
pub(super) enum Failure {
    Sql(rusqlite::Error),
    Store(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Opens the database in `file`, brought to the latest version; `busy` is how long it waits for other processes.
pub(super) fn connect(
    file: &Path,
    at: &str,
    create: bool,
    busy: Duration,
    migrations: &[&str],
) -> Result<Connection, Failure> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
    let mut connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(busy)?;
    if connection.is_readonly("main")? {
        // SQLite opens a read-only database all the same, and would then create files of this user beside it.
        let why = Some("this user may only read it".into());
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_READONLY), why).into());
    }
    // Checked before any change: the file may belong to another program.
    let version = checked_version(&mut connection, at, migrations.len())?;
    write_ahead(&connection, busy)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    if version < migrations.len() {
        migrate(&mut connection, at, migrations)?;
    }
    Ok(connection)
}

/// The database's version, if it is ours and not too new. In one transaction: if another process creates the tables
/// between two reads, the old version and the new tables together look like another program's database.
pub(super) fn checked_version(connection: &mut Connection, at: &str, known: usize) -> Result<usize, Failure> {
    let transaction = connection.transaction()?;
    let version = version(&transaction, at, known)?;
    transaction.commit()?;
    Ok(version)
}

/// The same within a transaction.
pub(super) fn version(connection: &Connection, at: &str, known: usize) -> Result<usize, Failure> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (found, application) = (pragma("user_version")?, pragma("application_id")?);
    if application != APPLICATION {
        let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if (found, application, objects) != (0, 0, 0) {
            let why = "it is the database of another program".into();
            return Err(Error::Foreign { at: at.into(), why }.into());
        }
    }
    match usize::try_from(found) {
        Ok(version) if version <= known => Ok(version),
        _ => Err(Error::Newer { at: at.into(), found, known }.into()),
    }
}

fn migrate(connection: &mut Connection, at: &str, migrations: &[&str]) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been here first.
    for migration in &migrations[version(&transaction, at, migrations.len())?..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", migrations.len() as i64)?;
    Ok(transaction.commit()?)
}

/// Lets readers read while a process writes. SQLite does not wait if two processes ask for it at the same moment.
fn write_ahead(connection: &Connection, busy: Duration) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if is_busy(&error) && start.elapsed() < busy => thread::sleep(Duration::from_millis(20)),
            done => return done,
        }
    }
}

pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// True if a row refers to a run or sweep that does not exist (foreign key violation).
pub(super) fn is_orphan(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// Translates an error of SQLite for a user who wanted to `read` or `write` (`action`).
pub(super) fn explain(error: &rusqlite::Error, file: &Path, action: &'static str) -> Error {
    let (at, why) = (file.display().to_string(), error.to_string());
    match error.sqlite_error_code() {
        _ if is_busy(error) => Error::Busy { at, why },
        Some(ErrorCode::DiskFull) => Error::Full { at, why },
        // An error without a code means a column of an unexpected type.
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) | None => Error::Foreign { at, why },
        Some(
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::SystemIoFailure,
        ) => Error::Io { path: file.into(), action, why },
        _ => Error::Database { at, why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Duration = Duration::from_secs(1);

    fn opened(file: &Path, migrations: &[&str]) -> Result<Connection, Error> {
        connect(file, "db", true, BUSY, migrations).map_err(|failure| match failure {
            Failure::Sql(error) => explain(&error, file, "write"),
            Failure::Store(error) => error,
        })
    }

    #[test]
    fn an_older_database_is_brought_up_and_a_newer_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("handloom.db");
        let insert = "INSERT INTO runs VALUES ('a', 1, '{}', '{}')";
        // As a program of before sweeps left it.
        opened(&file, &MIGRATIONS[..1]).unwrap().execute(insert, []).unwrap();
        opened(&file, MIGRATIONS).unwrap().execute_batch("SELECT * FROM journal").unwrap();
        let later = ["CREATE TABLE later (id TEXT)", "ALTER TABLE runs ADD COLUMN kind TEXT DEFAULT 'mlp'"];
        let longer = [MIGRATIONS, &later].concat();
        for _ in 0..2 {
            let connection = opened(&file, &longer).unwrap();
            let kind: String = connection.query_row("SELECT kind FROM runs", [], |row| row.get(0)).unwrap();
            assert_eq!(kind, "mlp");
        }
        let error = opened(&file, MIGRATIONS).unwrap_err().to_string();
        assert!(error.contains("version 5") && error.contains("up to 3") && error.contains("hint:"), "{error}");
    }

    #[test]
    fn a_migration_that_fails_leaves_the_database_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("handloom.db");
        drop(opened(&file, MIGRATIONS).unwrap());
        let broken = [MIGRATIONS, &["CREATE TABLE later (id TEXT); INSERT INTO nowhere VALUES (1)"]].concat();
        assert!(opened(&file, &broken).unwrap_err().to_string().contains("nowhere"));
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'later'";
        let found: i64 = opened(&file, MIGRATIONS).unwrap().query_row(tables, [], |row| row.get(0)).unwrap();
        assert_eq!(found, 0);
    }

    #[test]
    fn a_file_of_another_program_is_refused_and_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("handloom.db");
        Connection::open(&file).unwrap().execute_batch("CREATE TABLE theirs (id)").unwrap();
        let before = std::fs::read(&file).unwrap();
        assert!(matches!(opened(&file, MIGRATIONS), Err(Error::Foreign { .. })));
        assert_eq!(std::fs::read(&file).unwrap(), before);
        for garbage in ["not a database, but long enough to have a header of its own ".repeat(20), "short".into()] {
            std::fs::write(&file, &garbage).unwrap();
            let error = opened(&file, MIGRATIONS).unwrap_err();
            assert!(matches!(error, Error::Foreign { .. }), "{error}");
            assert!(error.to_string().contains("hint: move the file away"), "{error}");
            assert_eq!(std::fs::read(&file).unwrap(), garbage.as_bytes());
        }
    }
}
