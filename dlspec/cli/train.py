"""`dlspec train CONFIG`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlspec.cli import options

if TYPE_CHECKING:
    from rich.console import Console

    from dlspec.runner import Outcome, Prepared


def train(
    config: options.Config,
    overrides: options.Set = None,
    runs_dir: options.RunsDir = Path("runs"),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the results.")] = False,
    as_json: options.Json = False,
) -> None:
    """Train an experiment; leaves metrics, checkpoints, a report."""
    from dlspec.cli import signals

    with signals.flagged() as interruption:  # before HDF5 is loaded: its callbacks swallow KeyboardInterrupt
        from dlspec import runner
        from dlspec.cli.console import console
        from dlspec.cli.progress import display
        from dlspec.config import loader
        from dlspec.run import storage

        storage.check_writable(runs_dir)
        prepared = runner.prepare(loader.load(config, overrides or ()))
        if interruption.number is not None:
            raise typer.Exit(128 + interruption.number)
        notes = console(stderr=True)
        if not quiet:
            _introduce(notes, prepared)
        with display(notes, quiet=quiet) as watcher:
            outcome = runner.train(prepared, runs_dir=runs_dir, watcher=watcher, interrupted=interruption)
        _conclude(notes, outcome, as_json=as_json)
        if outcome.finished.reason == "interrupted" and interruption.number is not None:
            raise typer.Exit(128 + interruption.number)


def _introduce(notes: "Console", prepared: "Prepared") -> None:
    from dlspec.cli.console import text

    dataset, experiment = prepared.dataset, prepared.experiment
    splits = ", ".join(f"{len(split.X):,} {name}" for name, split in dataset.splits.items())
    outputs = {"classification": f"{len(dataset.classes)} classes", "multi_task": f"{dataset.n_targets} labels"}
    kind = outputs.get(dataset.task, dataset.task)
    n_x = dataset.splits["train"].X.shape[1]
    widths = [n_x, *(layer.units for layer in experiment.architecture.layers), experiment.architecture.output.units]
    network = "-".join(map(str, widths))
    threads = f"{experiment.threads} thread{'s' if experiment.threads != 1 else ''}"
    notes.print(text(f"{experiment.name}: {splits}; {n_x:,} features, {kind}"))
    notes.print(text(f"network {network}, {experiment.optimizer.name}, {threads}"))
    for warning in dataset.warnings:
        notes.print(text(f"warning: {warning}"))


def _conclude(notes: "Console", outcome: "Outcome", *, as_json: bool) -> None:
    from dlspec.cli import errors
    from dlspec.cli.console import console, results, text, write_json

    if outcome.finished.reason == "diverged":
        notes.print(text(f"{outcome.run}: diverged: {outcome.finished.message}"))
        notes.print(text("try a lower optimizer.learning_rate, normalize: standard, or initializer: he"))
        raise typer.Exit(errors.DIVERGED)
    if outcome.report is None:
        notes.print(text(f"{outcome.run}: {outcome.finished.message}; checkpoint written"))
        return
    if as_json:
        write_json({"run": str(outcome.run), **outcome.report})
        return
    out, diagnosis = console(), outcome.report["diagnosis"]
    out.print(results(outcome.report["splits"]))
    out.print()
    out.print(text("verdict  ", style="bold") + text(diagnosis["verdict"]))
    for step in diagnosis["next_steps"][:3]:
        out.print(text(f"try      {step}"))
    for note in diagnosis["notes"]:
        out.print(text(f"note     {note}"))
    out.print(text("run      ", style="bold") + text(str(outcome.run)))
