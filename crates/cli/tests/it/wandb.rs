//! `train --wandb` as its users see it. What the real client makes of the files, `.ci/exports.sh` tells.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::Place;

const TINY: &str = "train -d garments -e 2 -nhl 1 -sz 8 --no-progress";

/// The folders of W&B runs, the earliest first.
fn logged(place: &Place, parent: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place.path(parent).join("wandb")).into_iter().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.file_name().unwrap().to_string_lossy().starts_with("offline-run-"));
    folders.sort();
    folders
}

/// The log of a run, whose texts stand in it as they are.
fn log(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut logs = entries.filter(|path| path.extension().is_some_and(|extension| extension == "wandb"));
    let log = logs.next().unwrap();
    String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned()
}

/// Number of rows of the history that are those of an epoch or of the test: only these have a step.
fn rows(log: &str) -> usize {
    log.matches("_step").count()
}

fn recorded(place: &Place) -> Value {
    let store = handloom_store::open(place.path(".handloom")).unwrap();
    Value::Object(store.runs().unwrap().pop().unwrap().wandb)
}

#[test]
fn an_offline_run_has_its_figures_pictures_tables_and_what_was_said() {
    let place = Place::new();
    let line = format!("{TINY} --wandb Offline -wp demo -we us --tag first --group g --notes remark --name named");
    let ended = place.run(&line).code(0);
    let [folder] = &logged(&place, "")[..] else { panic!("one run") };
    let name = folder.file_name().unwrap().to_str().unwrap();
    assert!(ended.stderr.contains(&format!("next:  wandb sync wandb/{name}")), "{}", ended.stderr);
    let log = log(folder);
    for text in [
        "demo",
        "us",
        "first",
        "remark",
        "named",
        "hidden_size",
        "val_accuracy",
        "best_val_accuracy",
        "test_accuracy",
        "wandb/confusion_matrix/v1",
        "roc_table",
        "precision_recall_table",
        "predictions",
        "epoch=2/2",
        "test accuracy",
    ] {
        assert!(log.contains(text), "{text}");
    }
    for (kind, count) in [("images", 2), ("table", 4)] {
        let media = std::fs::read_dir(folder.join("files/media").join(kind)).unwrap();
        assert_eq!(media.count(), count, "{kind}");
    }
    let wandb = recorded(&place);
    for (key, value) in
        [("mode", "offline"), ("project", "demo"), ("entity", "us"), ("folder", folder.to_str().unwrap())]
    {
        assert_eq!(wandb[key], value, "{key}");
    }
    assert!(name.ends_with(wandb["id"].as_str().unwrap()), "{name}");
}

#[test]
fn flags_decide_then_variables_then_what_they_imply() {
    type Variables = &'static [(&'static str, &'static str)];
    let cases: [(&str, Variables, bool); 9] = [
        ("", &[], false),
        ("", &[("WANDB_ENTITY", "e")], false),
        ("", &[("WANDB_PROJECT", "p")], true),
        ("-we e", &[], true),
        ("--set wandb=offline", &[], true),
        ("-wp p", &[("WANDB_MODE", "disabled")], false),
        ("--wandb offline", &[("WANDB_MODE", "disabled")], true),
        ("--wandb off -wp p", &[("WANDB_MODE", "offline")], false),
        ("--wandb=off", &[("WANDB_MODE", "nonsense")], false),
    ];
    for (flags, variables, expected) in cases {
        let place = Place::new();
        place.run_with(&format!("{TINY} -e 1 --no-test {flags}"), variables).code(0);
        assert_eq!(logged(&place, "").len(), usize::from(expected), "{flags} {variables:?}");
        assert_eq!(recorded(&place)["mode"] != "off", expected, "{flags} {variables:?}");
    }
    let place = Place::new();
    let ended = place.run_with(TINY, &[("WANDB_MODE", "nonsense")]).code(2);
    assert!(ended.stderr.contains("`nonsense`"), "{}", ended.stderr);
    place.run_with(TINY, &[("WANDB_MODE", "offline"), ("WANDB_RUN_ID", "../x")]).code(2);
    assert!(!place.path(".handloom").exists() && !place.path("wandb").exists(), "nothing was begun");
}

