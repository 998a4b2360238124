//! `predict`.

use image::{GrayImage, Luma};

use crate::support::{Place, constant_model};

/// A garment as a picture of its own, and the same dark on white, three times as large, with a margin.
fn pictures(place: &Place) -> String {
    let test = handloom_data::locate("garments", &[]).unwrap().test().unwrap();
    let bag = (0..test.len()).find(|&i| test.classes[usize::from(test.labels[i])] == "Bag").unwrap();
    let small = GrayImage::from_raw(28, 28, test.image(bag).to_vec()).unwrap();
    small.save(place.path("small.png")).unwrap();
    let large = GrayImage::from_fn(100, 120, |x, y| {
        let (x, y) = (x.wrapping_sub(8) / 3, y.wrapping_sub(20) / 3);
        Luma([if x < 28 && y < 28 { 255 - small.get_pixel(x, y).0[0] } else { 255 }])
    });
    large.save(place.path("large.jpg")).unwrap();
    "small.png large.jpg".into()
}

#[test]
fn pictures_of_any_size_are_converted_and_the_conversion_is_told() {
    let place = Place::new();
    place.garments_model("m.safetensors");
    let files = pictures(&place);
    let ended = place.run(&format!("predict m.safetensors {files} --json")).code(0);
    let events = ended.events();
    assert_eq!(events.len(), 2);
    assert_eq!(
        (&events[0]["converted"], &events[1]["converted"]),
        (&"unchanged".into(), &"inverted, fitted to 28×28".into())
    );
    for event in &events {
        assert_eq!((&event["event"], &event["class"]), (&"predict".into(), &"Bag".into()), "{event}");
        assert_eq!(event["top"].as_array().unwrap().len(), 3);
        assert_eq!(event["top"][0]["probability"], event["probability"]);
    }
    let ended = place.run(&format!("predict m.safetensors {files} --top 1")).code(0);
    let lines: Vec<Vec<&str>> = ended.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!([lines[0][0], lines[0][1], lines[0][3]], ["small.png", "Bag", "unchanged"]);
    assert_eq!(ended.stderr, "  next:  handloom evaluate m.safetensors\n");
    let all = place.run("predict m.safetensors small.png --top 99 --json").code(0).events();
    assert_eq!(all[0]["top"].as_array().unwrap().len(), 10);
    place.run("predict m.safetensors small.png --top 0").code(2);
}

#[test]
fn unreadable_pictures_are_reported_and_the_rest_predicted() {
    let place = Place::new();
    place.garments_model("m.safetensors");
    pictures(&place);
    std::fs::write(place.path("bad.png"), b"\x89PNG\r\n\x1a\nnonsense").unwrap();
    std::fs::create_dir(place.path("folder.png")).unwrap();
    let line = "predict m.safetensors bad.png missing.png folder.png small.png";
    let ended = place.run(line).code(3);
    assert!(ended.stdout.starts_with("small.png ") && ended.stdout.lines().count() == 1, "{}", ended.stdout);
    for part in ["`bad.png` is damaged", "cannot read `missing.png`", "cannot read `folder.png`", "3 of 4 pictures"] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    let events = place.run(&format!("{line} --json")).code(3).events();
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["error", "error", "error", "predict"]);
    assert_eq!(events[0]["file"], "bad.png");
}

#[test]
fn a_model_that_is_none_is_told_apart() {
    let place = Place::new();
    pictures(&place);
    place.run("predict none.safetensors small.png").code(3);
    place.run("predict none small.png").code(2);
    place.run("predict none.safetensors").code(2);
    assert!(place.run("predict small.png large.jpg").code(2).stderr.contains("name the model first"));
    constant_model(&[6, 3], &[6], "garments", 0.1).save(&place.path("flat.safetensors")).unwrap();
    assert!(place.run("predict flat.safetensors small.png").code(2).stderr.contains("no picture has"));
}
