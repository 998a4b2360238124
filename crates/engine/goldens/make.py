"""Makes torch.json: short training runs of the real PyTorch, which the engine's tests must repeat.

How to run, from any folder (some ten seconds):

    python -m venv venv && venv/bin/pip install torch numpy
    venv/bin/python make.py

It writes torch.json beside itself. CI compares the SHA-256 of this file with `script_sha256` in
torch.json, so whoever edits this script, even a comment, runs it again and commits both.

The problem is the same in every case: 6 inputs, hidden layers of 5 and 4, 3 classes; 11 images in file
order, batches of 4, 4 and 3, 12 epochs = 36 steps. The last pixel is 0 in every image, so the gradient
of its weights is exactly 0, as at the edges of real images. Images are scaled as float32(pixel) / 255.

torch.json, where FLOATS is base64 of little-endian float32 and WEIGHTS is FLOATS of all tensors in the
order layers.0.weight (row-major [out, in]), layers.0.bias, layers.1.weight ...:

    script_sha256, versions
    sizes, batch_size, epochs
    pixels      [n * inputs] integers 0 to 255, image after image
    labels      [n]
    initial     WEIGHTS at the start of every case
    gradients   [{activation, loss, gradient: WEIGHTS of the first batch, without L2}]
    cases       [{optimizer, activation, loss, learning_rate, weight_decay, momentum, beta, beta1, beta2,
                  epsilon, reference, losses: FLOATS [36], weights: WEIGHTS after the last step}]

`losses` are those of each batch before its step, without L2. `reference` is `torch` for torch.optim in
float32, as users run it, or `float64` for the plain definitions of Lion and Eve below, which torch.optim
lacks. torch.optim.Muon runs here with its iteration in the precision of the run. cases holds (a) every optimizer x activation with cross_entropy and the usual hyperparameters, then
(b) every optimizer x loss x weight decay with tanh and other hyperparameters.

Every case runs in both precisions, and a problem is taken only if all cases are well-conditioned: the two
agree to 2e-5, and no ReLU input and no Lion update is so near 0 that rounding alone would turn the result.
The script prints how well they agree.
"""

import base64
import hashlib
import itertools
import json
import math
import pathlib
import platform

import numpy as np
import torch
import torch.nn.functional as F
from torch.optim import _muon

ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.01),
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "softplus": F.softplus,
}


def cross_entropy(scores, labels):
    return F.cross_entropy(scores, labels)


def mean_squared_error(scores, labels):
    # The mean over batch and classes; autograd goes through the whole softmax.
    one_hot = F.one_hot(labels, scores.shape[1]).to(scores.dtype)
    return ((F.softmax(scores, dim=1) - one_hot) ** 2).mean()


LOSSES = {"cross_entropy": cross_entropy, "mean_squared_error": mean_squared_error}


class Lion(torch.optim.Optimizer):
    """Chen et al. (2023), Symbolic Discovery of Optimization Algorithms, algorithm 2; sign(0) = 0."""

    def __init__(self, groups, lr, betas):
        super().__init__(groups, {"lr": lr, "betas": betas})
        self.margin = math.inf  # smallest |update| but 0, over the root mean square of its tensor

    @torch.no_grad()
    def step(self, closure):
        for group in self.param_groups:
            lr, (beta1, beta2) = group["lr"], group["betas"]
            for w in group["params"]:
                m = self.state[w].setdefault("m", torch.zeros_like(w))
                update = beta1 * m + (1 - beta1) * w.grad
                w.mul_(1 - lr * group["weight_decay"])
                w.sub_(lr * torch.sign(update))
                m.mul_(beta2).add_((1 - beta2) * w.grad)
                size = update[update != 0].abs()
                if len(size):
                    self.margin = min(self.margin, float(size.min() / size.square().mean().sqrt()))


