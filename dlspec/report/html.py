"""`report.html`: the report of a run as one page that needs nothing else, neither the net nor another file.

The same content gives the same bytes: no time and no place of the run stands in it.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from dlspec.config.differences import Setting
from dlspec.report import drawings, figures, sections, summary, svg
from dlspec.report.assets import SCRIPT, STYLE
from dlspec.report.markup import Markup, element, joined, name_of
from dlspec.report.numbers import percent
from dlspec.report.numbers import value as shown

Row = Mapping[str, Any]

LOOKED_AT = "test was looked at for this report; how often in all is told by dlspec diagnose"


def render(
    report: Row,
    *,
    metrics: Sequence[Row],
    health: Sequence[Row] = (),
    pictures: Row | None = None,
    settings: Sequence[Setting] = (),
) -> str:
    """The page.

    Args:
        report: content of `report.json`.
        metrics: rows of `metrics.jsonl`.
        health: rows of `health.jsonl`; none where the run was not sampled.
        pictures: content of `pictures.json`; None where there is none.
        settings: of the experiment.
    """
    parts = [
        ("next", "What to try next", sections.actions(report)),
        ("asked", "What was asked for", sections.asked_for(report)),
        ("errors", "Bias and variance", _errors(report)),
        ("curves", "Curves", _figures(figures.curves(report, metrics))),
        ("health", "Health of the training", _health(report, health)),
        ("classes", _classes(report), sections.classes(figures.decided_on(report))),
        ("boundary", "Decision boundary", _boundary(pictures or {})),
        ("worst", "Examples that cost the most", _worst(pictures or {})),
        ("config", "Configuration", sections.configuration(report, settings)),
        ("warnings", "Warnings", sections.listed(report["warnings"])),
    ]
    found = [(anchor, title, content) for anchor, title, content in parts if content]
    body = element(
        "body",
        None,
        element("a", {"class": "skip", "href": "#next"}, "To the content"),
        _header(report, [(anchor, title) for anchor, title, _ in found]),
        element("main", None, *(_section(*part) for part in found)),
        element("script", None, Markup(SCRIPT)),
    )
    return f"<!DOCTYPE html>\n{element('html', {'lang': 'en'}, _head(report), body)}\n"


def _head(report: Row) -> Markup:
    policy = (
        f"default-src 'none'; script-src '{_hash(SCRIPT)}'; style-src '{_hash(STYLE)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return element(
        "head",
        None,
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "referrer", "content": "no-referrer"}),
        element("link", {"rel": "icon", "href": "data:,"}),
        element("title", None, f"{report['name']}: {report['diagnosis']['verdict']}"),
        element("style", None, Markup(STYLE)),
    )


def _hash(content: str) -> str:
    """Of an inline script or style, as a policy names it."""
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode('ascii')}"


def _header(report: Row, contents: Sequence[tuple[str, str]]) -> Markup:
    verdict = report["diagnosis"]["verdict"]
    mood = "high" if "high" in verdict or "mismatch" in verdict else "fine" if "low" in verdict else "unsure"
    split = figures.decided_on(report)
    metrics = [name for name in ("accuracy", "f1", "rmse", "mae", "r2") if name in split]
    tiles = [(f"{split['split']} {figures.TITLES.get(name, name)}", shown(name, split[name])) for name in metrics]
    tiles += [(f"{row['split']} error", percent(row["error"])) for row in report["splits"]]
    if size := summary.model_size(report):
        tiles.append(("model", size))
    links = [element("li", None, element("a", {"href": f"#{anchor}"}, title)) for anchor, title in contents]
    return element(
        "header",
        None,
        element("h1", None, report["name"]),
        element("p", {"class": f"verdict {mood}"}, verdict[:1].upper() + verdict[1:]),
        element("p", None, f"{report['message'].capitalize()}; the numbers are of epoch {report['epoch']} ",
                f"({report['parameters']} parameters)."),
        element("dl", {"class": "tiles"}, *(
            element("div", None, element("dt", None, name), element("dd", None, number)) for name, number in tiles
        )),
        element("nav", {"aria-label": "Contents"}, element("ul", None, *links)),
    )  # fmt: skip


def _section(anchor: str, title: str, content: Markup) -> Markup:
    heading = element("h2", {"id": f"{anchor}-title"}, title)
    return element("section", {"id": anchor, "aria-labelledby": f"{anchor}-title"}, heading, content)


def _errors(report: Row) -> Markup:
    drawn = [figure for figure in (figures.gaps(report), figures.errors(report)) if figure.rows]
    found = [
        element(
            "figure",
            {"id": f"figure-{figure.key}"},
            element("div", {"class": "head"}, element("h3", None, figure.title)),
            svg.bars(figure),
            element("figcaption", None, figure.note),
        )
        for figure in drawn
    ]
    looked_at = any(split["split"] == "test" for split in report["splits"])
    notes = sections.listed([*report["diagnosis"]["notes"], *([LOOKED_AT] if looked_at else [])])
    return joined([element("div", {"class": "figures"}, *found), notes, sections.results(report)])


def _figures(lines: Sequence[figures.Lines]) -> Markup:
    return element("div", {"class": "figures"}, *map(_curves, lines)) if lines else Markup()


def _curves(figure: figures.Lines) -> Markup:
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
        sections.numbers(figure),
    )


def _caption(figure: figures.Lines) -> Iterator[str]:
    words = [mark.text if mark.kind == "best" else f"{mark.text} (epoch {mark.x:g})" for mark in figure.marks]
    for line in filter(None, (figure.note, *words)):
        yield element("div", None, line)


def _classes(report: Row) -> str:
    return "Labels" if report["task"] == "multi_task" else "Classes"


def _health(report: Row, samples: Sequence[Row]) -> Markup:
    known = report.get("health") or {}
    found = sections.findings(known.get("findings") or ())
    if samples and not found:
        found = element("p", {"class": "note"}, "Nothing stands out.")
    return joined(
        [
            found,
            _figures(figures.health(samples)),
            sections.layers("Layers at the start", known.get("initial") or ()),
            sections.layers("Layers at the end", known.get("last") or ()),
        ]
    )


def _boundary(pictures: Row) -> Markup:
    content = pictures.get("boundary")
    if not content:
        return Markup()
    legend = [
        element("li", None, drawings.class_key(number), name_of(name)) for number, name in enumerate(content["classes"])
    ]
    note = f"The points are examples of {content['split']}; a ring marks one in the wrong region. Strong colour: sure."
    return element(
        "figure",
        {"id": "figure-boundary"},
        element("ul", {"class": "legend"}, *legend),
        drawings.boundary(content),
        element("figcaption", None, note),
    )


def _worst(pictures: Row) -> Markup:
    content = pictures.get("worst")
    if not content or not content["examples"]:
        return Markup()
    note = f"Of {content['split']}, the largest loss first; the number is the row in the file."
    return joined([element("p", {"class": "note"}, note), drawings.worst(content)])
