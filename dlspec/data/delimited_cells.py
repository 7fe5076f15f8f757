"""The cells of CSV and TSV files: numbers and the text of targets, out of lines."""

import csv
import itertools
import math
import warnings
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from dlspec.data.stream import rows_of_block
from dlspec.data.table import NOT_ONLY_NUMBERS, is_number, plain, shown
from dlspec.errors import DataError

DELIMITERS = {".csv": ",", ".tsv": "\t"}

_BLOCK_CHARACTERS = 2**23  # about as many are parsed at a time

Parsed = tuple[NDArray[np.float64], list[list[str]]]
"""Numbers `(m, n)`, and the cells of each target."""


@dataclass(frozen=True)
class Plan:
    """What the columns of a file are for.

    Attributes:
        header_line: on which the header starts.
        names: of all columns.
        targets: their positions.
        left_out: positions of columns that may hold anything.
        missing: whether a target may be missing, in an empty cell or as NaN; it must be a number then.
    """

    header_line: int
    names: Sequence[str]
    targets: Sequence[int]
    left_out: Sequence[int]
    missing: bool

    @property
    def may_be_text(self) -> bool:
        """Whether there is but one target, which is text if one of its cells is no number."""
        return len(self.targets) == 1 and not self.missing


def rows(path: Path) -> Generator[tuple[int, list[str]]]:
    """Yield the line on which each row starts and its cells without surrounding space; skip blank lines."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            yield from rows_of(file, source=str(path), delimiter=DELIMITERS[path.suffix.lower()])
        except UnicodeDecodeError:
            raise _undecodable(path) from None


def rows_of(file: TextIO, *, source: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The same of an open text, opened without translation of line ends; UnicodeDecodeError goes through."""
    reader = csv.reader(file, delimiter=delimiter)
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{source}:{line}: {error}") from error
        if len(cells) > 1 or any(cells):
            yield line, cells


def examples(path: Path, start: int = 0) -> Generator[tuple[int, list[str]]]:
    """The rows behind the header, from the given one on."""
    with closing(rows(path)) as all_rows:
        yield from itertools.islice(all_rows, 1 + start, None)


def _undecodable(path: Path) -> DataError:
    """The error about the first byte that is not UTF-8."""
    number = 1
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):  # noqa: B007 - the last one counts
            try:
                line.decode()
            except UnicodeDecodeError:
                break
    return DataError(f"{path}:{number}: not UTF-8 text; save the file as UTF-8")


def place_of(path: Path, row: int) -> str:
    """`file:line` of row `row`. Only an error asks for it, so it is found by reading the file again."""
    line, _ = next(examples(path, row))
    return f"{path}:{line}"


def parse(path: Path, plan: Plan) -> Parsed:
    """The numbers and targets of all rows; the columns of the numbers are those that are neither targets nor left out.

    Raises:
        DataError: names the first cell at fault.
    """
    parsed = _parse_fast(path, plan, str(path), skip=plan.header_line)
    if parsed is None:
        with closing(examples(path)) as some:
            parsed = _parse_exact(path, plan, some)
    return parsed


def parse_blocks(path: Path, plan: Plan) -> Generator[Parsed]:
    """The same, some megabytes at a time; from the first that NumPy's parser refuses on by the csv module.

    Raises:
        DataError: as `parse`, when the block is taken.
    """
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
    with closing(examples(path, done)) as remaining:
        while some := list(itertools.islice(remaining, rows_of_block(len(plan.names)))):
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
        raise _undecodable(path) from None
    return lines


def _parse_fast(path: Path, plan: Plan, source: str | list[str], *, skip: int) -> Parsed | None:
    """Parse a file, or lines, by `np.loadtxt`; None for what needs the exact pass.

    Text is turned into codes on the way, so that one pass reads features and labels.
    """
    codes: dict[str, int] = {}
    converters: dict[int | str, Callable[[str], Any]] = {}

    def code(cell: str) -> int:
        return codes.setdefault(cell.strip(), len(codes))

    converters.update(dict.fromkeys(plan.targets, code))
    converters.update(dict.fromkeys(plan.left_out, lambda _: 0))  # which may hold anything
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "no data": the exact pass says it with the file's name
            values = np.loadtxt(
                source,
                delimiter=DELIMITERS[path.suffix.lower()],
                skiprows=skip,
                comments=None,
                quotechar='"',
                converters=converters,
                encoding="utf-8-sig",
                ndmin=2,
            )
    except ValueError:
        return None
    empty_cells = "" in codes and not plan.missing
    if not len(values) or values.shape[1] != len(plan.names) or empty_cells or not np.isfinite(values).all():
        return None
    labels = list(codes)
    cells = [[labels[int(position)] for position in values[:, column]] for column in plan.targets]
    return np.delete(values, [*plan.targets, *plan.left_out], axis=1), cells


def _parse_exact(path: Path, plan: Plan, some: Iterable[tuple[int, list[str]]]) -> Parsed:
    """Parse rows of the csv module cell by cell.

    Raises:
        DataError: names the first cell at fault.
    """
    numbers = array("d")
    cells: dict[int, list[str]] = {column: [] for column in plan.targets}
    for line, row in some:
        if len(row) != len(plan.names):
            count = f"{len(row)} cell{'s' if len(row) > 1 else ''}"
            raise DataError(f"{path}:{line}: {count}; expected {len(plan.names)}, as many as in the header")
        for column, cell in enumerate(row):
            if column in plan.left_out:
                continue
            where = f"{path}:{line}: column {plain(plan.names[column])}"
            if not cell and not (plan.missing and column in cells):
                hint = "label or a number" if column in cells else f"number ({NOT_ONLY_NUMBERS})"
                raise DataError(f"{where}: empty; expected a {hint}")
            if column in cells:
                cells[column].append(cell)
                continue
            if not is_number(cell):
                raise DataError(f"{where}: found {shown(cell)}; expected a number ({NOT_ONLY_NUMBERS})")
            if not math.isfinite(value := float(cell)):
                raise DataError(f"{where}: found {shown(cell)}; expected a finite number")
            numbers.append(value)
    width = len(plan.names) - len(plan.targets) - len(plan.left_out)
    return np.frombuffer(numbers).reshape(-1, width), list(cells.values())


def is_text(cells: Iterable[str]) -> bool:
    """Whether one of the cells of a target is no number."""
    return not all(map(is_number, set(cells)))


def numbers_of(
    path: Path, name: str, cells: Sequence[str], *, missing: bool = False, start: int = 0
) -> NDArray[np.float64]:
    """Target `(m,)`, all of it numbers; NaN where it may be missing and is. The cells are those from row `start` on.

    Raises:
        DataError: names the first cell that is no number, or no finite one.
    """
    values = {"": math.nan}
    for cell in dict.fromkeys(cells):
        if missing and not cell:
            continue
        number = float(cell) if is_number(cell) else None
        if number is None or not (missing or math.isfinite(number)):
            found = f"{place_of(path, start + cells.index(cell))}: column {plain(name)}: found {shown(cell)}"
            raise DataError(f"{found}; expected a {'finite ' * (number is not None)}number")
        values[cell] = number
    return np.array([values[cell] for cell in cells], dtype=np.float64)
