//! Metrics and diagnostics of epochs.

use std::sync::Barrier;
use std::thread;

use handloom_engine::event::{EpochDiagnostics, EpochMetrics, LayerStats};
use handloom_engine::metric::Confusion;
use handloom_store::{Epoch, Error};

use crate::place::Place;
use crate::{epoch, run};

pub(crate) fn epochs_come_back_as_they_were_logged(place: &Place) {
    let store = place.open();
    store.put(&run("a", 1)).unwrap();
    let health = |gradient_norm| LayerStats { gradient_norm, dead: Some(0.25), saturated: None, step: Some(0.5) };
    // The maximum number of classes.
    let confusion = Confusion { counts: (0..256).map(|row| vec![row * 1_000_003; 256]).collect() };
    let layers = vec![health(0.1 + 0.2), health(5e-324), health(f64::MAX)];
    let full = Epoch { evidence: EpochDiagnostics { confusion: Some(confusion), layers }, ..epoch(1) };
    let bare = EpochMetrics { val_loss: None, val_accuracy: None, ..epoch(2).row };
    let far = EpochMetrics { epoch: (1 << 53) + 1, ..epoch(3).row };
    let bare = [bare, far].map(|row| Epoch { row, evidence: EpochDiagnostics::default() });
    let given = [&[full][..], &bare].concat();
    store.log("a", &given).unwrap();
    assert_eq!(place.open().epochs("a").unwrap(), given);

    // A metric that is not finite is read as none, or as NaN where a value is required.
    let broken =
        EpochMetrics { epoch: 2, train_loss: f64::NEG_INFINITY, val_loss: Some(f64::INFINITY), ..epoch(2).row };
    let evidence = EpochDiagnostics { confusion: None, layers: vec![health(f64::NAN)] };
    store.log("a", &[Epoch { row: broken, evidence }]).unwrap();
    let read = &store.epochs("a").unwrap()[1];
    assert!(read.row.train_loss.is_nan() && read.row.val_loss.is_none());
    assert_eq!(read.row.val_accuracy, epoch(2).row.val_accuracy);
    assert!(read.evidence.layers[0].gradient_norm.is_nan() && read.evidence.layers[0].dead == Some(0.25));
}

pub(crate) fn an_epoch_logged_twice_is_replaced(place: &Place) {
    let store = place.open();
    store.put(&run("a", 1)).unwrap();
    let again = |seconds| Epoch { row: EpochMetrics { seconds, ..epoch(2).row }, ..epoch(2) };
    store.log("a", &[epoch(3), epoch(1), epoch(2)]).unwrap();
    store.log("a", &[epoch(2), epoch(3)]).unwrap();
    assert_eq!(store.epochs("a").unwrap(), [epoch(1), epoch(2), epoch(3)]);
    // Of two with the same number in one call, the last is kept.
    store.log("a", &[again(8.0), again(9.0)]).unwrap();
    assert_eq!(store.epochs("a").unwrap(), [epoch(1), again(9.0), epoch(3)]);
    store.log("a", &[]).unwrap();
    assert_eq!(store.epochs("a").unwrap().len(), 3);
}

pub(crate) fn a_resumed_run_forgets_what_came_later(place: &Place) {
    let store = place.open();
    for id in ["a", "b"] {
        store.put(&run(id, 1)).unwrap();
        store.log(id, &[1, 2, 3, 4].map(epoch)).unwrap();
    }
    store.forget_after("a", 2).unwrap();
    assert_eq!(store.epochs("a").unwrap(), [1, 2].map(epoch));
    store.forget_after("a", u64::MAX).unwrap();
    assert_eq!((store.epochs("a").unwrap().len(), store.epochs("b").unwrap().len()), (2, 4));
    store.log("a", &[epoch(3)]).unwrap();
    assert_eq!(store.epochs("a").unwrap(), [1, 2, 3].map(epoch));
    store.forget_after("a", 0).unwrap();
    assert!(store.epochs("a").unwrap().is_empty());
}

pub(crate) fn nothing_is_logged_for_a_run_that_is_not_there(place: &Place) {
    let store = place.open();
    store.put(&run("a", 1)).unwrap();
    let error = store.log("b", &[epoch(1)]).unwrap_err();
    assert!(matches!(error, Error::NoRun { .. }) && error.to_string().contains("`b`"), "{error}");
    store.put(&run("b", 1)).unwrap();
    assert!(store.epochs("b").unwrap().is_empty());
}

pub(crate) fn figures_of_many_runs_come_in_one_go(place: &Place) {
    let store = place.open();
    for (id, epochs) in [("a", 3), ("b", 0), ("c'\"", 2), ("d", 1)] {
        store.put(&run(id, 1)).unwrap();
        let epochs: Vec<Epoch> = (1..=epochs).map(epoch).collect();
        store.log(id, &epochs).unwrap();
    }
    let rows = store.rows(&["c'\"", "a", "b", "nowhere"]).unwrap();
    assert_eq!(rows.keys().collect::<Vec<_>>(), ["a", "c'\""]);
    assert_eq!(rows["a"], [1, 2, 3].map(|n| epoch(n).row));
    assert_eq!(rows["c'\""].len(), 2);
    let last = store.last_rows().unwrap();
    assert_eq!(last.keys().collect::<Vec<_>>(), ["a", "c'\"", "d"]);
    assert_eq!((&last["a"], &last["d"]), (&epoch(3).row, &epoch(1).row));
}

pub(crate) fn one_epoch_of_each_of_many_runs_comes_in_one_go(place: &Place) {
    let store = place.open();
    for id in ["a", "b", "c'\""] {
        store.put(&run(id, 1)).unwrap();
        store.log(id, &[1, 2, 3].map(epoch)).unwrap();
    }
    let rows = store.rows_at(&[("c'\"", 3), ("a", 2), ("b", 4), ("nowhere", 1)]).unwrap();
    assert_eq!(rows.keys().collect::<Vec<_>>(), ["a", "c'\""]);
    assert_eq!((&rows["a"], &rows["c'\""]), (&epoch(2).row, &epoch(3).row));
    assert!(store.rows_at(&[]).unwrap().is_empty());
}

pub(crate) fn two_may_write_at_once(place: &Place) {
    // Nothing that may fail comes before the barrier.
    for id in ["a", "b"] {
        place.open().put(&run(id, 1)).unwrap();
    }
    let start = Barrier::new(3);
    thread::scope(|scope| {
        for id in ["a", "b"] {
            let (store, start) = (place.open(), &start);
            scope.spawn(move || {
                start.wait();
                (1..=60).for_each(|n| store.log(id, &[epoch(n)]).unwrap());
            });
        }
        let store = place.open();
        start.wait();
        // A reader sees a run grow, and no gaps.
        for _ in 0..20 {
            let seen = store.epochs("a").unwrap();
            assert_eq!(seen, (1..=seen.len() as u64).map(epoch).collect::<Vec<_>>());
        }
    });
    let rows = place.open().rows(&["a", "b"]).unwrap();
    assert_eq!([rows["a"].len(), rows["b"].len()], [60, 60]);
}
