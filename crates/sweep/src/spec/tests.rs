use serde_json::json;

use super::*;
use crate::space::Distribution;

fn findings(list: &[Finding]) -> Vec<String> {
    list.iter().map(|finding| format!("{}:{} {}", finding.line, finding.column, finding.message)).collect()
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let text = "\
metod: bayes
method: baeys
metric: {name: val_acuracy, goal: maximise}
run_cap: 0
parameters:
  lr:
    distribution: log_uniform_value
    min: 1e-4
    max: 1e-2
  batch_size: {values: [16, [32], 0, sixty]}
  epochs: 10
  optimizer: {values: [adam, adma], probabilities: [0.5, 0.6]}
  activation:
    values:
      - relu
      - tahn
  beta1: {min: 0.99, max: 0.9}
  beta2: {min: 0.9, max: 1.0}
  momentum: {vals: [0.9]}
  hidden layers: {value: 3}
";
    let report = check(text);
    assert_eq!(
        findings(&report.violations),
        [
            "1:1 unknown key `metod`",
            "2:9 `method` cannot be `baeys`",
            "3:16 unknown metric `val_acuracy`",
            "3:35 `goal` cannot be `maximise`",
            "4:10 `run_cap` cannot be `0`",
            "7:19 `distribution` cannot be `log_uniform_value`",
            "10:29 `batch_size` cannot be `[32]`",
            "10:35 `batch_size` cannot be `0`",
            "10:38 `batch_size` cannot be `sixty`",
            "11:11 `epochs` is `10`, not a map",
            "12:30 unknown optimizer `adma`",
            "12:52 the probabilities sum to 1.1",
            "16:9 unknown activation `tahn`",
            "17:16 `min` of `beta1` is 0.99, which is not less than `max`, 0.9",
            "18:26 `beta2` cannot be `1.0`, which `uniform` may give",
            "19:14 unknown key `vals`",
            "20:3 `hidden layers` cannot be the name of a parameter",
        ]
    );
    let hints: Vec<&str> = report.violations.iter().filter_map(|finding| finding.hint.as_deref()).collect();
    for hint in ["`method`", "bayes", "`val_accuracy`", "maximize", "log_uniform_values", "`tanh`", "`value`", "swap"] {
        assert!(hints.iter().any(|given| given.contains(hint)), "{hint} in {hints:#?}");
    }
}

fn space(method: &str, parameters: &Value) -> SearchSpace {
    let draft = Draft::read(&json!({"method": method, "parameters": parameters}).to_string());
    assert!(draft.findings.violations.is_empty(), "{:?}", draft.findings.violations);
    draft.space
}

fn goldens() -> Value {
    serde_json::from_str(include_str!("../../goldens/search.json")).unwrap()
}

