"""The console of a terminal: rich draws the lines of `console.py`, with their styles."""

from functools import reduce
from operator import add
from typing import TextIO

from rich import console as rich_console
from rich import table as rich_table
from rich import text as rich_text

from dlspec.cli.console import Console, Table, Text


class _Console(rich_console.Console):
    """A console that leaves a reader's departure to `main`, which ends quietly with exit code 0."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Terminal(Console):
    """Writes with styles where they are shown.

    Args:
        file: the stream.
        width: columns to fit into; None: those of the terminal.
    """

    rich: rich_console.Console

    def __init__(self, file: TextIO, *, width: int | None = None):
        # The terminal breaks long lines: breaks of our own would be copied with the commands in them.
        rich = _Console(file=file, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)
        super().__init__(file, width=rich.width, rich=rich)

    def print(self, content: Text | Table | None = None) -> None:
        """Write a line, or the lines of a table, at once; None is an empty line."""
        self.rich.print(_table(content) if isinstance(content, Table) else _line(content))


def _line(line: Text | None) -> rich_text.Text:
    if line is None:
        return rich_text.Text()
    return reduce(add, (rich_text.Text(piece, style) for piece, style in line.pieces))


def _table(table: Table) -> rich_table.Table:
    result = rich_table.Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(table.head):
        result.add_column(_line(name), justify="left" if number in table.left else "right", no_wrap=True)
    for row in table.rows:
        result.add_row(*map(_line, row))
    return result
