"""Memory that begins with a line of the cache."""

import numpy as np
import pytest

from dlspec.core import arrays
from dlspec.core.arrays import BLOCK, LINE, blocks_of
from dlspec.core.optimizers import OPTIMIZERS

from .builders import build_cost, build_network


def at(array):
    return array.__array_interface__["data"][0] % LINE


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, bool])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (200, 300)], ids=str)
def test_arrays_begin_with_a_line(shape, dtype):
    for array in (arrays.empty(shape, dtype), arrays.zeros(shape, dtype)):
        assert (array.shape, array.dtype, at(array)) == (shape, np.dtype(dtype), 0)
        assert array.flags.c_contiguous
        assert array.flags.writeable
    assert not arrays.zeros(shape, dtype).any()


def test_what_is_held_by_a_training_begins_with_a_line():
    parameters = build_cost(build_network((3, 5, 1)), "binary_cross_entropy", dtype=np.float32).parameters
    bound = OPTIMIZERS["adam"]().bind(parameters.theta, parameters.grad, decayed=parameters.decayed)
    held = (parameters.theta, parameters.grad, parameters.with_own_gradient().grad, *bound.state.values())
    assert [at(array) for array in held] == [0] * 5


def test_zeros_of_one_shape_share_their_memory_and_cannot_be_written():
    first, second = (arrays.shared_zeros((3, 4), np.float32) for _ in range(2))
    assert first is second
    assert arrays.shared_zeros((3, 4), np.float64) is not first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (5, 1), (1, 4), (3, 4), (300, 400)])
def test_a_row_is_spread_as_it_is_when_it_is_used(m, n, dtype, rng):
    row, Z = np.zeros(n, dtype), rng.standard_normal((m, n)).astype(dtype)
    rows = arrays.spread(row, m, arrays.scratch_for(m * n, dtype))
    for _ in range(2):
        row += rng.standard_normal(n).astype(dtype)
        np.testing.assert_array_equal(Z + rows(), Z + row, strict=True)


def test_rows_share_their_scratch_while_they_fit_into_the_cache():
    scratch = arrays.scratch_for(1 << 30, np.float32)
    assert scratch.nbytes == arrays.SPREAD
    small, large = np.ones(10, np.float32), np.ones(400, np.float32)
    assert np.shares_memory(arrays.spread(small, 300, scratch)(), scratch)
    assert arrays.spread(large, 300, scratch)() is large


def test_blocks_cover_the_vectors_and_share_their_scratch():
    a, b = np.arange(BLOCK + 7.0), np.arange(BLOCK + 7.0) + 1
    (a0, b0, scratch0), (a1, b1, scratch1) = blocks_of(a, b)
    np.testing.assert_array_equal(np.concatenate([a0, a1]), a)
    np.testing.assert_array_equal(np.concatenate([b0, b1]), b)
    assert (scratch0.size, scratch1.size) == (BLOCK, 7)
    assert np.shares_memory(scratch0, scratch1)
