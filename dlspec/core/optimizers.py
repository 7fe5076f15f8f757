"""Optimisers: the step from a gradient, in place on the flat vectors θ and dθ.

`bind(theta, grad)` allocates the running averages and returns `step(learning_rate, t)`, t = 1, 2, …
counting the steps, and `state`, the arrays that a checkpoint must keep.

A running average v ← βv + (1 − β)g is kept here as the sum v' = v/(1 − β), v' ← βv' + g, which
saves one pass over memory; the factor 1 − β joins the scalars of the step. The state holds v'.

Work goes block by block, so that a block of θ, dθ and the averages stays in the cache over all
passes of its step.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from dlspec.core.arrays import Array

# 65,536 float32 values are 256 kB: for the 535,818 parameters of 784-512-256-10 a step of Adam took 714 µs
# with this size, 850 with 16,384 and 1,204 with 4,096 (one thread, 2 MB second-level cache).
BLOCK = 65_536


class BoundOptimizer(NamedTuple):
    """An optimiser bound to θ and dθ.

    Attributes:
        step: `step(learning_rate, t)` updates θ in place; t counts from 1.
        state: the running averages by name, each (P,); written in place by `step`.
    """

    step: Callable[[float, int], None]
    state: dict[str, Array]


class Optimizer(Protocol):
    """One rule."""

    def bind(self, theta: Array, grad: Array) -> BoundOptimizer:
        """Allocate for θ (P,) and dθ (P,)."""


def _blocks(*arrays: Array) -> list[tuple[Array, ...]]:
    """The same blocks of several (P,) arrays, and of one scratch array that the blocks share."""
    scratch = np.empty(min(BLOCK, arrays[0].size), arrays[0].dtype)

    def cut() -> Iterator[tuple[Array, ...]]:
        for start in range(0, arrays[0].size, BLOCK):
            parts = tuple(array[start : start + BLOCK] for array in arrays)
            yield *parts, scratch[: parts[0].size]

    return list(cut())


class Sgd:
    """θ ← θ − α g. Course 1, week 2."""

    def bind(self, theta: Array, grad: Array) -> BoundOptimizer:
        """No state."""
        blocks = _blocks(theta, grad)

        def step(learning_rate: float, t: int) -> None:  # noqa: ARG001 - the signature of the family
            for w, g, scratch in blocks:
                np.multiply(g, learning_rate, out=scratch)
                np.subtract(w, scratch, out=w)

        return BoundOptimizer(step, {})


class Momentum:
    """v ← βv + (1 − β)g, θ ← θ − α v. Course 2, week 2, without bias correction.

    PyTorch and Keras leave (1 − β) out: their α is ours times (1 − β).

    Args:
        beta: 0 ≤ β < 1; the average is over about 1/(1 − β) gradients.
    """

    def __init__(self, *, beta: float = 0.9):
        self.beta = beta

    def bind(self, theta: Array, grad: Array) -> BoundOptimizer:
        """Allocate v' = v/(1 − β)."""
        beta, v = self.beta, np.zeros_like(theta)
        blocks = _blocks(theta, grad, v)

        def step(learning_rate: float, t: int) -> None:  # noqa: ARG001 - the signature of the family
            rate = learning_rate * (1.0 - beta)
            for w, g, v_, scratch in blocks:
                np.multiply(v_, beta, out=v_)
                np.add(v_, g, out=v_)
                np.multiply(v_, rate, out=scratch)
                np.subtract(w, scratch, out=w)

        return BoundOptimizer(step, {"v": v})


class RmsProp:
    """s ← ρs + (1 − ρ)g², θ ← θ − α g/(√s + ε). Course 2, week 2.

    With s' = s/(1 − ρ) and r = √(1 − ρ): g/(√s + ε) = (1/r) g/(√s' + ε/r).

    Args:
        rho: 0 ≤ ρ < 1.
        epsilon: ε > 0, outside the root.
    """

    def __init__(self, *, rho: float = 0.9, epsilon: float = 1e-8):
        self.rho = rho
        self.epsilon = epsilon

    def bind(self, theta: Array, grad: Array) -> BoundOptimizer:
        """Allocate s' = s/(1 − ρ)."""
        rho, s = self.rho, np.zeros_like(theta)
        root = math.sqrt(1.0 - rho)
        epsilon = self.epsilon / root
        blocks = _blocks(theta, grad, s)

        def step(learning_rate: float, t: int) -> None:  # noqa: ARG001 - the signature of the family
            rate = learning_rate / root
            for w, g, s_, scratch in blocks:
                np.multiply(g, g, out=scratch)
                np.multiply(s_, rho, out=s_)
                np.add(s_, scratch, out=s_)
                np.sqrt(s_, out=scratch)
                np.add(scratch, epsilon, out=scratch)
                np.divide(g, scratch, out=scratch)
                np.multiply(scratch, rate, out=scratch)
                np.subtract(w, scratch, out=w)

        return BoundOptimizer(step, {"s": s})


class Adam:
    """Momentum and RMSprop, bias-corrected (1412.6980, algorithm 1; ε outside the root).

    v ← β1 v + (1 − β1)g, s ← β2 s + (1 − β2)g², v̂ = v/(1 − β1ᵗ), ŝ = s/(1 − β2ᵗ),
    θ ← θ − α v̂/(√ŝ + ε).

    With v' = v/(1 − β1), s' = s/(1 − β2) and r = √((1 − β2)/(1 − β2ᵗ)):
    v̂/(√ŝ + ε) = (1 − β1)/((1 − β1ᵗ) r) · v'/(√s' + ε/r).

    Args:
        beta1: 0 ≤ β1 < 1.
        beta2: 0 ≤ β2 < 1.
        epsilon: ε > 0.
    """

    def __init__(self, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8):
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def bind(self, theta: Array, grad: Array) -> BoundOptimizer:
        """Allocate v' = v/(1 − β1) and s' = s/(1 − β2)."""
        beta1, beta2 = self.beta1, self.beta2
        v, s = np.zeros_like(theta), np.zeros_like(theta)
        blocks = _blocks(theta, grad, v, s)

        def step(learning_rate: float, t: int) -> None:
            root = math.sqrt((1.0 - beta2) / (1.0 - beta2**t))
            rate = learning_rate * (1.0 - beta1) / ((1.0 - beta1**t) * root)
            epsilon = self.epsilon / root
            for w, g, v_, s_, scratch in blocks:
                np.multiply(v_, beta1, out=v_)
                np.add(v_, g, out=v_)
                np.multiply(g, g, out=scratch)
                np.multiply(s_, beta2, out=s_)
                np.add(s_, scratch, out=s_)
                np.sqrt(s_, out=scratch)
                np.add(scratch, epsilon, out=scratch)
                np.divide(v_, scratch, out=scratch)
                np.multiply(scratch, rate, out=scratch)
                np.subtract(w, scratch, out=w)

        return BoundOptimizer(step, {"v": v, "s": s})


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": Sgd,
    "momentum": Momentum,
    "rmsprop": RmsProp,
    "adam": Adam,
}
