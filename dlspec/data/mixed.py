"""Tables with columns of text, truth values and dates, and with missing cells: read as cells, not yet as features."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data.arrow import ArrowTable, open_table
from dlspec.data.cells import Guess, Values, kind_of_type, values_of
from dlspec.data.columns import position
from dlspec.data.table import ColumnType, Kind, RawColumn, Table, check_weights, is_number, plain, shown
from dlspec.errors import DataError


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are for.

    Attributes:
        features: names of those that become features, in order.
        targets: names.
        sample_weight: name.
    """

    features: tuple[str, ...]
    targets: tuple[str, ...]
    sample_weight: str | None

    @property
    def all(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (*self.features, *self.targets, *([] if self.sample_weight is None else [self.sample_weight]))


def read(
    path: Path,
    *,
    types: Mapping[str, ColumnType],
    target: str | Sequence[str] | None = None,
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
    leave_out: Sequence[str] = (),
) -> Table:
    """Read a CSV, TSV or Parquet file whose columns need not be numbers.

    Args:
        path: the file.
        types: of columns, by name; what is not named is found out: in a text, numbers, else truth values, else dates,
            else categories.
        target: name of the column to predict, or of several; None means the last one.
        sample_weight: name of the column of the weights; None means that there is none.
        training: whether it, and what `types` and `leave_out` name, must be there.
        missing: whether a target may be missing.
        leave_out: columns that are no features.

    Returns:
        A table of cells, with `columns`.

    Raises:
        DataError: names the row and the column, what was found and what was expected.
    """
    try:
        table = open_table(path)
        if not training:
            sample_weight = sample_weight if sample_weight in table.names else None
        ignored = [*leave_out, *(name for name, kind in types.items() if kind == "ignore")]
        roles = _roles(table, target, sample_weight, ignored)
        if training:
            for name in (*types, *leave_out):
                position(table.source, table.names, name)
        kinds = kinds_of(table, roles.features, types)
        return _whole(table, roles, kinds, missing=missing)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _roles(
    table: ArrowTable, target: str | Sequence[str] | None, sample_weight: str | None, ignored: Sequence[str]
) -> Roles:
    others = [name for name in table.names if name != sample_weight and name not in ignored]
    targets = others[-1:] if target is None else [target] if isinstance(target, str) else list(target)
    for name in (*targets, *([] if sample_weight is None else [sample_weight])):
        position(table.source, table.names, name)
        if name in ignored or (name == sample_weight and name in targets):
            other = "left out" if name in ignored else "the sample weight"
            raise DataError(f"{table.source}: column {name!r} is a target or the sample weight, and {other}")
    features = tuple(name for name in others if name not in targets)
    if not features:
        raise DataError(f"{table.source}: every column is a target, the sample weight or left out; expected features")
    return Roles(features, tuple(targets), sample_weight)


def kinds_of(table: ArrowTable, names: Sequence[str], types: Mapping[str, ColumnType]) -> dict[str, Kind]:
    """What columns hold: as `types` says, else as the type of the column says, else as its cells say.

    Raises:
        DataError: a column of a type that is nothing for a network.
    """
    kinds: dict[str, Kind] = {}
    guesses: dict[str, Guess] = {}
    for name in names:
        given = types.get(name, "ignore")
        if table.types is None:
            if given == "ignore":
                guesses[name] = Guess()
            else:
                kinds[name] = given
            continue
        held = table.types[table.names.index(name)]
        found = kind_of_type(held)
        if found is None:
            raise DataError(
                f"{table.source}: column {plain(name)} holds {plain(str(held))}; expected numbers, text, truth values "
                f"or dates, or data.columns: {{types: {{{plain(name)}: ignore}}}}"
            )
        kinds[name] = found if given == "ignore" else given
    if guesses:
        for batch in table.batches(list(guesses)):
            for name, guess in guesses.items():
                guess.look(batch.column(name))
        kinds |= {name: guess.kind for name, guess in guesses.items()}
    return {name: kinds[name] for name in names}


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows of some columns: cells `(m, c)` and what they are."""

    cells: NDArray[np.float64]
    columns: tuple[RawColumn, ...]


def block_of(table: ArrowTable, batch: Any, kinds: Mapping[str, Kind], *, start: int) -> Block:
    """The cells of a batch.

    Args:
        table: where it is from.
        batch: of pyarrow.
        kinds: of the columns, by name.
        start: number of its first row.

    Raises:
        DataError: names the first cell that is not of its column's kind.
    """
    found = {name: values_of(batch.column(name), kind) for name, kind in kinds.items()}
    wrong = [(values.wrong.row, name) for name, values in found.items() if values.wrong is not None]
    if wrong:
        name = min(wrong, key=lambda spot: spot[0])[1]
        raise _problem(table, name, found[name], start)
    cells = np.empty((batch.num_rows, len(found)))
    for j, values in enumerate(found.values()):
        cells[:, j] = values.numbers
    return Block(cells, tuple(RawColumn(kinds[name], values.categories) for name, values in found.items()))


def _problem(table: ArrowTable, name: str, values: Values, start: int) -> DataError:
    if values.wrong is None:
        raise TypeError("nothing is wrong")
    where = f"{table.place(start + values.wrong.row)}: column {plain(name)}"
    return DataError(f"{where}: {values.wrong.message} (data.columns.types says what a column holds, or ignores it)")


def _whole(table: ArrowTable, roles: Roles, kinds: Mapping[str, Kind], *, missing: bool) -> Table:
    """All rows of a table."""
    blocks: list[NDArray[np.float64]] = []
    positions: list[dict[str, int]] = [{} for _ in kinds]
    targets: list[list[str]] = [[] for _ in roles.targets]
    weights: list[NDArray[np.float64]] = []
    start = 0
    for batch in table.batches(roles.all):
        block = block_of(table, batch, kinds, start=start)
        for j, column in enumerate(block.columns):
            if column.kind == "category":
                block.cells[:, j] = _renumbered(block.cells[:, j], column.categories, positions[j])
        for cells, name in zip(targets, roles.targets, strict=True):
            cells.extend(_texts(table, batch, name, start, missing=missing))
        if roles.sample_weight is not None:
            weights.append(_weights(table, batch, roles.sample_weight, start))
        blocks.append(block.cells)
        start += len(block.cells)
    if not start:
        raise DataError(f"{table.source}: a header and no examples")
    found = Table(
        source=table.source,
        x=np.concatenate(blocks),
        y=_targets(table, roles.targets, targets, missing=missing),
        feature_names=roles.features,
        target_names=roles.targets,
        image_shape=None,
        classes=None,
        place=table.place,
        weights=np.concatenate(weights) if weights else None,
        columns=tuple(RawColumn(kind, tuple(found)) for kind, found in zip(kinds.values(), positions, strict=True)),
    )
    check_weights(found, roles.sample_weight or "")
    return found


def _renumbered(codes: NDArray[np.float64], categories: Sequence[str], known: dict[str, int]) -> NDArray[np.float64]:
    """Positions in the categories of all blocks so far, which grow."""
    table = np.array([*(known.setdefault(name, len(known)) for name in categories), np.nan])
    return table[np.where(np.isnan(codes), len(categories), codes).astype(np.intp)]


def _texts(table: ArrowTable, batch: Any, name: str, start: int, *, missing: bool) -> Iterator[str]:
    """The cells of a target, as text."""
    found = values_of(batch.column(name), "category")
    if found.wrong is not None:
        where = f"{table.place(start + found.wrong.row)}: column {plain(name)}"
        raise DataError(f"{where}: {found.wrong.message}")
    absent = np.isnan(found.numbers)
    if absent.any() and not missing:
        row = start + int(np.argmax(absent))
        raise DataError(f"{table.place(row)}: column {plain(name)}: empty; expected a label or a number")
    names = np.array([*found.categories, ""], dtype=object)
    cells: list[str] = names[np.where(absent, -1, found.numbers).astype(np.intp)].tolist()
    yield from cells


def _weights(table: ArrowTable, batch: Any, name: str, start: int) -> NDArray[np.float64]:
    found = values_of(batch.column(name), "number")
    if found.wrong is not None:
        where = f"{table.place(start + found.wrong.row)}: sample weight {shown(name)}"
        raise DataError(f"{where}: {found.wrong.message}")
    return found.numbers


def _targets(table: ArrowTable, names: Sequence[str], cells: Sequence[list[str]], *, missing: bool) -> NDArray[Any]:
    """One target `(m,)`, numbers or text; several `(m, k)`, or those that may be missing, numbers."""
    if len(names) == 1 and not missing:
        if not all(map(is_number, dict.fromkeys(cells[0]))):
            return np.array(cells[0], dtype=np.str_)
        return _numbers(table, names[0], cells[0], missing=False)
    columns = [_numbers(table, name, column, missing=missing) for name, column in zip(names, cells, strict=True)]
    return np.column_stack(columns)


def _numbers(table: ArrowTable, name: str, cells: list[str], *, missing: bool) -> NDArray[np.float64]:
    parsed = {cell: float(cell) if is_number(cell) else math.inf for cell in dict.fromkeys(cells)}
    for cell, value in parsed.items():
        if missing and not cell:
            parsed[cell] = math.nan
        elif not (math.isfinite(value) or (missing and math.isnan(value))):
            where = f"{table.place(cells.index(cell))}: column {plain(name)}"
            raise DataError(f"{where}: found {shown(cell)}; expected a finite number")
    return np.array([parsed[cell] for cell in cells])
