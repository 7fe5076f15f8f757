"""Activation functions and their derivatives."""

import numpy as np
import pytest
import reference
from families import ACTIVATION_CASES, case_id

from dlspec.core.activations import ACTIVATIONS

SHAPES = [(1, 1), (1, 6), (5, 1), (7, 3), (3, 2, 4)]
TOLERANCES = {np.float64: {"rtol": 1e-12, "atol": 1e-15}, np.float32: {"rtol": 2e-6, "atol": 1e-6}}

each_member = pytest.mark.parametrize(("name", "settings"), ACTIVATION_CASES, ids=case_id)
each_dtype = pytest.mark.parametrize("dtype", TOLERANCES)


def sample(shape, dtype, rng):
    """Random Z with an exact 0 at its first place."""
    Z = (3 * rng.standard_normal(shape)).astype(dtype)
    Z.flat[0] = 0.0
    return Z


@each_member
@each_dtype
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_forward_is_the_formula(name, settings, dtype, shape, rng):
    Z = sample(shape, dtype, rng)
    expected = reference.ACTIVATIONS[name](Z.astype(np.float64), **settings)
    A = ACTIVATIONS[name](**settings).bind(shape, dtype).forward(Z)
    np.testing.assert_allclose(A, expected, **TOLERANCES[dtype])


@each_member
@each_dtype
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_backward_is_the_derivative_times_dA(name, settings, dtype, shape, rng):
    Z, dA = sample(shape, dtype, rng), rng.standard_normal(shape).astype(dtype)
    derivative = reference.DERIVATIVES[name](Z.astype(np.float64), **settings)
    expected = dA.astype(np.float64) * derivative
    bound = ACTIVATIONS[name](**settings).bind(shape, dtype)
    bound.forward(Z)
    np.testing.assert_allclose(bound.backward(dA), expected, **TOLERANCES[dtype])


@each_member
@each_dtype
def test_works_in_place_and_keeps_the_dtype(name, settings, dtype, rng):
    Z, dA = sample((4, 3), dtype, rng), np.ones((4, 3), dtype)
    bound = ACTIVATIONS[name](**settings).bind((4, 3), dtype)
    assert bound.forward(Z) is Z
    assert bound.backward(dA) is dA
    assert Z.dtype == dA.dtype == dtype


@each_member
def test_backward_belongs_to_the_last_forward(name, settings, rng):
    first, last = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    expected = reference.DERIVATIVES[name](last, **settings)
    bound = ACTIVATIONS[name](**settings).bind((4, 3), np.float64)
    bound.forward(first)
    bound.forward(last)
    np.testing.assert_allclose(bound.backward(np.ones((4, 3))), expected, rtol=1e-12, atol=1e-15)


@each_member
def test_two_bindings_of_one_member_do_not_share_memory(name, settings, rng):
    member = ACTIVATIONS[name](**settings)
    Z, other_Z = rng.standard_normal((4, 3)), rng.standard_normal((2, 5))
    expected = reference.DERIVATIVES[name](Z, **settings)
    bound, other = member.bind((4, 3), np.float64), member.bind((2, 5), np.float64)
    bound.forward(Z)
    other.forward(other_Z)
    other.backward(np.full((2, 5), 9.0))
    np.testing.assert_allclose(bound.backward(np.ones((4, 3))), expected, rtol=1e-12, atol=1e-15)


@each_member
@each_dtype
def test_extreme_inputs_stay_finite(name, settings, dtype):
    Z = np.array([[-1e4, -100.0, 100.0, 1e4]], dtype)
    limits = {
        "linear": [-1e4, -100, 100, 1e4],
        "sigmoid": [0, 0, 1, 1],
        "tanh": [-1, -1, 1, 1],
        "relu": [0, 0, 100, 1e4],
        "leaky_relu": [-1e4 * settings.get("slope", 0.01), -100 * settings.get("slope", 0.01), 100, 1e4],
    }
    bound = ACTIVATIONS[name](**settings).bind((1, 4), dtype)
    np.testing.assert_allclose(bound.forward(Z), [limits[name]], rtol=1e-6, atol=1e-30)
    assert np.isfinite(bound.backward(np.ones((1, 4), dtype))).all()


def test_derivative_of_the_sigmoid_at_minus_6_to_6():
    falling = [0.25, 0.19661193, 0.10499359, 0.04517666, 0.01766271, 0.00664806, 0.00246651]  # z = 0 … 6
    table = [*reversed(falling), *falling[1:]]
    bound = ACTIVATIONS["sigmoid"]().bind((1, 13), np.float64)
    bound.forward(np.arange(-6.0, 7.0)[np.newaxis])
    np.testing.assert_allclose(bound.backward(np.ones((1, 13))), [table], rtol=0, atol=5e-9)


def test_relu_has_slope_0_at_0():
    bound = ACTIVATIONS["relu"]().bind((1, 3), np.float64)
    np.testing.assert_array_equal(bound.forward(np.array([[-2.0, 0.0, 3.0]])), [[0, 0, 3]])
    np.testing.assert_array_equal(bound.backward(np.array([[5.0, 5.0, 5.0]])), [[0, 0, 5]])


def test_leaky_relu_has_its_slope_at_0():
    bound = ACTIVATIONS["leaky_relu"](slope=0.25).bind((1, 3), np.float64)
    np.testing.assert_array_equal(bound.forward(np.array([[-2.0, 0.0, 3.0]])), [[-0.5, 0, 3]])
    np.testing.assert_array_equal(bound.backward(np.array([[4.0, 4.0, 4.0]])), [[1, 1, 4]])
