//! `evaluate`.

use crate::support::{Place, constant_model};

#[test]
fn figures_agree_with_each_other() {
    let place = Place::new();
    let model = place.garments_model("m.safetensors");
    let ended = place.run("evaluate ./m.safetensors --json").code(0);
    let events = ended.events();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(
        (&event["event"], &event["dataset"], &event["images"]),
        (&"evaluate".into(), &"garments".into(), &2000.into())
    );
    let accuracy = event["test_accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.5, "{accuracy}");
    let bound = |i: usize| event["interval"][i].as_f64().unwrap();
    assert!(bound(0) < accuracy && accuracy < bound(1));
    let counts: Vec<Vec<u64>> = serde_json::from_value(event["confusion"].clone()).unwrap();
    let right: u64 = (0..10).map(|class| counts[class][class]).sum();
    assert_eq!((right as f64 / 2000.0, counts.iter().flatten().sum::<u64>()), (accuracy, 2000));
    let wrong: u64 = event["pairs"].as_array().unwrap().iter().map(|pair| pair["count"].as_u64().unwrap()).sum();
    assert_eq!(wrong, 2000 - right);
    let recall = event["classes"][0]["recall"].as_f64().unwrap();
    assert_eq!(recall, counts[0][0] as f64 / counts[0].iter().sum::<u64>() as f64);

    // The loss and the accuracy are those that training would have computed.
    let test = handloom_data::locate("garments", &[]).unwrap().test().unwrap();
    let rows: Vec<u32> = (0..2000).collect();
    let loss = handloom_engine::loss::LossKind::named("cross_entropy").unwrap();
    let tally = model.network.evaluate(&test, &rows, &loss, &handloom_engine::Machine::new(1));
    assert_eq!((event["test_loss"].as_f64(), accuracy), (Some(tally.mean_loss()), tally.accuracy()));
    for (threads, openings) in [("1", 2), ("2", 3)] {
        let mut again =
            place.run(&format!("evaluate --model-path ./m.safetensors --json --threads {threads}")).events();
        // Every look at the test set is counted; nothing else changes.
        assert_eq!(again[0]["openings"], openings);
        again[0]["openings"] = 1.into();
        assert_eq!(again, events);
    }
}

#[test]
fn people_get_a_table_a_picture_and_the_next_command() {
    let place = Place::new();
    let model = place.garments_model("m.safetensors");
    place.add_run("abcd1234", "hl_1_sz_32", "garments", None, Some(&model));
    let ended = place.run("evaluate --plot c.png").code(0);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[0].starts_with("test ") && lines[0].ends_with("2,000 images"), "{}", ended.stdout);
    assert_eq!(lines[1], "               precision  recall   F1    n   most often taken for");
    assert_eq!(lines[13], "This test set was opened once in .handloom/handloom.db.");
    assert!(lines.len() == 14 && lines.iter().all(|line| line.chars().count() <= 100), "{}", ended.stdout);
    let note = "note: run `abcd1234` has no recorded checksum of its model, which is not checked";
    assert_eq!(ended.stderr, format!("{note}\nconfusion matrix: c.png\n  next:  handloom predict abcd1234 IMAGE...\n"));
    assert!(std::fs::read(place.path("c.png")).unwrap().starts_with(b"\x89PNG"));
    let quiet = place.run("evaluate @last --plot c.svg --quiet").code(0);
    assert_eq!((quiet.stdout, quiet.stderr), (lines[..13].join("\n") + "\n", String::new()));
    assert!(std::fs::read(place.path("c.svg")).unwrap().starts_with(b"<svg"));
    place.run("evaluate @last --plot c.gif").code(2);
}

#[test]
fn a_demanded_accuracy_is_checked() {
    let place = Place::new();
    place.garments_model("m.safetensors");
    place.run("evaluate ./m.safetensors --min-accuracy 0.1").code(0);
    let ended = place.run("evaluate ./m.safetensors --min-accuracy 0.999 --json").code(5);
    assert!(ended.stderr.contains("below 0.999 (`--min-accuracy`)"), "{}", ended.stderr);
    assert_eq!(ended.events().len(), 1);
    place.run("evaluate ./m.safetensors --min-accuracy 87").code(2);
}

