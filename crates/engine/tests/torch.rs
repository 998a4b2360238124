//! The engine repeats short training runs of the real PyTorch: `goldens/make.py` says what is in the file.
//!
//! Every optimizer x activation, and every optimizer x loss x L2, over 36 steps with a smaller last batch.

#![expect(clippy::print_stdout, reason = "shows how well they agree, with `--nocapture`")]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use handloom_engine::activation::Activation;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::{Event, Outcome};
use handloom_engine::loss::LossKind;
use handloom_engine::network::{Network, Tensors};
use handloom_engine::optim::Optimizer;
use handloom_engine::session::Session;
use handloom_engine::train::resume;
use handloom_engine::{Isa, Machine};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Largest relative deviation of a tensor or a loss that passes.
const TOLERANCE: f64 = 1e-4;

struct Goldens {
    json: Value,
    sizes: Vec<usize>,
    data: Dataset,
}

impl Goldens {
    fn read() -> Self {
        let json: Value = serde_json::from_str(&text("torch.json")).unwrap();
        let numbers = |key: &str| json[key].as_array().unwrap().iter().map(|n| n.as_u64().unwrap());
        let sizes: Vec<usize> = numbers("sizes").map(|n| n as usize).collect();
        let data = Dataset {
            images: Arc::new(numbers("pixels").map(|n| n as u8).collect()),
            labels: Arc::new(numbers("labels").map(|n| n as u8).collect()),
            shape: vec![sizes[0]],
            classes: ["a", "b", "c"].map(String::from).to_vec(),
        };
        Self { json, sizes, data }
    }

    /// The weight and bias of each layer, as the file has them.
    fn tensors(&self, value: &Value) -> Vec<Tensors> {
        let all = floats(value);
        let mut rest = &all[..];
        let mut take = |count| {
            let (taken, left) = rest.split_at(count);
            rest = left;
            taken.to_vec()
        };
        let layers = self.sizes.windows(2).map(|pair| Tensors { weight: take(pair[0] * pair[1]), bias: take(pair[1]) });
        let layers = layers.collect();
        assert!(rest.is_empty(), "every number belongs to a tensor");
        layers
    }

    fn network(&self, activation: &str) -> Network {
        let activation = Activation::named(activation).unwrap();
        Network::from_tensors(&self.sizes, activation, &self.tensors(&self.json["initial"]))
    }

    fn cases(&self) -> &[Value] {
        self.json["cases"].as_array().unwrap()
    }
}

fn text(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens").join(name)).unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    let bytes = BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap();
    let (numbers, rest) = bytes.as_chunks();
    assert!(rest.is_empty(), "four bytes for each number");
    numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

/// The largest difference of two tensors over the largest value of theirs.
fn deviation(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let differences = ours.iter().zip(theirs).map(|(a, b)| f64::from(a - b).abs());
    let size = theirs.iter().map(|b| f64::from(b.abs())).fold(f64::MIN_POSITIVE, f64::max);
    differences.fold(0.0_f64, |worst, x| if x.is_finite() { worst.max(x) } else { f64::INFINITY }) / size
}

fn worst_tensor(ours: &[Tensors], theirs: &[Tensors]) -> f64 {
    let layers = ours.iter().zip(theirs);
    layers
        .flat_map(|(a, b)| [(&a.weight, &b.weight), (&a.bias, &b.bias)])
        .fold(0.0_f64, |w, (a, b)| w.max(deviation(a, b)))
}

/// Means over the epochs of 11 images, of losses of batches of 4, 4 and 3.
fn epoch_means(losses: &[f32]) -> Vec<f64> {
    let epochs = losses.chunks_exact(3);
    epochs.map(|l| (4.0 * f64::from(l[0]) + 4.0 * f64::from(l[1]) + 3.0 * f64::from(l[2])) / 11.0).collect()
}

fn settings(case: &Value, epochs: &Value, batch: &Value) -> Map<String, Value> {
    let not_settings = ["reference", "losses", "weights"];
    let mut settings = case.as_object().unwrap().clone();
    settings.retain(|key, _| !not_settings.contains(&key.as_str()));
    let rest = json!({"epochs": epochs, "batch_size": batch, "shuffle": false, "val_fraction": 0, "weights": "last"});
    settings.extend(rest.as_object().unwrap().clone());
    settings
}

#[test]
fn every_case_of_pytorch_is_repeated_step_by_step() {
    let goldens = Goldens::read();
    for isa in Isa::supported() {
        let machine = Machine::with_isa(1, isa);
        let mut wrong = Vec::new();
        let mut worst = vec![(0.0_f64, 0.0_f64); Optimizer::NAMES.len()];
        for case in goldens.cases() {
            let optimizer = case["optimizer"].as_str().unwrap();
            let name =
                format!("{optimizer}, {}, {}, weight decay {}", case["activation"], case["loss"], case["weight_decay"]);
            let mut config = Config::default();
            config.merge(&settings(case, &goldens.json["epochs"], &goldens.json["batch_size"])).unwrap();
            let session = Session::new(&config, &goldens.network(case["activation"].as_str().unwrap()));
            let mut silent = |_: &Event<'_>| ControlFlow::Continue(());
            let trained = resume(&config, &goldens.data, session, &machine, &mut silent);
            if trained.outcome != Outcome::Finished {
                wrong.push(format!("{name}: {:?}", trained.outcome));
                continue;
            }
            let weights = worst_tensor(&trained.network.tensors(), &goldens.tensors(&case["weights"]));
            let theirs = epoch_means(&floats(&case["losses"]));
            assert_eq!(trained.rows.len(), theirs.len());
            let losses = trained.rows.iter().zip(&theirs).map(|(row, loss)| (row.train_loss / loss - 1.0).abs());
            let losses = losses.fold(0.0, f64::max);
            if !(weights < TOLERANCE && losses < TOLERANCE) {
                wrong.push(format!("{name}: weights {weights:.1e}, losses {losses:.1e}"));
            }
            let place = Optimizer::NAMES.iter().position(|name| *name == optimizer).unwrap();
            worst[place] = (worst[place].0.max(weights), worst[place].1.max(losses));
        }
        println!("{:12} weights  losses   worst relative deviation, {}", "", isa.name());
        for (name, (weights, losses)) in Optimizer::NAMES.iter().zip(&worst) {
            println!("{name:12} {weights:.1e}  {losses:.1e}");
        }
        assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), goldens.cases().len(), wrong.join("\n"));
    }
}

