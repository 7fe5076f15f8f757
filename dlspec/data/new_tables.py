"""New rows out of tables: columns are found by name."""

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dlspec.data import arrow, delimited_cells
from dlspec.data.arrow import ArrowTable
from dlspec.data.cells import values_of
from dlspec.data.features import Columns, PreparedColumn
from dlspec.data.mixed import block_of
from dlspec.data.new_rows import Block, Form, NewRows, places_of, table_of
from dlspec.data.stream import rows_of_block
from dlspec.data.table import damage_as_data_error, is_number, plain, shown
from dlspec.errors import DataError

STDIN = "standard input"


def of_file(path: Path, form: Form, key: str | None) -> NewRows:
    """Rows of CSV, TSV or Parquet; numbers in a text need no pyarrow.

    Raises:
        DataError: a column is missing; what is wrong with a row, when its block is taken.
    """
    if form.columns is None and path.suffix.lower() != ".parquet":
        return _text(str(path), _lines(path), form, key)
    return _columns(arrow.open_table(path), form, key)


def of_stream(file: BinaryIO, form: Form, key: str | None) -> NewRows:
    """Rows of an open CSV.

    Raises:
        DataError: as `of_file`.
    """
    if form.columns is None:
        return _text(STDIN, _lines_of(file), form, key)
    return _columns(_arrow_stream(file), form, key)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from delimited_cells.rows(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _lines_of(file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield from delimited_cells.rows_of(text, source=STDIN, delimiter=",")
    except UnicodeDecodeError:
        raise DataError(f"{STDIN}: not UTF-8 text; expected CSV in UTF-8") from None
    finally:
        text.detach()  # else the file would be closed with it


def _text(source: str, rows: Iterator[tuple[int, list[str]]], form: Form, key: str | None) -> NewRows:
    """A text in which every feature is a number."""
    line, names = next(rows, (1, []))
    _check_names(f"{source}:{line}", names)
    places, notes = places_of(source, names, form, key)
    return NewRows(key or "row", notes, _numbers(source, rows, names, places, form, key))


def _check_names(where: str, names: Sequence[str]) -> None:
    if not names:
        raise DataError(f"{where}: empty; expected a header and rows")
    for position, name in enumerate(names):
        if name in names[:position]:
            raise DataError(f"{where}: two columns are named {shown(name)}; expected different names")


def _numbers(
    source: str,
    rows: Iterator[tuple[int, list[str]]],
    names: Sequence[str],
    places: Sequence[int],
    form: Form,
    key: str | None,
) -> Iterator[Block]:
    size, start = rows_of_block(len(names)), 0
    while some := list(islice(rows, size)):
        for line, cells in some:
            if len(cells) != len(names):
                raise DataError(f"{source}:{line}: {len(cells)} cells; expected {len(names)}, as many as in the header")
        x = _parsed(source, some, names, places)
        lines = [line for line, _ in some]
        label = None if key is None else names.index(key)
        keys = range(start, start + len(some)) if label is None else [cells[label] for _, cells in some]
        yield Block(table_of(source, x, form.names, partial(_line_of, source, lines)), keys)
        start += len(some)


def _line_of(source: str, lines: Sequence[int], row: int) -> str:
    return f"{source}:{lines[row]}"


def _parsed(
    source: str, rows: Sequence[tuple[int, list[str]]], names: Sequence[str], places: Sequence[int]
) -> NDArray[np.float64]:
    """The numbers of some rows `(m, n)`."""
    chosen = (cells[place] for _, cells in rows for place in places)
    with suppress(ValueError):
        x = np.fromiter(map(float, chosen), np.float64, count=len(rows) * len(places))
        if np.isfinite(x).all() and not any("_" in "".join(cells) for _, cells in rows):
            return x.reshape(len(rows), len(places))
    return np.array([[_number(source, line, names[p], cells[p]) for p in places] for line, cells in rows])


def _number(source: str, line: int, name: str, cell: str) -> float:
    number = float(cell) if is_number(cell) else math.nan
    if not math.isfinite(number):
        what = f"found {shown(cell)}" if cell else "empty"
        raise DataError(f"{source}:{line}: column {plain(name)}: {what}; expected a finite number")
    return number


def _arrow_stream(file: BinaryIO) -> ArrowTable:
    """An open CSV in pyarrow's hands: its header is read here, its rows once."""
    arrow.check_pyarrow(STDIN)
    header = file.readline()
    while header and not header.strip():
        header = file.readline()
    try:
        text = io.StringIO(header.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError:
        raise DataError(f"{STDIN}: not UTF-8 text; expected CSV in UTF-8") from None
    line, names = next(delimited_cells.rows_of(text, source=STDIN, delimiter=","), (1, []))
    _check_names(f"{STDIN}:{line}", names)

    @contextmanager
    def guard() -> Iterator[None]:
        with damage_as_data_error(Path(STDIN), "CSV"):
            yield

    def batches(wanted: Sequence[str]) -> Iterator[Any]:
        return arrow.text_batches(file, ".csv", names, wanted, header=False, guard=guard)

    return ArrowTable(STDIN, tuple(names), None, batches, lambda row: f"{STDIN}: row {row}")


def _columns(table: ArrowTable, form: Form, key: str | None) -> NewRows:
    """A table in pyarrow's hands, of columns of any kind."""
    columns = form.columns or Columns(tuple(PreparedColumn(name=name, kind="number") for name in form.feature_names))
    _, notes = places_of(table.source, table.names, form, key)
    wanted = list(dict.fromkeys([*columns.names, *([] if key is None else [key])]))

    def blocks() -> Iterator[Block]:
        start = 0
        for batch in table.batches(wanted):
            cells = block_of(table, batch, columns.kinds, start=start)
            place = partial(_later, table, start)
            found = replace(table_of(table.source, cells.cells, columns.names, place), columns=cells.columns)
            keys = range(start, start + batch.num_rows) if key is None else _texts(batch.column(key))
            yield Block(found if form.columns is not None else columns.with_features(found), keys)
            start += batch.num_rows

    return NewRows(key or "row", notes, blocks())


def _later(table: ArrowTable, start: int, row: int) -> str:
    return table.place(start + row)


def _texts(array: Any) -> list[str]:
    found = values_of(array, "category")
    names = [*found.categories, ""]
    return [names[-1 if math.isnan(code) else int(code)] for code in found.numbers.tolist()]
