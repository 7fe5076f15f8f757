import numpy as np
import pytest

from dlspec.core.arrays import BLOCK, LINE, blocks_of, empty, zeroed, zeroed_like, zeros


def start_of(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (128, 512), (2, 3, 4), (BLOCK + 1,)])
def test_arrays_begin_with_a_cache_line_and_are_contiguous(shape, dtype):
    vector = zeroed((2 * BLOCK + 5,), dtype)
    made = [empty(shape, dtype), zeroed(shape, dtype), zeroed_like(np.ones(shape, dtype)), zeros(shape, dtype)]
    for array in [*made, *(part for block in blocks_of(vector) for part in block)]:
        assert start_of(array) % LINE == 0
        assert array.dtype == dtype
        assert array.flags.c_contiguous
        assert array.flags.aligned
    assert all(array.shape == shape for array in made)
    assert all((array == 0).all() for array in made[1:])


def test_zeros_are_shared_and_cannot_be_written():
    shared = zeros((3, 4), np.float32)
    assert zeros((3, 4), np.float32) is shared
    assert zeros((3, 4), np.float64) is not shared
    with pytest.raises(ValueError, match="read-only"):
        shared[0, 0] = 1


def test_blocks_cover_the_vectors_and_share_their_scratch():
    a, b = np.arange(BLOCK + 7.0), np.arange(BLOCK + 7.0) + 1
    (a0, b0, scratch0), (a1, b1, scratch1) = blocks_of(a, b)
    np.testing.assert_array_equal(np.concatenate([a0, a1]), a)
    np.testing.assert_array_equal(np.concatenate([b0, b1]), b)
    assert (scratch0.size, scratch1.size) == (BLOCK, 7)
    assert np.shares_memory(scratch0, scratch1)
