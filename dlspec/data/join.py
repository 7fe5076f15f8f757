"""Two files looked at as one: the rows of the second follow those of the first."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data.column import Column
from dlspec.data.scan import Scan
from dlspec.data.table import Table, listed
from dlspec.errors import DataError


def join(one: Scan, two: Scan) -> Scan:
    """Both files as one.

    Raises:
        DataError: their columns, arrays, shapes or classes differ; targets of which only one's are text.
    """
    for what, names in one.layout.items():
        found = two.layout.get(what, ())
        if found != names:
            raise DataError(
                f"{two.source}: {what}: found {listed(found) or 'none'}; expected {listed(names) or 'none'}, as in "
                f"{one.source}"
            )
    columns = {name: _columns(column, two.columns[name]) for name, column in one.columns.items()}
    return Scan(
        source=f"{one.source} and {two.source}",
        m=one.m + two.m,
        layout=one.layout,
        columns=columns,
        targets=None if one.targets is None or two.targets is None else _targets(one.targets, two.targets),
        hashes=None if one.hashes is None or two.hashes is None else np.concatenate((one.hashes, two.hashes)),
    )


def _columns(one: Column, two: Column) -> Column:
    """One column: of numbers where both are, else of text."""
    values: Sequence[str] | NDArray[Any]
    if isinstance(one.values, np.ndarray) and isinstance(two.values, np.ndarray):
        values, position = np.unique(np.concatenate((one.values, two.values)), return_inverse=True)
    else:
        texts = [*one.texts(), *two.texts()]
        values = list(dict.fromkeys(texts))
        positions = {text: number for number, text in enumerate(values)}
        position = np.array([positions[text] for text in texts], dtype=np.intp)
    codes = np.concatenate((position[one.codes], position[len(one.values) + two.codes]))
    return Column(one.name, values, codes, _place(len(one.codes), one.place, two.place))


def _targets(one: Table, two: Table) -> Table:
    if (one.y.dtype.kind == "U") != (two.y.dtype.kind == "U"):
        text, numbers = (one, two) if one.y.dtype.kind == "U" else (two, one)
        raise DataError(f"{text.source}: the targets are text; expected numbers, as in {numbers.source}")
    return replace(
        one,
        source=f"{one.source} and {two.source}",
        x=np.broadcast_to(np.uint8(0), (len(one.y) + len(two.y), 1)),
        y=np.concatenate((one.y, two.y)),
        place=_place(len(one.y), one.place, two.place),
    )


def _place(m: int, one: Callable[[int], str], two: Callable[[int], str]) -> Callable[[int], str]:
    return lambda row: one(row) if row < m else two(row - m)
