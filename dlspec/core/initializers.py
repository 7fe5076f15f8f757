"""How the weights start. Biases start at 0.

Every Gaussian member draws N(0, 1) in the order of `W (n_out, n_in)` and in float64, whatever the
dtype of the run, and multiplies it by a factor and by `gain` (the course tunes the variance of the
start as a hyperparameter). Its uniform twin draws U(−√3, √3) instead, which has the same variance 1.
"""

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np

from dlspec.core.arrays import Array


class Initializer(Protocol):
    """Fills a weight matrix in place."""

    def fill(self, W: Array, rng: np.random.Generator) -> None:
        """Write start values into `W (n_out, n_in)`."""


class Zeros:
    """W = 0. Right for logistic regression; the units of a hidden layer would all stay identical."""

    def fill(self, W: Array, rng: np.random.Generator) -> None:  # noqa: ARG002 - the signature of the family
        """Write zeros; `rng` is not used."""
        W[...] = 0.0


class Constant:
    """W = value: like zeros it keeps the units of a hidden layer identical.

    Args:
        value: any number.
    """

    def __init__(self, *, value: float):
        self.value = value

    def fill(self, W: Array, rng: np.random.Generator) -> None:  # noqa: ARG002 - the signature of the family
        """Write the value; `rng` is not used."""
        W[...] = self.value


def _gaussian(W: Array, factor: float, rng: np.random.Generator) -> None:
    W[...] = factor * rng.standard_normal(W.shape)


def _uniform(W: Array, factor: float, rng: np.random.Generator) -> None:
    bound = factor * math.sqrt(3.0)
    W[...] = rng.uniform(-bound, bound, W.shape)


class Small:
    """W = gain · 0.01 · N(0, 1), the course's first start for a shallow network."""

    def __init__(self, *, gain: float = 1.0):
        self.gain = gain

    def fill(self, W: Array, rng: np.random.Generator) -> None:
        """Write start values into `W (n_out, n_in)`."""
        _gaussian(W, self.gain * 0.01, rng)


class Large:
    """W = gain · 10 · N(0, 1), to show signals explode."""

    def __init__(self, *, gain: float = 1.0):
        self.gain = gain

    def fill(self, W: Array, rng: np.random.Generator) -> None:
        """Write start values into `W (n_out, n_in)`."""
        _gaussian(W, self.gain * 10.0, rng)


class Xavier:
    """W = gain · √(1 / n_in) · N(0, 1): keeps the variance of tanh units (course 2, week 1)."""

    def __init__(self, *, gain: float = 1.0):
        self.gain = gain

    def fill(self, W: Array, rng: np.random.Generator) -> None:
        """Write start values into `W (n_out, n_in)`."""
        _gaussian(W, self.gain * math.sqrt(1.0 / W.shape[1]), rng)


class Lecun:
    """W = gain · √(1 / n_in) · N(0, 1): the formula of xavier by its older name (LeCun et al., 1998), for selu."""

    def __init__(self, *, gain: float = 1.0):
        self.gain = gain

    def fill(self, W: Array, rng: np.random.Generator) -> None:
        """Write start values into `W (n_out, n_in)`."""
        _gaussian(W, self.gain * math.sqrt(1.0 / W.shape[1]), rng)


class He:
    """W = gain · √(2 / n_in) · N(0, 1): keeps the variance of relu units (1502.01852)."""

    def __init__(self, *, gain: float = 1.0):
        self.gain = gain

    def fill(self, W: Array, rng: np.random.Generator) -> None:
        """Write start values into `W (n_out, n_in)`."""
        _gaussian(W, self.gain * math.sqrt(2.0 / W.shape[1]), rng)


class Glorot:
    """W = gain · √(2 / (n_in + n_out)) · N(0, 1): between forward and backward (Glorot and Bengio, 2010)."""

    def __init__(self, *, gain: float = 1.0):
        self.gain = gain

    def fill(self, W: Array, rng: np.random.Generator) -> None:
        """Write start values into `W (n_out, n_in)`."""
        n_out, n_in = W.shape
        _gaussian(W, self.gain * math.sqrt(2.0 / (n_in + n_out)), rng)


class XavierUniform:
    """W = gain · √(1 / n_in) · U(−√3, √3), the uniform twin of xavier: bounds ±gain · √(3 / n_in).

    PyTorch and Keras give this name to glorot_uniform.
    """

    def __init__(self, *, gain: float = 1.0):
        self.gain = gain

    def fill(self, W: Array, rng: np.random.Generator) -> None:
        """Write start values into `W (n_out, n_in)`."""
        _uniform(W, self.gain * math.sqrt(1.0 / W.shape[1]), rng)


class LecunUniform:
    """W = gain · √(1 / n_in) · U(−√3, √3), the uniform twin of lecun: bounds ±gain · √(3 / n_in)."""

    def __init__(self, *, gain: float = 1.0):
        self.gain = gain

    def fill(self, W: Array, rng: np.random.Generator) -> None:
        """Write start values into `W (n_out, n_in)`."""
        _uniform(W, self.gain * math.sqrt(1.0 / W.shape[1]), rng)


class HeUniform:
    """W = gain · √(2 / n_in) · U(−√3, √3), the uniform twin of he: bounds ±gain · √(6 / n_in)."""

    def __init__(self, *, gain: float = 1.0):
        self.gain = gain

    def fill(self, W: Array, rng: np.random.Generator) -> None:
        """Write start values into `W (n_out, n_in)`."""
        _uniform(W, self.gain * math.sqrt(2.0 / W.shape[1]), rng)


class GlorotUniform:
    """W = gain · √(2 / (n_in + n_out)) · U(−√3, √3): bounds ±gain · √(6 / (n_in + n_out)), as in the paper."""

    def __init__(self, *, gain: float = 1.0):
        self.gain = gain

    def fill(self, W: Array, rng: np.random.Generator) -> None:
        """Write start values into `W (n_out, n_in)`."""
        n_out, n_in = W.shape
        _uniform(W, self.gain * math.sqrt(2.0 / (n_in + n_out)), rng)


class Orthogonal:
    """W = gain · Q with orthonormal rows (n_out ≤ n_in) or columns (n_out ≥ n_in). Saxe et al., 1312.6120.

    Q is that of the QR decomposition of N(0, 1). The decomposition is unique only up to the signs of R's
    diagonal: positive ones make Q uniformly distributed over all such matrices (Mezzadri, math-ph/0609050).
    """

    def __init__(self, *, gain: float = 1.0):
        self.gain = gain

    def fill(self, W: Array, rng: np.random.Generator) -> None:
        """Write start values into `W (n_out, n_in)`."""
        normal = rng.standard_normal(W.shape)
        tall = normal if W.shape[0] >= W.shape[1] else normal.T
        Q, R = np.linalg.qr(tall)
        Q *= np.copysign(self.gain, np.diagonal(R))
        W[...] = Q if tall is normal else Q.T


INITIALIZERS: dict[str, Callable[..., Initializer]] = {
    "zeros": Zeros,
    "constant": Constant,
    "small": Small,
    "large": Large,
    "xavier": Xavier,
    "lecun": Lecun,
    "he": He,
    "glorot": Glorot,
    "xavier_uniform": XavierUniform,
    "lecun_uniform": LecunUniform,
    "he_uniform": HeUniform,
    "glorot_uniform": GlorotUniform,
    "orthogonal": Orthogonal,
}
