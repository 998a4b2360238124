//! What only a server has: connections that break, encryption, and room for files.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use handloom_engine::event::Evidence;
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
        assert_eq!(store.open_test(&handloom_store::Opening::default()).unwrap(), n);
    }
}

#[test]
fn a_recorder_outlives_its_connections() {
    let Some(place) = Place::schema() else { return };
    let recorder = Recorder::new(Arc::new(named(&place)), run("a", 1)).unwrap();
    for n in 1..=40 {
        recorder.epoch(&epoch(n).row, &Evidence::default());
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
    // What replaces a file takes its room.
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
