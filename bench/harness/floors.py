"""The least that each part of an epoch could take: counted work over what one core does of it, see `../peak.c`.

What a part must read and write is counted once, and where several things bound it, which a processor does side by side,
the slowest counts.
"""

from .workloads import CLASSES, IMAGES, PIXELS


def parts(workload, peak):
    """For each part what bounds it, in seconds. `peak`: of the instruction set, in 1e9 a second."""
    units, steps = sum(workload.hidden), -(-IMAGES // workload.batch)
    forward = sum(i * o for i, o in zip(workload.sizes, workload.sizes[1:]))
    above_first = forward - workload.sizes[0] * workload.sizes[1]
    products = {"multiply-adds": (2 * forward * IMAGES, "fma")}
    moved = workload.parameters * steps
    update = {"weights and moments": (8 * workload.arrays * moved, "in_place")}
    if workload.arrays > 2:
        update["roots and divisions"] = (moved, "roots")
    work = {
        "shuffling, and the loop": {"memory traffic": (16 * IMAGES, "second")},
        "gather": {
            "reading images": (PIXELS * IMAGES, "memory"),
            "writing inputs": (4 * PIXELS * IMAGES, "second"),
        },
        "products, forward": products,
        "activation, forward": {"memory traffic": (8 * units * IMAGES, "first")},
        # The exponential: a polynomial of degree 7, and three more to find its argument.
        "softmax and loss": {"multiply-adds": (2 * 10 * CLASSES * IMAGES, "fma")},
        "transposing weights": {"memory traffic": (8 * above_first * steps, "first")},
        "products, backward": {"multiply-adds": (2 * above_first * IMAGES, "fma")},
        "activation, backward": {"memory traffic": (12 * units * IMAGES, "first")},
        "gradients of weights, and update": {**products, **update},
    }
    return {
        part: {name: amount / (peak[rate] * 1e9) for name, (amount, rate) in bounds.items()}
        for part, bounds in work.items()
    }
