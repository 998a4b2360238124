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
