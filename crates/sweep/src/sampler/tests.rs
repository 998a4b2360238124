use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::space::{Distribution, Parameter};
use crate::trial::Status;

fn space(distributions: Vec<Distribution>) -> SearchSpace {
    let named = |(i, distribution)| Parameter { name: format!("p{i:02}"), distribution };
    SearchSpace { parameters: distributions.into_iter().enumerate().map(named).collect() }
}

fn list(values: Value) -> Distribution {
    let Value::Array(values) = values else { panic!("{values} is no list") };
    Distribution::Categorical(values, None)
}

/// Distributions of every kind.
fn any_distribution() -> impl Strategy<Value = Distribution> {
    use Distribution as D;
    let low = || -3.0..2.0_f64;
    let wide = || 0.1..3.0_f64;
    prop_oneof![
        Just(D::Constant(json!("fixed"))),
        Just(list(json!(["sgd", "adam", [1, 2], null, true]))),
        Just(list(json!([32, 64, 128.0]))),
        Just(list(Value::from((0..400).collect::<Vec<i64>>()))),
        Just(D::Categorical(vec![json!("never"), json!("a"), json!("b")], Some(vec![0.0, 0.3, 0.7]))),
        (-5..5_i64, 1..9_i64).prop_map(|(min, more)| D::IntUniform(min, min + more)),
        (low(), wide()).prop_map(|(min, more)| D::Uniform(min, min + more)),
        (low(), wide(), 0.1..0.7).prop_map(|(min, more, q)| D::QUniform(min, min + more, q)),
        (low(), wide()).prop_map(|(min, more)| D::LogUniform(min, min + more)),
        (low(), wide()).prop_map(|(min, more)| D::InvLogUniform(min, min + more)),
        (1e-5..1.0, wide()).prop_map(|(min, more)| D::LogUniformValues(min, min + more)),
        (1e-5..1.0, wide()).prop_map(|(min, more)| D::InvLogUniformValues(min, min + more)),
        (1.0..20.0, 1.0..200.0).prop_map(|(min, more)| D::QLogUniformValues(min, min + more, 4.0)),
        (low(), wide()).prop_map(|(mean, deviation)| D::Normal(mean, deviation)),
        (low(), wide()).prop_map(|(mean, deviation)| D::QLogNormal(mean, deviation, 0.5)),
        (wide(), wide()).prop_map(|(a, b)| D::Beta(a, b)),
    ]
}

/// True if a distribution may give `value`: going to its position and back leads to it again.
fn may_give(distribution: &Distribution, value: &Value) -> bool {
    if let Distribution::Categorical(values, shares) = distribution {
        let share = |at: usize| shares.as_ref().is_none_or(|shares| shares[at] > 0.0);
        return values.iter().position(|known| known == value).is_some_and(share);
    }
    // W&B's grid goes in steps from the lower bound, which need not be a multiple.
    if distribution.grid().is_some_and(|grid| grid.contains(value)) {
        return true;
    }
    let back = distribution.cdf(value).map(|position| distribution.at(position));
    match (back.as_ref().and_then(Value::as_f64), value.as_f64()) {
        (Some(back), Some(value)) => (back - value).abs() <= 1e-6 * (1.0 + value.abs()),
        _ => back.as_ref() == Some(value),
    }
}

/// A history of `n` trials that the method chose itself, with costs and states of every kind.
fn history(method: &Method, space: &SearchSpace, n: u64, seed: u64) -> Vec<Trial> {
    let mut history: Vec<Trial> = Vec::new();
    for number in 0..n {
        let Some(choice) = method.suggest(space, &history, seed) else { break };
        let cost = (number * 37 % 11) as f64;
        let (status, costs) = match number % 7 {
            3 => (Status::Running, vec![cost]),
            4 => (Status::Diverged, vec![cost, f64::NAN]),
            5 => (Status::Pruned, vec![cost]),
            _ => (Status::Finished, vec![cost + 1.0, f64::INFINITY, cost]),
        };
        history.push(Trial { number, choice, costs, status, ..Trial::default() });
    }
    history
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_suggestion_lies_in_the_space_and_is_made_again(
        distributions in prop::collection::vec(any_distribution(), 0..6),
        n in 0..40_u64,
        seed in any::<u64>(),
    ) {
        let space = space(distributions);
        for method in Method::all() {
            let history = history(&method, &space, n, seed);
            let Some(choice) = method.suggest(&space, &history, seed) else { continue };
            prop_assert_eq!(choice.len(), space.parameters.len());
            for parameter in &space.parameters {
                let value = &choice[&parameter.name];
                prop_assert!(may_give(&parameter.distribution, value), "{:?}: {}", parameter.distribution, value);
            }
            prop_assert_eq!(method.suggest(&space, &history, seed), Some(choice));
        }
    }
}

#[test]
fn every_file_of_this_folder_is_in_the_list() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sampler");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<String> = files
        .filter(|path| path.extension().is_some())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| !["mod", "tests"].contains(&name.as_str()))
        .collect();
    files.sort();
    let mut names = Method::NAMES.to_vec();
    names.sort_unstable();
    assert_eq!(files, names);
}

