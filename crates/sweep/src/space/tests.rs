use serde_json::json;

use super::*;

fn space(parameters: &[(&str, Distribution)]) -> SearchSpace {
    let parameter = |(name, distribution): &(&str, Distribution)| Parameter {
        name: (*name).into(),
        distribution: distribution.clone(),
    };
    SearchSpace { parameters: parameters.iter().map(parameter).collect() }
}

fn list(values: &Value) -> Distribution {
    Distribution::Categorical(values.as_array().unwrap().clone(), None)
}

#[test]
fn the_last_parameter_changes_fastest_and_nothing_is_beyond_the_last_point() {
    let space = space(&[
        ("a", list(&json!(["x", "y"]))),
        ("b", Distribution::Constant(json!(7))),
        ("c", Distribution::IntUniform(3, 5)),
    ]);
    assert_eq!(space.points(), Some(6));
    let point = |index| space.point(index).map(|choice| json!(choice));
    assert_eq!(point(1), Some(json!({"a": "x", "b": 7, "c": 4})));
    assert_eq!(point(3), Some(json!({"a": "y", "b": 7, "c": 3})));
    assert_eq!(point(6), None);
}

#[test]
fn a_grid_larger_than_can_be_counted_has_points_nonetheless() {
    let wide = Distribution::IntUniform(i64::MIN, i64::MAX);
    let space = space(&[("a", wide.clone()), ("b", wide.clone())]);
    assert_eq!(space.points(), Some(u64::MAX));
    assert_eq!(json!(space.point(2)), json!({"a": i64::MIN, "b": i64::MIN + 2}));
    assert_eq!(wide.grid(), None);
    assert_eq!(SearchSpace { parameters: vec![] }.points(), Some(1));
}

#[test]
fn a_grid_takes_no_continuous_parameter() {
    let space = space(&[("a", list(&json!([1]))), ("b", Distribution::Uniform(0.0, 1.0))]);
    assert_eq!((space.points(), space.point(0)), (None, None));
}

#[test]
fn no_distribution_leaves_what_json_can_say() {
    for distribution in [
        Distribution::Normal(0.0, 1.0),
        Distribution::LogNormal(0.0, 1e9),
        Distribution::QLogNormal(0.0, 1e9, 2.0),
        Distribution::Normal(3.0, 0.0),
        Distribution::LogUniform(0.0, 1e6),
        Distribution::Beta(1e-3, 1e-3),
        Distribution::IntUniform(i64::MIN, i64::MAX),
    ] {
        for u in [0.0, 1e-300, 0.5, 1.0 - 1e-16, 1.0, f64::NAN] {
            let value = distribution.at(u);
            assert!(value.is_number(), "{distribution:?} at {u} is {value}");
            let position = distribution.cdf(&value).unwrap();
            assert!((0.0..=1.0).contains(&position), "{distribution:?} has {value} at {position}");
        }
    }
}

#[test]
fn every_value_is_at_its_own_position() {
    for distribution in [list(&json!([1, "a", null, [1.0], 2.5, true, {"k": 1}])), Distribution::IntUniform(-3, 46)] {
        for value in distribution.grid().unwrap() {
            assert_eq!(distribution.at(distribution.cdf(&value).unwrap()), value);
        }
    }
    assert_eq!(list(&json!([1, 2])).cdf(&json!(3)), None);
    assert_eq!(list(&json!([1, 2])).cdf(&json!(2.0)), Some(1.0));
    assert_eq!(Distribution::Uniform(0.0, 1.0).cdf(&json!("a")), None);
}
