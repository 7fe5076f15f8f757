"""95 % confidence intervals of error rates and of their differences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054  # 97.5 % quantile of N(0, 1)
BOOTSTRAP_SAMPLES = 1_000
BOOTSTRAP_UP_TO = 5_000


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """An error measured on a number of examples.

    Attributes:
        error: share of wrong examples in [0, 1]; for regression the mean squared error in units of the
            variance of the training targets, ≥ 0.
        examples: number of examples it was measured on, ≥ 1.
        std: standard error of a regression's error; None for a share of wrong examples.
        means: of bootstrap samples of a regression's examples, from `bootstrap`; empty where there are none, and the
            error is taken for normally distributed.
    """

    error: float
    examples: int
    std: float | None = None
    means: tuple[float, ...] = ()

    def with_examples(self, examples: int) -> "ErrorRate":
        """The same error as it would be known from another number of examples."""
        shrink = math.sqrt(self.examples / examples)
        std = None if self.std is None else self.std * shrink
        means = tuple(self.error + (mean - self.error) * shrink for mean in self.means)
        return ErrorRate(self.error, examples, std, means)


def bootstrap(errors: NDArray[np.floating[Any]], *, rng: np.random.Generator) -> tuple[float, ...]:
    """Means of 1,000 samples, drawn with replacement, of the errors of single examples (Efron, 1979).

    Of more than 5,000 examples none are drawn: there the mean is as good as normally distributed.
    """
    m = len(errors)
    if not 1 < m <= BOOTSTRAP_UP_TO:
        return ()
    return tuple(float(errors[rng.integers(m, size=m)].mean()) for _ in range(BOOTSTRAP_SAMPLES))


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(np.asarray(values), (0.025, 0.975))
    return float(low), float(high)


def interval(rate: ErrorRate) -> tuple[float, float]:
    """Interval of one error: Wilson's of a share (Wilson, 1927), the bootstrap's or the normal one of a regression."""
    if rate.means:
        return _percentiles(rate.means)
    if rate.std is not None:
        return max(0.0, rate.error - Z95 * rate.std), rate.error + Z95 * rate.std
    n, p, z = rate.examples, rate.error, Z95
    center = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, center - half), min(1.0, center + half)


def difference(a: ErrorRate, b: ErrorRate) -> tuple[float, float]:
    """Interval of `b.error − a.error` for independent examples (Newcombe, 1998, method 10), or the bootstrap's."""
    if a.means and b.means:
        return _percentiles([after - before for before, after in zip(a.means, b.means, strict=True)])
    low_a, high_a = interval(a)
    low_b, high_b = interval(b)
    gap = b.error - a.error
    low = gap - math.hypot(b.error - low_b, high_a - a.error)
    high = gap + math.hypot(high_b - b.error, a.error - low_a)
    return low, high


def examples_to_resolve(gap: float, *, error: float) -> int:
    """Examples from which on the 95 % interval of an error rate is no wider than ± `gap`.

    The half width of the binomial interval is z·√(p(1 − p)/n) with z = 1.96, so that n = ⌈z²·p(1 − p)/gap²⌉: a gap of
    0.5 % at an error of 10 % takes 13,830 examples. Of two models whose errors differ by less, a smaller set cannot say
    which one is better.

    Args:
        gap: the difference to be seen, in (0, 1).
        error: p, the error rate around which it is to be seen, in (0, 1).
    """
    return math.ceil(Z95**2 * error * (1 - error) / gap**2)
