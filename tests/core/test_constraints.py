"""Clipping of gradients and limits of weights, worked by hand."""

import tracemalloc

import numpy as np
import pytest

from dlspec.core.constraints import AFTER_STEP, BEFORE_STEP
from dlspec.core.parameters import Parameters, ParameterSpec

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def parameters(dtype=np.float64, *, rows=2, columns=3):
    specs = [ParameterSpec("W1", (rows, columns), "weight"), ParameterSpec("b1", (rows,), "bias")]
    return Parameters(specs, dtype=dtype)


@each_dtype
def test_clip_norm_scales_the_whole_gradient_to_the_limit(dtype):
    p = parameters(dtype)
    p.grad[:] = [3, 0, 0, 0, 0, 0, 4, 0]  # ‖dθ‖ = 5
    BEFORE_STEP["clip_norm"](limit=1.0).bind(p)()
    np.testing.assert_allclose(p.grad, [0.6, 0, 0, 0, 0, 0, 0.8, 0], rtol=1e-6)
    assert p.grad.dtype == dtype


def test_clip_norm_leaves_a_short_gradient_as_it_is():
    p = parameters()
    p.grad[:] = [3, 0, 0, 0, 0, 0, 4, 0]
    BEFORE_STEP["clip_norm"](limit=5.0).bind(p)()
    np.testing.assert_array_equal(p.grad, [3, 0, 0, 0, 0, 0, 4, 0])


@each_dtype
def test_clip_value_limits_every_entry(dtype):
    p = parameters(dtype)
    p.grad[:] = [-3, -0.5, 0, 0.5, 1, 2, 4, -4]
    BEFORE_STEP["clip_value"](limit=1.0).bind(p)()
    np.testing.assert_array_equal(p.grad, [-1, -0.5, 0, 0.5, 1, 1, 1, -1])


@each_dtype
def test_max_norm_shortens_the_weights_of_long_units_only(dtype):
    p = parameters(dtype)
    p.values["W1"][:] = [[3, 0, 4], [0.5, 0, 0]]  # norms 5 and ½
    p.values["b1"][:] = [10, 10]
    AFTER_STEP["max_norm"](limit=2.5).bind(p)()
    np.testing.assert_allclose(p.values["W1"], [[1.5, 0, 2], [0.5, 0, 0]], rtol=1e-6)
    np.testing.assert_array_equal(p.values["b1"], [10, 10])
    assert p.theta.dtype == dtype


def test_max_norm_leaves_zero_weights_alone():
    p = parameters()
    AFTER_STEP["max_norm"](limit=1.0).bind(p)()
    np.testing.assert_array_equal(p.theta, 0)


@pytest.mark.parametrize("name", [*BEFORE_STEP, *AFTER_STEP])
def test_nothing_is_allocated(name):
    p = parameters(np.float32, rows=300, columns=400)
    p.theta[:] = p.grad[:] = 1.0
    apply = {**BEFORE_STEP, **AFTER_STEP}[name](limit=0.5).bind(p)
    apply()
    tracemalloc.start()
    try:
        for _ in range(20):
            p.theta[:] = p.grad[:] = 1.0
            apply()
        assert tracemalloc.get_traced_memory()[1] < 64_000
    finally:
        tracemalloc.stop()


def test_clip_norm_of_a_gradient_whose_squares_overflow():
    p = parameters(np.float32)
    p.grad[:] = [3e30, 0, 0, 0, 0, 0, 4e30, 0]
    with np.errstate(over="ignore"):
        BEFORE_STEP["clip_norm"](limit=1.0).bind(p)()
    np.testing.assert_allclose(p.grad, [0.6, 0, 0, 0, 0, 0, 0.8, 0], rtol=1e-6)
