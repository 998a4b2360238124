//! The models that runs kept are theirs, whoever opens them.

use std::fs;

use serde_json::Value;

use crate::support::Place;

const SMALL: &str = "train -d garments -e 1 -nhl 1 -sz 8 --threads 1 --no-test --quiet --json";

fn trained(place: &Place, flags: &str) -> Value {
    place.run(&format!("{SMALL} {flags}")).code(0).events().pop().unwrap()
}

#[test]
fn a_model_in_the_place_of_a_runs_own_is_exit_3_with_both_checksums_for_every_command() {
    let place = Place::new();
    let (mine, other) = (trained(&place, "--name mine"), trained(&place, "--name other --seed 2"));
    let path = |done: &Value| place.path(done["model"].as_str().unwrap());
    let kept = fs::read(path(&mine)).unwrap();
    assert_eq!(mine["model_sha256"], handloom_engine::model::sha256(&kept));
    let shown = place.run("show mine --json").code(0).events().pop().unwrap();
    assert_eq!(shown["model_sha256"], mine["model_sha256"]);
    let text = place.run("show mine").code(0).stdout;
    assert!(text.contains(mine["model_sha256"].as_str().unwrap()), "{text}");
    // A word of the header may be changed as well as a weight.
    let renamed = {
        let at = kept.windows(7).position(|window| window == b"Sneaker").unwrap();
        [&kept[..at], b"Sn3aker", &kept[at + 7..]].concat()
    };
    place.garments_model("theirs.safetensors");
    fs::write(place.path("photo.png"), photo()).unwrap();
    for wrong in [fs::read(path(&other)).unwrap(), renamed, fs::read(place.path("theirs.safetensors")).unwrap()] {
        fs::write(path(&mine), &wrong).unwrap();
        let found = handloom_engine::model::sha256(&wrong);
        let inside = mine["model"].as_str().unwrap();
        for line in [
            "evaluate mine",
            "predict mine photo.png",
            "export mine --format onnx --out a.onnx",
            "export mine --format safetensors --out b.safetensors",
            "export mine --format wandb",
            "compare mine other",
            "report mine -o r.html",
            &format!("evaluate {inside}"),
            &format!("evaluate --model-path {inside}"),
            &format!("train -d garments -nhl 1 -sz 8 -e 1 --init-from {inside}"),
        ] {
            let ended = place.run(line).code(3);
            for text in [found.as_str(), mine["model_sha256"].as_str().unwrap(), "model.safetensors", "hint:"] {
                assert!(ended.stderr.contains(text), "{line}: {text}: {}", ended.stderr);
            }
        }
    }
    for file in ["a.onnx", "b.safetensors", "r.html"] {
        assert!(!place.path(file).exists(), "{file}");
    }
    fs::write(path(&mine), &kept).unwrap();
    assert!(!place.run("evaluate mine").code(0).stderr.contains("checksum"));
}

fn photo() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::GrayImage::from_fn(28, 28, |x, _| image::Luma([x as u8 * 9]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}
