"""`report.html`: the report of a run as one page that needs nothing else, neither the net nor another file.

The same content gives the same bytes: no time and no place of the run stands in it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dlspec.config.differences import Setting
from dlspec.report import curve_of_data, drawings, figures, sections, summary, svg
from dlspec.report.document import body, document
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
    learning_curve: Row | None = None,
    met: Mapping[str, bool] | None = None,
) -> str:
    """The page.

    Args:
        report: content of `report.json`.
        metrics: rows of `metrics.jsonl`.
        health: rows of `health.jsonl`; none where the run was not sampled.
        pictures: content of `pictures.json`; None where there is none.
        settings: of the experiment.
        learning_curve: content of `learning-curve.json`; None where there is none.
        met: whether each limit is met, those on time included, whose values have no place in the page.
    """
    of_data = curve_of_data.figure(learning_curve) if learning_curve else None
    parts = [
        ("next", "What to try next", sections.actions(report)),
        ("asked", "What was asked for", sections.asked_for(report, met or {})),
        ("errors", "Bias and variance", _errors(report)),
        ("curves", "Curves", sections.curves([*figures.curves(report, metrics), *([of_data] if of_data else [])])),
        ("health", "Health of the training", sections.health(report.get("health") or {}, health)),
        ("classes", _classes(report), sections.classes(figures.decided_on(report))),
        ("boundary", "Decision boundary", _boundary(pictures or {})),
        ("worst", "Examples that cost the most", _worst(pictures or {})),
        ("config", "Configuration", sections.configuration(report, settings)),
        ("warnings", "Warnings", sections.listed(report["warnings"])),
    ]
    return document(f"{report['name']}: {report['diagnosis']['verdict']}", *body(_header(report), parts))


def _header(report: Row) -> Markup:
    verdict = report["diagnosis"]["verdict"]
    mood = "high" if "high" in verdict or "mismatch" in verdict else "fine" if "low" in verdict else "unsure"
    split = figures.decided_on(report)
    metrics = [name for name in ("accuracy", "f1", "rmse", "mae", "r2") if name in split]
    tiles = [(f"{split['split']} {figures.TITLES.get(name, name)}", shown(name, split[name])) for name in metrics]
    tiles += [(f"{row['split']} error", percent(row["error"])) for row in report["splits"]]
    if size := summary.model_size(report):
        tiles.append(("model", size))
    words = f"{report['message'].capitalize()}; the numbers are of epoch {report['epoch']} "
    words += f"({report['parameters']} parameters)."
    return sections.heading(report["name"], verdict, words, mood=mood, tiles=tiles)


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


def _classes(report: Row) -> str:
    return "Labels" if report["task"] == "multi_task" else "Classes"


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
