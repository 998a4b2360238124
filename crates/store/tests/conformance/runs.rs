//! Records and labels of runs.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use handloom_engine::event::EpochMetrics;
use handloom_store::{Epoch, Error, Run, Status, Store, TestSetAccess};
use serde_json::json;

use crate::place::Place;
use crate::{epoch, run};

pub(crate) fn a_run_comes_back_as_it_was_put(place: &Place) {
    let map = |value: serde_json::Value| value.as_object().unwrap().clone();
    let given = Run {
        id: "k3v9x0aa".into(),
        name: "hl_3 \"naïve\" 'q' 名前 🧵".into(),
        status: Status::Pruned,
        sweep: Some("s1".into()),
        started_ms: u64::MAX,
        ended_ms: Some(1_700_000_000_000),
        command: vec!["handloom".into(), "train".into(), "--notes".into(), "; DROP TABLE runs; --".into()],
        version: "0.1.0".into(),
        isa: "avx2".into(),
        numerics: Some(3),
        arch: Some("x86_64".into()),
        host: "höst".into(),
        process: u32::MAX,
        git_commit: Some("a2f4fd6".into()),
        dataset: "garments".into(),
        data_path: Some("/data/ä b".into()),
        data_notes: vec!["2 files of train/ä were left out".into()],
        data_sha256: "0f".repeat(32),
        fallback: Some("no network".into()),
        tags: vec!["a,b".into(), String::new(), "\u{0}".into()],
        group: Some("g".into()),
        notes: Some("two\nlines \u{0} %s ' \" \\".into()),
        no_test: true,
        out: Some("out/model.safetensors".into()),
        wandb: map(json!({"mode": "offline", "project": null})),
        seed: u64::MAX,
        config: map(json!({"hidden_size": [64, 32], "learning_rate": 1e-3, "optimizer": "nadam", "z": 1, "a": 0.1})),
        epochs: 30,
        best_epoch: Some(29),
        val_accuracy: Some(0.1 + 0.2),
        test_accuracy: Some(f64::MIN_POSITIVE),
        test_loss: Some(f64::NAN),
        weights_sha256: Some("ff".repeat(32)),
        initial_norms: vec![0.25, 1e-300, 3.5],
        reason: Some("training diverged in epoch 2: the loss grew 500-fold".into()),
        model_sha256: Some("ee".repeat(32)),
        training_sha256: Some("dd".repeat(32)),
        parent: Some("k3v9x0ab".into()),
        heartbeat_age_ms: None,
    };
    place.open().put(&given).unwrap();
    let read = place.open().run("k3v9x0aa").unwrap().unwrap();
    assert!(read.heartbeat_age_ms.is_some());
    // Numbers that are not finite are read as none.
    let expected = Run { test_loss: None, heartbeat_age_ms: read.heartbeat_age_ms, ..given };
    assert_eq!(read, expected);
    // A configuration keeps its order.
    assert_eq!(read.config.keys().next_back().unwrap(), "a");
    assert_eq!(place.open().runs().unwrap()[0].name, expected.name);
}

pub(crate) fn runs_come_by_start_then_id(place: &Place) {
    let store = place.open();
    for (id, started_ms) in [("b", 2), ("B", 2), ("ä", 2), ("a", 2), ("z", 1), ("1", 3)] {
        store.put(&run(id, started_ms)).unwrap();
    }
    let ids: Vec<String> = store.runs().unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(ids, ["z", "B", "a", "b", "ä", "1"]);
    assert_eq!(store.run("a").unwrap().unwrap().started_ms, 2);
    assert!(store.run("A").unwrap().is_none());
}

