"""`dlspec diagnose RUN`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlspec.cli import options

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from dlspec.report.figures import Lines
    from dlspec.run_page import Content
    from dlspec.unfinished import Unfinished

ACTIONS_UP_TO = FINDINGS_UP_TO = 5
STYLES = {"train": "cyan", "dev": "bright_yellow", "cost": "magenta", "rate": "cyan"}
JUDGEMENTS = {"high": "bold red", "fine": "green"}


def diagnose(
    run: options.Run,
    plots: Annotated[
        Path | None,
        typer.Option(help="Draw each figure there, as SVG and PNG.", metavar="DIR", show_default=False),
    ] = None,
    learning_curve: Annotated[
        Path | None,
        typer.Option(
            help="Keep this learning curve (dlspec learning-curve --out) with the run; it says where more data stands "
            "among what to try.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Show what is wrong with a run and what to try next, and write its page anew."""
    from dlspec import run_page, second_look, unfinished
    from dlspec.cli.console import console, text, write_json
    from dlspec.errors import RunBusyError
    from dlspec.run import directory

    found = directory.find(run, runs_dir=runs_dir)
    if plots is None and learning_curve is None and (known := unfinished.read(found)) is not None:
        reported = (found / run_page.REPORT_FILE).exists()
        if not (known.status == "running" and reported):  # then there is the report of before it was resumed
            _tell_unfinished(found, known, as_json=as_json, reported=reported)
            return
    content = run_page.read(found)
    if learning_curve is not None:
        content = second_look.with_learning_curve(content, learning_curve)
    run_page.rendered(found, content)  # a damaged report is told of before anything is shown
    if plots is not None:
        from dlspec import plots as drawing

        drawing.write(content, plots)
    if as_json:
        timed = {"predict_ms": content.predict_ms, "test_looks": content.test_looks}
        write_json({"run": str(found), **content.ranked, **timed})
    else:
        _show(console(), found, content)
    try:
        notes = second_look.rewrite(found, content)
    except RunBusyError as error:  # a run that goes on, or a place that is only read: no reason not to look
        notes = (f"nothing was written anew: {error}",)
    for note in notes:
        console(stderr=True).print(text(f"note: {note}"))


def _tell_unfinished(run: Path, known: "Unfinished", *, as_json: bool, reported: bool) -> None:
    """How a run stands that has not come to its end, and its page anew unless it goes on."""
    from dlspec import run_page, unfinished
    from dlspec.cli.console import console, text, write_json
    from dlspec.errors import RunBusyError

    page = None if known.status == "running" else unfinished.rendered(run, known)
    if as_json:
        head = {"run": str(run), "status": known.status, "message": known.message}
        health = {"findings": known.findings, "last": known.layers}
        write_json({**head, "actions": known.actions, "sizes": known.sizes, "health": health})
    else:
        _show_unfinished(console(), run, known, reported=reported)
    if page is None:
        return
    try:
        unfinished.rewrite(run, page)
    except RunBusyError as error:  # a place that is only read: no reason not to look
        console(stderr=True).print(text(f"note: nothing was written anew: {error}"))
        return
    if not as_json:
        console().print(text("page     ", style="bold") + text(str(run / run_page.PAGE_FILE)))


def _show_unfinished(out: "Console", run: Path, known: "Unfinished", *, reported: bool) -> None:
    from dlspec.cli.console import prose, table, text
    from dlspec.report import summary

    why = f": {known.message}" if known.message else ""
    out.print(text("status   ", style="bold") + text(known.status + why))
    if reported:
        out.print(text("note     report.json and report.md are of the end before this one"))
    for finding in known.findings[:FINDINGS_UP_TO]:
        at = summary.place(finding)
        for line in prose(out, "found    ", finding["message"] + (f" ({at})" if at else "")):
            out.print(line)
    for line in _actions(out, known.actions):
        out.print(line)
    if known.sizes:
        out.print()
        out.print(text("Largest values when it broke, up to the first that is not finite", style="bold"))
        out.print(table(*summary.sizes(known.sizes)))
    _show_layers(out, {"last": known.layers}, end="when last looked at")
    _show_all_curves(out, known.curves)
    out.print()
    if known.status not in ("running", "diverged"):
        out.print(text("go on    ", style="bold") + text(f"dlspec resume {run}"))


def _show(out: "Console", run: Path, content: "Content") -> None:
    from dlspec.cli.console import results, table, text
    from dlspec.report import summary

    report = content.report
    verdict = report["diagnosis"]["verdict"]
    out.print(text(f"{report['name']}, epoch {report['epoch']}, {report['parameters']} parameters"))
    out.print()
    out.print(results(report["splits"]))
    _show_cost(out, content)
    out.print()
    out.print(text("verdict  ", style="bold") + text(verdict, style="bold"))
    out.print()
    out.print(table(*summary.errors(report)))
    out.print()
    _show_gaps(out, report["diagnosis"])
    for line in _words(out, content):
        out.print(line)
    _show_layers(out, report.get("health") or {})
    _show_all_curves(out, content.curves)
    out.print()
    out.print(text("page     ", style="bold") + text(str(run / "report.html")))


