//! Files and names that are wrong, and what is said of them.

use serde_json::json;

use super::{GRID, with};
use crate::support::Place;

#[test]
fn unknown_parameters_and_violations_are_exit_2_and_nothing_is_recorded() {
    let place = with("method: grid\nparameters:\n  hidden_siez: {values: [4]}\n  lerning_rate: {value: 1}\n");
    let ended = place.run("sweep f.yaml -d garments").code(2);
    for text in ["hidden_siez", "hidden_size", "lerning_rate", "learning_rate"] {
        assert!(ended.stderr.contains(text), "{text}: {}", ended.stderr);
    }
    let report = place.run("sweep check f.yaml --json").code(0).events().pop().unwrap();
    assert_eq!(report["unknown_parameters"], json!(["hidden_siez", "lerning_rate"]));
    std::fs::write(place.path("g.yaml"), "method: grdi\nparameters:\n  epochs: {min: 3, max: 1}\n").unwrap();
    let ended = place.run("sweep check g.yaml").code(2);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("grdi") && said.contains("epochs"), "{said}");
    let report = place.run("sweep check g.yaml --json").code(2).events().pop().unwrap();
    assert!(!report["violations"].as_array().unwrap().is_empty());
    place.run("sweep g.yaml -d garments").code(2);
    place.run("sweep create f.yaml").code(2);
    place.run("sweep missing.yaml").code(2);
    assert!(!place.path(".handloom").exists(), "nothing was recorded");
}

#[test]
fn what_a_file_has_is_told() {
    let place = with(GRID);
    let report = place.run("sweep check f.yaml --json").code(0).events().pop().unwrap();
    assert_eq!((&report["method"], &report["grid_points"]), (&json!("grid"), &json!(4)));
    assert_eq!(report["first_points"].as_array().unwrap().len(), 4);
    assert_eq!((&report["violations"], &report["unknown_parameters"]), (&json!([]), &json!([])));
    let ended = place.run("sweep check f.yaml").code(0);
    assert!(ended.stdout.contains("hidden_size") && ended.stdout.contains('4'), "{}", ended.stdout);
}

#[test]
fn unknown_sweeps_are_exit_2_and_ambiguous_ones_list_candidates() {
    let place = with(GRID);
    for command in ["show", "best", "stop", "resume", "agent"] {
        assert!(place.run(&format!("sweep {command} nobody")).code(2).stderr.contains("nobody"), "{command}");
    }
    let make = |name: &str| {
        let made = place.run(&format!("sweep create f.yaml -d garments --name {name} --json")).code(0);
        made.events().pop().unwrap()["sweep"].as_str().unwrap().to_owned()
    };
    let (first, second) = (make("tiny-one"), make("tiny-two"));
    let ended = place.run("sweep show tiny").code(2);
    assert!(ended.stderr.contains(&first) && ended.stderr.contains(&second), "{}", ended.stderr);
    let shown = |name: &str| super::shown(&place, name)["sweep"].as_str().unwrap().to_owned();
    assert_eq!([shown("tiny-one"), shown("@last"), shown(&second)], [first, second.clone(), second]);
}

#[test]
fn what_is_made_names_the_command_that_joins_it() {
    let place = with(GRID);
    let ended = place.run("sweep create f.yaml -d garments").code(0);
    let id = ended.stdout.lines().next().unwrap().trim().to_owned();
    assert!(ended.stderr.contains(&format!("handloom sweep agent {id}")), "{}", ended.stderr);
}

#[test]
fn a_search_without_end_says_so_and_a_file_may_be_called_like_a_command() {
    let place = Place::new();
    std::fs::write(place.path("show.yaml"), GRID).unwrap();
    place.run("sweep show.yaml -d garments --trials 1 --quiet").code(0);
    std::fs::create_dir(place.path("x")).unwrap();
    std::fs::write(place.path("x/show"), GRID).unwrap();
    place.run("sweep x/show -d garments --trials 1 --quiet").code(0);
    let endless = "method: bayes\nparameters: {lr: {min: 0.1, max: 0.2}}\n";
    std::fs::write(place.path("b.yaml"), endless).unwrap();
    let ended = place.run("sweep b.yaml -d garments").code(2);
    assert!(ended.stderr.contains("metric"), "{}", ended.stderr);
}

/// A sweep of two small trainings with this metric and validation share.
fn of_share(metric: &str, share: &str) -> String {
    format!(
        "method: grid\nmetric: {metric}\nparameters:\n  learning_rate: {{values: [0.01, 0.1]}}\n  hidden_size: {{value: 4}}\n  hidden_layers: {{value: 1}}\n  batch_size: {{value: 512}}\n  epochs: {{value: 1}}\n  val_fraction: {share}\n"
    )
}

#[test]
fn a_sweep_whose_metric_has_no_validation_images_is_exit_2_before_the_first_trial() {
    const METRIC: &str = "{name: val_loss, goal: minimize}";
    // In the file, in a list of which nothing helps, and too small for any class.
    for share in ["{value: 0}", "{values: [0, 0.00001]}", "{min: 0.00001, max: 0.00004}"] {
        let text = of_share(METRIC, share).replace("method: grid", "method: random");
        let place = with(&text);
        for command in [
            "sweep f.yaml -d garments --trials 2",
            "sweep create f.yaml -d garments",
            "sweep f.yaml -d garments --dry-run",
        ] {
            let ended = place.run(command).code(2);
            for said in ["val_loss", "validation images", "hint:"] {
                assert!(ended.stderr.contains(said), "{command} of {share}: {}", ended.stderr);
            }
            assert!(ended.stdout.is_empty(), "{}", ended.stdout);
        }
        assert!(!place.path(".handloom/handloom.db").exists(), "nothing was recorded");
    }
    let place = with(&of_share(METRIC, "{value: 0}"));
    let report = place.run("sweep check f.yaml --json").code(2).events().pop().unwrap();
    assert!(report["violations"][0]["message"].as_str().unwrap().contains("val_loss"), "{report}");
    // Flags win over the file, either way.
    place.run("sweep f.yaml -d garments --set val_fraction=0.1 --quiet").code(0);
    let place = with(GRID);
    for share in ["0", "0.00001"] {
        place.run(&format!("sweep f.yaml -d garments --set val_fraction={share}")).code(2);
    }
    assert!(!place.path(".handloom/handloom.db").exists(), "nothing was recorded");
}

#[test]
fn one_point_without_validation_fails_alone_and_a_metric_of_training_needs_none() {
    let place = with(&of_share("{name: val_accuracy, goal: maximize}", "{values: [0, 0.1]}"));
    place.run("sweep f.yaml -d garments --quiet").code(0);
    let trials = super::shown(&place, "@last")["trials"].clone();
    let of = |status: &str| trials.as_array().unwrap().iter().filter(|trial| trial["status"] == status).count();
    assert_eq!((of("failed"), of("finished")), (2, 2), "{trials}");
    let failed = trials.as_array().unwrap().iter().find(|trial| trial["status"] == "failed").unwrap();
    assert!(failed["why"].as_str().unwrap().contains("validation images"), "{failed}");
    let place = with(&of_share("{name: train_loss, goal: minimize}", "{value: 0}"));
    place.run("sweep check f.yaml").code(0);
    place.run("sweep f.yaml -d garments --quiet").code(0);
    assert!(super::shown(&place, "@last")["best"]["train_loss"].is_number());
}
