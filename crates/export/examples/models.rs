//! Writes a network of each activation as safetensors, ONNX and npz into a folder, each with the predictions that
//! Handloom makes of some images as JSON, for `tests/external/models_read.py`: `models FOLDER`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use handloom_engine::Machine;
use handloom_engine::activation::Activation;
use handloom_engine::dataset::Dataset;
use handloom_engine::init::Init;
use handloom_engine::model::Model;
use handloom_engine::network::Network;
use handloom_export::{npz, onnx};
use serde_json::{Map, json};

const SHAPE: [usize; 2] = [7, 9];
const CLASSES: usize = 5;
const IMAGES: usize = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: models FOLDER")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let pixels: Vec<u8> = (0..IMAGES * 63).map(|i| (i * i * 31 % 256) as u8).collect();
    let classes: Vec<String> = (0..CLASSES).map(|class| format!("class {class}")).collect();
    let data = Dataset {
        images: Arc::new(pixels.clone()),
        labels: Arc::new(vec![0; IMAGES]),
        shape: SHAPE.to_vec(),
        classes: classes.clone(),
    };
    let init = Init::named("xavier").ok_or("no xavier")?;
    let rows: Vec<u32> = (0..IMAGES as u32).collect();
    for activation in Activation::all() {
        for hidden in [&[][..], &[33, 17]] {
            let sizes = [&[63], hidden, &[CLASSES]].concat();
            let mut network = Network::new(&sizes, activation.clone(), &init, 11);
            // Larger weights than at the beginning of a training, so that flat ends and tails are reached.
            let mut tensors = network.tensors();
            for (i, value) in
                tensors.iter_mut().flat_map(|layer| layer.weight.iter_mut().chain(&mut layer.bias)).enumerate()
            {
                *value = *value * 3.0 + (i % 7) as f32 * 0.01;
            }
            network = Network::from_tensors(&sizes, activation.clone(), &tensors);
            let probabilities = network.predict(&data, &rows, &Machine::new(1));
            let config = Map::from_iter([("activation".to_owned(), json!(activation.name()))]);
            let model = Model { network, classes: classes.clone(), input_shape: SHAPE.to_vec(), config };
            let file = |extension| folder.join(format!("{}-{}.{extension}", activation.name(), hidden.len()));
            model.save(&file("safetensors"))?;
            onnx::save(&model, &file("onnx"))?;
            npz::save(&model, &file("npz"))?;
            let of = |values: &[f32]| values.chunks(CLASSES).map(<[f32]>::to_vec).collect::<Vec<_>>();
            let expected =
                json!({"pixels": pixels.chunks(63).collect::<Vec<_>>(), "probabilities": of(&probabilities)});
            fs::write(file("json"), expected.to_string())?;
        }
    }
    Ok(())
}
