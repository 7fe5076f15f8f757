"""CSV and TSV: a header with the names of the columns, numeric features, one target column or several."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlspec.data.columns import target_columns
from dlspec.data.delimited_cells import Plan, examples, is_text, numbers_of, parse, parse_blocks, place_of, rows
from dlspec.data.stream import Stream
from dlspec.data.table import Table, check_weights, is_number, shown
from dlspec.errors import DataError


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
    with _readable(path):
        plan, weights = _plan(path, target, sample_weight, leave_out, training=training, missing=missing)
        numbers, cells = parse(path, plan)
        if not len(numbers):
            raise DataError(f"{path}: a header and no examples")
        text = plan.may_be_text and is_text(cells[0])
        return _table(path, plan, weights, numbers, _targets(path, plan, cells, text=text), start=0)


def stream(
    path: Path,
    *,
    target: str | Sequence[str] | None = None,
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
    leave_out: Sequence[str] = (),
) -> Stream:
    """The same rows, a block at a time, in two passes: the first counts them and finds out whether the target is text.

    Raises:
        DataError: as `read`; what is wrong with a row, when its block is taken.
    """
    with _readable(path):
        plan, weights = _plan(path, target, sample_weight, leave_out, training=training, missing=missing)
        m, text = _scan(path, plan)

    def tables() -> Iterator[Table]:
        start = 0
        with _readable(path), closing(parse_blocks(path, plan)) as blocks:
            for numbers, cells in blocks:
                y = _targets(path, plan, cells, text=text, start=start)
                yield _table(path, plan, weights, numbers, y, start=start)
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


def _plan(
    path: Path,
    target: str | Sequence[str] | None,
    sample_weight: str | None,
    leave_out: Sequence[str],
    *,
    training: bool,
    missing: bool,
) -> tuple[Plan, str | None]:
    """What the columns are for, and the name of the weights."""
    line, names = header(path)
    if not training:
        sample_weight = sample_weight if sample_weight in names else None
        leave_out = [name for name in leave_out if name in names]
    return Plan(
        header_line=line,
        names=names,
        targets=target_columns(f"{path}:{line}", names, target, sample_weight, leave_out),
        left_out=[names.index(name) for name in leave_out],
        missing=missing,
    ), sample_weight


def _scan(path: Path, plan: Plan) -> tuple[int, bool]:
    """How many examples there are, and whether the target is text."""
    m, text = 0, False
    with closing(examples(path)) as some:
        for _, cells in some:
            m += 1
            if not text and plan.may_be_text and plan.targets[0] < len(cells):
                text = not is_number(cells[plan.targets[0]])
    if not m:
        raise DataError(f"{path}: a header and no examples")
    return m, text


def _table(
    path: Path,
    plan: Plan,
    sample_weight: str | None,
    numbers: NDArray[np.float64],
    y: NDArray[np.float64] | NDArray[np.str_],
    *,
    start: int,
) -> Table:
    """The table of the parsed rows from row `start` of the file on."""
    no_numbers = {*plan.targets, *plan.left_out}
    feature_names = [name for column, name in enumerate(plan.names) if column not in no_numbers]
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
        target_names=tuple(plan.names[column] for column in plan.targets),
        image_shape=None,
        classes=None,
        place=lambda row: place_of(path, start + row),
        weights=weights,
    )
    check_weights(table, sample_weight or "")
    return table


def _targets(
    path: Path, plan: Plan, cells: Sequence[Sequence[str]], *, text: bool, start: int = 0
) -> NDArray[np.float64] | NDArray[np.str_]:
    """One target `(m,)`, numbers or text; several `(m, k)`, or those that may be missing, numbers.

    Raises:
        DataError: names the first cell at fault.
    """
    if text:
        return np.array(cells[0], dtype=np.str_)
    columns = [
        numbers_of(path, plan.names[column], some, missing=plan.missing, start=start)
        for column, some in zip(plan.targets, cells, strict=True)
    ]
    return columns[0] if plan.may_be_text else np.column_stack(columns)


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
