"""Trains with the finished program and with the real PyTorch, and compares every tensor.

    python -m venv venv && venv/bin/pip install torch numpy safetensors
    venv/bin/python torch_parity.py target/release/handloom

Nothing of Handloom is used but its command line and its files: a folder of four IDX files, initial
weights from a safetensors file, `train --no-shuffle --val-fraction 0`, the model it saves and its JSON
lines. PyTorch runs in float32, as users run it; Lion and Eve, which torch.optim lacks, in float64 after the
plain definitions of the engine's goldens/make.py, where the optimizers, activations and losses stand.

A run passes if each saved tensor is within 1e-4 of PyTorch's, relative to the tensor's largest value, each
epoch's `train_loss` within 1e-4, and `weights_sha256` is that of the saved tensors. Exits 1 if one does not.
"""

import hashlib
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "engine" / "goldens"))
import make  # noqa: E402

TOLERANCE = 1e-4
# Images of 4 x 5 pixels; batches of 16, 16, 16 and 9.
SHAPE, HIDDEN, CLASSES, IMAGES = (4, 5), (8, 6), 4, 57
BATCH_SIZE, EPOCHS = 16, 8
# Of the first six, the problem whose ReLU inputs and Lion updates keep farthest from 0 (1e-5), where rounding
# alone would turn the result; the table's last column shows how well PyTorch agrees with itself.
SEED = 5


def make_cases():
    settings = {"momentum": 0.85, "beta": 0.92, "beta1": 0.88, "beta2": 0.98, "epsilon": 1e-5}
    parts = [(o, a) for o in make.OPTIMIZERS for a in ("relu", "tanh")]
    parts += [("adam", a) for a in make.ACTIVATIONS if a not in ("relu", "tanh")]
    for (optimizer, activation), loss, decay in itertools.product(parts, make.LOSSES, (0.0, 0.01)):
        names = {"optimizer": optimizer, "activation": activation, "loss": loss}
        rate = make.LEARNING_RATES[optimizer] / 4
        yield {**names, "learning_rate": rate, "weight_decay": decay, **settings}


def write_idx(path, array):
    # Magic 0, 0, type (8 = u8), dimensions; then each length as big-endian u32.
    lengths = np.array(array.shape, dtype=">u4").tobytes()
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes())


def write_data(folder, problem):
    folder.mkdir()
    for part in ("train", "t10k"):  # the test set is there but never opened: `--no-test`
        write_idx(folder / f"{part}-images-idx3-ubyte", problem["pixels"].reshape(-1, *SHAPE))
        write_idx(folder / f"{part}-labels-idx1-ubyte", problem["labels"])


def names(count):
    return [f"layers.{i // 2}.{('weight', 'bias')[i % 2]}" for i in range(count)]


def train(binary, folder, case):
    """The tensors, the training loss of each epoch, and the hash that the program reports."""
    out = folder / "out.safetensors"
    out.unlink(missing_ok=True)
    command = [binary, "train", "-d", folder / "data", "--init-from", folder / "initial.safetensors"]
    command += ["--no-shuffle", "--val-fraction", 0, "--no-test", "--wandb", "off", "--store", folder / "store"]
    command += ["--epochs", EPOCHS, "--batch-size", BATCH_SIZE, "--hidden-size", ",".join(map(str, HIDDEN))]
    for key, value in case.items():
        command += ["--" + key.replace("_", "-"), value]
    command += ["--out", out, "--json", "--quiet"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HANDLOOM_", "WANDB_"))}
    run = subprocess.run([str(c) for c in command], cwd=folder, env=clean, capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(f"exit {run.returncode}: {run.stderr.strip()[-300:]}")
    events = [json.loads(line) for line in run.stdout.splitlines()]
    losses = [e["train_loss"] for e in events if e["event"] == "epoch"]
    saved = load_file(out)
    tensors = [saved[name] for name in names(2 * len(HIDDEN) + 2)]
    return tensors, losses, events[-1]["weights_sha256"]


def compare(binary, folder, problem, case):
    """Largest deviation of weights and of losses from PyTorch, and of PyTorch's from its own float64."""
    f32, f64 = make.Run(problem, case, torch.float32), make.Run(problem, case, torch.float64)
    reference = f64 if case["optimizer"] in make.NOT_IN_TORCH else f32
    # An epoch's loss is the mean over its images, so a smaller batch weighs less.
    counts = [min(BATCH_SIZE, IMAGES - i) for i in range(0, IMAGES, BATCH_SIZE)]
    expected = np.average(np.reshape(reference.losses, (EPOCHS, -1)), axis=1, weights=counts)

    tensors, losses, reported = train(binary, folder, case)
    saved = b"".join(np.ascontiguousarray(w, dtype="<f4").tobytes() for w in tensors)
    if hashlib.sha256(saved).hexdigest() != reported:
        raise RuntimeError("`weights_sha256` is not the hash of the saved tensors")
    shapes = [w.shape for w in tensors], [tuple(w.shape) for w in reference.tensors]
    if shapes[0] != shapes[1] or len(losses) != EPOCHS:
        raise RuntimeError(f"shapes {shapes[0]} and {len(losses)} epochs, expected {shapes[1]} and {EPOCHS}")
    weights = make.deviation([torch.from_numpy(w) for w in tensors], reference.tensors)
    return weights, np.abs(losses / expected - 1).max(), make.deviation(f32.tensors, f64.tensors)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: torch_parity.py PATH_OF_HANDLOOM")
    binary = pathlib.Path(sys.argv[1]).resolve()
    torch.set_num_threads(1)
    problem = make.make_problem(SEED, (SHAPE[0] * SHAPE[1], *HIDDEN, CLASSES), IMAGES)
    problem |= {"batch_size": BATCH_SIZE, "epochs": EPOCHS}

    passed = failed = 0
    print(f"largest relative deviation from torch {torch.__version__}; last: its float32 from its float64")
    print("optimizer activation loss               decay   weights    losses  rounding")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        write_data(folder / "data", problem)
        save_file(dict(zip(names(len(problem["initial"])), problem["initial"])), folder / "initial.safetensors")
        for case in make_cases():
            label = "{optimizer:9} {activation:10} {loss:18} {weight_decay:5}".format(**case)
            try:
                weights, losses, rounding = compare(binary, folder, problem, case)
                good = weights <= TOLERANCE and losses <= TOLERANCE  # not so for NaN
                result = f"{weights:9.1e} {losses:9.1e} {rounding:9.1e}{'' if good else '  FAILED'}"
            except (RuntimeError, OSError, KeyError, ValueError) as error:
                good, result = False, f"  FAILED: {error!r}"
            passed, failed = passed + good, failed + (not good)
            print(label, result, flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
