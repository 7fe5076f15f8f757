"""Start values of the weights."""

import inspect
import math

import numpy as np
import pytest
import reference
from families import INITIALIZER_CASES, case_id

from dlspec.core.initializers import INITIALIZERS
from dlspec.core.parameters import Parameters, ParameterSpec

N_OUT, N_IN = 400, 300

each_case = pytest.mark.parametrize(("name", "settings"), INITIALIZER_CASES, ids=case_id)
with_gain = pytest.mark.parametrize(
    "name", [name for name, member in INITIALIZERS.items() if "gain" in inspect.signature(member).parameters]
)


def filled(name, settings, *, shape=(N_OUT, N_IN), seed=5, dtype=np.float64):
    """W of a member, written over garbage."""
    W = np.full(shape, 7.0, dtype)
    INITIALIZERS[name](**settings).fill(W, np.random.default_rng(seed))
    return W


@each_case
@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (1, 1), (1, 4), (4, 1)], ids=str)
def test_values_are_those_of_the_naive_version(name, settings, shape):
    expected = reference.start_values(name, *shape, np.random.default_rng(5), **settings)
    rtol = 1e-12 if name == "orthogonal" else 1e-15
    np.testing.assert_allclose(filled(name, settings, shape=shape), expected, rtol=rtol)


@each_case
def test_mean_and_standard_deviation(name, settings):
    W = filled(name, settings)
    expected = settings.get("gain", 1.0) * reference.INITIALIZER_FACTORS[name](N_OUT, N_IN)
    rounding = 1e-12 if name == "constant" else 0.0
    assert abs(W.mean() - settings.get("value", 0.0)) <= 4 * expected / math.sqrt(W.size) + rounding
    assert abs(W.std() - expected) <= 4 * expected / math.sqrt(2 * W.size) + rounding


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name.endswith("_uniform")])
@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_uniform_numbers_fill_their_bounds(name, gain):
    W = filled(name, {"gain": gain})
    twin = filled(name.removesuffix("_uniform"), {"gain": gain})
    bound = math.sqrt(3) * gain * reference.INITIALIZER_FACTORS[name](N_OUT, N_IN)
    assert -bound <= W.min() <= -0.999 * bound
    assert 0.999 * bound <= W.max() <= bound
    assert np.abs(twin).max() > 1.5 * bound  # a Gaussian has tails
    # A quarter of the numbers in each quarter of the interval.
    shares = np.histogram(W, bins=4, range=(-bound, bound))[0] / W.size
    np.testing.assert_allclose(shares, 0.25, atol=4 * math.sqrt(0.25 * 0.75 / W.size))


@pytest.mark.parametrize("gain", [1.0, 1.4])
@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (1, 4), (4, 1), (1, 1), (N_OUT, N_IN)], ids=str)
def test_orthogonal_is_orthogonal_along_its_shorter_side(shape, gain):
    W = filled("orthogonal", {"gain": gain}, shape=shape)
    gram = W.T @ W if shape[0] >= shape[1] else W @ W.T
    np.testing.assert_allclose(gram, gain**2 * np.eye(min(shape)), rtol=1e-12, atol=1e-13)


def test_orthogonal_prefers_no_sign():
    """Without the sign fix of QR, LAPACK's reflections would make the first entries negative."""
    starts = np.array([filled("orthogonal", {}, shape=(3, 3), seed=seed) for seed in range(400)])
    positive = (starts > 0).mean(axis=0)
    assert np.abs(positive - 0.5).max() < 4 * math.sqrt(0.25 / 400)
    assert 0.4 < (np.linalg.det(starts) > 0).mean() < 0.6


@with_gain
@pytest.mark.parametrize("gain", [2.0, 0.25])
def test_gain_scales_exactly(name, gain):
    np.testing.assert_array_equal(filled(name, {"gain": gain}), gain * filled(name, {}))


@each_case
def test_float32_starts_from_the_same_values(name, settings):
    W = filled(name, settings, dtype=np.float32)
    assert W.dtype == np.float32
    np.testing.assert_array_equal(W, filled(name, settings).astype(np.float32))


@each_case
def test_a_view_into_theta_gets_the_values_of_a_plain_matrix(name, settings):
    parameters = Parameters([ParameterSpec("W1", (4, 3), kind="weight")], dtype=np.float64)
    INITIALIZERS[name](**settings).fill(parameters.values["W1"], np.random.default_rng(5))
    np.testing.assert_array_equal(parameters.values["W1"], filled(name, settings, shape=(4, 3)))


@with_gain
def test_a_seed_gives_the_same_values_and_another_seed_others(name):
    np.testing.assert_array_equal(filled(name, {}, seed=1), filled(name, {}, seed=1))
    assert (filled(name, {}, seed=1) != filled(name, {}, seed=2)).all()


@pytest.mark.parametrize(("name", "settings", "value"), [("zeros", {}, 0.0), ("constant", {"value": 0.3}, 0.3)])
def test_one_value_everywhere_draws_nothing(name, settings, value):
    W, rng = np.full((3, 2), 7.0), np.random.default_rng(5)
    before = rng.bit_generator.state
    INITIALIZERS[name](**settings).fill(W, rng)
    np.testing.assert_array_equal(W, np.full((3, 2), value))
    assert rng.bit_generator.state == before
