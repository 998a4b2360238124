//! `doctor`.

use crate::support::Place;

#[test]
fn a_new_machine_is_described_with_what_to_do() {
    let place = Place::new();
    let ended = place.run("doctor --data-dir elsewhere").code(0);
    for part in [
        "fashion_mnist  missing  handloom data get fashion_mnist downloads 30.9 MB; looked in",
        "elsewhere/fashion-mnist",
        "HOME/.keras/datasets/fashion-mnist",
        "HOME/cache/handloom (made when needed)",
        ".handloom/handloom.db (made when needed) · 0 runs",
        "colors off (not a terminal)",
    ] {
        assert!(ended.stdout.contains(part), "{part}\n{}", ended.stdout);
    }
    let next = ["data get fashion_mnist", "data get mnist", "train"];
    let next = next.map(|command| format!("handloom {command} --data-dir elsewhere")).join("     ");
    assert!(ended.stderr.contains(&next), "{}", ended.stderr);
    let event = &place.run("doctor --json").code(0).events()[0];
    assert_eq!((&event["runs"], &event["datasets"][1]["fix"]), (&0.into(), &"handloom data get mnist".into()));
}

#[test]
fn a_store_that_is_no_store_is_a_finding_and_stops_a_run_before_it_begins() {
    let place = Place::new();
    std::fs::create_dir(place.path(".handloom")).unwrap();
    std::fs::write(place.path(".handloom/handloom.db"), "not a database, but long enough to look at").unwrap();
    let ended = place.run("doctor").code(0);
    assert!(ended.stdout.contains("cannot be read"), "{}", ended.stdout);
    let ended = place.run("train -d garments -e 1 -nhl 0").code(1);
    assert!(ended.stderr.contains("not Handloom's database or is damaged"), "{}", ended.stderr);
    assert!(!place.path(".handloom/runs").exists(), "nothing was trained");
}
