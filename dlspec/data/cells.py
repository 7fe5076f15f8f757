"""What the cells of a column are: numbers, truth values, dates or categories; from pyarrow's arrays to NumPy's."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlspec.data.table import Kind, is_number, shown

MISSING = ("", "na", "n/a", "nan", "null")
"""Cells that say nothing, in small letters. In a column of categories only an empty one does: NA is Namibia."""

_BOOLEANS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000  # microseconds
_MAX_CATEGORY = 1_000  # characters


class Wrong(NamedTuple):
    """The first cell that is not what its column holds: its row, from 0, and a sentence."""

    row: int
    message: str


class Values(NamedTuple):
    """The cells of a column.

    Attributes:
        numbers: (m,) float64, NaN where missing; positions in `categories` for categories.
        categories: in the order in which they come; empty for other kinds.
        wrong: the first cell at fault; its number stands for nothing.
    """

    numbers: NDArray[np.float64]
    categories: tuple[str, ...] = ()
    wrong: Wrong | None = None


def values_of(array: Any, kind: Kind) -> Values:
    """The cells of an array of pyarrow: text, or of a type for which `kind_of_type` has a kind."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if kind == "category":
        texts = _trimmed(array) if _is_text(array.type) else pc.cast(array, pa.string())
        return _categories(texts)
    if _is_text(array.type):
        cells = _present(array)
        return _numbers(cells) if kind == "number" else _parsed(cells, kind)
    if pa.types.is_temporal(array.type):
        return _days(array) if kind == "date" else _of_no_kind(array, kind)
    if kind == "date":
        return _of_no_kind(array, kind)
    if pa.types.is_boolean(array.type) or pa.types.is_decimal(array.type):
        array = pc.cast(array, pa.float64())
    values = _as_floats(array)
    found = _checked(values)
    if kind == "boolean" and found.wrong is None:
        fitting = np.isnan(values) | (values == 0) | (values == 1)
        if not fitting.all():
            row = int(np.argmin(fitting))
            return Values(values, wrong=Wrong(row, f"found {values[row]:g}; expected 0 or 1"))
    return found


def kind_of_type(held: Any) -> Kind | None:
    """What a column of a type of pyarrow holds; None where it is no column for a network."""
    import pyarrow as pa

    if pa.types.is_dictionary(held):
        held = held.value_type
    if pa.types.is_boolean(held):
        return "boolean"
    if pa.types.is_integer(held) or pa.types.is_floating(held) or pa.types.is_decimal(held):
        return "number"
    if pa.types.is_date(held) or pa.types.is_timestamp(held):
        return "date"
    return "category" if _is_text(held) else None


@dataclass
class Guess:
    """What a column of text holds, by all its cells that are not missing.

    Attributes:
        present: cells that hold something.
        numbers: of these, those that read as numbers.
        booleans: likewise, as true, false, yes or no.
        dates: likewise, as ISO dates or times.
    """

    present: int = 0
    numbers: int = 0
    booleans: int = 0
    dates: int = 0

    def look(self, array: Any) -> None:
        """Take further cells into account."""
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = _present(array).drop_null()
        self.present += len(cells)
        try:
            pc.cast(cells, pa.float64())
            self.numbers += len(cells)
        except pa.ArrowInvalid:
            for found in pc.value_counts(cells).to_pylist():
                text, count = found["values"], found["counts"]
                self.numbers += count * is_number(text)
                self.booleans += count * (text.casefold() in _BOOLEANS)
                self.dates += count * (days_of(text) is not None)

    @property
    def kind(self) -> Kind:
        """The kind that all cells are of, else category; a column mostly of numbers holds numbers, and mistakes."""
        if 2 * self.numbers > self.present or not self.present:
            return "number"
        if self.booleans == self.present:
            return "boolean"
        return "date" if self.dates == self.present else "category"


