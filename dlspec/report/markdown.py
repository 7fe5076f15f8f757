"""`report.md`: the report of a run for people, made from `report.json` alone."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dlspec.report import summary
from dlspec.report.markup import visible
from dlspec.report.numbers import METRICS, percent, signed_percent, value
from dlspec.text import shortened

NAMES_UP_TO = 60  # characters; a longer one would make every line of a table as long
MATRIX_UP_TO = 30  # classes; a wider table cannot be read, and report.json has it


def render(report: dict[str, Any]) -> str:
    """Markdown of a report."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: dict[str, Any]) -> Iterator[str]:
    diagnosis = report["diagnosis"]
    yield f"# {report['name']}"
    yield ""
    yield f"**Verdict: {diagnosis['verdict']}.** {report['message'].capitalize()}; the numbers are of epoch " + (
        f"{report['epoch']} ({report['parameters']} parameters)."
    )
    yield ""
    yield "## Results"
    yield ""
    splits = report["splits"]
    metrics = [name for name in METRICS if name in splits[0]]
    head = ["split", "examples", *metrics, "loss", "cost"]
    rows = [
        [s["split"], f"{s['examples']:,}", *(value(name, s[name]) for name in (*metrics, "loss", "cost"))]
        for s in splits
    ]
    yield from _table(head, rows)
    yield from _asked_for(report)
    yield ""
    yield "## Bias and variance"
    yield ""
    yield error_words(report)
    yield ""
    yield from _table(*summary.errors(report))
    yield ""
    gaps = [
        [
            gap["name"],
            signed_percent(gap["value"]),
            f"{signed_percent(gap['low'])} to {signed_percent(gap['high'])}",
            percent(gap["threshold"]),
            gap["judgement"],
        ]
        for gap in diagnosis["gaps"]
    ]
    yield from _table(["gap", "value", "95 % interval", "high from", "judgement"], gaps)
    if diagnosis["notes"]:
        yield ""
        yield from (f"- {note}" for note in diagnosis["notes"])
    yield from _health(report.get("health") or {})
    yield from _next(report)
    if "classes" in splits[0]:
        yield from _per_class(splits)
    if len(segments := report.get("segments", ())) > 1:
        yield from _segments(segments)
    if report["warnings"]:
        yield ""
        yield "## Warnings"
        yield ""
        yield from (f"- {_escape(warning)}" for warning in report["warnings"])


def _asked_for(report: Mapping[str, Any]) -> Iterator[str]:
    """The metric that was optimized, the limits, and the size of the model."""
    asked = summary.limits(report)
    if asked is not None:
        yield ""
        yield from _table(asked[0], [[_escape(cell) for cell in row] for row in asked[1]])
    if size := summary.model_size(report):
        yield from ("", f"The parameters take {size}.")


def _health(health: Mapping[str, Any]) -> Iterator[str]:
    """What was seen to go wrong in the training, and how each layer stood at its start and its end."""
    findings, last = health.get("findings") or (), health.get("last") or ()
    if findings or last:
        yield from ("", "## Health of the training", "")
    for finding in findings:
        at = summary.place(finding)
        yield f"- {_escape(finding['message'])}" + (f" ({_escape(at)})" if at else "")
    if not findings and last:
        yield "Nothing stands out."
    for title, rows in (("Before the first step", health.get("initial")), ("At the end", last)):
        if rows:
            head, cells = summary.layers(rows)
            yield from ("", f"{title}:", "")
            yield from _table(head, [[_escape(cell) for cell in row] for row in cells])


def _next(report: Mapping[str, Any]) -> Iterator[str]:
    """What to try next, the most promising first; a report of before there were actions has their names alone."""
    actions = report.get("actions") or [{"action": step} for step in report["diagnosis"]["next_steps"]]
    if actions:
        yield from ("", "## What to try next", "")
    for number, action in enumerate(actions, start=1):
        told = [f"{key}: {action[key]}" for key in ("reason", "effect") if action.get(key)]
        against = f" (against {action['gap']}; knob: {action['knob']})" if action.get("gap") else ""
        yield f"{number}. {_escape(action['action'])}{_escape(against)}"
        yield from (f"   - {_escape(line)}" for line in told)
        if action.get("set"):
            yield f"   - `{flags(action['set']).replace('`', '·')}`"


def flags(changes: Sequence[str]) -> str:
    """The `--set` flags of some changes, as a shell takes them."""
    return " ".join(f"--set {shlex.quote(visible(change))}" for change in changes)


def _segments(segments: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield ""
    yield "## Changes on the way"
    yield ""
    rows = [[f"{s['epoch']:,}", f"{s['step']:,}", _escape(", ".join(s["changes"]))] for s in segments[1:]]
    yield from _table(["after epoch", "after step", "changes"], rows)


def error_words(report: Mapping[str, Any]) -> str:
    """What the errors of this report are."""
    human = percent(report["human_level_error"])
    if report["task"] == "classification":
        return f"Error is the share of wrong examples; human-level error is {human}."
    if report["task"] == "multi_task":
        return f"Error is the share of wrong labels among those present; human-level error is {human}."
    return (
        "Error is the mean squared error in units of the variance of the training targets; "
        f"human-level error is {human}."
    )


def _per_class(splits: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Classes, or labels of a multi-task, of the split that decisions are made on: dev where there is one."""
    for split in [s for s in splits if s["split"] == "dev"] or splits[-1:]:
        exclusive = "confusion_matrix" in split  # classes; an example can have several labels
        yield ""
        yield f"## {'Classes' if exclusive else 'Labels'} on {split['split']}"
        yield ""
        rows = [
            [_name(c["class"]), f"{c['examples']:,}", *(percent(c[name]) for name in ("precision", "recall", "f1"))]
            for c in split["classes"]
        ]
        yield from _table(["class" if exclusive else "label", "examples", "precision", "recall", "F1"], rows)
        if not exclusive or len(split["classes"]) > MATRIX_UP_TO:
            continue
        yield ""
        yield "Confusion matrix (rows: true class, columns: predicted class):"
        yield ""
        names = [_name(c["class"]) for c in split["classes"]]
        counts = [[name, *map(str, row)] for name, row in zip(names, split["confusion_matrix"], strict=True)]
        yield from _table(["", *names], counts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *rest = (cell for cell in cells)
        padded = [first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))]
        return f"| {' | '.join(padded)} |"

    yield line(head)
    yield f"|{'-' * (widths[0] + 2)}|" + "".join(f"{'-' * (width + 1)}:|" for width in widths[1:])
    yield from map(line, rows)


def _name(text: str) -> str:
    return _escape(shortened(text, NAMES_UP_TO))


def _escape(text: str) -> str:
    """Text of a data file as plain words of a Markdown table: no markup, no line breaks, no control characters."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]<>()#|!~&" else c for c in visible(text))
