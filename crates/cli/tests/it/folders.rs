//! Image folders and other data of one's own: what is read, what is said, and where it is found again.

use std::fs;
use std::path::Path;

use image::{DynamicImage, GrayImage, Luma, Rgba, RgbaImage};

use crate::support::{Ended, Place};

const TRAIN: &str = "-e 1 -b 8 -nhl 1 -sz 8 --no-progress";

/// A bar across or upright, somewhere in 8x8 pixels.
fn bar(upright: bool, i: u32, light: u8) -> GrayImage {
    let at = 1 + i % 6;
    GrayImage::from_fn(8, 8, |x, y| Luma([if (if upright { x } else { y }) == at { light } else { 0 }]))
}

/// Black ink on nothing: the picture is in its transparency.
fn ink(image: &GrayImage) -> RgbaImage {
    RgbaImage::from_fn(8, 8, |x, y| Rgba([0, 0, 0, image.get_pixel(x, y).0[0]]))
}

fn save(place: &Place, name: &str, image: impl Into<DynamicImage>) {
    let path = place.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.into().save(path).unwrap();
}

/// Two classes of 12 training and 4 test images each.
fn bars(place: &Place, folder: &str, draw: impl Fn(bool, u32) -> DynamicImage) {
    for (part, images) in [("train", 12), ("test", 4)] {
        for (class, upright) in [("lying", false), ("upright", true)] {
            for i in 0..images {
                save(place, &format!("{folder}/{part}/{class}/{i}.png"), draw(upright, i));
            }
        }
    }
}

fn gray(place: &Place, folder: &str) {
    bars(place, folder, |upright, i| bar(upright, i, 255).into());
}

fn trained(place: &Place, words: &str) -> Ended {
    place.run(&format!("train {TRAIN} {words}")).code(0)
}

#[track_caller]
fn says(ended: &Ended, words: &str) {
    assert!(ended.stderr.contains(words), "{words}\nis not in\n{}", ended.stderr);
}

#[test]
fn transparent_images_are_the_same_for_training_evaluate_and_predict() {
    let place = Place::new();
    bars(&place, "alpha", |upright, i| ink(&bar(upright, i, 255)).into());
    let ended = trained(&place, "-d alpha -e 80 -lr 0.005 --weights last --name alpha");
    let told = "24 images of train are transparent and were drawn on a background: 24 on white";
    says(&ended, &format!("note: {told}"));
    assert!(place.run("show alpha --all").code(0).stdout.contains(told));
    let event = &place.run("evaluate alpha --json").code(0).events()[0];
    assert!(event["test_accuracy"].as_f64().unwrap() > 0.9, "{event}");
    let mut right = 0;
    for class in ["lying", "upright"] {
        for i in 0..4 {
            let seen = place.run(&format!("predict alpha alpha/test/{class}/{i}.png --json")).code(0).events();
            assert_eq!(seen[0]["converted"], "put on white");
            right += usize::from(seen[0]["class"] == class);
        }
    }
    assert_eq!(right as f64 / 8.0, event["test_accuracy"].as_f64().unwrap());
    // As it was read before: nothing but black, and nothing said.
    let old = trained(&place, "-d alpha --data-rules 1 --name old");
    assert!(!old.stderr.contains("transparent") && old.stderr.contains("every pixel is 0"), "{}", old.stderr);
    let record = &place.run("show old --json").code(0).events()[0];
    assert_eq!(record["config"]["data_rules"], 1);
}

#[test]
fn what_is_left_out_or_looks_wrong_is_said_by_every_command() {
    let place = Place::new();
    bars(&place, "d", |upright, i| bar(upright, i, 1).into());
    fs::write(place.path("d/train/lying/2.heic"), "").unwrap();
    fs::write(place.path("d/train/lying/Thumbs.db"), "").unwrap();
    let color = image::RgbImage::from_fn(8, 8, |x, y| image::Rgb([bar(false, 3, 1).get_pixel(x, y).0[0], 1, 1]));
    save(&place, "d/train/lying/more/13.webp", color);
    let told = [
        "note: 1 file of train/lying is no image that can be read and was left out: 2.heic\n",
        "note: 1 image of train has colors and was turned to gray\n",
        "warning: the lightest pixel is 1 of 255: were the images scaled already?\n",
    ];
    for line in [format!("train {TRAIN} -d d"), "data check d".into(), "data show d".into()] {
        let ended = place.run(&line).code(0);
        for words in told {
            says(&ended, words);
        }
    }
    says(&place.run("data check d").code(0), "warning: all 8 test images are also training images\n");
    let notes = |line: &str| place.run(line).code(0).events()[0]["notes"].as_array().unwrap().len();
    assert_eq!([notes("data check d --json"), notes("data show d --json")], [6, 5]);
    let recorded = place.run("show @last --json").code(0).events()[0]["data_notes"].as_array().unwrap().len();
    assert_eq!(recorded, 6);
}

