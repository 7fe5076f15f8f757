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
    against: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Test every run against this one alone, if you chose it before you saw the results. Otherwise the "
            "best is the base, and all pairs of the first eight are tested.",
            show_default=False,
        ),
    ] = None,
    where: options.Where = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
    as_html: Annotated[bool, typer.Option("--html", help="Write one HTML file to standard output.")] = False,
) -> None:
    """Compare runs: settings, results, cost, and paired tests that call noise noise."""
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
    base = _base(chosen, against, runs_dir, now) if against is not None else None
    with counting("runs") as progress:
        content = finite(compare.compare(chosen, now=now, base=base, progress=progress))
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


def _base(chosen: "list[ListedRun]", name: str, runs_dir: Path, now: datetime) -> int:
    """Number of the run to test against; one that is not among the others is put before them."""
    from dlspec.run import directory, listing

    run = directory.find(name, runs_dir=runs_dir)
    paths = [one.run.resolve() for one in chosen]
    if run.resolve() not in paths:
        chosen.insert(0, listing.ListedRun(run, now=now))
        return 0
    return paths.index(run.resolve())


def _print_tests(content: dict[str, Any]) -> None:
    """Each run against the reference, every pair, and what that comes down to."""
    from dlspec.cli.console import console, fitted_table, prose, text
    from dlspec.report import comparison

    out, table = console(), comparison.tests_table(content)
    if table[1]:
        out.print(text(f"The dev error against run {comparison.reference(content)}, on the same examples"))
        fitted_table(*table)
        out.print()
    if pairs := comparison.pairs_table(content):
        out.print(text("Every pair: the run of the row against the run of the column"))
        fitted_table(*pairs)
        out.print()
    for line in comparison.standing(content):
        for words in prose(out, "result   ", line):
            out.print(words)
    for line in comparison.limits_of_tests(content):
        for words in prose(out, "note     ", line):
            out.print(words)


def _print(content: dict[str, Any]) -> None:
    from dlspec.cli.console import console, fitted_table, text
    from dlspec.report import comparison
    from dlspec.report.chart import Series, chart

    out = console()
    fitted_table(*comparison.runs_table(content))
    out.print()
    fitted_table(*comparison.cost_table(content))
    out.print()
    if content["differences"]:
        fitted_table(*comparison.settings_table(content))
        out.print()
    if len(content["runs"]) > 1:
        _print_tests(content)
    curves = [(number, run["curves"][0]) for number, run in enumerate(content["runs"], start=1) if run["curves"]]
    quantities = {curve["quantity"] for _, curve in curves}
    if len(quantities) != 1:  # none, or a loss that is not the same
        return
    out.print()
    series = [Series(f"run {number}", curve["epoch"], curve["value"]) for number, curve in curves[:CURVES]]
    for line in chart(series, x_label="epoch", y_label=quantities.pop(), log_y=True):
        out.print(text(line))
