//! The parts of the answer together, on images made by hand.

use std::sync::Arc;

use handloom_engine::dataset::Dataset;
use handloom_engine::event::{EpochDiagnostics, EpochMetrics};
use handloom_engine::metric::Confusion;
use handloom_store::Epoch;
use serde_json::json;

use super::super::sprite_sheet::tests::picture;
use super::*;

/// Images of four pixels, each ten times its row, with these labels and probabilities.
pub(super) fn judged(labels: &[u8], probabilities: &[f32]) -> Predictions {
    let (rows, data) = data(labels, probabilities.len() / labels.len());
    Predictions::from_probabilities("r", Set::Validation, data, rows, probabilities.to_vec())
}

fn data(labels: &[u8], classes: usize) -> (Vec<u32>, Arc<Dataset>) {
    let data = Dataset {
        images: Arc::new((0..labels.len()).flat_map(|row| [(10 * row) as u8; 4]).collect()),
        labels: Arc::new(labels.to_vec()),
        shape: vec![2, 2],
        classes: (0..classes).map(|class| format!("class {class}")).collect(),
    };
    ((0..labels.len() as u32).collect(), Arc::new(data))
}

/// An epoch that recorded these confusions.
pub(super) fn epoch<const C: usize>(number: u64, counts: &[[u64; C]]) -> Epoch {
    let row = EpochMetrics {
        epoch: number,
        train_loss: 0.5,
        train_accuracy: 0.5,
        val_loss: None,
        val_accuracy: None,
        learning_rate: 0.1,
        samples_per_second: 1.0,
        seconds: 1.0,
        val_seconds: 0.1,
    };
    let confusion = Confusion { counts: counts.iter().map(|row| row.to_vec()).collect() };
    Epoch { row, evidence: EpochDiagnostics { confusion: Some(confusion), layers: vec![] } }
}

#[test]
fn an_answer_holds_every_view_of_the_errors() {
    // Rows 0 and 1 are right, 2 is sure and wrong, 3 is wrong with its class second, 4 is wrong with its class last.
    let labels = [0, 1, 0, 1, 2];
    let probabilities = [0.9, 0.05, 0.05, 0.1, 0.8, 0.1, 0.01, 0.98, 0.01, 0.6, 0.3, 0.1, 0.2, 0.75, 0.05];
    let judged = judged(&labels, &probabilities);
    let (_, training) = data(&[0, 1, 1, 2], 3);
    let known = Known::new(training, vec![0, 1, 2, 3]);
    let answer = everything(&judged, &known, &[epoch(1, &[[1, 1, 0], [1, 1, 0], [0, 1, 0]])]);
    assert_eq!(
        ["run", "set", "images", "wrong"].map(|key| answer[key].clone()),
        [json!("r"), json!("validation"), json!(5), json!(3)]
    );
    assert_eq!(answer["accuracy"], json!(0.4));
    assert_eq!(answer["second"], json!(2.0 / 3.0));
    assert_eq!(answer["confusion"], json!([[1, 1, 0], [1, 1, 0], [0, 1, 0]]));
    assert_eq!(answer["order"], json!([0, 1, 2]));
    assert_eq!((&answer["recall"], &answer["precision"]), (&json!([0.5, 0.5, 0.0]), &json!([0.5, 1.0 / 3.0, null])));
    assert_eq!(answer["pairs"][0], json!({"a": 0, "b": 1, "ab": 1, "ba": 1, "one_way": false}));
    assert_eq!(answer["faces"]["index"], json!([[0, 2, -1], [3, 1, -1], [-1, 4, -1]]));
    let faces = picture(&answer["faces"]["sheet"]);
    assert_eq!([(0, 0), (2, 0), (4, 0), (0, 2), (2, 2)].map(|(x, y)| faces.get_pixel(x, y).0[0]), [0, 10, 20, 30, 40]);
    let bins: Vec<u64> =
        answer["calibration"].as_array().unwrap().iter().map(|bin| bin["images"].as_u64().unwrap()).collect();
    assert_eq!((bins.len(), bins.iter().sum::<u64>()), (15, 5));
    assert_eq!(answer["training"]["epoch"], json!([1]));
    assert_eq!(answer["sure"]["count"], 1);
    assert_eq!(
        answer["sure"]["list"][0],
        json!({
            "index": 2, "true": 0, "predicted": 1, "top": [[1, 0.98], [0, 0.01], [2, 0.01]],
            "near": [
                {"index": 2, "label": 1, "distance": 0.0},
                {"index": 1, "label": 1, "distance": 0.03922},
                {"index": 3, "label": 2, "distance": 0.03922},
            ],
        })
    );
    assert_eq!((&answer["sure"]["sheet"]["count"], &answer["sure"]["near"]["count"]), (&json!(1), &json!(3)));
    assert_eq!(answer["sentences"], json!([]));
}

#[test]
fn a_label_is_suspected_if_model_and_neighbors_agree_and_not_by_one_of_them_alone() {
    // Row 0 is said to be class 0; the model sees class 1 and nothing of class 0.
    let judged = judged(&[0], &[0.001, 0.998, 0.001]);
    let near = |labels: &[u8]| {
        let (rows, data) = data(labels, 3);
        let known = Known::new(data, rows);
        let suspects = suspects::of(&judged, &known);
        (suspects.count, suspects.to_value(&judged, &known)["list"].as_array().unwrap().len())
    };
    assert_eq!(near(&[1, 1, 1, 0, 1]), (1, 1));
    assert_eq!(near(&[1, 1, 0, 0, 1]), (0, 0));
    let unsure = self::judged(&[0], &[0.02, 0.96, 0.02]);
    let (rows, data) = data(&[1; 5], 3);
    assert_eq!(suspects::of(&unsure, &Known::new(data, rows)).count, 0);
}

#[test]
fn examples_come_surest_first_and_no_more_than_asked() {
    let judged = judged(&[1, 1, 1], &[0.6, 0.4, 0.9, 0.1, 0.7, 0.3]);
    let (rows, data) = data(&[0], 2);
    let known = Known::new(data, rows);
    let places = surest_first(&judged, |place| judged.is_wrong(place));
    let found = examples(&judged, &places, 2, &known);
    let indices: Vec<u64> =
        found["list"].as_array().unwrap().iter().map(|one| one["index"].as_u64().unwrap()).collect();
    assert_eq!((indices, &found["count"]), (vec![1, 2], &json!(3)));
    // One training image is one near image, in the first of three places.
    assert_eq!(found["list"][0]["near"].as_array().unwrap().len(), 1);
    assert_eq!(found["near"]["count"], 6);
    let none = examples(&judged, &[], 2, &known);
    assert_eq!(none, json!({"count": 0, "list": [], "sheet": null, "near": null}));
}
