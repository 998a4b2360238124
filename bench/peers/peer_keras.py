"""Keras 3 on TensorFlow's CPU, `model.fit` on arrays. fit: Keras's own choice of `jit_compile`; jit, nojit force it."""

import peer

a = peer.parse("keras", ["fit", "jit", "nojit"])
import os
import time

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
import keras
import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(a.threads)
tf.config.threading.set_inter_op_parallelism_threads(a.threads)
keras.utils.set_random_seed(a.seed)
xt, yt, xv, yv, xs, ys = peer.load(a, np)
# Keras adds l2 * sum(w^2), whose gradient is 2 * l2 * w.
decay = keras.regularizers.L2(a.l2 / 2) if a.l2 else None
hidden = [
    keras.layers.Dense(size, a.act, kernel_initializer="glorot_uniform", kernel_regularizer=decay) for size in a.hidden
]
model = keras.Sequential([keras.Input((784,)), *hidden, keras.layers.Dense(10, kernel_regularizer=decay)])
optimizer = {
    "nadam": lambda: keras.optimizers.Nadam(a.lr, epsilon=1e-8),
    "adam": lambda: keras.optimizers.Adam(a.lr, epsilon=1e-8),
    "momentum": lambda: keras.optimizers.SGD(a.lr, momentum=0.9),
}[a.opt]()
model.compile(
    optimizer,
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
    steps_per_execution=16,  # W1 takes half of what it takes with 1; 128 gains nothing more
    jit_compile={"fit": "auto", "jit": True, "nojit": False}[a.mode],
)
clock = peer.Clock(a, f"{keras.__version__} on TensorFlow {tf.__version__}")


class Timer(keras.callbacks.Callback):
    """Training ends where validation begins."""

    def on_epoch_begin(self, *_):
        self.start = time.perf_counter()

    def on_test_begin(self, *_):
        self.middle = time.perf_counter()

    def on_epoch_end(self, _, logs):
        now = time.perf_counter()
        clock.epoch(self.middle - self.start, now - self.middle, logs["val_accuracy"], logs["loss"])


model.fit(
    xt,
    yt,
    batch_size=a.batch,
    epochs=a.epochs,
    validation_data=(xv, yv),
    validation_batch_size=1000,
    verbose=0,
    callbacks=[Timer()],
)
clock.done(model.evaluate(xs, ys, batch_size=1000, verbose=0)[1])
