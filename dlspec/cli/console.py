"""Results on standard output, everything else on standard error."""

import json
import math
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dlspec.report.numbers import METRICS, percent, value
from dlspec.text import finite, printable, shortened

# Without a terminal there is no width to fit into: lines stay whole for grep and files.
WIDTH_OF_FILES = 400
WIDTH_OF_NAMES = 60  # a longer name of a class would push the numbers out


class _Console(Console):
    """A console that leaves a reader's departure to `main`, which ends quietly with exit code 0."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """A console that colours only a terminal, and respects NO_COLOR."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_FILES
    # The terminal breaks long lines: breaks of our own would be copied with the commands in them.
    return _Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def text(content: str, *, style: str = "") -> Text:
    """Text that is shown as it is, without control characters."""
    return Text(printable(content), style=style)


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


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Columns without lines: the first on the left, numbers on the right."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(head):
        result.add_column(text(name), justify="left" if index == 0 else "right", no_wrap=True)
    for row in rows:
        result.add_row(*map(text, row))
    return result


def plain_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The same columns on standard output at once: thousands of rows take no longer than to read them."""
    whole = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    for first, *rest in whole:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        sys.stdout.write(f"{printable('  '.join((first.ljust(widths[0]), *cells))).rstrip()}\n")


def fitted_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The columns of `plain_table` that fit into the terminal, the first ones, and a note on those that do not.

    Names in the first column give way to the others: from half of the width on they lose their middle. Where there is
    no terminal everything is shown.
    """
    room = room_of_terminal()
    if _width(head, rows) > room:
        rows = [[_without_middle(row[0], int(max(room // 2, 20))), *row[1:]] for row in rows]
    kept = len(head)
    while kept > 1 and _width(head[:kept], rows) > room:
        kept -= 1
    plain_table(head[:kept], [row[:kept] for row in rows])
    if left_out := head[kept:]:
        note = f"for lack of width without {', '.join(left_out)}; JSON has everything"
        for line in prose(console(), "         ", note):
            console().print(line, style="dim")


def room_of_terminal() -> float:
    """Columns that a table has on standard output; infinitely many in files and pipes."""
    return console().width if sys.stdout.isatty() else math.inf


def _width(head: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Of a table of these columns; rows may have more."""
    columns = zip(head, *rows, strict=False)
    return sum(2 + max(map(len, column)) for column in columns) - 2


def _without_middle(name: str, width: int) -> str:
    end = (width - 1) // 2
    return name if len(name) <= width else f"{name[: width - 1 - end]}…{name[-end:]}"


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
