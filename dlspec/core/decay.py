"""Learning-rate decay: α as a pure function of α0 and the epoch, which counts from 0.

The first epoch runs at α0 (for `sqrt`, at k·α0). A member returns α itself, not a factor, since
`manual` names rates.
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol


class Decay(Protocol):
    """One rule."""

    def __call__(self, learning_rate: float, epoch: int) -> float:
        """Learning rate α of this epoch, from α0 = `learning_rate`."""


class Constant:
    """α = α0."""

    def __call__(self, learning_rate: float, epoch: int) -> float:  # noqa: ARG002 - the signature of the family
        """α0 at every epoch."""
        return learning_rate


class InverseTime:
    """α = α0 / (1 + rate · epoch). Course 2, week 2."""

    def __init__(self, *, rate: float = 0.1):
        self.rate = rate

    def __call__(self, learning_rate: float, epoch: int) -> float:
        """Learning rate of this epoch."""
        return learning_rate / (1.0 + self.rate * epoch)


class Exponential:
    """α = α0 · base^epoch. Course 2, week 2 (a slip in circulation: 0.95 e^epoch)."""

    def __init__(self, *, base: float = 0.95):
        self.base = base

    def __call__(self, learning_rate: float, epoch: int) -> float:
        """Learning rate of this epoch."""
        return learning_rate * self.base**epoch


class Sqrt:
    """α = α0 · k / √(epoch + 1): the course's k/√epoch_num, whose epoch_num starts at 1."""

    def __init__(self, *, k: float = 1.0):
        self.k = k

    def __call__(self, learning_rate: float, epoch: int) -> float:
        """Learning rate of this epoch."""
        return learning_rate * self.k / math.sqrt(epoch + 1)


class Staircase:
    """α = α0 · factor^⌊epoch / every⌋."""

    def __init__(self, *, factor: float = 0.5, every: int = 10):
        self.factor = factor
        self.every = every

    def __call__(self, learning_rate: float, epoch: int) -> float:
        """Learning rate of this epoch."""
        return learning_rate * self.factor ** (epoch // self.every)


class Manual:
    """α as written by hand: α0 until the first point, then each point's rate from its epoch on.

    Args:
        points: (epoch, learning rate) in rising order of epoch.
    """

    def __init__(self, *, points: Sequence[tuple[int, float]]):
        self.points = tuple(points)

    def __call__(self, learning_rate: float, epoch: int) -> float:
        """Learning rate of this epoch."""
        for first, rate in self.points:
            if epoch >= first:
                learning_rate = rate
        return learning_rate


DECAYS: dict[str, Callable[..., Decay]] = {
    "constant": Constant,
    "inverse_time": InverseTime,
    "exponential": Exponential,
    "sqrt": Sqrt,
    "staircase": Staircase,
    "manual": Manual,
}
