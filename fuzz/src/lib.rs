//! Fuzz targets: every parser of bytes that Handloom did not write itself.
//!
//! A target takes any bytes and says what came of them; a panic, or an answer that breaks a promise of the
//! parser (checked here with `assert!`), is a finding. `cargo run --release -p handloom-fuzz -- all --seconds 30`
//! runs them on stable Rust.
//!
//! To add one: a function here, a line in [`TARGETS`], and valid inputs in `seeds.rs`.

mod mutate;
mod seeds;

use handloom_data::{folder, idx};
use handloom_engine::config::Config;
use handloom_engine::model::Model;
use handloom_engine::session::Session;
use handloom_sweep::spec::{self, Spec};
use handloom_view::site::report::{FORM, Provenance};
use serde_json::Value;

pub use mutate::Corpus;

/// A parser under test.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Parses the bytes and says what came of it.
    pub run: fn(&[u8]) -> String,
    /// Small valid inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Makes lengths and checksums of a broken input fit again, so that what lies behind them is reached too.
    pub repair: fn(&mut [u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "idx", run: idx, seeds: seeds::idx, repair: |_| {} },
    Target { name: "model", run: model, seeds: seeds::model, repair: mutate::repair_safetensors },
    Target { name: "checkpoint", run: checkpoint, seeds: seeds::checkpoint, repair: mutate::repair_safetensors },
    Target { name: "image", run: image, seeds: seeds::image, repair: mutate::repair_png },
    Target { name: "config", run: config, seeds: seeds::config, repair: |_| {} },
    Target { name: "sweep", run: sweep, seeds: seeds::sweep, repair: |_| {} },
    Target { name: "report", run: report, seeds: seeds::report, repair: |_| {} },
];

/// An IDX file, plain or gzip: as many values as its shape says.
pub fn idx(data: &[u8]) -> String {
    match idx::parse("input", data) {
        Ok(idx) => {
            assert_eq!(idx.shape.iter().product::<usize>(), idx.values.len(), "values of shape {:?}", idx.shape);
            format!("{} dimensions", idx.shape.len())
        }
        Err(error) => error.to_string(),
    }
}

/// A model file: what was read is what its writer would write.
pub fn model(data: &[u8]) -> String {
    match Model::parse(data) {
        Ok(model) => {
            assert_eq!(model.classes.len(), model.network.classes(), "names of classes");
            assert_eq!(model.input_shape.iter().product::<usize>(), model.network.inputs(), "pixels");
            format!("{} layers", model.network.sizes().len())
        }
        Err(error) => error,
    }
}

/// A checkpoint of a run with Adam: saved again, it is the same.
pub fn checkpoint(data: &[u8]) -> String {
    let config = seeds::checkpoint_config();
    match Session::from_checkpoint(data, &config) {
        Ok(session) => {
            let again = Session::from_checkpoint(&session.to_checkpoint(), &config).expect("reads its own checkpoint");
            assert_eq!(again.network().weights_sha256(), session.network().weights_sha256(), "weights");
            assert_eq!((again.epoch, again.rows.len()), (session.epoch, session.rows.len()), "epochs and rows");
            format!("{} rows, best {}", session.rows.len(), session.best.is_some())
        }
        Err(error) => error,
    }
}

/// A PNG or JPEG file: as many pixels as its sides say.
pub fn image(data: &[u8]) -> String {
    match folder::decode_image("input", data) {
        Ok(gray) => {
            assert_eq!(gray.width * gray.height, gray.pixels.len(), "pixels");
            format!("an image, colors {}", gray.had_color)
        }
        Err(error) => error.to_string(),
    }
}

/// A `--config` file in YAML or JSON: what was read, written out, is read alike.
pub fn config(data: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(data) else { return "not UTF-8".into() };
    let settings = match serde_saphyr::from_str(text) {
        Ok(Value::Object(settings)) => settings,
        Ok(_) => return "not a map".into(),
        Err(error) => return error.without_snippet().to_string(),
    };
    let mut config = Config::default();
    match config.merge(&settings) {
        Ok(()) => {
            let mut again = Config::default();
            again.merge(&config.to_map()).expect("reads its own settings");
            assert_eq!(again.to_map(), config.to_map(), "settings");
            format!("{} settings", settings.len())
        }
        Err(error) => error.to_string(),
    }
}

/// A sweep file: `read` takes what `check` finds nothing wrong with, its grid ends where it says, and every value drawn
/// has a position.
pub fn sweep(data: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(data) else { return "not UTF-8".into() };
    let report = spec::check(text);
    let rendered = report.rendered("input", text);
    let spec = Spec::read(text);
    assert_eq!(report.runs(), spec.is_ok(), "{rendered}");
    let Ok(spec) = spec else {
        let first = report.violations.first().map(|finding| finding.message.clone());
        return first.unwrap_or_else(|| "unknown parameters".into());
    };
    if let Some(points) = spec.space.points() {
        assert!(spec.space.point(points - 1).is_some() && spec.space.point(points).is_none(), "{points} points");
    }
    for parameter in &spec.space.parameters {
        for u in [0.0, 0.3, 0.5, 1.0] {
            let value = parameter.distribution.at(u);
            let position = parameter.distribution.cdf(&value);
            assert!(position.is_some_and(|at| (0.0..=1.0).contains(&at)), "{parameter:?}: {value} is at {position:?}");
        }
    }
    format!("{} parameters, {} warnings", spec.space.parameters.len(), report.warnings.len().min(3))
}

/// A report: what is read of it is what would be written of it.
pub fn report(data: &[u8]) -> String {
    match Provenance::read(data) {
        Ok(provenance) => {
            assert!((1..=FORM).contains(&provenance.v), "the forms that are known");
            let again = serde_json::to_vec(&provenance).expect("plain values under text keys");
            assert_eq!(serde_json::from_slice::<Provenance>(&again).expect("what was written"), provenance);
            format!("{} runs, {} sweeps", provenance.runs.len(), provenance.sweeps.len())
        }
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_understood() {
        let understood = ["dimensions", "layers", "rows", "an image", "settings", "parameters", "runs, "];
        for target in TARGETS {
            for seed in (target.seeds)() {
                let outcome = (target.run)(&seed);
                assert!(understood.iter().any(|word| outcome.contains(word)), "{}: {outcome}", target.name);
            }
        }
    }

    #[test]
    fn no_target_panics_on_a_few_hundred_inputs() {
        for target in TARGETS {
            let mut corpus = Corpus::new((target.seeds)(), 1);
            for _ in 0..400 {
                let input = corpus.next(target.repair);
                let outcome = (target.run)(&input);
                corpus.learn(input, &outcome);
            }
            assert!(corpus.outcomes() > 2, "{} answers everything alike", target.name);
        }
    }
}
