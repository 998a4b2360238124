//! `data`.

use crate::support::Place;

#[test]
fn what_is_missing_is_listed_with_the_command_that_gets_it() {
    let place = Place::new();
    let ended = place.run("data ls").code(0);
    insta::assert_snapshot!(ended.stdout, @r"
      name            train    test  download   where
      fashion_mnist  60,000  10,000   30.9 MB   missing: handloom data get fashion_mnist
      mnist          60,000  10,000   11.6 MB   missing: handloom data get mnist
      garments       12,000   2,000         -   built in
    ");
    assert_eq!(ended.stderr, "  next:  handloom data get fashion_mnist     handloom train\n");
    let events = place.run("data ls --json").code(0).events();
    let found: Vec<bool> = events.iter().map(|event| event["found"].as_bool().unwrap()).collect();
    assert_eq!(found, [false, false, true]);
}

#[test]
fn the_built_in_set_is_checked_shown_and_drawn() {
    let place = Place::new();
    assert!(place.run("data get garments").code(0).stdout.contains("needs no download"));
    assert!(place.run("data check garments").code(0).stdout.contains("12,000 images for training and 2,000 for test"));
    let ended = place.run("data show garments --out grid.svg --per-class 2").code(0);
    assert!(ended.stdout.starts_with("garments (built in): 12,000 images for training, 28×28 pixels, 10 classes"));
    assert!(ended.stdout.contains("    9  Ankle boot   1,200  ##"), "{}", ended.stdout);
    assert!(std::fs::read_to_string(place.path("grid.svg")).unwrap().contains("Ankle boot"));
    let event = &place.run("data show -d garments --json").code(0).events()[0];
    assert_eq!((&event["images"], &event["classes"][9]["images"]), (&12_000.into(), &1_200.into()));
    for line in ["data show --per-class 0", "data show --out grid.bmp", "data show garments -d mnist", "data"] {
        place.run(line).code(2);
    }
}

#[test]
fn without_a_name_and_without_a_network_garments_are_shown_loudly() {
    let place = Place::new();
    let ended = place.run("data show").code(0);
    assert!(ended.stdout.starts_with("garments (built in)"), "{}", ended.stdout);
    assert!(ended.stderr.starts_with("warning: `fashion_mnist` is not on this disk"), "{}", ended.stderr);
}

#[test]
fn names_and_folders_that_do_not_fit_are_told_apart() {
    let place = Place::new();
    for command in ["get", "check", "show"] {
        let ended = place.run(&format!("data {command} nothing")).code(2);
        assert!(ended.stderr.contains("there is no data set and no folder `nothing`"), "{}", ended.stderr);
    }
    assert!(place.run("data check mnist").code(3).stderr.contains("HOME/cache/handloom/mnist"));
    std::fs::create_dir(place.path("empty")).unwrap();
    place.run("data check ./empty").code(3);
}

#[test]
fn wrong_bytes_under_a_known_name_are_found() {
    let place = Place::new();
    let folder = place.path("d/mnist");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"] {
        std::fs::write(folder.join(format!("{name}-ubyte.gz")), name).unwrap();
    }
    let ended = place.run("data check mnist --data-dir d").code(3);
    assert_eq!(ended.stdout.matches("WRONG").count(), 4, "{}", ended.stdout);
    assert!(ended.stderr.contains("4 files of mnist are not as published"), "{}", ended.stderr);
    let events = place.run("data check mnist --data-dir d --json").code(3).events();
    assert_eq!((&events[0]["ok"], &events[0]["files"][0]["ok"]), (&false.into(), &false.into()));
}
