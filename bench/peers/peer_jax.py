"""JAX CPU: one jitted function per epoch, lax.scan over the batches, optax optimiser. scan: rows gathered inside the
scan body; gather: the whole shuffled epoch gathered first. Threads follow the affinity mask set in peer.parse."""
import peer
a = peer.parse("jax", ["scan", "gather", "step"])
import os, time
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + (" --xla_cpu_multi_thread_eigen=false" if a.threads == 1 else "")
os.environ["JAX_PLATFORMS"] = "cpu"
import numpy as np
import jax, jax.numpy as jnp, optax
from functools import partial

xt, yt, xv, yv, xs, ys = (jnp.asarray(v) for v in peer.load(a, np))
key = jax.random.key(a.seed)
sizes = [784, *a.hidden, 10]
init = jax.nn.initializers.glorot_uniform()
params = [(init(jax.random.fold_in(key, k), (i, o)), jnp.zeros(o)) for k, (i, o) in enumerate(zip(sizes, sizes[1:]))]
opt = {"nadam": lambda: optax.nadam(a.lr), "adam": lambda: optax.adam(a.lr), "momentum": lambda: optax.sgd(a.lr, 0.9)}[a.opt]()
if a.l2: opt = optax.chain(optax.add_decayed_weights(a.l2), opt)
state = opt.init(params)
act = jax.nn.relu if a.act == "relu" else jnp.tanh


def logits(p, x):
    for w, b in p[:-1]: x = act(x @ w + b)
    return x @ p[-1][0] + p[-1][1]


def loss_fn(p, x, y): return optax.softmax_cross_entropy_with_integer_labels(logits(p, x), y).mean()


def step(carry, xy):
    p, s = carry
    loss, g = jax.value_and_grad(loss_fn)(p, *xy)
    u, s = opt.update(g, s, p)
    return (optax.apply_updates(p, u), s), loss * len(xy[1])


full, n = len(xt) // a.batch, len(xt)


@partial(jax.jit, donate_argnums=0)
def epoch(carry, key, x, y):
    perm = jax.random.permutation(key, n)
    head, tail = perm[:full * a.batch].reshape(full, a.batch), perm[full * a.batch:]
    if a.mode == "gather": carry, ls = jax.lax.scan(step, carry, (x[head], y[head]))
    else: carry, ls = jax.lax.scan(lambda c, i: step(c, (x[i], y[i])), carry, head)
    total = ls.sum()
    if n % a.batch:
        carry, l = step(carry, (x[tail], y[tail])); total += l
    return carry, total / n


one = jax.jit(step, donate_argnums=0)
accuracy = jax.jit(lambda p, x, y: (logits(p, x).argmax(1) == y).mean())
clock, carry = peer.Clock(a, jax.__version__), (params, state)
for e in range(a.epochs):
    s = time.perf_counter()
    k = jax.random.fold_in(key, 1000 + e)
    if a.mode == "step":  # the way most people write it: a jitted step called from Python
        perm, loss = np.random.default_rng(a.seed + e).permutation(n), 0.0
        for b in range(0, n, a.batch):
            i = perm[b:b + a.batch]
            carry, l = one(carry, (xt[i], yt[i])); loss += l
        loss = loss / n
    else: carry, loss = epoch(carry, k, xt, yt)
    loss = float(loss)
    m = time.perf_counter()
    acc = float(accuracy(carry[0], xv, yv))
    clock.epoch(m - s, time.perf_counter() - m, acc, loss)
clock.done(accuracy(carry[0], xs, ys))
