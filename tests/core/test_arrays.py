"""Memory that begins with a line of the cache."""

import numpy as np
import pytest

from dlspec.core import arrays
from dlspec.core.arrays import LINE
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
