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

from dlspec.core.arrays import Array

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
        dZ, scratch = np.empty((batch, units), dtype), np.empty((batch, units), dtype)

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
        dZ, scratch = np.empty((batch, units), dtype), np.empty((batch, units), dtype)

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
        dZ, e, rest = (np.empty((batch, units), dtype) for _ in range(3))

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


def _sigmoid_cross_entropy(
    shape: tuple[int, int], dtype: npt.DTypeLike
) -> Callable[[Array, Array, Array, Array], None]:
    """A function of (Z, y, losses, P) that writes max(z, 0) − zy + log(1 + e^−|z|) and σ(z), each element apart."""
    e, scratch, zeros = np.empty(shape, dtype), np.empty(shape, dtype), np.zeros(shape, dtype)

    def losses_and_probabilities(Z: Array, y: Array, losses: Array, P: Array) -> None:
        np.abs(Z, out=e)
        np.negative(e, out=e)
        np.exp(e, out=e)  # e^−|z| is in (0, 1]
        # Per example before any sum: max(z, 0) − zy is exactly 0 for a right answer, a difference of sums is not.
        np.maximum(Z, zeros, out=losses)
        np.multiply(Z, y, out=scratch)
        np.subtract(losses, scratch, out=losses)
        np.log1p(e, out=scratch)
        np.add(losses, scratch, out=losses)
        # σ(z) = 1/(1 + e) for z ≥ 0 and e/(1 + e) for z < 0; the numerator is 1 or e.
        np.greater_equal(Z, zeros, out=scratch)
        np.maximum(scratch, e, out=scratch)
        np.add(e, 1.0, out=e)
        np.divide(scratch, e, out=P)

    return losses_and_probabilities


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
        """Allocate losses, dZ and y, each (m, 1)."""
        losses, dZ, y = (np.empty((batch, units), dtype) for _ in range(3))
        losses_and_probabilities = _sigmoid_cross_entropy((batch, units), dtype)
        smoothing, flat, labels = self.label_smoothing, losses.reshape(-1), y.reshape(-1)

        def losses_and_gradient(Z: Array, Y: npt.NDArray[Any]) -> tuple[Array, Array]:
            labels[...] = Y
            if smoothing:
                np.multiply(y, 1.0 - smoothing, out=y)
                np.add(y, 0.5 * smoothing, out=y)
            losses_and_probabilities(Z, y, losses, dZ)
            np.subtract(dZ, y, out=dZ)
            np.multiply(dZ, 1.0 / batch, out=dZ)
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
        """Allocate losses, dZ, y and the mask of present labels, each (m, units)."""
        shape, smoothing = (batch, units), self.label_smoothing
        losses, dZ, y, present = (np.empty(shape, dtype) for _ in range(4))
        missing, sums, ones = np.empty(shape, bool), np.empty(batch, dtype), np.ones(units, dtype)
        losses_and_probabilities = _sigmoid_cross_entropy(shape, dtype)

        def losses_and_gradient(Z: Array, Y: npt.NDArray[Any]) -> tuple[Array, Array]:
            np.isnan(Y, out=missing)
            np.logical_not(missing, out=present)
            np.multiply(Y, 1.0 - smoothing, out=y)
            np.add(y, 0.5 * smoothing, out=y)
            np.copyto(y, 0.0, where=missing)
            losses_and_probabilities(Z, y, losses, dZ)
            np.multiply(losses, present, out=losses)
            np.matmul(losses, ones, out=sums)
            np.subtract(dZ, y, out=dZ)
            np.multiply(dZ, present, out=dZ)
            np.multiply(dZ, 1.0 / batch, out=dZ)
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
        """Allocate dZ (m, C), losses (m,) and columns."""
        dZ, losses = np.empty((batch, units), dtype), np.empty(batch, dtype)
        column, total = np.empty((batch, 1), dtype), np.empty((batch, 1), dtype)
        flat, picked = dZ.reshape(-1), np.empty(batch, dtype)
        starts, at = np.arange(batch, dtype=np.intp) * units, np.empty(batch, np.intp)
        smoothing, means = self.label_smoothing, np.full(units, self.label_smoothing / units, dtype)
        log_total = column.reshape(-1)

        def losses_and_gradient(Z: Array, Y: npt.NDArray[Any]) -> tuple[Array, Array]:
            np.add(starts, Y, out=at)
            np.max(Z, axis=1, keepdims=True, out=column)
            np.subtract(Z, column, out=dZ)
            flat.take(at, out=picked, mode="clip")
            if smoothing:
                np.multiply(picked, 1.0 - smoothing, out=picked)
                np.matmul(dZ, means, out=losses)
                np.add(picked, losses, out=picked)
            np.exp(dZ, out=dZ)
            np.sum(dZ, axis=1, keepdims=True, out=total)
            np.log(total, out=column)
            np.subtract(log_total, picked, out=losses)
            np.multiply(total, batch, out=total)
            np.divide(dZ, total, out=dZ)  # softmax(Z)/m
            if smoothing:
                np.subtract(dZ, smoothing / (units * batch), out=dZ)
            flat.take(at, out=picked, mode="clip")
            np.subtract(picked, (1.0 - smoothing) / batch, out=picked)
            flat.put(at, picked, mode="clip")
            return losses, dZ

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
