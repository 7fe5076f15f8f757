"""The examples of a file, a block of rows after the other, where they should not all be in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dlspec.data.blocks import BLOCK_VALUES
from dlspec.data.table import Table


@dataclass(frozen=True, eq=False)
class Stream:
    """The examples of a file in order.

    Attributes:
        m: their number.
        blocks: tables of rows that follow one another, at least one, alike in all but the rows; to be taken once.
            What is wrong with a row is raised when its block is taken.
    """

    m: int
    blocks: Iterator[Table]


def rows_of_block(n: int) -> int:
    """How many rows of n values make a block: some megabytes."""
    return max(1, 8 * BLOCK_VALUES // max(1, n))


def of_table(table: Table) -> Stream:
    """The stream of a table that is in memory, or mapped into it."""
    m, size = len(table.x), rows_of_block(table.x.shape[1])
    return Stream(m, (_part(table, start, min(start + size, m)) for start in range(0, m, size)))


def _part(table: Table, start: int, stop: int) -> Table:
    return replace(
        table,
        x=table.x[start:stop],
        y=table.y[start:stop],
        weights=None if table.weights is None else table.weights[start:stop],
        place=lambda row: table.place(start + row),
    )