#[test]
fn bayes_tries_no_configuration_twice_and_a_finite_space_is_exhausted() {
    let bayes = Method::named("bayes").unwrap();
    let spaces = [
        (space(vec![list(json!(["a", "b"])), list(json!([1, 2, 3])), Distribution::IntUniform(0, 3)]), 24),
        (space(vec![Distribution::QUniform(0.0, 1.0, 0.25), list(json!([true, false]))]), 10),
        (space(vec![Distribution::Constant(json!(1))]), 1),
    ];
    for (space, points) in spaces {
        let history = history(&bayes, &space, 99, 5);
        assert_eq!(history.len(), points);
        for (i, trial) in history.iter().enumerate() {
            assert!(history[..i].iter().all(|other| other.choice != trial.choice), "{:?}", trial.choice);
        }
    }
}

#[test]
fn bayes_spreads_what_runs_at_once() {
    let space = space(vec![Distribution::Uniform(0.0, 1.0); 4]);
    let bayes = Method::named("bayes").unwrap();
    let at = |trial: &Trial| -> Vec<f64> { trial.choice.values().filter_map(Value::as_f64).collect() };
    let mut history: Vec<Trial> = Vec::new();
    for number in 0..20 {
        let choice = bayes.suggest(&space, &history, 3).unwrap();
        let mut trial = Trial { number, choice, ..Trial::default() };
        if number < 12 {
            trial.costs = vec![at(&trial).iter().map(|x| (7.0 * x).sin()).sum()];
            trial.status = Status::Finished;
        }
        history.push(trial);
    }
    let running: Vec<_> = history[12..].iter().map(at).collect();
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    let alone = |i: &usize| running[..*i].iter().all(|other| apart(&running[*i], other) > 0.05);
    assert!((0..8).filter(alone).count() >= 7, "{running:?}");
}

/// A surface like the assignment's: eight parameters, of which some matter alone and some together.
fn surface() -> SearchSpace {
    use Distribution as D;
    let parameters = [
        ("activation", list(json!(["sigmoid", "tanh", "relu"]))),
        ("batch_size", list(json!([16, 32, 64]))),
        ("hidden_size", list(json!([32, 64, 128]))),
        ("learning_rate", D::LogUniformValues(1e-5, 1e-1)),
        ("num_layers", D::IntUniform(1, 5)),
        ("optimizer", list(json!(["sgd", "momentum", "nesterov", "rmsprop", "adam", "nadam"]))),
        ("weight_decay", list(json!([0, 0.0005, 0.5]))),
        ("weight_init", list(json!(["random", "xavier"]))),
    ];
    let parameters = parameters.map(|(name, distribution)| Parameter { name: name.into(), distribution });
    SearchSpace { parameters: parameters.into() }
}

/// Its cost, at best a little under 0.11.
fn cost(choice: &Params) -> f64 {
    let text = |name: &str| choice[name].as_str().unwrap();
    let number = |name: &str| choice[name].as_f64().unwrap();
    let adaptive = ["rmsprop", "adam", "nadam"].contains(&text("optimizer"));
    let best_rate: f64 = match (adaptive, text("optimizer")) {
        (true, _) => 1e-3,
        (false, "sgd") => 0.05,
        _ => 0.01,
    };
    let off = (number("learning_rate") / best_rate).log10();
    let deep = number("num_layers") - 2.0;
    let stuck = text("activation") == "sigmoid" && text("weight_init") == "random" && deep > 0.0;
    let lost = number("weight_decay") > 0.1 || stuck;
    let sum = 0.105
        + 0.02 * off * off
        + 0.004 * deep * deep
        + if text("activation") == "sigmoid" { 0.02 } else { 0.0 }
        + if text("weight_init") == "random" { 0.006 } else { 0.0 }
        + if adaptive { 0.0 } else { 0.008 }
        + 0.003 * (128.0 / number("hidden_size")).log2()
        + 0.002 * (number("batch_size") / 16.0).log2();
    if lost { 0.9 } else { sum.min(0.9) }
}

#[test]
fn bayes_beats_random_on_a_surface_like_the_assignments() {
    let space = surface();
    let best = |method: &Method, seed: u64| {
        let mut history: Vec<Trial> = Vec::new();
        for number in 0..40 {
            let choice = method.suggest(&space, &history, seed).unwrap();
            let costs = vec![cost(&choice)];
            history.push(Trial { number, choice, costs, status: Status::Finished, ..Trial::default() });
        }
        history.iter().filter_map(Trial::best).fold(f64::INFINITY, f64::min)
    };
    let [bayes, random] = ["bayes", "random"].map(|name| {
        let method = Method::named(name).unwrap();
        (0..12).map(|seed| best(&method, seed)).collect::<Vec<_>>()
    });
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64 - 0.105;
    assert!(mean(&bayes) < 0.5 * mean(&random), "bayes {bayes:.4?} random {random:.4?}");
    assert!(bayes.iter().zip(&random).filter(|(bayes, random)| bayes < random).count() >= 10);
}
