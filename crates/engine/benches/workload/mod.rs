//! The workloads W1-W4 of `bench/`, on images that are drawn here: no file, the same on every machine.

use std::sync::Arc;

use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use serde_json::{Value, json};

/// Name and settings of each workload.
pub(crate) fn all() -> Vec<(&'static str, Config)> {
    let settings = [
        (
            "W1",
            json!({"hidden_size": [64, 64, 64], "activation": "relu", "optimizer": "nadam", "batch_size": 32, "weight_decay": 0.0005}),
        ),
        (
            "W2",
            json!({"hidden_size": [128, 128, 128, 128, 128], "activation": "tanh", "optimizer": "adam", "batch_size": 64}),
        ),
        (
            "W3",
            json!({"hidden_size": [256, 128, 64], "activation": "relu", "optimizer": "momentum", "batch_size": 128}),
        ),
        ("W4", json!({"hidden_size": [1024, 1024], "activation": "relu", "optimizer": "adam", "batch_size": 256})),
    ];
    settings.map(|(name, settings)| (name, config(&settings))).into()
}

fn config(settings: &Value) -> Config {
    let mut config = Config { val_fraction: 0.0, learning_rate: Some(0.001), epochs: u64::MAX, ..Config::default() };
    config.merge(settings.as_object().expect("is an object")).expect("are settings");
    config
}

/// `count` images of 28x28 in 10 classes: half of the pixels 0, as in Fashion-MNIST, and a bright band by class.
pub(crate) fn images(count: usize) -> Dataset {
    let labels: Vec<u8> = (0..count).map(|i| (i % 10) as u8).collect();
    let pixel = |i: usize, p: usize| {
        let noise = (i * 784 + p).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
        let lit = p / 78 == i % 10 || noise > 128;
        if lit { noise as u8 | 1 } else { 0 }
    };
    Dataset {
        images: Arc::new((0..count * 784).map(|at| pixel(at / 784, at % 784)).collect()),
        labels: Arc::new(labels),
        shape: vec![28, 28],
        classes: (0..10).map(|class| class.to_string()).collect(),
    }
}
