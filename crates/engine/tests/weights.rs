//! The weights of small trainings, bit for bit, as earlier builds trained them.
//!
//! `goldens/weights.json` holds for each value of [`NUMERICS`] the SHA-256 of the weights of every case. A change of the
//! arithmetic changes hashes: it must raise `NUMERICS`, since `verify`, resumed runs and reused trials rely on it. Then
//! `HANDLOOM_UPDATE_GOLDENS=1 cargo test -p handloom-engine --test weights` adds the new hashes; it refuses to replace
//! hashes under a number that has them, and `.ci/run` compares the file with its history.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use handloom_engine::activation::Activation;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::Event;
use handloom_engine::init::Init;
use handloom_engine::optim::Optimizer;
use handloom_engine::rng::Rng;
use handloom_engine::train::train;
use handloom_engine::{Isa, Machine, NUMERICS};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Hashes under one value of `NUMERICS`, by case. Instruction sets with fused multiply-add agree, others do not.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Hashes {
    numerics: u32,
    fused: BTreeMap<String, String>,
    unfused: BTreeMap<String, String>,
}

/// 96 images of noise, in which each of 5 classes is brighter at some pixels of its own.
fn data() -> Dataset {
    let mut rng = Rng::stream(11, "weights", 0);
    let labels: Vec<u8> = (0..96).map(|i| (i % 5) as u8).collect();
    let mut images = Vec::new();
    for &label in &labels {
        for pixel in 0..21_usize {
            let bright = (pixel * 7 + usize::from(label) * 13).is_multiple_of(5);
            images.push((rng.below(150) + if bright { 60 } else { 0 }) as u8);
        }
    }
    let classes = (0..5).map(|class: u8| class.to_string()).collect();
    Dataset { images: Arc::new(images), labels: Arc::new(labels), shape: vec![21], classes }
}

/// Every optimizer, activation, initialization and loss, each in a small network of two hidden layers.
fn cases() -> Vec<(String, Value)> {
    let mut cases = Vec::new();
    for optimizer in Optimizer::all() {
        cases.push((format!("optimizer {}", optimizer.name()), json!({"optimizer": optimizer.name()})));
    }
    for activation in Activation::all() {
        cases.push((format!("activation {}", activation.name()), json!({"activation": activation.name()})));
    }
    for init in Init::all() {
        cases.push((format!("weight_init {}", init.name()), json!({"weight_init": init.name()})));
    }
    cases.push(("loss mean_squared_error".into(), json!({"loss": "mean_squared_error"})));
    cases.push(("weight_decay 0.01".into(), json!({"weight_decay": 0.01})));
    cases.push(("no hidden layer".into(), json!({"num_layers": 0})));
    cases
}

fn hash(settings: &Value, isa: Isa) -> String {
    let mut config = Config { hidden_size: vec![19, 18], batch_size: 16, epochs: 3, ..Config::default() };
    config.merge(settings.as_object().unwrap()).unwrap();
    let silent = &mut |_: &Event<'_>| ControlFlow::Continue(());
    train(&config, &data(), &Machine::with_isa(1, isa), silent).network.weights_sha256()
}

fn is_fused(isa: Isa) -> bool {
    isa.name() != "baseline" || cfg!(target_arch = "aarch64")
}

#[test]
fn weights_are_those_of_earlier_builds_with_the_same_numerics() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/weights.json");
    let mut known: Vec<Hashes> =
        fs::read(&path).map_or_else(|_| Vec::new(), |text| serde_json::from_slice(&text).unwrap());
    assert!(known.is_sorted_by(|a, b| a.numerics < b.numerics), "each number stands once, in ascending order");
    let updating = std::env::var_os("HANDLOOM_UPDATE_GOLDENS").is_some();
    if updating && known.last().is_none_or(|last| last.numerics < NUMERICS) {
        known.push(Hashes { numerics: NUMERICS, ..Hashes::default() });
    }
    let last = known.last_mut().expect("goldens/weights.json has hashes");
    assert_eq!(last.numerics, NUMERICS, "the newest hashes are those of this build's NUMERICS");
    let mut changed = Vec::new();
    for isa in Isa::supported() {
        let hashes = if is_fused(isa) { &mut last.fused } else { &mut last.unfused };
        for (case, settings) in cases() {
            let found = hash(&settings, isa);
            match hashes.get(&case) {
                Some(hash) if *hash == found => {}
                None if updating => {
                    hashes.insert(case, found);
                }
                _ => changed.push(format!("{case} ({})", isa.name())),
            }
        }
    }
    assert!(
        changed.is_empty(),
        "these cases train other weights than goldens/weights.json has for NUMERICS {NUMERICS}, or are new: {changed:#?}\n\
         If the arithmetic was meant to change, raise NUMERICS in src/numerics.rs; then HANDLOOM_UPDATE_GOLDENS=1 adds the hashes."
    );
    if updating {
        fs::write(&path, serde_json::to_string_pretty(&known).unwrap() + "\n").unwrap();
    }
}
