"""NumPy, by hand. f32, f64: as a good student writes it, vectorized, an array for each parameter, new temporaries
everywhere. flat: the same in float32 with all parameters in one buffer, updated in place."""

import peer

a = peer.parse("numpy", ["f32", "f64", "flat"])
import time

import numpy as np

DTYPE = np.float64 if a.mode == "f64" else np.float32
xt, yt, xv, yv, xs, ys = peer.load(a, np)
xt, xv, xs = (x.astype(DTYPE, copy=False) for x in (xt, xv, xs))
rng = np.random.default_rng(a.seed)
sizes = [784, *a.hidden, 10]
shapes = [shape for i, o in zip(sizes, sizes[1:]) for shape in ((i, o), (o,))]


def views(buffer):
    """Weights and biases in turn, each a view of its part of `buffer`."""
    out, at = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        out.append(buffer[at : at + size].reshape(shape))
        at += size
    return out


w_all, g_all = (np.zeros(sum(int(np.prod(shape)) for shape in shapes), DTYPE) for _ in range(2))
W, G = views(w_all), views(g_all)
for weight in W[::2]:
    limit = np.sqrt(6 / sum(weight.shape))
    weight[:] = rng.uniform(-limit, limit, weight.shape)
# What the update goes through: one buffer, or each array.
WS, GS = ([w_all], [g_all]) if a.mode == "flat" else (W, G)
M, V = [np.zeros_like(w) for w in WS], [np.zeros_like(w) for w in WS]
b1, b2, eps, t = DTYPE(0.9), DTYPE(0.999), DTYPE(1e-8), 0


def forward(x):
    """Activations of each layer, and probabilities."""
    hidden = [x]
    for layer in range(0, len(W) - 2, 2):
        z = hidden[-1] @ W[layer] + W[layer + 1]
        hidden.append(np.maximum(z, 0) if a.act == "relu" else np.tanh(z))
    z = hidden[-1] @ W[-2] + W[-1]
    z -= z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return hidden, e / e.sum(axis=1, keepdims=True)


def step(x, y):
    global t
    n, (hidden, d) = len(x), forward(x)
    loss = -np.log(d[np.arange(n), y] + DTYPE(1e-12)).sum()
    d[np.arange(n), y] -= 1
    d /= n
    for layer in range(len(W) - 2, -1, -2):
        h = hidden[layer // 2]
        np.matmul(h.T, d, out=G[layer])
        d.sum(axis=0, out=G[layer + 1])
        if layer:
            d = d @ W[layer].T
            d *= (h > 0) if a.act == "relu" else (1 - h * h)
        if a.l2:
            G[layer] += DTYPE(a.l2) * W[layer]
    t += 1
    for w, g, m, v in zip(WS, GS, M, V):
        update(w, g, m, v, 1 - 0.9**t, 1 - 0.999**t)
    return loss


def update(w, g, m, v, c1, c2):
    if a.opt == "momentum":
        m *= b1
        m += g
        w -= DTYPE(a.lr) * m
    elif a.mode == "flat":  # no more than two temporaries
        m *= b1
        m += (1 - b1) * g
        square = g * g
        square *= 1 - b2
        v *= b2
        v += square
        np.multiply(v, DTYPE(1 / c2), out=square)
        np.sqrt(square, out=square)
        square += eps
        if a.opt == "nadam":
            g *= DTYPE(a.lr * 0.1 / c1)
            g += DTYPE(a.lr * 0.9 / c1) * m
        else:
            np.multiply(m, DTYPE(a.lr / c1), out=g)
        g /= square
        w -= g
    else:
        m[:] = b1 * m + (1 - b1) * g
        v[:] = b2 * v + (1 - b2) * g**2
        mean, square = m / DTYPE(c1), v / DTYPE(c2)
        if a.opt == "nadam":
            mean = b1 * mean + (1 - b1) * g / DTYPE(c1)
        w -= DTYPE(a.lr) * mean / (np.sqrt(square) + eps)


def accuracy(x, y):
    return (forward(x)[1].argmax(1) == y).mean()


clock = peer.Clock(a, f"{np.__version__} with {peer.openblas()}")
for _ in range(a.epochs):
    start = time.perf_counter()
    order, loss = rng.permutation(len(xt)), 0.0
    for at in range(0, len(xt), a.batch):
        rows = order[at : at + a.batch]
        loss += step(xt[rows], yt[rows])
    middle = time.perf_counter()
    acc = accuracy(xv, yv)
    clock.epoch(middle - start, time.perf_counter() - middle, acc, loss / len(xt))
clock.done(accuracy(xs, ys))
