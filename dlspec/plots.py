"""The figures of a report as files, drawn by Matplotlib, which is the extra `plot`."""

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from dlspec.errors import UsageError
from dlspec.report import figures
from dlspec.report.axes import short
from dlspec.report.drawings import COLOURS
from dlspec.report.figures import SHARES, Bars, Lines, Matrix
from dlspec.report.markup import visible
from dlspec.run import storage
from dlspec.run_page import Content
from dlspec.text import shortened

FORMATS = ("svg", "png")
NAMES_UP_TO = 20  # characters
LABEL_UP_TO = 48  # characters along a line
STYLES = {"train": ("#0b63b0", "--"), "dev": ("#b84a00", "-"), "cost": ("#6f42a8", ":"), "rate": ("#0b63b0", "-")}
SETTINGS = {
    "svg.hashsalt": "dlspec",  # the same figure is the same bytes
    "text.parse_math": False,  # a dollar in a name is a dollar
    "figure.constrained_layout.use": True,
    "font.size": 10.0,
}

Draw = Callable[[Any], None]  # onto the axes of a figure


def write(content: Content, place: Path) -> list[Path]:
    """Write every figure of a run into a directory, as SVG and PNG; gives the files.

    Raises:
        UsageError: Matplotlib is not installed.
        RunError: the place is not writable.
    """
    try:
        from matplotlib import rc_context
    except ImportError:
        raise UsageError("drawing plots needs Matplotlib, which is not installed: pip install 'dlspec[plot]'") from None
    storage.check_writable(place)
    storage.make_parents(place)
    written = []
    with rc_context(SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that its font lacks
        for key, draw in _drawn(content):
            for kind in FORMATS:
                path = place / f"{key}.{kind}"
                storage.write_file(path, _file(draw, kind))
                written.append(path)
    return written


def _drawn(content: Content) -> Iterator[tuple[str, Draw]]:
    """Every figure there is, by the name of its file."""
    for lines in (*content.curves, *figures.health(content.health)):
        yield lines.key, partial(_lines, lines=lines)
    for bars in (figures.gaps(content.report), figures.errors(content.report)):
        if bars.rows:
            yield bars.key, partial(_bars, bars=bars)
    matrix = figures.confusion(figures.decided_on(content.report))
    if matrix is not None:
        yield matrix.key, partial(_matrix, matrix=matrix)
    boundary = (content.pictures or {}).get("boundary")
    if boundary:
        yield "boundary", partial(_boundary, content=boundary)


def _file(draw: Draw, kind: str) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), dpi=150)
    draw(figure.add_subplot())
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def _lines(axes: Any, lines: Lines) -> None:
    for series in lines.series:
        colour, style = STYLES.get(series.role, (f"C{series.role[1:]}", "-"))
        y = [float("nan") if value is None else value for value in series.y]
        alone = sum(value is not None for value in series.y) < len(lines.x) / 2  # such points lie far apart
        marker = "o" if len(lines.x) == 1 or alone else None
        axes.plot(lines.x, y, label=visible(series.name), color=colour, linestyle=style, marker=marker)
    for mark in lines.marks:
        axes.axvline(mark.x, color="0.4", linewidth=0.8, linestyle="-." if mark.kind == "spike" else ":")
        if mark.label:
            label, beside = shortened(visible(mark.label), LABEL_UP_TO), axes.get_xaxis_transform()
            axes.text(
                mark.x, 0.98, label, transform=beside, rotation=90, ha="right", va="top", fontsize=8, color="0.25"
            )
    if lines.starts_logarithmic and lines.log_axis is not None:
        axes.set_yscale("log")
        axes.minorticks_off()
        ticks = lines.log_axis.ticks()
        axes.set_yticks(ticks, [short(tick) for tick in ticks])  # Matplotlib's own are formulas, which are off
    if lines.quantity in SHARES:
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
    axes.set(title=lines.title, xlabel=lines.across)
    axes.grid(alpha=0.3)
    axes.legend()


def _bars(axes: Any, bars: Bars) -> None:
    colours = {"high": "#b42318", "fine": "#1a7f37"}
    for number, row in enumerate(reversed(bars.rows)):
        spans = [[max(0.0, row.value - row.low)], [max(0.0, row.high - row.value)]]
        colour = colours.get(row.judgement, "0.5")
        axes.barh([number], [row.value], xerr=spans, height=0.45, color=colour, alpha=0.5, capsize=4)
        if row.threshold is not None:
            axes.plot([row.threshold] * 2, [number - 0.35, number + 0.35], color="#b84a00", linewidth=2)
    names = [f"{visible(row.name)}\n{visible(row.judgement)}" for row in reversed(bars.rows)]
    axes.set_yticks(range(len(bars.rows)), names)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
    axes.axvline(0, color="0.2", linewidth=0.8)
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(bars.title)


def _matrix(axes: Any, matrix: Matrix) -> None:
    shares = [[count / (sum(row) or 1) for count in row] for row in matrix.counts]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [_name(name) for name in matrix.names]
    places = range(len(names))
    if len(names) <= 2 * NAMES_UP_TO:
        axes.set_xticks(places, names, rotation=90 if max(map(len, names)) > 3 else 0)
        axes.set_yticks(places, names)
    if len(names) <= NAMES_UP_TO:
        for true, row in enumerate(matrix.counts):
            for found, count in enumerate(row):
                colour = "white" if shares[true][found] > 0.5 else "black"
                axes.text(found, true, str(count or ""), ha="center", va="center", color=colour, fontsize=8)
    axes.set(title=matrix.title, xlabel="taken for", ylabel="true")


def _boundary(axes: Any, content: Mapping[str, Any]) -> None:
    colours = [tuple(channel / 255 for channel in colour) for colour in COLOURS]
    image = [
        [(*colours[int(region)], 0.1 + 0.5 * int(sure) / 9) for region, sure in zip(*pair, strict=True)]
        for pair in zip(content["regions"], content["certainty"], strict=True)
    ]
    axes.imshow(image, origin="lower", extent=(*content["x"], *content["y"]), aspect="auto")
    for number, name in enumerate(content["classes"]):
        points = [point for point in content["points"] if point["class"] == number]
        edges = ["white" if point["class"] == point["predicted"] else "black" for point in points]
        x, y = [point["x"] for point in points], [point["y"] for point in points]
        axes.scatter(x, y, s=22, color=colours[number], edgecolors=edges, label=_name(name))
    first, second = content["features"]
    axes.set(title=f"Decision boundary ({content['split']})", xlabel=_name(first), ylabel=_name(second))
    axes.legend()


def _name(text: str) -> str:
    return shortened(visible(text), NAMES_UP_TO)
