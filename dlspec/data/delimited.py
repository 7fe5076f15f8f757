"""CSV and TSV: a header with the names of the columns, numeric features, one target column."""

import csv
import itertools
import math
import warnings
from array import array
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data.table import Table, is_number, plain, shown, suggestion
from dlspec.errors import DataError

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def read(path: Path, *, target: str | None = None) -> Table:
    """Read a CSV (comma) or TSV (tab) file in UTF-8.

    NumPy's parser reads a sound file. Whatever it refuses is read again by the csv module, four times
    slower, which either understands it or names the line and the column at fault.

    Args:
        path: the file; its suffix gives the delimiter.
        target: name of the column to predict; None means the last one.

    Returns:
        A table with float64 inputs; the target is float64 where every cell of it is a number, else text.

    Raises:
        DataError: names the line and the column, what was found and what was expected.
    """
    try:
        header_line, names = _header(path)
        column = _target_column(path, header_line, names, target)
        x, cells = _parse_fast(path, header_line, len(names), column) or _parse_exact(path, names, column)
        y = _numbers_or_text(path, names[column], cells)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    return Table(
        source=str(path),
        x=x,
        y=y,
        feature_names=tuple(names[:column] + names[column + 1 :]),
        target_names=(names[column],),
        image_shape=None,
        classes=None,
        place=partial(_place, path),
    )


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each row starts and its cells without surrounding space; skip blank lines."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=_DELIMITERS[path.suffix.lower()])
        while True:
            line = reader.line_num + 1
            try:
                cells = [cell.strip() for cell in next(reader)]
            except StopIteration:
                return
            except UnicodeDecodeError:
                raise DataError(f"{path}:{_undecodable_line(path)}: not UTF-8 text; save the file as UTF-8") from None
            except csv.Error as error:
                raise DataError(f"{path}:{line}: {error}") from error
            if len(cells) > 1 or any(cells):
                yield line, cells


def _undecodable_line(path: Path) -> int:
    """Line of the first byte that is not UTF-8, from 1."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1


def _place(path: Path, row: int) -> str:
    """`file:line` of row `row`. Only an error asks for it, so it is found by reading the file again."""
    line, _ = next(itertools.islice(_rows(path), row + 1, None))
    return f"{path}:{line}"


def _header(path: Path) -> tuple[int, list[str]]:
    """Line and column names of the header, checked."""
    with path.open("rb") as file:
        if b"\0" in file.read(65536):
            raise DataError(f"{path}: binary data; expected UTF-8 text")
    line, names = next(_rows(path), (1, []))
    if not names:
        raise DataError(f"{path}: empty; expected a header and examples")
    seen: set[str] = set()
    for position, name in enumerate(names):
        if not name:
            raise DataError(f"{path}:{line}: column {position + 1} has no name; expected a name for every column")
        if name in seen:
            raise DataError(f"{path}:{line}: two columns are named {shown(name)}; expected different names")
        seen.add(name)
        # Plain integers are left alone: pandas names columns 0, 1, 2, … by default.
        if "." in name and is_number(name):
            raise DataError(
                f"{path}:{line}: column {position + 1} is named {shown(name)}; expected a header, not numbers"
            )
    if len(names) == 1:
        separator = "tabs" if path.suffix.lower() == ".tsv" else "commas"
        raise DataError(
            f"{path}:{line}: one column, {shown(names[0])}; expected features and a target, separated by {separator}"
        )
    return line, names


def _target_column(path: Path, line: int, names: Sequence[str], target: str | None) -> int:
    if target is None:
        return len(names) - 1
    if target not in names:
        raise DataError(f"{path}:{line}: no column {target!r}; {suggestion(target, names)}")
    return names.index(target)


def _parse_fast(path: Path, header_line: int, n: int, column: int) -> tuple[NDArray[np.float64], list[str]] | None:
    """Features `(m, n − 1)` and target cells by `np.loadtxt`; None for a file that needs the exact pass.

    Text is turned into codes on the way, so that one pass reads features and labels.
    """
    codes: dict[str, int] = {}

    def code(cell: str) -> int:
        return codes.setdefault(cell.strip(), len(codes))

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "no data": the exact pass says it with the file's name
            values = np.loadtxt(
                str(path),
                delimiter=_DELIMITERS[path.suffix.lower()],
                skiprows=header_line,
                comments=None,
                quotechar='"',
                converters={column: code},
                encoding="utf-8-sig",
                ndmin=2,
            )
    except ValueError:
        return None
    if not len(values) or values.shape[1] != n or "" in codes or not np.isfinite(values).all():
        return None
    names = list(codes)
    cells = [names[int(position)] for position in values[:, column]]
    return np.delete(values, column, axis=1), cells


def _parse_exact(path: Path, names: Sequence[str], column: int) -> tuple[NDArray[np.float64], list[str]]:
    """The same by the csv module, cell by cell.

    Raises:
        DataError: names the first cell at fault.
    """
    features = array("d")
    cells = []
    for line, row in itertools.islice(_rows(path), 1, None):
        if len(row) != len(names):
            count = f"{len(row)} cell{'s' if len(row) > 1 else ''}"
            raise DataError(f"{path}:{line}: {count}; expected {len(names)}, as many as in the header")
        for position, cell in enumerate(row):
            where = f"{path}:{line}: column {plain(names[position])}"
            if not cell:
                expected = "a label or a number" if position == column else "a number"
                raise DataError(f"{where}: empty; expected {expected}")
            if position == column:
                cells.append(cell)
                continue
            if not is_number(cell):
                raise DataError(f"{where}: found {shown(cell)}; expected a number")
            if not math.isfinite(value := float(cell)):
                raise DataError(f"{where}: found {shown(cell)}; expected a finite number")
            features.append(value)
    if not cells:
        raise DataError(f"{path}: a header and no examples")
    return np.frombuffer(features).reshape(len(cells), -1), cells


def _numbers_or_text(path: Path, name: str, cells: list[str]) -> NDArray[Any]:
    """Target `(m,)`: float64 where every cell is a number, else text."""
    numbers = {cell: float(cell) if is_number(cell) else None for cell in set(cells)}
    if None in numbers.values():
        return np.array(cells, dtype=np.str_)
    y = np.array([numbers[cell] for cell in cells], dtype=np.float64)
    if not np.isfinite(y).all():
        row = int(np.argmin(np.isfinite(y)))
        raise DataError(
            f"{_place(path, row)}: column {plain(name)}: found {shown(cells[row])}; expected a finite number"
        )
    return y
