"""Optimisers: the step from a gradient, in place on the flat vectors θ and dθ.

`bind(theta, grad, decayed=…)` allocates the running averages and returns `step(learning_rate, t)`,
t = 1, 2, … counting the steps, and `state`, the arrays that a checkpoint must keep. An option chooses
one of several steps there, once, so that no step asks about it.

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

    def bind(self, theta: Array, grad: Array, *, decayed: slice) -> BoundOptimizer:
        """Allocate for θ (P,) and dθ (P,); `decayed` is the part of θ that holds the weights W."""


def _blocks(*arrays: Array, scratches: int = 1) -> list[tuple[Array, ...]]:
    """The same blocks of several (P,) arrays, and of scratch arrays that the blocks share."""
    spare = [np.empty(min(BLOCK, arrays[0].size), arrays[0].dtype) for _ in range(scratches)]

    def cut() -> Iterator[tuple[Array, ...]]:
        for start in range(0, arrays[0].size, BLOCK):
            parts = tuple(array[start : start + BLOCK] for array in arrays)
            yield *parts, *(scratch[: parts[0].size] for scratch in spare)

    return list(cut())


def _add_square(s: Array, rho: float, g: Array, scratch: Array) -> None:
    """S ← ρs + g²."""
    np.multiply(g, g, out=scratch)
    np.multiply(s, rho, out=s)
    np.add(s, scratch, out=s)


def _descend(w: Array, rate: float, direction: Array, s: Array, epsilon: float, scratch: Array) -> None:
    """W ← w − rate · direction/(√s + ε)."""
    np.sqrt(s, out=scratch)
    np.add(scratch, epsilon, out=scratch)
    np.divide(direction, scratch, out=scratch)
    np.multiply(scratch, rate, out=scratch)
    np.subtract(w, scratch, out=w)


def _adam_scalars(learning_rate: float, t: int, beta1: float, beta2: float, epsilon: float) -> tuple[float, float]:
    """Factor and ε of Adam's step t over v' and s', see `Adam`."""
    root = math.sqrt((1.0 - beta2) / (1.0 - beta2**t))
    return learning_rate * (1.0 - beta1) / ((1.0 - beta1**t) * root), epsilon / root


class Sgd:
    """θ ← θ − α g. Course 1, week 2."""

    def bind(self, theta: Array, grad: Array, *, decayed: slice) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """No state."""
        blocks = _blocks(theta, grad)

        def step(learning_rate: float, t: int) -> None:  # noqa: ARG001 - the signature of the family
            for w, g, scratch in blocks:
                np.multiply(g, learning_rate, out=scratch)
                np.subtract(w, scratch, out=w)

        return BoundOptimizer(step, {})


class Momentum:
    """v ← βv + (1 − β)g, θ ← θ − α v. Course 2, week 2.

    PyTorch and Keras leave (1 − β) out: their α is ours times (1 − β).

    Args:
        beta: 0 ≤ β < 1; the average is over about 1/(1 − β) gradients.
        nesterov: step along βv + (1 − β)g instead of v: the average as the next step would see it if g came again.
        bias_correction: divide by the sum of the average's weights, 1 − βᵗ (with `nesterov` 1 − βᵗ⁺¹), so that the
            first step is α g in full. The course leaves it out.
    """

    def __init__(self, *, beta: float = 0.9, nesterov: bool = False, bias_correction: bool = False):
        self.beta = beta
        self.nesterov = nesterov
        self.bias_correction = bias_correction

    def bind(self, theta: Array, grad: Array, *, decayed: slice) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """Allocate v' = v/(1 − β)."""
        beta, v = self.beta, np.zeros_like(theta)
        blocks = _blocks(theta, grad, v)
        ahead = 1 if self.nesterov else 0

        def plain_rate(learning_rate: float, t: int) -> float:  # noqa: ARG001 - as the other one
            return learning_rate * (1.0 - beta)

        def corrected_rate(learning_rate: float, t: int) -> float:
            return learning_rate * (1.0 - beta) / (1.0 - beta ** (t + ahead))

        rate_of = corrected_rate if self.bias_correction else plain_rate

        def step(learning_rate: float, t: int) -> None:
            rate = rate_of(learning_rate, t)
            for w, g, v_, scratch in blocks:
                np.multiply(v_, beta, out=v_)
                np.add(v_, g, out=v_)
                np.multiply(v_, rate, out=scratch)
                np.subtract(w, scratch, out=w)

        def nesterov_step(learning_rate: float, t: int) -> None:
            rate = rate_of(learning_rate, t)
            for w, g, v_, scratch in blocks:
                np.multiply(v_, beta, out=v_)
                np.add(v_, g, out=v_)
                np.multiply(v_, beta, out=scratch)
                np.add(scratch, g, out=scratch)
                np.multiply(scratch, rate, out=scratch)
                np.subtract(w, scratch, out=w)

        return BoundOptimizer(nesterov_step if self.nesterov else step, {"v": v})


