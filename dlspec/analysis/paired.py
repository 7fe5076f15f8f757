"""Two models on the same examples: is one better, or is the difference noise?

Only examples on which the two differ say anything, so the tests are paired. They are about these two networks and this
dev set: how much another seed would change is another question, which several seeds answer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from dlspec.core.arrays import Array

Verdict = Literal["better", "worse", "noise"]

ALPHA = 0.05  # a p-value below is no noise
Z95 = 1.959963984540054  # 97.5 % quantile of N(0, 1)
RESAMPLES = 10_000
_FEWEST_RESAMPLES, _DRAWS, _AT_ONCE = 1_000, 200_000_000, 4_000_000


@dataclass(frozen=True, slots=True)
class Paired:
    """Model b against model a.

    Attributes:
        difference: error of b − error of a.
        low: lower end of its 95 % interval.
        high: upper end.
        p: probability of a difference at least as large between two models that are equally good.
        method: the test, for people.
        examples: of the dev set.
        only_a: examples that only a has right; None where being right is no matter of yes or no.
        only_b: examples that only b has right; None likewise.
    """

    difference: float
    low: float
    high: float
    p: float
    method: str
    examples: int
    only_a: int | None = None
    only_b: int | None = None


def mcnemar(wrong_a: npt.NDArray[np.bool_], wrong_b: npt.NDArray[np.bool_]) -> Paired:
    """McNemar's test in its mid-p form: of n examples that only one has right, how many does b have right?

    For k = min(only a, only b) and X ~ Bin(n, ½): p = 2 P(X ≤ k) − P(X = k), at most 1, which keeps its level and is
    less timid than the exact p = 2 P(X ≤ k) (Fagerland, Lydersen and Laake, 2013). The interval is Bonett and
    Price's (2012): Wald's after one more example on either side.

    Args:
        wrong_a: `(m,)`, which examples a has wrong.
        wrong_b: `(m,)`, the same of b.
    """
    m = len(wrong_a)
    only_a, only_b = int((wrong_b & ~wrong_a).sum()), int((wrong_a & ~wrong_b).sum())
    share_a, share_b = (only_a + 1) / (m + 2), (only_b + 1) / (m + 2)
    center = share_a - share_b
    half = Z95 * math.sqrt((share_a + share_b - center**2) / (m + 2))
    p = mid_p(min(only_a, only_b), only_a + only_b)
    return Paired(
        (only_a - only_b) / m, max(-1.0, center - half), min(1.0, center + half), p, "McNemar, mid-p", m, only_a, only_b
    )


def mid_p(k: int, n: int) -> float:
    """2 P(X ≤ k) − P(X = k) for X ~ Bin(n, ½) and k ≤ n/2; 1 for n = 0."""
    logs = [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) - n * math.log(2) for i in range(k + 1)]
    terms = [math.exp(log) for log in logs]
    return min(1.0, 2 * math.fsum(terms) - terms[-1])


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """The error of a model, and what it would be on other dev sets like this one.

    Attributes:
        error: Σ mistakes / Σ decisions of the examples there are.
        errors: `(resamples,)`, of whole examples drawn with replacement.
        examples: of the dev set.
    """

    error: float
    errors: npt.NDArray[np.float64]
    examples: int


def resampled(mistakes: Array, decisions: Array, *, rng: np.random.Generator) -> Resampled:
    """Bootstrap samples of a model's error.

    Args:
        mistakes: `(m,)`, wrong labels or squared error of each example.
        decisions: `(m,)`, labels that each example has; 1 for a regression.
        rng: generator of the resamples; models that are compared need one of the same state each, so that they have
            the same examples in every resample.
    """
    m = len(mistakes)
    resamples = int(np.clip(_DRAWS // m, _FEWEST_RESAMPLES, RESAMPLES))
    errors = np.empty(resamples)
    step = max(1, _AT_ONCE // m)
    for start in range(0, resamples, step):
        rows = rng.integers(0, m, (min(step, resamples - start), m))
        errors[start : start + step] = mistakes[rows].sum(axis=1) / np.maximum(decisions[rows].sum(axis=1), 1)
    return Resampled(float(mistakes.sum() / decisions.sum()), errors, m)


def bootstrap(a: Resampled, b: Resampled) -> Paired:
    """Percentile bootstrap of the difference of two errors on the same examples.

    p is twice the smaller share of the resamples on either side of 0, with one more of each so that it is never 0
    (Davison and Hinkley, 1997).

    Args:
        a: a model.
        b: another, resampled by a generator of the same state.
    """
    apart = b.errors - a.errors
    low, high = np.quantile(apart, [0.025, 0.975])
    smaller = min(int((apart <= 0).sum()), int((apart >= 0).sum()))
    p = min(1.0, 2 * (smaller + 1) / (len(apart) + 1))
    return Paired(b.error - a.error, float(low), float(high), p, "paired bootstrap", a.examples)


def holm(values: Sequence[float]) -> list[float]:
    """p-values of several tests, raised so that any false alarm among them has the level of one (Holm, 1979)."""
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = largest
    return adjusted


def verdict(difference: float, p: float) -> Verdict:
    """What to think of b: better than a, worse, or noise."""
    if p >= ALPHA or difference == 0:
        return "noise"
    return "better" if difference < 0 else "worse"
