"""`dlspec errors RUN`."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlspec.cli import options

if TYPE_CHECKING:
    from dlspec.error_analysis import Errors, Tagged

SHOWN = 20  # errors on the terminal; the file has them all


class Split(StrEnum):
    """What to look at; not test: what is looked at no longer tells how good a model is."""

    TRAIN = "train"
    TRAIN_DEV = "train-dev"
    DEV = "dev"


def errors(
    run: options.Run,
    out: Annotated[
        Path | None, typer.Option(help="Write the errors here, with empty columns for tags.", metavar="FILE")
    ] = None,
    tags: Annotated[
        Path | None, typer.Option(help="Such a file, filled in: count its tags.", metavar="FILE", show_default=False)
    ] = None,
    split: Annotated[Split, typer.Option(help="Split to look at.")] = Split.DEV,
    examples: Annotated[int, typer.Option(min=1, max=1_000_000, help="Errors, the worst first, at most.")] = 100,
    force: options.Force = False,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """List the worst errors of a run for tagging, or count the tags."""
    from dlspec import error_analysis, measurement
    from dlspec.cli.console import console, text, write_json
    from dlspec.errors import UsageError
    from dlspec.run import directory, storage

    if out is not None and tags is not None:
        raise UsageError("found both --out and --tags; write the file first, fill it in, then count its tags")
    if out is not None:
        options.check_new(out, force=force)
    trained = measurement.open_run(directory.find(run, runs_dir=runs_dir))
    found = error_analysis.errors(trained, split=split.value)
    tagged = None if tags is None else error_analysis.read_tags(tags, found)
    for warning in trained.warnings:
        console(stderr=True).print(text(f"warning: {warning}"))
    if out is not None:
        storage.make_parents(out.parent)
        storage.write_file(out, error_analysis.table(found, limit=examples))
    head = {"run": str(trained.run), "parameters": trained.parameters, "split": found.split, "error": found.error}
    head |= {"decisions": found.decisions, "errors": len(found.mistakes)}
    if as_json:
        write_json(head | _content(found, tagged, examples))
        return
    console().print(text(f"{trained.run}, {trained.parameters} parameters, {found.split}: {_sum(found)}"))
    if tagged is None:
        _print_worst(found, examples, out)
    else:
        _print_tags(found, tagged)


def _content(found: "Errors", tagged: "Tagged | None", limit: int) -> dict[str, Any]:
    if tagged is None:
        return {"worst": [asdict(mistake) for mistake in found.mistakes[:limit]]}
    return {"listed": tagged.listed, "tags": [asdict(one) for one in tagged.ceilings]}


def _sum(found: "Errors") -> str:
    from dlspec.report.numbers import percent

    if found.task == "regression":
        return f"{found.decisions:,} numbers, error {percent(found.error)} of the variance"
    return f"{len(found.mistakes):,} of {found.decisions:,} wrong, {percent(found.error)}"


def _print_worst(found: "Errors", limit: int, out: Path | None) -> None:
    from dlspec.cli.console import WIDTH_OF_NAMES, console, table, text
    from dlspec.text import shortened

    to = console()
    rows = [
        [str(m.row), *(shortened(name, WIDTH_OF_NAMES) for name in (m.target, m.true, m.predicted)),
         "-" if m.probability is None else f"{m.probability:.3f}", f"{m.loss:.4g}"]
        for m in found.mistakes[: min(limit, SHOWN)]
    ]  # fmt: skip
    to.print()
    to.print(table(["row", "target", "true", "predicted", "probability", "loss"], rows))
    to.print()
    if out is None:
        to.print(text("tag them  --out errors.csv writes a file with columns for tags"))
    else:
        written = min(limit, len(found.mistakes))
        to.print(text(f"{out}: {written:,} errors; fill in tag_1, tag_2, …, then count them with --tags {out}"))


def _print_tags(found: "Errors", tagged: "Tagged") -> None:
    from dlspec.cli.console import console, table, text
    from dlspec.report.numbers import percent

    to, regression = console(), found.task == "regression"
    head = ["tag", "errors", "share", "error if solved", *([] if regression else ["accuracy if solved"])]
    rows = []
    for one in tagged.ceilings:
        accuracy = [] if regression else [percent(1 - one.error)]
        rows.append([one.tag or "(no tag)", f"{one.count:,}", percent(one.share), percent(one.error), *accuracy])
    to.print()
    to.print(table(head, rows))
    if not regression and tagged.listed < len(found.mistakes):
        to.print()
        looked = f"{tagged.listed:,} of {len(found.mistakes):,} errors are in the file"
        to.print(text(f"note     {looked}; their shares are taken to hold for all of them"))
