import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlspec.data.split import auto_ratios, by_chance, sizes, stratified_sizes
from dlspec.errors import DataError

RATIOS = st.sampled_from(
    [(0.6, 0.2, 0.2), (0.7, 0.3), (0.98, 0.01, 0.01), (0.995, 0.0025, 0.0025), (0.5, 0.25, 0.25), (0.1, 0.2, 0.7)]
)


def split(m, *, ratios, **settings):
    """Rows of each split."""
    split_of = by_chance(m, ratios=ratios, **settings)
    assert split_of.dtype == np.int8
    return [np.flatnonzero(split_of == number) for number in range(len(ratios))]


@st.composite
def any_ratios(draw):
    parts = draw(st.lists(st.integers(1, 97), min_size=2, max_size=3))
    return tuple(part / sum(parts) for part in parts)


@pytest.mark.parametrize(
    ("m", "ratios"),
    [
        (100, (0.6, 0.2, 0.2)),
        (999_999, (0.6, 0.2, 0.2)),
        (1_000_000, (0.98, 0.01, 0.01)),
        (10_000_000, (0.98, 0.01, 0.01)),
        (10_000_001, (0.995, 0.0025, 0.0025)),
    ],
)
def test_auto_ratios(m, ratios):
    assert auto_ratios(m) == ratios


@pytest.mark.parametrize(
    ("m", "ratios"),
    [
        (999_999, (0.7, 0.3)),
        (1_000_000, (0.99, 0.01)),
        (10_000_000, (0.99, 0.01)),
        (10_000_001, (0.9975, 0.0025)),
    ],
)
def test_auto_ratios_without_a_test_set(m, ratios):
    assert auto_ratios(m, test=False) == ratios


@pytest.mark.parametrize(
    ("m", "ratios", "expected"),
    [
        (100, (0.6, 0.2, 0.2), (60, 20, 20)),
        (4, (0.6, 0.2, 0.2), (2, 1, 1)),
        (1797, (0.6, 0.2, 0.2), (1078, 360, 359)),
        (10, (0.7, 0.3), (7, 3)),
        (3, (1 / 3, 1 / 3, 1 / 3), (1, 1, 1)),
        (100, (0.29, 0.71), (29, 71)),
        (1_000_000, (0.995, 0.0025, 0.0025), (995_000, 2500, 2500)),
        (1_000_000, (0.995, 0.004, 0.001), (995_000, 4000, 1000)),
        (1_000_000, (0.98, 0.01, 0.01), (980_000, 10_000, 10_000)),
    ],
)
def test_sizes(m, ratios, expected):
    assert sizes(m, ratios) == expected


@pytest.mark.parametrize(
    ("m", "ratios", "message"),
    [
        (3, (0.6, 0.2, 0.2), "3 examples split 60/20/20 leave a split empty; 5 are enough"),
        (1, (0.7, 0.3), "1 example split 70/30 leave a split empty; 4 are enough"),
        (99, (0.995, 0.0025, 0.0025), "99 examples split 99.5/0.25/0.25 leave a split empty; 400 are enough"),
    ],
)
def test_too_few_examples(m, ratios, message):
    with pytest.raises(DataError) as caught:
        split(m, ratios=ratios, rng=np.random.default_rng(0))
    assert str(caught.value) == message


@given(m=st.integers(1, 10_000), ratios=any_ratios())
def test_sizes_add_up_and_are_within_one(m, ratios):
    try:
        found = sizes(m, ratios)
    except DataError:
        return
    assert sum(found) == m
    assert all(abs(size - m * ratio) < 1 + 1e-4 for size, ratio in zip(found, ratios, strict=True))


@given(m=st.integers(5, 300), ratios=RATIOS, seed=st.integers(0, 2**32))
def test_random_split_covers_all_rows_once_in_order(m, ratios, seed):
    try:
        parts = split(m, ratios=ratios, rng=np.random.default_rng(seed))
    except DataError:
        return
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(m))
    for part, size in zip(parts, sizes(m, ratios), strict=True):
        assert len(part) == size
    again = split(m, ratios=ratios, rng=np.random.default_rng(seed))
    assert all(np.array_equal(a, b) for a, b in zip(parts, again, strict=True))


