"""The peers: how each is installed below the work folder, and started."""

import os
import subprocess
from pathlib import Path

from .ours import BENCH

PIP = {
    # threadpoolctl says which of its kernels OpenBLAS runs.
    "numpy": "numpy threadpoolctl",
    "jax": "jax optax",
    "sklearn": "scikit-learn threadpoolctl",
    "torch": "torch numpy",
    "keras": "tensorflow-cpu",
}
CARGO = ("candle", "burn")
# The fastest way to use each, and NumPy as a student writes it.
MODES = (
    "numpy:flat",
    "numpy:f32",
    "jax:scan",
    "sklearn:partial_fit",
    "torch:eager",
    "keras:fit",
    "candle:cpu",
    "burn:flex",
)
VARIANTS = (
    "numpy:f64",
    "jax:gather",
    "jax:step",
    "torch:loader",
    "torch:compile",
    "torch:step",
    "keras:jit",
    "keras:nojit",
    "burn:ndarray",
)
IMPORTS = {
    "numpy": "numpy, threadpoolctl",
    "jax": "jax, optax",
    "sklearn": "sklearn.neural_network, threadpoolctl",
    "torch": "torch, numpy",
    "keras": "tensorflow",
}
LABELS = {
    "numpy": "NumPy",
    "jax": "JAX + optax",
    "sklearn": "scikit-learn",
    "torch": "PyTorch",
    "keras": "Keras",
    "candle": "candle",
    "burn": "Burn",
}


def chosen(names):
    """`peer:mode` for each of `names`, which may be a peer, a `peer:mode`, or `all`."""
    if names == ["all"]:
        return [*MODES, *VARIANTS]
    picked = []
    for name in names:
        found = [mode for mode in MODES if name in (mode, mode.split(":")[0])] or [v for v in VARIANTS if v == name]
        if not found:
            raise SystemExit(f"error: no peer `{name}`\nhint: {' '.join([*PIP, *CARGO, *VARIANTS])}")
        picked += found
    return picked


class Peers:
    """Environments of the peers. `venvs`: ready-made, by peer; `flush`: whether to spare them subnormal numbers."""

    def __init__(self, work, venvs, install=True, flush=True, limit_s=7200):
        self.work, self.venvs, self.install, self.limit_s = work, venvs, install, limit_s
        self.programs = {}
        self.flush = self.flusher() if flush else None

    def flusher(self):
        """The library that spares peers subnormal numbers, `../peers/flush.c`, or None where it cannot be had."""
        library = self.work / "flush.so"
        try:
            subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, BENCH / "peers/flush.c"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"SKIPPED flushing of subnormal numbers: {error}", flush=True)
            return None
        return library.resolve()

    def environment(self, threads):
        """Variables for a peer."""
        flush = {"LD_PRELOAD": str(self.flush)} if self.flush else {}
        return {"RAYON_NUM_THREADS": str(threads), "TF_CPP_MIN_LOG_LEVEL": "3", **flush}

    def set_up(self, name):
        """Why `name` cannot be had, or None."""
        try:
            self.programs[name] = self.cargo(name) if name in CARGO else self.pip(name)
            return None
        except FileNotFoundError as error:
            return str(error)
        except subprocess.TimeoutExpired:
            return f"not installed within {self.limit_s} s"
        except subprocess.CalledProcessError as error:
            said = (error.stderr or "").strip().splitlines()
            return said[-1] if said else f"`{error.cmd[0]}` ended with {error.returncode}"

    def pip(self, name):
        venv = Path(self.venvs.get(name, self.work / f"venv-{name}"))
        # Not resolved: the link is what makes it a venv's.
        python = venv.absolute() / "bin/python"
        if self.works(python, name):
            return [python, BENCH / "peers" / f"peer_{name}.py"]
        if name in self.venvs or not self.install:
            raise FileNotFoundError(f"{venv} has no {PIP[name]}")
        print(f"installing {PIP[name]} into {venv}", flush=True)
        self.quietly(["python3", "-m", "venv", venv])
        self.quietly([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PIP[name].split()])
        return [python, BENCH / "peers" / f"peer_{name}.py"]

    @staticmethod
    def works(python, name):
        command = [python, "-c", f"import {IMPORTS[name]}"]
        return python.exists() and subprocess.run(command, capture_output=True).returncode == 0

    def cargo(self, name):
        program = self.work / "rust/release" / f"{name}-peer"
        if self.install:
            print(f"building {name}" + ("" if program.exists() else "; this takes long"), flush=True)
            self.quietly(
                ["cargo", "build", "--release", "--quiet", "-p", f"{name}-peer"],
                cwd=BENCH / "peers/rust",
                env={**os.environ, "CARGO_TARGET_DIR": str(self.work / "rust"), "RUSTFLAGS": "-C target-cpu=native"},
            )
        elif not program.exists():
            raise FileNotFoundError(f"{program} is not built")
        return [program]

    def quietly(self, command, **how):
        subprocess.run(
            ["nice", "-n", "19", *command], check=True, capture_output=True, text=True, timeout=self.limit_s, **how
        )

    def command(self, peer, data, workload, threads, epochs):
        name, mode = peer.split(":")
        return [
            *self.programs[name],
            "--data",
            data / "fashion-mnist",
            "--workload",
            workload,
            "--threads",
            threads,
            "--epochs",
            epochs,
            "--mode",
            mode,
        ]


def label(peer):
    name, mode = peer.split(":")
    return f"{LABELS[name]}, {mode}" if name not in ("candle", "sklearn") else LABELS[name]
