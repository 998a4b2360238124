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
        ".handloom (made when needed) · 0 runs",
        "colors off (not a terminal)",
    ] {
        assert!(ended.stdout.contains(part), "{part}\n{}", ended.stdout);
    }
    assert!(ended.stderr.contains("handloom data get fashion_mnist     handloom data get mnist     handloom train"));
    let event = &place.run("doctor --json").code(0).events()[0];
    assert_eq!((&event["runs"], &event["datasets"][1]["fix"]), (&0.into(), &"handloom data get mnist".into()));
}
