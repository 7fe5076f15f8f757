"""Identical rows: every pair is found, and no other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlspec.data.identical import RowHasher, first_alike, hash_of_texts, joined


def firsts(x):
    return first_alike(RowHasher(x.shape[1])(x))


def naive_firsts(x):
    rows = [tuple(float(value) + 0.0 for value in row) for row in x]
    return [rows.index(row) for row in rows]


@given(st.lists(st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0**-52, 1e300, -1.5]), min_size=3, max_size=3), min_size=1))
def test_the_first_identical_row_is_found(rows):
    x = np.array(rows)
    assert firsts(x).tolist() == naive_firsts(x)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, np.float64, ">f4", np.bool_])
@pytest.mark.parametrize("n", [1, 2, 3, 785])
def test_every_type_and_width(dtype, n):
    x = np.random.default_rng(0).integers(0, 2, size=(50, n)).astype(dtype)
    x[30:40] = x[5:15]
    assert firsts(x).tolist() == naive_firsts(x)
    assert np.array_equal(RowHasher(n)(x), RowHasher(n)(x.astype(np.float64)))


def test_hashes_do_not_depend_on_the_neighbours():
    x = np.random.default_rng(0).standard_normal((5000, 100))
    hasher = RowHasher(100)
    assert np.array_equal(hasher(x)[4000:4010], hasher(x[4000:4010]))
    assert np.array_equal(hasher(np.asfortranarray(x)), hasher(x))


def test_rows_that_differ_little_differ_in_every_lane():
    """A word may change in its highest bit alone, where a weak hash would lose the keys' entropy."""
    x = np.zeros((64 * 30, 30))
    words = x.view(np.uint64)
    for bit in range(64):
        words[bit * 30 + np.arange(30), np.arange(30)] = np.uint64(1) << np.uint64(bit)
    x[~np.isfinite(x)] = 0
    x += 0
    kept = np.unique(x, axis=0)
    hashes = RowHasher(30)(kept)
    for lane in range(4):
        assert len(np.unique(hashes[:, lane])) >= len(kept) - 2  # of 1,900 in 2³², some four hundredths of a pair


@given(st.lists(st.lists(st.text(max_size=3), min_size=2, max_size=2), min_size=1, max_size=30))
def test_rows_of_text(rows):
    found = first_alike(joined(b"".join(map(hash_of_texts, rows))))
    assert found.tolist() == [rows.index(row) for row in rows]


def test_cells_do_not_run_together():
    assert (
        len({hash_of_texts(row) for row in (["a", "bc"], ["ab", "c"], ["abc", ""], ["a\x1f", "bc"], ["a", "\x1fbc"])})
        == 5
    )
