"""What is done to the gradient before a step of the optimiser, and to the weights after it.

`bind` returns a function without arguments that works in place on dθ or on the weights.
"""

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np

from dlspec.core.arrays import Array
from dlspec.core.parameters import Parameters


class Constraint(Protocol):
    """One rule."""

    def bind(self, parameters: Parameters) -> Callable[[], None]:
        """Allocate, and return the function that applies the rule."""


class ClipNorm:
    """dθ ← dθ · limit/‖dθ‖₂ where the norm over all parameters is larger (1211.5063).

    Args:
        limit: greater than 0.
    """

    def __init__(self, *, limit: float):
        self.limit = limit

    def bind(self, parameters: Parameters) -> Callable[[], None]:
        """Nothing to allocate."""
        grad, limit = parameters.grad, self.limit

        def apply() -> None:
            norm = math.sqrt(float(np.dot(grad, grad)))
            if math.isinf(norm):  # the squares overflow although the gradient itself may be finite
                np.divide(grad, np.abs(grad).max(), out=grad)
                norm = math.sqrt(float(np.dot(grad, grad)))
                np.multiply(grad, limit / norm, out=grad)
            elif norm > limit:
                np.multiply(grad, limit / norm, out=grad)

        return apply


class ClipValue:
    """Every entry of dθ is brought into [−limit, limit].

    Args:
        limit: greater than 0.
    """

    def __init__(self, *, limit: float):
        self.limit = limit

    def bind(self, parameters: Parameters) -> Callable[[], None]:
        """Nothing to allocate."""
        grad, limit = parameters.grad, self.limit

        def apply() -> None:
            np.clip(grad, -limit, limit, out=grad)

        return apply


class MaxNorm:
    """The weights of every unit are brought back to ‖w‖₂ ≤ limit after each step (1207.0580).

    Args:
        limit: greater than 0; 3 or 4 is usual with dropout.
    """

    def __init__(self, *, limit: float):
        self.limit = limit

    def bind(self, parameters: Parameters) -> Callable[[], None]:
        """Allocate a column of norms (n_out, 1) per layer."""
        names = [spec.name for spec in parameters.specs if spec.kind == "weight"]
        layers = [(W, np.empty(len(W), W.dtype)) for W in map(parameters.values.__getitem__, names)]
        limit = self.limit

        def apply() -> None:
            for W, factor in layers:  # W (n_out, n_in): a unit per row
                np.einsum("ij,ij->i", W, W, out=factor)
                np.sqrt(factor, out=factor)
                np.maximum(factor, limit, out=factor)
                np.divide(limit, factor, out=factor)  # 1 where the norm is within the limit
                W_T: Array = W.T
                np.multiply(W_T, factor, out=W_T)

        return apply


# By the moment they apply.
BEFORE_STEP: dict[str, Callable[..., Constraint]] = {"clip_value": ClipValue, "clip_norm": ClipNorm}
AFTER_STEP: dict[str, Callable[..., Constraint]] = {"max_norm": MaxNorm}
