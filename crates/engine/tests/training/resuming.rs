//! The same seed is the same run, on any number of threads and with any interruption.

use handloom_engine::optim::Optimizer;
use handloom_engine::session::Session;
use handloom_engine::train::resume;
use handloom_engine::{NUMERICS, Numerics, event::Outcome, loss::LossKind};
use serde_json::json;

use super::*;

/// Trains up to an event for which `ends` holds, and gives the bytes of the last checkpoint.
fn interrupted(config: &Config, data: &Dataset, ends: impl Fn(&Event<'_>) -> bool) -> (Trained, Vec<u8>) {
    let mut checkpoint = Vec::new();
    let mut watch = |event: &Event<'_>| {
        if let Event::Started { session, .. } | Event::Epoch { session, .. } = event {
            checkpoint = session.to_checkpoint();
        }
        if ends(event) { ControlFlow::Break("enough") } else { ControlFlow::Continue(()) }
    };
    let trained = train(config, data, &Machine::new(1), &mut watch);
    (trained, checkpoint)
}

/// Asserts that a run resumed from `checkpoint` ends as `whole` did.
fn ends_alike(whole: &Trained, checkpoint: &[u8], config: &Config, data: &Dataset, threads: usize) {
    let session = Session::from_checkpoint(checkpoint, config).unwrap();
    let resumed = resume(config, data, session, &Machine::new(threads), &mut silent);
    let name = config.optimizer.name();
    assert_eq!(resumed.network.weights_sha256(), whole.network.weights_sha256(), "{name}");
    assert_eq!(figures(&resumed.rows), figures(&whole.rows), "{name}");
    assert_eq!((resumed.epoch, resumed.outcome), (whole.epoch, Outcome::Finished), "{name}");
}

/// 20 classes and a smaller last batch: two output panels, the second of them mostly padding.
#[test]
fn ten_epochs_are_five_and_five_for_every_optimizer() {
    let data = data(205, 21, 20);
    let choices = Optimizer::NAMES.iter().flat_map(|o| LossKind::NAMES.iter().map(move |l| (o, l)));
    for ((optimizer, loss), weights) in choices.flat_map(|choice| ["best", "last"].map(|weights| (choice, weights))) {
        let config = config(&json!({"optimizer": optimizer, "loss": loss, "weights": weights, "epochs": 10,
            "weight_decay": 1e-3, "activation": "gelu", "hidden_size": [18, 9]}));
        let whole = trained(&config, &data);
        assert_eq!(whole.rows.len(), 10);
        let (half, checkpoint) =
            interrupted(&config, &data, |event| matches!(event, Event::Epoch { row, .. } if row.epoch == 5));
        assert_eq!((half.outcome, half.rows.len()), (Outcome::Stopped("enough"), 5));
        ends_alike(&whole, &checkpoint, &config, &data, 1);
    }
}

#[test]
fn a_stop_in_the_middle_of_an_epoch_loses_only_that_epoch() {
    let data = data(205, 21, 20);
    let config = config(&json!({"optimizer": "nadam", "epochs": 4, "weights": "last"}));
    let whole = trained(&config, &data);
    for (stop_epoch, stop_images) in [(1, 16), (3, 16), (3, 96)] {
        let (stopped, checkpoint) = interrupted(
            &config,
            &data,
            |event| matches!(event, Event::Stepped { epoch, images } if (*epoch, *images) == (stop_epoch, stop_images)),
        );
        assert_eq!(stopped.outcome, Outcome::Stopped("enough"));
        assert_eq!((stopped.epoch, stopped.rows.len() as u64), (stop_epoch - 1, stop_epoch - 1));
        let session = Session::from_checkpoint(&checkpoint, &config).unwrap();
        assert_eq!(
            stopped.network.weights_sha256(),
            session.network().weights_sha256(),
            "what is kept is of a whole epoch"
        );
        ends_alike(&whole, &checkpoint, &config, &data, 2);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let data = data(600, 200, 24);
    for batch in [64, 300] {
        let config = config(
            &json!({"optimizer": "adam", "hidden_size": [130, 70], "batch_size": batch, "epochs": 2, "weight_decay": 1e-4}),
        );
        let run = |threads| {
            let trained = train(&config, &data, &Machine::new(threads), &mut silent);
            (trained.network.weights_sha256(), figures(&trained.rows))
        };
        let alone = run(1);
        for threads in [2, 3, 8] {
            assert_eq!(run(threads), alone, "{threads} threads, batches of {batch}");
        }
    }
}

#[test]
fn a_finished_run_has_nothing_left_to_train() {
    let data = data(60, 12, 3);
    let config = config(&json!({}));
    let (whole, checkpoint) = interrupted(&config, &data, |_| false);
    ends_alike(&whole, &checkpoint, &config, &data, 1);
}

#[test]
fn a_checkpoint_cut_off_or_of_another_optimizer_is_an_error() {
    let data = data(60, 12, 3);
    let config_of = |optimizer: &str| config(&json!({"optimizer": optimizer}));
    let (_, checkpoint) = interrupted(&config_of("adam"), &data, |_| false);
    for length in 0..checkpoint.len() {
        assert!(Session::from_checkpoint(&checkpoint[..length], &config_of("adam")).is_err(), "{length}");
    }
    assert!(Session::from_checkpoint(&checkpoint, &config_of("nadam")).is_err());
    assert!(Session::from_checkpoint(&checkpoint, &config_of("amsgrad")).is_err());
}

#[test]
fn a_flipped_bit_anywhere_in_a_checkpoint_is_an_error() {
    let data = data(60, 12, 3);
    let config = config(&json!({"optimizer": "sgd", "hidden_size": [4], "epochs": 2}));
    let (_, checkpoint) = interrupted(&config, &data, |_| false);
    assert!(Session::from_checkpoint(&checkpoint, &config).is_ok_and(|session| session.is_checked));
    for at in 0..checkpoint.len() {
        for bit in 0..8 {
            let mut flipped = checkpoint.clone();
            flipped[at] ^= 1 << bit;
            assert!(Session::from_checkpoint(&flipped, &config).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_checkpoint_knows_its_configuration_and_the_arithmetic_of_its_steps() {
    let data = data(60, 12, 3);
    let mine = config(&json!({"optimizer": "adam", "seed": 3}));
    let (_, checkpoint) = interrupted(&mine, &data, |_| false);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.safetensors");
    std::fs::write(&path, &checkpoint).unwrap();
    let here = Numerics::of(Machine::new(1).isa());
    let session = Session::load(&path, &Config { epochs: mine.epochs + 5, ..mine.clone() }).unwrap();
    assert_eq!((session.arithmetic(), session.arithmetic_with(&here)), (Some(&here), here.clone()));
    let other = Numerics { numerics: Some(NUMERICS + 1), ..here };
    assert_eq!(session.arithmetic_with(&other), Numerics::default(), "of two, neither is the training's");
    let error = Session::load(&path, &config(&json!({"optimizer": "adam", "seed": 4}))).err().unwrap().to_string();
    assert!(error.contains("`seed` is 3 there and 4 here") && error.contains("hint:"), "{error}");
}
