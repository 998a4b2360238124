//! `train` as its users see it.

use serde_json::Value;

use crate::support::{Ended, Place};

/// Small enough to train in a moment.
const SMALL: &str = "train -d garments -sz 16 -b 64 -e 3 --threads 1 --no-test";

fn events(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn done(ended: &Ended) -> Value {
    let done = events(ended).pop().unwrap();
    assert_eq!(done["event"], "done", "{}", ended.stderr);
    done
}

#[test]
fn json_has_a_start_a_line_for_each_epoch_and_an_end() {
    let place = Place::new();
    let ended = place.run("train -d garments -sz 16 -e 2 --json");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let events = events(&ended);
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["start", "epoch", "epoch", "done"]);
    assert!(events.iter().all(|event| event["v"] == 1));
    for metric in [
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
        "samples_per_second",
        "seconds",
        "val_seconds",
    ] {
        assert!(events[1][metric].is_number(), "{metric}");
    }
    let done = &events[3];
    assert_eq!((done["status"].as_str(), done["epochs"].as_u64()), (Some("finished"), Some(2)));
    assert!(done["test_accuracy"].as_f64().unwrap() > 0.3);
    assert_eq!(done["weights_sha256"].as_str().unwrap().len(), 64);
    assert!(place.path(done["model"].as_str().unwrap()).exists());
}

#[test]
fn a_run_leaves_its_configuration_checkpoint_and_model() {
    let place = Place::new();
    let done = done(&place.run(&format!("{SMALL} --json --out copy.safetensors")));
    let folder = place.path(".handloom/runs").join(done["run"].as_str().unwrap());
    for file in ["config.json", "checkpoint.safetensors", "model.safetensors"] {
        assert!(folder.join(file).exists(), "{file}");
    }
    assert_eq!(
        std::fs::read(folder.join("model.safetensors")).unwrap(),
        std::fs::read(place.path("copy.safetensors")).unwrap()
    );
    let config: Value = serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap();
    assert_eq!((config["dataset"].as_str(), config["hidden_size"].as_u64()), (Some("garments"), Some(16)));
}

#[test]
fn same_seed_same_weights_for_any_threads_and_any_spelling() {
    let place = Place::new();
    let sha = |line: &str| done(&place.run(line))["weights_sha256"].clone();
    let first = sha(
        "train -d garments -e 2 -b 32 -nhl 2 -sz 48 -lr 0.01 -o Nadam -a ReLU -w_i Xavier -w_d 0.0005 --no-test --json --threads 1",
    );
    let second = sha(
        "train --dataset=garments --n_epochs 2 --Batch-Size=32 --hidden_layers=2 --layer_size 48 -lr=0.01 --optimiser NADAM --activation relu \
         --weights_init glorot --l2 5e-4 --no-test --json --threads 2",
    );
    assert_eq!(first, second);
    let other = sha(
        "train -d garments -e 2 -b 32 -nhl 2 -sz 48 -lr 0.01 -o nadam -w_i xavier -w_d 0.0005 --no-test --json --seed 2",
    );
    assert_ne!(first, other);
}

#[test]
fn flags_win_over_set_and_set_over_the_file() {
    let place = Place::new();
    std::fs::write(
        place.path("c.yaml"),
        "epochs: 1\nbatch_size: 100\nhidden_layers: 1\nhidden_size: 8\nlr: 0.5\nname: from-file\n",
    )
    .unwrap();
    let ended =
        place.run("train -d garments --config c.yaml --set batch_size=200 --set lr=0.25 -lr 0.125 --no-test --json");
    let start = events(&ended).remove(0);
    assert_eq!(start["name"], "from-file");
    let config = &start["config"];
    assert_eq!((config["epochs"].as_u64(), config["batch_size"].as_u64()), (Some(1), Some(200)));
    assert_eq!((config["learning_rate"].as_f64(), start["sizes"].to_string().as_str()), (Some(0.125), "[784,8,10]"));
}

#[test]
fn the_assignment_s_own_defaults_are_one_flag_away() {
    let place = Place::new();
    let ended = place.run("train --spec-defaults -d garments --no-test --json");
    let config = events(&ended).remove(0)["config"].clone();
    let expected = [
        ("epochs", "1"),
        ("batch_size", "4"),
        ("learning_rate", "0.1"),
        ("momentum", "0.5"),
        ("epsilon", "1e-6"),
        ("num_layers", "1"),
        ("hidden_size", "4"),
    ];
    for (key, value) in expected {
        assert_eq!(config[key].to_string().parse::<f64>().unwrap(), value.parse::<f64>().unwrap(), "{key}");
    }
    assert_eq!((config["activation"].as_str(), config["weight_init"].as_str()), (Some("sigmoid"), Some("random")));
}