#[test]
fn models_that_cannot_be_used_are_told_apart() {
    let place = Place::new();
    assert!(place.run("evaluate ./none.safetensors").code(3).stderr.contains("cannot read `./none.safetensors`"));
    std::fs::write(place.path("bad.safetensors"), "not a model").unwrap();
    assert!(place.run("evaluate bad.safetensors").code(3).stderr.contains("is not a model file"));
    assert!(place.run("evaluate").code(2).stderr.contains("no run `@last`"));
    place.add_run("aaaa1111", "hl_1_op_adam", "garments", None, None);
    place.add_run("bbbb2222", "hl_1_op_sgd", "garments", None, None);
    assert!(place.run("evaluate none").code(2).stderr.contains("no run `none`"));
    let ended = place.run("evaluate hl_1").code(2);
    assert!(ended.stderr.contains("aaaa1111") && ended.stderr.contains("bbbb2222"), "{}", ended.stderr);
    assert!(place.run("evaluate adam").code(3).stderr.contains("has lost its model"));
    constant_model(&[784, 10], &[28, 28], "garments", f32::NAN).save(&place.path("nan.safetensors")).unwrap();
    assert!(place.run("evaluate nan.safetensors").code(3).stderr.contains("not finite"));
}

#[test]
fn a_data_set_that_does_not_fit_is_refused_with_both_numbers() {
    let place = Place::new();
    constant_model(&[9, 10], &[3, 3], "garments", 0.1).save(&place.path("small.safetensors")).unwrap();
    let ended = place.run("evaluate small.safetensors").code(3);
    assert!(ended.stderr.contains("takes 9 inputs, but `garments` has 784"), "{}", ended.stderr);
    place.run("evaluate small.safetensors -d garments").code(2);
    constant_model(&[784, 3], &[28, 28], "garments", 0.1).save(&place.path("three.safetensors")).unwrap();
    let ended = place.run("evaluate three.safetensors -d garments").code(2);
    assert!(ended.stderr.contains("knows 3 classes, but `garments` has 10"), "{}", ended.stderr);
    // Other names for as many classes are only worth a warning.
    constant_model(&[784, 10], &[28, 28], "garments", 0.1).save(&place.path("ten.safetensors")).unwrap();
    assert!(place.run("evaluate ten.safetensors").code(0).stderr.contains("the classes differ"));
}

#[test]
fn a_data_set_that_cannot_be_had_is_named_with_its_files() {
    let place = Place::new();
    constant_model(&[784, 10], &[28, 28], "fashion_mnist", 0.1).save(&place.path("m.safetensors")).unwrap();
    for line in ["evaluate m.safetensors", "evaluate m.safetensors -d Fashion-MNIST", "data get fashion_mnist"] {
        let ended = place.run(line).code(3);
        for part in ["t10k-images-idx3-ubyte.gz", "https://", "sha256 346e55b9", "--data-dir DIR"] {
            assert!(ended.stderr.contains(part), "{line}: {}", ended.stderr);
        }
    }
    assert!(place.run("evaluate m.safetensors -d nothing").code(2).stderr.contains("no data set and no folder"));
}

#[test]
fn a_run_finds_its_folder_of_images_and_only_the_test_part_is_read() {
    let place = Place::new();
    for (file, light) in [("train/a/1.png", 10), ("train/b/1.png", 200), ("test/a/1.png", 20), ("test/b/1.png", 190)] {
        let path = place.path("pets").join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::GrayImage::from_pixel(4, 4, image::Luma([light])).save(path).unwrap();
    }
    let mut model = constant_model(&[16, 2], &[4, 4], "pets", 0.0);
    model.classes = vec!["a".into(), "b".into()];
    place.add_run("pets0001", "pets", "pets", Some(&place.path("pets")), Some(&model));
    let event = &place.run("evaluate pets0001 --json").code(0).events()[0];
    // Equal probabilities: the first class always.
    assert_eq!((&event["test_accuracy"], &event["classes"][1]["precision"]), (&0.5.into(), &serde_json::Value::Null));
    assert_eq!(event["classes"][1]["f1"], 0.0);
    std::fs::write(place.path("pets/train/b/1.png"), "broken").unwrap();
    place.run("evaluate pets0001").code(0);
    std::fs::write(place.path("pets/test/b/1.png"), "broken").unwrap();
    assert!(place.run("evaluate pets0001").code(3).stderr.contains("HOME/pets/test/b/1.png"));
}
