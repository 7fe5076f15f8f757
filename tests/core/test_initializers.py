"""Start values of the weights."""

import math

import numpy as np
import pytest
import reference
from families import INITIALIZER_CASES, case_id

from dlspec.core.initializers import INITIALIZERS
from dlspec.core.parameters import Parameters, ParameterSpec

N_OUT, N_IN = 400, 300

each_case = pytest.mark.parametrize(("name", "settings"), INITIALIZER_CASES, ids=case_id)
with_gain = pytest.mark.parametrize("name", [name for name in INITIALIZERS if name != "zeros"])


def filled(name, settings, *, shape=(N_OUT, N_IN), seed=5, dtype=np.float64):
    """W of a member, written over garbage."""
    W = np.full(shape, 7.0, dtype)
    INITIALIZERS[name](**settings).fill(W, np.random.default_rng(seed))
    return W


@each_case
def test_values_are_the_factor_times_the_normal_numbers_row_by_row(name, settings):
    factor = settings.get("gain", 1.0) * reference.INITIALIZER_FACTORS[name](3, 5)
    normal = np.random.default_rng(5).standard_normal(15)
    W = filled(name, settings, shape=(3, 5))
    for j in range(3):
        np.testing.assert_allclose(W[j], factor * normal[5 * j : 5 * j + 5], rtol=1e-15)


@each_case
def test_mean_and_standard_deviation(name, settings):
    W = filled(name, settings)
    expected = settings.get("gain", 1.0) * reference.INITIALIZER_FACTORS[name](N_OUT, N_IN)
    assert abs(W.mean()) <= 4 * expected / math.sqrt(W.size)
    assert abs(W.std() - expected) <= 4 * expected / math.sqrt(2 * W.size)


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
    parameters = Parameters([ParameterSpec("W1", (4, 3), decayed=True)], dtype=np.float64)
    INITIALIZERS[name](**settings).fill(parameters.values["W1"], np.random.default_rng(5))
    np.testing.assert_array_equal(parameters.values["W1"], filled(name, settings, shape=(4, 3)))


@with_gain
def test_a_seed_gives_the_same_values_and_another_seed_others(name):
    np.testing.assert_array_equal(filled(name, {}, seed=1), filled(name, {}, seed=1))
    assert (filled(name, {}, seed=1) != filled(name, {}, seed=2)).all()


@with_gain
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1)])
def test_edge_shapes_have_the_factor_of_their_own_fan(name, shape):
    W = filled(name, {}, shape=shape)
    expected = reference.INITIALIZER_FACTORS[name](*shape) * np.random.default_rng(5).standard_normal(shape)
    np.testing.assert_allclose(W, expected, rtol=1e-15)


def test_zeros_are_zeros_and_draw_nothing():
    W, rng = np.full((3, 2), 7.0), np.random.default_rng(5)
    before = rng.bit_generator.state
    INITIALIZERS["zeros"]().fill(W, rng)
    np.testing.assert_array_equal(W, np.zeros((3, 2)))
    assert rng.bit_generator.state == before
