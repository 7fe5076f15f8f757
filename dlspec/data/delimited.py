"""CSV and TSV: a header with the names of the columns, numeric features, one target column or several."""

import csv
import itertools
import math
import warnings
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from dlspec.data.stream import Stream, rows_of_block
from dlspec.data.table import Table, check_weights, is_number, plain, shown, suggestion
from dlspec.errors import DataError

DELIMITERS = {".csv": ",", ".tsv": "\t"}

_BLOCK_CHARACTERS = 2**23  # of a stream, about
_Parsed = tuple[NDArray[np.float64], list[list[str]]]


def read(
    path: Path,
    *,
    target: str | Sequence[str] | None = None,
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
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

    Returns:
        A table with float64 inputs; one target is float64 where every cell of it is a number, else text;
        several are float64.

    Raises:
        DataError: names the line and the column, what was found and what was expected.
    """
    with _readable(path):
        plan = _plan(path, target, sample_weight, training=training, missing=missing)
        parsed = _parse_fast(path, plan, str(path), skip=plan.header_line)
        numbers, cells = parsed or _parse_exact(path, plan, _examples(path))
        if not len(numbers):
            raise DataError(f"{path}: a header and no examples")
        text = plan.may_be_text and not all(map(is_number, set(cells[0])))
        return _table(path, plan, numbers, cells, text=text, start=0)


def stream(
    path: Path,
    *,
    target: str | Sequence[str] | None = None,
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
) -> Stream:
    """The same rows, a block at a time, in two passes: the first counts them and finds out whether the target is text.

    Raises:
        DataError: as `read`; what is wrong with a row, when its block is taken.
    """
    with _readable(path):
        plan = _plan(path, target, sample_weight, training=training, missing=missing)
        m, text = _scan(path, plan)

    def tables() -> Iterator[Table]:
        start = 0
        with _readable(path):
            for numbers, cells in _parse_blocks(path, plan):
                yield _table(path, plan, numbers, cells, text=text, start=start)
                start += len(numbers)
        if start != m:
            raise DataError(f"{path}: had {m} rows and now has {start}; is it being written?")

    return Stream(m, tables())


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


@dataclass(frozen=True)
class _Plan:
    """What the columns of a file are for.

    Attributes:
        header_line: on which the header starts.
        names: of all columns.
        columns: positions of the targets.
        sample_weight: name of the column of the weights.
        missing: whether a target may be missing.
    """

    header_line: int
    names: list[str]
    columns: list[int]
    sample_weight: str | None
    missing: bool

    @property
    def may_be_text(self) -> bool:
        """Whether there is but one target, which is text if one of its cells is no number."""
        return len(self.columns) == 1 and not self.missing


def _plan(
    path: Path, target: str | Sequence[str] | None, sample_weight: str | None, *, training: bool, missing: bool
) -> _Plan:
    header_line, names = _header(path)
    if not training and sample_weight not in names:
        sample_weight = None
    return _Plan(
        header_line, names, _target_columns(path, header_line, names, target, sample_weight), sample_weight, missing
    )


def _scan(path: Path, plan: _Plan) -> tuple[int, bool]:
    """How many examples there are, and whether the target is text."""
    m, text = 0, False
    for _, cells in _examples(path):
        m += 1
        if not text and plan.may_be_text and plan.columns[0] < len(cells):
            text = not is_number(cells[plan.columns[0]])
    if not m:
        raise DataError(f"{path}: a header and no examples")
    return m, text


def _table(
    path: Path, plan: _Plan, numbers: NDArray[np.float64], cells: Sequence[list[str]], *, text: bool, start: int
) -> Table:
    """The table of the parsed rows from row `start` of the file on."""
    feature_names = [name for column, name in enumerate(plan.names) if column not in plan.columns]
    weights = None
    if plan.sample_weight is not None:
        column = feature_names.index(plan.sample_weight)
        weights, numbers = numbers[:, column].copy(), np.delete(numbers, column, axis=1)
        del feature_names[column]
    table = Table(
        source=str(path),
        x=numbers,
        y=np.array(cells[0], dtype=np.str_) if text else _numeric_targets(path, plan, cells, start),
        feature_names=tuple(feature_names),
        target_names=tuple(plan.names[column] for column in plan.columns),
        image_shape=None,
        classes=None,
        place=lambda row: _place(path, start + row),
        weights=weights,
    )
    check_weights(table, plan.sample_weight or "")
    return table


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
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


def _examples(path: Path, start: int = 0) -> Iterator[tuple[int, list[str]]]:
    """The rows behind the header, from the given one on."""
    return itertools.islice(_rows(path), 1 + start, None)


def _place(path: Path, row: int) -> str:
    """`file:line` of row `row`. Only an error asks for it, so it is found by reading the file again."""
    line, _ = next(_examples(path, row))
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


def _target_columns(
    path: Path, line: int, names: Sequence[str], target: str | Sequence[str] | None, sample_weight: str | None
) -> list[int]:
    """Positions of the targets; at least one other column must be left for the features."""
    if target is None:
        target = [name for name in names if name != sample_weight][-1]
    wanted = [target] if isinstance(target, str) else list(target)
    for name in wanted if sample_weight is None else [*wanted, sample_weight]:
        if name not in names:
            raise DataError(f"{path}:{line}: no column {name!r}; {suggestion(name, names)}")
    if sample_weight in wanted:
        raise DataError(
            f"{path}:{line}: column {sample_weight!r} is a target and the sample weight; expected different ones"
        )
    if set(names) <= {*wanted, sample_weight}:
        raise DataError(f"{path}:{line}: every column is a target or the sample weight; expected features too")
    return [names.index(name) for name in wanted]


def _parse_blocks(path: Path, plan: _Plan) -> Iterator[_Parsed]:
    """All rows, some megabytes at a time; from the first that NumPy's parser refuses on by the csv module."""
    done = 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        for _ in range(plan.header_line):
            file.readline()
        while lines := _some_lines(path, file):
            parsed = _parse_fast(path, plan, lines, skip=0)
            if parsed is None:
                break
            yield parsed
            done += len(parsed[0])
        else:
            return
    rows = _examples(path, done)
    while some := list(itertools.islice(rows, rows_of_block(len(plan.names)))):
        yield _parse_exact(path, plan, some)


def _some_lines(path: Path, file: TextIO) -> list[str]:
    """Some megabytes of lines; a quoted cell may go over several, and must not be cut in its midst."""
    try:
        lines = file.readlines(_BLOCK_CHARACTERS)
        quotes = sum(line.count('"') for line in lines)
        while quotes % 2 and (line := file.readline()):
            lines.append(line)
            quotes += line.count('"')
    except UnicodeDecodeError:
        raise DataError(f"{path}:{_undecodable_line(path)}: not UTF-8 text; save the file as UTF-8") from None
    return lines


def _parse_fast(path: Path, plan: _Plan, source: str | list[str], *, skip: int) -> _Parsed | None:
    """Numbers `(m, n − k)` and the cells of the k targets by `np.loadtxt`; None for what needs the exact pass.

    Text is turned into codes on the way, so that one pass reads features and labels.
    """
    codes: dict[str, int] = {}

    def code(cell: str) -> int:
        return codes.setdefault(cell.strip(), len(codes))

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "no data": the exact pass says it with the file's name
            values = np.loadtxt(
                source,
                delimiter=DELIMITERS[path.suffix.lower()],
                skiprows=skip,
                comments=None,
                quotechar='"',
                converters=dict.fromkeys(plan.columns, code),
                encoding="utf-8-sig",
                ndmin=2,
            )
    except ValueError:
        return None
    empty_cells = "" in codes and not plan.missing
    if not len(values) or values.shape[1] != len(plan.names) or empty_cells or not np.isfinite(values).all():
        return None
    labels = list(codes)
    cells = [[labels[int(position)] for position in values[:, column]] for column in plan.columns]
    return np.delete(values, plan.columns, axis=1), cells


def _parse_exact(path: Path, plan: _Plan, rows: Iterable[tuple[int, list[str]]]) -> _Parsed:
    """The same of rows from the csv module, cell by cell.

    Raises:
        DataError: names the first cell at fault.
    """
    names, columns, missing = plan.names, plan.columns, plan.missing
    numbers = array("d")
    cells: dict[int, list[str]] = {column: [] for column in columns}
    for line, row in rows:
        if len(row) != len(names):
            count = f"{len(row)} cell{'s' if len(row) > 1 else ''}"
            raise DataError(f"{path}:{line}: {count}; expected {len(names)}, as many as in the header")
        for position, cell in enumerate(row):
            where = f"{path}:{line}: column {plain(names[position])}"
            if not cell and not (missing and position in cells):
                raise DataError(f"{where}: empty; expected a {'label or a ' * (position in cells)}number")
            if position in cells:
                cells[position].append(cell)
                continue
            if not is_number(cell):
                raise DataError(f"{where}: found {shown(cell)}; expected a number")
            if not math.isfinite(value := float(cell)):
                raise DataError(f"{where}: found {shown(cell)}; expected a finite number")
            numbers.append(value)
    return np.frombuffer(numbers).reshape(-1, len(names) - len(columns)), list(cells.values())


def _numeric_targets(path: Path, plan: _Plan, cells: Sequence[list[str]], start: int) -> NDArray[np.float64]:
    """One target `(m,)`; several, or one that may be missing, `(m, k)`."""
    columns = [
        _numbers(path, plan.names[column], some, missing=plan.missing, start=start)
        for column, some in zip(plan.columns, cells, strict=True)
    ]
    return columns[0] if plan.may_be_text else np.column_stack(columns)


def _numbers(path: Path, name: str, cells: list[str], *, missing: bool, start: int) -> NDArray[np.float64]:
    """Target `(m,)`, all of it numbers; NaN where it may be missing and is."""
    values = {"": math.nan}
    for cell in dict.fromkeys(cells):
        if missing and not cell:
            continue
        number = float(cell) if is_number(cell) else None
        if number is None or not (missing or math.isfinite(number)):
            found = f"{_place(path, start + cells.index(cell))}: column {plain(name)}: found {shown(cell)}"
            raise DataError(f"{found}; expected a {'finite ' * (number is not None)}number")
        values[cell] = number
    return np.array([values[cell] for cell in cells], dtype=np.float64)
