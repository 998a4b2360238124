"""Reads models that Handloom exported with the real ONNX, ONNX Runtime, NumPy and safetensors, and compares.

    python -m venv venv && venv/bin/pip install onnx onnxruntime numpy safetensors
    venv/bin/python models_read.py STEM...

For each STEM there are STEM.safetensors, STEM.onnx and STEM.npz of one model and, if predictions are to be
compared with Handloom's own, STEM.json: {"pixels": [[0-255, ...], ...], "probabilities": [[...], ...]}. A folder
stands for all stems in it. Checked: the arrays are bit for bit the same; `onnx.checker` finds nothing; ONNX Runtime's
probabilities are those of Handloom and those that NumPy computes in float64 from the tensors, to 1e-5. Exits 1 if not.
"""

import json
import math
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from safetensors import safe_open

TOLERANCE = 1e-5

ACTIVATIONS = {
    "identity": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * np.vectorize(math.erfc)(-x / math.sqrt(2)) / 2,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(0, x),
}


def predict(about, tensors, x):
    layers = len(about["sizes"]) - 1
    for i in range(layers):
        x = x @ tensors[f"layers.{i}.weight"].astype(np.float64).T + tensors[f"layers.{i}.bias"]
        if i + 1 < layers:
            x = ACTIVATIONS[about["activation"]](x)
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def check(stem):
    """What is wrong, and the largest difference."""
    with safe_open(f"{stem}.safetensors", "numpy") as file:
        about = json.loads(file.metadata()["handloom"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    wrong = []
    with np.load(f"{stem}.npz") as arrays:
        same = sorted(arrays.files) == sorted(tensors) and all(
            arrays[name].dtype == np.float32 and np.array_equal(arrays[name], tensors[name]) for name in tensors)
    if not same:
        wrong.append("npz and safetensors differ")

    model = onnx.load(f"{stem}.onnx")
    onnx.checker.check_model(model, full_check=True)
    said = {entry.key: entry.value for entry in model.metadata_props}
    if json.loads(said["handloom"]) != about:
        wrong.append("ONNX and safetensors describe different models")
    initial = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    if not all(np.array_equal(initial[name], tensors[name]) for name in tensors):
        wrong.append("ONNX and safetensors differ")

    expected = pathlib.Path(f"{stem}.json")
    if expected.exists():
        expected = json.loads(expected.read_text())
        pixels = np.array(expected["pixels"], dtype=np.uint8)
        own = np.array(expected["probabilities"])
    else:
        pixels = np.random.default_rng(1).integers(0, 256, (100, about["sizes"][0]), dtype=np.uint8)
        own = None
    session = onnxruntime.InferenceSession(f"{stem}.onnx", providers=["CPUExecutionProvider"])
    [given], [result] = session.get_inputs(), session.get_outputs()
    if (given.name, given.shape, result.name) != ("x", ["N", about["sizes"][0]], "probabilities"):
        wrong.append(f"ONNX takes {given.name} {given.shape} and gives {result.name}")
    [found] = session.run(None, {"x": (pixels / 255).astype(np.float32)})
    reference = predict(about, tensors, pixels * about["scale"])
    largest = 0.0
    for name, other in {"NumPy": reference, "Handloom": own}.items():
        if other is None:
            continue
        difference = np.abs(found - other).max() if found.shape == other.shape else math.inf
        if not difference <= TOLERANCE:
            wrong.append(f"probabilities of ONNX Runtime and {name} differ by {difference:.1e}")
        largest = max(largest, difference)
    return wrong, largest


def main():
    stems = []
    for argument in map(pathlib.Path, sys.argv[1:]):
        stems += sorted(f.with_suffix("") for f in argument.glob("*.onnx")) if argument.is_dir() else [argument]
    if not stems:
        sys.exit("usage: models_read.py STEM|FOLDER...")
    failed = 0
    for stem in stems:
        wrong, largest = check(stem)
        failed += bool(wrong)
        print(f"{stem.name:16} {largest:.1e}{'' if not wrong else '  FAILED: ' + '; '.join(wrong)}")
    print(f"{len(stems) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
