//! Damaged and mistyped files of every kind: the message is in our words, and the exit code that of the kind.

use std::fs;

use crate::support::Place;

/// Words of libraries and of the language that the program is written in: none of them may reach a user.
const LIBRARY: &[&str] = &[
    "from_str",
    "Policy",
    "Options",
    "Option<",
    "serde",
    "usize",
    "u32",
    "u64",
    "i64",
    "f64",
    "variant",
    "ChunkType",
    "Format error",
    "Some(",
    "Err(",
    "Error {",
    "panicked",
    "line 0",
    "deserialize",
    "stream did not",
    "invalid type",
    "::",
];

#[track_caller]
fn told(place: &Place, line: &str, code: i32) -> String {
    let ended = place.run(line).code(code);
    for word in LIBRARY {
        assert!(!ended.stderr.contains(word), "{line}: `{word}` in {}", ended.stderr);
    }
    assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains("hint: "), "{line}: {}", ended.stderr);
    ended.stderr
}

#[test]
fn a_configuration_with_a_mistake_is_exit_2_and_the_place_is_named() {
    let deep = format!("a: {}", "[".repeat(2000));
    let cases: [(&str, &[u8], &str); 20] = [
        ("dup.yaml", b"epochs: 1\nepochs: 2\n", "`dup.yaml`, line 2, column 1: `epochs` is set twice"),
        ("dup.json", b"{\"epochs\":1,\"epochs\":2}", "line 1, column 13: `epochs` is set twice"),
        ("two.yaml", b"epochs: 1\n---\nepochs: 2\n", "line 3, column 1: a second document"),
        ("tab.yaml", b"epochs:\n\t- 1\n", "line 2, column 2: lines are indented by spaces"),
        ("anchor.yaml", b"epochs: *e\n", "line 1, column 9: `*` refers to a name"),
        ("nan.yaml", b"learning_rate: .nan\n", "`.nan` is not a finite number"),
        ("inf.json", b"{\"learning_rate\": 1e400}", "`1e400` is not a finite number"),
        ("deep.yaml", deep.as_bytes(), "too many within each other"),
        ("cut.json", b"{\"epochs\": 1", "line 1, column 1: unclosed bracket"),
        ("key.yaml", b"null: 1\n", "a key must be text"),
        ("bytes.yaml", b"epochs: \xff\n", "it is not text in UTF-8"),
        ("control.yaml", b"epochs: \x01\n", "unexpected character"),
        ("list.yaml", b"[1, 2]\n", "not a map of settings"),
        ("huge.yaml", b"epochs: 123456789012345678901234567890\n", "`epochs` cannot be"),
        ("negative.yaml", b"epochs: -1\n", "`epochs` cannot be `-1`"),
        ("half.yaml", b"epochs: 1.5\n", "`epochs` cannot be `1.5`"),
        ("text.yaml", b"epochs: many\n", "`epochs` cannot be `many`"),
        ("widths.yaml", b"hidden_size: [[1]]\n", "`hidden_size` cannot be"),
        ("unknown.yaml", b"epoches: 1\n", "unknown setting `epoches`"),
        ("colon.yaml", b"epochs: 1: 2\n", "unexpected `:`"),
    ];
    let place = Place::new();
    for (name, bytes, expected) in cases {
        fs::write(place.path(name), bytes).unwrap();
        let said = told(&place, &format!("train -d garments --config {name}"), 2);
        assert!(said.contains(expected), "{name}: {said}");
    }
    for (line, expected) in [
        ("train --set epochs", "has no `=`"),
        ("train --set epochs=x", "`epochs` cannot be `x`"),
        ("train --set learning_rate=nan", "`learning_rate` cannot be"),
        ("train -e 99999999999999999999999", "`epochs` cannot be"),
        ("train --threads 0", "`threads` cannot be `0`"),
        ("train --config no.yaml", "cannot read `no.yaml`"),
    ] {
        let ended = place.run(line).code(2);
        assert!(ended.stderr.contains(expected), "{line}: {}", ended.stderr);
        assert!(LIBRARY.iter().all(|word| !ended.stderr.contains(word)), "{line}: {}", ended.stderr);
    }
    assert!(!place.path(".handloom").exists(), "nothing was begun");
}