class Adagrad:
    """s ← s + g², θ ← θ − α g/(√s + ε). Duchi, Hazan and Singer, JMLR 12 (2011).

    Args:
        epsilon: ε > 0, outside the root.
    """

    def __init__(self, *, epsilon: float = 1e-8):
        self.epsilon = epsilon

    def bind(self, theta: Array, grad: Array, *, decayed: slice) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """Allocate s, which is a sum as it is."""
        epsilon, s = self.epsilon, np.zeros_like(theta)
        blocks = _blocks(theta, grad, s)

        def step(learning_rate: float, t: int) -> None:  # noqa: ARG001 - the signature of the family
            for w, g, s_, scratch in blocks:
                np.multiply(g, g, out=scratch)
                np.add(s_, scratch, out=s_)
                _descend(w, learning_rate, g, s_, epsilon, scratch)

        return BoundOptimizer(step, {"s": s})


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

    def bind(self, theta: Array, grad: Array, *, decayed: slice) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """Allocate s' = s/(1 − ρ)."""
        rho, s = self.rho, np.zeros_like(theta)
        root = math.sqrt(1.0 - rho)
        epsilon = self.epsilon / root
        blocks = _blocks(theta, grad, s)

        def step(learning_rate: float, t: int) -> None:  # noqa: ARG001 - the signature of the family
            rate = learning_rate / root
            for w, g, s_, scratch in blocks:
                _add_square(s_, rho, g, scratch)
                _descend(w, rate, g, s_, epsilon, scratch)

        return BoundOptimizer(step, {"s": s})


class Adadelta:
    """Steps in the unit of θ: the root mean square of past steps over that of past gradients (1212.5701).

    s ← ρs + (1 − ρ)g², u = g √(d + ε)/√(s + ε), d ← ρd + (1 − ρ)u², θ ← θ − α u.

    With s' = s/(1 − ρ), d' = d/(1 − ρ) and ε' = ε/(1 − ρ): u = g √((d' + ε')/(s' + ε')).

    Args:
        rho: 0 ≤ ρ < 1.
        epsilon: ε > 0, inside the roots; it makes the first steps, while d is 0.
    """

    def __init__(self, *, rho: float = 0.95, epsilon: float = 1e-6):
        self.rho = rho
        self.epsilon = epsilon

    def bind(self, theta: Array, grad: Array, *, decayed: slice) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """Allocate s' = s/(1 − ρ) and d' = d/(1 − ρ)."""
        rho, s, d = self.rho, np.zeros_like(theta), np.zeros_like(theta)
        epsilon = self.epsilon / (1.0 - rho)
        blocks = _blocks(theta, grad, s, d, scratches=2)

        def step(learning_rate: float, t: int) -> None:  # noqa: ARG001 - the signature of the family
            for w, g, s_, d_, scratch, u in blocks:
                _add_square(s_, rho, g, scratch)
                np.add(s_, epsilon, out=scratch)
                np.add(d_, epsilon, out=u)
                np.divide(u, scratch, out=u)
                np.sqrt(u, out=u)
                np.multiply(u, g, out=u)
                _add_square(d_, rho, u, scratch)
                np.multiply(u, learning_rate, out=u)
                np.subtract(w, u, out=w)

        return BoundOptimizer(step, {"s": s, "d": d})


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
        amsgrad: take the largest s so far in the place of s (1904.09237), so that no step grows because old
            gradients are forgotten. As in PyTorch it is the largest of the uncorrected s, ŝ = max s/(1 − β2ᵗ);
            the paper's algorithm corrects neither average.
    """

    def __init__(self, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, amsgrad: bool = False):
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    def bind(self, theta: Array, grad: Array, *, decayed: slice) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """Allocate v' = v/(1 − β1), s' = s/(1 − β2) and, for AMSGrad, the largest s' so far."""
        if self.amsgrad:
            return self._bind_amsgrad(theta, grad)
        beta1, beta2 = self.beta1, self.beta2
        v, s = np.zeros_like(theta), np.zeros_like(theta)
        blocks = _blocks(theta, grad, v, s)

        def step(learning_rate: float, t: int) -> None:
            rate, epsilon = _adam_scalars(learning_rate, t, beta1, beta2, self.epsilon)
            for w, g, v_, s_, scratch in blocks:
                np.multiply(v_, beta1, out=v_)
                np.add(v_, g, out=v_)
                _add_square(s_, beta2, g, scratch)
                _descend(w, rate, v_, s_, epsilon, scratch)

        return BoundOptimizer(step, {"v": v, "s": s})

    def _bind_amsgrad(self, theta: Array, grad: Array) -> BoundOptimizer:
        beta1, beta2 = self.beta1, self.beta2
        v, s, largest = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)
        blocks = _blocks(theta, grad, v, s, largest)

        def step(learning_rate: float, t: int) -> None:
            rate, epsilon = _adam_scalars(learning_rate, t, beta1, beta2, self.epsilon)
            for w, g, v_, s_, largest_, scratch in blocks:
                np.multiply(v_, beta1, out=v_)
                np.add(v_, g, out=v_)
                _add_square(s_, beta2, g, scratch)
                np.maximum(largest_, s_, out=largest_)
                _descend(w, rate, v_, largest_, epsilon, scratch)

        return BoundOptimizer(step, {"v": v, "s": s, "largest_s": largest})


