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
from dlspec.core.arrays import Array, Shape, empty, scalar, spread
from dlspec.core.initializers import Initializer
from dlspec.core.parameters import ParameterSpec
from dlspec.core.randomness import uniform_16_bits


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
        input_gradient: where a layer with weights writes dA_prev (m, …); None where nobody needs it (the first layer,
            evaluation). Layers without weights overwrite the gradient they get.
        scratch: for `spread`; all layers share it.
        rng: generator of the dropout masks; must be given for training with dropout.
    """

    values: dict[str, Array]
    gradients: dict[str, Array]
    in_shape: Shape
    batch: int
    dtype: npt.DTypeLike
    training: bool
    input_gradient: Array | None
    scratch: Array
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
        bias: False leaves b out, for a layer whose batch normalisation would take it off again.
    """

    owns_output = True

    def __init__(self, units: int, *, initializer: Initializer, bias: bool = True):
        self.units = units
        self.initializer = initializer
        self.bias = bias

    def shapes(self, in_shape: Shape) -> tuple[Shape, list[ParameterSpec]]:
        """`(n_in,)` → `(n_out,)`, with W (n_out, n_in) and b (n_out,)."""
        (n_in,) = in_shape
        specs = [ParameterSpec("W", (self.units, n_in), "weight")]
        return (self.units,), specs + [ParameterSpec("b", (self.units,), "bias")] * self.bias

    def initialize(self, values: dict[str, Array], rng: np.random.Generator) -> None:
        """W by the initializer, b = 0."""
        self.initializer.fill(values["W"], rng)
        if self.bias:
            values["b"][...] = 0.0

    def bind(self, to: Binding) -> Bound:
        """Allocate Z (m, n_out)."""
        W, dA_prev = to.values["W"], to.input_gradient
        W_T, dW_T = W.T, to.gradients["W"].T  # (n_in, n_out), C-contiguous: see Parameters
        b, db = (to.values["b"], to.gradients["b"]) if self.bias else (None, None)
        bias = None if b is None else spread(b, to.batch, to.scratch)
        A_prev = Z = empty((to.batch, self.units), to.dtype)
        # The method dot takes 0.1 µs less than the function, and 0.5 less than matmul, for the same product.
        sum_of_rows, add = np.ones(to.batch, to.dtype).dot, np.add

        def forward(A: Array) -> Array:
            nonlocal A_prev
            A_prev = A
            A.dot(W_T, Z)
            return Z if bias is None else add(Z, bias(), Z)

        def backward(dZ: Array) -> Array:
            A_prev.T.dot(dZ, dW_T)
            if db is not None:
                sum_of_rows(dZ, db)  # a GEMV: half the time of add.reduce(axis=0)
            return dZ if dA_prev is None else dZ.dot(W, dA_prev)

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

    Source: course 2, week 1. Each step draws a new D; at evaluation the layer is the identity. The uniform numbers
    have 16 bits in every run, so float32 and float64 runs drop the same units; with them the share of units kept is
    keep_prob rounded to a multiple of 1/65,536, and not 0.

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
        """Allocate A', D and the random numbers, each (m, …).

        Raises:
            ValueError: training without a generator.
        """
        if not to.training:
            return Bound(lambda A: A, lambda dA: dA)
        if to.rng is None:
            raise ValueError("dropout in training needs a random generator; pass rng to bind")
        shape = (to.batch, *to.in_shape)
        D, kept, dropped = empty(shape, to.dtype), empty(shape, bool), empty(shape, to.dtype)
        draw, u = uniform_16_bits(to.rng, shape)
        highest = np.uint16(max(1, round(self.keep_prob * 65_536)) - 1)
        inverse = scalar(1.0 / self.keep_prob, to.dtype)

        def forward(A: Array) -> Array:
            draw()
            np.less_equal(u, highest, kept)
            np.copyto(D, kept)
            np.multiply(D, inverse, D)
            return np.multiply(A, D, dropped)  # a buffer of its own: g' of the layer before needs A

        def backward(dA: Array) -> Array:
            return np.multiply(dA, D, dA)

        return Bound(forward, backward if to.input_gradient is not None else lambda dA: dA)


