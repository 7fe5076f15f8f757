"""Optimisers: the step from a gradient, in place on the flat vectors θ and dθ.

`bind(theta, grad, decayed=…)` allocates the running averages and returns `step(learning_rate, t)`,
t = 1, 2, … counting the steps, and `state`, the arrays that a checkpoint must keep. An option chooses
one of several steps there, once, so that no step asks about it.

A running average v ← βv + (1 − β)g is kept here as the sum v' = v/(1 − β), v' ← βv' + g, which
saves one pass over memory; the factor 1 − β joins the scalars of the step. The state holds v'.

Work goes block by block, so that a block of θ, dθ and the averages stays in the cache over all
passes of its step. Numbers are arrays of no dimensions, see `scalar`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from numpy import add, divide, multiply, sqrt, subtract

from dlspec.core.arrays import Array, blocks_of, scalar, zeros_like

Zeros = Callable[[Array], Array]
"""Gives an array like θ, filled with zeros."""


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

    def bind(self, theta: Array, grad: Array, *, decayed: slice, zeros: Zeros = zeros_like) -> BoundOptimizer:
        """Allocate for θ (P,) and dθ (P,).

        Args:
            theta: θ.
            grad: dθ.
            decayed: the part of θ that holds the weights W.
            zeros: where each running average comes from, which begins at 0.
        """


def _add_square(s: Array, rho: Array, g: Array, scratch: Array) -> None:
    """S ← ρs + g²."""
    multiply(g, g, scratch)
    multiply(s, rho, s)
    add(s, scratch, s)


def _descend(w: Array, rate: Array, direction: Array, s: Array, epsilon: Array, scratch: Array) -> None:
    """W ← w − rate · direction/(√s + ε)."""
    sqrt(s, scratch)
    add(scratch, epsilon, scratch)
    divide(direction, scratch, scratch)
    multiply(scratch, rate, scratch)
    subtract(w, scratch, w)


class _AdamNumbers:
    """The numbers of a step of Adam over v' and s', see `Adam`."""

    def __init__(self, beta1: float, beta2: float, epsilon: float, dtype: npt.DTypeLike):
        self._given = beta1, beta2, epsilon
        self.beta1, self.beta2 = scalar(beta1, dtype), scalar(beta2, dtype)
        self.rate, self.epsilon = scalar(0.0, dtype), scalar(0.0, dtype)

    def at(self, learning_rate: float, t: int) -> None:
        """Set factor and ε of step t."""
        beta1, beta2, epsilon = self._given
        root = math.sqrt((1.0 - beta2) / (1.0 - beta2**t))
        self.rate.fill(learning_rate * (1.0 - beta1) / ((1.0 - beta1**t) * root))
        self.epsilon.fill(epsilon / root)

    def average(self, g: Array, v: Array, s: Array, scratch: Array) -> None:
        """V' ← β1 v' + g, s' ← β2 s' + g²."""
        multiply(v, self.beta1, v)
        add(v, g, v)
        _add_square(s, self.beta2, g, scratch)


def _adam(numbers: _AdamNumbers, w: Array, g: Array, v: Array, s: Array, scratch: Array) -> None:
    """Adam's step of one block."""
    numbers.average(g, v, s, scratch)
    _descend(w, numbers.rate, v, s, numbers.epsilon, scratch)


class Sgd:
    """θ ← θ − α g. Course 1, week 2."""

    def bind(self, theta: Array, grad: Array, *, decayed: slice, zeros: Zeros = zeros_like) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """No state."""
        blocks, rate = blocks_of(theta, grad), scalar(0.0, theta.dtype)

        def step(learning_rate: float, t: int) -> None:  # noqa: ARG001 - the signature of the family
            rate.fill(learning_rate)
            for w, g, scratch in blocks:
                multiply(g, rate, scratch)
                subtract(w, scratch, w)

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

    def bind(self, theta: Array, grad: Array, *, decayed: slice, zeros: Zeros = zeros_like) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """Allocate v' = v/(1 − β)."""
        v, rate, beta = zeros(theta), scalar(0.0, theta.dtype), scalar(self.beta, theta.dtype)
        blocks = blocks_of(theta, grad, v)
        ahead = 1 if self.nesterov else 0

        def set_plain_rate(learning_rate: float, t: int) -> None:  # noqa: ARG001 - as the other one
            rate.fill(learning_rate * (1.0 - self.beta))

        def set_corrected_rate(learning_rate: float, t: int) -> None:
            rate.fill(learning_rate * (1.0 - self.beta) / (1.0 - self.beta ** (t + ahead)))

        set_rate = set_corrected_rate if self.bias_correction else set_plain_rate

        def step(learning_rate: float, t: int) -> None:
            set_rate(learning_rate, t)
            for w, g, v_, scratch in blocks:
                multiply(v_, beta, v_)
                add(v_, g, v_)
                multiply(v_, rate, scratch)
                subtract(w, scratch, w)

        def nesterov_step(learning_rate: float, t: int) -> None:
            set_rate(learning_rate, t)
            for w, g, v_, scratch in blocks:
                multiply(v_, beta, v_)
                add(v_, g, v_)
                multiply(v_, beta, scratch)
                add(scratch, g, scratch)
                multiply(scratch, rate, scratch)
                subtract(w, scratch, w)

        return BoundOptimizer(nesterov_step if self.nesterov else step, {"v": v})


