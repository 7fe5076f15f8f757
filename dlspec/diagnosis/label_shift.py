"""Whether the labels of one split are distributed like those of another: two tests, and what they find.

A split at random passes: with the threshold of 0.1 % one in a thousand is called shifted by chance. Splits by group, by
time or by hash, and dev sets of a target distribution, may be shifted on purpose; then the finding says how much.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

THRESHOLD = 0.001
"""Where equal distributions would differ as much with less than this probability, they are called shifted."""

_SMALLEST_EXPECTED = 5.0  # of a cell, for the χ² distribution to hold (Cochran, 1954)


@dataclass(frozen=True, slots=True)
class Shift:
    """How the labels of a split compare with those of train.

    Attributes:
        p: probability that splits of one distribution differ as much or more; 1 where there is too little to compare.
        shifted: whether p is below `THRESHOLD`.
    """

    p: float
    shifted: bool


def of_classes(train: Sequence[int], other: Sequence[int]) -> Shift:
    """Pearson's χ² test that two splits have the same shares of classes.

    χ² = Σ (observed − expected)²/expected over both splits and all classes, expected = class total · split size/m, with
    one degree of freedom fewer than classes. Classes of which fewer than 5 are expected in a split count as one.

    Args:
        train: examples of each class in train.
        other: the same of the other split.
    """
    n_train, n_other = sum(train), sum(other)
    share = min(n_train, n_other) / (n_train + n_other)
    kept, rare = [], [0, 0]
    for a, b in zip(train, other, strict=True):
        if (a + b) * share >= _SMALLEST_EXPECTED:
            kept.append((a, b))
        else:
            rare = [rare[0] + a, rare[1] + b]
    if sum(rare) * share >= _SMALLEST_EXPECTED:
        kept.append((rare[0], rare[1]))
    if len(kept) < 2:
        return Shift(1.0, False)
    totals = [sum(column) for column in zip(*kept, strict=True)]
    statistic = 0.0
    for cell in kept:
        for observed, size in zip(cell, totals, strict=True):
            expected = sum(cell) * size / sum(totals)
            statistic += (observed - expected) ** 2 / expected
    p = chi_square_tail(statistic, degrees=len(kept) - 1)
    return Shift(p, p < THRESHOLD)


def of_numbers(distance: float, *, n_train: int, n_other: int) -> Shift:
    """Kolmogorov and Smirnov's test that two splits have the same distribution of a target.

    p = 2 Σ_k (−1)^(k−1) exp(−2k²λ²) with λ = (√n + 0.12 + 0.11/√n)·D and n = n₁n₂/(n₁ + n₂) (Stephens, 1970).

    Args:
        distance: D, the largest difference of the two empirical distribution functions.
        n_train: examples in train.
        n_other: examples in the other split.
    """
    root = math.sqrt(n_train * n_other / (n_train + n_other))
    strength = (root + 0.12 + 0.11 / root) * distance
    if strength < 0.2:  # the series converges slowly, and p is 1 to twelve digits
        return Shift(1.0, False)
    p = 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * strength) ** 2) for k in range(1, 101))
    return Shift(min(1.0, max(0.0, p)), p < THRESHOLD)


def chi_square_tail(statistic: float, *, degrees: int) -> float:
    """P(χ² ≥ statistic), the regularised upper incomplete gamma function Q(degrees/2, statistic/2).

    By the series of P below a + 1 and by Lentz's continued fraction above (Abramowitz and Stegun, 6.5.29 and 6.5.31).
    """
    a, x = degrees / 2, statistic / 2
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for n in range(1, 10_000):
            term *= x / (a + n)
            total += term
            if term < total * 1e-16:
                break
        return max(0.0, 1 - front * total)
    b, c = x + 1 - a, math.inf
    d = fraction = 1 / b
    for n in range(1, 10_000):
        step = -n * (n - a)
        b += 2
        d = 1 / (step * d + b)
        c = b + step / c
        fraction *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return min(1.0, front * fraction)