pub(crate) fn labels_are_changed_by_relabel_alone(place: &Place) {
    let (trains, tags) = (place.open(), place.open());
    let mut record = Run { tags: vec!["first".into()], ..run("a", 1) };
    trains.put(&record).unwrap();
    let changed = tags.relabel("a", &|labels| {
        labels.tags.push("second".into());
        labels.notes = Some("noted".into());
    });
    assert!(changed.unwrap());
    record.epochs = 7;
    record.status = Status::Finished;
    trains.put(&record).unwrap();
    let read = trains.run("a").unwrap().unwrap();
    assert_eq!((read.epochs, read.status, read.name.as_str()), (7, Status::Finished, "name of a"));
    assert_eq!((read.tags, read.notes.as_deref()), (vec!["first".into(), "second".into()], Some("noted")));
    assert!(!tags.relabel("b", &|labels| labels.name = "b".into()).unwrap());
    assert!(tags.run("b").unwrap().is_none());
}

pub(crate) fn no_label_is_lost_while_a_process_trains(place: &Place) {
    place.open().put(&run("a", 1)).unwrap();
    let start = Barrier::new(3);
    thread::scope(|scope| {
        for word in ["x", "y"] {
            let (store, start) = (place.open(), &start);
            scope.spawn(move || {
                start.wait();
                (0..25).for_each(|n| assert!(store.relabel("a", &|l| l.tags.push(format!("{word}{n}"))).unwrap()));
            });
        }
        let (store, start) = (place.open(), &start);
        scope.spawn(move || {
            start.wait();
            (1..=25).for_each(|epochs| store.put(&Run { epochs, ..run("a", 1) }).unwrap());
        });
    });
    let read = place.open().run("a").unwrap().unwrap();
    assert_eq!((read.epochs, read.tags.len()), (25, 50), "{:?}", read.tags);
}

pub(crate) fn a_removed_run_is_gone_and_the_ledger_stays(place: &Place) {
    let store = place.open();
    for id in ["a", "b"] {
        store.put(&run(id, 1)).unwrap();
        store.log(id, &[epoch(1), epoch(2)]).unwrap();
        store.put_file(id, "config.json", b"{}").unwrap();
    }
    store.open_test(&TestSetAccess { run: Some("a".into()), ..TestSetAccess::default() }).unwrap();
    assert!(store.remove("a").unwrap());
    assert!(!store.remove("a").unwrap());
    assert!(store.run("a").unwrap().is_none());
    assert_eq!((store.epochs("a").unwrap().len(), store.file("a", "config.json").unwrap()), (0, None));
    assert_eq!((store.epochs("b").unwrap().len(), store.runs().unwrap().len()), (2, 1));
    assert_eq!(store.openings().unwrap()[0].run.as_deref(), Some("a"));
    // Nothing of it comes back with another run of that id.
    store.put(&run("a", 1)).unwrap();
    assert!(store.epochs("a").unwrap().is_empty() && store.file("a", "config.json").unwrap().is_none());
}

pub(crate) fn heartbeats_tell_the_age_by_the_clock_of_the_database(place: &Place) {
    let store = place.open();
    // A clock of the run's own that is years off.
    store.put(&run("a", 1)).unwrap();
    place.tamper("UPDATE {}runs SET heartbeat_ms = heartbeat_ms - 3600000");
    let age = || store.run("a").unwrap().unwrap().heartbeat_age_ms.unwrap();
    let before = age();
    assert!((3_600_000..7_200_000).contains(&before), "{before}");
    store.heartbeat("a").unwrap();
    let after = age();
    assert!(after < before, "{after} {before}");
    assert_eq!(store.run("a").unwrap().unwrap().effective_status("elsewhere", |_| Some(false)), Status::Running);
    let error = store.heartbeat("b").unwrap_err();
    assert!(matches!(error, Error::NoRun { .. }) && !error.is_temporary(), "{error}");
}

pub(crate) fn only_runs_that_were_heard_of_lately_are_recent(place: &Place) {
    let store = place.open();
    for (id, started_ms) in [("b", 1), ("a", 1), ("c", 0)] {
        store.put(&run(id, started_ms)).unwrap();
    }
    place.tamper("UPDATE {}runs SET heartbeat_ms = heartbeat_ms - 60000 WHERE id = 'a'");
    let recent =
        |within_ms| -> Vec<String> { place.open().recent(within_ms).unwrap().into_iter().map(|run| run.id).collect() };
    assert_eq!(recent(30_000), ["c", "b"]);
    assert_eq!(recent(90_000), ["c", "a", "b"]);
    assert_eq!(recent(u64::MAX >> 1).len(), 3);
    store.heartbeat("a").unwrap();
    assert_eq!(recent(30_000), ["c", "a", "b"]);
}

