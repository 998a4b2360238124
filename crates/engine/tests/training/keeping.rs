//! Weights that a run keeps: of the best epoch, of the last, or of the last finite one when a run diverges.

use handloom_engine::event::{Divergence, Outcome};
use handloom_engine::session::Session;
use handloom_engine::train::resume;
use serde_json::json;

use super::*;

/// Trains and gives also the network after each epoch.
fn watched(config: &Config, data: &Dataset) -> (Trained, Vec<(bool, Network)>) {
    let mut networks = Vec::new();
    let mut watch = |event: &Event<'_>| {
        if let Event::Epoch { session, best, .. } = event {
            networks.push((*best, session.network()));
        }
        ControlFlow::Continue(())
    };
    let trained = train(config, data, &Machine::new(1), &mut watch);
    (trained, networks)
}

#[test]
fn the_best_epoch_is_kept_and_the_earliest_of_equals() {
    let data = data(200, 12, 3);
    let mut ties = 0;
    for seed in 1..=6 {
        let settings = json!({"epochs": 12, "lr": 0.02, "seed": seed, "val_fraction": 0.1});
        let (trained, networks) = watched(&config(&settings), &data);
        let accuracies: Vec<f64> = trained.rows.iter().map(|row| row.val_accuracy.unwrap()).collect();
        let top = accuracies.iter().copied().fold(0.0, f64::max);
        let first = accuracies.iter().position(|&accuracy| accuracy == top).unwrap();
        ties += accuracies.iter().filter(|&&accuracy| accuracy == top).count() - 1;
        assert_eq!(trained.epoch, first as u64 + 1, "{accuracies:?}");
        assert_eq!(trained.network.weights_sha256(), networks[first].1.weights_sha256());
        let mut so_far = -1.0;
        for (accuracy, (best, _)) in accuracies.iter().zip(&networks) {
            assert_eq!(*best, *accuracy > so_far, "{accuracies:?}");
            so_far = accuracy.max(so_far);
        }
    }
    assert!(ties > 0, "this test needs a tie");
}

#[test]
fn the_last_epoch_is_kept_on_request_and_without_validation() {
    let data = data(200, 12, 3);
    for settings in [json!({"weights": "last", "epochs": 6}), json!({"val_fraction": 0, "epochs": 6})] {
        let (trained, networks) = watched(&config(&settings), &data);
        assert_eq!((trained.epoch, trained.rows.len()), (6, 6));
        assert_eq!(trained.network.weights_sha256(), networks[5].1.weights_sha256());
        assert_eq!(trained.rows[5].val_accuracy.is_none(), settings.get("val_fraction").is_some());
    }
}

/// Three good epochs, then a rate that throws the weights out.
#[test]
fn a_diverging_run_keeps_the_last_good_or_the_best_weights() {
    let data = data(200, 12, 3);
    for weights in ["last", "best"] {
        let good = config(&json!({"optimizer": "sgd", "lr": 0.05, "epochs": 3, "weights": weights}));
        let mut checkpoint = Vec::new();
        let mut watch = |event: &Event<'_>| {
            if let Event::Epoch { session, .. } = event {
                checkpoint = session.to_checkpoint();
            }
            ControlFlow::Continue(())
        };
        let before = train(&good, &data, &Machine::new(1), &mut watch);
        let bad = Config { learning_rate: Some(1e30), epochs: 6, ..good };
        let session = Session::from_checkpoint(&checkpoint, &bad).unwrap();
        let after = resume(&bad, &data, session, &Machine::new(1), &mut silent);
        assert!(
            matches!(after.outcome, Outcome::Diverged { epoch: 4, batch: 2.., why: Divergence::Loss }),
            "{:?}",
            after.outcome
        );
        assert_eq!(after.network.weights_sha256(), before.network.weights_sha256());
        assert_eq!((after.epoch, after.rows.len()), (before.epoch, 3));
        assert!(after.network.is_finite());
    }
}

#[test]
fn a_run_that_diverges_at_once_keeps_what_it_began_with() {
    let data = data(64, 12, 3);
    // A rate that is infinite in single precision: one batch an epoch, so its loss is still fine.
    let weight = config(&json!({"optimizer": "sgd", "lr": 1e39, "batch_size": 1000}));
    let outcome = Outcome::Diverged { epoch: 1, batch: 1, why: Divergence::Weight };
    let trained_weight = trained(&weight, &data);
    assert_eq!(trained_weight.outcome, outcome);
    assert_eq!(trained_weight.network.weights_sha256(), beginning(&weight, &data).weights_sha256());
    assert_eq!((trained_weight.epoch, trained_weight.rows.len()), (0, 0));
    // Losses that are huge, and still numbers.
    let settings = json!({"optimizer": "sgd", "lr": 1e5, "num_layers": 0, "hidden_size": [], "shuffle": false});
    let exploded = trained(&config(&settings), &data);
    assert!(
        matches!(exploded.outcome, Outcome::Diverged { epoch: 1, why: Divergence::Exploded(x), .. } if x > 100.0),
        "{:?}",
        exploded.outcome
    );
}

#[test]
fn a_network_that_is_no_number_at_the_start_is_noticed_in_the_first_batch() {
    let data = data(64, 12, 3);
    let config = config(&json!({}));
    let mut tensors = beginning(&config, &data).tensors();
    tensors[1].bias[3] = f32::NAN;
    for activation in handloom_engine::activation::Activation::all() {
        let network = Network::from_tensors(&[12, 9, 8, 3], activation, &tensors);
        let trained = resume(&config, &data, Session::new(&config, &network), &Machine::new(1), &mut silent);
        assert_eq!(trained.outcome, Outcome::Diverged { epoch: 1, batch: 1, why: Divergence::Loss });
    }
}
