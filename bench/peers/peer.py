"""What every Python peer shares: arguments, the workload, the data, the result line. Standard library only.

Call `parse` BEFORE importing the peer: it sets the thread-count variables that BLAS and OpenMP read as they load.
"""

import time

T0 = time.perf_counter()

import argparse
import gzip
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from harness.workloads import IMAGES, WORKLOADS


def parse(name, modes):
    """Arguments of a peer, with the workload's settings beside them."""
    parser = argparse.ArgumentParser(description=f"{name} on Fashion-MNIST; prints one JSON line")
    parser.add_argument("--data", required=True, help="folder of the four .gz files")
    parser.add_argument("--workload", choices=WORKLOADS, default="W1")
    parser.add_argument("--mode", choices=modes, default=modes[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(a.threads)
    # Where these are set, it is to old kernels, for the sake of old versions: the peer's own choice is faster.
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(variable, None)
    # Some runtimes size their pools from the affinity mask.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: a.threads])
    w = WORKLOADS[a.workload]
    a.hidden, a.act, a.opt, a.lr, a.batch, a.l2 = list(w.hidden), w.activation, w.optimizer, w.lr, w.batch, w.l2
    a.peer = name
    return a


def idx(folder, stem):
    """The bytes after an IDX header."""
    with gzip.open(os.path.join(folder, stem + "-ubyte.gz")) as file:
        raw = file.read()
    return raw[4 + 4 * raw[3] :]


def load(a, np):
    """float32 images in [0, 1] and int64 labels: 54,000 to train on, the last 6,000 to validate, 10,000 to test."""

    def images(stem):
        return np.frombuffer(idx(a.data, stem), np.uint8).reshape(-1, 784).astype(np.float32) / np.float32(255)

    def labels(stem):
        return np.frombuffer(idx(a.data, stem), np.uint8).astype(np.int64)

    x, y = images("train-images-idx3"), labels("train-labels-idx1")
    return x[:IMAGES], y[:IMAGES], x[IMAGES:], y[IMAGES:], images("t10k-images-idx3"), labels("t10k-labels-idx1")


def openblas():
    """Version and kernel of the OpenBLAS that runs, such as `OpenBLAS 0.3.31 for SkylakeX`."""
    from threadpoolctl import threadpool_info

    blas = [info for info in threadpool_info() if info["internal_api"] == "openblas"]
    return ", ".join(f"OpenBLAS {info['version']} for {info['architecture']}" for info in blas[:1])


class Clock:
    """Collects seconds of training and validation, and prints the one JSON line."""

    def __init__(self, a, version):
        self.a, self.version = a, version
        self.train, self.val, self.accuracy, self.loss = [], [], [], []
        self.setup = time.perf_counter() - T0

    def epoch(self, train_s, val_s, accuracy, loss):
        self.train.append(round(train_s, 4))
        self.val.append(round(val_s, 4))
        self.accuracy.append(round(float(accuracy), 4))
        self.loss.append(round(float(loss), 4))

    def done(self, test_accuracy):
        a = self.a
        print(
            json.dumps(
                {
                    "peer": a.peer,
                    "mode": a.mode,
                    "version": self.version,
                    "workload": a.workload,
                    "threads": a.threads,
                    "seed": a.seed,
                    "setup_s": round(self.setup, 3),
                    "train_s": self.train,
                    "val_s": self.val,
                    "val_acc": self.accuracy,
                    "loss": self.loss,
                    "test_acc": round(float(test_accuracy), 4),
                    "total_s": round(time.perf_counter() - T0, 3),
                }
            ),
            flush=True,
        )