/// Near enough for numbers, whose last bits differ between libraries; 3.0 is 3.
fn near(a: &Value, b: &Value) -> bool {
    match a.as_f64().zip(b.as_f64()) {
        Some((a, b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-25),
        None => a == b,
    }
}

/// Made by `goldens/make.py` with W&B's own package.
#[test]
fn every_distribution_draws_what_it_draws_at_wandb() {
    let goldens = goldens();
    let mut names = std::collections::BTreeSet::new();
    for case in goldens["distributions"].as_array().unwrap() {
        let distribution = space("random", &json!({"x": case["config"]})).parameters.remove(0).distribution;
        names.insert(distribution.name());
        for (index, u) in goldens["positions"].as_array().unwrap().iter().enumerate() {
            let (value, expected) = (distribution.at(u.as_f64().unwrap()), &case["at"][index]);
            assert!(near(&value, expected), "{} at {u}: {value}, not {expected}", case["config"]);
            if let Some(expected) = case["cdf"][index].as_f64() {
                let position = distribution.cdf(&value).unwrap();
                assert!((position - expected).abs() < 1e-9, "{}: {value} is at {position}", case["config"]);
            }
            let whole = ["int_uniform", "q_uniform"].contains(&distribution.name()) && !expected.is_f64();
            assert!(!whole || value.is_i64(), "{value} is no whole number");
        }
    }
    assert_eq!(names.len(), schema::SHAPES.len());
}

#[test]
fn every_grid_has_the_order_that_it_has_at_wandb() {
    for case in goldens()["grids"].as_array().unwrap() {
        let space = space("grid", &case["parameters"]);
        let points = case["points"].as_array().unwrap();
        assert_eq!(space.points(), Some(points.len() as u64));
        for (index, expected) in points.iter().enumerate() {
            let point = space.point(index as u64).unwrap();
            assert_eq!(point.len(), expected.as_object().unwrap().len());
            assert!(
                point.iter().all(|(name, value)| near(value, &expected[name])),
                "{index}: {point:?}, not {expected}"
            );
        }
    }
}

#[test]
fn bands_are_those_of_wandb() {
    let bands = |rule: &str| {
        let metric = "metric: {name: val_loss}";
        let text = format!(
            "method: random\n{metric}\nearly_terminate: {{type: hyperband, {rule}}}\nparameters: {{lr: {{value: 1}}}}"
        );
        check(&text).bands
    };
    assert_eq!(bands("min_iter: 3"), [3, 9, 27, 81, 243, 729]);
    assert_eq!(bands("min_iter: 2, eta: 1.5"), [2, 3, 4, 6, 10, 15]);
    assert_eq!(bands("max_iter: 27, s: 2"), [3, 9]);
    assert_eq!(bands("max_iter: 81, s: 9, eta: 3, min_iter: 5"), [1, 3, 9, 27]);
    assert_eq!(bands("max_iter: 2, s: 1"), [0; 0]);
}

#[test]
fn a_file_that_runs_says_all_that_a_sweep_needs() {
    let text = "\
name: mine
project: p
method: bayes
metric: {name: Accuracy, goal: maximize, target: 0.9}
early_terminate: {type: hyperband, min_iter: 2, strict: false}
run_cap: 7
parameters: {opt: {parameters: {name: {values: [adam, sgd]}}}, LR: {min: 0.1, max: 1}}
";
    let spec = Spec::read(text).unwrap();
    assert_eq!((spec.method, spec.run_cap, spec.name.as_deref()), (Method::Bayes, Some(7), Some("mine")));
    assert_eq!((spec.project.as_deref(), spec.entity.as_deref()), (Some("p"), None));
    assert_eq!((spec.metric.name, spec.metric.goal), ("val_accuracy", crate::Goal::Maximize));
    assert!(spec.metric.reached(0.9) && !spec.metric.reached(0.89));
    let Some(Stopping::Hyperband { bands, eta, strict }) = &spec.stopping else { panic!("no hyperband") };
    assert_eq!((bands[..3].to_vec(), *eta, *strict), (vec![2, 6, 18], 3.0, false));
    let names: Vec<_> = spec.space.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(names, ["LR", "opt.name"]);
    assert_eq!(spec.space.parameters[0].distribution, Distribution::Uniform(0.1, 1.0));
    let choice = Params::from([("LR".into(), json!(0.5)), ("opt.name".into(), json!("sgd"))]);
    assert_eq!(json!(spec.settings(&choice)), json!({"learning_rate": 0.5, "optimizer": "sgd"}));
}

#[test]
fn without_a_metric_the_highest_validation_accuracy_is_best() {
    let spec = Spec::read("method: grid\nparameters: {lr: {value: 1}}").unwrap();
    assert_eq!(spec.metric, Metric { name: "val_accuracy", goal: crate::Goal::Maximize, target: None });
}

#[test]
fn what_cannot_run_is_told_line_by_line() {
    let error = |text: &str| Spec::read(text).unwrap_err().to_string();
    let unknown = error("method: grid\nparameters: {lerning_rate: {value: 1}}");
    assert!(unknown.contains("line 2, column 14") && unknown.contains("did you mean `learning_rate`?"), "{unknown}");
    let wrong = error("method: grid\nparameters: {lr: {value: high}}");
    assert!(wrong.contains("line 2, column 26: `learning_rate` cannot be `high`"), "{wrong}");
}

#[test]
fn a_first_comparison_after_the_last_epoch_is_warned_of() {
    let warnings = |epochs: u64| {
        let text = format!(
            "method: random\nmetric: {{name: val_loss}}\nearly_terminate: {{type: hyperband, min_iter: 9}}\nparameters: {{epochs: {{values: [3, {epochs}]}}}}"
        );
        findings(&check(&text).warnings)
    };
    assert_eq!(warnings(9), ["3:18 no trial ends early: the first comparison is after 9 epochs of 9"]);
    assert!(warnings(10).is_empty());
}
