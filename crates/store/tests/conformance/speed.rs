//! Timings of a store with ten thousand runs, and of a sweep: printed, never asserted, as machines differ.

use std::io::Write as _;
use std::time::Instant;

use handloom_engine::event::{EpochDiagnostics, LayerStats};
use handloom_engine::metric::Confusion;
use handloom_store::{Epoch, Journal, Run, Status};
use handloom_sweep::{Entry, Journal as _};
use serde_json::json;

use crate::place::Place;
use crate::sweeps::sweep;
use crate::work::{honest, work};
use crate::{epoch, run};

/// Epochs of each run; `HANDLOOM_TEST_EPOCHS` sets another number.
const EPOCHS: u64 = 3;

pub(crate) fn ten_thousand_runs(place: &Place) {
    let epochs = std::env::var("HANDLOOM_TEST_EPOCHS").map_or(EPOCHS, |count| count.parse().unwrap());
    let health =
        LayerStats { gradient_norm: 0.123_456_789, dead: Some(0.1), saturated: Some(0.2), step: Some(0.001_234_567) };
    let confusion = Confusion { counts: vec![vec![600, 1, 2, 3, 4, 5, 6, 7, 8, 9]; 10] };
    let evidence = EpochDiagnostics { confusion: Some(confusion), layers: vec![health; 4] };
    let epochs: Vec<Epoch> = (1..=epochs).map(|n| Epoch { evidence: evidence.clone(), ..epoch(n) }).collect();
    let config = json!({
        "activation": "relu", "batch_size": 32, "beta": 0.9, "beta1": 0.9, "beta2": 0.999, "dataset": "fashion_mnist",
        "epochs": 30, "epsilon": 1e-8, "hidden_size": [64, 64, 64], "learning_rate": 0.001, "loss": "cross_entropy",
        "momentum": 0.9, "num_layers": 3, "optimizer": "nadam", "seed": 7, "shuffle": true, "val_fraction": 0.1,
        "weight_decay": 0.0005, "weight_init": "xavier", "weights": "best", "init_from": null, "threads": null
    });
    let store = place.open();
    let start = Instant::now();
    for n in 0..10_000 {
        let id = format!("{:08x}", (n as u32).wrapping_mul(2_654_435_761));
        let run = Run {
            status: Status::Finished,
            command: ["handloom", "train", "-d", "fashion_mnist", "-o", "nadam", "-e", "30"].map(String::from).into(),
            dataset: "fashion_mnist".into(),
            data_sha256: "0f".repeat(32),
            weights_sha256: Some("f0".repeat(32)),
            config: config.as_object().unwrap().clone(),
            tags: vec!["sweep".into()],
            val_accuracy: Some(0.89),
            ..run(&id, n)
        };
        store.put(&run).unwrap();
        store.log(&id, &epochs).unwrap();
    }
    let written = start.elapsed();
    let store = place.open();
    let timed = |name: &str, length: &dyn Fn() -> usize| {
        let start = Instant::now();
        assert_eq!(length(), 10_000, "{name}");
        format!("{name} {} ms", start.elapsed().as_millis())
    };
    let read = [
        timed("runs", &|| store.runs().unwrap().len()),
        timed("runs again", &|| store.runs().unwrap().len()),
        timed("last rows", &|| store.last_rows().unwrap().len()),
    ];
    let (count, seconds) = (epochs.len(), written.as_secs_f64());
    let _ = writeln!(
        std::io::stderr(),
        "{}, 10 000 runs of {count} epochs: written in {seconds:.1} s; {}",
        kind(place),
        read.join(", ")
    );
}

pub(crate) fn ten_thousand_entries(place: &Place) {
    let store = place.open();
    store.add_sweep(&sweep("s", 1), &[]).unwrap();
    let reported = |n: u64| {
        let (number, epoch, agent) = (n / 30, n % 30 + 1, "k3v9x0aa".into());
        Entry::Reported { number, attempt: 0, agent, epoch, value: Some(1.0 / (n + 1) as f64) }
    };
    let entries: Vec<Entry> = (0..10_000).map(reported).collect();
    let start = Instant::now();
    for few in entries.chunks(4) {
        store.append("s", few).unwrap();
    }
    let written = start.elapsed();
    let start = Instant::now();
    let read = place.open().entries("s", 0).unwrap().entries;
    let took = start.elapsed();
    assert!(read.into_iter().map(|stamped| stamped.entry).eq(entries));
    let _ = writeln!(
        std::io::stderr(),
        "{}, 10 000 entries of a journal: written by fours in {} ms, read in {} ms",
        kind(place),
        written.as_millis(),
        took.as_millis()
    );
}

/// Overhead of a sweep besides its training: trials of three epochs that take no time.
pub(crate) fn trials_cost_little(place: &Place) {
    const TRIALS: u64 = 500;
    let store = place.open();
    store.add_sweep(&sweep("s", 1), &[Entry::Capped { trials: TRIALS }]).unwrap();
    let (journal, objective) = (Journal::new(store, "s"), honest("a"));
    let start = Instant::now();
    work(&journal, &objective, "a").run().unwrap();
    let each = start.elapsed().as_secs_f64() * 1e3 / TRIALS as f64;
    assert!(journal.read(0).unwrap().entries.len() as u64 > 5 * TRIALS);
    let _ = writeln!(std::io::stderr(), "{}, a trial of three epochs besides its training: {each:.2} ms", kind(place));
}

fn kind(place: &Place) -> &'static str {
    if place.open().folder().is_some() { "SQLite" } else { "PostgreSQL" }
}