def _show_cost(out: "Console", content: "Content") -> None:
    """Size and speed of the model, and what was asked of it."""
    from dlspec.cli.console import table, text
    from dlspec.report import summary
    from dlspec.run_report import limits

    size = summary.model_size(content.report)
    told = [f"{size} of parameters"] if size else []
    told += [f"{content.predict_ms:.3g} ms to predict one example"] if content.predict_ms is not None else []
    if told:
        out.print()
        out.print(text(f"model    {', '.join(told)}"))
    measured = limits(content.report.get("selection") or {}, content.predict_ms)
    asked = summary.limits(content.report, {limit: (value, met) for limit, value, met in measured})
    if asked is not None:
        out.print()
        out.print(table(*asked))


def _show_layers(out: "Console", health: dict[str, Any], *, end: str = "at the end") -> None:
    """How each layer stood at the start and at the end."""
    from dlspec.cli.console import table, text
    from dlspec.report import summary

    for title, rows in (("before the first step", health.get("initial")), (end, health.get("last"))):
        if rows:
            out.print()
            out.print(text(f"Layers {title}", style="bold"))
            out.print(table(*summary.layers(rows)))


def _show_gaps(out: "Console", diagnosis: dict[str, Any]) -> None:
    from dlspec.cli.console import table
    from dlspec.report.numbers import percent, signed_percent

    rows = [
        [
            gap["name"],
            signed_percent(gap["value"]),
            "unknown" if None in (gap["low"], gap["high"])
            else f"{signed_percent(gap['low'])} to {signed_percent(gap['high'])}",
            percent(gap["threshold"]),
            gap["judgement"],
        ]
        for gap in diagnosis["gaps"]
    ]  # fmt: skip
    out.print(table(["gap", "value", "95 % interval", "high from", "judgement"], rows))


def _words(out: "Console", content: "Content") -> Iterator["Text"]:
    """What was changed on the way, findings, notes, and what to try next."""
    from dlspec.cli.console import prose, text
    from dlspec.report import summary

    report = content.ranked
    later = report.get("segments", ())[1:]
    if later:
        yield text("")
    for segment in later:
        changes = ", ".join(segment["changes"])
        yield from prose(out, "changed  ", f"after epoch {segment['epoch']}, step {segment['step']}: {changes}")
    findings = (report.get("health") or {}).get("findings") or []
    if findings or report["diagnosis"]["notes"]:
        yield text("")
    for finding in findings[:FINDINGS_UP_TO]:
        at = summary.place(finding)
        yield from prose(out, "found    ", finding["message"] + (f" ({at})" if at else ""))
    if len(findings) > FINDINGS_UP_TO:
        yield text(f"         and {len(findings) - FINDINGS_UP_TO} more on the page")
    for note in report["diagnosis"]["notes"]:
        yield from prose(out, "note     ", note)
    if content.test_looks:
        times = "once" if content.test_looks == 1 else f"{content.test_looks} times"
        yield text(f"note     test was looked at {times}")
    yield from _actions(out, report.get("actions") or [{"action": step} for step in report["diagnosis"]["next_steps"]])


def _actions(out: "Console", actions: Sequence[dict[str, Any]]) -> Iterator["Text"]:
    """What to try next, the first few."""
    from dlspec.cli.console import prose, text
    from dlspec.report.markdown import flags

    if actions:
        yield text("")
    for number, action in enumerate(actions[:ACTIONS_UP_TO], start=1):
        against = f" (against {action['gap']}; knob: {action['knob']})" if action.get("gap") else ""
        yield text(f"try {number}    ", style="bold") + text(action["action"]) + text(against, style="dim")
        for key in ("reason", "effect"):
            if action.get(key):
                yield from prose(out, "         ", action[key])
        if action.get("set"):
            yield text(f"         {flags(action['set'])}", style="green")
    if len(actions) > ACTIONS_UP_TO:
        yield text(f"         and {len(actions) - ACTIONS_UP_TO} more on the page")


def _show_all_curves(out: "Console", curves: Sequence["Lines"]) -> None:
    if "utf" in (out.encoding or "").lower():  # other terminals have no such characters
        for figure in curves:
            _show_curves(out, figure)


def _show_curves(out: "Console", figure: "Lines") -> None:
    from dlspec.cli.console import text
    from dlspec.report import braille
    from dlspec.report.numbers import value

    styles = [STYLES[series.role] for series in figure.series]
    out.print()
    out.print(text(figure.title, style="bold"))
    rows = braille.chart(figure, width=min(72, max(20, out.width - braille.MARGIN - 2)))
    for row in rows if len(figure.x) > 1 and figure.quantity != "learning_rate" else ():
        line = text("")
        for piece, owner in row:
            line.append(piece, style="" if owner is None else styles[owner])
        out.print(line)
    for series, style in zip(figure.series, styles, strict=True):
        known = [number for number in series.y if number is not None]
        ends = f"{value(figure.quantity, known[0])} → {value(figure.quantity, known[-1])}"
        whole = len(known) == len(series.y)  # else it is a few points far apart
        spark = f"{braille.sparkline(series.y, braille.axis_of(figure))}  " if whole else ""
        out.print(text(f"{series.name:<15} ", style=style) + text(f"{spark}{ends}"))