#[test]
fn an_interrupted_run_goes_on_to_the_same_bytes() {
    let place = Place::new();
    let line = "train -d garments -sz 64 -b 16 -e 12 -o nadam --no-test --json --threads 1";
    let whole = done(&place.run(line));
    for (signal, code) in [("INT", Some(130)), ("TERM", Some(143)), ("KILL", None)] {
        let mut child = place.spawn(&format!("{line} --name {signal}"));
        // After the second epoch's line the third is under way.
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        let seen = lines.by_ref().map_while(Result::ok).take_while(|line| !line.contains("\"epoch\":2,")).count();
        assert_eq!(seen, 2, "start and the first epoch");
        std::process::Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        let rest: Vec<String> = lines.map_while(Result::ok).collect();
        let ended = child.wait().unwrap().code();
        // On a busy machine the signal may come too late.
        let is_late = rest.last().is_some_and(|line| line.contains("\"status\":\"finished\""));
        assert!(ended == code || is_late, "{signal}: {ended:?}, {rest:?}");
        if code.is_some() && !is_late {
            assert!(rest.last().unwrap().contains("\"status\":\"stopped\""), "{rest:?}");
        }
        let resumed = done(&place.run(&format!("train --resume {signal} --json --threads 2")));
        for key in ["weights_sha256", "val_accuracy", "epochs", "best_epoch", "status"] {
            assert_eq!(resumed[key], whole[key], "{signal} {key}");
        }
    }
}

#[test]
fn a_finished_run_says_so() {
    let place = Place::new();
    let first = done(&place.run(&format!("{SMALL} --json")));
    let again = place.run("train --resume @last --json");
    assert_eq!((again.code, done(&again)["weights_sha256"].clone()), (0, first["weights_sha256"].clone()));
    assert!(place.run("train --resume @last").stdout.contains("is finished"));
}

#[test]
fn what_cannot_accompany_resume_is_refused() {
    let place = Place::new();
    place.run(SMALL);
    for flag in ["-b 5", "-lr 0.1", "--no-shuffle", "--set epochs=3", "--seed 3", "--name x"] {
        let ended = place.run(&format!("train --resume @last {flag}"));
        assert_eq!(ended.code, 2, "{flag}: {}", ended.stderr);
        assert!(ended.stderr.contains("cannot accompany `--resume`"), "{}", ended.stderr);
    }
}

