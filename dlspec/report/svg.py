"""Figures as inline SVG. Colours and fonts are the page's: its classes name what a shape is, not how it looks."""

import json
from collections.abc import Iterator, Sequence
from itertools import cycle, groupby

from dlspec.report.axes import Axis, short
from dlspec.report.figures import SHARES, Bars, Interval, Lines, Mark, Series, described
from dlspec.report.markup import Markup, element, joined, visible
from dlspec.report.numbers import percent, signed_percent
from dlspec.text import shortened

WIDTH, HEIGHT = 400.0, 246.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 388.0, 10.0, 204.0
ROW = 62.0  # height of a bar with its words
LABEL_UP_TO = 26  # characters beside a line: half the width of a figure
LABEL_ROWS = 4


def lines(figure: Lines) -> Markup:
    """Curves, drawn on a linear and where possible on a logarithmic axis; a script of the page shows one of the two.

    What the script needs for hovering stands in `data-chart`: x, values, axes.
    """
    axes = {"linear": figure.linear_axis, "log": figure.log_axis}
    views = [
        element("g", {"class": f"view {name}"}, *_view(figure, axis)) for name, axis in axes.items() if axis is not None
    ]
    attributes = {
        "viewBox": f"0 0 {WIDTH:g} {HEIGHT:g}",
        "class": "chart is-log" if figure.starts_logarithmic else "chart",
        "role": "img",
        "tabindex": "0",
        "aria-label": described(figure),
        "data-chart": _data(figure),
    }
    return element("svg", attributes, *_x_axis(figure), *views, *_marks(figure))


def key(role: str) -> Markup:
    """A short piece of a curve, for the legend."""
    path = element("path", {"class": f"line {role}", "d": "M1 5H27"})
    return element("svg", {"viewBox": "0 0 28 10", "class": "key", "aria-hidden": "true"}, path)


def _data(figure: Lines) -> str:
    """What the script takes, as JSON: seven digits are more than a screen has pixels."""

    def plain(number: float | None) -> float | None:
        return None if number is None else float(f"{number:.7g}")

    def ends(axis: Axis | None) -> list[float] | None:
        return None if axis is None else [axis.low, axis.high]

    return json.dumps(
        {
            "plot": [LEFT, TOP, RIGHT, BOTTOM],
            "across": figure.across,
            "x": figure.x,
            "ends": ends(figure.x_axis),
            "linear": ends(figure.linear_axis),
            "log": ends(figure.log_axis),
            "percent": figure.quantity in SHARES,
            "names": [visible(series.name) for series in figure.series],
            "roles": [series.role for series in figure.series],
            "y": [[plain(number) for number in series.y] for series in figure.series],
            "marks": [[min(figure.x, key=lambda x: abs(x - mark.x)), visible(mark.text)] for mark in figure.marks],
        },
        separators=(",", ":"),
        allow_nan=False,
    )


def _across(axis: Axis, value: float) -> float:
    return LEFT + (RIGHT - LEFT) * axis.place(value)


def _up(axis: Axis, value: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * axis.place(value)


def _text(x: float, y: float, content: str, anchor: str = "start", kind: str = "") -> Markup:
    return element("text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "class": kind or None}, content)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return element("line", {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}", "class": kind})


def _x_axis(figure: Lines) -> Iterator[Markup]:
    axis = figure.x_axis
    yield _line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis")
    for tick in axis.ticks(whole=True):
        x = _across(axis, tick)
        yield _line(x, BOTTOM, x, BOTTOM + 4, "axis")
        yield _text(x, BOTTOM + 18, short(tick), "middle")
    yield _text(RIGHT, HEIGHT - 5, figure.across, "end", "unit")


def _view(figure: Lines, axis: Axis) -> Iterator[Markup]:
    """Ticks of the values, and the curves."""
    for tick in axis.ticks():
        y = _up(axis, tick)
        label = f"{100 * tick:.4g} %" if figure.quantity in SHARES else short(tick)
        yield _line(LEFT, y, RIGHT, y, "grid")
        yield _text(LEFT - 6, y + 4, label, "end")
    for series in figure.series:
        yield from _curve(figure, series, axis)


def _curve(figure: Lines, series: Series, axis: Axis) -> Iterator[Markup]:
    """A path with a gap where values are missing; a value between two gaps is a dot."""
    pairs = zip(figure.x, series.y, strict=True)
    pieces = []
    for known, group in groupby(pairs, key=lambda pair: pair[1] is not None):
        if not known:
            continue
        points = [(_across(figure.x_axis, x), _up(axis, y)) for x, y in group if y is not None]
        if len(points) == 1:
            (x, y) = points[0]
            yield element("circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "3.5", "class": f"dot {series.role}"})
        else:
            pieces.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points))
    if pieces:
        yield element("path", {"class": f"line {series.role}", "d": "".join(pieces)})


