"""The error function against that of the C library."""

import math

import numpy as np
import pytest

from dlspec.core.erf import BLOCK, END, SPLIT, bind_erf

# Three units in the last place; 1e-14 is what is asked for.
BOUNDS = {np.float64: 8e-16, np.float32: 4e-7}

each_dtype = pytest.mark.parametrize("dtype", BOUNDS)


def erf(X):
    """Of a copy, so that X stays."""
    result = X.copy()
    bind_erf(result)()
    return result


def exact(X):
    return np.vectorize(math.erf, otypes=[np.float64])(X.astype(np.float64))


def relative_error(X):
    return np.abs(erf(X).astype(np.float64) / exact(X) - 1).max()


@each_dtype
def test_dense_grid(dtype):
    X = np.linspace(-7, 7, 100_001).astype(dtype)
    assert relative_error(X[X != 0]) < BOUNDS[dtype]


@each_dtype
def test_small_arguments_keep_all_digits(dtype):
    X = np.logspace(-300 if dtype is np.float64 else -30, 0, 20_001).astype(dtype)
    assert relative_error(X) < BOUNDS[dtype]
    assert relative_error(-X) < BOUNDS[dtype]


@each_dtype
@pytest.mark.parametrize("border", [SPLIT, 4.0, END])
def test_the_formulas_meet(dtype, border):
    """The 2,000 numbers around a border."""
    X = dtype(border) + np.arange(-1_000, 1_000) * np.spacing(dtype(border))
    assert relative_error(X.astype(dtype)) < BOUNDS[dtype]


@each_dtype
def test_extremes(dtype):
    X = np.array([0.0, -0.0, 6.0, -6.0, 1e4, -1e4, 1e30, -1e30, np.inf, -np.inf], dtype)
    Y = erf(X)
    np.testing.assert_array_equal(Y, [0, 0, 1, -1, 1, -1, 1, -1, 1, -1])
    np.testing.assert_array_equal(np.signbit(Y), np.signbit(X))
    assert np.isnan(erf(np.array([np.nan], dtype))).all()


@each_dtype
def test_is_odd_and_stays_within_1(dtype, rng):
    X = (2 * rng.standard_normal(5_000)).astype(dtype)
    np.testing.assert_array_equal(erf(-X), -erf(X))
    assert np.abs(erf(X)).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (2, 3, 4), (BLOCK - 1,), (BLOCK + 1,), (2, BLOCK)], ids=str)
def test_every_block_of_every_shape_is_done_in_place(shape, rng):
    X = rng.standard_normal(shape).astype(np.float32)
    run = bind_erf(X)
    for _ in range(2):  # whatever X holds when it is called
        X[...] = rng.standard_normal(shape)
        expected = exact(X)
        run()
        np.testing.assert_allclose(X, expected, rtol=BOUNDS[np.float32])
