use serde_json::json;

use super::*;

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
            "2:9 `method` cannot be the text `baeys`",
            "3:16 unknown metric the text `val_acuracy`",
            "3:35 `goal` cannot be the text `maximise`",
            "4:10 `run_cap` cannot be `0`",
            "7:19 `distribution` cannot be the text `log_uniform_value`",
            "10:29 `batch_size` cannot be `[32]`",
            "10:35 `batch_size` cannot be `0`",
            "10:38 `batch_size` cannot be `sixty`",
            "11:11 `epochs` is `10`, not a map",
            "12:30 `optimizer` cannot be `adma`",
            "12:52 the probabilities sum to 1.1",
            "16:9 `activation` cannot be `tahn`",
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
