//! Per-epoch diagnostics.

use handloom_engine::event::EpochDiagnostics;
use handloom_engine::session::Session;
use handloom_engine::train::resume;
use serde_json::json;

use super::*;

/// The evidence of each epoch of a training from `session` on, and the bytes of its checkpoint after each.
fn witnessed(
    config: &Config,
    data: &Dataset,
    session: Session,
    threads: usize,
) -> (Vec<EpochDiagnostics>, Vec<Vec<u8>>) {
    let (mut all, mut checkpoints) = (Vec::new(), Vec::new());
    let mut watch = |event: &Event<'_>| {
        if let Event::Epoch { row, evidence, session, .. } = event {
            let confusion = evidence.confusion.as_ref();
            assert_eq!(confusion.and_then(handloom_engine::metric::Confusion::accuracy), row.val_accuracy);
            all.push((*evidence).clone());
            checkpoints.push(session.to_checkpoint());
        }
        ControlFlow::Continue(())
    };
    resume(config, data, session, &Machine::new(threads), &mut watch);
    (all, checkpoints)
}

/// Layers wide enough that their passes, and the counting in them, are shared between threads.
#[test]
fn threads_and_interruptions_change_no_evidence() {
    let data = data(900, 90, 20);
    for activation in ["relu", "tanh", "gelu"] {
        let config =
            config(&json!({"activation": activation, "hidden_size": [460, 35], "epochs": 3, "weights": "last",
            "batch_size": 64, "val_fraction": 0.4}));
        let start = || Session::new(&config, &beginning(&config, &data));
        let (whole, checkpoints) = witnessed(&config, &data, start(), 1);
        assert_eq!((whole.len(), whole[0].layers.len()), (3, 3));
        for threads in [2, 3, 8] {
            assert_eq!(witnessed(&config, &data, start(), threads).0, whole, "{activation}, {threads} threads");
        }
        for (epoch, checkpoint) in checkpoints.iter().enumerate() {
            let session = Session::from_checkpoint(checkpoint, &config).unwrap();
            assert_eq!(witnessed(&config, &data, session, 1).0, whole[epoch + 1..], "{activation} from {epoch}");
        }
        assert_ne!(whole[0], whole[2], "it is looked at anew");
    }
}

#[test]
fn a_batch_larger_than_the_training_split_and_no_validation_are_no_trouble() {
    let data = data(40, 9, 3);
    let config = config(&json!({"val_fraction": 0.0, "batch_size": 500, "hidden_size": []}));
    let (all, _) = witnessed(&config, &data, Session::new(&config, &beginning(&config, &data)), 1);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|evidence| evidence.confusion.is_none() && evidence.layers[0].gradient_norm > 0.0));
}

#[test]
fn gradients_before_the_first_step_are_told_once_and_change_nothing() {
    let data = data(300, 40, 5);
    let config =
        config(&json!({"activation": "sigmoid", "hidden_size": [24, 24, 24], "epochs": 2, "val_fraction": 0.2}));
    let network = beginning(&config, &data);
    let machine = Machine::new(2);
    let expected = handloom_engine::train::initial_norms(&config, &data, &network, &machine);
    let mut told: Vec<Option<Vec<f64>>> = Vec::new();
    let mut checkpoint = Vec::new();
    let mut watch = |event: &Event<'_>| {
        match event {
            Event::Started { initial_norms, .. } => told.push(initial_norms.map(<[f64]>::to_vec)),
            Event::Epoch { session, .. } if session.epoch == 1 => checkpoint = session.to_checkpoint(),
            _ => {}
        }
        ControlFlow::Continue(())
    };
    let whole = resume(&config, &data, Session::new(&config, &network), &Machine::new(1), &mut watch);
    assert_eq!((whole.initial_norms.as_ref(), expected.len()), (Some(&expected), 4));
    let later = Session::from_checkpoint(&checkpoint, &config).unwrap();
    let resumed = resume(&config, &data, later, &machine, &mut |event: &Event<'_>| {
        if let Event::Started { initial_norms, .. } = event {
            told.push(initial_norms.map(<[f64]>::to_vec));
        }
        ControlFlow::Continue(())
    });
    assert_eq!(resumed.initial_norms, None);
    assert_eq!(told, [Some(expected), None]);
    assert_eq!(resumed.network.weights_sha256(), whole.network.weights_sha256());
}
