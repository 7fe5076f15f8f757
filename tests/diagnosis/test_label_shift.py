"""Whether labels are distributed alike: known values of the tests, and how often they raise a false alarm."""

import math
import random

import pytest

from dlspec.diagnosis.label_shift import THRESHOLD, chi_square_tail, of_classes, of_numbers


@pytest.mark.parametrize(
    ("statistic", "degrees", "p"),
    [
        (0.0, 3, 1.0),
        (3.841458820694124, 1, 0.05),
        (10.827566170662733, 1, 0.001),
        (5.991464547107979, 2, 0.05),
        (18.307038053275146, 10, 0.05),
        (124.34211340400407, 100, 0.05),
        (1000.0, 10, 0.0),
    ],
)
def test_chi_square(statistic, degrees, p):
    assert chi_square_tail(statistic, degrees=degrees) == pytest.approx(p, abs=1e-12)


@pytest.mark.parametrize("x", [0.1, 0.5, 1, 2, 5, 20, 100])
def test_chi_square_of_closed_forms(x):
    assert chi_square_tail(x, degrees=1) == pytest.approx(math.erfc(math.sqrt(x / 2)), rel=1e-11)
    assert chi_square_tail(x, degrees=2) == pytest.approx(math.exp(-x / 2), rel=1e-11)
    poisson = math.exp(-x / 2) * math.fsum((x / 2) ** k / math.factorial(k) for k in range(50))
    assert chi_square_tail(x, degrees=100) == pytest.approx(poisson, rel=1e-11)


def test_two_by_two_by_hand():
    # Expected 40 and 60 of 100 in both: χ² = 4 · 10²/40 · … = 2 · (100/40 + 100/60) = 8.333
    shift = of_classes([50, 50], [30, 70])
    assert shift.p == pytest.approx(math.erfc(math.sqrt(8.333333333333334 / 2)))
    assert not shift.shifted
    assert of_classes([500, 500], [300, 700]).shifted


@pytest.mark.parametrize(
    ("train", "other"),
    [
        ([600, 400], [60, 40]),
        ([1000, 1, 1, 1], [10, 1, 1, 0]),  # classes too rare to say anything of
        ([100, 0], [10, 0]),
        ([3, 2], [2, 1]),
    ],
)
def test_nothing_to_be_found(train, other):
    assert of_classes(train, other).p > 0.3


def test_rare_classes_count_together():
    assert (
        of_classes([900, *[1] * 100], [90, *[0] * 100]).p < of_classes([900, *[1] * 100], [81, *[0] * 91, *[1] * 9]).p
    )
    assert of_classes([500, *[1] * 500], [50, *[0] * 500]).shifted


@pytest.mark.parametrize(
    ("distance", "n", "p"),
    [(0.0, 100, 1.0), (0.01, 100, 1.0), (1.0, 100, 0.0)],
)
def test_kolmogorov(distance, n, p):
    assert of_numbers(distance, n_train=n, n_other=n).p == pytest.approx(p, abs=1e-3)


@pytest.mark.parametrize(("strength", "p"), [(1.3580986, 0.05), (1.6276236, 0.01), (1.9494746, 0.001)])
def test_kolmogorov_at_its_known_quantiles(strength, p):
    n = 10**8  # so large that the correction for small samples is nothing
    assert of_numbers(strength / math.sqrt(n / 2), n_train=n, n_other=n).p == pytest.approx(p, rel=1e-3)


def test_false_alarms_are_as_rare_as_promised():
    rng, alarms, trials = random.Random(1), 0, 3000
    for _ in range(trials):
        labels = [rng.randrange(4) for _ in range(120)]
        train, other = ([part.count(c) for c in range(4)] for part in (labels[:80], labels[80:]))
        alarms += of_classes(train, other).p < 0.05
    assert alarms / trials == pytest.approx(0.05, abs=0.015)
    assert THRESHOLD == 0.001
