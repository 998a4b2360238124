//! Sweeps and their journals.

use std::sync::Barrier;
use std::thread;

use handloom_store::{Error, Journal, Store, Sweep};
use handloom_sweep::{Entry, Journal as _, Params};
use serde_json::json;

use crate::place::Place;

/// A minimal sweep, whose sweep file follows from its id.
pub(crate) fn sweep(id: &str, created_ms: u64) -> Sweep {
    Sweep { id: id.into(), created_ms, yaml: format!("name: {id}\n"), ..Sweep::default() }
}

fn beat(agent: String) -> Entry {
    Entry::Beat { agent }
}

pub(crate) fn a_sweep_comes_back_as_it_was_added(place: &Place) {
    let map = |value: serde_json::Value| value.as_object().unwrap().clone();
    let given = Sweep {
        id: "k3v9x0aa".into(),
        name: Some("Größe \u{0} '".into()),
        created_ms: 5,
        command: vec!["handloom".into(), "sweep".into(), "q4.yaml".into()],
        version: "0.1.0".into(),
        host: "höst".into(),
        git_commit: Some("a2f4fd6".into()),
        yaml: "method: grid # ünd so weiter\nparameters:\n  x: {values: [1, 2]}\n".into(),
        seed: u64::MAX,
        settings: map(json!({"epochs": 3, "batch_size": 64})),
        wandb: map(json!({"mode": "offline"})),
        dataset: "garments".into(),
        data_sha256: "0f".repeat(32),
        no_reuse: true,
    };
    let store = place.open();
    store.add_sweep(&given, &[Entry::Capped { trials: 7 }, Entry::Stopped]).unwrap();
    let read = place.open().sweep("k3v9x0aa").unwrap().unwrap();
    assert_eq!(read, given);
    assert_eq!(read.settings.keys().next().unwrap(), "epochs");
    let entries = place.open().entries("k3v9x0aa", 0).unwrap().entries;
    assert_eq!(entries.iter().map(|stamped| stamped.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(entries[0].entry, Entry::Capped { trials: 7 });
    // Adding another sweep with the same id is refused.
    assert!(store.add_sweep(&sweep("k3v9x0aa", 9), &[Entry::Resumed]).is_err());
    assert_eq!(store.entries("k3v9x0aa", 0).unwrap().entries.len(), 2);
    assert!(matches!(store.add_sweep(&sweep("../x", 9), &[]), Err(Error::Name { .. })));
    store.add_sweep(&sweep("b", 5), &[]).unwrap();
    store.add_sweep(&sweep("c", 4), &[]).unwrap();
    let ids: Vec<String> = store.sweeps().unwrap().into_iter().map(|sweep| sweep.id).collect();
    assert_eq!(ids, ["c", "b", "k3v9x0aa"]);
}

pub(crate) fn entries_come_as_they_were_appended(place: &Place) {
    let choice = json!({"optimizer": "nadam \u{0} 名", "learning_rate": 0.1 + 0.2, "hidden_size": [64, 32]});
    let choice: Params = serde_json::from_value(choice).unwrap();
    let (number, attempt, agent, run) = (u64::MAX, u32::MAX, "a".to_owned(), "r".to_owned());
    let claimed = Entry::Claimed { number, attempt, agent: agent.clone(), run, choice };
    let reported = Entry::Reported { number, attempt, agent, epoch: 1, value: None };
    let store = place.open();
    for id in ["s", "other"] {
        store.add_sweep(&sweep(id, 1), &[]).unwrap();
    }
    store.append("s", &[claimed.clone(), reported.clone()]).unwrap();
    store.append("other", &[Entry::Stopped]).unwrap();
    store.append("s", &[]).unwrap();
    place.open().append("s", &[Entry::Resumed]).unwrap();
    let page = place.open().entries("s", 0).unwrap();
    let found: Vec<_> = page.entries.iter().map(|stamped| (stamped.seq, stamped.entry.clone())).collect();
    assert_eq!(found, [(1, claimed), (2, reported), (3, Entry::Resumed)]);
    // Times are those of the database, of before now.
    assert!(page.entries.iter().all(|stamped| stamped.at_ms <= page.now_ms && stamped.at_ms > page.now_ms - 60_000));
    assert_eq!(store.entries("s", 2).unwrap().entries, page.entries[2..]);
    assert!(store.entries("s", 3).unwrap().entries.is_empty());
    assert_eq!(store.entries("other", 0).unwrap().entries[0].seq, 1);
}

pub(crate) fn no_reader_misses_an_entry_of_several_writers(place: &Place) {
    const EACH: usize = 40;
    place.open().add_sweep(&sweep("s", 1), &[]).unwrap();
    let start = Barrier::new(4);
    let mut seen = Vec::new();
    let write = |writer: usize, store: &dyn Store| {
        start.wait();
        for n in 0..EACH {
            // Transactions of different length, so that later ones may be done sooner.
            let many = if writer == 0 { 50 } else { 1 };
            let entries: Vec<Entry> = (0..many).map(|at| beat(format!("{writer} {n} {at}"))).collect();
            store.append("s", &entries).unwrap();
        }
    };
    thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (store, write) = (place.open(), &write);
                scope.spawn(move || write(writer, &*store))
            })
            .collect();
        let store = place.open();
        start.wait();
        loop {
            let done = writers.iter().all(thread::ScopedJoinHandle::is_finished);
            seen.extend(store.entries("s", seen.len() as i64).unwrap().entries);
            // One that is missed would never come.
            assert!(seen.iter().map(|stamped| stamped.seq).eq(1..=seen.len() as i64));
            if done {
                break;
            }
        }
    });
    assert_eq!(seen.len(), EACH * 52);
    assert_eq!(seen, place.open().entries("s", 0).unwrap().entries);
    for writer in ["0", "1", "2"] {
        let of: Vec<_> = seen.iter().filter_map(|stamped| stamped.entry.agent()?.strip_prefix(writer)).collect();
        let number = |of: &&str| of.split(' ').filter_map(|n| n.parse::<usize>().ok()).fold(0, |sum, n| sum * 100 + n);
        assert!(of.is_sorted_by_key(number), "entries of one writer change places");
    }
}

