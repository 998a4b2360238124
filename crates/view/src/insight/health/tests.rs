//! Each rule on a run where it must fire, and on a run where it must not.

use handloom_engine::event::{EpochDiagnostics, EpochMetrics, LayerStats};
use handloom_engine::metric::Confusion;
use handloom_store::{Epoch, Run, Status};
use serde_json::{Value, json};

use super::{Check, State, examine, values, verdict};

fn run(config: Value, epochs: &[Epoch]) -> Run {
    let Value::Object(config) = config else { panic!("{config}") };
    Run { status: Status::Finished, config, epochs: epochs.len() as u64, ..Run::default() }
}

fn check(rule: &str, run: &Run, epochs: &[Epoch]) -> Check {
    let classes = ["bag", "boot"].map(String::from);
    let all = examine(run, epochs, &classes);
    all.into_iter().find(|check| check.rule == rule).unwrap()
}

/// An epoch of a run that is well: three hidden layers and the output.
fn epoch(n: u64) -> Epoch {
    let x = n as f64;
    let row = EpochMetrics {
        epoch: n,
        train_loss: 0.6 / x,
        train_accuracy: 0.8,
        val_loss: Some(0.7 / x),
        val_accuracy: Some(0.8),
        learning_rate: 0.001,
        samples_per_second: 1.0,
        seconds: 1.0,
        val_seconds: 1.0,
    };
    let confusion = Confusion { counts: vec![vec![40, 10], vec![10, 40]] };
    let layers = [0.3, 0.2, 0.4, 0.5].map(|gradient_norm| LayerStats {
        gradient_norm,
        dead: Some(0.0),
        saturated: Some(0.1),
        step: Some(1e-3),
    });
    Epoch { row, evidence: EpochDiagnostics { confusion: Some(confusion), layers: layers.to_vec() } }
}

fn epochs(change: impl Fn(&mut Epoch)) -> Vec<Epoch> {
    (1..=6)
        .map(|n| {
            let mut epoch = epoch(n);
            change(&mut epoch);
            epoch
        })
        .collect()
}

#[test]
fn a_run_that_is_well_has_nothing() {
    let epochs = epochs(|_| ());
    let run = run(json!({"activation": "relu", "hidden_size": 128, "num_layers": 3}), &epochs);
    for check in examine(&run, &epochs, &[]) {
        assert!(check.state == State::Good && check.fix.is_empty() && !check.text.is_empty(), "{check:?}");
    }
}

#[test]
fn of_a_run_without_epochs_nothing_is_known() {
    for check in examine(&run(json!({}), &[]), &[], &[]) {
        assert!(check.state == State::Unknown && !check.text.is_empty(), "{check:?}");
    }
}

#[test]
fn divergence_is_no_number_a_status_or_a_loss_that_grew() {
    let config = json!({"optimizer": "sgd", "learning_rate": 10.0});
    let broken = epochs(|epoch| {
        if epoch.row.epoch == 4 {
            epoch.row.train_loss = f64::NAN;
        }
    });
    let found = check("divergence", &run(config.clone(), &broken), &broken);
    assert_eq!((found.state, found.text.as_str()), (State::Bad, "The loss was not a finite number in epoch 4."));
    assert_eq!(found.fix, "Try a smaller learning rate: -lr 0.1.");
    let well = epochs(|_| ());
    let ended = Run { status: Status::Diverged, ..run(config.clone(), &well) };
    assert_eq!(check("divergence", &ended, &well).text, "Training diverged in epoch 7.");
    let reason = Some("training diverged in epoch 7: the loss grew 512-fold".into());
    let told = check("divergence", &Run { reason, ..ended }, &well).text;
    assert_eq!(told, "Training diverged in epoch 7: the loss grew 512-fold.");
    let grown = |factor: f64| {
        epochs(|epoch| epoch.row.train_loss = 1.0 + (factor - 1.0) * (epoch.row.epoch as f64 - 1.0) / 5.0)
    };
    let (worse, odd) = (grown(2.5), grown(1.5));
    assert_eq!(check("divergence", &run(config.clone(), &worse), &worse).text, "The training loss rose from 1 to 2.5.");
    assert_eq!(check("divergence", &run(config, &odd), &odd).state, State::Good);
}

#[test]
fn what_a_constant_answer_reaches_is_nothing_learned() {
    let shown = |counts: [[u64; 2]; 2]| {
        let confusion = Confusion { counts: counts.map(|row| row.to_vec()).to_vec() };
        epochs(|epoch| epoch.evidence.confusion = Some(confusion.clone()))
    };
    let (constant, little, much) = (shown([[60, 0], [40, 0]]), shown([[50, 10], [30, 10]]), shown([[55, 5], [10, 30]]));
    let told = |epochs: &[Epoch]| check("chance", &run(json!({}), epochs), epochs);
    assert_eq!(told(&constant).text, "60.0% right is not better than always answering 'bag', which is 60.0% right.");
    assert_eq!([told(&constant).state, told(&little).state, told(&much).state], [State::Bad, State::Bad, State::Good]);
    // It is the kept weights that are judged.
    let mixed: Vec<Epoch> = much[..3].iter().chain(&constant[3..]).cloned().collect();
    let kept = Run { best_epoch: Some(2), ..run(json!({}), &mixed) };
    assert_eq!(check("chance", &kept, &mixed).state, State::Good);
    let bare = epochs(|epoch| epoch.evidence.confusion = None);
    assert_eq!(told(&bare).state, State::Unknown);
}

