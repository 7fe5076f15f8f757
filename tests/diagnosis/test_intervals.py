"""Confidence intervals against published and hand-worked values, and their defining equation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlspec.diagnosis.intervals import (
    BOOTSTRAP_SAMPLES,
    BOOTSTRAP_UP_TO,
    Z95,
    ErrorRate,
    bootstrap,
    difference,
    examples_to_resolve,
    interval,
)


def share(wrong, examples):
    return ErrorRate(wrong / examples, examples)


@st.composite
def shares(draw):
    examples = draw(st.integers(1, 20_000))
    return share(draw(st.integers(0, examples)), examples)


@pytest.mark.parametrize(
    ("wrong", "examples", "low", "high"),
    [
        (0, 50, 0.0, 3.841458820694124 / (50 + 3.841458820694124)),  # p = 0: high is z²/(n + z²)
        (50, 50, 50 / (50 + 3.841458820694124), 1.0),
        (25, 50, 0.5 - 0.1335524, 0.5 + 0.1335524),  # p = ½: ± ½ z/√(n + z²)
        (5, 100, 0.0215, 0.1118),
        (15, 263, 0.0349, 0.0920),  # Newcombe (1998), one proportion, table I
        (0, 29, 0.0, 0.1170),
        (1, 1, 0.2065, 1.0),
    ],
)
def test_wilson(wrong, examples, low, high):
    assert interval(share(wrong, examples)) == pytest.approx((low, high), abs=5.1e-5)


@pytest.mark.parametrize(
    ("b", "a", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_1998_table_2_method_10(b, a, low, high):
    assert difference(share(*a), share(*b)) == pytest.approx((low, high), abs=5.1e-5)


@given(shares())
def test_wilsons_ends_solve_their_equation(rate):
    for end in interval(rate):
        deviation = (rate.error - end) ** 2
        assert deviation == pytest.approx(Z95**2 * end * (1 - end) / rate.examples, rel=1e-6, abs=1e-12)


@given(shares())
def test_an_interval_of_a_share_holds_the_share_and_lies_in_0_to_1(rate):
    low, high = interval(rate)
    assert 0 <= low <= rate.error + 1e-15
    assert rate.error - 1e-15 <= high <= 1


@given(st.integers(0, 50), st.integers(50, 500), st.integers(2, 40))
def test_more_examples_narrow_the_interval(wrong, examples, factor):
    low, high = interval(share(wrong, examples))
    narrow_low, narrow_high = interval(share(wrong * factor, examples * factor))
    assert narrow_high - narrow_low < high - low


@given(shares(), shares())
def test_a_difference_turned_round_is_its_mirror(a, b):
    low, high = difference(a, b)
    assert difference(b, a) == pytest.approx((-high, -low), abs=1e-12)
    assert low - 1e-15 <= b.error - a.error <= high + 1e-15


def test_the_interval_of_a_regression_is_the_normal_one():
    low, high = interval(ErrorRate(0.5, 400, 0.05))
    assert (low, high) == pytest.approx((0.5 - 1.959964 * 0.05, 0.5 + 1.959964 * 0.05), abs=1e-7)
    assert interval(ErrorRate(0.01, 400, 0.05))[0] == 0.0  # no error below 0
    assert interval(ErrorRate(3.0, 400, 0.1))[1] == pytest.approx(3.196, abs=1e-3)  # but above 1


def test_the_difference_of_two_regressions():
    a, b = ErrorRate(0.5, 100, 0.03), ErrorRate(0.7, 100, 0.04)
    half = 1.959964 * 0.05  # √(0.03² + 0.04²) = 0.05
    assert difference(a, b) == pytest.approx((0.2 - half, 0.2 + half), abs=1e-7)
    assert math.isclose(sum(difference(a, b)), 0.4)


@pytest.mark.parametrize(
    ("gap", "error", "examples"),
    [(0.005, 0.1, 13_830), (0.01, 0.1, 3_458), (0.001, 0.1, 345_732), (0.005, 0.5, 38_415)],
)
def test_examples_to_resolve_a_difference(gap, error, examples):
    assert examples_to_resolve(gap, error=error) == examples
    low, high = interval(share(round(error * examples), examples))
    assert (high - low) / 2 == pytest.approx(gap, rel=0.01)


# --- regression: the bootstrap ---------------------------------------------------------------------------


def regression(errors, seed=0):
    errors = np.asarray(errors)
    return ErrorRate(
        float(errors.mean()),
        len(errors),
        float(errors.std(ddof=1) / math.sqrt(len(errors))),
        bootstrap(errors, rng=np.random.default_rng(seed)),
    )


def test_the_bootstrap_of_normal_errors_is_the_normal_interval(rng):
    rate = regression(rng.normal(3.0, 1.0, 400))
    normal = ErrorRate(rate.error, rate.examples, rate.std)
    assert interval(rate) == pytest.approx(interval(normal), abs=0.2 * rate.std)
    other = regression(rng.normal(3.5, 1.0, 400), seed=1)
    plain = ErrorRate(other.error, other.examples, other.std)
    assert difference(rate, other) == pytest.approx(difference(normal, plain), abs=0.2 * rate.std)


def test_the_bootstrap_of_skewed_errors_is_skewed_and_never_negative(rng):
    rate = regression(rng.exponential(1.0, 30) ** 4)
    low, high = interval(rate)
    assert 0 < low < rate.error < high
    assert high - rate.error > 1.3 * (rate.error - low)


def test_the_bootstrap_covers_the_truth_as_often_as_it_says(rng):
    intervals = [interval(regression(rng.exponential(1.0, 200), seed=seed)) for seed in range(100)]
    assert 90 <= sum(low < 1.0 < high for low, high in intervals) <= 99


def test_the_bootstrap_follows_from_its_generator(rng):
    errors = rng.exponential(1.0, 50)
    one, again, other = (bootstrap(errors, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert len(one) == BOOTSTRAP_SAMPLES
    assert one == again
    assert one != other


@pytest.mark.parametrize("m", [0, 1, BOOTSTRAP_UP_TO + 1])
def test_of_a_single_example_or_of_very_many_nothing_is_drawn(m, rng):
    assert bootstrap(np.ones(m), rng=rng) == ()


@pytest.mark.parametrize("rate", [ErrorRate(0.1, 100), ErrorRate(0.5, 100, 0.2), ErrorRate(0.5, 100, 0.2, (0.3, 0.7))])
def test_the_same_error_of_four_times_the_examples_is_known_twice_as_well(rate):
    more = rate.with_examples(400)
    (low, high), (closer, nearer) = interval(rate), interval(more)
    assert more.error == rate.error
    assert nearer - closer == pytest.approx((high - low) / 2, rel=0.02)
