"""Where a run's numbers stopped being finite, and what to try."""

import math
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dlspec.core.arrays import Array
from dlspec.core.cost import Cost
from dlspec.core.layers import BatchNorm, Dropout, Elementwise, Layer

Block = Literal["inputs", "parameters", "outputs", "loss"]

# What course 2 would try, by what broke first.
ADVICE: dict[Block, tuple[str, ...]] = {
    "inputs": ("look at the data: an input is not a number, or too large for the dtype",),
    "parameters": (
        "lower optimizer.learning_rate, by a factor of 10 to begin with",
        "limit the gradient with regularization.clip_norm: 1",
    ),
    "outputs": (
        "lower optimizer.learning_rate, by a factor of 10 to begin with",
        "normalize: standard, and initializer: he (relu) or xavier (tanh), so that the signal keeps its size",
    ),
    "loss": (
        "lower optimizer.learning_rate, by a factor of 10 to begin with",
        "rescale the targets of a regression, or normalize: standard",
    ),
}


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first block, in the order of a forward pass, whose numbers are not all finite.

    Attributes:
        block: what kind of block it is.
        place: it, for people: `layer 2, W2: 3 of 20 values are not finite`.
        sizes: of each block up to it, in that order, its name and its largest absolute value.
    """

    block: Block
    place: str
    sizes: tuple[tuple[str, float], ...] = field(default=(), compare=False)

    @property
    def advice(self) -> tuple[str, ...]:
        """What to try."""
        return ADVICE[self.block]


def first_not_finite(cost: Cost, X: Array) -> Divergence:
    """Look for it in the inputs, then layer by layer in the parameters and the outputs, dropout off.

    Args:
        cost: the network with the parameters of now.
        X: inputs of the mini-batch `(m, n_x)`.
    """
    sizes: list[tuple[str, float]] = []
    for block, name, values in _forward_pass(cost, X):
        sizes.append((name, _size(values)))
        if wrong := _wrong(values):
            return Divergence(block, f"{name}: {wrong}", tuple(sizes))
    reached = f"{sizes[-1][1]:.3g}"
    place = f"the loss itself: every layer is finite with dropout off, and the logits reach {reached}"
    return Divergence("loss", place, tuple(sizes))


def not_finite_parameters(cost: Cost) -> Divergence | None:
    """The first parameter that is not finite; None where all are."""
    vector = cost.parameters.vector
    if math.isfinite(np.dot(vector, vector)):  # a twentieth of the time: an epoch may be one step
        return None
    for name, values in cost.parameters.values.items():
        if wrong := _wrong(values):
            return Divergence("parameters", f"{_with_layer(name)}: {wrong}")
    return None


def sizes_of_parameters(cost: Cost) -> tuple[tuple[str, float], ...]:
    """Name and largest absolute value of each parameter, up to the first that is not finite."""
    sizes: list[tuple[str, float]] = []
    for name, values in cost.parameters.values.items():
        sizes.append((_with_layer(name), _size(values)))
        if not math.isfinite(sizes[-1][1]):
            break
    return tuple(sizes)


def _forward_pass(cost: Cost, X: Array) -> Iterator[tuple[Block, str, Array]]:
    """Every block of numbers in its order, computed when asked for."""
    plan = cost.network.bind(cost.parameters, batch=len(X), training=False)
    yield "inputs", "the inputs", X
    number = 0
    for placed, forward in zip(cost.network.placed, plan.forwards, strict=True):
        number += any(spec.kind == "weight" for spec in placed.specs)
        for name in placed.names.values():
            yield "parameters", _with_layer(name), cost.parameters.values[name]
        X = forward(X)
        yield "outputs", f"layer {number}, {_output_of(placed.layer, number)}", X


def _with_layer(name: str) -> str:
    """`W2` → `layer 2, W2`."""
    return f"layer {name.lstrip(string.ascii_letters)}, {name}"


def _size(values: NDArray[Any]) -> float:
    """The largest absolute value; not finite where one is not."""
    return float(np.abs(values).max(initial=0.0))


def _wrong(values: NDArray[Any]) -> str | None:
    lost = values.size - int(np.isfinite(values).sum())
    return f"{lost:,} of {values.size:,} values are not finite" if lost else None


def _output_of(layer: Layer, number: int) -> str:
    if isinstance(layer, Elementwise):
        return f"activation A{number}"
    if isinstance(layer, BatchNorm):
        return f"batch normalization of Z{number}"
    return f"dropout of A{number}" if isinstance(layer, Dropout) else f"Z{number}"
