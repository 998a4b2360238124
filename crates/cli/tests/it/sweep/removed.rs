//! Runs and sweeps that are removed, and hints that lead somewhere.

use serde_json::{Value, json};

use super::{GRID, LONG, of_kind, runs, shown, with};
use crate::support::Place;

/// The id of the latest sweep.
fn latest(place: &Place) -> String {
    shown(place, "@last")["sweep"].as_str().unwrap().to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn a_trial_whose_run_is_removed_is_counted_and_another_is_the_best() {
    let place = with(GRID);
    place.run("sweep f.yaml -d garments --quiet").code(0);
    let before = shown(&place, "@last");
    let best = text(&before["best"]["run"]);
    let removed = place.run(&format!("rm {best} --yes")).code(0);
    assert!(removed.stderr.contains("count as removed"), "{}", removed.stderr);
    let after = shown(&place, "@last");
    assert_eq!((&after["counts"]["removed"], &after["counts"]["finished"]), (&json!(1), &json!(3)));
    assert_ne!(after["best"]["run"], before["best"]["run"]);
    let gone = &after["trials"][before["best"]["number"].as_u64().unwrap() as usize];
    assert_eq!((&gone["status"], &gone["run"], &gone["val_accuracy"]), (&json!("removed"), &json!(null), &json!(null)));
    for command in ["sweep show --all", "sweep best", "sweep ls", "ls --json"] {
        let ended = place.run(command).code(0);
        assert!(!ended.stdout.contains(&best) && !ended.stderr.contains(&best), "{command}: {}", ended.stdout);
    }
    assert!(place.run("sweep resume").code(0).stderr.contains("is finished"), "it is not tried again");
    // All of them: nothing is the best, and no hint says that there is.
    place.run("rm status=finished --yes").code(0);
    assert_eq!(shown(&place, "@last")["best"], json!(null));
    assert!(!place.run("sweep resume").code(0).stderr.contains("sweep best"));
    place.run("sweep best").code(1);
    // An older program removed runs without an entry in the sweep's journal.
    place.run("sweep f.yaml -d garments --quiet").code(0);
    let best = text(&shown(&place, "@last")["best"]["run"]);
    super::store(&place.path(".handloom")).remove(&best).unwrap();
    let after = shown(&place, "@last");
    assert_eq!(after["trials"].as_array().unwrap().iter().filter(|trial| trial["status"] == "removed").count(), 1);
    assert!(!place.run("sweep best").code(0).stderr.contains(&best));
}

#[test]
fn runs_are_removed_by_the_filters_of_ls() {
    let place = with(GRID);
    place.run("sweep f.yaml -d garments --quiet").code(0);
    for refused in ["rm learning_rate=0.01", "rm learning_rat=0.01 --yes", "rm @last hidden_size=4 --yes"] {
        place.run(refused).code(2);
    }
    let asked = place.run("rm hidden_size=8").code(2);
    assert!(asked.stderr.contains("not a terminal") && asked.stderr.contains("--yes"), "{}", asked.stderr);
    assert!(place.run("rm hidden_size=5 --yes").code(0).stderr.contains("no run matches"));
    assert_eq!(runs(&place).len(), 4);
    let events = place.run("rm hidden_size=8 learning_rate=0.01 --yes --json").code(0).events();
    assert_eq!((events.len(), runs(&place).len()), (1, 3));
    place.run("rm val_accuracy>=0 hl_1_sz_4 --yes").code(0);
    assert_eq!(runs(&place).len(), 1);
    assert_eq!(shown(&place, "@last")["counts"]["removed"], 3);
    // A run that is called like a filter is named by it.
    place.run("train -d garments -e 1 -nhl 0 --no-test --quiet --name lr=0.1").code(0);
    place.run("rm lr=0.1 --yes").code(0);
    assert_eq!(runs(&place).len(), 1);
}

#[test]
fn a_sweep_is_removed_with_its_runs_and_what_others_reuse_is_said() {
    let place = with(GRID);
    place.run("sweep f.yaml -d garments --quiet --name first").code(0);
    let first = latest(&place);
    place.run("sweep f.yaml -d garments --quiet --name second").code(0);
    let second = latest(&place);
    let shared = text(&shown(&place, &second)["trials"][0]["run"]);
    // The run has users in another sweep.
    let asked = place.run(&format!("rm {shared}")).code(2);
    assert!(
        asked.stderr.contains(&format!("trial 0 of sweep {second} (second) reuses run {shared}")),
        "{}",
        asked.stderr
    );
    place.run("sweep rm").code(2);
    place.run("sweep rm nobody --yes").code(2);
    place.run(&format!("sweep rm {first}")).code(2);
    assert_eq!(runs(&place).len(), 4);
    let ended = place.run(&format!("sweep rm {first} --yes")).code(0);
    assert!(
        ended.stdout.contains(&format!("removed sweep {first}")) && ended.stdout.contains("4 runs"),
        "{}",
        ended.stdout
    );
    assert!(ended.stderr.contains(&format!("of sweep {second}")), "{}", ended.stderr);
    assert!(runs(&place).is_empty() && std::fs::read_dir(place.path(".handloom/runs")).unwrap().next().is_none());
    assert_eq!(shown(&place, &second)["counts"]["removed"], 4);
    place.run(&format!("sweep show {first}")).code(2);
    // `rm` knows a sweep by its id.
    let events = place.run(&format!("rm {second} --yes --json")).code(0).events();
    assert_eq!((&events[0]["sweep"], &events[0]["runs"]), (&json!(second), &json!(0)));
    assert!(place.run("sweep ls").code(0).stderr.contains("no sweeps"));
}

#[test]
fn a_sweep_is_not_removed_while_agents_work_on_it() {
    let place = with(&LONG.replace("epochs: {value: 4}", "epochs: {value: 400}"));
    let made = place.run("sweep create f.yaml -d garments --json").code(0).events().pop().unwrap();
    let sweep = text(&made["sweep"]);
    let mut agent = place.spawn(&format!("sweep agent {sweep} --workers 1"));
    while shown(&place, &sweep)["trials"].as_array().unwrap().is_empty() {
        std::thread::yield_now();
    }
    let refused = place.run(&format!("sweep rm {sweep} --yes")).code(2);
    assert!(refused.stderr.contains("1 agent works") && refused.stderr.contains("sweep stop"), "{}", refused.stderr);
    assert!(!runs(&place).is_empty());
    agent.kill().unwrap();
    agent.wait().unwrap();
    place.run(&format!("sweep rm {sweep} --yes")).code(0);
    assert!(runs(&place).is_empty());
}

#[test]
fn hints_after_a_sweep_lead_somewhere() {
    // Every trial diverges: there is no winner to train.
    let text = GRID.replace("[0.001, 0.01]", "[1e30, 1e31]");
    let place = with(&text);
    let ended = place.run("sweep f.yaml -d garments --no-progress --store elsewhere").code(1);
    assert!(!ended.stderr.contains("sweep best"), "{}", ended.stderr);
    let sweep = text_of_sweep(&place);
    assert!(ended.stderr.contains(&format!("handloom sweep show {sweep} --store elsewhere")), "{}", ended.stderr);
    let shown = place.run(&format!("sweep show {sweep} --store elsewhere")).code(0);
    assert!(shown.stdout.contains("trials 0, 1, 2 and 3 diverged: "), "{}", shown.stdout);
    assert!(!shown.stderr.contains("sweep best"), "{}", shown.stderr);
    let over = place.run(&format!("sweep resume {sweep} --store elsewhere")).code(0);
    assert!(!over.stderr.contains("sweep best") && over.stderr.contains("sweep show"), "{}", over.stderr);
    let none = place.run(&format!("sweep best {sweep} --store elsewhere")).code(1);
    assert!(none.stderr.contains("sweep show"), "{}", none.stderr);
}

fn text_of_sweep(place: &Place) -> String {
    let listed = place.run("sweep ls --store elsewhere --json").code(0);
    text(&of_kind(&listed, "sweep")[0]["sweep"])
}

#[test]
fn commands_are_shown_as_a_shell_takes_them() {
    let place = Place::new();
    let name = "it's $HOME\nhere";
    let words = ["train", "-d", "garments", "-e", "1", "-nhl", "0", "--no-test", "--quiet", "--notes", name];
    place.run_words(&words, &[]).code(0);
    let quoted = r"--notes $'it\'s $HOME\nhere'";
    for command in ["show", "ls --columns command", "ls --columns command --csv", "export @last --format csv -o -"] {
        let ended = place.run(command).code(0);
        assert!(ended.stdout.contains(quoted), "{command}: {}", ended.stdout);
    }
    // JSON has the words themselves.
    assert_eq!(place.run("show --json").code(0).events()[0]["command"].as_array().unwrap().len(), 12);
    std::fs::write(place.path("my sweep.yaml"), GRID).unwrap();
    let ended = place.run_words(&["sweep", "check", "my sweep.yaml"], &[]).code(0);
    assert!(ended.stderr.contains("handloom sweep 'my sweep.yaml' --dry-run"), "{}", ended.stderr);
}

#[test]
fn a_comma_stands_between_tags_and_an_absent_one_cannot_be_removed() {
    let place = Place::new();
    place.run("train -d garments -e 1 -nhl 0 --no-test --quiet --tag a,b --tag c").code(0);
    let tags = || place.run("show --json").code(0).events()[0]["tags"].clone();
    assert_eq!(tags(), json!(["a", "b", "c"]));
    let refused = place.run("tag @last --remove a,z").code(2);
    assert!(
        refused.stderr.contains("has no tag `z`") && refused.stderr.contains("`a`, `b` and `c`"),
        "{}",
        refused.stderr
    );
    assert_eq!(tags(), json!(["a", "b", "c"]));
    place.run("tag @last --remove a,b").code(0);
    assert_eq!(tags(), json!(["c"]));
    std::fs::write(place.path("f.yaml"), GRID).unwrap();
    place.run("sweep f.yaml -d garments --set tag=x,y --trials 1 --quiet").code(0);
    assert_eq!(runs(&place).last().unwrap().tags, ["x", "y"]);
}

#[test]
fn a_finished_run_without_its_model_is_told_what_trains_it_again() {
    let place = Place::new();
    place.run("train -d garments -e 1 -nhl 0 --no-test --quiet").code(0);
    let run = runs(&place).pop().unwrap();
    std::fs::remove_file(place.path(".handloom/runs").join(&run.id).join("model.safetensors")).unwrap();
    let refused = place.run("evaluate @last").code(3);
    assert!(
        refused.stderr.contains("has lost its model") && !refused.stderr.contains("--resume"),
        "{}",
        refused.stderr
    );
    let command = refused.stderr.split('`').find(|part| part.starts_with("handloom train")).unwrap();
    assert!(place.run("show").code(0).stderr.contains(command));
    place.run(&format!("{} --no-test --quiet", command.strip_prefix("handloom ").unwrap())).code(0);
    assert_eq!(runs(&place).pop().unwrap().weights_sha256, run.weights_sha256);
}
