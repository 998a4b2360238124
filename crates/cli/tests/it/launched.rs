//! `train` as the program of a launcher. What W&B's own agent makes of it, `.ci/agent.sh` tells.

use serde_json::{Value, json};

use crate::support::Place;

/// Settings that each form below gives, besides the few flags that keep the training small.
fn meant() -> Value {
    json!({
        "learning_rate": 0.01, "num_layers": 2, "hidden_size": [12, 8], "optimizer": "nag", "momentum": 0.5,
        "shuffle": false, "activation": "tanh", "weight_decay": 0.00001,
    })
}

const SMALL: [&str; 7] = ["train", "-d", "garments", "-e", "1", "--no-progress", "--json"];

/// Configuration of a training with these further words, limited to the names in [`meant`]; and true if the test set
/// was opened.
fn trained(words: &[&str], variables: &[(&str, &str)]) -> (Value, bool) {
    let place = Place::new();
    let file = r#"{"lr": 0.01, "hidden_size": [12, 8], "optimizer": {"name": "nag", "momentum": 0.5}, "shuffle": false,
        "no_test": true, "activation": "tanh", "l2": 1e-05}"#;
    std::fs::write(place.path("parameters.json"), file).unwrap();
    let words = [&SMALL[..], words].concat();
    let events = place.run_words(&words, variables).code(0).events();
    let config: serde_json::Map<String, Value> =
        meant().as_object().unwrap().keys().map(|key| (key.clone(), events[0]["config"][key].clone())).collect();
    (config.into(), events.last().unwrap()["test_accuracy"].is_number())
}

#[test]
fn every_form_of_the_agents_arguments_means_the_same() {
    let nested = "{'name': 'nag', 'momentum': 0.5}";
    let json = r#"{"lr": 0.01, "hidden_size": [12, 8], "optimizer": {"name": "nag", "momentum": 0.5}, "shuffle": false, "no_test": true, "activation": "tanh", "l2": 1e-05}"#;
    let equals = |start: &str| {
        let said = ["lr=0.01", "hidden_size=[12, 8]", "shuffle=False", "no_test=True", "activation=tanh", "l2=1e-05"];
        said.iter().map(|word| format!("{start}{word}")).chain([format!("{start}optimizer={nested}")]).collect()
    };
    let apart = |start: &str| -> Vec<String> {
        let said: Vec<String> = equals(start);
        said.iter()
            .filter_map(|word| word.split_once('=').map(|(name, value)| [name.to_owned(), value.into()]))
            .flatten()
            .collect()
    };
    let forms: [Vec<String>; 9] = [
        equals("--"),
        apart("--"),
        equals(""),
        equals("+"),
        equals("++"),
        vec![json.into()],
        vec!["parameters.json".into()],
        ["optimizer.name=nag", "optimizer.momentum=0.5", "model.hidden.sizes=(12, 8)", "lr=0.01", "shuffle=false"]
            .into_iter()
            .chain(["--no-test", "--model.activation=tanh", "--weight.decay", "1e-5"])
            .map(Into::into)
            .collect(),
        ["--no_test", "--no_shuffle", "--lr=0.01", "--hidden_size=(12, 8)", "-a", "tanh", "-wd=1e-5", "--opt"]
            .into_iter()
            .chain(["{'name': 'nag', 'momentum': 0.5}"])
            .map(Into::into)
            .collect(),
    ];
    for form in &forms {
        let words: Vec<&str> = form.iter().map(String::as_str).collect();
        assert_eq!(trained(&words, &[]), (meant(), false), "{words:?}");
    }
}

