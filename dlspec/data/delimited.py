"""CSV and TSV: a header with the names of the columns, numeric features, one target column or several."""

import csv
import itertools
import math
import warnings
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data.table import Table, check_weights, is_number, plain, shown, suggestion
from dlspec.errors import DataError

DELIMITERS = {".csv": ",", ".tsv": "\t"}


def read(
    path: Path,
    *,
    target: str | Sequence[str] | None = None,
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
    leave_out: Sequence[str] = (),
) -> Table:
    """Read a CSV (comma) or TSV (tab) file in UTF-8.

    NumPy's parser reads a sound file. Whatever it refuses is read again by the csv module, four times
    slower, which either understands it or names the line and the column at fault.

    Args:
        path: the file; its suffix gives the delimiter.
        target: name of the column to predict, or of several; None means the last one.
        sample_weight: name of the column of the weights, which is no feature; None means that there is none.
        training: whether that column must be there.
        missing: whether a target may be missing, in an empty cell or as NaN; it must be a number then.
        leave_out: columns that are no features and may hold anything; unless `training` they may be absent.

    Returns:
        A table with float64 inputs; one target is float64 where every cell of it is a number, else text;
        several are float64.

    Raises:
        DataError: names the line and the column, what was found and what was expected.
    """
    try:
        header_line, names = header(path)
        if not training:
            sample_weight = sample_weight if sample_weight in names else None
            leave_out = [name for name in leave_out if name in names]
        columns = target_columns(path, header_line, names, target, sample_weight, leave_out)
        left_out = [names.index(name) for name in leave_out]
        numbers, cells = _parse_fast(path, header_line, len(names), columns, missing, left_out) or _parse_exact(
            path, names, columns, missing, left_out
        )
        y = targets(path, [names[column] for column in columns], cells, missing)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    feature_names = [name for column, name in enumerate(names) if column not in columns and column not in left_out]
    weights = None
    if sample_weight is not None:
        column = feature_names.index(sample_weight)
        weights, numbers = numbers[:, column].copy(), np.delete(numbers, column, axis=1)
        del feature_names[column]
    table = Table(
        source=str(path),
        x=numbers,
        y=y,
        feature_names=tuple(feature_names),
        target_names=tuple(names[column] for column in columns),
        image_shape=None,
        classes=None,
        place=partial(place_of, path),
        weights=weights,
    )
    check_weights(table, sample_weight or "")
    return table


def rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each row starts and its cells without surrounding space; skip blank lines."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=DELIMITERS[path.suffix.lower()])
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


def place_of(path: Path, row: int) -> str:
    """`file:line` of row `row`. Only an error asks for it, so it is found by reading the file again."""
    line, _ = next(itertools.islice(rows(path), row + 1, None))
    return f"{path}:{line}"


def header(path: Path) -> tuple[int, list[str]]:
    """Line and column names of the header.

    Raises:
        DataError: no text, no header, or names that are missing, the same or numbers.
    """
    with path.open("rb") as file:
        if b"\0" in file.read(65536):
            raise DataError(f"{path}: binary data; expected UTF-8 text")
    line, names = next(rows(path), (1, []))
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


def position(path: Path, line: int, names: Sequence[str], name: str) -> int:
    """Where a column stands in the header.

    Raises:
        DataError: it does not.
    """
    if name not in names:
        raise DataError(f"{path}:{line}: no column {name!r}; {suggestion(name, names)}")
    return names.index(name)


def target_columns(
    path: Path,
    line: int,
    names: Sequence[str],
    target: str | Sequence[str] | None,
    sample_weight: str | None,
    leave_out: Sequence[str],
) -> list[int]:
    """Positions of the targets; at least one column must be left for the features.

    Raises:
        DataError: no such column, one with two meanings, or nothing left.
    """
    others = [name for name in names if name != sample_weight and name not in leave_out]
    wanted = others[-1:] if target is None else [target] if isinstance(target, str) else list(target)
    weights = [] if sample_weight is None else [sample_weight]
    meanings = (("a target", wanted), ("the sample weight", weights), ("what the split goes by", leave_out))
    meaning_of: dict[str, str] = {}
    for meaning, columns in meanings:
        for name in columns:
            position(path, line, names, name)
            if name in meaning_of:
                raise DataError(
                    f"{path}:{line}: column {name!r} is {meaning_of[name]} and {meaning}; expected different ones"
                )
            meaning_of[name] = meaning
    if set(others) <= set(wanted):
        others_are = (
            "a target, the sample weight or what the split goes by" if leave_out else "a target or the sample weight"
        )
        raise DataError(f"{path}:{line}: every column is {others_are}; expected features too")
    return [names.index(name) for name in wanted]


