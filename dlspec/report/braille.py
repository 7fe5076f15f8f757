"""Curves as characters, for who stays in the terminal: braille patterns of two by four dots, and sparklines."""

from collections.abc import Sequence

from dlspec.report.axes import Axis, short
from dlspec.report.figures import SHARES, Lines

# Dots of a pattern by column and row (Unicode, U+2800).
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
BLANK = 0x2800
LEVELS = "▁▂▃▄▅▆▇█"
MARGIN = 9  # characters left of the curves, for the numbers

Cell = tuple[str, int | None]


def chart(figure: Lines, *, width: int = 60, height: int = 8) -> list[list[Cell]]:
    """A figure of curves as lines of pieces of text, each with the number of its curve, None where it is of none.

    Where two curves share a character it is of the later one.

    Args:
        figure: the curves; its axis is logarithmic where the values span much.
        width: characters of the curves, at least 2.
        height: lines of the curves, at least 2.
    """
    axis = axis_of(figure)
    patterns = [[0] * width for _ in range(height)]
    owners: list[list[int | None]] = [[None] * width for _ in range(height)]
    for number in range(len(figure.series)):
        for column, row in _dots(figure, number, axis, 2 * width, 4 * height):
            patterns[row // 4][column // 2] |= DOTS[column % 2][row % 4]
            owners[row // 4][column // 2] = number
    labels = {0: axis.high, height - 1: axis.low}
    rows = []
    for row in range(height):
        label = _label(figure, labels[row]) if row in labels else ""
        cells: list[Cell] = [(f"{label:>{MARGIN - 1}} ", None)]
        cells += [(chr(BLANK + dots), owner) for dots, owner in zip(patterns[row], owners[row], strict=True)]
        rows.append(cells)
    first, last = f"{figure.x[0]:g}", f"{figure.across} {figure.x[-1]:g}"
    rows.append([(" " * MARGIN + first + last.rjust(width - len(first)), None)])
    return rows


def axis_of(figure: Lines) -> Axis:
    """The axis of the values: logarithmic where they span much."""
    axis = figure.log_axis
    return axis if axis is not None and figure.starts_logarithmic else figure.linear_axis


def _label(figure: Lines, value: float) -> str:
    return f"{100 * value:.3g} %" if figure.quantity in SHARES else short(float(f"{value:.2g}"))


def _dots(figure: Lines, number: int, axis: Axis, columns: int, rows: int) -> list[tuple[int, int]]:
    """The dots of a curve, neighbouring points joined; row 0 is on top."""
    found: list[tuple[int, int]] = []
    before: tuple[int, int] | None = None
    for x, y in zip(figure.x, figure.series[number].y, strict=True):
        if y is None:
            before = None
            continue
        point = (round(figure.x_axis.place(x) * (columns - 1)), round((1 - axis.place(y)) * (rows - 1)))
        found += [point] if before is None else _joined(before, point)
        before = point
    return found


def _joined(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """The dots of a straight line."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    return [
        tuple(round(a + (b - a) * step / steps) for a, b in zip(start, end, strict=True))  # type: ignore[misc]
        for step in range(steps + 1)
    ]


def sparkline(values: Sequence[float | None], axis: Axis, *, width: int = 24) -> str:
    """A row of blocks as high as the values on an axis, a blank where one is missing; of many values some, evenly."""
    n = len(values)
    chosen = [values[round(at * (n - 1) / (width - 1))] for at in range(width)] if n > width else values
    return "".join(
        " " if value is None else LEVELS[min(len(LEVELS) - 1, int(axis.place(value) * len(LEVELS)))] for value in chosen
    )
