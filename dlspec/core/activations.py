"""Activation functions g, each with its derivative beside it.

`bind` allocates for one shape and returns a pair of closures that work in place:

    forward(Z)       Z ← g(Z), and remembers it as A
    backward(dA)     dA ← dA ⊙ g'(Z), which is dZ

Every derivative here is written with the output A, so that Z need not be kept.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from dlspec.core.arrays import Array, Shape


class Bound(NamedTuple):
    """A part of the network, bound to its buffers.

    Attributes:
        forward: input (m, …) → output (m, …); the output is valid until the next forward.
        backward: gradient of the cost by the output → gradient by the input; may overwrite its argument.
    """

    forward: Callable[[Array], Array]
    backward: Callable[[Array], Array]


class Activation(Protocol):
    """One activation function."""

    def bind(self, shape: Shape, dtype: npt.DTypeLike) -> Bound:
        """Allocate for arrays of this shape, the batch axis included."""


class Linear:
    """g(z) = z, g'(z) = 1."""

    def bind(self, shape: Shape, dtype: npt.DTypeLike) -> Bound:  # noqa: ARG002 - the signature of the family
        """Nothing to allocate."""
        return Bound(lambda Z: Z, lambda dA: dA)


class Sigmoid:
    """g(z) = 1 / (1 + e⁻ᶻ), g' = a (1 − a)."""

    def bind(self, shape: Shape, dtype: npt.DTypeLike) -> Bound:
        """Allocate one scratch array."""
        A = slope = np.empty(shape, dtype)

        def forward(Z: Array) -> Array:
            nonlocal A
            A = Z
            # (1 + tanh(z/2)) / 2 needs three passes and cannot overflow; 1/(1 + e⁻ᶻ) needs four.
            np.multiply(Z, 0.5, out=A)
            np.tanh(A, out=A)
            np.add(A, 1.0, out=A)
            return np.multiply(A, 0.5, out=A)

        def backward(dA: Array) -> Array:
            np.subtract(1.0, A, out=slope)
            np.multiply(slope, A, out=slope)
            return np.multiply(dA, slope, out=dA)

        return Bound(forward, backward)


class Tanh:
    """g(z) = tanh z, g' = 1 − a²."""

    def bind(self, shape: Shape, dtype: npt.DTypeLike) -> Bound:
        """Allocate one scratch array."""
        A = slope = np.empty(shape, dtype)

        def forward(Z: Array) -> Array:
            nonlocal A
            A = Z
            return np.tanh(Z, out=A)

        def backward(dA: Array) -> Array:
            np.multiply(A, A, out=slope)
            np.subtract(1.0, slope, out=slope)
            return np.multiply(dA, slope, out=dA)

        return Bound(forward, backward)


class Relu:
    """g(z) = max(z, 0), g' = 1 for z > 0 and 0 otherwise (0 at 0)."""

    def bind(self, shape: Shape, dtype: npt.DTypeLike) -> Bound:
        """Allocate a mask and an array of zeros."""
        A, active = np.empty(0, dtype), np.empty(shape, bool)
        zeros = np.zeros(shape, dtype)  # maximum with an array is 3 times faster than with a scalar

        def forward(Z: Array) -> Array:
            nonlocal A
            A = Z
            return np.maximum(Z, zeros, out=A)

        def backward(dA: Array) -> Array:
            # A mask and a product: 17 µs for 128×512 against 230 to 320 with putmask, where or copyto.
            np.greater(A, zeros, out=active)
            return np.multiply(dA, active, out=dA)

        return Bound(forward, backward)


class LeakyRelu:
    """g(z) = z for z > 0 and slope·z otherwise, g' = 1 and slope (slope at 0).

    Args:
        slope: 0 ≤ slope < 1, so that g(z) = max(z, slope·z).
    """

    def __init__(self, *, slope: float = 0.01):
        self.slope = slope

    def bind(self, shape: Shape, dtype: npt.DTypeLike) -> Bound:
        """Allocate one scratch array."""
        A = scratch = np.empty(shape, dtype)
        zeros, slope = np.zeros(shape, dtype), self.slope

        def forward(Z: Array) -> Array:
            nonlocal A
            A = Z
            np.multiply(Z, slope, out=scratch)
            return np.maximum(Z, scratch, out=A)

        def backward(dA: Array) -> Array:
            np.greater(A, zeros, out=scratch)  # 1 where z > 0
            np.multiply(scratch, 1.0 - slope, out=scratch)
            np.add(scratch, slope, out=scratch)
            return np.multiply(dA, scratch, out=dA)

        return Bound(forward, backward)


ACTIVATIONS: dict[str, Callable[..., Activation]] = {
    "linear": Linear,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": Relu,
    "leaky_relu": LeakyRelu,
}
