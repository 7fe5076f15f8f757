"""Columns into features: what missing cells, categories and dates become, decided on the training examples."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dlspec.data.table import Kind, RawColumn, Table, plain
from dlspec.errors import DataError

MAX_CATEGORIES = 1_000

DatePart = Literal["year", "month", "day", "weekday", "hour"]
DATE_PARTS: tuple[DatePart, ...] = ("year", "month", "day", "weekday", "hour")
_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """How columns are prepared.

    Attributes:
        missing: what a missing cell becomes: the mean or the median of the training cells, a number (of a date, of
            days since the first in training), or an error. A missing category is no category.
        indicator: whether a column with missing training cells also says where they are.
        date_parts: features of a date beside its days.
    """

    missing: Literal["error", "mean", "median"] | float = "error"
    indicator: bool = False
    date_parts: tuple[DatePart, ...] = ()


UNTREATED = Treatment()


@dataclass(frozen=True, kw_only=True)
class PreparedColumn:
    """One column of the training file, ready to be applied to any file.

    | kind     | features                                                                  |
    |----------|---------------------------------------------------------------------------|
    | number   | its value                                                                 |
    | boolean  | 0 or 1                                                                    |
    | date     | days since `origin`, then its parts: month from 1, weekday 0 is Monday    |
    | category | a 1 for the category of the cell and 0 for all others; none for unknown   |

    Attributes:
        name: of the column.
        kind: row of the table.
        fill: stands for a missing cell, in the unit of the cells; None where there may be none.
        indicator: whether a last feature is 1 where the cell is missing, else 0.
        categories: in order.
        origin: the first date of training, in days since 1970 began.
        parts: of a date.
    """

    name: str
    kind: Kind
    fill: float | None = None
    indicator: bool = False
    categories: tuple[str, ...] = ()
    origin: float = 0.0
    parts: tuple[DatePart, ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of its features, such as `age`, `city=Paris`, `sold month`, `age missing`."""
        if self.kind == "category":
            names = [f"{self.name}={category}" for category in self.categories]
        else:
            names = [self.name, *(f"{self.name} {part}" for part in self.parts)]
        return (*names, *([f"{self.name} missing"] if self.indicator else []))

    def write(self, out: NDArray[np.float64], cells: NDArray[np.float64], column: RawColumn) -> None:
        """Write the features of `cells (m,)` into `out (m, k)`."""
        absent = np.isnan(cells)
        if self.indicator:
            out[:, -1] = absent
        if self.kind == "category":
            out[:, : len(self.categories)] = 0
            place = self.positions(cells, column)
            known = np.flatnonzero(place >= 0)
            out[known, place[known]] = 1
            return
        values = np.where(absent, 0.0 if self.fill is None else self.fill, cells)
        out[:, 0] = values - self.origin
        for number, part in enumerate(self.parts, start=1):
            out[:, number] = _part(values, part)

    def positions(self, cells: NDArray[np.float64], column: RawColumn) -> NDArray[np.intp]:
        """Position in `categories` of each cell `(m,)`; -1 where it is missing, -2 where it is unknown."""
        known = {name: position for position, name in enumerate(self.categories)}
        table = np.array([*(known.get(name, -2) for name in column.categories), -1], dtype=np.intp)
        return table[np.where(np.isnan(cells), len(column.categories), cells).astype(np.intp)]


def _part(days: NDArray[np.float64], part: DatePart) -> NDArray[np.float64]:
    """A part of dates in days since 1970 began."""
    moments = np.rint(days * _DAY).astype("datetime64[us]")
    years, months, dates = (moments.astype(f"datetime64[{unit}]") for unit in "YMD")
    values: NDArray[Any]
    if part == "year":
        values = years.astype(np.int64) + 1970
    elif part == "month":
        values = (months - years).astype(np.int64) + 1
    elif part == "day":
        values = (dates - months).astype(np.int64) + 1
    elif part == "weekday":
        values = (dates.astype(np.int64) + 3) % 7  # 1970 began on a Thursday
    else:
        values = (moments - dates) // np.timedelta64(1, "h")
    return values.astype(np.float64)