class AdamW:
    """Adam, then θ_W ← θ_W − α · weight_decay · θ_W for the weights W, not for biases (1711.05101).

    Unlike `l2` the decay passes by the averages, so it is the same for weights with small and large gradients.
    The paper takes it from θ before the step, which differs by α · weight_decay times the step.

    Args:
        beta1: 0 ≤ β1 < 1.
        beta2: 0 ≤ β2 < 1.
        epsilon: ε > 0.
        weight_decay: ≥ 0.
    """

    def __init__(self, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, weight_decay: float = 0.01):
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weight_decay = weight_decay

    def bind(self, theta: Array, grad: Array, *, decayed: slice) -> BoundOptimizer:
        """Allocate v' and s' as Adam does; no block holds both weights and biases."""
        beta1, beta2 = self.beta1, self.beta2
        v, s = np.zeros_like(theta), np.zeros_like(theta)
        start, stop, _ = decayed.indices(theta.size)
        before, weights, after = (
            _blocks(*(vector[part] for vector in (theta, grad, v, s)))
            for part in (slice(0, start), slice(start, stop), slice(stop, None))
        )
        others = before + after

        def step(learning_rate: float, t: int) -> None:
            rate, epsilon = _adam_scalars(learning_rate, t, beta1, beta2, self.epsilon)
            shrink = learning_rate * self.weight_decay
            for w, g, v_, s_, scratch in weights:
                np.multiply(v_, beta1, out=v_)
                np.add(v_, g, out=v_)
                _add_square(s_, beta2, g, scratch)
                _descend(w, rate, v_, s_, epsilon, scratch)
                # One pass less is w ← (1 − shrink) w, but float32 has 1 − 1.2e-7 for 1 − 1e-7.
                np.multiply(w, shrink, out=scratch)
                np.subtract(w, scratch, out=w)
            for w, g, v_, s_, scratch in others:
                np.multiply(v_, beta1, out=v_)
                np.add(v_, g, out=v_)
                _add_square(s_, beta2, g, scratch)
                _descend(w, rate, v_, s_, epsilon, scratch)

        return BoundOptimizer(step, {"v": v, "s": s})


class Nadam:
    """Adam with Nesterov's look ahead (Dozat, 2016), β1 the same at every step.

    v, s and ŝ as in Adam; v̂ = β1 v/(1 − β1ᵗ⁺¹) + (1 − β1) g/(1 − β1ᵗ), θ ← θ − α v̂/(√ŝ + ε).

    Dozat also gives a schedule that warms β1 up (μₜ), which PyTorch and Keras use. It is left out here, so that a
    step follows from t alone; they meet once the schedule has run out.

    With v' and r as in Adam and a = β1 (1 − β1ᵗ)/(1 − β1ᵗ⁺¹):
    v̂/(√ŝ + ε) = (1 − β1)/((1 − β1ᵗ) r) · (a v' + g)/(√s' + ε/r).

    Args:
        beta1: 0 ≤ β1 < 1.
        beta2: 0 ≤ β2 < 1.
        epsilon: ε > 0.
    """

    def __init__(self, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8):
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def bind(self, theta: Array, grad: Array, *, decayed: slice) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """Allocate v' = v/(1 − β1) and s' = s/(1 − β2)."""
        beta1, beta2 = self.beta1, self.beta2
        v, s = np.zeros_like(theta), np.zeros_like(theta)
        blocks = _blocks(theta, grad, v, s, scratches=2)

        def step(learning_rate: float, t: int) -> None:
            rate, epsilon = _adam_scalars(learning_rate, t, beta1, beta2, self.epsilon)
            ahead = beta1 * (1.0 - beta1**t) / (1.0 - beta1 ** (t + 1))
            for w, g, v_, s_, scratch, direction in blocks:
                np.multiply(v_, beta1, out=v_)
                np.add(v_, g, out=v_)
                np.multiply(v_, ahead, out=direction)
                np.add(direction, g, out=direction)
                _add_square(s_, beta2, g, scratch)
                _descend(w, rate, direction, s_, epsilon, scratch)

        return BoundOptimizer(step, {"v": v, "s": s})


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": Sgd,
    "momentum": Momentum,
    "adagrad": Adagrad,
    "rmsprop": RmsProp,
    "adadelta": Adadelta,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": Nadam,
}