class Eve(torch.optim.Optimizer):
    """Koushik & Hayashi (2016), Improving Stochastic Gradient Descent with Feedback (arXiv 1611.01505),
    final version, with beta3 = 0.999, c = 10 and f* = 0: Adam whose rate is divided by the smoothed
    relative change of the batch loss. L2 is added to the gradient and not to the loss."""

    def __init__(self, groups, lr, betas, eps):
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps})
        self.t, self.loss, self.smooth = 0, 0.0, 1.0

    @torch.no_grad()
    def step(self, closure):
        beta3, c = 0.999, 10.0
        self.t, before, self.loss = self.t + 1, self.loss, closure().item()
        if self.t > 1:
            low = min(self.loss, before)
            # At a loss of exactly 0 the ratio is infinite or undefined: the largest one is used.
            change = abs(self.loss - before) / low if low > 0 else c
            self.smooth = beta3 * self.smooth + (1 - beta3) * min(max(change, 1 / c), c)
        for group in self.param_groups:
            lr, (beta1, beta2) = group["lr"] / self.smooth, group["betas"]
            for w in group["params"]:
                g = w.grad + group["weight_decay"] * w
                m = self.state[w].setdefault("m", torch.zeros_like(w))
                v = self.state[w].setdefault("v", torch.zeros_like(w))
                m.mul_(beta1).add_((1 - beta1) * g)
                v.mul_(beta2).add_((1 - beta2) * g * g)
                mean, square = m / (1 - beta1**self.t), v / (1 - beta2**self.t)
                w.sub_(lr * mean / (square.sqrt() + group["eps"]))


class Muon:
    """torch.optim.Muon for the matrices between hidden layers, torch.optim.AdamW for all else."""

    def __init__(self, groups, case):
        weights, biases = groups
        first, *hidden, last = weights["params"]
        rest = [{**weights, "params": [first, last]}, biases]
        settings = {"lr": case["learning_rate"], "weight_decay": case["weight_decay"]}
        settings |= {"momentum": case["momentum"], "adjust_lr_fn": "match_rms_adamw"}
        self.parts = [torch.optim.Muon(hidden, **settings), torch.optim.AdamW(rest, **like_adam(case))]

    def zero_grad(self):
        for part in self.parts:
            part.zero_grad()

    def step(self, closure):
        for part in self.parts:
            part.step()


def orthogonalize(matrix, coefficients, steps, eps):
    """What torch.optim.Muon does in bfloat16, of which two digits are right, in the precision of the run."""
    a, b, c = coefficients
    x = matrix / matrix.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


_muon._zeropower_via_newtonschulz = orthogonalize


# Each is called with the parameter groups and a case, whose keys are named like Handloom's flags.
OPTIMIZERS = {
    "sgd": lambda p, c: torch.optim.SGD(p, c["learning_rate"]),
    "momentum": lambda p, c: torch.optim.SGD(p, c["learning_rate"], momentum=c["momentum"]),
    "nag": lambda p, c: torch.optim.SGD(p, c["learning_rate"], momentum=c["momentum"], nesterov=True),
    "rmsprop": lambda p, c: torch.optim.RMSprop(p, c["learning_rate"], alpha=c["beta"], eps=c["epsilon"]),
    "adam": lambda p, c: torch.optim.Adam(p, **like_adam(c)),
    "nadam": lambda p, c: torch.optim.NAdam(p, **like_adam(c), momentum_decay=0.004),
    "adamw": lambda p, c: torch.optim.AdamW(p, **like_adam(c)),
    "adagrad": lambda p, c: torch.optim.Adagrad(p, c["learning_rate"], eps=c["epsilon"]),
    "adadelta": lambda p, c: torch.optim.Adadelta(p, c["learning_rate"], rho=c["beta"], eps=c["epsilon"]),
    "adamax": lambda p, c: torch.optim.Adamax(p, **like_adam(c)),
    "amsgrad": lambda p, c: torch.optim.Adam(p, **like_adam(c), amsgrad=True),
    "radam": lambda p, c: torch.optim.RAdam(p, **like_adam(c)),
    "lion": lambda p, c: Lion(p, c["learning_rate"], (c["beta1"], c["beta2"])),
    "eve": lambda p, c: Eve(p, **like_adam(c)),
    "muon": Muon,
}
# Where the search for a well-conditioned problem ends that began at 0 and took a minute.
FIRST_SEED = 45084
NOT_IN_TORCH = ("lion", "eve")

# Rates at which 36 steps move the weights visibly and calmly.
LEARNING_RATES = {
    **dict.fromkeys(("adam", "nadam", "adamw", "adamax", "amsgrad", "eve"), 0.02),
    **{"sgd": 0.2, "momentum": 0.05, "nag": 0.05, "rmsprop": 0.01, "adagrad": 0.05},
    **{"adadelta": 5.0, "radam": 0.05, "lion": 0.005, "muon": 0.02},
}


