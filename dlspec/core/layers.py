"""Layers: what a network is made of, from the input to the logits.

A layer is described by plain numbers. `shapes` says what comes out and which parameters it needs;
`bind` allocates its buffers for one batch size and returns the closures `forward` and `backward`.
Gradients are written, not added, so nothing has to be cleared between steps.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dlspec.core.activations import Activation, Bound
from dlspec.core.arrays import Array, Shape
from dlspec.core.initializers import Initializer
from dlspec.core.parameters import ParameterSpec


@dataclass(frozen=True, slots=True)
class Binding:
    """What a layer is bound to.

    Attributes:
        values: views of its parameters in θ, by the names that `shapes` gave.
        gradients: views of the same places in dθ.
        in_shape: shape of one example at its input.
        batch: number of examples m.
        dtype: float32 or float64.
        training: False leaves out what happens only in training (dropout).
        input_gradient: False where nobody needs dA_prev (the first layer, evaluation).
        rng: generator of the dropout masks; must be given for training with dropout.
    """

    values: dict[str, Array]
    gradients: dict[str, Array]
    in_shape: Shape
    batch: int
    dtype: npt.DTypeLike
    training: bool
    input_gradient: bool
    rng: np.random.Generator | None


class Layer(Protocol):
    """One step from input to output.

    Attributes:
        owns_output: whether its output is always a buffer of its own, which nobody else reads, so that the
            next layer may overwrite it.
    """

    owns_output: bool

    def shapes(self, in_shape: Shape) -> tuple[Shape, list[ParameterSpec]]:
        """Shape of one example at the output, and the parameters, named within the layer (`W`, `b`)."""

    def initialize(self, values: dict[str, Array], rng: np.random.Generator) -> None:
        """Write the start values of its parameters."""

    def bind(self, to: Binding) -> Bound:
        """Allocate for one batch size and return forward and backward."""


class Dense:
    """Z = A_prev Wᵀ + b; dW = dZᵀ A_prev, db = Σ_rows dZ, dA_prev = dZ W.

    Args:
        units: n_out.
        initializer: fills W; b starts at 0.
    """

    owns_output = True

    def __init__(self, units: int, *, initializer: Initializer):
        self.units = units
        self.initializer = initializer

    def shapes(self, in_shape: Shape) -> tuple[Shape, list[ParameterSpec]]:
        """`(n_in,)` → `(n_out,)`, with W (n_out, n_in) and b (n_out,)."""
        (n_in,) = in_shape
        weights = ParameterSpec("W", (self.units, n_in), decayed=True)
        return (self.units,), [weights, ParameterSpec("b", (self.units,), decayed=False)]

    def initialize(self, values: dict[str, Array], rng: np.random.Generator) -> None:
        """W by the initializer, b = 0."""
        self.initializer.fill(values["W"], rng)
        values["b"][...] = 0.0

    def bind(self, to: Binding) -> Bound:
        """Allocate Z (m, n_out) and, where it is needed, dA_prev (m, n_in)."""
        W, b, db = to.values["W"], to.values["b"], to.gradients["b"]
        W_T, dW_T = W.T, to.gradients["W"].T  # (n_in, n_out), C-contiguous: see Parameters
        Z = np.empty((to.batch, self.units), to.dtype)
        dA_prev = np.empty((to.batch, *to.in_shape) if to.input_gradient else 0, to.dtype)
        ones = np.ones(to.batch, to.dtype)
        A_prev = dA_prev

        def forward(A: Array) -> Array:
            nonlocal A_prev
            A_prev = A
            np.matmul(A, W_T, out=Z)
            return np.add(Z, b, out=Z)

        def backward(dZ: Array) -> Array:
            np.matmul(A_prev.T, dZ, out=dW_T)
            np.matmul(ones, dZ, out=db)  # a GEMV: half the time of add.reduce(axis=0)
            if to.input_gradient:
                np.matmul(dZ, W, out=dA_prev)
            return dA_prev

        return Bound(forward, backward)


class Elementwise:
    """A = g(Z), in place: it overwrites its input, so it must follow a layer that owns its output.

    Args:
        activation: g.
    """

    owns_output = False

    def __init__(self, activation: Activation):
        self.activation = activation

    def shapes(self, in_shape: Shape) -> tuple[Shape, list[ParameterSpec]]:
        """The shape stays; no parameters."""
        return in_shape, []

    def initialize(self, values: dict[str, Array], rng: np.random.Generator) -> None:
        """Nothing to start."""

    def bind(self, to: Binding) -> Bound:
        """Bind g to (m, …)."""
        return self.activation.bind((to.batch, *to.in_shape), to.dtype)


class Dropout:
    """Inverted dropout: D = [U(0, 1) < keep_prob] / keep_prob, A' = A ⊙ D, dA = dA' ⊙ D.

    Source: course 2, week 1. Each step draws a new D; at evaluation the layer is the identity. The
    uniform numbers are float32 in every run, so float32 and float64 runs drop the same units.

    Args:
        keep_prob: probability to keep a unit, 0 < keep_prob ≤ 1.
    """

    owns_output = False  # at evaluation the output is the input

    def __init__(self, *, keep_prob: float):
        self.keep_prob = keep_prob

    def shapes(self, in_shape: Shape) -> tuple[Shape, list[ParameterSpec]]:
        """The shape stays; no parameters."""
        return in_shape, []

    def initialize(self, values: dict[str, Array], rng: np.random.Generator) -> None:
        """Nothing to start."""

    def bind(self, to: Binding) -> Bound:
        """Allocate A', D and the uniform numbers, each (m, …).

        Raises:
            ValueError: training without a generator.
        """
        if not to.training:
            return Bound(lambda A: A, lambda dA: dA)
        if to.rng is None:
            raise ValueError("dropout in training needs a random generator; pass rng to bind")
        shape, keep_prob, rng = (to.batch, *to.in_shape), self.keep_prob, to.rng
        uniform, D, dropped = np.empty(shape, np.float32), np.empty(shape, to.dtype), np.empty(shape, to.dtype)
        inverse = 1.0 / keep_prob

        def forward(A: Array) -> Array:
            rng.random(out=uniform, dtype=np.float32)
            np.less(uniform, keep_prob, out=D)
            np.multiply(D, inverse, out=D)
            return np.multiply(A, D, out=dropped)  # a buffer of its own: g' of the layer before needs A

        def backward(dA: Array) -> Array:
            return np.multiply(dA, D, out=dA)

        return Bound(forward, backward)
