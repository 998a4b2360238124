//! Names that would steer a terminal, in every place that a stranger can fill.

use std::fs;

use crate::support::{Ended, Place};

/// Clears the screen, breaks lines, turns the direction of writing, and begins a sequence without an escape.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;t\u{7}\r\n\u{9b}8m\u{85}\u{202e}\u{2066}y";

#[track_caller]
fn scan(line: &str, ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        let bad = text.chars().find(|&c| {
            c.is_control() && !matches!(c, '\n' | '\t')
                || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert!(bad.is_none(), "{line}: {bad:?} in\n{text}");
        // A name that breaks a line could pretend to be another line of output.
        assert!(!text.lines().any(|text| text.starts_with("\u{fffd}8m") || text.starts_with("8m")), "{line}:\n{text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_of_strangers_reach_no_terminal_as_they_are() {
    let place = Place::new();
    // File systems take all but `/`.
    for part in ["train", "test"] {
        for (at, class) in [HOSTILE, "plain"].iter().enumerate() {
            let folder = place.path("pets").join(part).join(class);
            fs::create_dir_all(&folder).unwrap();
            for n in 0..20_u8 {
                let pixels: Vec<u8> =
                    (0..64).map(|i| (i as u8).wrapping_mul(n + 1).wrapping_add(90 * at as u8)).collect();
                let picture = image::GrayImage::from_raw(8, 8, pixels).unwrap();
                picture.save(folder.join(format!("{n}.png"))).unwrap();
            }
        }
    }
    let train = place.run("train -d pets -e 1 -nhl 1 -sz 8 --name first").code(0);
    scan("train", &train);
    let store = handloom_store::open(place.path(".handloom")).unwrap();
    let id = store.runs().unwrap()[0].id.clone();
    // As another program, an older version or W&B may have named it.
    store
        .relabel(&id, &|labels| {
            labels.name = HOSTILE.into();
            labels.tags = vec![HOSTILE.into()];
            labels.notes = Some(HOSTILE.into());
        })
        .unwrap();
    let mut record = store.run(&id).unwrap().unwrap();
    record.group = Some(HOSTILE.into());
    record.command = vec!["handloom".into(), HOSTILE.into()];
    record.config.insert("unknown".into(), HOSTILE.into());
    store.put(&record).unwrap();
    drop(store);
    place.run("train -d pets -e 1 -nhl 1 -sz 9 --name second").code(0);
    fs::write(place.path("s.yaml"), format!("name: {HOSTILE:?}\nmethod: grid\nmetric: {{name: val_accuracy, goal: maximize}}\nparameters:\n  epochs: {{value: 1}}\n  hidden_size: {{value: 8}}\n  num_layers: {{value: 1}}\n  learning_rate: {{values: [0.1]}}\n").replace("\\u{", "\\U{")).unwrap();
    fs::copy(place.path("pets/train/plain/1.png"), place.path("\u{1b}[2J\u{202e}.png")).unwrap();
    let hostile_picture = "\u{1b}[2J\u{202e}.png";
    for line in [
        "ls",
        "ls --json",
        "ls --csv",
        "ls --columns name,tags,notes,group,dataset",
        "show RUN",
        "show RUN --all",
        "show RUN --json",
        "compare RUN second",
        "compare RUN second --json",
        "evaluate RUN",
        "evaluate RUN --json",
        "evaluate RUN --all",
        "predict RUN PICTURE",
        "predict RUN PICTURE --json",
        "data show pets",
        "data show pets --json",
        "data check pets",
        "export RUN --format csv -o -",
        "export RUN --format onnx",
        "report RUN -o r.html",
        "verify r.html",
        "tag RUN good",
        "tag RUN good --json",
        "show nothing",
        "evaluate PICTURE.safetensors",
        "train -d PICTURE/",
        "train --config PICTURE",
        "sweep PICTURE",
        "sweep ls",
        "rm RUN --yes",
        "doctor",
    ] {
        let words: Vec<&str> = line
            .split(' ')
            .map(|word| match word {
                "RUN" => id.as_str(),
                "PICTURE" => hostile_picture,
                word => word,
            })
            .collect();
        let ended = place.run_words(&words, &[]);
        if !line.contains("-o -") {
            scan(line, &ended);
        }
        if line.contains("--json") && ended.code == 0 {
            assert!(!ended.events().is_empty(), "{line}");
        }
    }
    for words in [
        ["tag", "@last", "--name", HOSTILE],
        ["tag", "@last", "--note", HOSTILE],
        ["tag", "@last", HOSTILE, "b"],
        ["train", "-dgarments", "--name", HOSTILE],
        ["train", "-dgarments", "--tag", HOSTILE],
        ["train", "-dgarments", "--notes", HOSTILE],
        ["train", "-dgarments", "--group", HOSTILE],
    ] {
        let ended = place.run_words(&words, &[]).code(2);
        assert!(ended.stderr.contains("hint:"), "{}", ended.stderr);
        scan(words[2], &ended);
    }
    let long = "x".repeat(201);
    place.run_words(&["train", "-dgarments", "--name", &long], &[]).code(2);
    place.run_words(&["tag", "@last", "--name", ""], &[]).code(2);
}
