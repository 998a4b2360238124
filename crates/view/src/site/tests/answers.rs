//! Answers of the API.

use handloom_store::{Run, Status, TestSetAccess};
use serde_json::{Value, json};

use super::{Place, put, run};

/// A column of a table.
fn column<'v>(table: &'v Value, name: &str) -> &'v Value {
    table["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap_or(&Value::Null)
}

#[test]
fn runs_come_as_columns_with_what_differs_and_what_does_not() {
    let place = Place::new();
    let store = place.store();
    put(&*store, &run("a", 1_000, json!({"optimizer": "adam", "learning_rate": 0.1, "epochs": 3, "hidden_size": 8})));
    put(
        &*store,
        &Run {
            sweep: Some("s".into()),
            tags: vec!["x".into(), "y".into()],
            ..run("b", 2_000, json!({"optimizer": "adam", "learning_rate": 0.001, "epochs": 3, "hidden_size": [8, 4]}))
        },
    );
    put(
        &*store,
        &Run {
            status: Status::Failed,
            best_epoch: None,
            val_accuracy: None,
            ended_ms: None,
            ..run("c", 3_000, json!({"optimizer": "adam", "epochs": 5}))
        },
    );
    let site = place.site();
    let all = site.answer("/api/runs").unwrap();
    assert_eq!((&all["rows"], &all["all"]), (&json!(3), &json!(3)));
    assert_eq!(all["same"], json!({"optimizer": "adam"}));
    assert_eq!(column(&all, "id")["values"], json!(["c", "b", "a"]));
    assert_eq!(column(&all, "tags")["values"], json!(["", "x y", ""]));
    assert_eq!(column(&all, "status")["levels"], json!(["failed", "finished"]));
    assert_eq!(column(&all, "sweep")["codes"], json!([-1, 0, -1]));
    assert_eq!(column(&all, "seconds")["values"], json!([null, 2.5, 2.5]));
    // Of the epoch whose weights are kept, or of the last.
    assert_eq!(column(&all, "val_loss")["values"], json!([1.1 / 3.0, 0.55, 0.55]));
    assert_eq!(column(&all, "val_accuracy")["values"][0], json!(1.0 - 0.5 / 3.0));
    assert!((column(&all, "gap")["values"][2].as_f64().unwrap() - 0.05).abs() < 1e-12);
    let rate = column(&all, "learning_rate");
    assert_eq!((&rate["scale"], &rate["values"]), (&json!("log"), &json!([null, 0.001, 0.1])));
    assert_eq!(column(&all, "hidden_size")["levels"], json!([8, [8, 4]]));
    assert_eq!(column(&all, "planned")["values"], json!([5, 3, 3]));
    let names: Vec<&str> =
        all["columns"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(names[..4], ["id", "name", "status", "sweep"]);
    assert_eq!(names[20..], ["learning_rate", "hidden_size"]);

    let first = site.answer("/api/runs?first=1").unwrap();
    assert_eq!((&first["rows"], &first["all"]), (&json!(1), &json!(3)));
    assert_eq!(first["same"], all["same"]);
    let swept = site.answer("/api/runs?sweep=s").unwrap();
    assert_eq!(column(&swept, "id")["values"], json!(["b"]));
    assert_eq!(swept["same"]["learning_rate"], json!(0.001));
    assert_eq!(site.answer("/api/runs?first=x").unwrap_err().status, 400);
}

#[test]
fn an_empty_store_has_a_project_and_says_what_to_do() {
    let place = Place::new();
    let project = place.site().answer("/api/project").unwrap();
    assert_eq!((&project["runs"], &project["best"], &project["may_edit"]), (&json!(0), &Value::Null, &json!(false)));
    assert_eq!(project["headline"][0]["rule"], "empty");
    assert_eq!(place.site().answer("/api/runs").unwrap()["rows"], json!(0));
}

#[test]
fn the_headline_says_how_good_the_best_run_is_and_what_runs() {
    let place = Place::new();
    let store = place.store();
    let config = json!({"optimizer": "nadam", "learning_rate": 0.001, "num_layers": 3, "hidden_size": 128, "activation": "tanh", "epochs": 10});
    put(&*store, &Run { test_accuracy: Some(0.7), ..run("a", 1, config.clone()) });
    put(&*store, &Run { status: Status::Running, val_accuracy: Some(0.9), ..run("b", 2, config) });
    let project = place.site().answer("/api/project").unwrap();
    let said: Vec<(&str, &str, &str)> = project["headline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|said| (said["rule"].as_str().unwrap(), said["text"].as_str().unwrap(), said["href"].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ("best", "Best: 75.0% of validation images right (nadam · lr 0.001 · 3×128 · tanh).", "#/run/a"),
            ("test", "Test: 70.0%.", "#/run/a/errors?set=test"),
            ("health", "Healthy.", "#/run/a"),
            ("running", "1 running: epoch 3 of 10, about 18 s left.", "#/run/b"),
        ]
    );
    assert_eq!((&project["running"], &project["datasets"]), (&json!(1), &json!(["small"])));
}