@dataclass(frozen=True)
class Columns:
    """The columns of the training file, fitted: the same numbers for every file.

    Attributes:
        columns: in the order of the training file.
    """

    columns: tuple[PreparedColumn, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def kinds(self) -> dict[str, Kind]:
        """Of the columns, by name."""
        return {column.name: column.kind for column in self.columns}

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Of all features."""
        return tuple(name for column in self.columns for name in column.feature_names)

    def with_features(self, table: Table) -> Table:
        """A table of cells with these columns, in this order, with features in their place.

        Raises:
            DataError: a cell is missing where none may be.
        """
        return replace(table, x=self.apply(table), feature_names=self.feature_names, columns=None)

    def apply(self, table: Table) -> NDArray[np.float64]:
        """The features `(m, n_x)` of such a table.

        Raises:
            DataError: as `with_features`.
        """
        self._check_missing(table)
        out = np.empty((len(table.x), len(self.feature_names)))
        start = 0
        for j, (column, raw) in enumerate(zip(self.columns, table.columns or (), strict=True)):
            stop = start + len(column.feature_names)
            column.write(out[:, start:stop], table.x[:, j], raw)
            start = stop
        return out

    def unseen(self, table: Table, rows: NDArray[np.int64]) -> dict[str, int]:
        """How many of these rows hold a category that training has not seen, for every column that has such cells."""
        counts = {
            column.name: int(np.count_nonzero(column.positions(table.x[rows, j], raw) == -2))
            for j, (column, raw) in enumerate(zip(self.columns, table.columns or (), strict=True))
            if column.kind == "category"
        }
        return {name: count for name, count in counts.items() if count}

    def _check_missing(self, table: Table) -> None:
        strict = np.array([column.fill is None for column in self.columns])
        absent = np.isnan(table.x) & strict
        if absent.any():
            raise _missing(table, absent)

    def state(self) -> list[dict[str, Any]]:
        """Plain numbers and text, for a checkpoint; `from_state` takes them back."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_state(cls, state: Sequence[Mapping[str, Any]]) -> "Columns":
        """The columns whose `state` this is.

        Raises:
            DataError: what no `state` can be.
        """
        try:
            return cls(
                tuple(
                    PreparedColumn(**{**one, "categories": tuple(one["categories"]), "parts": tuple(one["parts"])})
                    for one in state
                )
            )
        except (TypeError, KeyError) as error:
            raise DataError("the saved preparation of the columns is damaged; expected a mapping for each") from error


def fit_columns(table: Table, rows: NDArray[np.int64], treatment: Treatment) -> Columns:
    """Decide what the columns of a table become.

    Args:
        table: of cells.
        rows: the training examples.
        treatment: how.

    Raises:
        DataError: a missing cell where that is an error, a column without a single cell, or too many categories.
    """
    if treatment.missing == "error" and np.isnan(table.x).any():  # in any split: the first in the file is named
        raise _missing(table, np.isnan(table.x))
    cells = table.x[rows]
    return Columns(
        tuple(
            _fit_column(table, name, raw, cells[:, j], treatment)
            for j, (name, raw) in enumerate(zip(table.feature_names, table.columns or (), strict=True))
        )
    )


def _missing(table: Table, absent: NDArray[np.bool_]) -> DataError:
    row, column = np.argwhere(absent)[0]
    where = f"{table.place(int(row))}: column {plain(table.feature_names[column])}"
    return DataError(f"{where}: empty; expected a value (data.columns: {{missing: mean}}, median or a number fills it)")


def _fit_column(
    table: Table, name: str, raw: RawColumn, cells: NDArray[np.float64], treatment: Treatment
) -> PreparedColumn:
    absent = np.isnan(cells)
    present = cells[~absent]
    indicator = treatment.indicator and bool(absent.any())
    constant = isinstance(treatment.missing, int | float)
    if not len(present) and (raw.kind == "category" or not constant):
        raise DataError(
            f"{table.source}: column {plain(name)} is empty in every training example; expected some cells, or "
            f"data.columns: {{types: {{{plain(name)}: ignore}}}}"
        )
    if raw.kind == "category":
        categories = sorted(raw.categories[int(code)] for code in np.unique(present))
        if len(categories) > MAX_CATEGORIES:
            raise DataError(
                f"{table.source}: column {plain(name)} has {len(categories):,} different texts; expected at most "
                f"{MAX_CATEGORIES:,} categories, or data.columns: {{types: {{{plain(name)}: ignore}}}}"
            )
        fill = None if treatment.missing == "error" else 0.0
        return PreparedColumn(name=name, kind="category", fill=fill, indicator=indicator, categories=tuple(categories))
    date = raw.kind == "date"
    origin = float(present.min()) if date and len(present) else 0.0
    return PreparedColumn(
        name=name,
        kind=raw.kind,
        fill=_fill(present, treatment.missing, origin),
        indicator=indicator,
        origin=origin,
        parts=treatment.date_parts if date else (),
    )


def _fill(present: NDArray[np.float64], missing: str | float, origin: float) -> float | None:
    if missing == "error":
        return None
    if isinstance(missing, int | float):
        return missing + origin
    return float(np.mean(present) if missing == "mean" else np.median(present))
