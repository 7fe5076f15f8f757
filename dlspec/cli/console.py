"""Results on standard output, everything else on standard error: whole lines, which a terminal shows with styles.

What is shown is put together here, as `Text` and `Table`; rich, which takes 12 ms to load, draws it where there is a
terminal, see `terminal.py`.
"""

import json
import os
import sys
import textwrap
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from dlspec.report.numbers import METRICS, percent, value
from dlspec.text import finite, printable, shortened

if TYPE_CHECKING:
    import rich.console

# Without a terminal there is no width to fit into: lines stay whole for grep and files.
WIDTH_OF_FILES = 400
WIDTH_OF_NAMES = 60  # a longer name of a class would push the numbers out
# With these rich draws for what is no terminal too.
_ASK_FOR_STYLES = ("FORCE_COLOR", "TTY_COMPATIBLE")


class Text(NamedTuple):
    """A line: pieces that are shown as they are, each with the style it has on a terminal, such as `bold red`.

    The style of the first is that of the line, over which the others lay theirs.
    """

    pieces: tuple[tuple[str, str], ...]

    def __add__(self, other: Any) -> "Text":
        return Text(self.pieces + other.pieces)

    @property
    def plain(self) -> str:
        """Without styles."""
        return "".join(piece for piece, _ in self.pieces)


class Table(NamedTuple):
    """Columns without lines between them; those with a number in `left` are aligned on the left."""

    head: Sequence[Text]
    rows: Sequence[Sequence[Text]]
    left: Collection[int]

    def lines(self) -> Iterator[str]:
        """Without styles: two blanks between the columns."""
        whole = [[cell.plain for cell in row] for row in (self.head, *self.rows)]
        widths = [max(map(_width, column)) for column in zip(*whole, strict=True)]
        for row in whole:
            cells = []
            for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
                blanks = " " * (width - _width(cell))
                cells.append(cell + blanks if number in self.left else blanks + cell)
            yield "  ".join(cells)


def _width(cell: str) -> int:
    """How many columns of a terminal it takes."""
    if cell.isascii():
        return len(cell)
    from rich.cells import cell_len  # of Chinese and the like a character takes two

    return cell_len(cell)


class Console:
    """Writes to a file or a pipe.

    Attributes:
        file: the stream.
        width: columns there are.
        rich: what draws, on a terminal; None elsewhere.
    """

    def __init__(self, file: TextIO, *, width: int = WIDTH_OF_FILES, rich: "rich.console.Console | None" = None):
        self.file = file
        self.width = width
        self.rich = rich

    @property
    def is_terminal(self) -> bool:
        """Whether styles are shown, and lines can be drawn again."""
        return self.rich is not None and self.rich.is_terminal

    @property
    def encoding(self) -> str:
        """How characters are written."""
        return (self.file.encoding or "utf-8").lower()

    def print(self, content: Text | Table | None = None) -> None:
        """Write a line, or the lines of a table, at once; None is an empty line."""
        for line in content.lines() if isinstance(content, Table) else [content.plain if content else ""]:
            self.file.write(f"{line}\n")
        self.file.flush()


def console(*, stderr: bool = False) -> Console:
    """A console that colours only a terminal, and respects NO_COLOR."""
    stream = sys.stderr if stderr else sys.stdout
    if not stream.isatty() and not any(name in os.environ for name in _ASK_FOR_STYLES):
        return Console(stream)
    from dlspec.cli.terminal import Terminal  # rich, for who sees it

    return Terminal(stream, width=None if stream.isatty() else WIDTH_OF_FILES)


def text(content: str, *, style: str = "") -> Text:
    """Text that is shown as it is, without control characters."""
    return Text(((printable(content), style),))


def prose(out: Console, head: str, content: str) -> list[Text]:
    """Words behind a head; in a terminal they are broken between words, and go on below the first of them.

    What may hold a command stays on one line, since breaks of our own would be copied with it.
    """
    if not out.is_terminal or "--" in content:
        return [text(f"{head}{content}")]
    indent = " " * len(head)
    width = max(out.width, len(head) + 20)
    lines = textwrap.wrap(
        printable(content), width, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False
    )
    return [text(line) for line in lines] or [text(head)]


def table(head: Sequence[str], rows: Sequence[Sequence[str | Text]], *, left: Collection[int] = (0,)) -> Table:
    """Columns without lines: the first on the left, numbers on the right, unless `left` says otherwise."""
    cells = [[cell if isinstance(cell, Text) else text(cell) for cell in row] for row in rows]
    return Table([text(name, style="bold") for name in head], cells, left)


def plain_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The same columns on standard output at once: thousands of rows take no longer than to read them."""
    whole = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    for first, *rest in whole:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        sys.stdout.write(f"{printable('  '.join((first.ljust(widths[0]), *cells))).rstrip()}\n")


def results(measured: Sequence[dict[str, Any]], *, names: Sequence[str] | None = None) -> Table:
    """One line per evaluation: examples, metrics, loss and cost; named by its split unless names are given."""
    columns = [*(name for name in METRICS if name in measured[0]), "loss", "cost"]
    rows = [
        [name, f"{row['examples']:,}", *(value(column, row[column]) for column in columns)]
        for name, row in zip(names or [row["split"] for row in measured], measured, strict=True)
    ]
    return table(["run" if names else "split", "examples", *columns], rows)


def classes(split: dict[str, Any]) -> Table:
    """Precision, recall and F1 of each class, or each label of a multi-task, and their means (macro)."""
    names = ("precision", "recall", "f1")
    rows = [[_name(c), f"{c['examples']:,}", *(percent(c[name]) for name in names)] for c in split["classes"]]
    means = [percent(sum(c[name] for c in split["classes"]) / len(split["classes"])) for name in names]
    first = "class" if "confusion_matrix" in split else "label"
    return table([first, "examples", "precision", "recall", "F1"], [*rows, ["mean (macro)", "", *means]])


def confusion(split: dict[str, Any]) -> Table:
    """Counts: a row per true class, a column per predicted class."""
    names = [_name(c) for c in split["classes"]]
    rows = [[name, *map(str, row)] for name, row in zip(names, split["confusion_matrix"], strict=True)]
    return table(["true \\ predicted", *names], rows)


def _name(measured: dict[str, Any]) -> str:
    return shortened(measured["class"], WIDTH_OF_NAMES)


def write_json(content: Any) -> None:
    """One JSON document on standard output, all of it ASCII: no name in it can steer a terminal."""
    text = json.dumps(finite(content), indent=2, allow_nan=False).replace("\x7f", "\\u007f")
    sys.stdout.write(f"{text}\n")
