//! Files of older builds: each folder in `tests/fixtures` is a store, a model and a report as a build of that day wrote them.
//! Every later build opens them; where they have no checksums it says so, and figures that were not recorded are null.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use handloom_engine::{Isa, NUMERICS};
use serde_json::Value;

use crate::support::Place;

/// The build of 30 November 2026, before checksums of model files and checkpoints.
const FIRST: &str = "2026-11-30";

/// A folder with a copy of the files of a build.
fn place(build: &str) -> Place {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let place = Place::new();
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(build);
    copy(&from, &place.path("."));
    fs::rename(place.path("store"), place.path(".handloom")).unwrap();
    place
}

fn event(place: &Place, line: &str) -> Value {
    place.run(&format!("{line} --json")).code(0).events().pop().unwrap()
}

/// True if this build trains the bits of the build of [`FIRST`] on this processor.
fn same_bits(record: &Value) -> bool {
    NUMERICS == 1 && record["isa"] == Isa::best().name() && cfg!(target_arch = "x86_64")
}

#[test]
fn runs_are_listed_and_shown_and_what_was_not_recorded_is_null() {
    let place = place(FIRST);
    let runs = place.run("ls --json").code(0).events();
    let mut statuses: Vec<&str> = runs.iter().map(|run| run["status"].as_str().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["diverged", "finished", "finished", "finished", "killed", "killed", "stopped"]);
    for run in &runs {
        let shown = event(&place, &format!("show {}", run["run"].as_str().unwrap()));
        for missing in ["model_sha256", "numerics", "arch", "parent"] {
            assert!(shown[missing].is_null(), "{missing}");
        }
        place.run(&format!("show {}", run["run"].as_str().unwrap())).code(0);
    }
    let finished = event(&place, "show finished");
    assert_eq!((finished["epochs"].as_array().unwrap().len(), &finished["notes"]), (12, &"uninterrupted".into()));
    place.run("export --format csv --out runs.csv").code(0);
    place.run("compare finished stopped").code(0);
}

#[test]
fn models_are_opened_with_one_note() {
    let place = place(FIRST);
    let note = "has a recorded checksum of its weights but not of its model file";
    for line in [
        "evaluate finished",
        "export finished --format onnx",
        "export finished --format wandb",
        "compare finished stopped",
    ] {
        let ended = place.run(line).code(0);
        assert_eq!(ended.stderr.matches("not checked").count(), 1, "{line}: {}", ended.stderr);
    }
    let recorded = event(&place, "show finished");
    let ended = place.run("evaluate finished --json").code(0);
    assert!(ended.stderr.contains(note), "{}", ended.stderr);
    assert_eq!(ended.events()[0]["test_accuracy"], recorded["test_accuracy"]);
    assert_eq!(event(&place, "evaluate model.safetensors")["test_accuracy"], recorded["test_accuracy"]);
    place.run("evaluate killed").code(3);
    // Recorded checksums are verified.
    let path = |name: &str| {
        place
            .path(".handloom/runs")
            .join(event(&place, &format!("show {name}"))["run"].as_str().unwrap())
            .join("model.safetensors")
    };
    fs::copy(path("stopped"), path("finished")).unwrap();
    assert!(place.run("evaluate finished").code(3).stderr.contains("SHA-256 of its weights"));
}

#[test]
fn interrupted_runs_go_on_to_the_end() {
    let place = place(FIRST);
    let whole = event(&place, "show finished");
    for name in ["stopped", "killed"] {
        let ended = place.run(&format!("train --resume {name} --json")).code(0);
        let done = ended.events().pop().unwrap();
        assert_eq!((&done["status"], &done["epochs"]), (&"finished".into(), &12.into()));
        if same_bits(&whole) {
            assert!(ended.stderr.contains("is of an older format, without checksum"), "{}", ended.stderr);
            for key in ["weights_sha256", "val_accuracy", "test_accuracy", "best_epoch"] {
                assert_eq!(done[key], whole[key], "{name} {key}");
            }
        }
        // Nobody knows whether one arithmetic trained it all.
        assert!(event(&place, &format!("show {name}"))["numerics"].is_null());
    }
    let more = place.run("train --resume finished -e 13 --json").code(0).events().pop().unwrap();
    assert_eq!((&more["epochs"], more["model_sha256"].is_string()), (&13.into(), true));
    place.run("train --resume diverged").code(2);
}

#[test]
fn sweeps_are_shown_and_resumed() {
    let place = place(FIRST);
    let shown = event(&place, "sweep show @last");
    assert_eq!(shown["trials"].as_array().unwrap().len(), 2);
    place.run("sweep resume @last --no-progress").code(0);
    let shown = event(&place, "sweep show @last");
    let trials = shown["trials"].as_array().unwrap();
    assert!(trials.len() == 4 && trials.iter().all(|trial| trial["status"] == "finished"), "{shown}");
    place.run("sweep best @last").code(0);
    place.run("sweep sweep.yaml --dry-run").code(0);
}

#[test]
fn reports_are_written_and_read() {
    let place = place(FIRST);
    place.run("report finished -o new.html").code(0);
    let mut packed = flate2::read::GzDecoder::new(fs::File::open(place.path("report.html.gz")).unwrap());
    let mut html = String::new();
    packed.read_to_string(&mut html).unwrap();
    let plotly = plotly::Plot::offline_js_sources();
    let plotly = plotly.split_once('>').and_then(|(_, rest)| rest.split_once("</script>")).unwrap().0;
    fs::write(place.path("report.html"), html.replacen("PLOTLY", plotly, 1)).unwrap();
    // The report has no version of the arithmetic, so that its bits cannot be promised.
    let ended = place.run("verify report.html --data-dir .").code(5);
    assert!(ended.stdout.contains("could not be checked bit for bit"), "{}", ended.stdout);
    place.run("verify report.html --data-dir . --allow-accuracy").code(0);
}