def like_adam(case):
    return {"lr": case["learning_rate"], "betas": (case["beta1"], case["beta2"]), "eps": case["epsilon"]}


class Run:
    """One training run of `case` on `problem`, in `dtype`."""

    def __init__(self, problem, case, dtype):
        self.activation = ACTIVATIONS[case["activation"]]
        # Scaled in float32, as Handloom does, whatever the precision of the run.
        x = torch.from_numpy(problem["pixels"].astype(np.float32) / np.float32(255)).to(dtype)
        y = torch.from_numpy(problem["labels"].astype(np.int64))
        # Weights and biases in turn: layers.0.weight, layers.0.bias, layers.1.weight ...
        self.tensors = [torch.tensor(w, dtype=dtype, requires_grad=True) for w in problem["initial"]]
        self.inputs = []  # of the hidden activations, in every step
        self.losses, self.first_gradient = [], None

        groups = [
            {"params": self.tensors[0::2], "weight_decay": case["weight_decay"]},
            {"params": self.tensors[1::2], "weight_decay": 0.0},
        ]
        self.optimizer = OPTIMIZERS[case["optimizer"]](groups, case)
        for _ in range(problem["epochs"]):
            for i in range(0, len(x), problem["batch_size"]):
                rows = slice(i, i + problem["batch_size"])
                loss = LOSSES[case["loss"]](self.scores(x[rows]), y[rows])
                self.optimizer.zero_grad()
                loss.backward()
                self.first_gradient = self.first_gradient or [w.grad.clone() for w in self.tensors]
                # All torch optimizers can be handed the loss; Eve needs it.
                self.optimizer.step(lambda: loss)
                self.losses.append(loss.item())
        self.tensors = [w.detach() for w in self.tensors]

    def scores(self, x):
        for i in range(0, len(self.tensors) - 2, 2):
            x = F.linear(x, *self.tensors[i : i + 2])
            self.inputs.append(x.detach())
            x = self.activation(x)
        return F.linear(x, *self.tensors[-2:])

    def margin(self):
        """Distance of the nearest hidden unit to its activation's kink."""
        return min(z.abs().min().item() for z in self.inputs)

    def loss_deviation(self, reference):
        return np.abs(np.divide(self.losses, reference.losses) - 1).max()


def deviation(tensors, reference):
    """Largest difference of two lists of tensors, relative to each tensor's largest value."""
    return max(
        ((a.double() - b.double()).abs().max() / b.double().abs().max()).item()
        for a, b in zip(tensors, reference)
    )


def make_problem(seed, sizes=(6, 5, 4, 3), images=11):
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (images, sizes[0]), dtype=np.uint8)
    pixels[:, -1] = 0
    initial = []
    for inputs, outputs in itertools.pairwise(sizes):
        initial.append(random.normal(0, 0.5, (outputs, inputs)).astype(np.float32))
        initial.append(random.normal(0, 0.5, outputs).astype(np.float32))
    labels = random.permutation(np.arange(images) % sizes[-1]).astype(np.uint8)
    arrays = {"pixels": pixels, "labels": labels, "initial": initial}
    return {"sizes": sizes, "batch_size": 4, "epochs": 12, **arrays}


def is_lively(problem):
    """Whether at the start each hidden ReLU is on for some images, and most are off for some."""
    x, on = problem["pixels"] / 255, []
    for i in range(0, 2 * len(problem["sizes"]) - 4, 2):
        x = np.maximum(x @ problem["initial"][i].T + problem["initial"][i + 1], 0)
        on.extend((x > 0).mean(axis=0))
    return min(on) > 0.2 and sum(share < 1 for share in on) >= 7