#[test]
fn a_damaged_model_or_image_is_exit_3_in_our_words() {
    let place = Place::new();
    place.garments_model("good.safetensors");
    place.run("data show garments --out good.png --quiet").code(0);
    let model = fs::read(place.path("good.safetensors")).unwrap();
    let length = u64::from_le_bytes(model[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(model[8..8 + length].to_vec()).unwrap();
    let with = |old: &str, new: &str| {
        assert!(header.contains(old), "{old} in {header}");
        let header = header.replacen(old, new, 1);
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &model[8 + length..]].concat()
    };
    let models = [
        (Vec::new(), "it is too short"),
        (b"abc".to_vec(), "it is too short"),
        (b"<!doctype html><html>".to_vec(), "its header is longer than the file"),
        (model[..model.len() - 5].to_vec(), "its tensors do not fill it"),
        (with("\"F32\"", "\"F99\""), "its header: "),
        (with("\"F32\"", "\"F16\""), "the shape of a tensor does not fit its bytes"),
        (with("\"shape\":[32,784]", "\"shape\":[32,-1]"), "its header: a value in column"),
        (with("\\\"version\\\":1", "\\\"version\\\":\\\"x\\\""), "its description: a value in column"),
        (with("\\\"activation\\\"", "\\\"aktivation\\\""), "its description: it has no `activation`"),
        (with("\"handloom\":\"{", "\"handloom\":\"{{"), "its description: it is damaged in column 2"),
        (with("{", "{{"), "its header: it is damaged in column 2"),
    ];
    for (bytes, expected) in models {
        fs::write(place.path("bad.safetensors"), bytes).unwrap();
        for line in [
            "evaluate bad.safetensors -d garments",
            "predict bad.safetensors good.png",
            "export bad.safetensors -f npz",
        ] {
            let said = told(&place, line, 3);
            assert!(said.contains(expected), "{line}: {expected}: {said}");
        }
    }
    let png = fs::read(place.path("good.png")).unwrap();
    let images = [
        (Vec::new(), "a file of no known image format"),
        (b"hello".to_vec(), "a file of no known image format"),
        (png[..png.len() / 2].to_vec(), "an image that ends too soon"),
        ([&png[..40], b"\0\x01\x02\x03", &png[44..]].concat(), "a PNG image that is damaged"),
        (b"\xff\xd8\xff\xe0abc".to_vec(), "a JPEG image that is damaged"),
    ];
    for (bytes, expected) in images {
        fs::write(place.path("bad.png"), bytes).unwrap();
        let ended = place.run("predict good.safetensors bad.png").code(3);
        assert!(ended.stderr.contains(expected), "{expected}: {}", ended.stderr);
        assert!(LIBRARY.iter().all(|word| !ended.stderr.contains(word)), "{}", ended.stderr);
    }
}

#[test]
fn learning_rates_in_names_and_hints_have_three_digits() {
    let place = Place::new();
    let ended = place.run("train -d garments -e 2 -nhl 1 -sz 8 -o sgd -lr 3.14159265e30 --no-test").code(4);
    assert!(ended.stderr.contains("sgd lr 3.14e30") && ended.stderr.contains("`-lr 0.1`"), "{}", ended.stderr);
    let ended = place.run("train -d garments -e 1 -nhl 1 -sz 8 -lr 0.00081234567 --no-test --json").code(0);
    let events = ended.events();
    assert!(events[0]["name"].as_str().unwrap().ends_with("_lr_0.000812"), "{}", events[0]);
    assert_eq!(events[0]["config"]["learning_rate"], 0.000_812_345_67);
}
