"""Penalties on the decayed part of θ, which holds the weights W and no bias.

`m` is the number of examples that the cost is computed on: the mini-batch in training.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from dlspec.core.arrays import Array


class Regularizer(Protocol):
    """One penalty.

    Attributes:
        kinks: the w at which its gradient jumps; a gradient check leaves out what steps across them.
    """

    kinks: tuple[float, ...]

    def penalty(self, W: Array, m: int) -> float:
        """Value of the penalty for all weights W (P_decayed,)."""

    def add_gradient(self, W: Array, dW: Array, m: int, scratch: Array) -> None:
        """Add the penalty's gradient to dW, all arrays (P_decayed,); allocates nothing."""


class L2:
    """(λ/2m) Σ w², gradient (λ/m) w. Course 2, week 1.

    PyTorch's and Keras's weight_decay λ' on the mean loss is λ/m here.

    Args:
        lambda_: λ ≥ 0.
    """

    kinks: tuple[float, ...] = ()

    def __init__(self, *, lambda_: float):
        self.lambda_ = lambda_

    def penalty(self, W: Array, m: int) -> float:
        """(λ/2m) Σ w²."""
        return self.lambda_ / (2 * m) * float(np.dot(W, W))

    def add_gradient(self, W: Array, dW: Array, m: int, scratch: Array) -> None:
        """DW += (λ/m) W."""
        np.multiply(W, self.lambda_ / m, out=scratch)
        np.add(dW, scratch, out=dW)


class L1:
    """(λ/m) Σ |w|, gradient (λ/m) sign(w), 0 at 0. Course 2, §2.1.3 (some notes have λ/2m).

    Args:
        lambda_: λ ≥ 0.
    """

    kinks: tuple[float, ...] = (0.0,)

    def __init__(self, *, lambda_: float):
        self.lambda_ = lambda_

    def penalty(self, W: Array, m: int) -> float:
        """(λ/m) Σ |w|."""
        return self.lambda_ / m * float(np.abs(W).sum())

    def add_gradient(self, W: Array, dW: Array, m: int, scratch: Array) -> None:
        """DW += (λ/m) sign(W)."""
        np.sign(W, out=scratch)
        np.multiply(scratch, self.lambda_ / m, out=scratch)
        np.add(dW, scratch, out=dW)


REGULARIZERS: dict[str, Callable[..., Regularizer]] = {"l2": L2, "l1": L1}
