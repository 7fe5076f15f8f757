"""What the targets mean: classes, numbers to predict, or several labels that are 0 or 1."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dlspec.data.table import Table, is_number, listed, plain, shown
from dlspec.errors import DataError

Task = Literal["classification", "regression", "multi_task"]

MAX_AUTO_CLASSES = 100
"""More different whole numbers than this are taken for a quantity, not for classes."""


@dataclass(frozen=True)
class Coding:
    """How the targets of a table become numbers: decided on the training file, used for every file.

    Attributes:
        task: what is to be learnt.
        classes: names in order; empty for the other tasks.
        stored: the names that the training file lists, where it lists any. Where they are all others than those in
            `classes`, these stand for them, in the same order.
    """

    task: Task
    classes: tuple[str, ...]
    stored: tuple[str, ...] | None = None

    def encode(self, table: Table) -> NDArray[Any]:
        """Positions in `classes` `(m,)` intp for classification, else targets `(m, k)` float64.

        Labels of a multi-task are 0, 1, or NaN where one is missing, which a file may also write as −1.

        Classes in text are looked up by name. So are whole numbers where a class is named by a number (3 is
        "3"); otherwise they are positions from 0 in the names that the file lists (else the training file, else
        `classes`), which are looked up.

        Raises:
            DataError: names the first row whose target is no class, or no number.
        """
        if self.task == "regression":
            return _numbers(table)
        if self.task == "multi_task":
            return _binary(table)
        values, inverse = np.unique(_labels(table), return_inverse=True)
        order = table.classes or self.stored or self.classes
        by_name = values.dtype.kind == "U" or any(re.fullmatch("-?[0-9]+", name) for name in order)
        names = _names(values) if by_name else [_at(order, int(value)) for value in values]
        position = self._positions()
        codes = np.array([position.get(name, -1) for name in names], dtype=np.intp)[inverse]
        if (codes < 0).any():
            row = int(np.argmax(codes < 0))
            name, expected = names[inverse[row]], f"is not among the classes {listed(self.classes)}"
            if name is None:
                expected = f"is out of range; expected 0 to {len(order) - 1}, positions in the classes {listed(order)}"
            elif not by_name:
                expected = f"stands for {shown(name)} in this file, which {expected}"
            raise DataError(f"{table.place(row)}: label {shown(_names(values)[inverse[row]])} {expected}")
        return codes

    def _positions(self) -> dict[str | None, int]:
        """The class of each name."""
        stored = self.stored if self.stored and not set(self.stored) & set(self.classes) else ()
        return dict([*zip(stored, range(len(self.classes)), strict=False), *zip(self.classes, count(), strict=False)])


def _at(names: Sequence[str], position: int) -> str | None:
    return names[position] if 0 <= position < len(names) else None


def coding_of(table: Table, *, task: Literal["auto"] | Task, classes: Sequence[str] | None) -> Coding:
    """Decide task and classes from the training file.

    Task auto: text, booleans, whole numbers with at most 100 different values, or class names given or
    stored in the file mean classification; anything else regression. A multi-task must be asked for.

    Args:
        table: the training file.
        task: what is asked for.
        classes: names in order; None means those in the file, else the distinct labels, in natural order.

    Raises:
        DataError: fewer than two classes, or one named twice; classes for a regression, or a target that never
            differs.
    """
    if task == "multi_task":
        return Coding(task=task, classes=())
    if task == "regression" and classes:
        raise DataError(f"{table.source}: classes are given for a regression; leave out classes, or task: regression")
    classes = tuple(classes or table.classes or ())
    if task == "regression" or (task == "auto" and not classes and not _looks_like_classes(table.y)):
        _check_targets_differ(table)
        return Coding(task="regression", classes=())
    if not classes:
        labels = _distinct(_labels(table))
        classes = tuple(sorted(_names(labels), key=natural_order) if labels.dtype.kind == "U" else _names(labels))
        if len(classes) < 2:
            raise DataError(f"{table.source}: every label is {shown(classes[0])}; expected at least two classes")
    for position, name in enumerate(classes):
        if name in classes[:position]:
            raise DataError(f"{table.source}: two classes are named {shown(name)}; expected different names")
    return Coding(task="classification", classes=classes, stored=table.classes)


def _check_targets_differ(table: Table) -> None:
    y = table.y.reshape(len(table.y), -1)
    if len(y) < 2 or y.dtype.kind == "U":
        return
    for column, name in enumerate(table.target_names):
        if (y[:, column] == y[0, column]).all():
            raise DataError(
                f"{table.source}: target {plain(name)} is {y[0, column]:g} in every example; expected one that differs"
            )


def _looks_like_classes(y: NDArray[Any]) -> bool:
    if y.ndim > 1:
        return False
    if y.dtype.kind == "f" and not bool((y == np.floor(y)).all()):
        return False
    return y.dtype.kind in "bU" or len(_distinct(y)) <= MAX_AUTO_CLASSES


def _distinct(values: NDArray[Any]) -> NDArray[Any]:
    """In rising order. Asked for nothing else, `np.unique` would load `np.ma` first, which takes 5 ms."""
    return np.unique(values, return_counts=True)[0]


def _labels(table: Table) -> NDArray[Any]:
    """Labels `(m,)`: text, or numbers that are whole."""
    y = table.y
    if y.ndim > 1:
        raise DataError(f"{table.source}: {y.shape[1]} targets per example; expected one label for classification")
    if y.dtype.kind == "f" and not (whole := y == np.floor(y)).all():
        row = int(np.argmin(whole))
        raise DataError(
            f"{table.place(row)}: target {y[row]:g} is not a whole number; expected class labels "
            "(task: regression predicts numbers)"
        )
    return y


def _numbers(table: Table) -> NDArray[np.float64]:
    y = table.y.reshape(len(table.y), -1)
    if y.dtype.kind == "U":
        cells = y.ravel().tolist()
        first = next((position for position, cell in enumerate(cells) if not is_number(cell)), 0)
        raise DataError(
            f"{table.place(first // y.shape[1])}: target {shown(cells[first])} is text; expected a number "
            "(task: classification learns classes)"
        )
    return y.astype(np.float64)


def _binary(table: Table) -> NDArray[np.float64]:
    """Labels `(m, k)`: 0, 1, and NaN where missing."""
    Y = _numbers(table)
    Y[Y == -1] = np.nan
    known = np.isnan(Y) | (Y == 0) | (Y == 1)
    if not known.all():
        row, column = np.argwhere(~known)[0]
        raise DataError(
            f"{table.place(int(row))}: label {plain(table.target_names[column])}: found {Y[row, column]:g}; expected 0 "
            "or 1, and an empty cell, NaN or -1 where it is missing"
        )
    return Y


def _names(values: NDArray[Any]) -> list[str]:
    """Names of distinct labels: text as it is, True and False as 1 and 0, 3.0 as 3."""
    return values.tolist() if values.dtype.kind == "U" else [str(int(value)) for value in values]


def natural_order(name: str) -> tuple[list[Any], str]:
    """Sort key of class names that puts class2 before class10; the name itself settles a tie such as a1, a01."""
    parts: list[Any] = re.split("([0-9]+)", name)
    digits = [number.lstrip("0") for number in parts[1::2]]
    parts[1::2] = [(len(number), number) for number in digits]
    return parts, name