#[test]
fn the_agents_file_wins_over_everything_else() {
    let place = Place::new();
    let file = place.path("config-run.yaml");
    let text = "wandb_version: 1\n\nlr:\n  value: 0.01\nhidden_size:\n  value:\n  - 12\n  - 8\noptimizer:\n  value:\n    name: nag\n    momentum: 0.5\nshuffle:\n  value: false\nno_test:\n  value: true\nactivation:\n  value: tanh\nl2:\n  value: 1e-05\n";
    std::fs::write(&file, text).unwrap();
    let variables = [("WANDB_SWEEP_PARAM_PATH", file.to_str().unwrap())];
    for words in [&[][..], &["-lr", "0.5", "--shuffle", "activation=relu", "hidden_layers=2", "--set", "momentum=0.1"]]
    {
        assert_eq!(trained(words, &variables), (meant(), false), "{words:?}");
    }
    let ended = place.run_words(&SMALL, &[("WANDB_SWEEP_PARAM_PATH", "gone.yaml")]).code(2);
    assert!(
        ended.stderr.contains("`gone.yaml`") && ended.stderr.contains("WANDB_SWEEP_PARAM_PATH"),
        "{}",
        ended.stderr
    );
    std::fs::write(&file, "model:\n  value:\n    hidden_sise: 3\n").unwrap();
    let ended = place.run_words(&SMALL, &variables).code(2);
    assert!(ended.stderr.contains("`model.hidden_sise`") && ended.stderr.contains("`hidden_size`"), "{}", ended.stderr);
}

#[test]
fn in_a_sweep_the_command_may_be_left_out_and_the_parameters_keep_their_form() {
    let place = Place::new();
    let parameters = "optimizer:\n  value:\n    name: Nadam\n    lr: 0.01\nepochs:\n  value: 1.0\n";
    std::fs::write(place.path("parameters.yaml"), parameters).unwrap();
    let variables = [
        ("WANDB_SWEEP_ID", "swp1"),
        ("WANDB_MODE", "offline"),
        ("WANDB_RUN_ID", "theirs01"),
        ("WANDB_PROJECT", "p"),
        ("WANDB_ENTITY", "e"),
        ("WANDB_SILENT", "true"),
        ("WANDB_SWEEP_PARAM_PATH", "parameters.yaml"),
    ];
    let words =
        ["--dataset=garments", "--hidden_layers=1", "--hidden_size=8", "--optimizer={'name': 'Nadam', 'lr': 0.01}"];
    let ended = place.run_words(&words, &variables).code(0);
    assert!(!ended.stderr.contains("W&B") && !ended.stderr.contains("wandb sync"), "{}", ended.stderr);
    let run = handloom_store::open(place.path(".handloom")).unwrap().runs().unwrap().pop().unwrap();
    assert_eq!((run.config["optimizer"].as_str(), run.config["learning_rate"].as_f64()), (Some("nadam"), Some(0.01)));
    for (key, value) in [("id", "theirs01"), ("project", "p"), ("entity", "e"), ("sweep_id", "swp1")] {
        assert_eq!(run.wandb[key], value, "{key}");
    }
    let folder = run.wandb["folder"].as_str().unwrap().replace("HOME", place.path("").to_str().unwrap());
    let log = std::fs::read(std::path::Path::new(&folder).join("run-theirs01.wandb")).unwrap();
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains(r#"{"name":"Nadam","lr":0.01}"#), "W&B finds the parameter as its sweep has it");
    place.run_words(&["--lr=0.1"], &[]).code(2);
}

#[test]
fn what_means_nothing_is_said_before_anything_is_trained() {
    for (words, said) in [
        (&["optimizer.layers=3"][..], "unknown setting `optimizer.layers`"),
        (&["--opt={'layers': [3]}"], "unknown setting `opt.layers`"),
        (&["opt={'layers': "], "unknown setting `opt`"),
        (&["{\"lr\": }"], "is not JSON"),
        (&["none.json"], "cannot read `none.json`"),
        (&["optimizer={'name': 'adm'}"], "did you mean `adam`?"),
        (&["lr=0.1", "optimizer.lr=0.2"], "`learning_rate` is set twice"),
        (&["--no-test=perhaps"], "no-test"),
        (&["word"], "unexpected argument 'word'"),
        (&["--optimizr=adam"], "--optimizer"),
        (&["--resume", "@last", "lr=0.1"], "cannot accompany"),
    ] {
        let place = Place::new();
        let ended = place.run_words(&[&SMALL[..5], words].concat(), &[]).code(2);
        assert!(ended.stderr.contains(said), "{words:?}: {}", ended.stderr);
        assert!(!place.path(".handloom/runs").exists(), "{words:?}");
    }
}
