//! An empty store for each test, in a folder or in a schema of its own.

use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};

use handloom_store::{Postgres, Store, open};

/// Location of a test's store.
pub(crate) enum Place {
    Folder(tempfile::TempDir),
    Schema { url: String, admin: String, schema: String },
}

impl Place {
    pub(crate) fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    /// None, with a printed notice, without a server.
    pub(crate) fn schema() -> Option<Self> {
        static SAID: Once = Once::new();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Ok(admin) = std::env::var("HANDLOOM_TEST_POSTGRES") else {
            // Past the test's own capture: that nothing was tested must be seen.
            SAID.call_once(|| {
                let _ = writeln!(
                    std::io::stderr(),
                    "SKIPPED: conformance of PostgreSQL, as HANDLOOM_TEST_POSTGRES is not set"
                );
            });
            return None;
        };
        let schema = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let joint = if admin.contains('?') { '&' } else { '?' };
        let url = format!("{admin}{joint}options=-csearch_path%3D{schema}");
        let place = Self::Schema { url, admin, schema: schema.clone() };
        place.sql(&format!("CREATE SCHEMA {schema}"));
        Some(place)
    }

    /// The store's folder or URL, as a user would pass it to `--store`.
    pub(crate) fn at(&self) -> String {
        match self {
            Self::Folder(folder) => folder.path().join("store").display().to_string(),
            Self::Schema { url, .. } => url.clone(),
        }
    }

    /// The store, opened anew: as another process would have it.
    pub(crate) fn open(&self) -> Arc<dyn Store> {
        open(self.at()).unwrap()
    }

    /// Runs statements on the server, outside of the store.
    pub(crate) fn sql(&self, statements: &str) {
        let Self::Schema { admin, .. } = self else { panic!("only a server takes statements") };
        postgres::Client::connect(admin, postgres::NoTls).unwrap().batch_execute(statements).unwrap();
    }

    /// Runs a statement on one of the store's tables, of which `{}` stands for what comes before the name.
    pub(crate) fn tamper(&self, statement: &str) {
        match self {
            Self::Folder(_) => {
                let file = std::path::Path::new(&self.at()).join("handloom.db");
                rusqlite::Connection::open(file).unwrap().execute_batch(&statement.replace("{}", "")).unwrap();
            }
            Self::Schema { schema, .. } => self.sql(&statement.replace("{}", &format!("{schema}.handloom_"))),
        }
    }

    /// The store behind the URL with further parameters.
    pub(crate) fn with(&self, parameters: &str) -> handloom_store::Result<Postgres> {
        Postgres::open(&format!("{}&{parameters}", self.at()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Schema { schema, .. } = &*self
            && !std::thread::panicking()
        {
            self.sql(&format!("DROP SCHEMA {schema} CASCADE"));
        }
    }
}