pub(crate) fn a_sweep_that_is_not_there_has_no_journal(place: &Place) {
    let store = place.open();
    let refused = |id: &str| {
        for error in [store.entries(id, 0).unwrap_err(), store.append(id, &[Entry::Stopped]).unwrap_err()] {
            assert!(matches!(error, Error::NoSweep { .. }) && !error.is_temporary(), "{error}");
            assert!(error.to_string().contains(&format!("no sweep `{id}`")), "{error}");
        }
        assert!(store.sweep(id).unwrap().is_none() && !store.remove_sweep(id).unwrap());
    };
    refused("s");
    store.add_sweep(&sweep("s", 1), &[Entry::Stopped]).unwrap();
    store.put(&handloom_store::Run { sweep: Some("s".into()), ..crate::run("a", 1) }).unwrap();
    assert!(store.remove_sweep("s").unwrap());
    refused("s");
    assert!(store.sweeps().unwrap().is_empty() && store.run("a").unwrap().is_some());
    // Nothing of it comes back with another sweep of that id.
    store.add_sweep(&sweep("s", 2), &[]).unwrap();
    assert!(store.entries("s", 0).unwrap().entries.is_empty());
}

pub(crate) fn contents_tell_what_came_and_went(place: &Place) {
    let store = place.open();
    let told = || {
        let contents = store.contents().unwrap();
        let (mut runs, mut sweeps): (Vec<_>, Vec<_>) =
            (contents.runs.into_iter().collect(), contents.sweeps.into_iter().collect());
        runs.sort();
        sweeps.sort();
        (runs.join(" "), sweeps)
    };
    assert_eq!(told(), (String::new(), vec![]));
    for id in ["b", "a"] {
        store.put(&crate::run(id, 1)).unwrap();
        store.add_sweep(&sweep(id, 1), &[]).unwrap();
    }
    assert_eq!(told(), ("a b".into(), vec![("a".into(), 0), ("b".into(), 0)]));
    store.append("a", &[Entry::Stopped, Entry::Resumed, Entry::Stopped]).unwrap();
    store.remove("b").unwrap();
    assert_eq!(place.open().contents().unwrap(), store.contents().unwrap());
    assert_eq!(told(), ("a".into(), vec![("a".into(), 3), ("b".into(), 0)]));
    store.remove_sweep("b").unwrap();
    assert_eq!(told(), ("a".into(), vec![("a".into(), 3)]));
}

pub(crate) fn what_cannot_be_understood_is_named(place: &Place) {
    let store = place.open();
    for id in ["s", "whole"] {
        store.add_sweep(&sweep(id, 1), &[Entry::Stopped, Entry::Resumed, Entry::Stopped]).unwrap();
    }
    let journal = Journal::new(place.open(), "s");
    place.tamper("UPDATE {}journal SET entry = '{\"kind\": \"paused\"}' WHERE sweep = 's' AND seq = 2");
    let error = journal.read(0).unwrap_err();
    let told = error.to_string();
    assert!(!error.temporary && told.contains("sweep `s`") && told.contains("entry 2"), "{told}");
    assert!(told.contains("newer program") && told.contains("`paused`") && told.contains("hint:"), "{told}");
    place.tamper("UPDATE {}journal SET entry = '{\"kind\": \"stopped' WHERE sweep = 's' AND seq = 2");
    let told = journal.read(1).unwrap_err().to_string();
    assert!(told.contains("entry 2") && told.contains("damaged"), "{told}");
    // Later entries can be read, and so can other sweeps.
    assert_eq!(journal.read(2).unwrap().entries.len(), 1);
    assert_eq!(store.entries("whole", 0).unwrap().entries.len(), 3);
    place.tamper("UPDATE {}sweeps SET record = '[' WHERE id = 's'");
    for error in [store.sweep("s").unwrap_err(), store.sweeps().unwrap_err()] {
        assert!(matches!(&error, Error::DamagedSweep { sweep, .. } if sweep == "s"), "{error}");
    }
    assert!(store.sweep("whole").unwrap().is_some() && store.remove_sweep("s").unwrap());
    assert_eq!(store.sweeps().unwrap().len(), 1);
}