#[test]
fn variables_name_the_run_and_its_place() {
    let place = Place::new();
    let parameters = "wandb_version: 1\n\nhidden_layers:\n  value: 1\nepochs:\n  value: 2\n";
    std::fs::write(place.path("parameters.yaml"), parameters).unwrap();
    let variables = [
        ("WANDB_MODE", "offline"),
        ("WANDB_RUN_ID", "theirs01"),
        ("WANDB_NAME", "nice name"),
        ("WANDB_TAGS", "a,b c"),
        ("WANDB_RUN_GROUP", "the group"),
        ("WANDB_NOTES", "some notes"),
        ("WANDB_SWEEP_ID", "swp1"),
        ("WANDB_DIR", "elsewhere"),
        ("WANDB_SWEEP_PARAM_PATH", "parameters.yaml"),
    ];
    place.run_with(TINY, &variables).code(0);
    let [folder] = &logged(&place, "elsewhere")[..] else { panic!("one run") };
    assert!(folder.join("run-theirs01.wandb").is_file());
    let log = log(folder);
    for text in ["nice name", "b c", "the group", "some notes", "swp1", "hidden_layers", "num_layers"] {
        assert!(log.contains(text), "{text}");
    }
    let run = handloom_store::open(place.path(".handloom")).unwrap().runs().unwrap().pop().unwrap();
    assert_eq!((run.wandb["id"].as_str(), run.id.len()), (Some("theirs01"), 8));
    assert_ne!(run.id, "theirs01");
    assert_eq!((run.name.as_str(), run.tags), ("nice name", vec!["a".to_owned(), "b c".into()]));
    // A file that the agent, or W&B itself, wrote is a configuration too.
    place.run("train -d garments -nhl 1 -sz 8 --no-test --config parameters.yaml").code(0);
}

#[test]
fn what_cannot_be_written_does_not_stop_training_and_fails_at_the_end() {
    let place = Place::new();
    std::fs::write(place.path("file"), "in the way").unwrap();
    let line = format!("{TINY} --wandb offline --json");
    let ended = place.run_with(&line, &[("WANDB_DIR", "file")]).code(1);
    let events = ended.events();
    let done = events.last().unwrap();
    assert_eq!((done["status"].as_str(), done["epochs"].as_u64()), (Some("finished"), Some(2)));
    assert!(done["test_accuracy"].is_number());
    assert_eq!(ended.stderr.matches("training goes on without W&B").count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("error: the run is trained and saved, but its W&B files are not whole"));
    let hash = |line: &str| place.run(line).code(0).events().pop().unwrap()["weights_sha256"].clone();
    assert_eq!(done["weights_sha256"], hash(&format!("{TINY} --json")), "the same weights as without W&B");
}

#[test]
fn online_without_a_client_says_how_to_get_one_and_keeps_the_run() {
    let place = Place::new();
    let ended = place.run_with(&format!("{TINY} --wandb online"), &[("PATH", "/nowhere")]).code(0);
    assert!(ended.stderr.contains("pip install 'wandb>=0.29'"), "{}", ended.stderr);
    assert_eq!(logged(&place, "").len(), 1);
    assert!(ended.stderr.contains("next:  wandb sync wandb/offline-run-"), "{}", ended.stderr);
    assert_eq!(recorded(&place)["mode"], "online");
}

#[test]
fn a_run_that_stays_behind_is_said_to_people_and_programs() {
    let nowhere = [("PATH", "/nowhere")];
    let place = Place::new();
    let done = |line: &str| place.run_with(line, &nowhere).code(0).events().pop().unwrap()["wandb"].clone();
    let wandb = done(&format!("{TINY} --wandb online --json"));
    assert_eq!((&wandb["mode"], &wandb["uploaded"]), (&"online".into(), &false.into()), "{wandb}");
    assert!(wandb["why"].as_str().unwrap().contains("no `wandb` command is installed"), "{wandb}");
    assert_eq!(wandb["sync"], format!("wandb sync {}", wandb["folder"].as_str().unwrap()));
    let wandb = done(&format!("{TINY} --wandb offline --json"));
    assert_eq!((&wandb["mode"], &wandb["why"]), (&"offline".into(), &Value::Null), "{wandb}");
    assert!(done(&format!("{TINY} --json")).is_null());

    let sweep = "method: grid\nmetric: {name: val_accuracy}\nparameters: {learning_rate: {values: [0.1, 0.01]}, epochs: {value: 1}, hidden_size: {value: 4}}";
    std::fs::write(place.path("s.yaml"), sweep).unwrap();
    let ended = place.run_with("sweep s.yaml -d garments --wandb online", &nowhere).code(0);
    let lines =
        ["W&B: 0 of 2 runs uploaded, 2 not:", "2 runs: no `wandb` command is installed", "hint: `wandb sync wandb/"];
    assert!(lines.iter().all(|line| ended.stderr.contains(line)), "{}", ended.stderr);
    let wandb = done("sweep s.yaml -d garments --no-reuse --wandb online --json");
    assert_eq!((&wandb["uploaded"], wandb["behind"].as_array().unwrap().len()), (&0.into(), 2), "{wandb}");
    assert_eq!(wandb["sync"].as_str().unwrap().split(' ').count(), 4, "{wandb}");
    let ended = place.run("sweep s.yaml -d garments --no-reuse --wandb offline").code(0);
    assert!(ended.stderr.contains("2 runs are on this machine only; `wandb sync wandb/"), "{}", ended.stderr);
    assert!(done("sweep s.yaml -d garments --json").is_null());
}

