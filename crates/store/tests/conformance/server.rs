//! Tests specific to servers: broken connections, encryption, and the size limit of files.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use handloom_engine::event::EpochDiagnostics;
use handloom_store::{Error, Postgres, Recorder, Store};

use crate::place::Place;
use crate::{epoch, run};

/// Ends every connection of the stores of `place`.
fn cut(place: &Place) {
    let Place::Schema { schema, .. } = place else { panic!("a folder has no connections") };
    // Each test's connections carry a name of their own.
    place.sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{schema}'"));
}

fn named(place: &Place) -> Postgres {
    let Place::Schema { schema, .. } = place else { panic!("a folder has no connections") };
    place.with(&format!("application_name={schema}")).unwrap()
}

#[test]
fn a_broken_connection_is_made_anew() {
    let Some(place) = Place::schema() else { return };
    let store = named(&place);
    store.put(&run("a", 1)).unwrap();
    for n in 1..=5 {
        cut(&place);
        store.log("a", &[epoch(n)]).unwrap();
        cut(&place);
        assert_eq!(store.epochs("a").unwrap().len() as u64, n);
        cut(&place);
        assert_eq!(store.open_test(&handloom_store::TestSetAccess::default()).unwrap(), n);
    }
}

#[test]
fn a_recorder_outlives_its_connections() {
    let Some(place) = Place::schema() else { return };
    let recorder = Recorder::new(Arc::new(named(&place)), run("a", 1)).unwrap();
    for n in 1..=40 {
        recorder.epoch(&epoch(n).row, &EpochDiagnostics::default());
        if n % 4 == 0 {
            cut(&place);
        }
        thread::sleep(Duration::from_millis(3));
    }
    recorder.finish(Duration::from_secs(20)).unwrap();
    assert_eq!(place.open().epochs("a").unwrap(), (1..=40).map(epoch).collect::<Vec<_>>());
}

#[test]
fn files_beyond_64_mib_are_refused_with_the_limit() {
    let Some(place) = Place::schema() else { return };
    let store = place.open();
    store.put(&run("a", 1)).unwrap();
    let half = vec![7; 32 << 20];
    store.put_file("a", "model.safetensors", &half).unwrap();
    store.put_file("a", "best.safetensors", &half).unwrap();
    // Replacing a file frees the size of the former one.
    store.put_file("a", "best.safetensors", &half).unwrap();
    let error = store.put_file("a", "plot.png", b"1").unwrap_err();
    assert!(matches!(error, Error::TooLarge { used: 0x400_0000, .. }) && !error.is_temporary(), "{error}");
    assert!(error.to_string().contains("64 MiB") && error.to_string().contains("hint:"), "{error}");
    store.put(&run("b", 1)).unwrap();
    store.put_file("b", "plot.png", b"1").unwrap();
    assert_eq!(store.file("a", "best.safetensors").unwrap().unwrap().len(), 32 << 20);
}

#[test]
fn connections_are_encrypted_as_asked_for() {
    let Some(place) = Place::schema() else { return };
    let Place::Schema { admin, schema, .. } = &place else { panic!("a folder has no connections") };
    let mut server = postgres::Client::connect(admin, postgres::NoTls).unwrap();
    let can = server.query_one("SHOW ssl", &[]).unwrap().get::<_, String>(0) == "on";
    let mut encrypted = |mode: &str| {
        let name = format!("{schema}_{mode}");
        let store = place.with(&format!("application_name={name}&sslmode={mode}"))?;
        let query = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1";
        let is: bool = server.query_one(query, &[&name]).unwrap().get(0);
        drop(store);
        Ok::<_, Error>(is)
    };
    assert!(!encrypted("disable").unwrap());
    assert_eq!(encrypted("prefer").unwrap(), can);
    assert_eq!(encrypted("require").ok(), can.then_some(true));
    // No public authority knows a server of a test.
    let error = encrypted("verify-full").unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. } | Error::Refused { .. }), "{error}");
}

#[test]
fn a_wrong_password_is_refused_and_not_shown() {
    let Some(place) = Place::schema() else { return };
    let url = place.at();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (credentials, rest) = rest.split_once('@').unwrap();
    let (user, password) = credentials.split_once(':').expect("the server of the tests asks for a password");
    let error = Postgres::open(&format!("{scheme}://{user}:wr0ng-{password}@{rest}")).err().unwrap();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains(password), "{error}");
    let error = Postgres::open(&url.replace("/postgres?", "/nowhere?")).err().unwrap();
    assert!(matches!(error, Error::Refused { .. }) && error.to_string().contains("nowhere"), "{error}");
}

