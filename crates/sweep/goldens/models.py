"""Makes models.json: what scikit-learn and W&B's own package say, which the crate's tests must repeat.

How to run, from any folder (half a minute):

    python -m venv venv && venv/bin/pip install numpy scikit-learn sweeps==0.3.0
    venv/bin/python models.py

It writes models.json beside itself. A test compares the SHA-256 of this file with `script_sha256` in models.json, so
whoever edits this script, even a comment, runs it again and commits both.

models.json:

    script_sha256, versions
    hyperband   [{early_terminate, costs: [[number or null]], ended: [number of the trial]}] every trial is running
    process     [{category: [bool] (d), scales: [number] (d), noise, points: [[number]], values, asked: [[number]],
                  means, deviations, likelihood}]
                the covariance is Matern 5/2 with variance 1 and a length scale for each coordinate, plus `noise` between
                equal points; categories are 1 apart. `deviations` are without noise, for a variance of 1; `likelihood`
                is the logarithm of the marginal likelihood with variance 1
    forest      [{columns: [[number]] (columns . rows), target, importances, explained, permutation}]
                means over ten forests of 500 trees: impurity importances, out-of-bag R2, and the rise of the squared
                error of unseen rows, over the variance, when a column is shuffled (Breiman & Cutler's)
"""

import hashlib
import json
import pathlib

import numpy as np
import sklearn
import sweeps
from sklearn.ensemble import RandomForestRegressor
from sklearn.ensemble._forest import _generate_unsampled_indices
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

HERE = pathlib.Path(__file__).parent


def hyperband(rng):
    cases = []
    rules = [{"min_iter": m} for m in (1, 2, 3)] + [{"max_iter": 27, "s": 3}, {"max_iter": 10, "s": 2}]
    for rule in rules:
        for eta in (2, 3, 1.5):
            for strict in (True, False):
                given = {"type": "hyperband", "eta": eta, "strict": strict, **rule}
                costs = []
                for _ in range(int(rng.integers(2, 14))):
                    length = int(rng.integers(0, 13))
                    level = rng.normal()
                    values = np.round(level + np.exp(-np.arange(length) / 3) + 0.1 * rng.normal(size=length), 3)
                    costs.append([None if rng.random() < 0.04 else float(v) for v in values])
                runs = [
                    sweeps.SweepRun(
                        name=str(i),
                        state=sweeps.RunState.running,
                        history=[{"loss": float("nan") if v is None else v} for v in values],
                    )
                    for i, values in enumerate(costs)
                ]
                config = {
                    "method": "random",
                    "metric": {"name": "loss", "goal": "minimize"},
                    "early_terminate": dict(given),
                    "parameters": {"a": {"min": 0.0, "max": 1.0}},
                }
                ended = sorted(int(run.name) for run in sweeps.stop_runs(config, runs))
                cases.append({"early_terminate": given, "costs": costs, "ended": ended})
    return cases


def process(rng):
    cases = []
    for n, category in [(3, [False]), (12, [False, False, True]), (40, [False, True, True, False, False])]:
        d = len(category)
        scales = np.exp(rng.normal(size=d) * 0.7).round(4)
        noise = float(np.exp(rng.uniform(-6, -1)).round(5))

        def draw(m):
            x = rng.random((m, d)).round(4)
            for k in range(d):
                if category[k]:
                    x[:, k] = rng.integers(0, 3, m)
            return x

        def expanded(x):
            columns, lengths = [], []
            for k in range(d):
                if category[k]:
                    # Different ones are sqrt(2) apart when one-hot.
                    columns += [(x[:, k] == c) / np.sqrt(2) for c in range(3)]
                    lengths += [scales[k]] * 3
                else:
                    columns.append(x[:, k])
                    lengths.append(scales[k])
            return np.stack(columns, axis=1).astype(float), np.array(lengths)

        points, asked = draw(n), draw(7)
        values = rng.normal(size=n).round(4)
        x, lengths = expanded(points)
        model = GaussianProcessRegressor(Matern(lengths, nu=2.5), alpha=noise, optimizer=None).fit(x, values)
        means, deviations = model.predict(expanded(asked)[0], return_std=True)
        cases.append(
            {
                "category": category,
                "scales": scales.tolist(),
                "noise": noise,
                "points": points.tolist(),
                "values": values.tolist(),
                "asked": asked.tolist(),
                "means": means.tolist(),
                "deviations": deviations.tolist(),
                "likelihood": float(model.log_marginal_likelihood_value_),
            }
        )
    return cases


def unseen_rise(forest, x, y, rng):
    """The rise of each tree's squared error on unseen rows when a column is shuffled, over the variance."""
    n = len(y)
    rises = np.zeros(x.shape[1])
    for tree in forest.estimators_:
        rows = _generate_unsampled_indices(tree.random_state, n, n, None)
        before = ((tree.predict(x[rows]) - y[rows]) ** 2).mean()
        for k in range(x.shape[1]):
            shuffled = x[rows].copy()
            shuffled[:, k] = rng.permutation(shuffled[:, k])
            rises[k] += ((tree.predict(shuffled) - y[rows]) ** 2).mean() - before
    return rises / len(forest.estimators_) / y.var()


def forests(rng):
    cases = []
    for n in (60, 150):
        x = np.stack(
            [
                rng.integers(0, 3, n),
                rng.random(n).round(3),
                rng.integers(0, 2, n),
                rng.integers(0, 6, n),
                rng.random(n).round(3),
            ],
            axis=1,
        ).astype(float)
        y = 1.5 * (x[:, 0] == 2) + 2 * (x[:, 1] - 0.4) ** 2 + 0.4 * x[:, 2] * x[:, 1] + 0.05 * rng.normal(size=n)
        y = y.round(4)
        importances, explained, rises = [], [], []
        for seed in range(10):
            forest = RandomForestRegressor(500, oob_score=True, random_state=seed, n_jobs=1).fit(x, y)
            importances.append(forest.feature_importances_)
            explained.append(forest.oob_score_)
            rises.append(unseen_rise(forest, x, y, rng) if seed < 2 else None)
        cases.append(
            {
                "columns": x.T.tolist(),
                "target": y.tolist(),
                "importances": np.mean(importances, axis=0).tolist(),
                "explained": float(np.mean(explained)),
                "permutation": np.mean([r for r in rises if r is not None], axis=0).tolist(),
            }
        )
    return cases


def main():
    rng = np.random.default_rng(1)
    goldens = {
        "script_sha256": hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest(),
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__, "sweeps": "0.3.0"},
        "hyperband": hyperband(rng),
        "process": process(rng),
        "forest": forests(rng),
    }
    (HERE / "models.json").write_text(json.dumps(goldens) + "\n")


if __name__ == "__main__":
    main()
