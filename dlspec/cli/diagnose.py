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

ACTIONS_UP_TO = FINDINGS_UP_TO = 5
STYLES = {"train": "cyan", "dev": "bright_yellow", "cost": "magenta", "rate": "cyan"}
JUDGEMENTS = {"high": "bold red", "fine": "green"}


def diagnose(
    run: options.Run,
    plots: Annotated[
        Path | None,
        typer.Option(help="Draw each figure there, as SVG and PNG.", metavar="DIR", show_default=False),
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Show what is wrong with a finished run and what to try next, and write its report anew."""
    from dlspec import run_page, second_look
    from dlspec.cli.console import console, text, write_json
    from dlspec.errors import RunBusyError
    from dlspec.run import directory

    found = directory.find(run, runs_dir=runs_dir)
    content = run_page.read(found)
    run_page.rendered(found, content)  # a damaged report is told of before anything is shown
    if plots is not None:
        from dlspec import plots as drawing

        drawing.write(content, plots)
    if as_json:
        write_json({"run": str(found), **content.report})
    else:
        _show(console(), found, content.report, content.curves)
    try:
        notes = second_look.rewrite(found, content)
    except RunBusyError as error:  # a run that goes on, or a place that is only read: no reason not to look
        notes = (f"nothing was written anew: {error}",)
    for note in notes:
        console(stderr=True).print(text(f"note: {note}"))


def _show(out: "Console", run: Path, report: dict[str, Any], curves: Sequence["Lines"]) -> None:
    from dlspec.cli.console import results, text

    verdict = report["diagnosis"]["verdict"]
    out.print(text(f"{report['name']}, epoch {report['epoch']}, {report['parameters']} parameters"))
    out.print()
    out.print(results(report["splits"]))
    out.print()
    out.print(text("verdict  ", style="bold") + text(verdict, style="bold"))
    out.print()
    _show_gaps(out, report["diagnosis"])
    for line in _words(report):
        out.print(line)
    if "utf" in (out.encoding or "").lower():  # other terminals have no such characters
        for figure in curves:
            _show_curves(out, figure)
    out.print()
    out.print(text("page     ", style="bold") + text(str(run / "report.html")))


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


def _words(report: dict[str, Any]) -> Iterator["Text"]:
    """What was changed on the way, findings, notes, and what to try next."""
    from dlspec.cli.console import text
    from dlspec.report.markdown import flags

    later = report.get("segments", ())[1:]
    if later:
        yield text("")
    for segment in later:
        changes = ", ".join(segment["changes"])
        yield text("changed  ", style="bold") + text(
            f"after epoch {segment['epoch']}, step {segment['step']}: {changes}"
        )
    findings = (report.get("health") or {}).get("findings") or []
    if findings or report["diagnosis"]["notes"]:
        yield text("")
    for finding in findings[:FINDINGS_UP_TO]:
        yield text("found    ", style="bold") + text(finding["message"])
    for note in report["diagnosis"]["notes"]:
        yield text(f"note     {note}")
    actions = report.get("actions") or [{"action": step} for step in report["diagnosis"]["next_steps"]]
    if actions:
        yield text("")
    for number, action in enumerate(actions[:ACTIONS_UP_TO], start=1):
        yield text(f"try {number}    ", style="bold") + text(action["action"])
        for key in ("reason", "effect"):
            if action.get(key):
                yield text(f"         {action[key]}")
        if action.get("set"):
            yield text(f"         {flags(action['set'])}", style="green")


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
        out.print(
            text(f"{series.name:<15} ", style=style)
            + text(f"{braille.sparkline(series.y, braille.axis_of(figure))}  {ends}")
        )
