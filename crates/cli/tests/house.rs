//! The repository keeps its word: the README's table of parts, the example configurations, the goldens' script.

use std::fs;
use std::path::{Path, PathBuf};

use handloom_engine::activation::Activation;
use handloom_engine::config::Config;
use handloom_engine::init::Init;
use handloom_engine::loss::LossKind;
use handloom_engine::optim::Optimizer;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn names(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}

/// The table of parts, as the lists in the code have it.
fn parts() -> String {
    let optimizers = Optimizer::all().map(|part| format!("`{}` {}", part.name(), part.learning_rate()));
    let rows = [
        ("Optimizers, with their own learning rates", optimizers.collect::<Vec<_>>().join(" · ")),
        ("Activations", names(Activation::NAMES)),
        ("Losses", names(LossKind::NAMES)),
        ("Weight initializations", names(Init::NAMES)),
    ];
    let rows = rows.map(|(what, which)| format!("| {what} | {which} |\n")).concat();
    format!("| parts | names |\n|---|---|\n{rows}")
}

/// `HANDLOOM_UPDATE=1 cargo test -p handloom --test house` writes the table anew.
#[test]
fn the_readme_lists_every_part() {
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once("<!-- parts -->\n").expect("a line `<!-- parts -->`");
    let (table, after) = rest.split_once("<!-- /parts -->").expect("a line `<!-- /parts -->`");
    if std::env::var_os("HANDLOOM_UPDATE").is_some() {
        fs::write(&path, format!("{before}<!-- parts -->\n{}<!-- /parts -->{after}", parts())).unwrap();
    } else {
        assert_eq!(table, parts(), "run `HANDLOOM_UPDATE=1 cargo test -p handloom --test house`");
    }
}

#[test]
fn example_configurations_are_understood() {
    let mut count = 0;
    for entry in fs::read_dir(root().join("configs")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        // The others are sweeps, which have a schema of their own, and recipes for many machines.
        if !text.starts_with("# handloom train --config") {
            continue;
        }
        let settings: Value = serde_saphyr::from_str(&text).unwrap();
        let merged = Config::default().merge(settings.as_object().unwrap());
        assert!(merged.is_ok(), "{}: {}", path.display(), merged.unwrap_err());
        count += 1;
    }
    assert!(count >= 2);
}

#[test]
fn the_sweeps_of_studies_are_sound() {
    let mut count = 0;
    for entry in fs::read_dir(root().join("configs/studies")).unwrap() {
        let path = entry.unwrap().path();
        let report = handloom_sweep::spec::check(&fs::read_to_string(&path).unwrap());
        assert!(report.violations.is_empty() && report.warnings.is_empty(), "{}: {report:?}", path.display());
        assert!(report.unknown_parameters.is_empty(), "{}: {:?}", path.display(), report.unknown_parameters);
        count += 1;
    }
    assert_eq!(count, 8, "seven studies and the survey");
}
