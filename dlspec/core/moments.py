"""Mean and spread of columns of numbers that come in blocks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Moments:
    """Number of rows m, mean μ = Σx/m and squares Σ(x − μ)² of n columns, whatever blocks the rows come in.

    Two sets of rows a and b are joined by δ = μ_b − μ_a: μ = μ_a + δ·m_b/m and Σ = Σ_a + Σ_b + δ²·m_a·m_b/m, which
    loses no digits to large means (Chan, Golub, LeVeque, 1983, "Algorithms for computing the sample variance").

    Args:
        n: number of columns.

    Attributes:
        m: rows so far.
        mean: μ `(n,)`, float64; 0 before the first row.
        squares: `(n,)`, float64.
    """

    def __init__(self, n: int):
        self.m = 0
        self.mean = np.zeros(n)
        self.squares = np.zeros(n)

    def add(self, x: NDArray[Any]) -> None:
        """Take in rows `(m_b, n)` of any numbers."""
        if not len(x):
            return
        mean = x.sum(axis=0, dtype=np.float64) / len(x)
        deviations = x - mean
        squares = np.square(deviations, out=deviations).sum(axis=0)
        total, delta = self.m + len(x), mean - self.mean
        self.squares += squares + delta**2 * (self.m * len(x) / total)
        self.mean += delta * (len(x) / total)
        self.m = total
