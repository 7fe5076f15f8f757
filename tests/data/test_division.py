"""What a cut does to rows: every split that it makes, aimed at some rows, with rows that stay together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlspec.core.randomness import stream
from dlspec.data.column import of_array
from dlspec.data.division import BY_COLUMN, Cut, Rows, divide_rows
from dlspec.data.split import by_chance
from dlspec.errors import DataError


@st.composite
def cases(draw):
    """A cut and rows that it may fit."""
    m = draw(st.integers(8, 120))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    strategy = draw(st.sampled_from(["auto", "random", "stratified", "group", "time", "hash"]))
    cut = Cut(
        seed=draw(st.integers(0, 99)),
        ratios=draw(st.sampled_from([(0.6, 0.2, 0.2), (0.7, 0.3), (1.0,)])),
        strategy=strategy,
        column="c" if strategy in BY_COLUMN else None,
        train_dev=draw(st.sampled_from([None, 0.1, 0.5])),
    )
    values = rng.integers(0, draw(st.integers(2, 40)), size=m)
    rows = Rows(
        source="a.csv",
        m=m,
        labels=rng.integers(0, 3, size=m) if draw(st.booleans()) or strategy == "stratified" else None,
        column=of_array("a.csv", "c", values) if cut.column else None,
        aimed=rng.random(m) < 0.6 if draw(st.booleans()) else None,
        first=np.minimum(np.arange(m), rng.integers(0, m, size=m)) if draw(st.booleans()) else None,
    )
    if rows.first is not None:  # the first of a kind is the first of itself
        first = rows.first
        while not np.array_equal(first, first[first]):
            first = first[first]
        object.__setattr__(rows, "first", first)
    return cut, rows


@given(cases())
def test_splits_are_disjoint_complete_and_as_promised(case):
    cut, rows = case
    try:
        parts, made = divide_rows(cut, rows)
    except DataError:
        return
    names = ["train", "train-dev", "dev", "test"]
    expected = ["train", "dev", "test"][: len(cut.ratios)] + ["train-dev"] * (cut.train_dev is not None)
    assert list(parts) == [name for name in names if name in expected]
    assert np.array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(rows.m))
    assert all((np.diff(part) > 0).all() for part in parts.values())
    assert made.strategy != "auto"
    split_of = np.empty(rows.m, int)
    for number, part in enumerate(parts.values()):
        split_of[part] = number
    if rows.aimed is not None:
        for name in {"dev", "test"} & set(parts):
            assert rows.aimed[parts[name]].all()
    if rows.first is not None:
        assert np.array_equal(split_of, split_of[rows.first])
    if made.strategy == "group":
        for value in np.unique(rows.column.codes):
            assert len(np.unique(split_of[rows.column.codes == value])) == 1
    if made.strategy == "time" and rows.first is None:
        evaluated = {"dev", "test"} & set(parts)
        trained = np.concatenate([parts[name] for name in {"train", "train-dev"} & set(parts)])
        oldest = rows.column.codes[trained if rows.aimed is None else trained[rows.aimed[trained]]]
        for name in evaluated:
            assert oldest.max() < rows.column.codes[parts[name]].min()


def test_plain_splits_are_those_of_an_experiment_with_the_same_seed():
    labels = np.arange(100) % 3
    for strategy, by in (("random", None), ("stratified", labels)):
        parts, made = divide_rows(Cut(seed=5, strategy=strategy), Rows(source="a", m=100, labels=labels))
        split_of = by_chance(100, ratios=(0.6, 0.2, 0.2), rng=stream(5, "split"), labels=by)
        assert [part.tolist() for part in parts.values()] == [np.flatnonzero(split_of == n).tolist() for n in range(3)]
        assert made == Cut(seed=5, strategy=strategy, ratios=(0.6, 0.2, 0.2))


@pytest.mark.parametrize(("labels", "strategy"), [(None, "random"), (np.arange(50) % 2, "stratified")])
def test_auto_strategy(labels, strategy):
    _, made = divide_rows(Cut(seed=0), Rows(source="a", m=50, labels=labels))
    assert made.strategy == strategy


def test_the_course_s_web_and_mobile_images():
    """200,000 images of the web and 10,000 of the target: 205,000 to train on, 2,500 each for dev and test."""
    aimed = np.arange(210_000) >= 200_000
    cut = Cut(seed=1, ratios=(0.5, 0.25, 0.25), train_dev=0.02)
    parts, _ = divide_rows(cut, Rows(source="a", m=210_000, aimed=aimed))
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 200_900, "train-dev": 4_100, "dev": 2_500, "test": 2_500
    }  # fmt: skip
    share = aimed[parts["train-dev"]].mean()
    assert share == pytest.approx(5_000 / 205_000, abs=0.01)  # train-dev is like train, not like dev


def test_a_group_that_is_only_partly_aimed_at_is_trained_on():
    groups = np.arange(40) // 4
    aimed = np.arange(40) >= 18  # group 4 has two rows on each side
    cut = Cut(seed=0, ratios=(0.5, 0.5), strategy="group", column="g")
    parts, _ = divide_rows(cut, Rows(source="a", m=40, column=of_array("a", "g", groups), aimed=aimed))
    assert set(np.unique(groups[parts["dev"]])) <= {5, 6, 7, 8, 9}
    assert len(parts["dev"]) == 8  # of the 20 rows in whole groups, half is 10, and 8 is what groups of 4 allow


def test_identical_rows_of_two_groups_join_the_groups():
    groups = np.arange(30) // 3
    first = np.arange(30)
    first[29] = 0
    cut = Cut(seed=0, ratios=(0.8, 0.2), strategy="group", column="g")
    for seed in range(5):
        rows = Rows(source="a", m=30, column=of_array("a", "g", groups), first=first)
        parts, _ = divide_rows(Cut(**{**vars(cut), "seed": seed}), rows)
        sides = [0 in part for part in parts.values()], [29 in part for part in parts.values()]
        assert sides[0] == sides[1]
        assert len(parts["dev"]) == 6


def test_a_train_dev_by_hash_stays_where_it_is_when_rows_are_added():
    cut = Cut(seed=3, ratios=(0.6, 0.2, 0.2), strategy="hash", column="id", train_dev=0.2)
    few, many = (
        divide_rows(cut, Rows(source="a", m=m, column=of_array("a", "id", np.arange(m))))[0] for m in (200, 300)
    )
    for name, part in few.items():
        assert part.tolist() == [row for row in many[name] if row < 200]


@pytest.mark.parametrize(
    ("cut", "rows", "message"),
    [
        ({"strategy": "stratified"}, {}, "a stratified split needs classes; expected strategy random"),
        ({"strategy": "group"}, {}, "a split by group needs a column; expected the name of one"),
        ({"strategy": "hash", "ratios": None, "column": "c"}, {"column": of_array("a", "c", np.arange(9))},
         "a split by hash stays as it is only with fixed ratios; expected ratios such as 80/10/10"),
        ({"ratios": (0.98, 0.01, 0.01)}, {}, "9 examples split 98/1/1 leave a split empty; 100 are enough"),
        ({"ratios": (0.5, 0.5), "train_dev": 0.02}, {}, "5 examples split 98/2 leave a split empty; 50 are enough"),
        ({}, {"aimed": np.arange(9) < 0},
         "no row of the target is left for dev and test; expected some that are tied to no other row"),
        ({"ratios": (0.5, 0.5)}, {"aimed": np.arange(9) < 1},
         "1 example split 50/50 leave a split empty; 2 are enough"),
    ],
)  # fmt: skip
def test_cuts_that_cannot_be(cut, rows, message):
    with pytest.raises(DataError) as caught:
        divide_rows(Cut(**{"seed": 0, "ratios": (0.6, 0.2, 0.2), **cut}), Rows(source="a.csv", m=9, **rows))
    assert str(caught.value) == f"a.csv: {message}"
