"""Rows that a model has not seen: what it takes of them, and how they come."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data.features import Columns
from dlspec.data.table import Table, listed
from dlspec.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Form:
    """What a model takes.

    Attributes:
        feature_names: of its features.
        target_names: of what it predicts: columns of these names are expected to be there or not.
        columns: how columns become features; None where they are.
        image_shape: `(h, w)` or `(h, w, c)` where it takes images.
        x: HDF5, NPZ: name of the array of inputs, where there is one of that name.
    """

    feature_names: tuple[str, ...]
    target_names: tuple[str, ...] = ()
    columns: Columns | None = None
    image_shape: tuple[int, ...] | None = None
    x: str = "x"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns that a file must have."""
        return self.feature_names if self.columns is None else self.columns.names


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows.

    Attributes:
        table: their inputs, or cells where the model has columns; the targets stand for nothing.
        names: what tells the rows apart.
    """

    table: Table
    names: Sequence[Any]


@dataclass(frozen=True, eq=False)
class NewRows:
    """All rows of a file.

    Attributes:
        key: heading of what tells them apart: `row`, `file`, or a column.
        notes: what a reader should know, a line each.
        blocks: to be taken once; what is wrong with a row is raised when its block is taken.
    """

    key: str
    notes: tuple[str, ...]
    blocks: Iterator[Block]


def places_of(source: str, names: Sequence[str], form: Form, key: str | None) -> tuple[list[int], tuple[str, ...]]:
    """Where the columns of the model stand in a file, and what to say about the others.

    Raises:
        DataError: names all that are missing.
    """
    position = {name: place for place, name in enumerate(names)}
    wanted = (*form.names, *([] if key is None else [key]))
    missing = [name for name in wanted if name not in position]
    if missing:
        raise DataError(
            f"{source}: lacks the column{'s' if len(missing) > 1 else ''} {listed(missing)}; found {listed(names)}"
        )
    notes = []
    places = [position[name] for name in form.names]
    if places != sorted(places):
        notes.append("the columns are in another order than in training; they are taken by name")
    others = [name for name in names if name not in {*wanted, *form.target_names}]
    if others:
        notes.append(f"columns that the model does not take: {listed(others)}")
    return places, tuple(notes)


def table_of(source: str, x: NDArray[Any], names: tuple[str, ...], place: Callable[[int], str]) -> Table:
    """Inputs `(m, n)` as a table, whose targets stand for nothing."""
    return Table(
        source=source,
        x=x,
        y=np.broadcast_to(np.uint8(0), len(x)),
        feature_names=names,
        target_names=(),
        image_shape=None,
        classes=None,
        place=place,
    )
