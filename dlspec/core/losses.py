"""Losses, from logits: the mean over the batch and its gradient in one function.

`bind` allocates for one batch size and returns

    value_and_gradient(Z, Y) -> (mean loss, dZ)      dZ = ∂(mean loss)/∂Z, in a buffer of its own

so that value and gradient cannot drift apart. `predict(Z)` gives the output ŷ of the activation
that belongs to the loss. Nothing here takes the log of 0 or overflows at |z| = 1e4.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dlspec.core.arrays import Array

ValueAndGradient = Callable[[Array, npt.NDArray[Any]], tuple[float, Array]]


class Loss(Protocol):
    """One loss."""

    def bind(self, batch: int, units: int, dtype: npt.DTypeLike) -> ValueAndGradient:
        """Allocate for Z (m, units)."""

    def predict(self, Z: Array) -> Array:
        """Output ŷ (m, units) of the network from its logits Z; allocates."""


class SquaredError:
    """loss_i = ½ Σ_j (ŷ_ij − y_ij)² with ŷ = z; dZ = (Ŷ − Y)/m. Y (m, units)."""

    def bind(self, batch: int, units: int, dtype: npt.DTypeLike) -> ValueAndGradient:
        """Allocate dZ."""
        dZ = np.empty((batch, units), dtype)
        flat = dZ.reshape(-1)

        def value_and_gradient(Z: Array, Y: npt.NDArray[Any]) -> tuple[float, Array]:
            np.subtract(Z, Y, out=dZ)
            loss = 0.5 * float(np.dot(flat, flat)) / batch
            np.multiply(dZ, 1.0 / batch, out=dZ)
            return loss, dZ

        return value_and_gradient

    def predict(self, Z: Array) -> Array:
        """Ŷ = Z."""
        return Z.copy()


class BinaryCrossEntropy:
    """loss_i = −y log σ(z) − (1 − y) log(1 − σ(z)) = max(z, 0) − zy + log(1 + e^−|z|); dZ = (σ(Z) − Y)/m.

    Y (m,) of class indices 0 and 1, Z (m, 1).
    """

    def bind(self, batch: int, units: int, dtype: npt.DTypeLike) -> ValueAndGradient:
        """Allocate dZ and scratch arrays, each (m, 1)."""
        dZ, y, e, scratch = (np.empty((batch, units), dtype) for _ in range(4))
        zeros = np.zeros((batch, units), dtype)

        def value_and_gradient(Z: Array, Y: npt.NDArray[Any]) -> tuple[float, Array]:
            y[:, 0] = Y
            np.abs(Z, out=e)
            np.negative(e, out=e)
            np.exp(e, out=e)  # e^−|z| is in (0, 1]
            # Per example before the sum: max(z, 0) − zy is exactly 0 for a right answer, a difference of sums is not.
            np.maximum(Z, zeros, out=dZ)
            np.multiply(Z, y, out=scratch)
            np.subtract(dZ, scratch, out=dZ)
            np.log1p(e, out=scratch)
            np.add(scratch, dZ, out=scratch)
            loss = float(scratch.sum())
            # σ(z) = 1/(1 + e) for z ≥ 0 and e/(1 + e) for z < 0; the numerator is 1 or e.
            np.greater_equal(Z, zeros, out=scratch)
            np.maximum(scratch, e, out=scratch)
            np.add(e, 1.0, out=e)
            np.divide(scratch, e, out=dZ)
            np.subtract(dZ, y, out=dZ)
            np.multiply(dZ, 1.0 / batch, out=dZ)
            return loss / batch, dZ

        return value_and_gradient

    def predict(self, Z: Array) -> Array:
        """Ŷ = σ(Z): the probability of class 1."""
        e = np.exp(-np.abs(Z))
        Y_hat: Array = np.where(Z >= 0, 1, e) / (1 + e)
        return Y_hat


class CategoricalCrossEntropy:
    """loss_i = log Σ_c e^{z_c} − z_y; dZ = (softmax(Z) − onehot(Y))/m.

    Y (m,) of class indices 0 … C−1, Z (m, C). The largest logit is taken off first, so e^z ≤ 1.
    """

    def bind(self, batch: int, units: int, dtype: npt.DTypeLike) -> ValueAndGradient:
        """Allocate dZ (m, C) and columns (m, 1)."""
        dZ = np.empty((batch, units), dtype)
        column, total = np.empty((batch, 1), dtype), np.empty((batch, 1), dtype)
        flat, picked = dZ.reshape(-1), np.empty(batch, dtype)
        starts, at = np.arange(batch, dtype=np.intp) * units, np.empty(batch, np.intp)

        def value_and_gradient(Z: Array, Y: npt.NDArray[Any]) -> tuple[float, Array]:
            np.add(starts, Y, out=at)
            np.max(Z, axis=1, keepdims=True, out=column)
            np.subtract(Z, column, out=dZ)
            flat.take(at, out=picked, mode="clip")
            loss = -float(picked.sum())
            np.exp(dZ, out=dZ)
            np.sum(dZ, axis=1, keepdims=True, out=total)
            np.log(total, out=column)
            loss += float(column.sum())
            np.multiply(total, batch, out=total)
            np.divide(dZ, total, out=dZ)  # softmax(Z)/m
            flat.take(at, out=picked, mode="clip")
            np.subtract(picked, 1.0 / batch, out=picked)
            flat.put(at, picked, mode="clip")
            return loss / batch, dZ

        return value_and_gradient

    def predict(self, Z: Array) -> Array:
        """Ŷ = softmax(Z): a probability per class."""
        e = np.exp(Z - Z.max(axis=1, keepdims=True))
        Y_hat: Array = e / e.sum(axis=1, keepdims=True)
        return Y_hat


LOSSES: dict[str, Callable[..., Loss]] = {
    "squared_error": SquaredError,
    "binary_cross_entropy": BinaryCrossEntropy,
    "categorical_cross_entropy": CategoricalCrossEntropy,
}