#[test]
fn divergence_is_exit_4_and_keeps_finite_weights() {
    let place = Place::new();
    let ended = place.run("train -d garments -o sgd -lr 1e30 -e 2 -sz 16 --json");
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: try a smaller learning rate"), "{}", ended.stderr);
    let done = done(&ended);
    assert_eq!((done["status"].as_str(), done["test_accuracy"].is_null()), (Some("diverged"), true));
    let model = handloom_engine::model::Model::load(&place.path(done["model"].as_str().unwrap())).unwrap();
    assert!(model.network.is_finite());
    // One reason, wherever it is told.
    let shown = place.run("show @last --json").code(0).events().remove(0);
    let reason = shown["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("training diverged in epoch 1: the loss of batch "), "{reason}");
    assert!(ended.stderr.contains(&reason), "{}", ended.stderr);
    let text = reason.replacen("training", "Training", 1);
    assert!(shown["health"][0]["text"].as_str().unwrap().starts_with(&text), "{}", shown["health"]);
    assert!(place.run("show @last").code(0).stdout.contains(&text));
}

/// The textbook case: deep sigmoid networks.
#[test]
fn vanishing_gradients_are_told_from_before_the_first_step() {
    let place = Place::new();
    place.run("train -d garments -e 1 -a sigmoid -nhl 8 -sz 64 -w_i xavier --no-test").code(0);
    let told = |line: &str| {
        let shown = place.run(&format!("{line} --json")).code(0).events().remove(0);
        let health = shown["health"].as_array().unwrap().clone();
        let check = health.into_iter().find(|check| check["rule"] == "vanishing").unwrap();
        (shown, check)
    };
    let (shown, check) = told("show @last");
    assert_eq!((check["state"].as_str(), check["layer"].as_u64()), (Some("bad"), Some(1)));
    let text = check["text"].as_str().unwrap();
    assert!(text.starts_with("Gradients vanish: before the first step, layer 1 gets "), "{text}");
    assert!(place.run("show @last").code(0).stdout.contains(text));
    let norms = shown["initial_norms"].as_array().unwrap();
    assert!(norms.len() == 9 && norms[0].as_f64() < norms[7].as_f64(), "{norms:?}");
    // The run that continues it began with the same network.
    place.run("train --resume @last -e 2 --no-progress").code(0);
    assert_eq!(told("show @last").0["initial_norms"], shown["initial_norms"]);
    place.run("train -d garments -e 1 -a relu -nhl 8 -sz 64 --no-test").code(0);
    assert_eq!(told("show @last").1["state"], "good");
}

#[test]
fn an_accuracy_that_was_asked_for_and_missed_is_exit_5() {
    let place = Place::new();
    assert_eq!(place.run(&format!("{SMALL} --min-accuracy 0.1")).code, 0);
    let ended = place.run(&format!("{SMALL} --min-accuracy 0.999"));
    assert_eq!(ended.code, 5);
    assert!(ended.stderr.contains("validation accuracy"), "{}", ended.stderr);
}

#[test]
fn wrong_usage_is_exit_2_and_says_what_could_be_meant() {
    let place = Place::new();
    for (line, expected) in [
        ("-o adma", "did you mean `adam`?"),
        ("--batchsize 3", "--batch-size"),
        ("-nhl 3 -sz 128 64", "2 widths (128 64)"),
        ("-lr -1", "learning_rate"),
        ("-e 0", "whole number of at least 1"),
        ("-d nowhere", "no folder `nowhere`"),
        ("--set epohcs=3", "did you mean `epochs`?"),
        ("--config missing.yaml", "cannot read `missing.yaml`"),
        ("--resume nobody", "no run `nobody`"),
        ("--wandb maybe", "offline online off"),
        ("--val-fraction 0.99999", "to train on"),
        ("-nhl 1000 -sz 1000000", "more than 1,073,741,824 parameters"),
        ("--store mysql://host/db", "`mysql://host/db` cannot be a store"),
    ] {
        let dataset = if line.starts_with("-d") || line.starts_with("--resume") { "" } else { "-d garments " };
        let ended = place.run(&format!("train {dataset}{line}"));
        assert!(ended.code == 2 && ended.stderr.contains(expected), "{line}: {} {}", ended.code, ended.stderr);
    }
    assert!(!place.path(".handloom").exists(), "nothing was recorded");
}

#[test]
fn without_a_data_set_the_built_in_one_steps_in_loudly_unless_one_was_named() {
    let place = Place::new();
    let ended = place.run("train -sz 8 -e 1 --no-test --json");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("USING `garments` INSTEAD"), "{}", ended.stderr);
    let start = events(&ended).remove(0);
    assert_eq!(start["dataset"], "garments");
    assert!(start["fallback"].as_str().unwrap().contains("fashion_mnist"));
    let named = place.run("train -d fashion_mnist -e 1");
    assert_eq!(named.code, 3);
    assert!(
        named.stderr.contains("train-images-idx3-ubyte.gz") && named.stderr.contains("3aede38d61863908"),
        "{}",
        named.stderr
    );
}

#[test]
fn init_from_continues_where_a_model_ended_and_refuses_other_shapes() {
    let place = Place::new();
    let line = "train -d garments -nhl 1 -sz 16 -e 1 --no-test --val-fraction 0 --json";
    let first = done(&place.run(&format!("{line} --out a.safetensors")));
    let start = done(&place.run(&format!("{line} --init-from a.safetensors -lr 0")));
    assert_eq!(first["weights_sha256"], start["weights_sha256"], "a rate of 0 changes nothing");
    let other = place.run("train -d garments -nhl 1 -sz 17 --init-from a.safetensors");
    assert!(other.code == 2 && other.stderr.contains("[784, 16, 10]"), "{}", other.stderr);
    std::fs::write(place.path("b.safetensors"), "garbage").unwrap();
    assert_eq!(place.run("train -d garments --init-from b.safetensors").code, 3);
    assert_eq!(place.run("train -d garments --init-from c.safetensors").code, 3);
}

#[test]
fn without_validation_the_last_weights_are_kept() {
    let place = Place::new();
    let done = done(&place.run(&format!("{SMALL} --val-fraction 0 --json")));
    assert!(done["val_accuracy"].is_null() && done["best_epoch"] == 3, "{done}");
}

#[test]
fn lines_in_a_pipe_have_no_control_characters() {
    let place = Place::new();
    let ended = place.run(SMALL);
    assert!(!ended.stdout.contains('\u{1b}') && !ended.stderr.contains('\u{1b}') && !ended.stderr.contains('\r'));
    let epochs: Vec<&str> = ended.stdout.lines().filter(|line| line.contains(" epoch=")).collect();
    assert_eq!(epochs.len(), 3);
    assert!(epochs[0].contains("Z epoch=1/3 train_loss=") && epochs[0].contains(" val_accuracy="), "{}", epochs[0]);
    assert!(ended.stderr.contains("next:  handloom evaluate @last"), "{}", ended.stderr);
}