#[test]
fn a_run_is_answered_with_everything_about_it() {
    let place = Place::new();
    let store = place.store();
    let command = ["handloom", "train", "--name", "my run"].map(String::from).to_vec();
    put(
        &*store,
        &Run { command, seed: 7, ..run("a", 1, json!({"optimizer": "sgd", "learning_rate": 0.001, "epochs": 3})) },
    );
    let site = place.site();
    let answer = site.answer("/api/runs/a").unwrap();
    assert_eq!(answer["layers"], json!([2, 3, 2]));
    assert_eq!((&answer["parameters"], &answer["planned"]), (&json!(17), &json!(3)));
    assert_eq!(
        (&answer["typed"], &answer["command"]),
        (&json!("handloom train --name 'my run'"), &json!("handloom train --seed 7"))
    );
    assert_eq!(
        answer["differs"],
        json!([{"name": "optimizer", "value": "sgd", "default": "adam"}, {"name": "epochs", "value": 3, "default": 15}])
    );
    assert_eq!(answer["curves"]["epoch"], json!([1, 2, 3]));
    assert_eq!(answer["curves"]["seconds"], json!([2.5, 5, 7.5]));
    assert_eq!(
        answer["evidence"]["gradient_norm"],
        json!([[0.5, 0.25, 0.5 / 3.0], [0.5, 0.25, 0.5 / 3.0], [0.5, 0.25, 0.5 / 3.0]])
    );
    assert_eq!(answer["evidence"]["dead"][2], json!([null, null, null]));
    assert_eq!(
        answer["headline"][0]["text"],
        "75.0% of validation images right at epoch 2; training 80.0%, gap 5.0 points."
    );
    assert_eq!(answer["health"].as_array().unwrap().len(), 7);
    assert_eq!((&answer["test"], &answer["may_open_test"]), (&Value::Null, &json!(true)));

    store.open_test(&TestSetAccess { run: Some("a".into()), accuracy: Some(0.5), ..TestSetAccess::default() }).unwrap();
    let answer = site.answer("/api/runs/a").unwrap();
    assert_eq!((&answer["test"]["accuracy"], &answer["test"]["openings"]), (&json!(0.5), &json!(1)));
    assert!(answer["test"]["low"].as_f64().unwrap() < 0.25 && answer["test"]["high"].as_f64().unwrap() > 0.75);
    assert_eq!(answer["may_open_test"], json!(false));

    put(
        &*store,
        &Run { status: Status::Running, ended_ms: None, ..run("bare", 2, json!({"hidden_size": 4, "epochs": 9})) },
    );
    let answer = site.answer("/api/runs/bare").unwrap();
    assert_eq!((&answer["layers"], &answer["may_open_test"]), (&json!([2, 4, 2]), &json!(false)));
    assert_eq!(answer["headline"][1]["text"], "Running: epoch 3 of 9, about 15 s left.");
}

#[test]
fn curves_of_several_runs_come_in_the_order_asked_for() {
    let place = Place::new();
    let store = place.store();
    for id in ["a", "b", "c"] {
        put(&*store, &run(id, 1, json!({})));
    }
    let site = place.site();
    let answer = site.answer("/api/curves?runs=c,a,nowhere&metric=val_loss").unwrap();
    assert_eq!((&answer["metric"], answer["runs"].as_array().unwrap().len()), (&json!("val_loss"), 2));
    assert_eq!((&answer["runs"][0]["id"], &answer["runs"][1]["name"]), (&json!("c"), &json!("name of a")));
    assert_eq!(answer["runs"][0]["value"], json!([1.1, 0.55, 1.1 / 3.0]));
    assert_eq!(site.answer("/api/curves?metric=secret").unwrap_err().status, 400);
    let many = vec!["x"; 201].join(",");
    assert_eq!(site.answer(&format!("/api/curves?runs={many}")).unwrap_err().status, 400);
}

#[test]
fn what_is_not_there_is_said_to_be_not_there() {
    let site = Place::new().site();
    for address in [
        "/api/runs/nowhere",
        "/api/runs/../../etc/passwd",
        "/api/",
        "/api/runs/..%2f..%2fetc%2fpasswd",
        "/etc/passwd",
        "/api/runs/a/b/c",
    ] {
        let trouble = site.answer(address).unwrap_err();
        assert!(trouble.status == 404 && !trouble.hint.is_empty(), "{address}: {trouble}");
    }
    for address in ["/api/runs/nowhere/test", "/api/project", "/api/runs/nowhere"] {
        assert_eq!(site.act(address, &json!({})).unwrap_err().status, 404, "{address}");
    }
}

#[test]
fn labels_are_changed_only_where_that_was_asked_for() {
    let place = Place::new();
    put(&*place.store(), &run("a", 1, json!({})));
    let mut site = place.site();
    site.answer("/api/runs").unwrap();
    let body = json!({"name": "<script>alert(1)</script>", "tags": ["x"], "notes": "n"});
    assert_eq!(site.act("/api/runs/a/labels", &body).unwrap_err().status, 403);
    assert_eq!(place.store().run("a").unwrap().unwrap().name, "name of a");
    site.may_edit = true;
    assert_eq!(site.act("/api/runs/a/labels", &body).unwrap(), body);
    // A cached answer is not given again after a change.
    assert_eq!(column(&site.answer("/api/runs").unwrap(), "name")["values"][0], body["name"]);
    let cleared = site.act("/api/runs/a/labels", &json!({"notes": null})).unwrap();
    assert_eq!(cleared, json!({"name": body["name"], "tags": ["x"], "notes": null}));
    assert_eq!(site.act("/api/runs/b/labels", &body).unwrap_err().status, 404);
}
