"""Learning-rate decay: α as a pure function of α0, the time t and the length of the run.

t counts epochs or steps from 0, as the caller likes, and `total` is how many of them the run has: in
its last epoch or step t is total − 1. The first one runs at α0 (for `sqrt` at k·α0, for `one_cycle` at
the foot of its rise). A member returns α itself, not a factor, since `manual` names rates.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, Protocol


class Decay(Protocol):
    """One rule."""

    def __call__(self, learning_rate: float, t: int, total: int) -> float:
        """Learning rate α at time t of `total` ≥ 1, from α0 = `learning_rate`."""


class Constant:
    """α = α0."""

    def __call__(self, learning_rate: float, t: int, total: int) -> float:  # noqa: ARG002 - the signature of the family
        """α0 at all times."""
        return learning_rate


class InverseTime:
    """α = α0 / (1 + rate · t). Course 2, week 2."""

    def __init__(self, *, rate: float = 0.1):
        self.rate = rate

    def __call__(self, learning_rate: float, t: int, total: int) -> float:  # noqa: ARG002 - the signature of the family
        """Learning rate at time t."""
        return learning_rate / (1.0 + self.rate * t)


class Exponential:
    """α = α0 · baseᵗ. Course 2, week 2 (a slip in circulation: 0.95 eᵗ)."""

    def __init__(self, *, base: float = 0.95):
        self.base = base

    def __call__(self, learning_rate: float, t: int, total: int) -> float:  # noqa: ARG002 - the signature of the family
        """Learning rate at time t."""
        return learning_rate * self.base**t


class Sqrt:
    """α = α0 · k / √(t + 1): the course's k/√epoch_num, whose epoch_num starts at 1."""

    def __init__(self, *, k: float = 1.0):
        self.k = k

    def __call__(self, learning_rate: float, t: int, total: int) -> float:  # noqa: ARG002 - the signature of the family
        """Learning rate at time t."""
        return learning_rate * self.k / math.sqrt(t + 1)


class Staircase:
    """α = α0 · factor^⌊t / every⌋."""

    def __init__(self, *, factor: float = 0.5, every: int = 10):
        self.factor = factor
        self.every = every

    def __call__(self, learning_rate: float, t: int, total: int) -> float:  # noqa: ARG002 - the signature of the family
        """Learning rate at time t."""
        return learning_rate * self.factor ** (t // self.every)


class Manual:
    """α as written by hand: α0 until the first point, then each point's rate from its time on.

    Args:
        points: (t, learning rate) in rising order of t.
    """

    def __init__(self, *, points: Sequence[tuple[int, float]]):
        self.points = tuple(points)

    def __call__(self, learning_rate: float, t: int, total: int) -> float:  # noqa: ARG002 - the signature of the family
        """Learning rate at time t."""
        for first, rate in self.points:
            if t >= first:
                learning_rate = rate
        return learning_rate


class Cosine:
    """α = min_rate + (α0 − min_rate)(1 + cos(π p))/2, p from 0 to 1 within each cycle (1608.03983).

    p = t/total with one cycle. Several restart at α0: the warm restarts of the paper, and the cycles of snapshot
    ensembles (1704.00109). Cycle c of n begins at ⌈c · total/n⌉, so all are whole and as long up to one epoch or
    step; the second paper's begin at c · ⌈total/n⌉, which leaves the last one short where n does not divide total.

    Args:
        min_rate: where every cycle heads for, ≥ 0; the rate from t = total on.
        cycles: n ≥ 1.
    """

    def __init__(self, *, min_rate: float = 0.0, cycles: int = 1):
        self.min_rate = min_rate
        self.cycles = cycles

    def __call__(self, learning_rate: float, t: int, total: int) -> float:
        """Learning rate at time t."""
        if t >= total:
            return self.min_rate
        cycle = t * self.cycles // total
        start = -(-cycle * total // self.cycles)
        end = -(-(cycle + 1) * total // self.cycles)
        part = (t - start) / (end - start)
        return self.min_rate + (learning_rate - self.min_rate) * (1.0 + math.cos(math.pi * part)) / 2.0


# Ways from 0 to 1.
SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda part: part,
    "cosine": lambda part: (1.0 - math.cos(math.pi * part)) / 2.0,
}


class OneCycle:
    """Up from start_factor · α0 to the peak α0 at t = rise · total, down to end_factor · α0 at total (1708.07120).

    Args:
        rise: part of the run that goes up, 0 < rise < 1.
        start_factor: first rate, as a part of α0; 0 to 1.
        end_factor: the rate that the end heads for, as a part of α0; 0 to 1.
        shape: `linear` as in the paper, or `cosine`, half a wave up and half a wave down.
    """

    def __init__(
        self,
        *,
        rise: float = 0.3,
        start_factor: float = 0.04,
        end_factor: float = 1e-4,
        shape: Literal["cosine", "linear"] = "cosine",
    ):
        self.rise = rise
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.shape = SHAPES[shape]

    def __call__(self, learning_rate: float, t: int, total: int) -> float:
        """Learning rate at time t."""
        peak = self.rise * total
        if t < peak:
            foot, height = self.start_factor, self.shape(t / peak)
        else:
            foot, height = self.end_factor, self.shape(max(0.0, (total - t) / (total - peak)))
        return learning_rate * (foot + (1.0 - foot) * height)


class Warmup:
    """A straight line from 0 to where another decay starts, then that decay.

    At t < length: α = (t + 1)/(length + 1) of the other's first rate, so the line arrives there at t = length. From
    then on the other one sees t − length of total − length, as if the run began there.

    Args:
        decay: what comes after.
        length: epochs or steps, in the unit of t; ≥ 0.
    """

    def __init__(self, decay: Decay, *, length: int):
        self.decay = decay
        self.length = length

    def __call__(self, learning_rate: float, t: int, total: int) -> float:
        """Learning rate at time t."""
        rest = max(1, total - self.length)  # a run may end before the warm-up does
        if t < self.length:
            return self.decay(learning_rate, 0, rest) * (t + 1) / (self.length + 1)
        return self.decay(learning_rate, t - self.length, rest)


DECAYS: dict[str, Callable[..., Decay]] = {
    "constant": Constant,
    "inverse_time": InverseTime,
    "exponential": Exponential,
    "sqrt": Sqrt,
    "staircase": Staircase,
    "manual": Manual,
    "cosine": Cosine,
    "one_cycle": OneCycle,
}
