//! Stores that may be read and not written.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::Place;

/// Takes the right to write everything below `path`, and leaves the right to read.
fn protect(path: &Path) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            protect(&entry.unwrap().path());
        }
    }
    let mode = if path.is_dir() { 0o555 } else { 0o444 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn restore(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(if path.is_dir() { 0o755 } else { 0o644 })).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            restore(&entry.unwrap().path());
        }
    }
}

/// Every file below `path` with its bytes.
fn contents(path: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            all.extend(contents(&entry));
        } else {
            all.push((entry.clone(), fs::read(&entry).unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn a_store_that_may_not_be_written_is_read_by_every_command_that_reads() {
    let place = Place::new();
    place.run("train -d garments -e 1 -nhl 1 -sz 8 --name A --quiet").code(0);
    let sweep = "method: grid\nmetric: {name: val_accuracy, goal: maximize}\nparameters:\n  \
                 learning_rate: {values: [0.01, 0.02]}\n  epochs: {value: 1}\n  hidden_size: {value: 8}\n  num_layers: {value: 1}\n";
    fs::write(place.path("s.yaml"), sweep).unwrap();
    place.run("sweep s.yaml -d garments --quiet").code(0);
    place.run("data show garments --out shirt.png").code(0);
    let store = place.path(".handloom");
    protect(&store);
    let out = place.path("out");
    fs::create_dir(&out).unwrap();
    for open in [&place.path(""), &out] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let before = contents(&store);
    let Some(first) = place.run_as_nobody("ls") else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: a store that may not be written, as no other user can be had");
        restore(&store);
        return;
    };
    let note = "note: `.handloom/handloom.db` is opened read-only";
    let run = |line: &str| place.run_as_nobody(line).unwrap();
    for line in [
        "show A",
        "show A --json",
        "compare A @best",
        "sweep ls",
        "sweep show",
        "sweep best",
        "predict A shirt.png",
        "report A -o out/r.html",
        "export A --format onnx -o out/a.onnx",
        "export A --format wandb -o out/wandb",
        "export --format csv -o -",
    ] {
        let ended = run(line).code(0);
        assert_eq!(ended.stderr.matches(note).count(), 1, "{line}: {}", ended.stderr);
    }
    assert_eq!(first.code(0).stderr.matches(note).count(), 1);
    run("verify out/r.html").code(0);
    // The result is there; that the test set was opened cannot be recorded.
    for line in ["evaluate A --json", "compare A @best --test"] {
        let ended = run(line).code(0);
        assert!(
            ended.stderr.contains("could not be counted") && ended.stderr.contains("handloom.db"),
            "{}",
            ended.stderr
        );
        assert!(!ended.stdout.is_empty());
    }
    for line in [
        "tag A x",
        "rm A --yes",
        "sweep stop",
        "sweep best --train",
        "train --resume A -e 4",
        "train -d garments -e 1",
        "sweep s.yaml -d garments",
    ] {
        let ended = run(line).code(1);
        assert!(ended.stderr.contains(".handloom/handloom.db` cannot be written"), "{line}: {}", ended.stderr);
    }
    assert_eq!(contents(&store), before);
    restore(&store);
}
