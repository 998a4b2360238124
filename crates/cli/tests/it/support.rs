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

/// Exit code and output of a run of the program.
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

    /// The program in this folder, with the words of `line` as arguments.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_handloom"));
        command.args(line.split_whitespace());
        command
    }

    /// A program in this folder, with no more of our variables than the program starts with.
    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
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
        command.current_dir(self.folder.path());
        command
    }

    /// Runs the program in this folder with the words of `line` as arguments.
    pub(crate) fn run(&self, line: &str) -> Ended {
        self.run_with(line, &[])
    }

    /// The same in a folder below.
    pub(crate) fn run_in(&self, folder: &str, line: &str) -> Ended {
        self.ended(self.command(line).current_dir(self.path(folder)))
    }

    /// The same under limits, such as `ulimit -n 24`.
    pub(crate) fn run_limited(&self, limits: &str, line: &str) -> Ended {
        let mut command = self.program("sh");
        command.args(["-c", &format!("{limits} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_handloom")]);
        self.ended(command.args(line.split_whitespace()))
    }

    /// The same, with these variables.
    pub(crate) fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> Ended {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>(), variables)
    }

    /// The same with these words, which may have spaces in them.
    pub(crate) fn run_words(&self, words: &[&str], variables: &[(&str, &str)]) -> Ended {
        self.ended(self.command("").args(words).envs(variables.iter().copied()))
    }

    fn ended(&self, command: &mut Command) -> Ended {
        let output = command.output().unwrap();
        let text = |bytes| self.plain(&String::from_utf8(bytes).unwrap());
        Ended { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The same as a user who may write nothing of this one's: somebody else where this user is root, who may write
    /// everything. None where nobody else can be had.
    #[cfg(unix)]
    pub(crate) fn run_as_nobody(&self, line: &str) -> Option<Ended> {
        use std::os::unix::fs::PermissionsExt as _;
        let probe = self.path("probe");
        std::fs::create_dir_all(&probe).unwrap();
        std::fs::set_permissions(&probe, std::fs::Permissions::from_mode(0o555)).unwrap();
        if std::fs::write(probe.join("file"), "").is_err() {
            return Some(self.run(line));
        }
        let as_user = self.command(line);
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(as_user.get_program());
        command.args(as_user.get_args()).current_dir(self.folder.path());
        for (name, value) in as_user.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let output = command.output().ok()?;
        let text = |bytes| self.plain(&String::from_utf8(bytes).unwrap());
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        // `setpriv` fails where other users cannot reach the program itself.
        let is_out_of_reach = stderr.starts_with("setpriv:");
        (!is_out_of_reach).then(|| Ended { code: output.status.code().unwrap_or(-1), stdout, stderr })
    }

    /// Starts a training that would never end, and waits until the line of epoch `epoch` is there.
    pub(crate) fn started(&self, line: &str, epoch: u64) -> Started {
        use std::io::{BufRead as _, BufReader};
        let mut command = self.command(&format!("{line} --json -e 1000000"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut run = String::new();
        let seen = format!("\"epoch\":{epoch},");
        for line in lines.by_ref().map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).unwrap();
            run = event["run"].as_str().map_or(run, str::to_owned);
            if line.contains(&seen) {
                break;
            }
        }
        // The pipe must not fill up.
        let rest = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>().join("\n"));
        Started { child, run, rest }
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

/// A training under way.
pub(crate) struct Started {
    child: Child,
    pub(crate) run: String,
    rest: std::thread::JoinHandle<String>,
}

impl Started {
    /// Sends it a signal and waits for its end.
    pub(crate) fn end(mut self, signal: &str) -> Ended {
        Command::new("kill").args([format!("-{signal}"), self.child.id().to_string()]).status().unwrap();
        let mut stderr = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut stderr).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Ended { code, stdout: self.rest.join().unwrap(), stderr }
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
