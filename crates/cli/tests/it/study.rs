//! `study`: pages from runs, which are trained once.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::{Ended, Place};

/// Four IDX files of stripes: images of 8 x 8 pixels in four classes, told apart by where they are bright, with `noise`.
pub(crate) fn stripes(folder: &Path, noise: u64) {
    const SIDE: usize = 8;
    fs::create_dir_all(folder).unwrap();
    for (part, count) in [("train", 240_u32), ("t10k", 80)] {
        let mut random = noise * 7919 + u64::from(count);
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 56) as u8
        };
        let mut images = [&[0, 0, 8, 3][..], &count.to_be_bytes(), &8_u32.to_be_bytes(), &8_u32.to_be_bytes()].concat();
        let mut labels = [&[0, 0, 8, 1][..], &count.to_be_bytes()].concat();
        for image in 0..count as usize {
            let class = image % 4;
            labels.push(class as u8);
            for at in 0..SIDE * SIDE {
                let bright = (at / SIDE) / 2 == class;
                images.push(if bright { 255 - next() / 2 } else { next() / 2 });
            }
        }
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

fn trained(ended: &Ended) -> usize {
    ended.stdout.matches(r#""event":"trial""#).count()
}

#[test]
fn a_study_makes_a_page_and_trains_nothing_twice() {
    let place = Place::new();
    stripes(&place.path("a"), 1);
    let line = "study optimizers -d ./a --seeds 2 --out page --json --workers 2";
    let first = place.run(line).code(0);
    let events = first.events();
    let told = events.last().unwrap();
    assert_eq!((&told["event"], &told["study"]), (&json!("study"), &json!("optimizers")));
    assert_eq!(told["conclusions"].as_array().unwrap().len(), 3);
    let markdown = fs::read_to_string(place.path("page/README.md")).unwrap();
    assert!(markdown.starts_with("# Optimizers\n") && markdown.contains("12 runs on ./a, 2 seeds"), "{markdown}");
    assert!(markdown.contains("handloom study optimizers -d ./a --seeds 2"), "{markdown}");
    let html = fs::read_to_string(place.path("page/index.html")).unwrap();
    assert!(html.contains("<svg") && !html.contains("<script") && !html.contains("src="));
    assert!(place.path("page/pictures/optimizers.svg").exists());
    let csv = fs::read_to_string(place.path("page/runs.csv")).unwrap();
    assert_eq!(csv.lines().count(), 13);
    assert!(trained(&first) >= 12, "{}", first.stdout);

    let again = place.run(line).code(0);
    assert_eq!(trained(&again), 0, "{}", again.stdout);
    assert_eq!(fs::read_to_string(place.path("page/README.md")).unwrap(), markdown);
    // Other images in the same place are another study.
    stripes(&place.path("a"), 3);
    let other = place.run(line).code(0);
    assert!(trained(&other) >= 12, "{}", other.stdout);
    // And so are other seeds.
    let more = place.run("study optimizers -d ./a --seeds 1 --out other --json").code(0);
    assert!(trained(&more) >= 6);
}

#[test]
fn every_study_says_what_its_figures_say() {
    let place = Place::new();
    stripes(&place.path("a"), 1);
    stripes(&place.path("b"), 2);
    for name in ["vanishing", "dead", "loss", "init", "overfit"] {
        let ended = place.run(&format!("study {name} -d ./a --seeds 2 --json")).code(0);
        let told = ended.events().pop().unwrap();
        assert_eq!(told["study"], json!(name));
        assert!(!told["conclusions"].as_array().unwrap().is_empty(), "{told}");
        assert!(place.path(&format!("study-{name}/README.md")).exists());
    }
    let ended = place.run("study transfer -d ./a --to ./b --seeds 2 --json").code(0);
    let told = ended.events().pop().unwrap();
    assert_eq!(told["conclusions"].as_array().unwrap().len(), 2, "{told}");
    let markdown = fs::read_to_string(place.path("study-transfer/README.md")).unwrap();
    assert!(markdown.contains("# Settings of ./a on ./b") && markdown.contains("48 runs on ./a and ./b"), "{markdown}");
}

#[test]
fn the_assignment_answers_every_question() {
    let place = Place::new();
    stripes(&place.path("a"), 1);
    stripes(&place.path("b"), 2);
    let line = "study assignment -d ./a --to ./b --minutes 0.05 --seeds 3 --json";
    let ended = place.run(line).code(0);
    let told = ended.events().pop().unwrap();
    assert_eq!((&told["study"], told["sweeps"].as_array().unwrap().len()), (&json!("assignment"), 5));
    let markdown = fs::read_to_string(place.path("study-assignment/README.md")).unwrap();
    for question in [
        "Question 1:",
        "Questions 2 and 3:",
        "Question 4:",
        "Question 5:",
        "Question 6:",
        "Question 7:",
        "Question 8:",
        "Question 10:",
    ] {
        assert!(markdown.contains(&format!("## {question}")), "{question} in {markdown}");
    }
    for said in ["432 of 432 networks agree", "test accuracy", "95 %", "chosen for"] {
        assert!(markdown.contains(said), "{said} in {markdown}");
    }
    for name in [
        "samples",
        "created",
        "parallel",
        "matters",
        "correlation",
        "confusion",
        "mistakes",
        "loss-accuracy",
        "loss-own",
    ] {
        assert!(place.path(&format!("study-assignment/pictures/{name}.svg")).exists(), "{name}");
    }
    // The second time the searches go on where their minutes ended and may find a better network, which is trained. No
    // configuration is trained twice.
    let trained = |events: Vec<serde_json::Value>| -> Vec<serde_json::Value> {
        let starts = events.into_iter().filter(|event| event["event"] == "start" && event["run"].is_string());
        starts.map(|event| event["config"].clone()).collect()
    };
    let before = trained(ended.events());
    let again = trained(place.run(line).code(0).events());
    assert!(!before.is_empty() && again.iter().all(|config| !before.contains(config)), "{before:?}\n{again:?}");
}

#[test]
fn what_cannot_be_studied_is_told_before_anything_is_trained() {
    let place = Place::new();
    stripes(&place.path("a"), 1);
    fs::write(place.path("file"), "").unwrap();
    for (line, said) in [
        ("study nothing", "possible values: assignment, optimizers"),
        ("study optimizers -d ./a --to mnist", "`--to` is for `assignment` and `transfer`"),
        ("study optimizers -d ./a --out file", "which is not a folder"),
        ("study optimizers -d ./a --seeds 0", "`--seeds` cannot be `0`"),
        ("study transfer -d ./a --to ./a", "cannot be carried over to itself"),
        ("study optimizers -d nothing", "nothing"),
    ] {
        let ended = place.run(line).code(2);
        assert!(ended.stderr.contains(said), "{line}: {}", ended.stderr);
        assert!(!place.path(".handloom/handloom.db").exists(), "{line}");
    }
    let missing = place.run("study transfer -d ./a --to mnist --json").code(3);
    assert!(missing.stderr.contains("mnist"), "{}", missing.stderr);
}
