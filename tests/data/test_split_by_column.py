"""Splits by whole groups, by time and by hash."""

from datetime import UTC, datetime
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlspec.data.column import Column, of_array
from dlspec.data.split import sizes
from dlspec.data.split_by_column import by_group, by_hash, by_time, merged, ranks
from dlspec.errors import DataError

RATIOS = st.sampled_from([(0.6, 0.2, 0.2), (0.7, 0.3), (0.98, 0.01, 0.01), (0.1, 0.2, 0.7), (0.5, 0.5), (1.0,)])
GROUPS = st.lists(st.integers(0, 15), min_size=5, max_size=150).map(np.array)


def rng(seed=0):
    return np.random.default_rng(seed)


def texts(*values):
    """A column of text, one row per value."""
    distinct = list(dict.fromkeys(values))
    return Column("t", distinct, np.array([distinct.index(v) for v in values]), lambda row: f"a.csv:{row + 2}")


def split_or_none(call, *arguments, **settings):
    try:
        return call(*arguments, **settings)
    except DataError:
        return None


# --- whole groups ----------------------------------------------------------------------------------------


@given(groups=GROUPS, ratios=RATIOS, seed=st.integers(0, 99), stratified=st.booleans())
def test_no_group_is_parted_and_no_split_is_empty(groups, ratios, seed, stratified):
    labels = np.arange(len(groups)) % 3 if stratified else None
    split_of = split_or_none(by_group, groups, ratios=ratios, rng=rng(seed), labels=labels)
    if split_of is None:
        return
    for group in np.unique(groups):
        assert len(np.unique(split_of[groups == group])) == 1
    assert np.unique(split_of).tolist() == list(range(len(ratios)))
    again = by_group(groups, ratios=ratios, rng=rng(seed), labels=labels)
    assert np.array_equal(split_of, again)


@given(groups=GROUPS, ratios=RATIOS, seed=st.integers(0, 99))
def test_sizes_are_as_near_as_groups_allow(groups, ratios, seed):
    split_of = split_or_none(by_group, groups, ratios=ratios, rng=rng(seed))
    if split_of is None:
        return
    shares, counts = sizes(len(groups), ratios), np.bincount(split_of, minlength=len(ratios))
    smallest = np.bincount(groups)[np.unique(groups)].min()
    in_train = [np.sum(groups == group) for group in np.unique(groups[split_of == 0])]
    for number in range(1, len(ratios)):
        assert counts[number] <= max(shares[number], np.bincount(groups).max())
        if counts[number] <= shares[number]:  # else it has one group, for none was small enough
            room = shares[number] - counts[number]
            assert min(in_train) > room or len(in_train) == 1
        else:
            assert len(np.unique(groups[split_of == number])) == 1
            assert shares[number] < smallest or number > 1


def test_groups_of_one_row_give_the_exact_counts():
    split_of = by_group(np.arange(1000), ratios=(0.6, 0.2, 0.2), rng=rng())
    assert np.bincount(split_of).tolist() == [600, 200, 200]


def test_many_small_groups_give_the_exact_counts_and_one_large_group_is_trained_on():
    groups = np.concatenate((np.zeros(600, int), np.repeat(np.arange(1, 201), 2)))
    split_of = by_group(groups, ratios=(0.6, 0.2, 0.2), rng=rng())
    assert np.bincount(split_of).tolist() == [600, 200, 200]
    assert (split_of[:600] == 0).all()


def test_a_share_smaller_than_every_group_takes_the_smallest():
    groups = np.repeat([7, 8, 9], [50, 30, 20])
    split_of = by_group(groups, ratios=(0.98, 0.01, 0.01), rng=rng())
    assert [np.unique(groups[split_of == number]).tolist() for number in range(3)] == [[7], [9], [8]]


def test_classes_keep_their_share_in_whole_groups():
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    groups = np.arange(1000) // 2
    split_of = by_group(groups, ratios=(0.8, 0.2), rng=rng(), labels=labels)
    assert [np.bincount(labels[split_of == number]).tolist() for number in (0, 1)] == [[480, 240, 80], [120, 60, 20]]


