"""JAX on the CPU with optax. scan: one jitted function an epoch, `lax.scan` over the batches, rows gathered inside.
gather: the whole shuffled epoch gathered first. step: a jitted step called from Python, as most people write it.
Threads follow the affinity mask that `peer.parse` sets."""

import peer

a = peer.parse("jax", ["scan", "gather", "step"])
import os
import time
from functools import partial

if a.threads == 1:
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy as np
import optax

xt, yt, xv, yv, xs, ys = (jnp.asarray(array) for array in peer.load(a, np))
key = jax.random.key(a.seed)
sizes = [784, *a.hidden, 10]
init = jax.nn.initializers.glorot_uniform()
params = [(init(jax.random.fold_in(key, k), (i, o)), jnp.zeros(o)) for k, (i, o) in enumerate(zip(sizes, sizes[1:]))]
optimizer = {
    "nadam": lambda: optax.nadam(a.lr),
    "adam": lambda: optax.adam(a.lr),
    "momentum": lambda: optax.sgd(a.lr, 0.9),
}[a.opt]()
if a.l2:
    optimizer = optax.chain(optax.add_decayed_weights(a.l2), optimizer)
state = optimizer.init(params)
activation = jax.nn.relu if a.act == "relu" else jnp.tanh


def scores(params, x):
    for w, b in params[:-1]:
        x = activation(x @ w + b)
    return x @ params[-1][0] + params[-1][1]


def mean_loss(params, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(scores(params, x), y).mean()


def step(carry, xy):
    params, state = carry
    loss, gradient = jax.value_and_grad(mean_loss)(params, *xy)
    change, state = optimizer.update(gradient, state, params)
    return (optax.apply_updates(params, change), state), loss * len(xy[1])


count = len(xt)
full = count // a.batch


@partial(jax.jit, donate_argnums=0)
def epoch(carry, key, x, y):
    order = jax.random.permutation(key, count)
    head, tail = order[: full * a.batch].reshape(full, a.batch), order[full * a.batch :]
    if a.mode == "gather":
        carry, losses = jax.lax.scan(step, carry, (x[head], y[head]))
    else:
        carry, losses = jax.lax.scan(lambda carry, rows: step(carry, (x[rows], y[rows])), carry, head)
    total = losses.sum()
    if count % a.batch:
        carry, loss = step(carry, (x[tail], y[tail]))
        total += loss
    return carry, total / count


one = jax.jit(step, donate_argnums=0)
accuracy = jax.jit(lambda params, x, y: (scores(params, x).argmax(1) == y).mean())
clock, carry = peer.Clock(a, jax.__version__), (params, state)
for e in range(a.epochs):
    start = time.perf_counter()
    if a.mode == "step":
        order, loss = np.random.default_rng(a.seed + e).permutation(count), 0.0
        for at in range(0, count, a.batch):
            rows = order[at : at + a.batch]
            carry, part = one(carry, (xt[rows], yt[rows]))
            loss += part
        loss = loss / count
    else:
        carry, loss = epoch(carry, jax.random.fold_in(key, 1000 + e), xt, yt)
    loss = float(loss)  # waits for the result
    middle = time.perf_counter()
    acc = float(accuracy(carry[0], xv, yv))
    clock.epoch(middle - start, time.perf_counter() - middle, acc, loss)
clock.done(accuracy(carry[0], xs, ys))
