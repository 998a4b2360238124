"""scikit-learn's MLPClassifier. It has no Nadam: W1 runs Adam. `partial_fit(X, y)` makes one shuffled pass."""

import peer

a = peer.parse("sklearn", ["partial_fit"])
import time
import warnings

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

warnings.filterwarnings("ignore")
xt, yt, xv, yv, xs, ys = peer.load(a, np)
# scikit-learn divides its L2 gradient by the batch size, hence alpha = l2 * batch.
model = MLPClassifier(
    tuple(a.hidden),
    activation=a.act,
    solver="sgd" if a.opt == "momentum" else "adam",
    alpha=a.l2 * a.batch,
    batch_size=a.batch,
    learning_rate_init=a.lr,
    momentum=0.9,
    nesterovs_momentum=False,
    random_state=a.seed,
)
clock = peer.Clock(a, f"{sklearn.__version__} with {peer.openblas()}")
for _ in range(a.epochs):
    start = time.perf_counter()
    model.partial_fit(xt, yt, classes=np.arange(10))
    middle = time.perf_counter()
    acc = model.score(xv, yv)
    clock.epoch(middle - start, time.perf_counter() - middle, acc, model.loss_)
clock.done(model.score(xs, ys))
