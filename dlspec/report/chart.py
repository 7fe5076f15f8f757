"""Curves as text: a small picture for terminals, pipes and logs, in ASCII alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

MARKS = "*o+x#@"
_LABEL = 10  # columns of the numbers beside the picture


@dataclass(frozen=True, slots=True)
class Series:
    """One curve: its name, and its points. What is not finite, or not positive on a log axis, is left out."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def chart(
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    width: int = 66,
    height: int = 14,
    log_x: bool = False,
    log_y: bool = False,
) -> list[str]:
    """Lines of a picture, later curves on top; none where there is nothing to draw.

    Args:
        series: at most as many as there are `MARKS`; more share them.
        x_label: what lies to the right.
        y_label: what lies upwards.
        width: columns of the picture, without the numbers beside it.
        height: lines of the picture.
        log_x: whether the x axis is logarithmic.
        log_y: whether the y axis is.
    """
    curves = [_drawable(one, log_x, log_y) for one in series]
    points = [point for curve in curves for point in curve]
    if not points:
        return []
    x_range, y_range = _span([x for x, _ in points]), _span([y for _, y in points])
    grid = [[" "] * width for _ in range(height)]
    for number, curve in enumerate(curves):
        for x, y in curve:
            column = round(_place(x, x_range) * (width - 1))
            line = height - 1 - round(_place(y, y_range) * (height - 1))
            grid[line][column] = MARKS[number % len(MARKS)]
    return _framed(grid, series, [_axis(x_range, log_x), _axis(y_range, log_y)], [x_label, y_label])


def _drawable(series: Series, log_x: bool, log_y: bool) -> list[tuple[float, float]]:
    def scaled(value: float, log: bool) -> float:
        if log:
            return math.log10(value) if value > 0 else math.nan
        return value

    points = [(scaled(x, log_x), scaled(y, log_y)) for x, y in zip(series.x, series.y, strict=True)]
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _place(value: float, span: tuple[float, float]) -> float:
    return (value - span[0]) / (span[1] - span[0])


def _axis(span: tuple[float, float], log: bool) -> list[str]:
    """Numbers at the beginning, the middle and the end of an axis."""
    values = (span[0], (span[0] + span[1]) / 2, span[1])
    return [f"{10**value if log else value:.3g}" for value in values]


def _framed(
    grid: Sequence[Sequence[str]], series: Sequence[Series], axes: Sequence[Sequence[str]], labels: Sequence[str]
) -> list[str]:
    (left, middle, right), (bottom, center, top) = axes
    height, width = len(grid), len(grid[0])
    beside = {0: top, height // 2: center, height - 1: bottom}
    lines = [f"{labels[1]:>{_LABEL}}"]
    lines += [f"{beside.get(number, ''):>{_LABEL}} |{''.join(line)}".rstrip() for number, line in enumerate(grid)]
    lines.append(f"{'':>{_LABEL}} +{'-' * width}")
    half = width // 2
    numbers = f"{left:<{half - len(middle) // 2}}{middle}"
    lines.append(f"{'':>{_LABEL}}  {numbers}{right:>{width - len(numbers)}}")
    legend = "   ".join(f"{MARKS[number % len(MARKS)]} {one.name}" for number, one in enumerate(series))
    lines.append(f"{'':>{_LABEL}}  {labels[0]}" + (f"     {legend}" if len(series) > 1 else ""))
    return lines
