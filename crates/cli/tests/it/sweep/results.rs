//! Results of a sweep as they are shown, and uses of its best trial.

use super::{GRID, runs, shown, with};

#[test]
fn the_best_trial_is_a_command_and_is_trained_on_everything() {
    let place = with(GRID);
    place.run("sweep f.yaml -d garments --quiet").code(0);
    let shown = shown(&place, "@last");
    let best = shown["trials"]
        .as_array()
        .unwrap()
        .iter()
        .max_by(|a, b| a["val_accuracy"].as_f64().unwrap().total_cmp(&b["val_accuracy"].as_f64().unwrap()))
        .unwrap()
        .clone();
    assert_eq!(shown["best"]["run"], best["run"]);
    let ended = place.run("sweep best @last").code(0);
    let winner = runs(&place).into_iter().find(|run| best["run"] == run.id.as_str()).unwrap();
    assert_eq!(ended.stdout.trim(), winner.command.join(" "));

    let trained = place.run("sweep best @last --train --json").code(0);
    let done = trained.events().pop().unwrap();
    assert!(done["test_accuracy"].is_number() && done["val_accuracy"].is_null(), "{done}");
    let run = runs(&place).into_iter().find(|run| done["run"] == run.id.as_str()).unwrap();
    assert_eq!(run.sweep, None);
    assert_eq!((run.config["val_fraction"].as_f64(), Some(run.epochs)), (Some(0.0), winner.best_epoch));
    assert_eq!(super::store(&place.path(".handloom")).openings().unwrap().len(), 1);
    assert_eq!(place.run("show @last --json").code(0).events()[0]["run"], done["run"]);
}

#[test]
fn show_has_a_table_the_best_and_what_matters() {
    let place = with(GRID);
    place.run("sweep f.yaml -d garments --name tiny --quiet").code(0);
    let ended = place.run("sweep show tiny --plot sweep.svg").code(0);
    for text in ["tiny", "finished", "best", "hidden_size", "learning_rate", "too early to tell", "sweep best"] {
        assert!(format!("{}{}", ended.stdout, ended.stderr).contains(text), "{text}: {}", ended.stdout);
    }
    assert!(std::fs::read_to_string(place.path("sweep.svg")).unwrap().contains("best so far"));
    let shown = shown(&place, "tiny");
    let names: Vec<_> =
        shown["importance"].as_array().unwrap().iter().map(|one| one["parameter"].as_str().unwrap()).collect();
    assert!(names.contains(&"hidden_size") && names.contains(&"learning_rate"), "{shown}");
    assert_eq!(shown["too_early"], true);
    let list = place.run("sweep ls").code(0);
    assert!(list.stdout.contains("tiny") && list.stdout.contains("grid"), "{}", list.stdout);
    assert_eq!(place.run("sweep ls --json").code(0).events()[0]["status"], "finished");
}
