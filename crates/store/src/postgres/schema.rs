//! The tables in PostgreSQL, and the migration of older ones.

use postgres::{Client, GenericClient};

use super::Failure;
use crate::error::Error;

/// Schema migrations, each to the next version; version `n` is the first `n` of them. Append only.
pub(super) const MIGRATIONS: &[&str] = &[
    r#"
    CREATE TABLE handloom_runs (
        id TEXT COLLATE "C" PRIMARY KEY,
        heartbeat_ms BIGINT NOT NULL,
        labels TEXT NOT NULL, -- JSON: name, tags, notes; what users change
        record TEXT NOT NULL  -- JSON: everything else; what the run's process changes
    );
    CREATE TABLE handloom_epochs (
        run TEXT COLLATE "C" NOT NULL REFERENCES handloom_runs (id) ON DELETE CASCADE,
        epoch BIGINT NOT NULL,
        train_loss FLOAT8, train_accuracy FLOAT8, val_loss FLOAT8, val_accuracy FLOAT8,
        learning_rate FLOAT8, samples_per_second FLOAT8, seconds FLOAT8, val_seconds FLOAT8,
        evidence TEXT NOT NULL, -- JSON: confusion, layers
        PRIMARY KEY (run, epoch)
    );
    CREATE TABLE handloom_files (
        run TEXT COLLATE "C" NOT NULL REFERENCES handloom_runs (id) ON DELETE CASCADE,
        name TEXT COLLATE "C" NOT NULL,
        bytes BYTEA NOT NULL,
        PRIMARY KEY (run, name)
    );
    CREATE TABLE handloom_openings (
        number BIGSERIAL PRIMARY KEY,
        token TEXT NOT NULL UNIQUE,
        data_sha256 TEXT NOT NULL,
        record TEXT NOT NULL -- JSON
    );
    CREATE INDEX handloom_openings_by_data ON handloom_openings (data_sha256);
"#,
    r#"
    CREATE TABLE handloom_sweeps (
        id TEXT COLLATE "C" PRIMARY KEY,
        created_ms BIGINT NOT NULL,
        record TEXT NOT NULL -- JSON
    );
    -- Nothing in here is ever changed.
    CREATE TABLE handloom_journal (
        sweep TEXT COLLATE "C" NOT NULL REFERENCES handloom_sweeps (id) ON DELETE CASCADE,
        seq BIGINT NOT NULL, -- from 1, without gaps
        at_ms BIGINT NOT NULL,
        entry TEXT NOT NULL, -- JSON
        PRIMARY KEY (sweep, seq)
    );
"#,
];

/// Advisory lock for migrations and counts, which must not run concurrently; the key spells `handloom`.
pub(super) const LOCK: &str = "SELECT pg_advisory_xact_lock(x'68616e646c6f6f6d'::bigint)";

/// Brings the tables to the latest version. Several machines may do so at once.
pub(super) fn migrate(client: &mut Client, at: &str, migrations: &[&str]) -> Result<(), Failure> {
    if present(client, at, migrations.len())? == Some(migrations.len()) {
        return Ok(());
    }
    let mut transaction = client.transaction()?;
    transaction.batch_execute(LOCK)?;
    // Another machine may have been here first, which `to_regclass` need not notice within a transaction.
    transaction.batch_execute("CREATE TABLE IF NOT EXISTS handloom_version (version BIGINT NOT NULL)")?;
    for migration in &migrations[version(&mut transaction, at, migrations.len())?..] {
        transaction.batch_execute(migration)?;
    }
    transaction.batch_execute("DELETE FROM handloom_version")?;
    transaction.execute("INSERT INTO handloom_version VALUES ($1)", &[&(migrations.len() as i64)])?;
    Ok(transaction.commit()?)
}

/// The version of the tables, or none if there are none. Nothing is made.
pub(super) fn present(client: &mut Client, at: &str, known: usize) -> Result<Option<usize>, Failure> {
    let there: bool = client.query_one("SELECT to_regclass('handloom_version') IS NOT NULL", &[])?.get(0);
    if there { version(client, at, known).map(Some) } else { Ok(None) }
}

/// The version of the tables, 0 if there are none.
fn version(client: &mut impl GenericClient, at: &str, known: usize) -> Result<usize, Failure> {
    let found: i64 = client.query_one("SELECT coalesce(max(version), 0) FROM handloom_version", &[])?.get(0);
    match usize::try_from(found) {
        Ok(version) if version <= known => Ok(version),
        _ => Err(Error::Newer { at: at.into(), found, known }.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::postgres::connect::Server;

    fn migrated(url: &str, migrations: &[&str]) -> Result<Client, Error> {
        let server = Server::parse(url).unwrap();
        let mut client = server.connect().unwrap();
        match migrate(&mut client, "db", migrations) {
            Ok(()) => Ok(client),
            Err(Failure::Sql(error)) => Err(server.explain(&error, false)),
            Err(Failure::Store(error)) => Err(error),
        }
    }

    #[test]
    fn older_tables_are_brought_up_and_newer_ones_refused() {
        let Ok(url) = std::env::var("HANDLOOM_TEST_POSTGRES") else {
            // Past the test's own capture: that nothing was tested must be seen.
            let _ =
                writeln!(std::io::stderr(), "SKIPPED: migration in PostgreSQL, as HANDLOOM_TEST_POSTGRES is not set");
            return;
        };
        let schema = format!("migrated_{}", std::process::id());
        let mut admin = Server::parse(&url).unwrap().connect().unwrap();
        admin.batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
        let joint = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{joint}options=-csearch_path%3D{schema}");

        let insert = "INSERT INTO handloom_runs VALUES ('a', 1, '{}', '{}')";
        // As a program of before sweeps left it.
        migrated(&url, &MIGRATIONS[..1]).unwrap().batch_execute(insert).unwrap();
        migrated(&url, MIGRATIONS).unwrap().batch_execute("SELECT FROM handloom_journal").unwrap();
        let broken = [MIGRATIONS, &["CREATE TABLE handloom_later (id TEXT); INSERT INTO nowhere VALUES (1)"]].concat();
        assert!(migrated(&url, &broken).err().unwrap().to_string().contains("nowhere"));
        let later =
            ["CREATE TABLE handloom_later (id TEXT)", "ALTER TABLE handloom_runs ADD COLUMN kind TEXT DEFAULT 'mlp'"];
        let longer = [MIGRATIONS, &later].concat();
        for _ in 0..2 {
            let row = migrated(&url, &longer).unwrap().query_one("SELECT kind FROM handloom_runs", &[]).unwrap();
            assert_eq!(row.get::<_, String>(0), "mlp");
        }
        let error = migrated(&url, MIGRATIONS).err().unwrap().to_string();
        assert!(error.contains("version 4") && error.contains("up to 2") && error.contains("hint:"), "{error}");
        admin.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).unwrap();
    }
}
