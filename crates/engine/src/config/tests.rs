use super::*;

fn merged(settings: &Value) -> Result<Config, String> {
    let mut config = Config::default();
    config.merge(settings.as_object().unwrap()).map_err(|error| error.to_string())?;
    Ok(config)
}

fn message(settings: &Value) -> String {
    merged(settings).unwrap_err()
}

#[test]
fn a_configuration_survives_its_flat_form() {
    let config = merged(&json!({
        "optimizer": "Nadam", "hidden_size": [256, 128], "lr": 0.003, "loss": "mse", "weights": "last", "init_from": "a.safetensors",
        "seed": 18_446_744_073_709_551_615_u64
    }))
    .unwrap();
    let mut again = Config::default();
    again.merge(&config.to_map()).unwrap();
    assert_eq!(again, Config { learning_rate: Some(0.003), ..config });
    assert_eq!(again.seed, u64::MAX);
    assert_eq!(KEYS.len(), again.to_map().len(), "every setting is written");
}

#[test]
fn one_width_is_repeated_and_a_list_sets_the_layers() {
    let sizes = |settings| merged(&settings).unwrap().hidden_size;
    let (layers, width) = (Config::default().hidden_size.len(), Config::default().hidden_size[0]);
    assert_eq!(sizes(json!({"num_layers": 3, "hidden_size": 64})), [64; 3]);
    assert_eq!(sizes(json!({"hidden_layers": 3, "hidden_sizes": [64]})), [64; 3]);
    assert_eq!(sizes(json!({"hidden_size": "256,128 64"})), [256, 128, 64]);
    assert_eq!(sizes(json!({"num_layers": 2, "hidden_size": [256, 128]})), [256, 128]);
    assert_eq!(sizes(json!({"num_layers": 4})), vec![width; 4]);
    assert_eq!(sizes(json!({"hidden_size": 32})), vec![32; layers]);
    assert!(sizes(json!({"num_layers": 0})).is_empty() && sizes(json!({"hidden_size": []})).is_empty());
    assert!(sizes(json!({"num_layers": 0, "hidden_size": 64})).is_empty());
}

#[test]
fn a_list_that_contradicts_the_number_of_layers_is_refused() {
    let error = message(&json!({"num_layers": 3, "hidden_size": [128, 64]}));
    assert!(error.contains("`num_layers` is 3, but `hidden_size` has 2 widths (128 64)"), "{error}");
    assert!(
        message(&json!({"num_layers": 3, "hidden_size": []})).contains("3 layers need a width"),
        "found by fuzzing"
    );
    let mut config = merged(&json!({"hidden_size": [128, 64]})).unwrap();
    assert!(config.merge(json!({"num_layers": 3}).as_object().unwrap()).is_err());
}

/// Found by fuzzing: a huge number of layers was allocated before anything looked at it.
#[test]
fn no_number_of_layers_takes_all_memory() {
    assert_eq!(merged(&json!({"num_layers": 1000})).unwrap().hidden_size.len(), 1000);
    assert!(message(&json!({"num_layers": 99_999_999_999_u64})).contains("at most 1000 layers"));
    assert!(message(&json!({"hidden_size": vec![1; 1001]})).contains("at most 1000 widths"));
}

#[test]
fn numbers_may_be_text_and_text_may_be_in_any_case() {
    let config = merged(
        &json!({"epochs": "7", "batch_size": 16.0, "learning_rate": "1e-3", "activation": "ReLU", "weight_init": "Xavier"}),
    );
    let config = config.unwrap();
    assert_eq!((config.epochs, config.batch_size, config.rate()), (7, 16, 0.001));
    assert_eq!((config.activation.name(), config.weight_init.name()), ("relu", "xavier"));
}

#[test]
fn what_cannot_be_used_is_named_with_what_could() {
    assert!(message(&json!({"optimizer": "adma"})).contains("did you mean `adam`?"));
    assert!(message(&json!({"batchsize": 3})).contains("did you mean `batch_size`?"));
    for settings in [
        json!({"epochs": 0}),
        json!({"epochs": 1.5}),
        json!({"batch_size": -1}),
        json!({"learning_rate": "fast"}),
        json!({"learning_rate": "nan"}),
        json!({"learning_rate": "inf"}),
        json!({"momentum": 1.0}),
        json!({"val_fraction": 1}),
        json!({"weight_decay": -0.1}),
        json!({"hidden_size": [64, 0]}),
        json!({"shuffle": "maybe"}),
    ] {
        assert!(message(&settings).contains("hint: it takes"), "{settings}");
    }
}

