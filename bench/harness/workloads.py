"""The workloads W1-W4 and the arithmetic in them. Read by the peers too."""

from dataclasses import dataclass

IMAGES = 54_000  # of Fashion-MNIST's 60,000; the rest is for validation
PIXELS, CLASSES = 784, 10


@dataclass(frozen=True)
class Workload:
    """A network, how it is trained, and nothing that depends on a tool."""

    name: str
    hidden: tuple[int, ...]
    activation: str
    optimizer: str
    lr: float
    batch: int
    l2: float = 0.0

    @property
    def sizes(self):
        return (PIXELS, *self.hidden, CLASSES)

    @property
    def parameters(self):
        return sum(i * o + o for i, o in zip(self.sizes, self.sizes[1:]))

    @property
    def arrays(self):
        """Numbers kept for each parameter: itself, and its moments."""
        return 2 if self.optimizer == "momentum" else 3

    @property
    def state_kib(self):
        """What the parameters and their moments take."""
        return 4 * self.arrays * self.parameters // 1024

    def flops(self, images):
        """Multiplications and additions of one epoch over `images` images.

        Forward, gradient of the weights, and gradient of the activations but for the input's. Optimizer,
        activations, softmax and loss are not counted.
        """
        forward = sum(i * o for i, o in zip(self.sizes, self.sizes[1:]))
        inputs = self.sizes[0] * self.sizes[1]
        return 2 * (3 * forward - inputs) * images

    def flags(self):
        """Of `handloom train`."""
        widths = [str(width) for width in self.hidden]
        return [
            *"-w_i xavier -a".split(),
            self.activation,
            "-o",
            self.optimizer,
            "-lr",
            str(self.lr),
            "-b",
            str(self.batch),
            "-w_d",
            str(self.l2),
            "-sz",
            *widths,
        ]

    def __str__(self):
        l2 = f", L2 {self.l2:g}" if self.l2 else ""
        return (
            f"{'-'.join(map(str, self.sizes))}, {self.activation}, {self.optimizer}, "
            f"learning rate {self.lr:g}, batch {self.batch}{l2}"
        )


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1", (64,) * 3, "relu", "nadam", 1e-3, 32, 5e-4),
        Workload("W2", (128,) * 5, "tanh", "adam", 1e-3, 64),
        Workload("W3", (256, 128, 64), "relu", "momentum", 0.05, 128),  # momentum 0.9
        Workload("W4", (1024,) * 2, "relu", "adam", 1e-3, 256),
    )
}
