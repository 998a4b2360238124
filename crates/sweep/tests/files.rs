//! Sweep files as people write them, and what is said of each: `files/NAME.txt` is what `sweep check` prints.
//!
//! `HANDLOOM_UPDATE=1 cargo test -p handloom-sweep --test files` writes the texts anew.

use std::fs;
use std::path::{Path, PathBuf};

use handloom_engine::config::Config;
use handloom_sweep::Spec;
use handloom_sweep::spec::check;
use proptest::prelude::*;

fn files() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_none_or(|ending| ending != "txt")).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn every_file_is_told_as_it_was() {
    for (path, text) in files() {
        let name = path.file_name().unwrap().to_string_lossy();
        let said = check(&text).rendered(&name, &text);
        let expected = path.with_extension("txt");
        if std::env::var_os("HANDLOOM_UPDATE").is_some() {
            fs::write(&expected, &said).unwrap();
        }
        assert_eq!(fs::read_to_string(&expected).unwrap(), said, "{name}");
    }
}

#[test]
fn the_files_that_run_are_those_that_should() {
    let runs: Vec<String> = files()
        .into_iter()
        .filter(|(_, text)| check(text).runs())
        .map(|(path, _)| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(runs, ["exponents", "nested", "notebook", "object", "random", "stopping", "traps"]);
}

#[test]
fn what_runs_gives_configurations_that_can_be_trained() {
    for (path, text) in files() {
        let Ok(spec) = Spec::read(&text) else { continue };
        for step in 0..=20 {
            let u = f64::from(step) / 20.0;
            let choice = spec.space.parameters.iter().map(|one| (one.name.clone(), one.distribution.at(u))).collect();
            let settings = spec.settings(&choice);
            assert_eq!(settings.len(), choice.len(), "{}", path.display());
            Config::default().merge(&settings).unwrap();
        }
    }
}

/// The whole check of a text; `read` and `check` agree.
fn survives(text: &str) {
    let report = check(text);
    let _ = report.rendered("file", text);
    assert_eq!(report.runs(), Spec::read(text).is_ok());
    serde_json::to_string(&report).unwrap();
    let lines = text.lines().count() as u64;
    for finding in report.violations.iter().chain(&report.warnings).chain(&report.notes) {
        assert!((1..=lines.max(1) + 1).contains(&finding.line), "{finding:?}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in "\\PC{0,200}") {
        survives(&text);
    }

    #[test]
    fn no_file_that_is_cut_and_mixed_breaks_it(first in 0..20_usize, second in 0..20_usize, from in 0..900_usize, to in 0..900_usize) {
        let files = files();
        let part = |index: usize, cut: usize| {
            let text = &files[index % files.len()].1;
            let lines: Vec<&str> = text.split_inclusive(['\n', ' ']).collect();
            let cut = cut % (lines.len() + 1);
            (lines[..cut].concat(), lines[cut..].concat())
        };
        survives(&(part(first, from).0 + &part(second, to).1));
        survives(&(part(first, from).1));
    }
}

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs").join(name)).unwrap()
}

#[test]
fn the_assignment_s_grid_has_its_11_664_points_in_wandb_s_order() {
    let report = check(&shipped("assignment-grid.yaml"));
    assert!(report.runs() && report.warnings.is_empty() && report.notes.is_empty(), "{report:?}");
    assert_eq!((report.grid_points, report.first_points.len()), (Some(11_664), 10));
    let shown: Vec<String> = report.first_points.iter().map(|point| serde_json::to_string(point).unwrap()).collect();
    let rest = r#""batch_size":16,"dataset":"fashion_mnist","epochs":5,"hidden_layers":3,"hidden_size":32"#;
    for (index, (optimizer, decay, init)) in [
        ("sgd", "0", "random"),
        ("sgd", "0", "Xavier"),
        ("sgd", "0.0005", "random"),
        ("sgd", "0.0005", "Xavier"),
        ("sgd", "0.5", "random"),
        ("sgd", "0.5", "Xavier"),
        ("momentum", "0", "random"),
    ]
    .into_iter()
    .enumerate()
    {
        let expected = format!(
            r#"{{"activation":"sigmoid",{rest},"learning_rate":0.001,"optimizer":"{optimizer}","weight_decay":{decay},"weight_init":"{init}"}}"#
        );
        assert_eq!(shown[index], expected);
    }
}

#[test]
fn every_shipped_sweep_file_runs_and_names_the_schema_of_editors() {
    for name in ["assignment-grid.yaml", "assignment-bayes.yaml", "wandb-sweep.yaml"] {
        let text = shipped(name);
        let report = check(&text);
        assert!(report.runs() && report.warnings.is_empty(), "{}", report.rendered(name, &text));
        assert!(text.starts_with("# yaml-language-server: $schema=sweep.schema.json\n"), "{name}");
    }
    let bands = check(&shipped("assignment-bayes.yaml")).bands;
    assert_eq!(bands[..2], [2, 6]);
}

#[test]
fn the_schema_of_editors_is_up_to_date() {
    let written: serde_json::Value = serde_json::from_str(&shipped("sweep.schema.json")).unwrap();
    assert!(written == handloom_sweep::spec::json_schema(), "`just schema` writes it anew");
}