#[test]
fn every_hyperparameter_reaches_its_rule() {
    let settings = json!({"momentum": 0.1, "beta": 0.2, "beta1": 0.3, "beta2": 0.4, "epsilon": 0.5});
    for name in Optimizer::NAMES {
        let mut config = merged(&settings).unwrap();
        config.optimizer = Optimizer::named(name).unwrap();
        for (key, value) in config.rule().hyperparameters() {
            assert_eq!(Some(&value), settings.get(&key), "{name} {key}");
        }
    }
}

#[test]
fn hyperparameters_that_do_nothing_are_known() {
    let config = merged(&json!({"optimizer": "rmsprop"})).unwrap();
    assert_eq!(config.unused(["beta", "momentum", "epsilon", "lr", "beta1"]), ["momentum", "beta1"]);
}

#[test]
fn without_a_learning_rate_the_optimizer_s_own_holds() {
    assert_eq!(merged(&json!({"optimizer": "sgd"})).unwrap().rate(), 0.1);
    assert_eq!(merged(&json!({"optimizer": "sgd", "lr": 0.2})).unwrap().rate(), 0.2);
}

#[test]
fn what_python_calls_none_is_the_default() {
    for none in [json!(null), json!("None")] {
        let config = merged(&json!({"learning_rate": none, "init_from": none})).unwrap();
        assert_eq!((config.learning_rate, config.init_from), (None, None));
    }
    assert!(message(&json!({"batch_size": null})).contains("`batch_size` cannot be `null`"));
}

#[test]
fn after_a_divergence_a_tenth_of_the_rate_is_tried_or_the_default() {
    let with = |rate: Option<f64>| Config { learning_rate: rate, ..Config::default() };
    let usual = with(None).rate();
    assert_eq!(with(None).smaller_rate(), usual / 10.0);
    assert_eq!(with(Some(0.5 * usual)).smaller_rate(), 0.05 * usual);
    assert_eq!(with(Some(1e30)).smaller_rate(), usual);
}

#[test]
fn hyperparameters_that_come_with_the_rule_are_used_and_what_is_set_later_wins() {
    for rule in Optimizer::all() {
        for name in rule.hyperparameters().keys() {
            let values = json!({name: 0.25});
            let optimizer = Optimizer::read(rule.name(), values.as_object().unwrap()).unwrap();
            let mut config = Config { optimizer: optimizer.clone(), ..Config::default() };
            assert_eq!(config.rule().hyperparameters()[name], 0.25, "{} {name}", rule.name());
            assert_eq!(config.to_map()[name], 0.25);
            let mut again = Config::default();
            again.merge(&config.to_map()).unwrap();
            assert_eq!(again.to_map(), config.to_map());
            config.merge(json!({name: 0.125}).as_object().unwrap()).unwrap();
            assert_eq!(config.rule().hyperparameters()[name], 0.125, "{} {name}", rule.name());
        }
        // All at once, and the others stay when one is set later.
        let own: Map<String, Value> = rule.hyperparameters().keys().map(|name| (name.clone(), json!(0.25))).collect();
        let optimizer = Optimizer::read(rule.name(), &own).unwrap();
        let mut config = Config { optimizer, ..Config::default() };
        assert_eq!(config.rule().hyperparameters(), own);
        config.merge(json!({"epsilon": 0.5}).as_object().unwrap()).unwrap();
        for (name, value) in config.rule().hyperparameters() {
            assert_eq!(value, if name == "epsilon" { 0.5 } else { 0.25 }, "{} {name}", rule.name());
        }
    }
}

#[test]
fn defaults_of_the_rules_are_those_of_the_settings() {
    for rule in Optimizer::all() {
        let config = Config { optimizer: rule.clone(), ..Config::default() };
        assert_eq!(config.rule(), rule, "a rule's default that is not used would be a setting without effect");
    }
}
