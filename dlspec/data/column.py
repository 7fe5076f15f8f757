"""A column of a file that a split goes by: its distinct values, and which of them each row has."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data.table import plain, shown
from dlspec.errors import DataError


@dataclass(frozen=True, eq=False)
class Column:
    """Values of one column.

    Attributes:
        name: in the file.
        values: distinct ones: text, or numbers `(v,)` in rising order.
        codes: `(m,)` intp, the position in `values` of each row's value.
        place: says where a row (from 0) stands, for messages.
    """

    name: str
    values: Sequence[str] | NDArray[Any]
    codes: NDArray[np.intp]
    place: Callable[[int], str]

    def texts(self) -> Iterator[str]:
        """The distinct values as text, one by one: 3 and 3.0 are `3`."""
        if not isinstance(self.values, np.ndarray):
            return iter(self.values)
        numbers = (value.item() for value in self.values)
        return (str(int(number)) if number == int(number) else repr(number) for number in numbers)

    def rows_of(self, text: str) -> NDArray[np.bool_]:
        """Which rows `(m,)` have the value that reads so."""
        matching = np.fromiter((value == text for value in self.texts()), dtype=np.bool_, count=len(self.values))
        return matching[self.codes]

    def problem(self, position: int, message: str) -> DataError:
        """An error about a value, at the first row that has it."""
        where = f"{self.place(int(np.argmax(self.codes == position)))}: column {plain(self.name)}"
        return DataError(f"{where}: found {shown(str(self.values[position]))}; {message}")

    def among(self, rows: NDArray[np.int64]) -> "Column":
        """The column of these rows alone."""
        return replace(self, codes=self.codes[rows], place=lambda row: self.place(int(rows[row])))


def of_array(source: str, name: str, values: NDArray[Any]) -> Column:
    """The column of an array `(m,)` or `(m, 1)` of numbers or text.

    Raises:
        DataError: another shape or type, NaN, infinity or an empty text.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind not in "biufU":
        raise DataError(
            f"{source}: {plain(name)} holds {values.dtype} of shape {values.shape}; expected a number or a text for "
            "each example"
        )
    distinct, codes = np.unique(values, return_inverse=True)
    text = distinct.dtype.kind == "U"
    column = Column(name, distinct.tolist() if text else distinct, codes, lambda row: f"{source}: row {row}")
    unusable = distinct == "" if text else ~np.isfinite(distinct)
    if unusable.any():
        raise column.problem(int(np.argmax(unusable)), "expected a value")
    return column