def test_groups_are_drawn_by_the_seed():
    one, same, other = (by_group(np.arange(300) // 3, ratios=(0.7, 0.3), rng=rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("groups", "ratios", "message"),
    [
        ([1] * 9, (0.7, 0.3), "1 group cannot fill 2 splits; expected at least one for each"),
        ([1, 2] * 9, (0.6, 0.2, 0.2), "2 groups cannot fill 3 splits; expected at least one for each"),
        ([1, 2, 3], (0.6, 0.2, 0.2), "3 examples split 60/20/20 leave a split empty; 5 are enough"),
    ],
)
def test_too_few_groups(groups, ratios, message):
    with pytest.raises(DataError) as caught:
        by_group(np.array(groups), ratios=ratios, rng=rng())
    assert str(caught.value) == message


def test_a_class_of_one_group_cannot_fill_dev():
    groups, labels = np.repeat([0, 1, 2], 10), np.repeat([0, 1, 2], 10)
    with pytest.raises(DataError) as caught:
        by_group(groups, ratios=(0.8, 0.2), rng=rng(), labels=labels)
    assert str(caught.value) == (
        "3 groups split 80/20 leave a split empty; expected more of them, or other ratios or another seed"
    )


@given(GROUPS, st.integers(1, 20))
def test_groups_that_share_rows_become_one(groups, period):
    first = np.arange(len(groups)) % period  # row i is the same as row i mod period
    joined = merged(groups, first)
    for labels in (groups, first):
        for label in np.unique(labels):
            assert len(np.unique(joined[labels == label])) == 1
    # Nothing is joined without a chain of shared rows: as many components as a naive search finds.
    components = [{i} for i in range(len(groups))]
    for i in range(len(groups)):
        for j in range(i):
            if groups[i] == groups[j] or first[i] == first[j]:
                one, two = (next(c for c in components if k in c) for k in (i, j))
                if one is not two:
                    components.remove(two)
                    one |= two
    assert len(components) == len(np.unique(joined))


# --- time ------------------------------------------------------------------------------------------------


@given(times=GROUPS, ratios=RATIOS)
def test_older_rows_come_before_newer_ones_and_ties_stay_together(times, ratios):
    split_of = split_or_none(by_time, times, ratios=ratios)
    if split_of is None:
        return
    order = np.argsort(times, kind="stable")
    assert (np.diff(split_of[order]) >= 0).all()
    for time in np.unique(times):
        assert len(np.unique(split_of[times == time])) == 1
    assert np.unique(split_of).tolist() == list(range(len(ratios)))


@pytest.mark.parametrize(
    ("counts", "ratios", "expected"),
    [
        ([1] * 10, (0.6, 0.2, 0.2), [6, 2, 2]),
        ([5, 2, 3], (0.6, 0.4), [5, 5]),  # 6 lies between 5 and 7: the earlier
        ([5, 4, 1], (0.8, 0.2), [9, 1]),
        ([8, 1, 1], (0.5, 0.25, 0.25), [8, 1, 1]),  # one time is left for each split
        ([1, 1, 98], (0.6, 0.2, 0.2), [1, 1, 98]),
        ([4, 3], (1.0,), [7]),
    ],
)
def test_borders_of_time(counts, ratios, expected):
    times = np.repeat(np.arange(len(counts)) * 10, counts)
    shuffled = rng(3).permutation(len(times))
    assert np.bincount(by_time(times[shuffled], ratios=ratios)).tolist() == expected


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([4] * 9, "1 different time cannot fill 3 splits; expected at least one for each"),
        ([1, 2] * 9, "2 different times cannot fill 3 splits; expected at least one for each"),
        ([1, 2, 3], "3 examples split 60/20/20 leave a split empty; 5 are enough"),
    ],
)
def test_too_few_times(times, message):
    with pytest.raises(DataError) as caught:
        by_time(np.array(times), ratios=(0.6, 0.2, 0.2))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "rising",
    [
        ["-3", "-1.5", "0", "2", "1e1", "9007199254740992", "9007199254740993"],
        ["1999-12-31", "2000-01-01", "2000-02", "2000-02-01T00:00:01", "2024-01-31 12:00:00.5"],
        ["2024-01-01T12:00+02:00", "2024-01-01T11:00Z", "2024-01-01T12:30+01:00"],
    ],
)
def test_times_in_text(rising):
    mixed = rng(1).permutation(len(rising))
    assert ranks(texts(*(rising[i] for i in mixed))).tolist() == mixed.tolist()


def test_the_same_moment_written_in_two_ways_is_one():
    assert ranks(texts("2024-01-02", "2024-01-01", "2024-01-02T00:00")).tolist() == [1, 0, 1]
    assert ranks(texts("2", "1", "2.0")).tolist() == [1, 0, 1]


def test_times_in_numbers():
    column = of_array("a.h5", "t", np.array([3.5, -1.0, 2.0, 3.5]))
    assert ranks(column).tolist() == [2, 0, 1, 2]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["2024-01-01", "soon"],
         "a.csv:3: column t: found 'soon'; expected a number, or a date such as 2024-01-31 or 2024-01-31T12:00"),
        (["1", "inf", "1"],
         "a.csv:2: column t: found '1'; expected a number, or a date such as 2024-01-31 or 2024-01-31T12:00"),
        (["2024-01-01T10:00", "2024-01-01T10:00Z"],
         "a.csv:3: column t: found '2024-01-01T10:00Z'; expected a zone in every time, or in none"),
    ],
)  # fmt: skip
def test_texts_that_are_no_time(values, message):
    with pytest.raises(DataError) as caught:
        ranks(texts(*values))
    assert str(caught.value) == message