def _marks(figure: Lines) -> Iterator[Markup]:
    rows = cycle(range(LABEL_ROWS))  # labels of neighbours stand below one another
    for mark in sorted(figure.marks, key=lambda mark: bool(mark.label)):  # labels above the lines of others
        x = _across(figure.x_axis, min(max(mark.x, figure.x_axis.low), figure.x_axis.high))
        title = element("title", None, mark.text)
        shape = [_spike(x)] if mark.kind == "spike" else [_line(x, TOP, x, BOTTOM, "")]
        label = [_label(mark, x, next(rows))] if mark.label else []
        yield element("g", {"class": f"mark {mark.kind}"}, *shape, *label, title)


def _spike(x: float) -> Markup:
    return element("path", {"d": f"M{x:.1f} {BOTTOM - 1:g}l-4 -8h8z"})


def _label(mark: Mark, x: float, row: int) -> Markup:
    """What begins at a line, on the side that has more room."""
    side, anchor = (4, "start") if x < (LEFT + RIGHT) / 2 else (-4, "end")
    return _text(x + side, TOP + 11 + 15 * row, shortened(visible(mark.label), LABEL_UP_TO), anchor)


def bars(figure: Bars) -> Markup:
    """Values and intervals, a row each: words above, bar below."""
    axis = _around([end for row in figure.rows for end in (row.low, row.high, row.value, row.threshold or 0.0, 0.0)])
    height = ROW * len(figure.rows) + 26
    words = "; ".join(" ".join([row.name, *_words(figure, row), row.judgement]).strip() for row in figure.rows)
    attributes = {
        "viewBox": f"0 0 {WIDTH:g} {height:g}",
        "class": "bars",
        "role": "img",
        "aria-label": f"{figure.title}. {words}.",
    }
    return element("svg", attributes, *_bar_grid(axis, height), *_bar_rows(figure, axis))


def _around(values: Sequence[float]) -> Axis:
    """An axis that has all values and 0 in it, with room for half a line."""
    low, high = min(values), max(values)
    room = 0.04 * (high - low) or 0.01
    return Axis(low - room, high + room)


def _bar_x(axis: Axis, value: float) -> float:
    return 12 + (RIGHT - 12) * axis.place(value)


def _bar_grid(axis: Axis, height: float) -> Iterator[Markup]:
    for tick in axis.ticks():
        x = _bar_x(axis, tick)
        yield _line(x, 0, x, height - 22, "axis" if tick == 0 else "grid")
        yield _text(x, height - 6, f"{100 * tick:.4g} %", "middle")


def _words(figure: Bars, row: Interval) -> tuple[str, str]:
    """A row in words: its value, and where it may lie."""
    text = signed_percent if figure.key == "gaps" else percent
    return text(row.value), f"{text(row.low)} to {text(row.high)}" if row.high > row.low else ""


def _bar_rows(figure: Bars, axis: Axis) -> Iterator[Markup]:
    for number, row in enumerate(figure.rows):
        top = number * ROW
        value, interval = _words(figure, row)
        name = joined([element("tspan", {"class": "strong"}, row.name), f"  {value}"])
        yield from _bar(row, axis, top + 48)
        yield _text(12, top + 15, name)
        yield _text(12, top + 32, interval, kind="unit")
        yield _text(RIGHT, top + 32, row.judgement, "end", _mood(row))  # beside the shorter of the two lines


def _mood(row: Interval) -> str:
    return {"high": "high", "fine": "fine"}.get(row.judgement, "unsure" if row.judgement else "plain")


def _bar(row: Interval, axis: Axis, middle: float) -> Iterator[Markup]:
    zero, value, low, high = (_bar_x(axis, each) for each in (0.0, row.value, row.low, row.high))
    rect = {"x": f"{min(zero, value):.1f}", "y": f"{middle - 7:g}", "width": f"{abs(value - zero):.1f}", "height": "14"}
    yield element("rect", {**rect, "class": f"bar {_mood(row)}"})
    yield _line(value, middle - 7, value, middle + 7, "whisker")
    if row.high > row.low:
        yield _line(low, middle, high, middle, "whisker")
        yield _line(low, middle - 5, low, middle + 5, "whisker")
        yield _line(high, middle - 5, high, middle + 5, "whisker")
    if row.threshold is not None:
        x = _bar_x(axis, row.threshold)
        yield _line(x, middle - 10, x, middle + 10, "threshold")
