//! Trains a workload on one thread for a number of epochs, and nothing else: `epochs W1 FOLDER 8`.
//!
//! `FOLDER` holds `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, unpacked. `bench/profile` samples where
//! the time goes. Prints the instruction set and the seconds of each epoch as JSON.

#![expect(clippy::print_stdout, reason = "says how long it took")]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use handloom_engine::Machine;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::Event;
use handloom_engine::train::train;

#[expect(dead_code, reason = "draws images for others")]
#[path = "../benches/workload/mod.rs"]
mod workload;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, folder, epochs] = arguments.as_slice() else { panic!("usage: epochs WORKLOAD FOLDER EPOCHS") };
    let epochs: u64 = epochs.parse().expect("a number of epochs");
    let (_, config) = workload::all().into_iter().find(|(known, _)| known == name).expect("W1, W2, W3 or W4");
    let (data, machine) = (images(Path::new(folder)), Machine::new(1));
    let mut seconds = Vec::new();
    train(&config, &data, &machine, &mut |event: &Event<'_>| {
        if let Event::Epoch { row, .. } = event {
            seconds.push(row.seconds);
        }
        if (seconds.len() as u64) < epochs { ControlFlow::Continue(()) } else { ControlFlow::Break("enough epochs") }
    });
    println!("{}", serde_json::json!({"isa": machine.isa().name(), "seconds": seconds}));
}

/// The images of 28x28 in `folder`, and their labels.
fn images(folder: &Path) -> Dataset {
    let read = |name: &str, header: usize| {
        let mut bytes = std::fs::read(folder.join(name)).expect("a file of the data set");
        bytes.drain(..header);
        Arc::new(bytes)
    };
    Dataset {
        images: read("train-images-idx3-ubyte", 16),
        labels: read("train-labels-idx1-ubyte", 8),
        shape: vec![28, 28],
        classes: (0..10).map(|class| class.to_string()).collect(),
    }
}
