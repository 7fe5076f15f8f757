"""Mean and spread of columns of numbers that come in blocks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Moments:
    """Number of rows m, mean μ = Σx/m and squares Σ(x − μ)² of n columns, whatever blocks the rows come in.

    Two sets of rows a and b are joined by δ = μ_b − μ_a: μ = μ_a + δ·m_b/m and Σ = Σ_a + Σ_b + δ²·m_a·m_b/m (Chan,
    Golub, LeVeque, 1983, "Algorithms for computing the sample variance"). All of it is done on what is left of x after
    the mean of the first block, so that no digits are lost where the mean is large.

    Args:
        n: number of columns.

    Attributes:
        m: rows so far.
        squares: `(n,)`, float64.
    """

    def __init__(self, n: int):
        self.m = 0
        self.squares = np.zeros(n)
        self._origin = np.zeros(n)
        self._mean = np.zeros(n)  # of x less the origin

    @property
    def mean(self) -> NDArray[np.float64]:
        """μ `(n,)`; 0 before the first row."""
        return self._origin + self._mean

    def add(self, x: NDArray[Any]) -> None:
        """Take in rows `(m_b, n)` of any numbers."""
        if not len(x):
            return
        if not self.m:
            self._origin = np.add.reduce(x, axis=0, dtype=np.float64) / len(x)
        rest = x - self._origin
        mean = np.add.reduce(rest, axis=0) / len(x)
        rest -= mean
        squares = np.add.reduce(np.square(rest, out=rest), axis=0)
        if self.m:
            total, delta = self.m + len(x), mean - self._mean
            squares += self.squares + delta**2 * (self.m * len(x) / total)
            mean = self._mean + delta * (len(x) / total)
        self.squares, self._mean = squares, mean
        self.m += len(x)