@given(
    labels=st.lists(st.integers(0, 12), min_size=5, max_size=200), ratios=RATIOS | any_ratios(), seed=st.integers(0, 99)
)
def test_stratified_split_keeps_totals_and_shares(labels, ratios, seed):
    labels, m = np.array(labels), len(labels)
    try:
        totals = sizes(m, ratios)
    except DataError:
        return
    parts = split(m, ratios=ratios, rng=np.random.default_rng(seed), labels=labels)
    assert tuple(map(len, parts)) == totals
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(m))
    class_sizes = np.bincount(labels)
    for part, ratio in zip(parts, ratios, strict=True):
        share = np.bincount(labels[part], minlength=len(class_sizes))
        assert (np.abs(share - class_sizes * ratio) < 1 + 1e-6).all()


def test_every_total_can_be_met_where_largest_remainders_alone_miss_it_by_many():
    """Classes of two sizes, each with the same remainders, push one split over and another under its total."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        ratios = rng.dirichlet(np.ones(3))
        class_sizes = np.repeat(rng.integers(1, 30, size=2), rng.integers(1, 40, size=2))
        labels = np.repeat(np.arange(len(class_sizes)), class_sizes)
        try:
            totals = sizes(len(labels), ratios)
        except DataError:
            continue
        parts = split(len(labels), ratios=ratios, rng=rng, labels=labels)
        assert tuple(map(len, parts)) == totals
        shares = np.array([np.bincount(labels[part], minlength=len(class_sizes)) for part in parts])
        assert np.abs(shares - np.outer(ratios, class_sizes)).max() < 1 + 1e-6


def test_stratified_golden():
    labels = np.repeat([0, 1, 2], [10, 4, 1])
    train, dev, test = split(15, ratios=(0.6, 0.2, 0.2), rng=np.random.default_rng(0), labels=labels)
    assert np.bincount(labels[train], minlength=3).tolist() == [6, 2, 1]
    assert np.bincount(labels[dev], minlength=3).tolist() == [2, 1, 0]
    assert np.bincount(labels[test], minlength=3).tolist() == [2, 1, 0]


def test_seeds_differ_and_rows_are_shuffled():
    one, two = (split(100, ratios=(0.7, 0.3), rng=np.random.default_rng(seed))[1] for seed in (1, 2))
    assert not np.array_equal(one, two)
    assert not np.array_equal(one, np.arange(70, 100))


@pytest.mark.parametrize("stratified", [False, True])
def test_a_million_rows_are_quick(stratified):
    labels = np.random.default_rng(0).integers(0, 10, 10**6) if stratified else None
    start = time.perf_counter()
    parts = split(10**6, ratios=(0.98, 0.01, 0.01), rng=np.random.default_rng(0), labels=labels)
    assert time.perf_counter() - start < 2  # 0.03 to 0.08 s here; the bound is for a busy machine
    assert [len(part) for part in parts] == [980_000, 10_000, 10_000]


@pytest.mark.parametrize("classes", [1, 3, 300])
@pytest.mark.parametrize("dtype", [np.uint16, np.int64])
def test_classes_take_their_rows_in_the_order_of_a_permutation(classes, dtype):
    m, ratios = 140_000, (0.6, 0.3, 0.1)  # more rows than one block
    labels = np.random.default_rng(0).integers(0, classes, m)
    order = np.random.default_rng(1).permutation(m)
    order = order[np.argsort(labels[order], kind="stable")]
    counts = stratified_sizes(np.bincount(labels), ratios)
    expected = np.empty(m, dtype=np.int8)
    expected[order] = np.repeat(np.tile([0, 1, 2], len(counts)), counts.ravel())
    found = by_chance(m, ratios=ratios, rng=np.random.default_rng(1), labels=labels.astype(dtype))
    assert np.array_equal(found, expected)
