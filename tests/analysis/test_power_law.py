"""Power laws that were planted are found again."""

import numpy as np
import pytest

from dlspec.analysis import power_law
from dlspec.analysis.power_law import PowerLaw

SIZES = [50, 100, 200, 400, 800]


@pytest.mark.parametrize(
    "planted",
    [
        PowerLaw(2.0, 0.5, 0.03),
        PowerLaw(5.0, 1.0, 0.0),
        PowerLaw(1.0, 0.3, 0.1),
        PowerLaw(30.0, 1.5, 0.2),
        PowerLaw(0.5, 0.1, 0.05),
    ],
)
def test_planted_laws_are_recovered(planted):
    found = power_law.fit(SIZES, [planted.at(m) for m in SIZES])
    assert (found.a, found.b) == (pytest.approx(planted.a, rel=1e-3), pytest.approx(planted.b, rel=1e-3))
    assert found.c == pytest.approx(planted.c, abs=1e-4)
    assert found.at(1600) == pytest.approx(planted.at(1600), rel=1e-5)


@pytest.mark.parametrize(
    ("errors", "law"),
    [
        ([0.2, 0.2, 0.2, 0.2, 0.2], lambda found: found.a == 0 and found.c == pytest.approx(0.2)),
        ([0.1, 0.12, 0.13, 0.14, 0.15], lambda found: found.a == 0 and 0.1 < found.c < 0.15),
        ([0.0, 0.0, 0.0, 0.0, 0.0], lambda found: found.a == 0 and found.c == 0),
        ([0.4, 0.1, 0.025, 0.006, 0.0], lambda found: found.c >= 0 and found.b <= 2.0),
        ([0.5, 0.4, 0.3, 0.2, 0.1], lambda found: found.c >= 0 and found.a > 0),
    ],
)
def test_bounds_hold_whatever_the_errors_are(errors, law):
    found = power_law.fit(SIZES, errors)
    assert law(found)
    assert all(np.isfinite([found.a, found.b, found.c]))


def test_noise_leaves_the_forecast_where_it_belongs(rng):
    planted = PowerLaw(2.0, 0.5, 0.03)
    truth = planted.at(1600)
    found = []
    for _ in range(60):
        errors = [planted.at(m) * (1 + 0.05 * rng.standard_normal()) for m in SIZES]
        found.append(power_law.fit(SIZES, errors).at(1600))
    assert np.mean(found) == pytest.approx(truth, rel=0.05)
    assert np.quantile(np.abs(np.array(found) / truth - 1), 0.9) < 0.2


def test_the_interval_of_the_gain_is_students_over_seeds():
    laws = [PowerLaw(a, 0.5, 0.03) for a in (1.8, 2.0, 2.3)]
    curve, gain = power_law.doubled(SIZES, [[law.at(m) for m in SIZES] for law in laws])
    gains = np.array([law.at(800) - law.at(1600) for law in laws])
    half = 4.303 * gains.std(ddof=1) / np.sqrt(3)
    assert gain.examples == 1600
    assert (gain.gain, gain.low, gain.high) == pytest.approx((gains.mean(), gains.mean() - half, gains.mean() + half))
    assert curve.b == pytest.approx(0.5, rel=1e-3)
    assert gain.error == pytest.approx(curve.at(800) - gains.mean())


def test_the_interval_covers_the_truth_as_often_as_it_claims(rng):
    planted, covered = PowerLaw(2.0, 0.5, 0.03), 0
    truth = planted.at(800) - planted.at(1600)
    for _ in range(60):
        errors = [[planted.at(m) * (1 + 0.03 * rng.standard_normal()) for m in SIZES] for _ in range(3)]
        _, gain = power_law.doubled(SIZES, errors)
        covered += gain.low <= truth <= gain.high
    assert covered >= 51


def test_one_seed_has_no_interval():
    _, gain = power_law.doubled(SIZES, [[0.4, 0.3, 0.25, 0.2, 0.18]])
    assert (gain.low, gain.high) == (None, None)
    assert gain.gain > 0
