"""Paired tests: values worked out by hand, levels kept where there is no difference."""

import math
from fractions import Fraction

import numpy as np
import pytest

from dlspec.analysis import paired


def by_hand(k, n):
    """2 P(X ≤ k) − P(X = k) for X ~ Bin(n, ½), in fractions."""
    ways = [math.comb(n, i) for i in range(k + 1)]
    return Fraction(2 * sum(ways) - ways[-1], 2**n)


@pytest.mark.parametrize(
    ("k", "n", "p"),
    [
        (0, 0, 1.0),
        (0, 1, 0.5),
        (1, 2, 1.0),
        (1, 10, 12 / 1024),
        (2, 10, (2 * (1 + 10 + 45) - 45) / 1024),
        (0, 6, 1 / 64),
        (5, 10, 1.0),
    ],
)
def test_mid_p_of_golden_counts(k, n, p):
    assert paired.mid_p(k, n) == pytest.approx(p, rel=1e-12)


@pytest.mark.parametrize(("k", "n"), [(3, 20), (40, 100), (480, 1000), (0, 1000)])
def test_mid_p_is_the_binomial_sum(k, n):
    assert paired.mid_p(k, n) == pytest.approx(float(by_hand(k, n)), rel=1e-9)


def test_mcnemar_of_a_table():
    """Of 100 examples 80 right in both, 5 wrong in both, 12 only in a, 3 only in b."""
    wrong_a = np.repeat([False, True, False, True], [80, 5, 12, 3])
    wrong_b = np.repeat([False, True, True, False], [80, 5, 12, 3])
    found = paired.mcnemar(wrong_a, wrong_b)
    assert (found.only_a, found.only_b, found.examples) == (12, 3, 100)
    assert found.difference == pytest.approx(0.09)
    assert found.p == pytest.approx(float(by_hand(3, 15)))
    center, half = 9 / 102, 1.959963984540054 * math.sqrt((17 / 102 - (9 / 102) ** 2) / 102)
    assert (found.low, found.high) == (pytest.approx(center - half), pytest.approx(center + half))
    other = paired.mcnemar(wrong_b, wrong_a)
    assert (other.difference, other.p) == (pytest.approx(-0.09), found.p)


def test_the_same_model_is_no_better_than_itself():
    wrong = np.arange(50) % 7 == 0
    found = paired.mcnemar(wrong, wrong)
    assert (found.difference, found.p) == (0.0, 1.0)
    assert paired.verdict(found.difference, found.p) == "noise"


def bootstrap(a, b, decisions):
    """Both on the same resamples."""
    return paired.bootstrap(*(paired.resampled(x, decisions, rng=np.random.default_rng(1)) for x in (a, b)))


def test_the_bootstrap_agrees_with_the_normal_distribution(rng):
    a = rng.random(400)
    b = a + 0.008 + 0.1 * rng.standard_normal(400)
    found = bootstrap(a, b, np.ones(400))
    apart = b - a
    half = 1.96 * apart.std() / 20
    assert found.difference == pytest.approx(apart.mean())
    assert (found.low, found.high) == (
        pytest.approx(apart.mean() - half, abs=6e-4),
        pytest.approx(apart.mean() + half, abs=6e-4),
    )
    z = apart.mean() / (apart.std() / 20)
    assert found.p == pytest.approx(math.erfc(z / math.sqrt(2)), rel=0.15)


def test_the_bootstrap_is_seeded_and_weighs_decisions(rng):
    a, b, decisions = rng.integers(0, 3, 60), rng.integers(0, 3, 60), rng.integers(3, 6, 60)
    one, two = (bootstrap(a, b, decisions) for _ in range(2))
    assert one == two
    assert one.difference == pytest.approx((b - a).sum() / decisions.sum())


def test_false_alarms_are_as_rare_as_they_claim(rng):
    """Two models that are equally good: at most one in twenty differences is called real."""
    alarms = 0
    for _ in range(1000):
        hard = rng.random(100) < 0.2
        a, b = hard ^ (rng.random(100) < 0.1), hard ^ (rng.random(100) < 0.1)
        found = paired.mcnemar(a, b)
        alarms += paired.verdict(found.difference, found.p) != "noise"
    assert 0.02 < alarms / 1000 < 0.06


@pytest.mark.parametrize(
    ("values", "adjusted"),
    [
        ([], []),
        ([0.04], [0.04]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
    ],
)
def test_holm(values, adjusted):
    assert paired.holm(values) == pytest.approx(adjusted)


@pytest.mark.parametrize(
    ("difference", "p", "verdict"),
    [(-0.1, 0.01, "better"), (0.1, 0.01, "worse"), (-0.1, 0.05, "noise"), (0.0, 0.0, "noise")],
)
def test_verdicts(difference, p, verdict):
    assert paired.verdict(difference, p) == verdict
