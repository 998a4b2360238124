//! Batches and epochs.

use handloom_engine::activation::Activation;
use handloom_engine::init::Init;
use handloom_engine::optim::Optimizer;
use serde_json::json;

use super::*;

/// Gradients that are summed, or averaged twice, make the step depend on the batch size: a batch of every image twice is the
/// same step as a batch of every image once.
#[test]
fn the_gradient_is_a_mean_whatever_the_batch_size() {
    let once = data(40, 12, 3);
    let twice = Dataset {
        images: Arc::new([once.images.as_slice(), once.images.as_slice()].concat()),
        labels: Arc::new([once.labels.as_slice(), once.labels.as_slice()].concat()),
        ..once.clone()
    };
    for loss in ["cross_entropy", "mean_squared_error"] {
        let settings = json!({"loss": loss, "optimizer": "sgd", "lr": 0.5, "batch_size": 1000, "val_fraction": 0});
        let (a, b) = (trained(&config(&settings), &once), trained(&config(&settings), &twice));
        assert!(distance(&a.network, &b.network) < 1e-6, "{loss}");
        let untrained = beginning(&config(&settings), &once);
        assert!(distance(&a.network, &untrained) > 1e-3, "{loss}: it moves");
    }
}

#[test]
fn batches_of_one_of_all_and_of_more_than_all_work() {
    let data = data(37, 12, 3);
    let run = |batch: usize| {
        let config = config(&json!({"batch_size": batch, "val_fraction": 0, "shuffle": false}));
        let mut seen = Vec::new();
        let mut watch = |event: &Event<'_>| {
            if let Event::Started { steps, images, .. } = event {
                seen.push((*steps, *images));
            }
            ControlFlow::Continue(())
        };
        let trained = train(&config, &data, &Machine::new(1), &mut watch);
        (trained, seen[0])
    };
    let ((one, steps), (all, all_steps), (more, more_steps)) = (run(1), run(37), run(1_000_000));
    assert_eq!((steps, all_steps, more_steps), ((37, 37), (1, 37), (1, 37)));
    assert_eq!(all.network.weights_sha256(), more.network.weights_sha256());
    assert!(one.rows[2].train_loss < one.rows[0].train_loss && one.network.is_finite());
    assert_eq!(run(10).1, (4, 37), "the last batch has 7");
}

/// An order that repeats or leaves out images shows in the figures: at rate 0 the means of an epoch are those of one pass
/// over all images, in whatever order.
#[test]
fn figures_are_means_over_every_image_once() {
    let data = data(331, 12, 3);
    for (shuffle, batch) in [(true, 16), (false, 16), (true, 300), (true, 1)] {
        let config = config(&json!({"optimizer": "sgd", "lr": 0, "shuffle": shuffle, "batch_size": batch}));
        let (rows, held) = data.split(config.val_fraction);
        let network = beginning(&config, &data);
        let exact = |rows| network.evaluate(&data, rows, &config.loss, &Machine::new(1));
        for row in trained(&config, &data).rows {
            assert!((row.train_loss - exact(&rows).mean_loss()).abs() < 1e-6, "{row:?}");
            assert_eq!(row.train_accuracy, exact(&rows).accuracy());
            assert_eq!(row.val_loss, Some(exact(&held).mean_loss()));
            assert_eq!(row.val_accuracy, Some(exact(&held).accuracy()));
        }
    }
}

#[test]
fn shuffling_changes_the_path_and_keeping_the_order_does_not() {
    let data = data(100, 12, 3);
    let sha = |settings| trained(&config(&settings), &data).network.weights_sha256();
    assert_ne!(sha(json!({})), sha(json!({"shuffle": false})));
    assert_eq!(sha(json!({})), sha(json!({})));
    assert_ne!(sha(json!({})), sha(json!({"seed": 2})));
}

/// A mean of batch means weighs the images of a small last batch more: with several chunks of validation images and a small
/// rest, every image counts once and alike.
#[test]
fn validation_counts_every_image_once() {
    let data = data(1200, 12, 3);
    let config = config(&json!({"val_fraction": 0.5, "weights": "last"}));
    let (_, held) = data.split(0.5);
    assert!(held.len() > 512 && !held.len().is_multiple_of(256) && !held.len().is_multiple_of(config.batch_size));
    let trained = trained(&config, &data);
    let machine = Machine::new(1);
    let (mut correct, mut loss) = (0, 0.0);
    for &row in &held {
        let p = trained.network.predict(&data, &[row], &machine);
        let best = (0..3).rev().max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap();
        let label = usize::from(data.labels[row as usize]);
        correct += u32::from(best == label);
        loss -= libm::log(f64::from(p[label]));
    }
    let row = trained.rows.last().unwrap();
    assert_eq!(row.val_accuracy, Some(f64::from(correct) / held.len() as f64));
    assert!((row.val_loss.unwrap() - loss / held.len() as f64).abs() < 1e-6);
    assert!(row.val_accuracy.unwrap() > 0.34, "it learns");
}

/// An optimizer whose memory is reset every epoch starts anew: two epochs over a data set are one epoch over that data set
/// written twice.
#[test]
fn an_epoch_is_no_boundary_for_the_optimizer() {
    let once = data(32, 12, 3);
    let twice = Dataset {
        images: Arc::new([once.images.as_slice(), once.images.as_slice()].concat()),
        labels: Arc::new([once.labels.as_slice(), once.labels.as_slice()].concat()),
        ..once.clone()
    };
    for optimizer in Optimizer::NAMES {
        let settings = |epochs| json!({"optimizer": optimizer, "epochs": epochs, "shuffle": false, "val_fraction": 0});
        let (a, b) = (trained(&config(&settings(2)), &once), trained(&config(&settings(1)), &twice));
        assert_eq!(a.network.weights_sha256(), b.network.weights_sha256(), "{optimizer}");
    }
}

/// Finds an evaluation that trains, and a cache that outlives its network: evaluating, predicting and taking gradients
/// change neither network nor later answers.
#[test]
fn passes_leave_nothing_behind() {
    let data = data(20, 12, 8);
    let (machine, rows) = (Machine::new(1), (0..20).collect::<Vec<u32>>());
    for activation in Activation::all() {
        let network = Network::new(&[12, 8, 8, 8], activation, &Init::named("he").unwrap(), 1);
        let (before, sha) = (network.predict(&data, &rows, &machine), network.weights_sha256());
        let config = config(&json!({}));
        let gradient = network.gradient(&data, &rows, &config.loss, &machine);
        network.evaluate(&data, &rows, &config.loss, &machine);
        assert_eq!(network.gradient(&data, &rows, &config.loss, &machine), gradient);
        assert_eq!((network.predict(&data, &rows, &machine), network.weights_sha256()), (before, sha));
    }
}

#[test]
fn every_combination_learns() {
    let data = data(300, 20, 3);
    for optimizer in Optimizer::all() {
        for activation in Activation::NAMES {
            let settings =
                json!({"optimizer": optimizer.name(), "activation": activation, "epochs": 8, "weight_init": "xavier"});
            let rows = trained(&config(&settings), &data).rows;
            assert!(rows[7].train_loss < 0.99 * rows[0].train_loss, "{} {activation}: {rows:?}", optimizer.name());
        }
    }
}