pub(crate) fn the_pulse_beats_with_every_change_and_only_then(place: &Place) {
    type Write = dyn Fn(&dyn Store);
    let (watched, store) = (place.open(), place.open());
    watched.pulse().unwrap();
    // On a server other clients write too, and the change counter covers all of them.
    let rests = |store: &dyn Store| {
        let pulse = store.pulse().unwrap();
        thread::sleep(Duration::from_millis(5));
        !matches!(place, Place::Folder(_)) || store.pulse().unwrap() == pulse
    };
    let writes: [(&str, &Write); 6] = [
        ("put", &|store| store.put(&run("a", 1)).unwrap()),
        ("log", &|store| store.log("a", &[epoch(1)]).unwrap()),
        ("log again", &|store| {
            store.log("a", &[Epoch { row: EpochMetrics { epoch: 1, ..epoch(2).row }, ..epoch(2) }]).unwrap();
        }),
        ("relabel", &|store| assert!(store.relabel("a", &|labels| labels.name = "b".into()).unwrap())),
        ("heartbeat", &|store| store.heartbeat("a").unwrap()),
        ("remove", &|store| assert!(store.remove("a").unwrap())),
    ];
    for (name, write) in writes {
        let before = [watched.pulse().unwrap(), store.pulse().unwrap()];
        write(&*store);
        assert_ne!(watched.pulse().unwrap(), before[0], "{name}, seen by another");
        assert_ne!(store.pulse().unwrap(), before[1], "{name}, seen by the writer");
        assert!(watched.runs().is_ok() && rests(&*watched) && rests(&*store), "{name}");
    }
}

pub(crate) fn an_empty_store_has_nothing(place: &Place) {
    let store = place.open();
    assert!(store.runs().unwrap().is_empty() && store.run("a").unwrap().is_none());
    assert!(store.recent(30_000).unwrap().is_empty() && store.pulse().is_ok());
    assert!(store.epochs("a").unwrap().is_empty() && store.last_rows().unwrap().is_empty());
    assert!(store.rows(&["a"]).unwrap().is_empty() && store.openings().unwrap().is_empty());
    assert!(store.file("a", "b").unwrap().is_none());
    assert!(!store.remove("a").unwrap() && !store.relabel("a", &|_| ()).unwrap());
    if let Place::Folder(folder) = place {
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "reading made something");
        assert_eq!(store.folder().unwrap(), folder.path().join("store"));
    } else {
        assert_eq!(store.folder(), None);
    }
}

pub(crate) fn names_that_would_be_paths_are_refused(place: &Place) {
    let store = place.open();
    for id in ["", ".", "..", "a/b", "../x", "a\0", &"x".repeat(201)] {
        let refused = |result: Option<Error>| assert!(matches!(result, Some(Error::Name { .. })), "{id:?}: {result:?}");
        refused(store.put(&run(id, 1)).err());
        refused(store.remove(id).err());
        refused(store.put_file("a", id, b"").err());
        refused(store.file("a", id).err());
    }
    let long = "x".repeat(200);
    store.put(&run(&long, 1)).unwrap();
    store.log(&long, &[epoch(1)]).unwrap();
    assert_eq!(store.epochs(&long).unwrap(), [epoch(1)]);
}

pub(crate) fn many_may_begin_a_store_at_once(place: &Place) {
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for n in 0..8 {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                let store = place.open();
                store.put(&run(&format!("r{n}"), n)).unwrap();
                store.log(&format!("r{n}"), &[epoch(1)]).unwrap();
            });
        }
    });
    assert_eq!(place.open().runs().unwrap().len(), 8);
    assert_eq!(place.open().last_rows().unwrap().len(), 8);
}
