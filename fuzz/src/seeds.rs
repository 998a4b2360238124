//! Small valid inputs for each target, made in code.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use handloom_engine::activation::Activation;
use handloom_engine::config::Config;
use handloom_engine::init::Init;
use handloom_engine::model::Model;
use handloom_engine::network::Network;
use handloom_engine::session::Session;
use image::{DynamicImage, ImageFormat};
use serde_json::{Map, json};

pub(crate) fn idx() -> Vec<Vec<u8>> {
    let shapes: [&[u8]; 4] = [&[7], &[3, 2], &[2, 3, 4], &[2, 1, 2, 3]];
    let plain = shapes.map(|shape| {
        let mut bytes = vec![0, 0, 8, shape.len() as u8];
        for &side in shape {
            bytes.extend([0, 0, 0, side]);
        }
        bytes.extend(0..shape.iter().product());
        bytes
    });
    plain.iter().cloned().chain(plain.iter().map(|bytes| gzip(bytes))).collect()
}

pub(crate) fn model() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a place for temporary files");
    let widths: [&[usize]; 3] = [&[4, 2], &[4, 3, 2], &[4, 3, 3, 5]];
    let files = widths.map(|widths| {
        let network = network(widths);
        let classes = (0..network.classes()).map(|class| format!("class {class}")).collect();
        let config = Map::from_iter([("seed".into(), 7.into())]);
        let path = folder.path().join("model.safetensors");
        Model { network, classes, input_shape: vec![2, 2], config }.save(&path).expect("writes a small file");
        std::fs::read(path).expect("reads what was written")
    });
    files.into()
}

/// The configuration whose checkpoints are read.
pub(crate) fn checkpoint_config() -> Config {
    Config { hidden_size: vec![3], ..Config::default() }
}

pub(crate) fn checkpoint() -> Vec<Vec<u8>> {
    use handloom_engine::event::EpochMetrics;
    use handloom_engine::session::Best;
    let (config, network) = (checkpoint_config(), network(&[4, 3, 2]));
    let fresh = Session::new(&config, &network);
    let mut trained = Session::new(&config, &network);
    trained.epoch = 1;
    trained.best = Some(Best { epoch: 1, val_accuracy: 0.5, network });
    trained.rows = vec![EpochMetrics {
        epoch: 1,
        train_loss: 0.7,
        train_accuracy: 0.5,
        val_loss: Some(0.7),
        val_accuracy: Some(0.5),
        learning_rate: 0.001,
        samples_per_second: 1e5,
        seconds: 0.5,
        val_seconds: 0.1,
    }];
    vec![fresh.to_checkpoint(), trained.to_checkpoint()]
}

pub(crate) fn image() -> Vec<Vec<u8>> {
    let pixels: Vec<u8> = (0..64).map(|i| i * 3).collect();
    let gray = image::GrayImage::from_raw(8, 8, pixels).expect("64 pixels");
    let gray = DynamicImage::ImageLuma8(gray);
    let clear = DynamicImage::ImageRgba8(gray.to_rgba8());
    let deep = DynamicImage::ImageLuma16(gray.to_luma16());
    let color = DynamicImage::ImageRgb8(gray.to_rgb8());
    let kinds = [
        (&gray, ImageFormat::Png),
        (&clear, ImageFormat::Png),
        (&deep, ImageFormat::Png),
        (&gray, ImageFormat::Jpeg),
        (&color, ImageFormat::Jpeg),
        (&clear, ImageFormat::WebP),
        (&clear, ImageFormat::Gif),
        (&color, ImageFormat::Bmp),
        (&deep, ImageFormat::Tiff),
        (&color, ImageFormat::Pnm),
    ];
    let files = kinds.map(|(image, format)| {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("an image of a kind that the format holds");
        bytes.into_inner()
    });
    files.into()
}