class Adagrad:
    """s ← s + g², θ ← θ − α g/(√s + ε). Duchi, Hazan and Singer, JMLR 12 (2011).

    Args:
        epsilon: ε > 0, outside the root.
    """

    def __init__(self, *, epsilon: float = 1e-8):
        self.epsilon = epsilon

    def bind(self, theta: Array, grad: Array, *, decayed: slice, zeros: Zeros = zeros_like) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """Allocate s, which is a sum as it is."""
        s, rate, epsilon = zeros(theta), scalar(0.0, theta.dtype), scalar(self.epsilon, theta.dtype)
        blocks = blocks_of(theta, grad, s)

        def step(learning_rate: float, t: int) -> None:  # noqa: ARG001 - the signature of the family
            rate.fill(learning_rate)
            for w, g, s_, scratch in blocks:
                multiply(g, g, scratch)
                add(s_, scratch, s_)
                _descend(w, rate, g, s_, epsilon, scratch)

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

    def bind(self, theta: Array, grad: Array, *, decayed: slice, zeros: Zeros = zeros_like) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """Allocate s' = s/(1 − ρ)."""
        s, root = zeros(theta), math.sqrt(1.0 - self.rho)
        rate, rho, epsilon = (scalar(value, theta.dtype) for value in (0.0, self.rho, self.epsilon / root))
        blocks = blocks_of(theta, grad, s)

        def step(learning_rate: float, t: int) -> None:  # noqa: ARG001 - the signature of the family
            rate.fill(learning_rate / root)
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

    def bind(self, theta: Array, grad: Array, *, decayed: slice, zeros: Zeros = zeros_like) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """Allocate s' = s/(1 − ρ) and d' = d/(1 − ρ)."""
        s, d, epsilon = zeros(theta), zeros(theta), self.epsilon / (1.0 - self.rho)
        rate, rho, epsilon_ = (scalar(value, theta.dtype) for value in (0.0, self.rho, epsilon))
        blocks = blocks_of(theta, grad, s, d, scratches=2)

        def step(learning_rate: float, t: int) -> None:  # noqa: ARG001 - the signature of the family
            rate.fill(learning_rate)
            for w, g, s_, d_, scratch, u in blocks:
                _add_square(s_, rho, g, scratch)
                add(s_, epsilon_, scratch)
                add(d_, epsilon_, u)
                divide(u, scratch, u)
                sqrt(u, u)
                multiply(u, g, u)
                _add_square(d_, rho, u, scratch)
                multiply(u, rate, u)
                subtract(w, u, w)

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

    def bind(self, theta: Array, grad: Array, *, decayed: slice, zeros: Zeros = zeros_like) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """Allocate v' = v/(1 − β1), s' = s/(1 − β2) and, for AMSGrad, the largest s' so far."""
        if self.amsgrad:
            return self._bind_amsgrad(theta, grad, zeros)
        v, s = zeros(theta), zeros(theta)
        blocks = blocks_of(theta, grad, v, s)
        numbers = _AdamNumbers(self.beta1, self.beta2, self.epsilon, theta.dtype)

        def step(learning_rate: float, t: int) -> None:
            numbers.at(learning_rate, t)
            for block in blocks:
                _adam(numbers, *block)

        return BoundOptimizer(step, {"v": v, "s": s})

    def _bind_amsgrad(self, theta: Array, grad: Array, zeros: Zeros) -> BoundOptimizer:
        v, s, largest = zeros(theta), zeros(theta), zeros(theta)
        blocks = blocks_of(theta, grad, v, s, largest)
        numbers = _AdamNumbers(self.beta1, self.beta2, self.epsilon, theta.dtype)

        def step(learning_rate: float, t: int) -> None:
            numbers.at(learning_rate, t)
            for w, g, v_, s_, largest_, scratch in blocks:
                numbers.average(g, v_, s_, scratch)
                np.maximum(largest_, s_, out=largest_)
                _descend(w, numbers.rate, v_, largest_, numbers.epsilon, scratch)

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

    def bind(self, theta: Array, grad: Array, *, decayed: slice, zeros: Zeros = zeros_like) -> BoundOptimizer:
        """Allocate v' and s' as Adam does; no block holds both weights and biases."""
        v, s = zeros(theta), zeros(theta)
        start, stop, _ = decayed.indices(theta.size)
        before, weights, after = (
            blocks_of(*(vector[part] for vector in (theta, grad, v, s)))
            for part in (slice(0, start), slice(start, stop), slice(stop, None))
        )
        others, shrink = before + after, scalar(0.0, theta.dtype)
        numbers = _AdamNumbers(self.beta1, self.beta2, self.epsilon, theta.dtype)

        def step(learning_rate: float, t: int) -> None:
            numbers.at(learning_rate, t)
            shrink.fill(learning_rate * self.weight_decay)
            for block in weights:
                _adam(numbers, *block)
                w, *_, scratch = block
                # One pass less is w ← (1 − shrink) w, but float32 has 1 − 1.2e-7 for 1 − 1e-7.
                multiply(w, shrink, scratch)
                subtract(w, scratch, w)
            for block in others:
                _adam(numbers, *block)

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

    def bind(self, theta: Array, grad: Array, *, decayed: slice, zeros: Zeros = zeros_like) -> BoundOptimizer:  # noqa: ARG002 - the family's
        """Allocate v' = v/(1 − β1) and s' = s/(1 − β2)."""
        v, s = zeros(theta), zeros(theta)
        blocks = blocks_of(theta, grad, v, s, scratches=2)
        numbers, ahead = _AdamNumbers(self.beta1, self.beta2, self.epsilon, theta.dtype), scalar(0.0, theta.dtype)

        def step(learning_rate: float, t: int) -> None:
            numbers.at(learning_rate, t)
            ahead.fill(self.beta1 * (1.0 - self.beta1**t) / (1.0 - self.beta1 ** (t + 1)))
            for w, g, v_, s_, scratch, direction in blocks:
                numbers.average(g, v_, s_, scratch)
                multiply(v_, ahead, direction)
                add(direction, g, direction)
                _descend(w, numbers.rate, direction, s_, numbers.epsilon, scratch)

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