def days_of(text: str) -> float | None:
    """Days since 1970 began of an ISO 8601 date or time, of one without a zone as if it were UTC; None for others."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None
    return (moment - _EPOCH) / timedelta(days=1)


def _is_text(held: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_string_view(held))


def _trimmed(array: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.utf8_trim_whitespace(array.cast(pa.string()) if pa.types.is_string_view(array.type) else array)


def _present(array: Any) -> Any:
    """Text without space around it, null where it says nothing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = _trimmed(array)
    # Nearly no column has such words, and short ones are found fast.
    short = pc.less_equal(pc.binary_length(cells), max(map(len, MISSING)))
    if not pc.any(short).as_py():
        return cells
    absent = pc.is_in(pc.utf8_lower(cells), value_set=pa.array(MISSING, cells.type))
    return pc.if_else(absent, pa.scalar(None, cells.type), cells)


def _as_floats(array: Any) -> NDArray[np.float64]:
    values: NDArray[np.float64] = array.to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def _checked(values: NDArray[np.float64]) -> Values:
    """Numbers that must be finite or missing."""
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        return Values(values, wrong=Wrong(row, f"found {values[row]:g}; expected a finite number"))
    return Values(values)


def _numbers(cells: Any) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return _checked(_as_floats(pc.cast(cells, pa.float64())))
    except pa.ArrowInvalid:  # some cell is none, or is written as only Python reads it, such as +1
        return _mapped(cells, lambda text: float(text) if is_number(text) else None, "a number")


def _parsed(cells: Any, kind: Kind) -> Values:
    if kind == "date":
        return _mapped(cells, days_of, "a date or time such as 2024-02-29 or 2024-02-29T18:30")
    words = {**_BOOLEANS, "1": 1.0, "0": 0.0}
    return _mapped(cells, lambda text: words.get(text.casefold()), "true, false, yes, no, 1 or 0")


def _mapped(cells: Any, parse: Callable[[str], float | None], expected: str) -> Values:
    """Every distinct text parsed once; None is at fault."""
    encoded = cells.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    parsed = [parse(text) for text in texts]
    table = np.array([*(math.nan if value is None else value for value in parsed), math.nan])
    codes = _codes(encoded, missing=len(texts))
    values = table[codes]
    fault = np.array([*(value is None or math.isinf(value) for value in parsed), False])[codes]
    if fault.any():
        row = int(np.argmax(fault))
        what = f"a finite {expected[2:]}" if parsed[codes[row]] is not None else expected
        return Values(values, wrong=Wrong(row, f"found {shown(texts[codes[row]])}; expected {what}"))
    return Values(values)


def _codes(encoded: Any, *, missing: int) -> NDArray[np.intp]:
    import pyarrow.compute as pc

    codes: NDArray[np.intp] = pc.fill_null(encoded.indices, missing).to_numpy(zero_copy_only=False).astype(np.intp)
    return codes


def _categories(texts: Any) -> Values:
    encoded = texts.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    codes = _codes(encoded, missing=len(names)).astype(np.float64)
    codes[codes == len(names)] = np.nan
    if "" in names:
        codes[codes == names.index("")] = np.nan
    for row, name in _long(names, codes):
        return Values(codes, wrong=Wrong(row, f"{len(name)} characters; expected a category"))
    return Values(codes, tuple(names))


def _long(names: list[str], codes: NDArray[np.float64]) -> Iterator[tuple[int, str]]:
    for code, name in enumerate(names):
        if len(name) > _MAX_CATEGORY:
            yield int(np.argmax(codes == code)), name


def _days(array: Any) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    moments = pc.cast(pc.cast(array, pa.timestamp("us"), safe=False), pa.int64())
    return Values(_as_floats(pc.cast(moments, pa.float64(), safe=False)) / _DAY)


def _of_no_kind(array: Any, kind: Kind) -> Values:
    return Values(np.full(len(array), np.nan), wrong=Wrong(0, f"the column holds {array.type}; expected a {kind}"))