pub(crate) fn config() -> Vec<Vec<u8>> {
    let defaults = json!(Config::default().to_map()).to_string();
    let yaml =
        "# settings\nepochs: 3\nhidden_size: [128, 64]\nactivation: ReLU\nlr: 1e-3\nshuffle: yes\ninit_from: null\n";
    let text = "num_layers: 2\nhidden_size: \"32 32\"\nweights: last\n";
    let anchored = "epochs: &n 5\nbatch_size: *n\noptimizer: !!str nadam\n";
    [defaults.as_str(), yaml, text, anchored].map(|text| text.as_bytes().to_vec()).into()
}

pub(crate) fn report() -> Vec<Vec<u8>> {
    let run = json!({
        "id": "k3v9x0aa", "name": "</script>", "status": "finished", "sweep": "s1", "version": "0.1.0", "isa": "avx2+fma",
        "git_commit": null, "config": {"seed": 7, "hidden_size": [64, 32]}, "seed": 7, "dataset": "garments",
        "data_sha256": "0f", "test_sha256": null, "weights_sha256": "f0", "val_accuracy": 0.875, "best_epoch": 2,
        "epochs": 2, "test_accuracy": null,
    });
    let sweep =
        json!({"id": "s1", "name": null, "yaml": "method: grid\n", "seed": 3, "settings": {}, "winner": "k3v9x0aa"});
    let mut other = run.clone();
    other["id"] = json!("b7c1d2e3");
    let texts = [(vec![], vec![]), (vec![run.clone()], vec![]), (vec![run, other], vec![sweep])].map(|(runs, sweeps)| {
        let provenance =
            json!({"v": 1, "version": "0.1.0", "isa": "avx2+fma", "git_commit": "e0e2", "runs": runs, "sweeps": sweeps});
        provenance.to_string().replace('<', "\\u003c")
    });
    let file = |kind: &str, text: &str| {
        let opening = format!("<script type=\"application/{kind}\" id=\"provenance\">");
        format!("<!doctype html>\n<html><head>{opening}{text}</script></head><body></body>\n</html>\n").into_bytes()
    };
    let packed = texts.iter().map(|text| file("gzip", &STANDARD.encode(gzip(text.as_bytes()))));
    texts.iter().map(|text| file("json", text)).chain(packed).collect()
}

pub(crate) fn sweep() -> Vec<Vec<u8>> {
    let bayes = "method: bayes\nmetric: {name: val_acc, goal: maximize, target: 0.9}\nrun_cap: 9\nearly_terminate: {type: \
                 hyperband, max_iter: 27, s: 2, eta: 3}\nparameters:\n  lr: {distribution: log_uniform_values, min: 1e-4, \
                 max: 0.1}\n  opt: {parameters: {name: {values: [sgd, adam], probabilities: [0.5, 0.5]}, beta1: \
                 {distribution: beta, a: 9, b: 2}}}\n";
    let grid = "sweep:\n  method: grid\n  parameters:\n    hidden_size: {values: [(128, 64), [32]]}\n    epochs: \
                {min: 1, max: 3}\n    seed: &n {distribution: q_uniform, min: 0, max: 9, q: 2}\n    batch_size: {value: \
                16}\n";
    let random = "method: random\nprogram: train.py\nparameters:\n  weight_decay: {distribution: q_log_uniform, min: -9, max: 1, q: \
                  0.5}\n  momentum: {min: 0.1, max: 0.9}\n  epsilon: {distribution: log_normal, mu: -9, sigma: 2}\n  beta2: \
                  {distribution: inv_log_uniform, min: 1, max: 3}\n";
    let object = r#"{"method": "grid", "parameters": {"activation": {"values": ["relu", "tanh"]}}}"#;
    [bayes, grid, random, object].map(|text| text.as_bytes().to_vec()).into()
}

fn network(widths: &[usize]) -> Network {
    let activation = Activation::named("tanh").expect("is in the list");
    Network::new(widths, activation, &Init::named("xavier").expect("is in the list"), 7)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}
