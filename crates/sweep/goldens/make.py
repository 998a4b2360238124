"""Writes search.json: what W&B's own search (the package sweeps 0.3.0) says of distributions and grids.

How to run, from any folder (a second):

    python -m venv venv && venv/bin/pip install --no-deps sweeps==0.3.0
    venv/bin/pip install numpy scipy jsonschema jsonref pydantic pyyaml
    venv/bin/python make.py

Whoever edits this script, even a comment, runs it again and commits both files: search.json holds its SHA-256.

    script_sha256, versions
    positions       numbers in (0, 1)
    distributions   [{config, at: value at each position, cdf: position of each of those values, or null}]
    grids           [{parameters, points: every point in order, nested names joined with `.`}]
"""

import hashlib
import json
import pathlib
import sys
import types

import numpy
import scipy

# The Bayesian search alone wants scikit-learn, and an older NumPy than the rest works with.
sys.modules["sweeps.bayes_search"] = types.ModuleType("sweeps.bayes_search")
sys.modules["sweeps.bayes_search"].bayes_search_next_runs = None
from sweeps import grid_search, params  # noqa: E402

HERE = pathlib.Path(__file__).parent
POSITIONS = [1e-9, 0.01, 0.1, 0.25, 1 / 3, 0.5, 0.6, 0.75, 0.9, 0.99, 1 - 1e-9]
PARAMETERS = [
    {"value": "adam"},
    {"values": [16, 32, 64]},
    {"values": ["sgd", None, True, 1.5, [32, 32]]},
    {"values": list(range(10))},
    {"values": ["a", "b", "c", "d"], "probabilities": [0.1, 0.2, 0.0, 0.7]},
    {"min": 1, "max": 10},
    {"min": -7, "max": 1_000_000},
    {"min": 0.25, "max": 3},
    {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.1},
    {"distribution": "q_uniform", "min": 16, "max": 256, "q": 8},
    {"distribution": "q_uniform", "min": 1, "max": 20},
    {"distribution": "log_uniform", "min": -9.2, "max": -2.3},
    {"distribution": "q_log_uniform", "min": 0, "max": 5, "q": 2},
    {"distribution": "inv_log_uniform", "min": 1, "max": 6},
    {"distribution": "log_uniform_values", "min": 1e-5, "max": 0.1},
    {"distribution": "q_log_uniform_values", "min": 16, "max": 512, "q": 16},
    {"distribution": "inv_log_uniform_values", "min": 1e-4, "max": 0.5},
    {"distribution": "normal"},
    {"distribution": "normal", "mu": -3, "sigma": 0.01},
    {"distribution": "q_normal", "mu": 64, "sigma": 20, "q": 4},
    {"distribution": "log_normal", "mu": -6, "sigma": 1.5},
    {"distribution": "q_log_normal", "mu": 4, "sigma": 0.5, "q": 8},
    {"distribution": "beta"},
    {"distribution": "beta", "a": 2, "b": 5.5},
    {"distribution": "beta", "a": 0.3, "b": 0.7},
    {"distribution": "q_beta", "a": 5, "b": 2, "q": 0.05},
]
GRIDS = [
    {"b": {"values": [2, 1]}, "a": {"values": ["x", "y", "z"]}, "c": {"value": 7}},
    {"a": {"values": [1, 1.0, 2, 1, [1], [1.0], {"k": 1, "l": 2}, {"l": 2, "k": 1}]}},
    {"n": {"min": 3, "max": 5}, "q": {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.3}},
    {"q": {"distribution": "q_uniform", "min": 1, "max": 8, "q": 2}, "Z": {"values": [True, "1", 1]}},
    {"a": {"parameters": {"x": {"values": [1, 2]}, "deep": {"parameters": {"y": {"values": ["p", "q"]}}}}},
     "a-b": {"values": [0, 9]}, "A": {"values": [None, 0.5]}},
]


def plain(value):
    """What JSON can say."""
    return value.item() if isinstance(value, numpy.generic) else value


def distribution(config):
    parameter = params.HyperParameter("x", config)
    values = [plain(parameter.ppf(u)) for u in POSITIONS]
    if "values" in config:
        asked = [config["values"].index(value) for value in values]
    else:
        asked = values
    cdf = None if "value" in config else [float(plain(parameter.cdf(x))) for x in asked]
    return {"config": config, "at": values, "cdf": cdf}


def flat(config, prefix=""):
    point = {}
    for name, value in config.items():
        if isinstance(value, dict) and name in ("a", "deep") and set(value) & {"x", "deep", "y"}:
            point |= flat(value, f"{prefix}{name}.")
        else:
            point[prefix + name] = value
    return point


def grid(parameters):
    runs = grid_search.grid_search_next_runs([], {"method": "grid", "parameters": parameters}, n=10_000)
    points = [flat({name: entry["value"] for name, entry in run.config.items()}) for run in runs if run]
    return {"parameters": parameters, "points": points}


def lines(items):
    return "[\n" + ",\n".join(json.dumps(item) for item in items) + "\n]"


parts = {
    "script_sha256": json.dumps(hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()),
    "versions": json.dumps({"numpy": numpy.__version__, "scipy": scipy.__version__, "sweeps": "0.3.0"}),
    "positions": json.dumps(POSITIONS),
    "distributions": lines(distribution(config) for config in PARAMETERS),
    "grids": lines(grid(parameters) for parameters in GRIDS),
}
text = ",\n".join(f"{json.dumps(name)}: {part}" for name, part in parts.items())
(HERE / "search.json").write_text("{\n" + text + "\n}\n")