def make_cases():
    usual = {"momentum": 0.9, "beta": 0.9, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    other = {"momentum": 0.8, "beta": 0.95, "beta1": 0.85, "beta2": 0.99, "epsilon": 1e-6}
    # The large epsilon shows whether it stands inside or outside of the root, and only with a small
    # beta2 is the largest square of amsgrad not the latest.
    third = {"momentum": 0.95, "beta": 0.8, "beta1": 0.7, "beta2": 0.9, "epsilon": 1e-3}

    def case(optimizer, activation, loss, weight_decay, settings):
        rate = LEARNING_RATES[optimizer]
        if optimizer == "adadelta" and settings is third:
            rate /= 10  # its first steps are of the size of the root of epsilon
        names = {"optimizer": optimizer, "activation": activation, "loss": loss}
        return {**names, "learning_rate": rate, "weight_decay": weight_decay, **settings}

    for optimizer, activation in itertools.product(OPTIMIZERS, ACTIVATIONS):
        yield case(optimizer, activation, "cross_entropy", 0.0, usual)
    for optimizer, loss in itertools.product(OPTIMIZERS, LOSSES):
        yield case(optimizer, "tanh", loss, 0.0, other)
        yield case(optimizer, "tanh", loss, 0.01, third)


def has_kink(case):
    return case["activation"] in ("relu", "leaky_relu")


def train_all(problem, cases):
    """A pair of runs for each case, in float32 and float64, or None if rounding decides one of them."""
    if not is_lively(problem):
        return None
    pairs = []
    for case in cases:
        f64 = Run(problem, case, torch.float64)
        if has_kink(case) and f64.margin() < 1e-4:
            return None
        if case["optimizer"] == "lion" and f64.optimizer.margin < 1e-5:
            return None
        f32 = Run(problem, case, torch.float32)
        agree = deviation(f32.tensors, f64.tensors) <= 2e-5 and f32.loss_deviation(f64) <= 2e-5
        if not agree:  # nor does NaN
            return None
        pairs.append((f32, f64))
    return pairs


def floats(values):
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode()


def flat(tensors):
    return floats(np.concatenate([np.asarray(w).ravel() for w in tensors]))


def print_table(problem, cases, pairs):
    initial = [torch.from_numpy(w) for w in problem["initial"]]
    print("float32 against float64, relative; the least that the weights moved; nearest kinks")
    print("optimizer  cases   weights    losses     moved      relu  lion sign")
    for name in OPTIMIZERS:
        mine = [(c, a, b) for c, (a, b) in zip(cases, pairs) if c["optimizer"] == name]
        weights = max(deviation(a.tensors, b.tensors) for _, a, b in mine)
        losses = max(a.loss_deviation(b) for _, a, b in mine)
        moved = min(deviation(b.tensors, initial) for _, _, b in mine)
        relu = min(b.margin() for c, _, b in mine if has_kink(c))
        sign = f"{min(b.optimizer.margin for _, _, b in mine):.1e}" if name == "lion" else ""
        print(f"{name:10} {len(mine):5} {weights:9.1e} {losses:9.1e} {moved:9.3f} {relu:9.1e} {sign:>10}")


def main():
    torch.set_num_threads(1)
    cases = list(make_cases())
    for seed in itertools.count(FIRST_SEED):
        problem = make_problem(seed)
        if pairs := train_all(problem, cases):
            break

    gradients = []
    for case, (f32, _) in zip(cases, pairs):
        if case["optimizer"] == "sgd" and case["activation"] == "tanh" and case["epsilon"] == 1e-6:
            gradient = flat(f32.first_gradient)
            gradients.append({"activation": "tanh", "loss": case["loss"], "gradient": gradient})
    for case, (f32, f64) in zip(cases, pairs):
        case["reference"] = "float64" if case["optimizer"] in NOT_IN_TORCH else "torch"
        run = f64 if case["reference"] == "float64" else f32
        case["losses"], case["weights"] = floats(run.losses), flat(run.tensors)

    script = pathlib.Path(__file__)
    versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    golden = {
        "script_sha256": hashlib.sha256(script.read_bytes()).hexdigest(),
        "versions": versions,
        "sizes": problem["sizes"],
        "batch_size": problem["batch_size"],
        "epochs": problem["epochs"],
        "pixels": problem["pixels"].ravel().tolist(),
        "labels": problem["labels"].tolist(),
        "initial": flat(problem["initial"]),
        "gradients": gradients,
        "cases": cases,
    }
    # A line for each case, so that a difference can be read.
    text = json.dumps(golden).replace('{"optimizer"', '\n{"optimizer"')
    script.with_name("torch.json").write_text(text + "\n", newline="\n")
    print(f"problem {seed}")
    print_table(problem, cases, pairs)


if __name__ == "__main__":
    main()