# --- hash ------------------------------------------------------------------------------------------------


@given(
    values=st.lists(st.text(min_size=1, max_size=5), min_size=40, max_size=120),
    added=st.lists(st.text(min_size=1, max_size=5), max_size=40),
    seed=st.integers(0, 2**64 - 1),
)
def test_a_row_stays_where_its_value_puts_it(values, added, seed):
    before = split_or_none(by_hash, texts(*values), ratios=(0.5, 0.25, 0.25), seed=seed)
    mixed = rng(0).permutation(len(values) + len(added))
    after = split_or_none(by_hash, texts(*([*values, *added][i] for i in mixed)), ratios=(0.5, 0.25, 0.25), seed=seed)
    if before is not None and after is not None:
        assert np.array_equal(after[np.argsort(mixed)][: len(values)], before)


GOLDEN = [0, 2, 1, 0, 0, 0, 1, 0, 2, 0, 0, 1, 0, 0, 0, 2, 2, 1, 0, 1]


def test_hash_golden():
    """These numbers may never change: rows would move from train to test."""
    for number, split in enumerate(GOLDEN):
        digest = blake2b(str(number).encode(), digest_size=8, key=(7).to_bytes(8, "little"), person=b"split").digest()
        share = int.from_bytes(digest, "little") / 2**64
        assert split == (0 if share < 0.6 else 1 if share < 0.8 else 2)
    column = of_array("a.h5", "id", np.arange(20))
    assert by_hash(column, ratios=(0.6, 0.2, 0.2), seed=7).tolist() == GOLDEN
    assert by_hash(texts(*map(str, range(20))), ratios=(0.6, 0.2, 0.2), seed=7).tolist() == GOLDEN
    floats = of_array("a.h5", "id", np.arange(20.0))
    assert by_hash(floats, ratios=(0.6, 0.2, 0.2), seed=7).tolist() == GOLDEN
    assert by_hash(column, ratios=(0.6, 0.2, 0.2), seed=7, purpose="train-dev").tolist() != GOLDEN
    assert by_hash(column, ratios=(0.6, 0.2, 0.2), seed=8).tolist() != GOLDEN


def test_shares_of_many_values_are_near_the_ratios():
    counts = np.bincount(by_hash(of_array("a", "id", np.arange(20_000)), ratios=(0.9, 0.05, 0.05), seed=1))
    assert np.abs(counts - [18_000, 1_000, 1_000]).max() < 150  # five standard deviations


def test_too_few_values_to_hash():
    with pytest.raises(DataError) as caught:
        by_hash(texts("a", "b"), ratios=(0.98, 0.01, 0.01), seed=0)
    assert str(caught.value) == (
        "the 2 different values of column t split 98/1/1 leave a split empty; expected more of them, or other ratios "
        "or another seed"
    )


# --- columns ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "distinct", "codes"),
    [
        (np.array(["b", "a", "b"]), ["a", "b"], [1, 0, 1]),
        (np.array([[3], [1], [3]], dtype=np.uint8), ["1", "3"], [1, 0, 1]),
        (np.array([0.5, -2.0, 0.5], dtype=np.float32), ["-2", "0.5"], [1, 0, 1]),
        (np.array([True, False]), ["0", "1"], [1, 0]),
    ],
)
def test_columns_of_arrays(values, distinct, codes):
    column = of_array("a.h5", "c", values)
    assert list(column.texts()) == distinct
    assert column.codes.tolist() == codes
    assert column.rows_of(distinct[1]).tolist() == [code == 1 for code in codes]
    assert column.rows_of("absent").tolist() == [False] * len(codes)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((3, 2)), "a.h5: c holds float64 of shape (3, 2); expected a number or a text for each example"),
        (np.zeros(3, complex), "a.h5: c holds complex128 of shape (3,); expected a number or a text for each example"),
        (np.array([1, np.nan]), "a.h5: row 1: column c: found 'nan'; expected a value"),
        (np.array([np.inf, 1]), "a.h5: row 0: column c: found 'inf'; expected a value"),
        (np.array(["a", "", "b"]), "a.h5: row 1: column c: found ''; expected a value"),
    ],
)
def test_arrays_that_are_no_column(values, message):
    with pytest.raises(DataError) as caught:
        of_array("a.h5", "c", values)
    assert str(caught.value) == message


def test_dates_are_ordered_by_microseconds():
    moments = [datetime(2024, 1, 1, 0, 0, 0, microsecond, tzinfo=UTC).isoformat() for microsecond in (2, 1, 3)]
    assert ranks(texts(*moments)).tolist() == [1, 0, 2]
