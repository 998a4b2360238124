//! The network as ONNX operators.

use handloom_engine::activation::Activation;
use handloom_engine::network::Network;

use super::message::{
    Attribute, Dimension, Extent, GraphProto, NodeProto, Shape, TensorProto, TensorType, TypeProto, ValueInfo,
};

/// ONNX's number for float32.
const FLOAT: i32 = 1;

/// The graph from `x` to `probabilities`.
pub(super) fn graph(network: &Network) -> GraphProto {
    let sizes = network.sizes();
    let mut graph = GraphProto {
        name: "handloom".into(),
        input: vec![value("x", network.inputs())],
        output: vec![value("probabilities", network.classes())],
        ..GraphProto::default()
    };
    let mut from = "x".to_owned();
    let hidden = sizes.len() - 2;
    for (number, (pair, layer)) in sizes.windows(2).zip(network.tensors()).enumerate() {
        let (weight, bias) = (format!("layers.{number}.weight"), format!("layers.{number}.bias"));
        graph.initializer.push(tensor(&weight, &[pair[1], pair[0]], &layer.weight));
        graph.initializer.push(tensor(&bias, &[pair[1]], &layer.bias));
        // x · Wᵀ + b
        let transposed = Attribute { name: "transB".into(), i: Some(1), kind: 2, ..Attribute::default() };
        from = node(&mut graph, "Gemm", &[&from, &weight, &bias], format!("layers.{number}.sum"), vec![transposed]);
        if number < hidden {
            from = activate(&mut graph, network.activation(), &from, number);
        }
    }
    let axis = Attribute { name: "axis".into(), i: Some(-1), kind: 2, ..Attribute::default() };
    node(&mut graph, "Softmax", &[&from], "probabilities".into(), vec![axis]);
    graph
}

/// Adds the activation of layer `number` to the value `x`; the name of its result.
fn activate(graph: &mut GraphProto, activation: &Activation, x: &str, number: usize) -> String {
    let name = |part: &str| format!("layers.{number}.{part}");
    let out = name("output");
    let with = |key: &str, value| vec![Attribute { name: key.into(), f: Some(value), kind: 1, ..Attribute::default() }];
    match activation {
        Activation::Identity(_) => x.to_owned(),
        Activation::Sigmoid(_) => node(graph, "Sigmoid", &[x], out, vec![]),
        Activation::Tanh(_) => node(graph, "Tanh", &[x], out, vec![]),
        Activation::Relu(_) => node(graph, "Relu", &[x], out, vec![]),
        Activation::LeakyRelu(_) => node(graph, "LeakyRelu", &[x], out, with("alpha", 0.01)),
        Activation::Elu(_) => node(graph, "Elu", &[x], out, with("alpha", 1.0)),
        Activation::Softplus(_) => node(graph, "Softplus", &[x], out, vec![]),
        // x · sigmoid(x)
        Activation::Silu(_) => {
            let gate = node(graph, "Sigmoid", &[x], name("gate"), vec![]);
            node(graph, "Mul", &[x, &gate], out, vec![])
        }
        // x · (1 + erf(x / √2)) / 2
        Activation::Gelu(_) => {
            for (constant, value) in
                [("gelu.root", std::f32::consts::FRAC_1_SQRT_2), ("gelu.one", 1.0), ("gelu.half", 0.5)]
            {
                if !graph.initializer.iter().any(|tensor| tensor.name == constant) {
                    graph.initializer.push(tensor(constant, &[], &[value]));
                }
            }
            let scaled = node(graph, "Mul", &[x, "gelu.root"], name("scaled"), vec![]);
            let erf = node(graph, "Erf", &[&scaled], name("erf"), vec![]);
            let twice = node(graph, "Add", &[&erf, "gelu.one"], name("twice"), vec![]);
            let share = node(graph, "Mul", &[&twice, "gelu.half"], name("share"), vec![]);
            node(graph, "Mul", &[x, &share], out, vec![])
        }
    }
}

/// Adds an operator; the name of its result.
fn node(graph: &mut GraphProto, operator: &str, input: &[&str], out: String, attribute: Vec<Attribute>) -> String {
    graph.node.push(NodeProto {
        input: input.iter().map(|&name| name.to_owned()).collect(),
        output: vec![out.clone()],
        name: format!("{out}.{}", operator.to_lowercase()),
        op_type: operator.into(),
        attribute,
    });
    out
}

fn tensor(name: &str, shape: &[usize], values: &[f32]) -> TensorProto {
    TensorProto {
        dims: shape.iter().map(|&length| length as i64).collect(),
        data_type: FLOAT,
        name: name.into(),
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

/// A matrix with `columns` columns and any number of rows.
fn value(name: &str, columns: usize) -> ValueInfo {
    let extents = [Extent::Param("N".into()), Extent::Value(columns as i64)];
    let dim = extents.map(|extent| Dimension { extent: Some(extent) }).to_vec();
    let tensor_type = Some(TensorType { elem_type: FLOAT, shape: Some(Shape { dim }) });
    ValueInfo { name: name.into(), kind: Some(TypeProto { tensor_type }) }
}
