"""Splits by a column: whole groups, by time, or by the hash of a value."""

import hashlib
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data.column import Column
from dlspec.data.split import Counts, SplitOf, percents, sizes, stratified_sizes, weights_of
from dlspec.data.table import is_number, plain
from dlspec.errors import DataError


def by_group(
    groups: NDArray[np.intp],
    *,
    ratios: Sequence[float],
    rng: np.random.Generator,
    labels: NDArray[np.integer[Any]] | None = None,
) -> SplitOf:
    """All rows of a group in one split, at random, sizes as near the ratios as whole groups allow.

    Groups come in random order. Each split but train takes in turn every group that still fits into its share, and
    train takes what is left; so no split but train is larger than its share, and no group of train would have fitted
    elsewhere. A split that not even the smallest group fits into takes that one. With labels this is done class by
    class, where a group is of the class of its first row, so that every class keeps its share as far as groups allow.

    Args:
        groups: `(m,)` group of each row, numbers from 0.
        ratios: as for `by_chance`.
        rng: the only source of randomness.
        labels: `(m,)` class numbers from 0; None takes no regard to classes.

    Raises:
        DataError: fewer groups than splits, or a split that would be empty.
    """
    distinct, first, groups = np.unique(groups, return_index=True, return_inverse=True)
    if len(distinct) < len(ratios):
        raise DataError(
            f"{len(distinct)} group{'s' if len(distinct) > 1 else ''} cannot fill {len(ratios)} splits; expected at "
            "least one for each"
        )
    sizes_of = np.bincount(groups)
    place = np.zeros(len(distinct), dtype=np.int8)
    if labels is None:
        place[:] = _packed(sizes_of, np.array(sizes(len(groups), ratios)), rng)
    else:
        class_of = labels[first]
        shares = stratified_sizes(np.bincount(class_of, weights=sizes_of).astype(np.int64), ratios)
        for number, totals in enumerate(shares):
            members = np.flatnonzero(class_of == number)
            place[members] = _packed(sizes_of[members], totals, rng)
    _check_filled(place, ratios, f"{len(distinct)} groups")
    return place[groups]


def _packed(sizes_of: Counts, totals: Counts, rng: np.random.Generator) -> SplitOf:
    """The split of each of the groups of these sizes; `totals` are the shares of the splits."""
    place = np.zeros(len(sizes_of), dtype=np.int8)
    waiting = rng.permutation(len(sizes_of))
    for number, share in enumerate(totals[1:].tolist(), start=1):
        room, spare = share, len(waiting) - (len(totals) - number)  # one group is left for train and each later split
        if share and spare > 0 and sizes_of[waiting].min() > share:
            room = sizes_of[waiting].min()
            spare = 1
        while spare > 0:
            fitting = np.flatnonzero(sizes_of[waiting] <= room)
            taken = fitting[np.cumsum(sizes_of[waiting[fitting]]) <= room][:spare]
            if not len(taken):
                break
            place[waiting[taken]] = number
            room -= int(sizes_of[waiting[taken]].sum())
            spare -= len(taken)
            waiting = np.delete(waiting, taken)
    return place


def by_time(times: NDArray[np.intp], *, ratios: Sequence[float]) -> SplitOf:
    """The oldest rows in train, the newest in test; rows of the same time stay together.

    Every border between two splits stands between two times, where it is nearest to its share, ties to the earlier.

    Args:
        times: `(m,)` rank of the time of each row, from 0, as `ranks` gives it.
        ratios: as for `by_chance`.

    Raises:
        DataError: fewer different times than splits.
    """
    seen, times = np.unique(times, return_inverse=True)
    if len(seen) < len(ratios):
        raise DataError(
            f"{len(seen)} different time{'s' if len(seen) > 1 else ''} cannot fill {len(ratios)} splits; expected at "
            "least one for each"
        )
    until = np.cumsum(np.bincount(times))  # rows up to and with each time
    place = np.zeros(len(seen), dtype=np.int8)
    border = -1
    for number, share in enumerate(np.cumsum(sizes(len(times), ratios))[:-1].tolist(), start=1):
        # At least one time is left for every split to come.
        allowed = until[border + 1 : len(seen) - len(ratios) + number]
        border += 1 + int(np.argmin(np.abs(allowed - share)))
        place[border + 1 :] = number
    return place[times]


