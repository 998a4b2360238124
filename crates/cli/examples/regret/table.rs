//! The table: configurations of the assignment's grid, each trained once, with the validation accuracy after every epoch.

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use handloom_engine::Machine;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::Event;
use handloom_engine::rng::Rng;
use handloom_engine::train::train;
use serde_json::{Value, json};

/// Epochs of every training; one of 5 is the first half of one of 10.
pub(crate) const EPOCHS: u64 = 10;
/// Images of the training file that are used, the first ones; a third of them is for validation.
pub(crate) const IMAGES: usize = 18_000;

/// One training.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Its values, in the order of [`parameters`].
    pub values: Vec<Value>,
    /// Validation accuracy after each epoch; fewer than [`EPOCHS`] if it diverged.
    pub accuracy: Vec<f64>,
}

/// The assignment's grid (question 4) without the number of epochs, sorted by name.
pub(crate) fn parameters() -> Vec<(&'static str, Vec<Value>)> {
    let list = |value: Value| value.as_array().cloned().unwrap_or_default();
    vec![
        ("activation", list(json!(["sigmoid", "tanh", "relu"]))),
        ("batch_size", list(json!([16, 32, 64]))),
        ("hidden_size", list(json!([32, 64, 128]))),
        ("learning_rate", list(json!([1e-3, 1e-4]))),
        ("num_layers", list(json!([3, 4, 5]))),
        ("optimizer", list(json!(["sgd", "momentum", "nesterov", "rmsprop", "adam", "nadam"]))),
        ("weight_decay", list(json!([0, 0.0005, 0.5]))),
        ("weight_init", list(json!(["random", "xavier"]))),
    ]
}

/// Every combination in an order that is random and always the same.
fn order() -> Vec<Vec<Value>> {
    let mut all = vec![Vec::new()];
    for (_, values) in parameters() {
        all = all
            .iter()
            .flat_map(|row| values.iter().map(|value| [&row[..], std::slice::from_ref(value)].concat()))
            .collect();
    }
    Rng::stream(1, "regret", 0).shuffle(&mut all);
    all
}

/// The images that are trained on, of the whole training file.
pub(crate) fn part(all: &Dataset) -> Dataset {
    let images = IMAGES.min(all.len());
    Dataset {
        images: Arc::new(all.images[..images * all.pixels()].to_vec()),
        labels: Arc::new(all.labels[..images].to_vec()),
        ..all.clone()
    }
}

/// Trains further rows of the table in `path`, on one thread, until it has `rows` or `time` is over.
pub(crate) fn extend(path: &Path, data: &Dataset, rows: usize, time: Duration) -> Result<usize, Box<dyn Error>> {
    let names: Vec<_> = parameters().into_iter().map(|(name, _)| name).collect();
    let started = Instant::now();
    let mut done = if path.exists() { read(path)?.len() } else { 0 };
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if done == 0 {
        let epochs: Vec<_> = (1..=EPOCHS).map(|epoch| epoch.to_string()).collect();
        writeln!(file, "{},{}", names.join(","), epochs.join(","))?;
    }
    let machine = Machine::new(1);
    for values in order().into_iter().take(rows).skip(done) {
        if started.elapsed() > time {
            break;
        }
        let mut cells: Vec<String> = values.iter().map(text).collect();
        let settings = names.iter().map(|&name| name.to_owned()).zip(values).collect();
        let mut config = Config { epochs: EPOCHS, val_fraction: 1.0 / 3.0, ..Config::default() };
        config.merge(&settings)?;
        let trained = train(&config, data, &machine, &mut |_: &Event<'_>| ControlFlow::Continue(()));
        cells.extend(trained.rows.iter().filter_map(|row| row.val_accuracy).map(|accuracy| format!("{accuracy:.4}")));
        writeln!(file, "{}", cells.join(","))?;
        done += 1;
    }
    Ok(done)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The rows of the table in `path`.
pub(crate) fn read(path: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let parameters = parameters();
    let text_of_file = fs::read_to_string(path)?;
    let row = |line: &str| -> Option<Row> {
        let cells: Vec<&str> = line.split(',').collect();
        let known = |(cell, (_, values)): (&&str, &(&str, Vec<Value>))| {
            values.iter().find(|value| text(value) == **cell).cloned()
        };
        let values = cells.iter().zip(&parameters).map(known).collect::<Option<Vec<_>>>()?;
        let accuracy = cells.get(parameters.len()..)?.iter().map(|cell| cell.parse().ok()).collect::<Option<_>>()?;
        (values.len() == parameters.len()).then_some(Row { values, accuracy })
    };
    let lines = text_of_file.lines().enumerate().skip(1);
    lines.map(|(i, line)| row(line).ok_or_else(|| format!("line {} is no row of the table", i + 1).into())).collect()
}
