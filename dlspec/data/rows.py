"""A file whose rows are read where they are wanted, since not all of them fit into memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dlspec.data.table import Table, from_arrays
from dlspec.errors import DataError

Span = tuple[int, int]
"""Rows start … stop."""


class Reader(Protocol):
    """An open file. Reading on where the last call ended is never slower than anything else."""

    def inputs(self, spans: Sequence[Span]) -> NDArray[Any]:
        """The inputs of some rows, `(b, n_x)` in the type of the file, valid until the next call.

        Raises:
            DataError: they cannot be read.
        """

    def targets(self, start: int, stop: int) -> NDArray[Any]:
        """Their targets, `(stop − start,)` or `(stop − start, k)`.

        Raises:
            DataError: they cannot be read.
        """


@dataclass(frozen=True, eq=False, kw_only=True)
class RowSource:
    """The rows of a file.

    Attributes:
        head: the first row: names, types, shape of an image, classes.
        m: number of rows.
        chunk: rows that are stored, and must be read, together.
        groups: `(g + 1,)`, rows from which reading can begin, where it cannot everywhere, and m; None where it can.
        kept: bytes that are kept to read them.
        missing: whether a target may be missing.
        opened: opens the file anew, for one thread.
    """

    head: Table
    m: int
    opened: Callable[[], AbstractContextManager[Reader]]
    chunk: int = 1
    groups: NDArray[np.int64] | None = None
    kept: int = 0
    missing: bool = False

    @property
    def row_bytes(self) -> int:
        """Bytes of the inputs of a row, as they are in memory before they are normalised."""
        return self.head.x.nbytes

    def borders(self, rows: int) -> NDArray[np.int64]:
        """Borders `(b + 1,)` of blocks of about so many rows that can be read apart from one another."""
        if self.groups is None:
            step = self._step(rows)
            return np.append(np.arange(0, self.m, step), self.m)
        borders = [0]
        for group in self.groups[1:].tolist():
            if group - borders[-1] >= rows:
                borders.append(group)
        return np.array(borders if borders[-1] == self.m else [*borders, self.m])

    def pieces(self, start: int, stop: int, rows: int) -> Iterator[Span]:
        """Pieces of about so many rows that cover start … stop in order, whole chunks together."""
        step = self._step(rows)
        while start < stop:
            end = min((start // step + 1) * step, stop)
            yield start, end
            start = end

    def _step(self, rows: int) -> int:
        return max(1, rows // self.chunk) * self.chunk

    def table(self, start: int, *, y: NDArray[Any], x: NDArray[Any] | None = None) -> Table:
        """Rows from `start` on as a table, checked as those of a file that is read whole.

        Args:
            start: the first row.
            y: their targets.
            x: their inputs; None for inputs that stand for nothing.

        Raises:
            DataError: names the first row with a value that is no finite number.
        """
        head = self.head
        return from_arrays(
            head.source,
            x=np.broadcast_to(np.uint8(0), (len(y), 1)) if x is None else x,
            y=y,
            feature_names=None if x is None else head.feature_names,
            target_names=head.target_names,
            classes=head.classes,
            missing=self.missing,
            place=lambda row: head.place(start + row),
        )


def unchanged(paths: Sequence[Path]) -> Callable[[], None]:
    """A check that raises a `DataError` where one of the files is no longer what it is now, by size and time."""

    def stamps() -> list[tuple[int, int]]:
        try:
            return [(found.st_size, found.st_mtime_ns) for found in (path.stat() for path in paths)]
        except OSError as error:
            raise DataError(f"{paths[0]}: cannot be read: {error.strerror or error}") from error

    before = stamps()

    def check() -> None:
        for path, old, new in zip(paths, before, stamps(), strict=True):
            if old != new:
                raise DataError(f"{path}: has changed while it was trained on; start again")

    return check
