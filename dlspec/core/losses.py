"""Losses, from logits: one value per example, and the gradient of their mean, in one function.

`bind` allocates for one batch size and returns

    losses_and_gradient(Z, Y) -> (losses (m,), dZ (m, units))      dZ = ∂(mean loss)/∂Z

both in buffers of its own, so that value and gradient cannot drift apart. `predict(Z)` gives the output ŷ
of the activation that belongs to the loss. Nothing here takes the log of 0 or overflows at |z| = 1e4.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dlspec.core.arrays import Array, empty, scalar, scratch_for, shared_zeros, spread

LossesAndGradient = Callable[[Array, npt.NDArray[Any]], tuple[Array, Array]]


class Loss(Protocol):
    """One loss.

    Attributes:
        kinks: the ŷ − y at which its gradient, or the slope of that, jumps; a gradient check leaves out what
            steps across them.
    """

    kinks: tuple[float, ...]

    def bind(self, batch: int, units: int, dtype: npt.DTypeLike) -> LossesAndGradient:
        """Allocate for Z (m, units)."""

    def predict(self, Z: Array) -> Array:
        """Output ŷ (m, units) of the network from its logits Z; allocates."""

    def logits(self, Y_hat: Array) -> Array:
        """Logits that `predict` turns into these outputs; allocates. Averages of outputs are measured through it."""


class SquaredError:
    """loss_i = ½ Σ_j (ŷ_ij − y_ij)² with ŷ = z; dZ = (Ŷ − Y)/m. Y (m, units)."""

    kinks: tuple[float, ...] = ()

    def bind(self, batch: int, units: int, dtype: npt.DTypeLike) -> LossesAndGradient:
        """Allocate losses, dZ and a scratch array."""
        losses, ones = np.empty(batch, dtype), np.ones(units, dtype)
        dZ, scratch = empty((batch, units), dtype), empty((batch, units), dtype)

        def losses_and_gradient(Z: Array, Y: npt.NDArray[Any]) -> tuple[Array, Array]:
            np.subtract(Z, Y, out=dZ)
            np.multiply(dZ, dZ, out=scratch)
            np.multiply(scratch, 0.5, out=scratch)
            np.matmul(scratch, ones, out=losses)
            np.multiply(dZ, 1.0 / batch, out=dZ)
            return losses, dZ

        return losses_and_gradient

    def predict(self, Z: Array) -> Array:
        """Ŷ = Z."""
        return Z.copy()

    def logits(self, Y_hat: Array) -> Array:
        """Z = Ŷ."""
        return Y_hat.copy()


class AbsoluteError:
    """loss_i = Σ_j |ŷ_ij − y_ij| with ŷ = z; dZ = sign(Ŷ − Y)/m, 0 at 0. Y (m, units)."""

    kinks: tuple[float, ...] = (0.0,)

    def bind(self, batch: int, units: int, dtype: npt.DTypeLike) -> LossesAndGradient:
        """Allocate losses, dZ and a scratch array."""
        losses, ones = np.empty(batch, dtype), np.ones(units, dtype)
        dZ, scratch = empty((batch, units), dtype), empty((batch, units), dtype)

        def losses_and_gradient(Z: Array, Y: npt.NDArray[Any]) -> tuple[Array, Array]:
            np.subtract(Z, Y, out=dZ)
            np.abs(dZ, out=scratch)
            np.matmul(scratch, ones, out=losses)
            np.sign(dZ, out=dZ)
            np.multiply(dZ, 1.0 / batch, out=dZ)
            return losses, dZ

        return losses_and_gradient

    def predict(self, Z: Array) -> Array:
        """Ŷ = Z."""
        return Z.copy()

    def logits(self, Y_hat: Array) -> Array:
        """Z = Ŷ."""
        return Y_hat.copy()


class Huber:
    """loss_i = Σ_j h(ŷ_ij − y_ij), h(e) = ½e² for |e| ≤ δ and δ(|e| − ½δ) beyond (Huber, 1964); Y (m, units).

    With c = e clipped to [−δ, δ]: h(e) = c (e − ½c), and dZ = c/m.

    Args:
        delta: δ > 0, in the unit of the target.
    """

    def __init__(self, *, delta: float = 1.0):
        self.delta = delta
        self.kinks: tuple[float, ...] = (-delta, delta)

    def bind(self, batch: int, units: int, dtype: npt.DTypeLike) -> LossesAndGradient:
        """Allocate losses, dZ and scratch arrays."""
        losses, ones, delta = np.empty(batch, dtype), np.ones(units, dtype), self.delta
        dZ, e, rest = (empty((batch, units), dtype) for _ in range(3))

        def losses_and_gradient(Z: Array, Y: npt.NDArray[Any]) -> tuple[Array, Array]:
            np.subtract(Z, Y, out=e)
            np.minimum(e, delta, out=dZ)
            np.maximum(dZ, -delta, out=dZ)  # c
            np.multiply(dZ, 0.5, out=rest)
            np.subtract(e, rest, out=rest)
            np.multiply(dZ, rest, out=rest)
            np.matmul(rest, ones, out=losses)
            np.multiply(dZ, 1.0 / batch, out=dZ)
            return losses, dZ

        return losses_and_gradient

    def predict(self, Z: Array) -> Array:
        """Ŷ = Z."""
        return Z.copy()

    def logits(self, Y_hat: Array) -> Array:
        """Z = Ŷ."""
        return Y_hat.copy()


def _sigmoid_cross_entropy(c: Array, losses: Array, dZ: Array, *, label_smoothing: float) -> Callable[[Array], None]:
    """A function of Z (m, units) that writes losses and m·∂(mean loss)/∂Z, each element apart, for c = 1 − 2y.

    With u = cz, which is negative where the sign of z is right: loss = log(1 + e^u) − ½su and
    ∂loss/∂z = c (σ(u) − ½s), for the label (1 − s) y + ½s.
    """
    shape, dtype = c.shape, c.dtype
    u, scratch, zero = empty(shape, dtype), empty(shape, dtype), shared_zeros(shape, dtype)
    minus_one, half_s = scalar(-1.0, dtype), scalar(0.5 * label_smoothing, dtype)
    multiply, add, subtract, exp = np.multiply, np.add, np.subtract, np.exp
    copysign, log1p, maximum = np.copysign, np.log1p, np.maximum

    def losses_and_gradient(Z: Array) -> None:
        multiply(c, Z, u)
        copysign(u, minus_one, scratch)
        exp(scratch, scratch)  # e^−|u| is in (0, 1]
        log1p(scratch, scratch)
        maximum(u, zero, out=losses)
        add(losses, scratch, losses)
        subtract(u, losses, dZ)
        exp(dZ, dZ)  # σ(u) = e^(u − log(1 + e^u))
        if label_smoothing:
            multiply(u, half_s, scratch)
            subtract(losses, scratch, losses)
            subtract(dZ, half_s, dZ)
        multiply(dZ, c, dZ)

    return losses_and_gradient


def _sigmoid(Z: Array) -> Array:
    e = np.exp(-np.abs(Z))
    Y_hat: Array = np.where(Z >= 0, 1, e) / (1 + e)
    return Y_hat


def _logarithm(P: Array) -> Array:
    """Log P with the smallest normal number in place of 0."""
    logarithm: Array = np.log(np.maximum(P, np.finfo(P.dtype).tiny))
    return logarithm


class BinaryCrossEntropy:
    """loss_i = −y log σ(z) − (1 − y) log(1 − σ(z)) = max(z, 0) − zy + log(1 + e^−|z|); dZ = (σ(Z) − Y)/m.

    Y (m,) of class indices 0 and 1, Z (m, 1).

    Args:
        label_smoothing: s, 0 ≤ s < 1: y becomes (1 − s) y + s/2 (1512.00567).
    """

    kinks: tuple[float, ...] = ()

    def __init__(self, *, label_smoothing: float = 0.0):
        self.label_smoothing = label_smoothing

    def bind(self, batch: int, units: int, dtype: npt.DTypeLike) -> LossesAndGradient:
        """Allocate losses, dZ and c, each (m, 1)."""
        losses, dZ, c = (empty((batch, units), dtype) for _ in range(3))
        of_elements = _sigmoid_cross_entropy(c, losses, dZ, label_smoothing=self.label_smoothing)
        take, flat_c, flat = np.array([1.0, -1.0], dtype).take, c.reshape(-1), losses.reshape(-1)
        share, multiply = scalar(1.0 / batch, dtype), np.multiply

        def losses_and_gradient(Z: Array, Y: npt.NDArray[Any]) -> tuple[Array, Array]:
            take(Y, None, flat_c, "clip")
            of_elements(Z)
            multiply(dZ, share, dZ)
            return flat, dZ

        return losses_and_gradient

    def predict(self, Z: Array) -> Array:
        """Ŷ = σ(Z): the probability of class 1."""
        return _sigmoid(Z)

    def logits(self, Y_hat: Array) -> Array:
        """Z = log Ŷ − log(1 − Ŷ), finite also where Ŷ has been rounded to 0 or 1."""
        return _logarithm(Y_hat) - _logarithm(1 - Y_hat)


class MultiTaskCrossEntropy:
    """The sum of the binary cross-entropies of several labels per example, over those that are present.

    loss_i = Σ_{j present} −y_ij log σ(z_ij) − (1 − y_ij) log(1 − σ(z_ij)); dZ = (σ(Z) − Y)/m, 0 where missing.
    Course 3, week 2. Y (m, units) of 0, 1, and NaN for a missing label.

    Args:
        label_smoothing: s, 0 ≤ s < 1: y becomes (1 − s) y + s/2.
    """

    kinks: tuple[float, ...] = ()

    def __init__(self, *, label_smoothing: float = 0.0):
        self.label_smoothing = label_smoothing

    def bind(self, batch: int, units: int, dtype: npt.DTypeLike) -> LossesAndGradient:
        """Allocate losses, dZ, c and the mask of missing labels, each (m, units)."""
        shape = (batch, units)
        losses, dZ, c = (empty(shape, dtype) for _ in range(3))
        missing, sums, ones = empty(shape, bool), np.empty(batch, dtype), np.ones(units, dtype)
        of_elements = _sigmoid_cross_entropy(c, losses, dZ, label_smoothing=self.label_smoothing)
        minus_two, one, share = scalar(-2.0, dtype), scalar(1.0, dtype), scalar(1.0 / batch, dtype)

        def losses_and_gradient(Z: Array, Y: npt.NDArray[Any]) -> tuple[Array, Array]:
            np.isnan(Y, missing)
            np.multiply(Y, minus_two, c)
            np.add(c, one, c)
            np.copyto(c, 0.0, where=missing)
            of_elements(Z)
            np.copyto(losses, 0.0, where=missing)
            np.dot(losses, ones, sums)
            np.multiply(dZ, share, dZ)
            return sums, dZ

        return losses_and_gradient

    def predict(self, Z: Array) -> Array:
        """Ŷ = σ(Z): the probability of each label."""
        return _sigmoid(Z)

    def logits(self, Y_hat: Array) -> Array:
        """Z = log Ŷ − log(1 − Ŷ), finite also where Ŷ has been rounded to 0 or 1."""
        return _logarithm(Y_hat) - _logarithm(1 - Y_hat)


class CategoricalCrossEntropy:
    """loss_i = log Σ_c e^{z_c} − z_y; dZ = (softmax(Z) − onehot(Y))/m.

    Y (m,) of class indices 0 … C−1, Z (m, C). The largest logit is taken off first, so e^z ≤ 1.

    Args:
        label_smoothing: s, 0 ≤ s < 1: onehot becomes (1 − s) onehot + s/C (1512.00567).
    """

    kinks: tuple[float, ...] = ()

    def __init__(self, *, label_smoothing: float = 0.0):
        self.label_smoothing = label_smoothing

    def bind(self, batch: int, units: int, dtype: npt.DTypeLike) -> LossesAndGradient:
        """Allocate (C, m) numbers, whose transpose becomes dZ, and rows.

        Work is done on the transpose: sums and maxima over the classes then go along rows of m numbers, 6 µs against
        13 for 64 examples of 10 classes, 14 against 65 for 512.
        """
        E = empty((units, batch), dtype)
        E_T, E_flat = E.T, E.reshape(-1)
        highest, total, losses, picked, means = (np.empty(batch, dtype) for _ in range(5))
        scratch = scratch_for(units * batch, dtype)
        highest_rows, total_rows = spread(highest, units, scratch), spread(total, units, scratch)
        columns, at = np.arange(batch, dtype=np.intp), np.empty(batch, np.intp)
        width, m, sum_of_rows = np.array(batch, np.intp), scalar(batch, dtype), np.ones(units, dtype).dot
        s = self.label_smoothing
        rest, share = scalar(1.0 - s, dtype), scalar((1.0 - s) / batch, dtype)
        mean_of_rows, uniform_share = np.full(units, s / units, dtype).dot, scalar(s / (units * batch), dtype)
        add, subtract, multiply, divide, exp, log = np.add, np.subtract, np.multiply, np.divide, np.exp, np.log
        copyto, highest_of_rows, take, put = np.copyto, np.maximum.reduce, E_flat.take, E_flat.put

        def losses_and_gradient(Z: Array, Y: npt.NDArray[Any]) -> tuple[Array, Array]:
            multiply(Y, width, at)
            add(at, columns, at)  # where z_y lies in E
            copyto(E_T, Z)
            highest_of_rows(E, axis=0, out=highest)
            subtract(E, highest_rows(), E)
            take(at, None, picked, "clip")
            if s:
                multiply(picked, rest, picked)
                mean_of_rows(E, means)
                add(picked, means, picked)
            exp(E, E)
            sum_of_rows(E, total)
            log(total, losses)
            subtract(losses, picked, losses)
            multiply(total, m, total)
            divide(E, total_rows(), E)  # softmax(Z)/m
            if s:
                subtract(E, uniform_share, E)
            take(at, None, picked, "clip")
            subtract(picked, share, picked)
            put(at, picked, "clip")
            return losses, E_T

        return losses_and_gradient

    def predict(self, Z: Array) -> Array:
        """Ŷ = softmax(Z): a probability per class."""
        e = np.exp(Z - Z.max(axis=1, keepdims=True))
        Y_hat: Array = e / e.sum(axis=1, keepdims=True)
        return Y_hat

    def logits(self, Y_hat: Array) -> Array:
        """Z = log Ŷ, finite also where Ŷ has been rounded to 0."""
        return _logarithm(Y_hat)


LOSSES: dict[str, Callable[..., Loss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "binary_cross_entropy": BinaryCrossEntropy,
    "categorical_cross_entropy": CategoricalCrossEntropy,
    "multi_task_cross_entropy": MultiTaskCrossEntropy,
}