#[test]
fn a_local_sweep_is_a_group_and_a_tag_and_only_a_given_sweep_goes_to_wandb() {
    let sweep = "method: grid\nmetric: {name: val_accuracy}\nparameters: {learning_rate: {values: [0.1]}, epochs: {value: 1}, hidden_size: {value: 4}}";
    for (variables, expected) in [(&[][..], Value::Null), (&[("WANDB_SWEEP_ID", "theirs")][..], "theirs".into())] {
        let place = Place::new();
        std::fs::write(place.path("s.yaml"), sweep).unwrap();
        place.run_with("sweep s.yaml -d garments --wandb offline --quiet", variables).code(0);
        assert_eq!(recorded(&place).get("sweep_id").cloned().unwrap_or_default(), expected);
        let run = handloom_store::open(place.path(".handloom")).unwrap().runs().unwrap().pop().unwrap();
        let ours = run.sweep.unwrap();
        let folder = &logged(&place, "")[0];
        let said = log(folder);
        assert!(said.contains(&format!("sweep-{ours}")) && said.contains("theirs") != expected.is_null(), "{expected}");
        // Earlier versions recorded our own sweep as one of W&B's; it is not exported as that.
        for flag in ["", " --no-sweep"] {
            let line = format!("export {} --format wandb -o again{}{flag}", run.id, flag.len());
            place.run(&line).code(0);
            let said = log(&logged(&place, &format!("again{}", flag.len()))[0]);
            assert_eq!(said.contains("theirs"), flag.is_empty() && !expected.is_null(), "{line}");
        }
    }
}

#[test]
fn without_a_test_the_pictures_are_of_validation_data_if_there_are_any() {
    let place = Place::new();
    place.run(&format!("{TINY} --wandb offline --no-test")).code(0);
    place.run(&format!("{TINY} --wandb offline --no-test --val-fraction 0")).code(0);
    let mut with = logged(&place, "").iter().map(|folder| log(folder)).collect::<Vec<_>>();
    with.sort_by_key(String::len);
    assert!(!with[0].contains("confusion") && with[0].contains("samples") && !with[0].contains("best_epoch"));
    assert!(with[1].contains("confusion_matrix_table") && !with[1].contains("test_accuracy"));
}

#[test]
fn divergence_is_the_exit_code_of_the_run_and_has_no_last_row() {
    let place = Place::new();
    place.run("train -d garments -o sgd -lr 1e30 -e 2 -sz 16 --wandb offline").code(4);
    let log = log(&logged(&place, "")[0]);
    assert!(
        log.contains("training diverged in epoch 1: the loss of batch ")
            && !log.contains("test_accuracy")
            && !log.contains("samples_")
    );
}

#[test]
fn a_resumed_run_is_whole_again_under_the_same_id() {
    // Until the kill hits a run: on a busy machine it may come when all is done.
    let place = loop {
        let place = Place::new();
        let mut child = place.spawn("train -d garments -sz 64 -b 16 -e 6 --no-test --json --wandb offline -wp demo");
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        assert!(lines.by_ref().map_while(Result::ok).any(|line| line.contains("\"epoch\":2,")));
        Command::new("kill").args(["-KILL", &child.id().to_string()]).status().unwrap();
        child.wait().unwrap();
        if lines.map_while(Result::ok).all(|line| !line.contains("\"epoch\":6,")) {
            break place;
        }
    };
    let before = recorded(&place);
    let ended = place.run("train --resume @last --json").code(0);
    let folders = logged(&place, "");
    assert_eq!(folders.len(), 2);
    let after = recorded(&place);
    assert_eq!((&before["id"], &before["project"]), (&after["id"], &after["project"]));
    assert_ne!(before["folder"], after["folder"]);
    let resumed = ended.events().iter().filter(|event| event["event"] == "epoch").count();
    assert!(resumed < 6, "it went on");
    let log = log(&folders[1]);
    // Six epochs and the last row, and a summary after each but the replayed ones, which have one together.
    assert_eq!(log.matches("samples_per_second=").count(), 0, "with --json there are no such lines");
    assert_eq!(rows(&log), 7 + 1 + resumed + 1, "rows and summaries");
    // Switched off, the run goes on without.
    place.run("train --resume @last --wandb off").code(0);
}
