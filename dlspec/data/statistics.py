"""Statistics of columns, gathered a block of rows at a time; a missing cell is NaN."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]


class Moments:
    """Count, mean, standard deviation, smallest and largest cell of each of n columns.

    Blocks are merged by Chan's formula, δ = mean_b − mean_a: M2 = M2_a + M2_b + δ² m_a m_b/(m_a + m_b).

    Args:
        n: number of columns.
    """

    def __init__(self, n: int):
        self.count = np.zeros(n, np.int64)
        self.mean = np.zeros(n)
        self._squares = np.zeros(n)
        self.minimum = np.full(n, np.inf)
        self.maximum = np.full(n, -np.inf)

    def add(self, x: _Floats) -> None:
        """Take further rows `(m, n)` into account."""
        present = ~np.isnan(x)
        count = present.sum(axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.where(present, x, 0.0).sum(axis=0) / np.maximum(count, 1)
            squares = np.square(np.where(present, x - mean, 0.0)).sum(axis=0)
            total = np.maximum(self.count + count, 1)
            delta = mean - self.mean
            self._squares += squares + np.square(delta) * self.count * count / total
            self.mean += delta * count / total
        self.count += count
        self.minimum = np.minimum(self.minimum, np.where(present, x, np.inf).min(axis=0, initial=np.inf))
        self.maximum = np.maximum(self.maximum, np.where(present, x, -np.inf).max(axis=0, initial=-np.inf))

    @property
    def std(self) -> _Floats:
        """Over m, not m − 1."""
        return np.sqrt(self._squares / np.maximum(self.count, 1))


class EvenSample:
    """Every k-th row of all, k growing with their number: the same rows whatever the blocks are.

    Args:
        limit: keeps this many rows at least, where there are so many, and less than twice as many.
    """

    def __init__(self, limit: int):
        self._limit, self._step, self._seen, self._kept = limit, 1, 0, 0
        self._parts: list[NDArray[Any]] = []

    def add(self, rows: NDArray[Any]) -> None:
        """Take further rows `(m, …)` into account."""
        part = rows[-self._seen % self._step :: self._step]
        self._seen += len(rows)
        self._parts.append(part.copy())
        self._kept += len(part)
        while self._kept >= 2 * self._limit:
            self._parts = [self.rows[::2]]
            self._step *= 2
            self._kept = len(self._parts[0])

    @property
    def rows(self) -> NDArray[Any]:
        """The rows, in order."""
        return np.concatenate(self._parts)


class Correlations:
    """Pearson's r of every two of n columns; a missing cell counts as the mean of the first block.

    Args:
        n: number of columns.
    """

    def __init__(self, n: int):
        self._shift: _Floats | None = None
        self._products, self._sums, self._m = np.zeros((n, n)), np.zeros(n), 0

    def add(self, x: _Floats) -> None:
        """Take further rows `(m, n)` into account."""
        if self._shift is None:
            first = Moments(x.shape[1])
            first.add(x)
            self._shift = first.mean
        with np.errstate(over="ignore", invalid="ignore"):
            centred = np.where(np.isnan(x), 0.0, x - self._shift)
            self._products += centred.T @ centred
            self._sums += centred.sum(axis=0)
        self._m += len(x)

    def matrix(self) -> _Floats:
        """The r `(n, n)`; NaN where a column is constant."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            covariance = self._products - np.outer(self._sums, self._sums) / max(self._m, 1)
            std = np.sqrt(np.diag(covariance))
            r: _Floats = covariance / np.outer(std, std)
        return r


def robust_z(x: _Floats) -> _Floats:
    """|x − median|/(1.4826 · MAD) of each cell `(m, n)`, MAD the median of |x − median|; NaN where MAD is 0.

    Source: Iglewicz and Hoaglin, 1993. Of a normal distribution it is |z|.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        distance = np.abs(x - np.nanmedian(x, axis=0))
        mad = np.nanmedian(distance, axis=0)
        z: _Floats = distance / np.where(mad == 0, np.nan, 1.4826 * mad)
    return z
