"""`dlspec compare RUN…`."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlspec.cli import options

if TYPE_CHECKING:
    from dlspec.run.listing import ListedRun

CURVES = 6  # more in one picture cannot be told apart


def compare(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Runs (as for evaluate); all under --runs-dir if none.", metavar="[RUN]...", show_default=False
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Order by a fact (dev_error, seconds, predict_ms, …) or a setting; -KEY for the largest first. "
            "Otherwise the best first: by what evaluation.optimize and subject_to ask for, or else by dev_error.",
            show_default=False,
        ),
    ] = None,
    where: options.Where = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
    as_html: Annotated[bool, typer.Option("--html", help="Write one HTML file to standard output.")] = False,
) -> None:
    """Compare runs: settings, results, cost, and a paired test of each against the first."""
    from dlspec import compare
    from dlspec.cli.console import write_json
    from dlspec.cli.progress import counting
    from dlspec.errors import UsageError
    from dlspec.report import comparison_page
    from dlspec.text import finite

    if as_json and as_html:
        raise UsageError("found both --json and --html; keep one of the two")
    now = datetime.now(UTC)
    chosen = _chosen(runs or [], runs_dir, where, sort, now)
    with counting("runs") as progress:
        content = finite(compare.compare(chosen, now=now, progress=progress))
    if as_json:
        write_json(content)
    elif as_html:
        sys.stdout.write(comparison_page.render(content))
    else:
        _print(content)


def _chosen(names: list[str], runs_dir: Path, where: str | None, sort: str | None, now: datetime) -> "list[ListedRun]":
    from dlspec.errors import UsageError
    from dlspec.run import conditions, directory, listing

    wanted = conditions.parse(where) if where is not None else []
    found = [directory.find(name, runs_dir=runs_dir) for name in names] or directory.all_runs(runs_dir)
    everything = listing.listed({path.resolve(): path for path in found}.values(), now=now)
    selected = conditions.select(everything, wanted)
    chosen = listing.by_worth(selected) if sort is None else listing.ordered(selected, sort)
    if not chosen:
        what = "no run fits --where" if everything else "no run here yet; start one with: dlspec train CONFIG"
        raise UsageError(f"{runs_dir}: {what}")
    return chosen


def _print(content: dict[str, Any]) -> None:
    from dlspec.cli.console import console, plain_table, prose, text
    from dlspec.report import comparison
    from dlspec.report.chart import Series, chart

    out = console()
    plain_table(*comparison.runs_table(content))
    out.print()
    plain_table(*comparison.cost_table(content))
    out.print()
    if content["differences"]:
        plain_table(*comparison.settings_table(content))
        out.print()
    if len(content["runs"]) > 1:
        plain_table(*comparison.tests_table(content))
        for line in (*comparison.seed_lines(content), *comparison.warnings(content)):
            out.print(text(f"note     {line}"))
        for words in prose(out, "note     ", comparison.NOTE):
            out.print(words)
    curves = [(number, run["curves"][0]) for number, run in enumerate(content["runs"], start=1) if run["curves"]]
    quantities = {curve["quantity"] for _, curve in curves}
    if len(quantities) != 1:  # none, or a loss that is not the same
        return
    out.print()
    series = [Series(f"run {number}", curve["epoch"], curve["value"]) for number, curve in curves[:CURVES]]
    for line in chart(series, x_label="epoch", y_label=quantities.pop(), log_y=True):
        out.print(text(line))