#[test]
fn the_test_part_is_looked_at_before_the_first_epoch() {
    let place = Place::new();
    for folder in ["none", "other", "size", "empty"] {
        gray(&place, folder);
    }
    fs::remove_dir_all(place.path("none/test")).unwrap();
    save(&place, "other/test/third/1.png", bar(true, 1, 255));
    save(&place, "size/test/lying/9.png", GrayImage::new(9, 8));
    fs::remove_dir_all(place.path("empty/test")).unwrap();
    fs::create_dir(place.path("empty/test")).unwrap();
    let ended = place.run(&format!("train {TRAIN} -d none --json")).code(0);
    says(&ended, "note: no test set: test/ is missing\n");
    let done = ended.events().pop().unwrap();
    assert_eq!((&done["status"], &done["test_accuracy"]), (&"finished".into(), &serde_json::Value::Null));
    says(&place.run("data check none").code(0), "no test set: test/ is missing");
    says(&place.run("evaluate @last").code(3), "has no test set: test/ is missing");
    for (folder, words) in
        [("other", "a class that `train` has too"), ("size", "found 9x8"), ("empty", "1 to 256 folders")]
    {
        let ended = place.run(&format!("train {TRAIN} -d {folder}")).code(3);
        says(&ended, words);
        says(&ended, "or leave it closed with `--no-test`");
        assert!(!ended.stdout.contains("epoch"), "{}", ended.stdout);
        trained(&place, &format!("-d {folder} --no-test"));
    }
}

#[test]
fn a_share_for_validation_that_comes_to_no_image_is_said() {
    let place = Place::new();
    for (class, upright) in [("a", false), ("b", true)] {
        for i in 0..2 {
            save(&place, &format!("few/train/{class}/{i}.png"), bar(upright, i, 255));
        }
    }
    says(&trained(&place, "-d few"), "val_fraction 0.1 of 2 images a class is none");
    assert!(!trained(&place, "-d few --val-fraction 0").stderr.contains("val_fraction"));
}

#[test]
fn images_of_different_sizes_are_converted_on_request_and_read_so_again() {
    let place = Place::new();
    gray(&place, "d");
    save(&place, "d/train/upright/odd.png", GrayImage::from_pixel(20, 10, Luma([90])));
    says(&place.run(&format!("train {TRAIN} -d d")).code(3), "hint: `--image-size HxW`");
    let ended = trained(&place, "-d d --image-size 6x7 --name sized");
    says(&ended, "25 images of train were of other sizes and were converted");
    let record = &place.run("show sized --json").code(0).events()[0];
    assert_eq!(record["config"]["image_size"], "6x7");
    place.run("evaluate sized").code(0);
    place.run("data check d --image-size 6x7").code(0);
    place.run("data show d --image-size 6x7").code(0);
    place.run("data show garments --image-size 14x14").code(0);
    for size in ["0x4", "4x0", "x", "4x4x4", "1025x4", "-3x3", "99999999999x1"] {
        place.run(&format!("train {TRAIN} -d d --image-size={size}")).code(2);
        place.run(&format!("data check d --image-size={size}")).code(2);
    }
    let model = place.path(".handloom/runs").join(record["id"].as_str().unwrap_or_default()).join("model.safetensors");
    if model.exists() {
        place.run(&format!("evaluate {}", model.display())).code(3);
    }
    let yaml = "method: grid\nmetric: {name: val_accuracy, goal: maximize}\nparameters:\n  image_size: {values: [4x4, 6x7]}\n  hidden_size: {value: 4}\n  epochs: {value: 1}\n";
    fs::write(place.path("s.yaml"), yaml).unwrap();
    let ended = place.run("sweep s.yaml -d d --workers 1 --no-progress").code(0);
    says(&ended, "were of other sizes");
}

#[test]
fn a_moved_project_is_evaluated_compared_resumed_and_reported() {
    let place = Place::new();
    gray(&place, "old/mydata");
    let at = |folder: &str, line: &str| place.run_in(folder, line);
    at("old", &format!("train {TRAIN} -d mydata --name A")).code(0);
    at("old", &format!("train {TRAIN} -d mydata --name B --seed 2")).code(0);
    fs::rename(place.path("old"), place.path("new")).unwrap();
    at("new", "evaluate A").code(0);
    let compared = at("new", "compare A B").code(0);
    assert!(compared.stdout.contains("McNemar"), "{}\n{}", compared.stdout, compared.stderr);
    at("new", "report A -o a.html").code(0);
    // From elsewhere: beside the store, below a data directory, and as that directory.
    at("", "evaluate A --store new/.handloom").code(0);
    fs::create_dir(place.path("data")).unwrap();
    fs::rename(place.path("new/mydata"), place.path("data/mydata")).unwrap();
    for line in
        ["evaluate A --data-dir ../data", "evaluate A --data-dir ../data/mydata", "compare A B --data-dir ../data"]
    {
        at("new", line).code(0);
    }
    fs::rename(place.path("data/mydata"), place.path("data/renamed")).unwrap();
    at("new", "evaluate A --data-dir ../data/renamed").code(0);
    let lost = at("new", "evaluate A --data-dir ../data").code(3);
    says(&lost, "was not found");
    says(&lost, "hint: `--data-dir DIR` names the folder that has the data");
    // Other images under the old name are not taken for them.
    bars(&place, "new/mydata", |upright, i| bar(!upright, i, 255).into());
    says(&at("new", "evaluate A").code(3), "is not the data that run");
    at("new", "evaluate A --data-dir ../data/renamed").code(0);
    at("new", "evaluate A -d mydata").code(0);
}

