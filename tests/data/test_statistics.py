"""Statistics gathered block by block equal those of everything at once."""

import numpy as np
import pytest

from dlspec.data.statistics import Correlations, EvenSample, Moments, robust_z

RNG = np.random.default_rng(3)
X = RNG.normal(size=(500, 4)) * [1, 1e-3, 1e6, 1] + [0, 5, 1e9, 1e7]
HOLEY = np.where(RNG.random(X.shape) < 0.2, np.nan, X)


def gathered(kind, x, size):
    for start in range(0, len(x), size):
        kind.add(x[start : start + size])
    return kind


@pytest.mark.parametrize("size", [1, 7, 500])
@pytest.mark.parametrize("x", [X, HOLEY], ids=["whole", "holey"])
def test_moments(x, size):
    found = gathered(Moments(4), x, size)
    assert found.count.tolist() == (~np.isnan(x)).sum(axis=0).tolist()
    assert np.allclose(found.mean, np.nanmean(x, axis=0), rtol=1e-12)
    assert np.allclose(found.std, np.nanstd(x, axis=0), rtol=1e-9)
    assert np.array_equal(found.minimum, np.nanmin(x, axis=0))
    assert np.array_equal(found.maximum, np.nanmax(x, axis=0))


def test_moments_of_nothing():
    found = gathered(Moments(1), np.full((5, 1), np.nan), 2)
    assert (found.count.tolist(), found.mean.tolist(), found.std.tolist()) == ([0], [0], [0])


@pytest.mark.parametrize("size", [1, 7, 64, 500])
def test_a_sample_is_even_whatever_the_blocks_are(size):
    found = gathered(EvenSample(50), np.arange(500)[:, np.newaxis], size).rows[:, 0]
    assert found.tolist() == list(range(0, 500, 8))
    few = gathered(EvenSample(50), np.arange(99)[:, np.newaxis], size).rows[:, 0]
    assert few.tolist() == list(range(99))


@pytest.mark.parametrize("size", [13, 500])
def test_correlations(size):
    x = np.column_stack([X, X[:, 0] * -2 + 3, np.ones(500)])
    r = gathered(Correlations(6), x, size).matrix()
    assert np.allclose(r[:5, :5], np.corrcoef(x[:, :5].T), atol=1e-9)
    assert r[0, 4] == pytest.approx(-1)
    assert np.isnan(r[5]).all()


def test_robust_z():
    x = np.array([[1.0, 5], [2, 5], [3, 5], [4, 5], [1000, 9]])
    assert robust_z(x)[:, 0].tolist() == pytest.approx([2 / 1.4826, 1 / 1.4826, 0, 1 / 1.4826, 997 / 1.4826])
    assert np.isnan(robust_z(x)[:, 1]).all()
    normal = np.random.default_rng(0).normal(3, 2, (100_000, 1))
    assert np.mean(robust_z(normal) > 1) == pytest.approx(0.3173, abs=0.005)
