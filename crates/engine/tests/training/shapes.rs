//! Networks of every shape.

use serde_json::json;

use super::*;

/// A network of `num_layers` hidden layers has one layer more, its output.
#[test]
fn hidden_layers_are_counted_without_the_output() {
    let data = data(60, 12, 3);
    for layers in 0..5 {
        let config = config(&json!({"num_layers": layers, "hidden_size": 7}));
        let network = trained(&config, &data).network;
        let expected = [&[12][..], &vec![7; layers], &[3]].concat();
        assert_eq!(network.sizes(), expected);
        let parameters: usize = expected.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
        assert_eq!(network.parameters(), parameters);
    }
}

#[test]
fn any_number_of_classes_trains() {
    for classes in [1, 2, 16, 17, 256] {
        let data = data(6 * classes.max(20), 12, classes);
        for (loss, hidden) in [("ce", json!([])), ("mse", json!([5])), ("ce", json!([33, 1, 20]))] {
            let config =
                config(&json!({"loss": loss, "hidden_size": hidden, "num_layers": hidden.as_array().unwrap().len()}));
            let trained = trained(&config, &data);
            assert_eq!(trained.rows.len(), 3, "{classes} classes, {loss}, {hidden}");
            let loss_is = |row: &EpochMetrics| row.train_loss.is_finite() && row.val_loss.unwrap().is_finite();
            assert!(trained.network.is_finite() && trained.rows.iter().all(loss_is));
            if classes == 1 {
                assert_eq!((trained.rows[0].train_loss, trained.rows[0].train_accuracy), (0.0, 1.0));
            }
            let p = trained.network.predict(&data, &[0, 5], &Machine::new(1));
            assert_eq!(p.len(), 2 * classes);
            assert!(p.chunks(classes).all(|p| (p.iter().sum::<f32>() - 1.0).abs() < 1e-5));
        }
    }
}

/// Softmax regression has no saddle and no local minimum: enough steps on few images learn them by heart.
#[test]
fn no_hidden_layer_is_softmax_regression() {
    let data = data(30, 40, 3);
    let settings = json!({"num_layers": 0, "optimizer": "sgd", "lr": 0.5, "epochs": 300, "batch_size": 30, "val_fraction": 0, "weight_init": "zeros"});
    let rows = trained(&config(&settings), &data).rows;
    assert!((rows[0].train_loss - libm::log(3.0)).abs() < 1e-6, "zeros know nothing");
    assert!(rows.windows(2).all(|pair| pair[1].train_loss < pair[0].train_loss), "down in every step");
    assert_eq!(rows[299].train_accuracy, 1.0);
}

/// All weights 0: units of a layer stay equal for ever, and with several layers nothing below the output moves.
#[test]
fn zeros_never_break_their_symmetry() {
    let data = data(60, 12, 3);
    let network = trained(&config(&json!({"weight_init": "zeros", "activation": "tanh"})), &data).network.tensors();
    assert!(network[..2].iter().all(|layer| layer.weight.iter().chain(&layer.bias).all(|&w| w == 0.0)));
    let network = trained(&config(&json!({"weight_init": "zeros", "activation": "sigmoid", "epochs": 20})), &data);
    let first = &network.network.tensors()[0];
    assert!(first.weight.chunks_exact(12).all(|unit| unit == &first.weight[..12]) && first.weight[0] != 0.0);
}