def _parse_fast(
    path: Path, header_line: int, n: int, columns: Sequence[int], missing: bool, left_out: Sequence[int]
) -> tuple[NDArray[np.float64], list[list[str]]] | None:
    """Numbers `(m, n − k)` and the cells of the k targets by `np.loadtxt`; None for a file that needs the exact pass.

    Text is turned into codes on the way, so that one pass reads features and labels.
    """
    codes: dict[str, int] = {}
    converters: dict[int | str, Callable[[str], Any]] = {}

    def code(cell: str) -> int:
        return codes.setdefault(cell.strip(), len(codes))

    converters.update(dict.fromkeys(columns, code))
    converters.update(dict.fromkeys(left_out, lambda _: 0))  # which may hold anything
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "no data": the exact pass says it with the file's name
            values = np.loadtxt(
                str(path),
                delimiter=DELIMITERS[path.suffix.lower()],
                skiprows=header_line,
                comments=None,
                quotechar='"',
                converters=converters,
                encoding="utf-8-sig",
                ndmin=2,
            )
    except ValueError:
        return None
    empty_cells = "" in codes and not missing
    if not len(values) or values.shape[1] != n or empty_cells or not np.isfinite(values).all():
        return None
    names = list(codes)
    cells = [[names[int(position)] for position in values[:, column]] for column in columns]
    return np.delete(values, [*columns, *left_out], axis=1), cells


def _parse_exact(
    path: Path, names: Sequence[str], columns: Sequence[int], missing: bool, left_out: Sequence[int]
) -> tuple[NDArray[np.float64], list[list[str]]]:
    """The same by the csv module, cell by cell.

    Raises:
        DataError: names the first cell at fault.
    """
    numbers = array("d")
    cells: dict[int, list[str]] = {column: [] for column in columns}
    for line, row in itertools.islice(rows(path), 1, None):
        if len(row) != len(names):
            count = f"{len(row)} cell{'s' if len(row) > 1 else ''}"
            raise DataError(f"{path}:{line}: {count}; expected {len(names)}, as many as in the header")
        for column, cell in enumerate(row):
            if column in left_out:
                continue
            where = f"{path}:{line}: column {plain(names[column])}"
            if not cell and not (missing and column in cells):
                raise DataError(f"{where}: empty; expected a {'label or a ' * (column in cells)}number")
            if column in cells:
                cells[column].append(cell)
                continue
            if not is_number(cell):
                raise DataError(f"{where}: found {shown(cell)}; expected a number")
            if not math.isfinite(value := float(cell)):
                raise DataError(f"{where}: found {shown(cell)}; expected a finite number")
            numbers.append(value)
    m = len(cells[columns[0]])
    if not m:
        raise DataError(f"{path}: a header and no examples")
    return np.frombuffer(numbers).reshape(m, -1), list(cells.values())


def targets(path: Path, names: Sequence[str], cells: Sequence[list[str]], missing: bool) -> NDArray[Any]:
    """One target `(m,)`, numbers or text; several `(m, k)`, or those that may be missing, numbers.

    Raises:
        DataError: names the first cell at fault.
    """
    if len(names) == 1 and not missing:
        return _numbers_or_text(path, names[0], cells[0])
    columns = [_numbers(path, name, column, missing) for name, column in zip(names, cells, strict=True)]
    return np.column_stack(columns)


def _numbers_or_text(path: Path, name: str, cells: list[str]) -> NDArray[Any]:
    """Target `(m,)`: float64 where every cell is a number, else text."""
    if not all(map(is_number, set(cells))):
        return np.array(cells, dtype=np.str_)
    return _numbers(path, name, cells, missing=False)


def _numbers(path: Path, name: str, cells: list[str], missing: bool) -> NDArray[np.float64]:
    """Target `(m,)`, all of it numbers; NaN where it may be missing and is."""
    values = {"": math.nan}
    for cell in dict.fromkeys(cells):
        if missing and not cell:
            continue
        number = float(cell) if is_number(cell) else None
        if number is None or not (missing or math.isfinite(number)):
            found = f"{place_of(path, cells.index(cell))}: column {plain(name)}: found {shown(cell)}"
            raise DataError(f"{found}; expected a {'finite ' * (number is not None)}number")
        values[cell] = number
    return np.array([values[cell] for cell in cells], dtype=np.float64)