/// Asks again until the answer is as `wanted`: tables are looked at every other second.
#[track_caller]
fn until<T>(ask: impl Fn() -> T, wanted: impl Fn(&T) -> bool) -> T {
    for _ in 0..1200 {
        let answer = ask();
        if wanted(&answer) {
            return answer;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("that never came")
}

#[test]
fn reading_makes_no_tables() {
    let Some(place) = Place::schema() else { return };
    let store = place.open();
    assert_eq!((store.runs().unwrap().len(), store.sweeps().unwrap().len()), (0, 0));
    assert_eq!((store.read_only().unwrap(), store.replacements().unwrap()), (None, 0));
    assert!(matches!(store.entries("s", 0), Err(Error::NoSweep { .. })));
    let Place::Schema { admin, schema, .. } = &place else { panic!("a folder has no tables") };
    let mut server = postgres::Client::connect(admin, postgres::NoTls).unwrap();
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = $1";
    assert_eq!(server.query_one(tables, &[schema]).unwrap().get::<_, i64>(0), 0);
    place.open().put(&run("a", 1)).unwrap();
    assert_eq!(store.runs().unwrap().len(), 1);
}

#[test]
fn a_role_that_may_only_select_reads_and_is_told_why_it_cannot_write() {
    let Some(place) = Place::schema() else { return };
    let Place::Schema { url, schema, .. } = &place else { panic!("a folder has no roles") };
    place.open().put(&run("a", 1)).unwrap();
    let role = format!("reader_{schema}");
    place.sql(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'reader'; GRANT USAGE ON SCHEMA {schema} TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"
    ));
    let (scheme, rest) = url.split_once("://").unwrap();
    let reader = format!("{scheme}://{role}:reader@{}", rest.rsplit_once('@').unwrap().1);
    let told = || {
        let store = Postgres::open(&reader).unwrap();
        let (runs, why) = (store.runs().unwrap().len(), store.read_only().unwrap());
        let error = store.put(&run("b", 1)).unwrap_err();
        assert!(matches!(error, Error::ReadOnly { .. }) && !error.is_temporary(), "{error}");
        assert!(error.to_string().contains("cannot be written") && error.to_string().contains("hint:"), "{error}");
        (runs, why.is_some(), store.sweeps().unwrap().len())
    };
    assert_eq!(told(), (1, true, 0));
    // Tables of a version without sweeps; only another user may migrate them.
    place.tamper("DROP TABLE {}journal; DROP TABLE {}sweeps; UPDATE {}version SET version = 1");
    assert_eq!(told(), (1, true, 0));
    place.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn an_older_program_at_work_is_refused_once_a_newer_one_was_there() {
    let Some(place) = Place::schema() else { return };
    let (writer, reader) = (place.open(), place.open());
    writer.put(&run("a", 1)).unwrap();
    assert_eq!(reader.runs().unwrap().len(), 1);
    place.tamper("UPDATE {}version SET version = 99");
    let refused = |error: &Option<Error>| matches!(error, Some(Error::Newer { .. }));
    let error = until(|| writer.heartbeat("a").err(), refused).unwrap();
    assert!(!error.is_temporary() && error.to_string().contains("version 99"), "{error}");
    until(|| reader.runs().err(), refused);
    let error = Postgres::open(&place.at()).err().unwrap().to_string();
    assert!(error.contains("of a newer Handloom") && error.contains("hint:"), "{error}");
}

#[test]
fn tables_that_were_removed_or_replaced_are_noticed() {
    let Some(place) = Place::schema() else { return };
    let store = place.open();
    store.put(&run("a", 1)).unwrap();
    place.tamper("DROP TABLE {}journal, {}sweeps, {}openings, {}files, {}epochs, {}runs, {}version");
    let error = store.runs().unwrap_err();
    assert!(matches!(error, Error::Removed { .. }) && !error.is_temporary(), "{error}");
    assert!(matches!(store.put(&run("b", 1)), Err(Error::Removed { .. })));
    place.open().put(&run("b", 1)).unwrap();
    until(|| store.replacements().ok(), |count| *count == Some(1));
    assert_eq!(store.runs().unwrap()[0].id, "b");
}