#[test]
fn a_gradient_that_is_a_twentieth_at_the_first_layer_vanishes() {
    let norms = |norms: &[f64]| {
        epochs(|epoch| {
            let health = |&gradient_norm: &f64| LayerStats { gradient_norm, dead: None, saturated: None, step: None };
            epoch.evidence.layers = norms.iter().map(health).collect();
        })
    };
    let told = |activation: &str, epochs: &[Epoch]| {
        check("vanishing", &run(json!({"activation": activation}), epochs), epochs)
    };
    let deep = norms(&[0.001, 0.01, 0.08, 0.24, 0.5]);
    let found = told("sigmoid", &deep);
    assert_eq!((found.state, found.layer), (State::Bad, Some(1)));
    assert_eq!(
        found.text,
        "Gradients vanish: at the ends of epochs, layer 1 gets 240 times less gradient than layer 4."
    );
    assert!(found.fix.contains("sigmoid") && !told("tanh", &deep).fix.contains("sigmoid"));
    assert_eq!(told("sigmoid", &norms(&[0.03, 0.1, 0.4, 0.5])).state, State::Good);
    // The output layer does not count: its gradient is always large.
    assert_eq!(told("sigmoid", &norms(&[0.001, 5.0])).state, State::Unknown);
    // One odd epoch is not the run.
    let mut odd = norms(&[0.2, 0.2, 0.5]);
    odd[0].evidence.layers[0].gradient_norm = 1e-9;
    assert_eq!(told("relu", &odd).state, State::Good);
    let zero = norms(&[0.0, 0.0, 0.5]);
    let found = told("relu", &zero);
    assert!(found.state == State::Bad && found.fix.contains("-w_i"), "{found:?}");
    assert_eq!(told("relu", &norms(&[f64::NAN, f64::NAN, 1.0])).state, State::Unknown);
}

#[test]
fn gradients_that_vanish_before_the_first_step_are_told_whatever_they_are_later() {
    let well = epochs(|_| ());
    let told = |initial_norms: &[f64], epochs: &[Epoch]| {
        let run = run(json!({"activation": "sigmoid"}), epochs);
        check("vanishing", &Run { initial_norms: initial_norms.to_vec(), ..run }, epochs)
    };
    let vanished = [1e-6, 1e-3, 0.04, 0.5];
    let found = told(&vanished, &well);
    assert_eq!((found.state, found.layer), (State::Bad, Some(1)));
    assert_eq!(
        found.text,
        "Gradients vanish: before the first step, layer 1 gets 40,000 times less gradient than layer 3; at the ends of \
         epochs, 0.75 times the gradient of layer 3."
    );
    // A run that has only begun is judged, too.
    let found = told(&vanished, &[]);
    assert_eq!(
        found.text,
        "Gradients vanish: before the first step, layer 1 gets 40,000 times less gradient than layer 3."
    );
    let found = told(&[0.0, 1e-9, 0.1, 0.5], &[]);
    assert!(found.state == State::Bad && found.text.contains("no gradient at all, unlike layer 3"), "{found:?}");
    assert_eq!(told(&[0.3, 0.2, 0.4, 0.5], &well).state, State::Good);
    assert_eq!(told(&[1e-9, 0.5], &[]).state, State::Unknown, "one hidden layer has nothing to vanish");
    // Norms that vanish later, or that begin at nothing in all layers, are found by the epochs.
    let later = epochs(|epoch| epoch.evidence.layers[0].gradient_norm = 1e-3);
    assert!(told(&[0.3, 0.2, 0.4, 0.5], &later).text.starts_with("Gradients vanish: at the ends of epochs"));
    assert_eq!(told(&[0.0, 0.0, 0.0, 0.5], &well).state, State::Good);
    assert_eq!(told(&[0.0, 0.0, 0.0, 0.5], &[]).text, "Hidden layers get no gradient at all.");
}

#[test]
fn steps_are_a_tenth_of_the_weights_at_most_and_not_nothing_in_every_layer() {
    let steps = |sizes: [Option<f64>; 4]| {
        epochs(|epoch| epoch.evidence.layers.iter_mut().zip(sizes).for_each(|(layer, size)| layer.step = size))
    };
    let told =
        |epochs: &[Epoch]| check("step", &run(json!({"optimizer": "sgd", "learning_rate": 0.05}), epochs), epochs);
    let found = told(&steps([0.01, 0.25, 0.2, 0.01].map(Some)));
    assert_eq!((found.state, found.layer), (State::Bad, Some(2)));
    assert_eq!(found.text, "Steps are large: each changes the weights of layer 2 by 25.0%.");
    assert_eq!(found.fix, "Try a smaller learning rate: -lr 0.005.");
    let found = told(&steps([1e-6, 2e-6, 1e-6, 1e-7].map(Some)));
    assert_eq!((found.state, found.layer), (State::Bad, None));
    assert_eq!(found.text, "Steps are tiny: none changes a layer's weights by more than 2e-4%.");
    assert_eq!(found.fix, "Try a ten times larger learning rate: -lr 0.5.");
    // One layer that moves is enough, and one odd epoch is not the run.
    assert_eq!(told(&steps([1e-6, 1e-6, 1e-6, 1e-3].map(Some))).state, State::Good);
    let mut odd = steps([1e-3; 4].map(Some));
    odd[0].evidence.layers[1].step = Some(0.9);
    assert_eq!(told(&odd).text, "Each step changes a layer's weights by at most 0.1%.");
    assert_eq!(told(&steps([None; 4])).state, State::Unknown);
    assert_eq!(told(&steps([Some(f64::INFINITY), None, None, None])).state, State::Unknown);
}