def ranks(column: Column) -> NDArray[np.intp]:
    """Rank of the time of each row `(m,)`, from 0: numbers by size, text as ISO 8601 dates or times.

    Raises:
        DataError: a text that is neither, named with its row; times of which only some have a zone.
    """
    if isinstance(column.values, np.ndarray):
        return column.codes
    keys = _numbers(column.values) or _moments(column)
    order = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    return np.array([order[key] for key in keys], dtype=np.intp)[column.codes]


def _numbers(texts: Sequence[str]) -> list[int | float]:
    """The texts as numbers, whole ones exactly; empty where one is no finite number."""
    if not all(is_number(text) and math.isfinite(float(text)) for text in texts):
        return []
    return [int(text) if re.fullmatch("[-+]?[0-9]+", text) else float(text) for text in texts]


def _moments(column: Column) -> list[int]:
    """Microseconds since 1970 of each value of a column of text, of local times as if they were UTC."""
    moments = []
    for position, text in enumerate(column.values):
        try:
            moment = datetime.fromisoformat(f"{text}-01" if re.fullmatch("[0-9]{4}-[0-9]{2}", text) else text)
        except ValueError:
            expected = "expected a number, or a date such as 2024-01-31 or 2024-01-31T12:00"
            raise column.problem(position, expected) from None
        moments.append(moment)
        if (moment.tzinfo is None) != (moments[0].tzinfo is None):
            raise column.problem(position, "expected a zone in every time, or in none")
    start = datetime(1970, 1, 1, tzinfo=UTC)
    zoned = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in moments)
    return [(moment - start) // timedelta(microseconds=1) for moment in zoned]


def by_hash(column: Column, *, ratios: Sequence[float], seed: int, purpose: str = "split") -> SplitOf:
    """Each row by its value alone, so that it stays where it is when rows are added, moved or removed.

    BLAKE2b of the text of the value (UTF-8), 64 bits, keyed with the seed, is a number in [0, 2⁶⁴); the splits divide
    that range by the ratios, train first. Sizes are near the ratios only where there are many different values.

    Args:
        column: the values.
        ratios: as for `by_chance`.
        seed: in [0, 2⁶⁴).
        purpose: at most 16 letters, so that two splits by one column do not go together.

    Raises:
        DataError: a split would be empty.
    """
    key, person = seed.to_bytes(8, "little"), purpose.encode()
    digests = b"".join(
        hashlib.blake2b(text.encode(), digest_size=8, key=key, person=person).digest() for text in column.texts()
    )
    weights = weights_of(ratios).tolist()
    borders = [2**64 * sum(weights[:number]) // sum(weights) for number in range(1, len(weights))]
    numbers = np.frombuffer(digests, dtype="<u8")
    place = np.searchsorted(np.array(borders, dtype=np.uint64), numbers, side="right").astype(np.int8)
    split_of: SplitOf = place[column.codes]
    different = np.count_nonzero(np.bincount(column.codes))
    _check_filled(split_of, ratios, f"the {different} different values of column {plain(column.name)}")
    return split_of


def _check_filled(place: SplitOf, ratios: Sequence[float], what: str) -> None:
    filled = np.bincount(place, minlength=len(ratios)) > 0
    if not filled.all():
        raise DataError(
            f"{what} split {percents(ratios)} leave a split empty; expected more of them, or other ratios or another "
            "seed"
        )


def merged(groups: NDArray[np.intp], first: NDArray[np.int64]) -> NDArray[np.intp]:
    """Groups `(m,)` made one where they share identical rows; `first` says which row each row is the same as."""
    labels, none = groups, np.iinfo(np.intp).max
    while True:
        least = np.full(len(groups), none)
        np.minimum.at(least, first, labels)
        of_group = np.full(int(groups.max()) + 1, none)
        np.minimum.at(of_group, groups, least[first])
        if np.array_equal(joined := of_group[groups], labels):
            return labels
        labels = joined
