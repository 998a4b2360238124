//! A folder in which the program runs as on a new machine without a network.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use handloom_engine::Machine;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::Event;
use handloom_engine::model::Model;
use handloom_engine::network::Network;
use serde_json::{Value, json};

/// A home with nothing in it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// What a run of the program came to.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the program, its stdout in a pipe.
    pub(crate) fn spawn(&self, line: &str) -> Child {
        self.command(line).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_handloom"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if ["HANDLOOM_", "WANDB_", "NO_COLOR"].iter().any(|start| name.starts_with(start)) {
                command.env_remove(name);
            }
        }
        // Nobody listens on port 9: whatever is asked of the network fails at once.
        for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(name, "http://127.0.0.1:9");
        }
        command.env_remove("no_proxy").env_remove("NO_PROXY");
        command.env("HOME", self.folder.path()).env("XDG_CACHE_HOME", self.path("cache"));
        command.current_dir(self.folder.path()).args(line.split_whitespace());
        command
    }

    /// Runs the program in this folder with the words of `line` as arguments.
    pub(crate) fn run(&self, line: &str) -> Ended {
        self.run_with(line, &[])
    }

    /// The same, with these variables.
    pub(crate) fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> Ended {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>(), variables)
    }

    /// The same with these words, which may have spaces in them.
    pub(crate) fn run_words(&self, words: &[&str], variables: &[(&str, &str)]) -> Ended {
        let output = self.command("").args(words).envs(variables.iter().copied()).output().unwrap();
        let text = |bytes| self.plain(&String::from_utf8(bytes).unwrap());
        Ended { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// `text` without this folder's name.
    fn plain(&self, text: &str) -> String {
        text.replace(&self.folder.path().display().to_string(), "HOME")
    }

    /// A small network trained on some of the garments, saved as `name`.
    pub(crate) fn garments_model(&self, name: &str) -> Model {
        let model = trained();
        model.save(&self.path(name)).unwrap();
        model
    }

    /// A run of `model` as `train` leaves it.
    pub(crate) fn add_run(&self, id: &str, name: &str, dataset: &str, data_path: Option<&Path>, model: Option<&Model>) {
        let folder = self.path(".handloom/runs").join(id);
        std::fs::create_dir_all(&folder).unwrap();
        let record = json!({
            "id": id, "name": name, "status": "finished", "started_ms": 1, "dataset": dataset, "data_path": data_path,
            "config": {"dataset": dataset}, "epochs": 1,
        });
        let store = handloom_store::open(self.path(".handloom")).unwrap();
        store.put(&serde_json::from_value(record).unwrap()).unwrap();
        if let Some(model) = model {
            model.save(&folder.join("model.safetensors")).unwrap();
        }
    }
}

impl Ended {
    /// Checks the exit code; shows what was printed if it is another.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The objects on stdout, one a line.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

/// A network that has seen 2,000 garments.
fn trained() -> Model {
    let all = handloom_data::locate("garments", &[]).unwrap().train().unwrap();
    // Labels go round: each class is there 200 times.
    let count = 2000;
    let data = Dataset {
        images: Arc::new(all.images[..count * all.pixels()].to_vec()),
        labels: Arc::new(all.labels[..count].to_vec()),
        shape: all.shape.clone(),
        classes: all.classes.clone(),
    };
    let config =
        Config { dataset: "garments".into(), epochs: 3, batch_size: 32, hidden_size: vec![32], ..Config::default() };
    let mut watch = |_: &Event<'_>| ControlFlow::Continue(());
    let trained = handloom_engine::train::train(&config, &data, &Machine::new(1), &mut watch);
    Model { network: trained.network, classes: data.classes, input_shape: data.shape, config: config.to_map() }
}

/// A network of these widths with weights of nothing but `weight`, for the data set `dataset`.
pub(crate) fn constant_model(sizes: &[usize], input_shape: &[usize], dataset: &str, weight: f32) -> Model {
    let config = Config { dataset: dataset.into(), ..Config::default() };
    let mut network = Network::new(sizes, config.activation.clone(), &config.weight_init, 1);
    let mut tensors = network.tensors();
    for tensors in &mut tensors {
        tensors.weight.fill(weight);
    }
    network = Network::from_tensors(sizes, config.activation.clone(), &tensors);
    let classes = (0..network.classes()).map(|class| class.to_string()).collect();
    Model { network, classes, input_shape: input_shape.to_vec(), config: config.to_map() }
}
