"""How the weights start. Biases start at 0.

Every Gaussian member draws N(0, 1) in the order of `W (n_out, n_in)` and in float64, whatever the
dtype of the run, and multiplies it by a factor and by `gain` (the course tunes the variance of the
start as a hyperparameter).
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


def _gaussian(W: Array, factor: float, rng: np.random.Generator) -> None:
    W[...] = factor * rng.standard_normal(W.shape)


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


INITIALIZERS: dict[str, Callable[..., Initializer]] = {
    "zeros": Zeros,
    "small": Small,
    "large": Large,
    "xavier": Xavier,
    "he": He,
    "glorot": Glorot,
}
