"""Hand-written NumPy trainer. f32/f64: the style of a good student solution (vectorised, one array per parameter,
new temporaries everywhere). flat: the same maths in float32 with all parameters in one buffer and in-place updates."""
import peer
a = peer.parse("numpy", ["f32", "f64", "flat"])
import time
import numpy as np

DT = np.float64 if a.mode == "f64" else np.float32
xt, yt, xv, yv, xs, ys = peer.load(a, np)
xt, xv, xs = (v.astype(DT, copy=False) for v in (xt, xv, xs))
rng = np.random.default_rng(a.seed)
sizes = [784, *a.hidden, 10]
shapes = [s for i, o in zip(sizes, sizes[1:]) for s in ((i, o), (o,))]


def view(buf):
    out, k = [], 0
    for s in shapes:
        n = int(np.prod(s)); out.append(buf[k:k + n].reshape(s)); k += n
    return out


flat, flatg = (np.zeros(sum(int(np.prod(s)) for s in shapes), DT) for _ in range(2))
P, G = view(flat), view(flatg)
for p in P[::2]:
    lim = np.sqrt(6 / sum(p.shape)); p[:] = rng.uniform(-lim, lim, p.shape)
opt_P, opt_G = ([flat], [flatg]) if a.mode == "flat" else (P, G)
M, V = [np.zeros_like(p) for p in opt_P], [np.zeros_like(p) for p in opt_P]
b1, b2, eps, t = DT(0.9), DT(0.999), DT(1e-8), 0


def forward(x):
    hs = [x]
    for l in range(0, len(P) - 2, 2):
        z = hs[-1] @ P[l] + P[l + 1]
        hs.append(np.maximum(z, 0) if a.act == "relu" else np.tanh(z))
    z = hs[-1] @ P[-2] + P[-1]
    z -= z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return hs, e / e.sum(axis=1, keepdims=True)


def step(x, y):
    global t
    n, (hs, prob) = len(x), forward(x)
    loss = -np.log(prob[np.arange(n), y] + DT(1e-12)).sum()
    d = prob
    d[np.arange(n), y] -= 1
    d /= n
    for l in range(len(P) - 2, -1, -2):
        h = hs[l // 2]
        np.matmul(h.T, d, out=G[l]); d.sum(axis=0, out=G[l + 1])
        if l:
            d = d @ P[l].T
            d *= (h > 0) if a.act == "relu" else (1 - h * h)
        if a.l2: G[l] += DT(a.l2) * P[l]
    t += 1
    c1, c2 = 1 - 0.9 ** t, 1 - 0.999 ** t
    for p, g, m, v in zip(opt_P, opt_G, M, V):
        if a.opt == "momentum":
            m *= b1; m += g; p -= DT(a.lr) * m
        elif a.mode == "flat":  # no temporaries beyond two
            m *= b1; m += (1 - b1) * g; g2 = g * g; g2 *= 1 - b2; v *= b2; v += g2
            np.multiply(v, DT(1 / c2), out=g2); np.sqrt(g2, out=g2); g2 += eps
            if a.opt == "nadam": g *= DT(a.lr * 0.1 / c1); g += DT(a.lr * 0.9 / c1) * m; g /= g2
            else: np.multiply(m, DT(a.lr / c1), out=g); g /= g2
            p -= g
        else:
            m[:] = b1 * m + (1 - b1) * g
            v[:] = b2 * v + (1 - b2) * g ** 2
            mh, vh = m / DT(c1), v / DT(c2)
            if a.opt == "nadam": mh = b1 * mh + (1 - b1) * g / DT(c1)
            p -= DT(a.lr) * mh / (np.sqrt(vh) + eps)
    return loss


def accuracy(x, y): return (forward(x)[1].argmax(1) == y).mean()


clock = peer.Clock(a, np.__version__)
for _ in range(a.epochs):
    s = time.perf_counter()
    perm, loss = rng.permutation(len(xt)), 0.0
    for k in range(0, len(xt), a.batch):
        i = perm[k:k + a.batch]
        loss += step(xt[i], yt[i])
    m = time.perf_counter()
    acc = accuracy(xv, yv)
    clock.epoch(m - s, time.perf_counter() - m, acc, loss / len(xt))
clock.done(accuracy(xs, ys))
