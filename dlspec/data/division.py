"""How the rows of a set are divided: a cut, what it goes by, and the rows of each split that follow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dlspec.core.randomness import stream
from dlspec.data.column import Column
from dlspec.data.split import SPLITS, SplitOf, auto_ratios, by_chance
from dlspec.data.split_by_column import by_group, by_hash, by_time, merged, ranks
from dlspec.errors import DataError

Strategy = Literal["random", "stratified", "group", "time", "hash"]
BY_COLUMN = ("group", "time", "hash")

_TRAIN, _TRAIN_DEV, _DEV, _TEST = range(len(SPLITS))


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How a set is divided.

    Attributes:
        seed: of the split; all randomness follows from it.
        ratios: of train; train and dev; or train, dev and test; adding up to 1. None goes by size.
        strategy: auto is stratified for classes, else random.
        column: what group, time and hash go by; None for the others.
        column_is_feature: whether a column of a table may be learnt from although the split goes by it.
        train_dev: share of train that is set aside as train-dev; None sets nothing aside.
    """

    seed: int
    ratios: tuple[float, ...] | None = None
    strategy: Literal["auto"] | Strategy = "auto"
    column: str | None = None
    column_is_feature: bool = False
    train_dev: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """What a cut can go by.

    Attributes:
        source: where they come from, as messages show it.
        m: number of rows.
        labels: `(m,)` class numbers from 0; None where there are no classes.
        column: values of the cut's column; None where it has none.
        aimed: `(m,)` which rows are of the distribution that dev and test are drawn from; None: all of them.
        first: `(m,)` the first row that each row is the same as, to keep such rows together; None keeps none.
    """

    source: str
    m: int
    labels: NDArray[np.integer[Any]] | None = None
    column: Column | None = None
    aimed: NDArray[np.bool_] | None = None
    first: NDArray[np.int64] | None = None


def divide_rows(cut: Cut, rows: Rows) -> tuple[dict[str, NDArray[np.int64]], Cut]:
    """The rows of each split, rising, disjoint and together all; and the cut with nothing left to decide.

    Where some rows are aimed at, the ratios divide those, and all others join train; a group or a set of identical rows
    of which a part is not aimed at stays in train as a whole. Train-dev is drawn from all of train in the way of the
    cut: whole groups, by hash, stratified or at random (also where the cut goes by time).

    Raises:
        DataError: as `split_numbers`.
    """
    split_of, made = split_numbers(cut, rows)
    parts = {name: np.flatnonzero(split_of == number) for number, name in enumerate(SPLITS)}
    return {name: part for name, part in parts.items() if len(part)}, made


def split_numbers(cut: Cut, rows: Rows) -> tuple[SplitOf, Cut]:
    """The same as one number for each row `(m,)`, its position in `SPLITS`, which takes less memory.

    Raises:
        DataError: no classes to stratify by; ratios by size where the split must not depend on it; a split that would
            be empty; a value that the strategy cannot take.
    """
    try:
        return _divided(cut, rows)
    except DataError as error:
        if str(error).startswith(rows.source):  # a value, named with its row
            raise
        raise DataError(f"{rows.source}: {error}") from error


def _divided(cut: Cut, rows: Rows) -> tuple[SplitOf, Cut]:
    strategy = _strategy(cut, rows)
    candidates = None if rows.aimed is None else _candidates(strategy, rows, rows.aimed)
    if candidates is not None and not candidates.any():
        raise DataError("no row of the target is left for dev and test; expected some that are tied to no other row")
    ratios = cut.ratios or auto_ratios(rows.m if candidates is None else int(candidates.sum()))
    place = _placed(strategy, _among(rows, candidates), ratios, cut.seed, "split")
    numbers = np.array([_TRAIN, _DEV, _TEST], dtype=np.int8)[place]
    if candidates is None:
        split_of = numbers
    else:
        split_of = np.full(rows.m, _TRAIN, dtype=np.int8)
        split_of[candidates] = numbers
    if cut.train_dev is not None:
        train = split_of == _TRAIN
        slice_ratios = (1 - cut.train_dev, cut.train_dev)
        way: Strategy = "random" if strategy == "time" else strategy
        split_of[train] = _placed(way, _among(rows, train), slice_ratios, cut.seed, "train-dev")
    return split_of, replace(cut, strategy=strategy, ratios=ratios)


def _strategy(cut: Cut, rows: Rows) -> Strategy:
    """What auto means for these rows; refuses what they cannot be divided by."""
    if cut.strategy == "auto":
        return "random" if rows.labels is None else "stratified"
    if cut.strategy == "stratified" and rows.labels is None:
        raise DataError("a stratified split needs classes; expected strategy random")
    if cut.strategy in BY_COLUMN and rows.column is None:
        raise DataError(f"a split by {cut.strategy} needs a column; expected the name of one")
    if cut.strategy == "hash" and cut.ratios is None:
        raise DataError("a split by hash stays as it is only with fixed ratios; expected ratios such as 80/10/10")
    return cut.strategy


def _candidates(strategy: Strategy, rows: Rows, aimed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows `(m,)` may be in dev and test: those aimed at that are tied to no other."""
    together = _together(strategy, rows)
    if together is None:
        return aimed
    tied = np.zeros(int(together.max()) + 1, dtype=np.bool_)
    tied[together[~aimed]] = True
    return aimed & ~tied[together]


def _together(strategy: Strategy, rows: Rows) -> NDArray[np.intp] | None:
    """A number for each row `(m,)`, the same for rows that must not be parted; None where each may go alone."""
    if strategy != "group" or rows.column is None:
        return rows.first
    return rows.column.codes if rows.first is None else merged(rows.column.codes, rows.first)


def _among(rows: Rows, chosen: NDArray[np.bool_] | None) -> Rows:
    """The chosen rows alone; `chosen` is `(m,)`, None for all."""
    if chosen is None:
        return rows
    return Rows(
        source=rows.source,
        m=int(chosen.sum()),
        labels=None if rows.labels is None else rows.labels[chosen],
        column=None if rows.column is None else rows.column.among(np.flatnonzero(chosen)),
        first=None if rows.first is None else np.searchsorted(np.flatnonzero(chosen), rows.first[chosen]),
    )


def _placed(strategy: Strategy, rows: Rows, ratios: Sequence[float], seed: int, purpose: str) -> SplitOf:
    if strategy == "time" and rows.column is not None:
        return by_time(_oldest(ranks(rows.column), rows.first), ratios=ratios)
    if strategy == "hash" and rows.column is not None:
        column = rows.column if rows.first is None else rows.column.among(rows.first)
        return by_hash(column, ratios=ratios, seed=seed, purpose=purpose)
    together = _together(strategy, rows)
    labels = rows.labels if strategy == "stratified" else None
    rng = stream(seed, "split", *(() if purpose == "split" else (1,)))
    if together is None:
        return by_chance(rows.m, ratios=ratios, rng=rng, labels=labels)
    return by_group(together, ratios=ratios, rng=rng, labels=labels)


def _oldest(times: NDArray[np.intp], first: NDArray[np.int64] | None) -> NDArray[np.intp]:
    """The time of each row, of identical rows that of the oldest."""
    if first is None:
        return times
    oldest = times.copy()
    np.minimum.at(oldest, first, times)
    return oldest[first]
