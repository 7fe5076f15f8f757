"""What has to be known of a file before it is trained on in parts: its classes and labels, then all of its numbers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.core.moments import Moments
from dlspec.data.blocks import blocks
from dlspec.data.labels import MAX_AUTO_CLASSES, Coding, coding_of
from dlspec.data.reading import Reading
from dlspec.data.rows import RowSource
from dlspec.data.streamed import ChosenRows
from dlspec.errors import DataError

Labels = NDArray[np.unsignedinteger[Any]]

MOST_CLASSES = 65_536
_AT_ONCE = 65_536  # rows of targets


def find_coding(source: RowSource, reading: Reading) -> Coding:
    """What the targets of the training file mean, by one pass over them where the file does not say.

    Raises:
        DataError: as `coding_of`; more than 65,536 classes.
    """
    head = source.head
    said = reading.classes or head.classes or reading.task in ("regression", "multi_task") or head.y.ndim > 1
    if said:
        return coding_of(head, task=reading.task, classes=reading.classes)
    values, rows = head.y, np.zeros(1, dtype=np.int64)
    with source.opened() as reader:
        for start, stop in source.pieces(0, source.m, _AT_ONCE):
            y = source.table(start, y=reader.targets(start, stop)).y
            found, first = np.unique(y, return_index=True)
            values, kept = np.unique(np.concatenate([values, found]), return_index=True)
            rows = np.concatenate([rows, start + first])[kept]
            numbers = values.dtype.kind in "iuf"
            if reading.task == "auto" and numbers and (len(values) > MAX_AUTO_CLASSES or _some_not_whole(values)):
                break  # a regression, whatever comes
            if len(values) > MOST_CLASSES:
                raise DataError(f"{head.source}: more than {MOST_CLASSES:,} different labels; expected classes")
    distinct = source.table(0, y=values)
    distinct = replace(distinct, place=lambda row: head.place(int(rows[row])))
    return coding_of(distinct, task=reading.task, classes=None)


def _some_not_whole(values: NDArray[Any]) -> bool:
    return values.dtype.kind == "f" and not bool((values == np.floor(values)).all())


def read_labels(source: RowSource, coding: Coding) -> Labels | None:
    """The class numbers of all rows `(m,)` in the narrowest type; None where the targets are no classes.

    Raises:
        DataError: names the first row whose target is no class.
    """
    if coding.task != "classification":
        return None
    labels: Labels = np.empty(source.m, dtype=np.min_scalar_type(len(coding.classes) - 1))
    with source.opened() as reader:
        for start, stop in source.pieces(0, source.m, _AT_ONCE):
            labels[start:stop] = coding.encode(source.table(start, y=reader.targets(start, stop)))
    return labels


class Survey:
    """All numbers of one split, looked at once.

    Attributes:
        inputs: mean and squares of the features; of no rows where nobody asked.
        low: `(n_x,)` smallest values.
        high: `(n_x,)` largest values.
        targets: mean and squares of the targets; of no rows where some are missing, or they are classes.
        present: `(k,)` how many targets are not missing.
        reach: `(k,)` largest |target|.
    """

    def __init__(self, n_x: int, k: int, *, moments: bool):
        self._wants_moments = moments
        self.inputs, self.targets = Moments(n_x), Moments(k)
        self.low, self.high = np.full(n_x, np.inf), np.full(n_x, -np.inf)
        self.present, self.reach = np.zeros(k, dtype=np.int64), np.zeros(k)

    @property
    def constant(self) -> NDArray[np.bool_]:
        """`(n_x,)` features that have one value only."""
        same: NDArray[np.bool_] = self.low == self.high
        return same

    def add(self, x: NDArray[Any], Y: NDArray[Any]) -> None:
        """Look at rows `(b, n_x)` and their coded targets."""
        for part in blocks(*x.shape):
            rows = x[part]
            np.minimum(self.low, rows.min(axis=0), out=self.low)
            np.maximum(self.high, rows.max(axis=0), out=self.high)
            if self._wants_moments:
                self.inputs.add(rows)
        if Y.ndim == 2:
            missing = np.isnan(Y)
            self.present += (~missing).sum(axis=0)
            np.maximum(self.reach, np.abs(np.where(missing, 0, Y)).max(axis=0), out=self.reach)
            if self._wants_moments and not missing.any():
                self.targets.add(Y)


def survey(parts: Sequence[ChosenRows], *, moments: bool) -> list[Survey]:
    """Look at all rows of a file once.

    Args:
        parts: the splits that are made of it.
        moments: whether mean and squares of the first of them are wanted.

    Raises:
        DataError: names the first row with a value that is no finite number, or no target.
    """
    source, piece = parts[0].source, parts[0].piece
    n_x, k = source.head.x.shape[1], len(source.head.target_names)
    found = [Survey(n_x, k, moments=moments and part is parts[0]) for part in parts]
    with source.opened() as reader, np.errstate(over="ignore", invalid="ignore"):
        for start, stop in source.pieces(0, source.m, piece):
            x, Y = reader.inputs([(start, stop)]), parts[0].targets(reader, start, stop)
            source.table(start, y=Y, x=x)  # refuses what is not finite
            for part, seen in zip(parts, found, strict=True):
                chosen = part.chosen(start, stop)
                if chosen is None or chosen.all():
                    seen.add(x, Y)
                elif chosen.any():
                    seen.add(x[chosen], Y[chosen])
    return found
