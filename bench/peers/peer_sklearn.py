"""scikit-learn MLPClassifier. It has no Nadam: W1 runs Adam. partial_fit(X, y) makes one shuffled pass."""
import peer
a = peer.parse("sklearn", ["partial_fit"])
import time, warnings
import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

warnings.filterwarnings("ignore")
xt, yt, xv, yv, xs, ys = peer.load(a, np)
# scikit-learn divides its L2 gradient by the batch size, hence alpha = l2 * batch
clf = MLPClassifier(tuple(a.hidden), activation=a.act, solver="sgd" if a.opt == "momentum" else "adam", alpha=a.l2 * a.batch,
                    batch_size=a.batch, learning_rate_init=a.lr, momentum=0.9, nesterovs_momentum=False, random_state=a.seed)
clock = peer.Clock(a, sklearn.__version__)
for _ in range(a.epochs):
    s = time.perf_counter()
    clf.partial_fit(xt, yt, classes=np.arange(10))
    m = time.perf_counter()
    acc = clf.score(xv, yv)
    clock.epoch(m - s, time.perf_counter() - m, acc, clf.loss_)
clock.done(clf.score(xs, ys))
