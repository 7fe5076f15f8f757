import tracemalloc

import numpy as np
import pytest

from dlspec.core.randomness import stream
from dlspec.data.batches import Batches


def examples(m, n_x=3):
    return np.arange(m * n_x, dtype=np.float32).reshape(m, n_x), np.arange(m)


@pytest.mark.parametrize(("m", "batch_size"), [(10, 3), (9, 3), (10, 1), (10, 9), (2, 1)])
@pytest.mark.parametrize("start", [0, 1, 2, 3, 7])
def test_an_epoch_is_the_shuffled_examples(m, batch_size, start):
    X, Y = examples(m)
    batches = Batches(X, Y, batch_size=batch_size, seed=7)
    order = np.arange(m)
    stream(7, "shuffle", 4).shuffle(order)
    seen = [(Xb.copy(), Yb.copy()) for Xb, Yb, _ in batches.epoch(4, start=start)]
    expected = [order[first : first + batch_size] for first in range(start, m, batch_size)]
    assert len(seen) == len(expected) == max(0, -(-(m - start) // batch_size))
    assert start > 0 or len(seen) == batches.steps_per_epoch
    for (Xb, Yb), rows in zip(seen, expected, strict=True):
        assert np.array_equal(Xb, X[rows])
        assert np.array_equal(Yb, Y[rows])


def test_every_example_once_in_another_order_each_epoch():
    X, Y = examples(100)
    batches = Batches(X, Y, batch_size=32, seed=0)
    orders = [np.concatenate([Yb.copy() for _, Yb, _ in batches.epoch(epoch)]) for epoch in (0, 1, 0)]
    assert all(np.array_equal(np.sort(order), Y) for order in orders)
    assert not np.array_equal(orders[0], orders[1])
    assert np.array_equal(orders[0], orders[2])
    assert batches.steps_per_epoch == 4


def test_targets_with_columns_and_contiguous_short_batch():
    X, _ = examples(10)
    Y = X[:, :2].copy()
    for Xb, Yb, _ in Batches(X, Y, batch_size=4, seed=0).epoch(0):
        assert np.array_equal(Xb[:, :2], Yb)
        assert Xb.flags.c_contiguous
        assert Yb.flags.c_contiguous


@pytest.mark.parametrize("batch_size", [10, 11, 10**12])
def test_full_batch_is_the_arrays_themselves(batch_size):
    X, Y = examples(10)
    batches = Batches(X, Y, batch_size=batch_size, seed=0)
    ((Xb, Yb, _),) = batches.epoch(3)
    assert Xb is X
    assert Yb is Y
    assert batches.steps_per_epoch == 1
    assert list(batches.epoch(3, start=10)) == []


@pytest.mark.parametrize("seen", range(1, 10))
def test_full_batch_goes_on_where_smaller_ones_stopped(seen):
    X, Y = examples(10)
    order = np.concatenate([Yb.copy() for _, Yb, _ in Batches(X, Y, batch_size=1, seed=7).epoch(3)])
    ((Xb, Yb, wb),) = Batches(X, Y, Y / 10, batch_size=10, seed=7).epoch(3, start=seen)
    assert Yb.tolist() == order[seen:].tolist()
    assert np.array_equal(Xb, X[Yb])
    assert np.array_equal(wb, Yb / 10)
    ((_, _, none),) = Batches(X, Y, batch_size=10, seed=7).epoch(3, start=seen)
    assert none is None


@pytest.mark.parametrize(("first", "then"), [(4, 3), (3, 4), (2, 10), (7, 2), (4, 1)])
def test_an_epoch_may_go_on_in_batches_of_another_size(first, then):
    """Every example once, in the order of the epoch; two batches were done before."""
    X, Y = examples(30)
    before = [Yb.copy() for _, Yb, _ in Batches(X, Y, batch_size=first, seed=7).epoch(2)]
    after = [Yb.copy() for _, Yb, _ in Batches(X, Y, batch_size=then, seed=7).epoch(2, start=2 * first)]
    assert [len(Yb) for Yb in after[:-1]] == [then] * (len(after) - 1)
    assert np.concatenate([*before[:2], *after]).tolist() == np.concatenate(before).tolist()


def test_buffers_are_reused_and_nothing_is_allocated_per_batch():
    X, Y = np.zeros((20_000, 50), dtype=np.float32), np.zeros(20_000, dtype=np.intp)
    batches = Batches(X, Y, batch_size=64, seed=0)
    epoch = batches.epoch(1)
    first, _, _ = next(epoch)
    tracemalloc.start()
    peak = 0
    for Xb, _, _ in epoch:
        peak = max(peak, tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()
        assert Xb.base is first.base
    tracemalloc.stop()
    assert peak < 12_800  # the views of the last, shorter part; a batch of numbers is 12,800 bytes


def test_the_shuffle_itself_allocates_no_second_order():
    X, Y = np.zeros((50_000, 1), dtype=np.float32), np.zeros(50_000, dtype=np.intp)
    batches = Batches(X, Y, batch_size=64, seed=0)
    next(batches.epoch(0))
    tracemalloc.start()
    next(batches.epoch(1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000  # a second order would be 400,000 bytes


def test_weights_go_with_their_examples():
    X, Y = examples(10)
    w = Y / 10
    for _, Yb, wb in Batches(X, Y, w, batch_size=4, seed=0).epoch(0):
        assert np.array_equal(wb, Yb / 10)


@pytest.mark.parametrize(("batch_size", "sizes"), [(4, [4, 4, 2]), (10, [10])])
def test_inputs_may_come_from_elsewhere(batch_size, sizes):
    X, Y = examples(10)
    asked = []

    def fill(rows, Xb, epoch, first):
        asked.append((len(rows), epoch, first))
        Xb[...] = -X[rows]

    batches = Batches(X, Y, batch_size=batch_size, seed=0, fill=fill)
    for Xb, Yb, _ in batches.epoch(2):
        assert np.array_equal(Xb, -X[Yb])
    assert asked == [(size, 2, sum(sizes[:number])) for number, size in enumerate(sizes)]
    assert np.array_equal(X, examples(10)[0])
    asked.clear()
    assert len(list(batches.epoch(2, start=sizes[0]))) == len(sizes) - 1
    assert [first for _, _, first in asked] == [sum(sizes[:number]) for number in range(1, len(sizes))]
