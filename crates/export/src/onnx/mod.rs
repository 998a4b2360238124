//! Models for ONNX Runtime and whatever else reads ONNX.
//!
//! Input `x` (N, I), float32: each image's pixels row by row, scaled to `[0, 1]`. Output `probabilities` (N, C). N is
//! free. Between them stand a `Gemm` for each layer, the activation after each hidden one, and a `Softmax`. Weights
//! keep their names, `layers.{i}.weight` (out, in) and `layers.{i}.bias`. The metadata key `handloom` holds the same
//! JSON as a model file's, with classes, image shape and configuration.
//!
//! Operators are those of opset 13 (2021), so that runtimes since then read the file; an activation without an
//! operator of its own there is built of others.
//!
//! To add an activation: write it in `graph.rs`; a test over the list says so if it is missing.

mod graph;
mod message;

use std::path::Path;

use handloom_engine::model::{Model, write_atomically};
use prost::Message as _;
use serde_json::json;

use crate::error::{Error, Result};
use message::{ModelProto, OperatorSetId, StringEntry};

/// Version of the file format that belongs to the opset.
const IR_VERSION: i64 = 7;

/// Version of the operators.
const OPSET: i64 = 13;

/// Most bytes of weights: a file of 2 GiB can no longer be read, and needs some room for the rest.
const MAX_BYTES: usize = (2 << 30) - (16 << 20);

/// Writes `model`, whole or not at all.
pub fn save(model: &Model, path: &Path) -> Result<()> {
    write_atomically(path, &to_bytes(model)?)?;
    Ok(())
}

/// The bytes of the file.
pub fn to_bytes(model: &Model) -> Result<Vec<u8>> {
    Ok(to_proto(model)?.encode_to_vec())
}

fn to_proto(model: &Model) -> Result<ModelProto> {
    let bytes = model.network.parameters() * size_of::<f32>();
    if bytes > MAX_BYTES {
        return Err(Error::TooLarge { bytes });
    }
    let about = json!({
        "version": 1, "sizes": model.network.sizes(), "activation": model.network.activation().name(),
        "classes": model.classes, "input_shape": model.input_shape, "scale": 1.0 / 255.0, "config": model.config,
    });
    let doc = "Input x: pixels in [0, 1], row by row. Output: the probability of each class.";
    Ok(ModelProto {
        ir_version: IR_VERSION,
        producer_name: "handloom".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: doc.into(),
        graph: Some(graph::graph(&model.network)),
        opset_import: vec![OperatorSetId { domain: String::new(), version: OPSET }],
        metadata_props: vec![StringEntry { key: "handloom".into(), value: about.to_string() }],
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use handloom_engine::activation::Activation;
    use handloom_engine::init::Init;
    use handloom_engine::network::Network;
    use serde_json::{Map, Value};

    use super::message::{Dimension, Extent};
    use super::*;

    /// A network 6-5-3 with classes `a b c`.
    pub(crate) fn model(activation: &str) -> Model {
        let activation = Activation::named(activation).unwrap();
        let network = Network::new(&[6, 5, 3], activation, &Init::named("xavier").unwrap(), 7);
        let classes = ["a", "b", "c"].map(String::from).to_vec();
        Model { network, classes, input_shape: vec![2, 3], config: Map::from_iter([("seed".into(), 7.into())]) }
    }

    #[test]
    fn names_shapes_and_weights_survive_the_file() {
        let model = model("relu");
        let read = ModelProto::decode(&*to_bytes(&model).unwrap()).unwrap();
        assert_eq!(read, to_proto(&model).unwrap());
        let graph = read.graph.unwrap();
        let operators: Vec<_> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
        assert_eq!(operators, ["Gemm", "Relu", "Gemm", "Softmax"]);
        let layers = model.network.tensors();
        let expected = [
            ("layers.0.weight", vec![5, 6], &layers[0].weight),
            ("layers.0.bias", vec![5], &layers[0].bias),
            ("layers.1.weight", vec![3, 5], &layers[1].weight),
            ("layers.1.bias", vec![3], &layers[1].bias),
        ];
        assert_eq!(graph.initializer.len(), expected.len());
        for (tensor, (name, dims, values)) in graph.initializer.iter().zip(expected) {
            assert_eq!((tensor.name.as_str(), &tensor.dims), (name, &dims));
            let found: Vec<f32> = tensor.raw_data.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
            assert_eq!(found, *values, "{name}");
        }
        let shape = |info: &message::ValueInfo| {
            let tensor = info.kind.as_ref().unwrap().tensor_type.as_ref().unwrap();
            tensor.shape.as_ref().unwrap().dim.clone()
        };
        let dims = |length| {
            [Extent::Param("N".into()), Extent::Value(length)].map(|extent| Dimension { extent: Some(extent) }).to_vec()
        };
        assert_eq!((shape(&graph.input[0]), shape(&graph.output[0])), (dims(6), dims(3)));
        let about: Value = serde_json::from_str(&read.metadata_props[0].value).unwrap();
        assert_eq!((&about["classes"][1], &about["config"]["seed"]), (&json!("b"), &json!(7)));
    }

    /// Every value is made before it is used, once, and the result is the softmax's.
    #[test]
    fn every_activation_makes_a_graph_that_holds_together() {
        for activation in Activation::NAMES {
            let graph = to_proto(&model(activation)).unwrap().graph.unwrap();
            let mut known: Vec<_> = graph.initializer.iter().map(|tensor| tensor.name.clone()).collect();
            known.push("x".into());
            for node in &graph.node {
                assert!(node.input.iter().all(|name| known.contains(name)), "{activation}: {node:?} in {known:?}");
                assert!(node.output.iter().all(|name| !known.contains(name)), "{activation}: {node:?} in {known:?}");
                known.extend(node.output.clone());
            }
            assert_eq!(known.last().unwrap(), &graph.output[0].name, "{activation}");
            let between = graph.node.len() - 3;
            assert_eq!(between == 0, *activation == "identity", "{activation} has {between} nodes");
        }
    }
}
