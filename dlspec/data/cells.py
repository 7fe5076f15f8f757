"""What the cells of a column are: numbers, truth values, dates or categories; from pyarrow's arrays to NumPy's."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlspec.data.parquet import is_text
from dlspec.data.table import Kind, is_number, shown

MISSING = ("", "na", "n/a", "nan", "null")
"""Cells that say nothing, in small letters. In a column of categories only an empty one does: NA is Namibia."""

_BOOLEANS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
_WORDS = {**_BOOLEANS, "1": 1.0, "0": 0.0}
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

    text = is_text(array.type)
    if kind == "category":
        return _categories(array if text else pc.cast(array, pa.string()))
    if text and kind == "number" and not pa.types.is_dictionary(array.type):
        return _numbers(array)
    if text:
        return _parsed(array, kind)
    if pa.types.is_temporal(array.type) != (kind == "date"):
        return Values(np.full(len(array), np.nan), wrong=Wrong(0, f"the column holds {array.type}; expected a {kind}"))
    if kind == "date":
        return _days(array)
    if pa.types.is_boolean(array.type) or pa.types.is_decimal(array.type):
        array = pc.cast(array, pa.float64())
    found = _checked(_as_floats(array))
    values = found.numbers
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
    return "category" if is_text(held) else None


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
                self.booleans += count * (text.lower() in _BOOLEANS)
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


def _numbers(array: Any) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return _checked(_as_floats(pc.cast(_present(array), pa.float64())))
    except pa.ArrowInvalid:  # some cell is none
        return _parsed(array, "number")


def _parsed(array: Any, kind: Kind) -> Values:
    """Every distinct text parsed once."""
    parse, expected = _PARSERS[kind]
    texts, codes = _distinct(array)
    found = [math.nan if text.lower() in MISSING else parse(text) for text in texts]
    values = np.array([*(math.nan if value is None else value for value in found), math.nan])[codes]
    fault = np.array([*(value is None or math.isinf(value) for value in found), False])[codes]
    if fault.any():
        row = int(np.argmax(fault))
        wanted = expected if found[codes[row]] is None else "a finite number"
        return Values(values, wrong=Wrong(row, f"found {shown(texts[codes[row]])}; expected {wanted}"))
    return Values(values)


_PARSERS: Mapping[Kind, tuple[Callable[[str], float | None], str]] = {
    "number": (lambda text: float(text) if is_number(text) else None, "a number"),
    "boolean": (lambda text: _WORDS.get(text.lower()), "true, false, yes, no, 1 or 0"),
    "date": (days_of, "a date or time such as 2024-02-29 or 2024-02-29T18:30"),
}


def _distinct(array: Any) -> tuple[list[str], NDArray[np.intp]]:
    """Distinct texts without the space around them, and which of them each cell is `(m,)`; len(texts) where none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.intp)
    used, positions = np.unique(codes[codes >= 0], return_inverse=True)  # a dictionary may hold what no cell does
    known: dict[str, int] = {}
    texts = encoded.dictionary.take(pa.array(used)).to_pylist()
    merged = np.array([known.setdefault((text or "").strip(), len(known)) for text in texts], dtype=np.intp)
    codes[codes >= 0] = merged[positions]
    return list(known), np.where(codes < 0, len(known), codes)


def _categories(array: Any) -> Values:
    names, codes = _distinct(array)
    empty = names.index("") if "" in names else len(names)
    cells = np.where((codes == len(names)) | (codes == empty), np.nan, codes)
    for code, name in enumerate(names):
        if len(name) > _MAX_CATEGORY:
            row = int(np.argmax(codes == code))
            return Values(cells, wrong=Wrong(row, f"{len(name)} characters; expected a category"))
    return Values(cells, tuple(names))


def _days(array: Any) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    moments = pc.cast(pc.cast(array, pa.timestamp("us"), safe=False), pa.int64())
    return Values(_as_floats(pc.cast(moments, pa.float64(), safe=False)) / _DAY)