#[test]
fn the_first_step_has_pytorch_s_loss_and_gradient() {
    let goldens = Goldens::read();
    let machine = Machine::new(1);
    let rows = [0, 1, 2, 3];
    for golden in goldens.json["gradients"].as_array().unwrap() {
        let loss = LossKind::named(golden["loss"].as_str().unwrap()).unwrap();
        let network = goldens.network(golden["activation"].as_str().unwrap());
        let (_, gradient) = network.gradient(&goldens.data, &rows, &loss, &machine);
        let exact = goldens.tensors(&golden["gradient"]);
        let worst = worst_tensor(&gradient, &exact);
        println!("gradient, {}: {worst:.1e}", golden["loss"]);
        assert!(worst < 1e-5, "{}: {worst:.1e}", golden["loss"]);
        // The last pixel is 0 in every image: not a small gradient, but none.
        assert!((0..goldens.sizes[1]).all(|o| gradient[0].weight[o * 6 + 5] == 0.0));
    }
    for case in goldens.cases() {
        let loss = LossKind::named(case["loss"].as_str().unwrap()).unwrap();
        let network = goldens.network(case["activation"].as_str().unwrap());
        let ours = network.evaluate(&goldens.data, &rows, &loss, &machine).mean_loss();
        assert!((ours / f64::from(floats(&case["losses"])[0]) - 1.0).abs() < 1e-6, "{case}");
    }
}

#[test]
fn the_goldens_cover_every_optimizer_activation_loss_and_decay() {
    let goldens = Goldens::read();
    let has = |wanted: &[(&str, &str)]| {
        goldens.cases().iter().any(|case| wanted.iter().all(|(key, value)| case[*key].as_str() == Some(value)))
    };
    for optimizer in Optimizer::NAMES {
        for activation in Activation::NAMES {
            assert!(has(&[("optimizer", optimizer), ("activation", activation)]), "{optimizer} {activation}");
        }
        for loss in LossKind::NAMES {
            let of = |case: &&Value| case["optimizer"] == **optimizer && case["loss"] == **loss;
            let decays = goldens.cases().iter().filter(of).map(|case| case["weight_decay"].as_f64().unwrap() > 0.0);
            let decays: Vec<bool> = decays.collect();
            assert!(decays.contains(&true) && decays.contains(&false), "{optimizer} {loss}");
        }
    }
    assert!(goldens.cases().iter().all(|case| floats(&case["losses"]).len() >= 30), "30 steps at least");
}

#[test]
fn the_goldens_were_made_by_the_script_beside_them() {
    let hash = Sha256::digest(text("make.py").as_bytes());
    let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    assert_eq!(Goldens::read().json["script_sha256"], hash, "run goldens/make.py again and commit both");
}