#[test]
fn a_quarter_of_a_layer_may_be_dead() {
    let dead = |share: f64| epochs(|epoch| epoch.evidence.layers[1].dead = Some(share));
    let told = |epochs: &[Epoch]| check("dead", &run(json!({"hidden_size": 128, "num_layers": 3}), epochs), epochs);
    let found = told(&dead(40.0 / 128.0));
    assert_eq!((found.state, found.layer), (State::Bad, Some(2)));
    assert_eq!(found.text, "40 of 128 units in layer 2 are dead: their output is 0 for every validation image.");
    assert_eq!(told(&dead(31.0 / 128.0)).text, "Only 31 of 128 units in layer 2 are dead.");
    assert_eq!(told(&dead(0.0)).text, "No unit is dead.");
    let tanh = epochs(|epoch| epoch.evidence.layers.iter_mut().for_each(|layer| layer.dead = None));
    assert_eq!(told(&tanh).state, State::Unknown);
}

#[test]
fn nine_tenths_of_a_layer_may_be_saturated() {
    let saturated = |share: f64| epochs(|epoch| epoch.evidence.layers[2].saturated = Some(share));
    let told = |epochs: &[Epoch]| check("saturation", &run(json!({}), epochs), epochs);
    let found = told(&saturated(0.95));
    assert_eq!(
        (found.state, found.layer, found.text.as_str()),
        (State::Bad, Some(3), "95.0% of layer 3 is saturated.")
    );
    assert_eq!(told(&saturated(0.85)).state, State::Good);
    // It is how the run ends that counts.
    let mut early = saturated(0.2);
    early[0].evidence.layers[2].saturated = Some(0.99);
    assert_eq!(told(&early).state, State::Good);
}

#[test]
fn overfitting_is_a_validation_loss_that_rises_while_the_training_loss_falls() {
    let losses = |val: [f64; 6]| epochs(|epoch| epoch.row.val_loss = Some(val[epoch.row.epoch as usize - 1]));
    let told = |epochs: &[Epoch]| check("overfitting", &Run { best_epoch: Some(5), ..run(json!({}), epochs) }, epochs);
    let found = told(&losses([0.5, 0.4, 0.3, 0.32, 0.35, 0.4]));
    assert_eq!(found.state, State::Bad);
    assert_eq!(found.text, "Since epoch 3 the validation loss rose from 0.3 to 0.4 while the training loss fell.");
    assert!(found.fix.starts_with("The saved model is from epoch 5."));
    // Two epochs, or a few percent, are chance.
    assert_eq!(told(&losses([0.5, 0.4, 0.35, 0.3, 0.35, 0.4])).state, State::Good);
    assert_eq!(told(&losses([0.5, 0.4, 0.3, 0.31, 0.3, 0.31])).state, State::Good);
    assert_eq!(told(&losses([0.6, 0.5, 0.4, 0.35, 0.32, 0.3])).text, "The validation loss still falls.");
    // A training loss that rises too is another problem.
    let mut both = losses([0.5, 0.4, 0.3, 0.32, 0.35, 0.4]);
    both[5].row.train_loss = 3.0;
    assert_eq!(told(&both).state, State::Good);
    let bare = epochs(|epoch| epoch.row.val_loss = None);
    assert_eq!(told(&bare).state, State::Unknown);
}

#[test]
fn the_verdict_names_the_first_illness_and_the_others_in_a_word() {
    let good = Check::new("dead", State::Good, "No unit is dead.");
    let unknown = Check::new("saturation", State::Unknown, "?");
    let bad = |rule| Check::bad(rule, format!("{rule}!"), "fix");
    assert_eq!(verdict(&[good.clone(), unknown.clone()]).unwrap(), "Healthy.");
    assert_eq!(verdict(std::slice::from_ref(&unknown)), None);
    assert_eq!(verdict(&[good, bad("vanishing")]).unwrap(), "vanishing!");
    assert_eq!(
        verdict(&[bad("divergence"), bad("vanishing"), bad("dead")]).unwrap(),
        "divergence! Besides: vanishing gradients and dead units."
    );
    assert_eq!(
        values(&[unknown]),
        json!([{"rule": "saturation", "state": "unknown", "text": "?", "fix": null, "layer": null}])
    );
}
