"""The parts of the page that are words and tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dlspec.config.differences import Setting
from dlspec.report import figures, summary, svg
from dlspec.report.markdown import MATRIX_UP_TO, error_words, flags
from dlspec.report.markup import Markup, element, joined, name_of
from dlspec.report.numbers import METRICS, percent, signed_percent
from dlspec.report.numbers import value as shown
from dlspec.text import shortened

Row = Mapping[str, Any]

ROWS_UP_TO = 24  # of the numbers behind a figure; metrics.jsonl has all of them
VALUES_UP_TO = 200  # characters of a setting
SHADES = 5

FINE = "Nothing stands out: errors and training look fine."
NOT_TOLD = "Nothing stands out in what was measured; the notes below say what was not."


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, label: str, words: Sequence[int] = ()) -> Markup:
    """A table that scrolls by itself where it is wider than the page; the first cell of a row names it.

    Args:
        head: names of the columns.
        rows: cells.
        label: what it shows, for who cannot see it.
        words: columns that hold text.
    """

    def kind(at: int) -> dict[str, object]:
        return {"class": "words" if at in words else None}

    columns = [element("th", {"scope": "col", **kind(at)}, name) for at, name in enumerate(head)]
    body = []
    for name, *cells in rows:
        written = [element("td", kind(at), cell) for at, cell in enumerate(cells, start=1)]
        body.append(element("tr", None, element("th", {"scope": "row"}, name), *written))
    return _scrolling(columns, body, label=label)


def _scrolling(columns: Sequence[Markup], rows: Sequence[Markup], *, label: str, kind: str | None = None) -> Markup:
    content = element(
        "table",
        {"class": kind, "aria-label": label},
        element("thead", None, element("tr", None, *columns)),
        element("tbody", None, *rows),
    )
    return element("div", {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": label}, content)


def folded(summary: str, content: Markup) -> Markup:
    """Content that opens on demand."""
    return element("details", None, element("summary", None, summary), content)


def listed(lines: Sequence[str]) -> Markup:
    """Lines as a list; nothing where there are none."""
    return element("ul", {"class": "note"}, *(element("li", None, line) for line in lines)) if lines else Markup()


def heading(name: str, verdict: str, words: str, *, mood: str, tiles: Sequence[tuple[str, str]]) -> Markup:
    """The top of the page of a run.

    Args:
        name: of the experiment.
        verdict: what the page comes down to.
        words: a sentence on it.
        mood: of the verdict: `high`, `fine` or `unsure`.
        tiles: numbers, each with what it is of.
    """
    numbers = (element("div", None, element("dt", None, of), element("dd", None, number)) for of, number in tiles)
    parts = [
        element("h1", None, name),
        element("p", {"class": f"verdict {mood}"}, verdict[:1].upper() + verdict[1:]),
        element("p", None, words),
        element("dl", {"class": "tiles"}, *numbers),
    ]
    return joined(parts)


def actions(report: Row) -> Markup:
    """What to try next, the most promising first, each with the flags that do it."""
    found = report.get("actions") or [{"action": step} for step in report["diagnosis"]["next_steps"]]
    if found:
        return numbered(found)
    told = report["diagnosis"]["verdict"].startswith("low")
    return element("p", None, FINE if told else NOT_TOLD)


def numbered(found: Sequence[Row]) -> Markup:
    """Actions in their order, at least one."""
    return element("ol", {"class": "actions"}, *(element("li", None, *_action(action)) for action in found))


def _action(action: Row) -> Iterator[str]:
    yield element("span", {"class": "strong"}, action["action"])
    if action.get("gap"):
        yield element("span", {"class": "chip"}, f"against {action['gap']}")
    if action.get("knob"):
        yield element("span", {"class": "chip"}, f"knob: {action['knob']}")
    for key in ("reason", "effect"):
        if action.get(key):
            yield element("p", {"class": "quiet" if key == "effect" else None}, action[key])
    if action.get("set"):
        line = flags(action["set"])
        copy = element("button", {"type": "button", "class": "copy", "hidden": True}, "copy")
        yield element("div", {"class": "set"}, element("code", None, line), copy)


def results(report: Row) -> Markup:
    """Every split with its metrics, and the gaps, as tables."""
    splits = report["splits"]
    metrics = [name for name in METRICS if name in splits[0]]
    columns = (*metrics, "loss", "cost")
    rows = [[row["split"], f"{row['examples']:,}", *(shown(name, row[name]) for name in columns)] for row in splits]
    head = ["split", "examples", *(figures.TITLES.get(name, name) for name in columns)]
    enough = summary.more_examples(report)
    gaps = [
        [
            gap.name,
            *map(signed_percent, (gap.value, gap.low, gap.high)),
            percent(gap.threshold),
            gap.judgement,
            enough[gap.name],
        ]
        for gap in figures.gaps(report).rows
    ]
    names = ["gap", "value", "at least", "at most", "high from", "judgement", "examples that would tell"]
    errors = folded("The errors as a table", table(*summary.errors(report), label="Errors"))
    behind = folded("The gaps as a table", table(names, gaps, label="Gaps", words=(5,)))
    note = element("p", {"class": "note"}, error_words(report))
    return joined([table(head, rows, label="Results"), note, errors, behind])


def asked_for(report: Row, met: Mapping[str, bool]) -> Markup:
    """The metric that was optimized and the limits, beside what the result has; nothing where nothing was asked."""
    asked = summary.limits(report, met=met)
    if asked is None:
        return Markup()
    rows = []
    for name, told, value in asked[1]:
        mood = {"met": "fine", "not met": "high"}.get(told)
        cells = [element("td", {"class": mood}, told), element("td", None, value)]
        rows.append(element("tr", None, element("th", {"scope": "row"}, name), *cells))
    head = [element("th", {"scope": "col"}, name) for name in asked[0]]
    return _scrolling(head, rows, label="Limits")


def curves(lines: Sequence[figures.Lines]) -> Markup:
    """Figures of curves side by side; nothing where there are none."""
    return element("div", {"class": "figures"}, *map(_chart, lines)) if lines else Markup()


def _chart(figure: figures.Lines) -> Markup:
    """A figure of curves with its legend, a switch to a logarithmic axis, and the numbers as a table."""
    head: list[Markup] = [element("h3", None, figure.title)]
    if figure.log_axis is not None:
        pressed = "true" if figure.starts_logarithmic else "false"
        label = f"Logarithmic axis of {figure.title}"
        attributes = {"type": "button", "hidden": True, "aria-pressed": pressed, "aria-label": label}
        head.append(element("button", attributes, "log"))
    legend = [element("li", None, svg.key(series.role), series.name) for series in figure.series]
    return element(
        "figure",
        {"id": f"figure-{figure.key}"},
        element("div", {"class": "head"}, *head),
        element("ul", {"class": "legend"}, *legend),
        svg.lines(figure),
        element("output", None),
        element("figcaption", None, *_caption(figure)),
        numbers(figure),
    )


def _caption(figure: figures.Lines) -> Iterator[str]:
    words = [mark.text if mark.kind == "best" else f"{mark.text} (epoch {mark.x:g})" for mark in figure.marks]
    for line in filter(None, (figure.note, *words)):
        yield element("div", None, line)


def numbers(figure: figures.Lines) -> Markup:
    """Some of the points of a figure, evenly chosen, and the last one."""
    step = -(-len(figure.x) // ROWS_UP_TO)
    chosen = sorted({*range(0, len(figure.x), step), len(figure.x) - 1})
    rows = [[f"{figure.x[at]:g}", *(shown(figure.quantity, series.y[at]) for series in figure.series)] for at in chosen]
    head = [figure.across, *(series.name for series in figure.series)]
    return folded("Numbers", table(head, rows, label=f"{figure.title} by {figure.across}"))


def findings(found: Sequence[Row]) -> Markup:
    """What was seen to go wrong in the training, each with its place, number and threshold."""
    items = [
        element("li", None, one["message"], " ", element("span", {"class": "quiet"}, summary.place(one)))
        for one in found
    ]
    return element("ul", {"class": "findings"}, *items) if items else Markup()


def health(known: Row, samples: Sequence[Row], *, end: str = "at the end", fine: str = "Nothing stands out.") -> Markup:
    """What is out of bounds, the curves of each layer, and the layers at their first and last look.

    Args:
        known: `findings`, and the layers `initial` and `last`.
        samples: rows of `health.jsonl`.
        end: when the last look was.
        fine: what to say where nothing is out of bounds.
    """
    found = findings(known.get("findings") or ())
    if samples and not found:
        found = element("p", {"class": "note"}, fine)
    return joined(
        [
            found,
            curves(figures.health(samples)),
            layers("Layers at the start", known.get("initial") or ()),
            layers(f"Layers {end}", known.get("last") or ()),
        ]
    )


def layers(title: str, rows: Sequence[Row]) -> Markup:
    """The numbers of each layer at one moment."""
    if not rows:
        return Markup()
    return folded(title, table(*summary.layers(rows), label=title, words=(1,)))


def classes(split: Row) -> Markup:
    """The confusion matrix, and precision, recall and F1 of each class or label."""
    if "classes" not in split:
        return Markup()
    matrix = figures.confusion(split)
    rows = [
        [name_of(one["class"]), f"{one['examples']:,}", *(percent(one[key]) for key in ("precision", "recall", "f1"))]
        for one in split["classes"]
    ]
    kind = "class" if matrix else "label"
    scores = table([kind, "examples", "precision", "recall", "F1"], rows, label=f"Scores of each {kind}")
    note = element("p", {"class": "note"}, f"On {split['split']}.")
    drawn = confusion(matrix) if matrix and len(matrix.names) <= MATRIX_UP_TO else Markup()
    return joined([note, drawn, folded(f"Each {kind}", scores) if drawn else scores])


def confusion(matrix: figures.Matrix) -> Markup:
    """The matrix as a table, the share of its row as shade: right ones green, wrong ones red."""
    names = [name_of(name) for name in matrix.names]
    head = [element("th", {"scope": "col"}, name) for name in ("true ↓ taken for →", *names)]
    rows = []
    for true, (name, counts) in enumerate(zip(names, matrix.counts, strict=True)):
        whole = sum(counts) or 1
        cells = [
            element("td", {"class": _shade(count / whole, right=true == found)}, f"{count:,}" if count else "")
            for found, count in enumerate(counts)
        ]
        rows.append(element("tr", None, element("th", {"scope": "row"}, name), *cells))
    return _scrolling(head, rows, label=matrix.title, kind="matrix")


def _shade(share: float, *, right: bool) -> str | None:
    if not share:
        return None
    level = min(SHADES, 1 + int(SHADES * (share if right else share**0.5)))
    return f"{'g' if right else 'b'}{level}"


def configuration(report: Row, settings: Sequence[Setting]) -> Markup:
    """The settings: first those that differ from the defaults, then all of them on demand."""
    changes = [
        f"after epoch {segment['epoch']}, step {segment['step']}: {', '.join(segment['changes'])}"
        for segment in report.get("segments", ())[1:]
    ]
    if not settings:
        return listed(changes)
    differing = [setting for setting in settings if setting.differs]
    return joined(
        [
            element("p", {"class": "note"}, "What differs from the defaults:"),
            _settings(differing, label="Settings that differ from the defaults"),
            folded(f"All {len(settings)} settings", _settings(settings, label="All settings")),
            element("h3", None, "Changes on the way") if changes else Markup(),
            listed(changes),
        ]
    )


def _settings(settings: Sequence[Setting], *, label: str) -> Markup:
    rows = [
        element(
            "tr",
            {"class": "differs" if setting.differs else None},
            element("th", {"scope": "row"}, *_broken(setting.key)),
            element("td", None, setting_text(setting.value)),
            element("td", {"class": "quiet"}, setting_text(setting.default)),
        )
        for setting in settings
    ]
    head = [element("th", {"scope": "col"}, name) for name in ("key", "value", "default")]
    return _scrolling(head, rows, label=label, kind="config")


def _broken(key: str) -> Iterator[str]:
    """A key that may be broken before each of its dots."""
    first, *rest = key.split(".")
    yield first
    for part in rest:
        yield from (element("wbr"), f".{part}")


def setting_text(value: Any) -> str:
    """A value as it stands in an experiment file, on one line."""
    if isinstance(value, Mapping):
        text = "{" + ", ".join(f"{key}: {setting_text(item)}" for key, item in value.items()) + "}"
    elif isinstance(value, list | tuple):
        text = f"[{', '.join(map(setting_text, value))}]"
    elif isinstance(value, bool) or value is None:
        text = {True: "true", False: "false", None: "unset"}[value]
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    return shortened(text, VALUES_UP_TO)