class BatchNorm:
    """Batch normalisation (1502.03167): ẑ = (z − μ)/√(σ² + ε), z̃ = γ ẑ + β, per unit over the mini-batch.

    μ = mean(z), σ² = mean((z − μ)²). With dz̃ the gradient of the output and sums over the batch:

        dγ = Σ dz̃ ẑ,  dβ = Σ dz̃,  dz = γ/√(σ² + ε) · (dz̃ − dβ/m − ẑ dγ/m)

    At evaluation μ and σ² are exponentially weighted averages over the mini-batches of training,
    bias-corrected by 1 − momentumᵗ, so that a short run is not wrong; before the first step they are 0
    and 1. PyTorch's momentum is 1 − ours, it corrects no bias, and its running variance divides by m − 1.

    Args:
        momentum: decay of the averages, 0 ≤ momentum < 1.
        epsilon: ε > 0.
    """

    owns_output = True

    def __init__(self, *, momentum: float = 0.9, epsilon: float = 1e-5):
        self.momentum = momentum
        self.epsilon = epsilon

    def shapes(self, in_shape: Shape) -> tuple[Shape, list[ParameterSpec]]:
        """The shape stays; γ, β and the statistics, each (n,), and t (1,)."""
        trained = [ParameterSpec(name, in_shape, "bias") for name in ("gamma", "beta")]
        averages = [ParameterSpec(name, in_shape, "statistic") for name in ("mean", "variance")]
        return in_shape, [*trained, *averages, ParameterSpec("t", (1,), "statistic")]

    def initialize(self, values: dict[str, Array], rng: np.random.Generator) -> None:  # noqa: ARG002 - the signature of the family
        """γ = 1, β = 0, no batch seen."""
        for name in ("beta", "mean", "variance", "t"):
            values[name][...] = 0.0
        values["gamma"][...] = 1.0

    def bind(self, to: Binding) -> Bound:
        """Allocate z − μ and z̃, each (m, n).

        With s = γ/√(σ² + ε), z̃ = s (z − μ) + β. ẑ is never written: Σ dz̃ ẑ = Σ dz̃ (z − μ) / √(σ² + ε).

        Raises:
            ValueError: training with a batch of one, whose variance is 0.
        """
        if not to.training:
            return self._bind_evaluation(to)
        if to.batch < 2:
            raise ValueError("batch normalisation needs at least 2 examples in every batch; found 1")
        shape, m, momentum = (to.batch, *to.in_shape), to.batch, scalar(self.momentum, to.dtype)
        one, rest, epsilon = (scalar(value, to.dtype) for value in (1.0, 1.0 - self.momentum, self.epsilon))
        centred, out = (empty(shape, to.dtype) for _ in range(2))
        mu, sigma2, inverse, scale, row = (np.empty(to.in_shape, to.dtype) for _ in range(5))
        shares, ones, share = np.full(m, 1.0 / m, to.dtype), np.ones(m, to.dtype), scalar(1.0 / m, to.dtype)
        gamma, beta, mean, variance, t = (to.values[k] for k in ("gamma", "beta", "mean", "variance", "t"))
        dgamma, dbeta = to.gradients["gamma"], to.gradients["beta"]
        dot, add, subtract, multiply = np.dot, np.add, np.subtract, np.multiply

        def average(running: Array, value: Array) -> None:
            multiply(running, momentum, running)
            multiply(value, rest, row)
            add(running, row, running)

        def forward(Z: Array) -> Array:
            dot(shares, Z, mu)
            subtract(Z, mu, centred)
            multiply(centred, centred, out)
            dot(shares, out, sigma2)
            average(mean, mu)
            average(variance, sigma2)
            add(t, one, t)
            add(sigma2, epsilon, inverse)
            np.sqrt(inverse, inverse)
            np.divide(one, inverse, inverse)
            multiply(gamma, inverse, scale)
            multiply(centred, scale, out)
            return add(out, beta, out)

        def backward(d_out: Array) -> Array:
            scratch = out  # z̃ has been used by all that need it
            multiply(d_out, centred, scratch)
            dot(ones, scratch, dgamma)
            multiply(dgamma, inverse, dgamma)
            dot(ones, d_out, dbeta)
            multiply(dbeta, share, row)
            subtract(d_out, row, d_out)
            multiply(dgamma, inverse, row)
            multiply(row, share, row)
            multiply(centred, row, scratch)
            subtract(d_out, scratch, d_out)
            return multiply(d_out, scale, d_out)

        return Bound(forward, backward)

    def _bind_evaluation(self, to: Binding) -> Bound:
        """z̃ = scale · z + shift, with the averages instead of the batch; backward must not be called."""
        out, momentum, epsilon = empty((to.batch, *to.in_shape), to.dtype), self.momentum, self.epsilon
        gamma, beta, mean, variance, t = (to.values[k] for k in ("gamma", "beta", "mean", "variance", "t"))

        def forward(Z: Array) -> Array:
            if t[0] > 0:
                correction = 1.0 - momentum ** float(t[0])
                scale = gamma / np.sqrt(variance / correction + epsilon)
                shift = beta - mean / correction * scale
            else:
                scale, shift = gamma, beta
            np.multiply(Z, scale, out=out)
            np.add(out, shift, out=out)
            return out

        return Bound(forward, lambda d_out: d_out)
