//! Files of runs, and the log of test set evaluations.

use std::thread;

use handloom_store::{Error, TestSetAccess};

use crate::place::Place;
use crate::run;

pub(crate) fn files_come_back_as_they_were_put(place: &Place) {
    let store = place.open();
    store.put(&run("a", 1)).unwrap();
    let bytes: Vec<u8> = (0..1 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    store.put_file("a", "model.safetensors", &bytes).unwrap();
    store.put_file("a", "Kurve ü.svg", b"").unwrap();
    assert_eq!(place.open().file("a", "model.safetensors").unwrap().unwrap(), bytes);
    assert_eq!(place.open().file("a", "Kurve ü.svg").unwrap().unwrap(), b"");
    store.put_file("a", "model.safetensors", b"smaller").unwrap();
    assert_eq!(store.file("a", "model.safetensors").unwrap().unwrap(), b"smaller");
    assert!(store.file("a", "plot.png").unwrap().is_none());
    assert!(matches!(store.put_file("b", "model.safetensors", b""), Err(Error::NoRun { .. })));
    if let Some(folder) = store.folder() {
        assert_eq!(std::fs::read(folder.join("runs/a/model.safetensors")).unwrap(), b"smaller");
        assert!(!folder.join("runs/b").exists());
    }
}

fn opening(data: &str, at_ms: u64) -> TestSetAccess {
    let (run, accuracy) = (Some("a".into()), Some(0.891));
    let [model, dataset, by] = ["a ü", "garments", "evaluate"].map(String::from);
    TestSetAccess { run, model, dataset, data_sha256: data.into(), at_ms, by, accuracy }
}

pub(crate) fn every_opening_of_a_test_set_is_counted_once(place: &Place) {
    let mut counts = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let store = place.open();
                scope.spawn(move || (0..10).map(|_| store.open_test(&opening("x", 1)).unwrap()).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    counts.sort_unstable();
    assert_eq!(counts, (1..=40).collect::<Vec<_>>());
    let store = place.open();
    assert_eq!([store.open_test(&opening("y", 1)).unwrap(), store.open_test(&opening("x", 1)).unwrap()], [1, 41]);
}

pub(crate) fn openings_come_back_by_time(place: &Place) {
    let store = place.open();
    let given = [opening("x", 5), opening("y", 3), TestSetAccess { accuracy: None, run: None, ..opening("x", 5) }];
    for opening in &given {
        store.open_test(opening).unwrap();
    }
    let [first, second, third] = given;
    assert_eq!(place.open().openings().unwrap(), [second, first, third]);
}
