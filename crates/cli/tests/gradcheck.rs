//! `handloom gradcheck`, run as a user would.

use std::process::{Command, Output};

use serde_json::Value;

fn gradcheck(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_handloom")).arg("gradcheck").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_table_has_a_row_for_each_activation_and_loss_and_all_agree() {
    let output = gradcheck(&[]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    for name in ["cross_entropy", "mean_squared_error", "W4", "b4", "432 of 432 combinations agree"] {
        assert!(stdout.contains(name), "{name} is not in\n{stdout}");
    }
    for activation in ["identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus"] {
        let rows = stdout.lines().filter(|line| line.split_whitespace().next() == Some(activation)).count();
        assert_eq!(rows, 2, "{activation}:\n{stdout}");
    }
    assert!(stdout.lines().all(|line| line.chars().count() <= 90) && !stdout.contains('\x1b'), "{stdout}");
    assert!(stderr.contains("handloom train"), "{stderr}");
}

#[test]
fn all_shows_every_combination() {
    let output = gradcheck(&["--all", "--seed", "7"]);
    let stdout = text(&output.stdout);
    let rows = |init: &str| stdout.lines().filter(|line| line.starts_with(&format!("{init} "))).count();
    assert!(["random", "xavier", "he", "lecun", "orthogonal", "zeros"].iter().all(|init| rows(init) == 72), "{stdout}");
}

#[test]
fn a_gradient_beyond_the_tolerance_is_named_with_exit_5() {
    let output = gradcheck(&["--tolerance", "1e-9"]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{stderr}");
    assert!(stderr.contains("hidden layers") && stderr.contains(" x cross_entropy x "), "{stderr}");
    assert!(text(&output.stdout).contains('!'));
}

#[test]
fn json_has_a_line_for_each_combination_and_one_for_all() {
    let output = gradcheck(&["--json"]);
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (done, each) = lines.split_last().unwrap();
    assert_eq!(each.len(), 432);
    for line in each {
        assert_eq!((&line["v"], &line["event"], &line["passed"]), (&1.into(), &"combination".into(), &true.into()));
        let tensors = 2 * (line["num_layers"].as_u64().unwrap() as usize + 1);
        assert_eq!(line["errors"].as_object().unwrap().len(), tensors);
    }
    assert_eq!((&done["event"], &done["combinations"], &done["failed"]), (&"done".into(), &432.into(), &0.into()));
    assert!(done["worst"].as_f64().unwrap() < 1e-5, "{done}");
    let failed = gradcheck(&["--json", "--tolerance", "1e-9"]);
    let last: Value = serde_json::from_str(text(&failed.stdout).lines().last().unwrap()).unwrap();
    assert_eq!((failed.status.code(), &last["passed"]), (Some(5), &false.into()));
}

#[test]
fn quiet_says_nothing_where_all_is_well() {
    let output = gradcheck(&["--quiet"]);
    assert_eq!((output.status.code(), text(&output.stdout), text(&output.stderr)), (Some(0), "", ""));
}

#[test]
fn what_is_no_number_is_wrong_usage() {
    for arguments in [["--seed", "-1"], ["--seed", "x"], ["--tolerance", "0"], ["--tolerance", "nan"]] {
        let output = gradcheck(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