#[test]
fn a_sweep_goes_on_after_its_project_was_moved() {
    let place = Place::new();
    gray(&place, "old/mydata");
    let yaml = "method: grid\nmetric: {name: val_accuracy, goal: maximize}\nparameters:\n  seed: {values: [1, 2]}\n  hidden_size: {value: 4}\n  epochs: {value: 1}\n  dataset: {value: mydata}\n";
    let home = yaml.replace("value: mydata", "value: ~/old/mydata");
    fs::write(place.path("old/home.yaml"), home).unwrap();
    place.run_in("old", "sweep home.yaml --workers 1 --no-progress").code(0);
    fs::write(place.path("old/variable.yaml"), yaml.replace("value: mydata", "value: $NOWHERE/mydata")).unwrap();
    place.run_in("old", "sweep variable.yaml --workers 1 --no-progress").code(2);
    fs::write(place.path("old/s.yaml"), yaml).unwrap();
    let made = place.run_in("old", "sweep create s.yaml").code(0);
    let id = made.stdout.lines().next().unwrap().to_owned();
    place.run_in("old", &format!("sweep agent {id} --trials 1 --workers 1 --no-progress")).code(0);
    fs::rename(place.path("old"), place.path("new")).unwrap();
    place.run(&format!("sweep resume {id} --workers 1 --no-progress --store new/.handloom")).code(0);
    // Its winner is trained on the same data, wherever they are, and on no others.
    let best = format!("sweep best {id} --train --no-progress --store new/.handloom");
    place.run(&best).code(0);
    fs::rename(place.path("new/mydata"), place.path("renamed")).unwrap();
    says(&place.run(&best).code(3), "was not found");
    place.run(&format!("{best} --data-dir renamed")).code(0);
    bars(&place, "new/mydata", |upright, i| bar(!upright, i, 255).into());
    says(&place.run(&best).code(3), "is not the data that run");
}

#[test]
fn a_path_that_is_not_there_is_missing_data_and_a_plain_name_is_a_mistake() {
    let place = Place::new();
    for name in ["/nonexistent/folder", "./nothing", "no/where"] {
        says(&place.run(&format!("train {TRAIN} -d {name}")).code(3), &format!("there is no folder `{name}`"));
    }
    place.run(&format!("train {TRAIN} -d fashon")).code(2);
}

#[test]
fn a_tilde_is_the_home_folder_wherever_a_path_is_taken() {
    let place = Place::new();
    gray(&place, "mydata");
    trained(&place, "-d=~/mydata --store=~/runs --out=~/m.safetensors");
    fs::write(place.path("c.yaml"), "store: ~/runs2\nout: ~/m2.safetensors\ndataset: ~/mydata\n").unwrap();
    trained(&place, "--config=~/c.yaml --set init_from=~/m.safetensors");
    place.run("evaluate --model-path=~/m2.safetensors -d=~/mydata --plot=~/p.svg --store=~/runs").code(0);
    place.run_with("ls", &[("HANDLOOM_STORE", "~/runs2")]).code(0);
    place.run_with("data check garments", &[("HANDLOOM_DATA_DIR", "~/x")]).code(0);
    place.run("report @last --store=~/runs -o ~/r.html").code(0);
    place.run("export @last --store=~/runs --format npz --out=~/m.npz").code(0);
    for made in ["runs", "runs2", "m.safetensors", "m2.safetensors", "p.svg", "r.html", "m.npz"] {
        assert!(place.path(made).exists(), "{made}");
    }
    for (line, words) in [
        ("train -d garments --store=$NOWHERE/x", "`$NOWHERE` in the path"),
        ("train -d garments --out=${NOWHERE}/x", "`${NOWHERE}` in the path"),
        ("train -d ~nobody/x", "names the home folder of another user"),
        ("train -d garments --set store=~nobody/x", "names the home folder of another user"),
        ("ls --store=~nobody", "names the home folder of another user"),
    ] {
        let ended = place.run(line).code(2);
        says(&ended, words);
        says(&ended, "hint:");
    }
    let names: Vec<String> =
        fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.starts_with(['~', '$'])), "{names:?}");
    assert!(!Path::new("~").exists());
}

#[test]
fn an_unwritable_cache_falls_back_to_garments_or_names_the_files() {
    let place = Place::new();
    // A file where the cache should be.
    fs::write(place.path("cache"), "").unwrap();
    let named = place.run(&format!("train {TRAIN} -d fashion_mnist")).code(3);
    says(&named, "train-images-idx3-ubyte.gz");
    says(&named, "the cache cannot be written");
    let ended = place.run(&format!("train {TRAIN}")).code(0);
    says(&ended, "USING `garments` INSTEAD");
}
