import tracemalloc

import numpy as np
import pytest

from dlspec.data.blocks import BLOCK_VALUES, blocks, first_not_finite
from dlspec.data.normalization import Normalization, fit
from dlspec.errors import DataError


def test_worked_example():
    x = np.array([[1.0, 10.0], [3.0, 10.0], [5.0, 10.0]])
    normalization = fit(x, "standard")
    assert normalization.mean.tolist() == [3.0, 10.0]
    assert normalization.std.tolist() == [np.sqrt(8 / 3), 0.0]
    assert normalization.constant.tolist() == [1]
    expected = np.array([[-2 / np.sqrt(8 / 3), 0], [0, 0], [2 / np.sqrt(8 / 3), 0]])
    assert np.array_equal(normalization.apply(x, np.float64), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, ">f8", np.bool_])
@pytest.mark.parametrize("n_x", [1, 7, 5000])
def test_agrees_with_the_three_line_version(dtype, n_x):
    x = np.random.default_rng(0).integers(0, 2 if dtype is np.bool_ else 200, size=(60, n_x)).astype(dtype)
    reference = x.astype(np.float64)
    normalization = fit(x, "standard")
    np.testing.assert_allclose(normalization.mean, reference.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(normalization.std, reference.std(axis=0), rtol=1e-13)
    expected = (reference - reference.mean(axis=0)) / reference.std(axis=0)
    found = normalization.apply(x, np.float32)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous


def test_the_dtype_of_the_file_does_not_matter():
    x = np.random.default_rng(0).integers(0, 256, size=(3000, 100)).astype(np.uint8)
    one, two = fit(x, "standard"), fit(x.astype(np.float64), "standard")
    assert np.array_equal(one.mean, two.mean)
    assert np.array_equal(one.std, two.std)
    assert np.array_equal(one.apply(x, np.float32), two.apply(x.astype(np.float64), np.float32))


def test_a_feature_of_equal_values_that_do_not_add_up_exactly_is_constant():
    x = np.full((10_000, 1), 0.1)
    assert x.sum() / len(x) != 0.1  # what makes a naive σ tiny in place of 0
    normalization = fit(x, "standard")
    assert normalization.mean.tolist() == [0.1]
    assert normalization.std.tolist() == [0.0]
    assert normalization.apply(np.array([[0.1], [7.0]]), np.float64).tolist() == [[0.0], [0.0]]


def test_scale_and_none():
    x = np.array([[0, 255, 51]], dtype=np.uint8)
    assert fit(x, "scale").apply(x, np.float64).tolist() == [[0.0, 1.0, 0.2]]
    assert fit(x, "none").apply(x, np.float32).tolist() == [[0.0, 255.0, 51.0]]
    assert fit(x, "scale").constant.tolist() == []


def test_huge_values():
    assert np.isinf(fit(np.array([[1e200], [-1e200]]), "standard").std).all()
    x = np.array([[1e39]])
    assert np.isinf(fit(x, "none").apply(x, np.float32)).all()


def test_state_round_trip():
    normalization = fit(np.random.default_rng(0).normal(size=(9, 4)), "standard")
    again = Normalization.from_state("standard", normalization.state())
    assert again.kind == "standard"
    assert np.array_equal(again.mean, normalization.mean)
    assert np.array_equal(again.std, normalization.std)


@pytest.mark.parametrize(
    "state",
    [
        {"mean": np.zeros(2), "std": np.ones(3)},
        {"mean": np.zeros((2, 1)), "std": np.ones((2, 1))},
        {"mean": np.array([np.nan]), "std": np.ones(1)},
        {"mean": np.zeros(1), "std": -np.ones(1)},
    ],
)
def test_damaged_state_is_refused(state):
    with pytest.raises(DataError) as caught:
        Normalization.from_state("standard", state)
    assert str(caught.value) == "the saved normalisation is damaged; expected a finite mean and std per feature"


def test_no_second_copy_of_a_large_set():
    x = np.random.default_rng(0).integers(0, 256, size=(20_000, 500)).astype(np.uint8)  # 10 MB; 80 MB as float64
    tracemalloc.start()
    normalization = fit(x, "standard")
    assert tracemalloc.get_traced_memory()[1] < 6 * 2**20
    tracemalloc.reset_peak()
    normalization.apply(x, np.float32)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * x.size + 6 * 2**20


@pytest.mark.parametrize(("m", "n"), [(1, 1), (10, 0), (BLOCK_VALUES + 1, 1), (3, BLOCK_VALUES * 2), (1000, 999)])
def test_blocks_cover_all_rows(m, n):
    assert [row for rows in blocks(m, n) for row in range(rows.start, rows.stop)] == list(range(m))


def test_first_not_finite():
    values = np.zeros((BLOCK_VALUES, 3))
    assert first_not_finite(values) is None
    values[BLOCK_VALUES - 1, 2] = np.inf
    values[BLOCK_VALUES - 1, 1] = np.nan
    assert first_not_finite(values) == (BLOCK_VALUES - 1, 1)
    assert first_not_finite(np.array([[1]])) is None
