"""95 % confidence intervals of error rates and of their differences."""

import math
from dataclasses import dataclass

Z95 = 1.959963984540054  # 97.5 % quantile of N(0, 1)


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """An error measured on a number of examples.

    Attributes:
        error: share of wrong examples in [0, 1]; for regression the mean squared error in units of the
            variance of the training targets, ≥ 0.
        examples: number of examples it was measured on, ≥ 1.
        std: standard error of a regression's error; None for a share of wrong examples.
    """

    error: float
    examples: int
    std: float | None = None


def interval(rate: ErrorRate) -> tuple[float, float]:
    """Interval of one error: Wilson's for a share (Wilson, 1927), the normal one for a regression."""
    if rate.std is not None:
        return max(0.0, rate.error - Z95 * rate.std), rate.error + Z95 * rate.std
    n, p, z = rate.examples, rate.error, Z95
    center = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, center - half), min(1.0, center + half)


def difference(a: ErrorRate, b: ErrorRate) -> tuple[float, float]:
    """Interval of `b.error − a.error` for independent examples (Newcombe, 1998, method 10)."""
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
