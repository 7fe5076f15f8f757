"""The error by the number of training examples as a power law, and what more of them would give.

    e(m) = a m^−b + c        a ≥ 0, 0 < b ≤ 2, c ≥ 0

c is what no amount of data takes away. Source: Hestness et al., 1712.00409; Cortes et al., 1993.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlspec.core.arrays import Array

B_RANGE = (0.02, 2.0)
_GRID, _REFINEMENTS = 50, 40
# 97.5 % quantiles of Student's t with 1, 2, … degrees of freedom; beyond, the normal one is near enough.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
      2.120, 2.110, 2.101, 2.093, 2.086)  # fmt: skip
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """e(m) = a m^−b + c."""

    a: float
    b: float
    c: float

    def at(self, m: float) -> float:
        """The error with m training examples."""
        return float(self.a * m**-self.b + self.c)


@dataclass(frozen=True, slots=True)
class Gain:
    """What more data would give.

    Attributes:
        examples: of the larger training set.
        error: expected with them.
        gain: how much smaller that is than the error now, both by the fitted curves.
        low: lower end of the 95 % interval of the gain over seeds; None with a single one.
        high: upper end.
    """

    examples: int
    error: float
    gain: float
    low: float | None
    high: float | None


def fit(sizes: Sequence[float], errors: Sequence[float]) -> PowerLaw:
    """Least squares with weights 1/e: the variance of a share of wrong examples grows like the share itself.

    For each b the best a and c are those of a line in m^−b; b is found on a grid, and refined by golden section.

    Args:
        sizes: numbers of training examples, at least two different ones.
        errors: of each, finite and ≥ 0.
    """
    x, e = np.asarray(sizes, np.float64), np.asarray(errors, np.float64)
    largest = float(x.max())
    x = x / largest  # m^−b stays near 1
    weights = 1 / np.maximum(e, max(float(e.max()), 1e-12) / 100)
    grid = np.geomspace(*B_RANGE, _GRID)
    misses = [_line(x, e, weights, b)[2] for b in grid]
    best = int(np.argmin(misses))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
    for _ in range(_REFINEMENTS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if _line(x, e, weights, left)[2] <= _line(x, e, weights, right)[2]:
            high = right
        else:
            low = left
    b = float(low + high) / 2
    a, c, _ = _line(x, e, weights, b)
    return PowerLaw(a * largest**b, b, c)


def _line(x: Array, e: Array, weights: Array, b: float) -> tuple[float, float, float]:
    """A ≥ 0 and c ≥ 0 with the least Σ w (a x^−b + c − e)², and that sum."""
    f = x**-b
    mean_f, mean_e = np.average(f, weights=weights), np.average(e, weights=weights)
    spread = float(np.sum(weights * (f - mean_f) ** 2))
    a = max(float(np.sum(weights * (f - mean_f) * (e - mean_e))) / spread, 0.0) if spread > 0 else 0.0
    c = float(mean_e - a * mean_f)
    if c < 0:
        a, c = float(np.sum(weights * f * e) / np.sum(weights * f * f)), 0.0
    return a, c, float(np.sum(weights * (a * f + c - e) ** 2))


def doubled(sizes: Sequence[int], errors: Sequence[Sequence[float]]) -> tuple[PowerLaw, Gain]:
    """The curve of the mean errors, and what twice the largest size would give.

    Each seed has a curve of its own; how far their gains lie apart makes the interval, Student's for their mean.

    Args:
        sizes: numbers of training examples, in rising order.
        errors: of each seed, one per size.
    """
    curve = fit(sizes, [statistics.fmean(at) for at in zip(*errors, strict=True)])
    now, then = sizes[-1], 2 * sizes[-1]
    gains = [law.at(now) - law.at(then) for law in (fit(sizes, one) for one in errors)]
    gain, low, high = statistics.fmean(gains), None, None
    if len(gains) > 1:
        freedom = len(gains) - 1
        half = (_T[freedom - 1] if freedom <= len(_T) else 1.96) * statistics.stdev(gains) / math.sqrt(len(gains))
        low, high = gain - half, gain + half
    return curve, Gain(then, max(curve.at(now) - gain, 0.0), gain, low, high)
