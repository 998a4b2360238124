//! The best of trials and runs is the same here and in the dashboard's script: both read these cases.

use std::collections::BTreeMap;

use handloom_store::WITH_RESULT;
use handloom_sweep::best::{TRIALS, best, improvements};

const CASES: &str = include_str!("../web/tests/best.json");

#[derive(serde::Deserialize)]
struct Golden {
    tiers: BTreeMap<String, Vec<Vec<String>>>,
    cases: Vec<Case>,
}

#[derive(Debug, serde::Deserialize)]
struct Case {
    tiers: String,
    candidates: Vec<(String, Option<f64>)>,
    improvements: Vec<usize>,
}

#[test]
fn the_best_is_chosen_by_the_rule_that_the_pages_have_too() {
    let golden: Golden = serde_json::from_str(CASES).unwrap();
    assert_eq!(
        golden.tiers["trials"],
        TRIALS.map(|tier| tier.iter().map(|status| status.name().to_owned()).collect::<Vec<_>>())
    );
    assert_eq!(
        golden.tiers["runs"],
        WITH_RESULT.map(|tier| tier.iter().map(|status| status.name().to_owned()).collect::<Vec<_>>())
    );
    assert!(golden.cases.len() > 10);
    for case in &golden.cases {
        let tiers: Vec<&[String]> = golden.tiers[&case.tiers].iter().map(Vec::as_slice).collect();
        assert_eq!(improvements(&case.candidates, &tiers), case.improvements, "{case:?}");
        assert_eq!(best(&case.candidates, &tiers), case.improvements.last().copied(), "{case:?}");
    }
}

#[test]
fn what_is_not_finite_is_never_the_best() {
    let costs = [f64::NAN, f64::INFINITY, 0.5, f64::NEG_INFINITY].map(|cost| ("finished", Some(cost)));
    assert_eq!(improvements(&costs, &[&["finished"]]), [2]);
}
