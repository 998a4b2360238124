//! How long ten thousand runs take: printed, never asserted, as machines differ.

use std::io::Write as _;
use std::time::Instant;

use handloom_engine::event::{Evidence, Health};
use handloom_engine::metric::Confusion;
use handloom_store::{Epoch, Run, Status};
use serde_json::json;

use crate::place::Place;
use crate::{epoch, run};

/// Epochs of each run; `HANDLOOM_TEST_EPOCHS` sets another number.
const EPOCHS: u64 = 3;

pub(crate) fn ten_thousand_runs(place: &Place) {
    let epochs = std::env::var("HANDLOOM_TEST_EPOCHS").map_or(EPOCHS, |count| count.parse().unwrap());
    let health = Health { gradient_norm: 0.123_456_789, dead: Some(0.1), saturated: Some(0.2) };
    let confusion = Confusion { counts: vec![vec![600, 1, 2, 3, 4, 5, 6, 7, 8, 9]; 10] };
    let evidence = Evidence { confusion: Some(confusion), layers: vec![health; 4] };
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
    let kind = if store.folder().is_some() { "SQLite" } else { "PostgreSQL" };
    let (count, seconds) = (epochs.len(), written.as_secs_f64());
    let _ = writeln!(
        std::io::stderr(),
        "{kind}, 10 000 runs of {count} epochs: written in {seconds:.1} s; {}",
        read.join(", ")
    );
}
