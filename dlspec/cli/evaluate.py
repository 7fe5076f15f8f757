"""`dlspec evaluate RUN`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dlspec.cli import options


class Split(StrEnum):
    """What to measure on."""

    TRAIN = "train"
    TRAIN_DEV = "train-dev"
    DEV = "dev"
    TEST = "test"
    ALL = "all"


class Parameters(StrEnum):
    """Which parameters to measure."""

    BEST = "best"
    LAST = "last"


def evaluate(
    run: options.Run,
    split: Annotated[Split, typer.Option(help="Split to measure on.")] = Split.DEV,
    parameters: Annotated[
        Parameters | None,
        typer.Option(help="Parameters to measure; the run's own result if unset.", show_default=False),
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Measure a trained run on a split of its data."""
    from dlspec import measurement
    from dlspec.cli.console import classes, confusion, console, results, text, write_json
    from dlspec.run import directory

    found = directory.find(run, runs_dir=runs_dir)
    trained = measurement.open_run(found, parameters=parameters.value if parameters else None)
    evaluated = measurement.evaluate(trained, split=split.value)
    for warning in evaluated.warnings:
        console(stderr=True).print(text(f"warning: {warning}"))
    if as_json:
        head = {"run": str(evaluated.run), "parameters": evaluated.parameters, "epoch": evaluated.epoch}
        write_json({**head, "splits": evaluated.splits})
        return
    out = console()
    out.print(text(f"{evaluated.run}, {evaluated.parameters} parameters, epoch {evaluated.epoch}"))
    out.print()
    out.print(results(evaluated.splits))
    for measured in evaluated.splits:
        if "classes" not in measured:
            continue
        out.print()
        kind = "classes" if "confusion_matrix" in measured else "labels"
        out.print(text(f"{measured['split']}: {kind}", style="bold"))
        out.print(classes(measured))
        if kind == "labels":
            continue
        out.print()
        out.print(text(f"{measured['split']}: confusion matrix", style="bold"))
        out.print(confusion(measured))
