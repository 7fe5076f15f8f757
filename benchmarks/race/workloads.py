"""What is trained: the workloads, as numbers and arrays that every contestant gets alike."""

from dataclasses import dataclass

import numpy as np


class OutOfRaceError(Exception):
    """A contestant has no part in a workload; says why."""


@dataclass(frozen=True)
class Workload:
    """One network on one set.

    Attributes:
        name: short.
        widths: inputs, hidden layers, outputs; one output is a sigmoid, more are a softmax.
        examples: in the training set.
        batch: examples per step.
        optimizer: `sgd`, `momentum` or `adam`, with α = 1e-3.
        keep_prob: of the hidden layers.
        l2: λ.
        batch_norm: before every hidden activation.
        steps: of one measurement: some tenths of a second.
    """

    name: str
    widths: tuple[int, ...]
    examples: int
    batch: int
    optimizer: str
    steps: int
    keep_prob: float = 1.0
    l2: float = 0.0
    batch_norm: bool = False

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum((n_in + 1) * n_out for n_in, n_out in zip(self.widths, self.widths[1:], strict=False))

    @property
    def steps_per_epoch(self) -> int:
        """All of the batches are full."""
        return self.examples // self.batch


WORKLOADS = {
    w.name: w
    for w in (
        Workload("W1", (30, 1), 6_400, 64, "sgd", steps=8_000),
        Workload("W2", (64, 64, 32, 10), 6_400, 64, "adam", steps=3_000),
        Workload("W3", (784, 512, 256, 10), 12_800, 128, "adam", steps=100),
        Workload("W3r", (784, 512, 256, 10), 12_800, 128, "adam", steps=100, keep_prob=0.8, l2=0.1, batch_norm=True),
        Workload("W4", (12_288, 20, 7, 5, 1), 209, 209, "sgd", steps=100),
        Workload("W5", (3_072, 2_048, 2_048, 1_024, 10), 2_048, 512, "adam", steps=4),
        Workload("W6", (128,) * 51 + (10,), 5_120, 256, "adam", steps=20),
    )
}


def data_of(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """X (m, n_x) float32 and labels Y (m,) int64, learnable, the same in every process."""
    rng = np.random.default_rng(7)
    X = rng.standard_normal((workload.examples, workload.widths[0]), dtype=np.float32)
    classes = max(2, workload.widths[-1])
    scores = X[:, : min(64, X.shape[1])] @ rng.standard_normal((min(64, X.shape[1]), classes), dtype=np.float32)
    return X, scores.argmax(axis=1).astype(np.int64)
