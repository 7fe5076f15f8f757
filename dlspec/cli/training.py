"""What `dlspec train` and `dlspec resume` say before and after the training."""

from typing import Any

import typer
from rich.console import Console

from dlspec.cli import errors
from dlspec.cli.console import console, results, text, write_json
from dlspec.cli.signals import Interruption
from dlspec.data.streamed import StreamedExamples
from dlspec.preparation import Prepared
from dlspec.run_report import limits
from dlspec.session import Outcome


def introduce(notes: Console, prepared: Prepared) -> None:
    """What is going to be trained, and on what."""
    dataset, experiment = prepared.dataset, prepared.experiment
    splits = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits.items())
    outputs = {"classification": f"{len(dataset.classes)} classes", "multi_task": f"{dataset.n_targets} labels"}
    kind = outputs.get(dataset.task, dataset.task)
    n_x = dataset.splits["train"].n_x
    widths = [n_x, *(layer.units for layer in experiment.architecture.layers), experiment.architecture.output.units]
    network = "-".join(map(str, widths))
    threads = f"{experiment.threads} thread{'s' if experiment.threads != 1 else ''}"
    threads += ", 2 streams" if experiment.streams == 2 else ""
    every = experiment.evaluation.every
    seldom = f"; measured every {every:,} epochs" if every not in ("auto", 1) else ""
    streamed = "; streamed" if isinstance(dataset.splits["train"], StreamedExamples) else ""
    notes.print(text(f"{experiment.name}: {splits}; {n_x:,} feature{'s' * (n_x != 1)}, {kind}{streamed}"))
    notes.print(text(f"network {network}, {experiment.optimizer.name}, {threads}{seldom}"))
    for warning in dataset.warnings:
        notes.print(text(f"warning: {warning}"))


def conclude(notes: Console, outcome: Outcome, interruption: Interruption, *, as_json: bool) -> None:
    """How the training ended: results, verdict and next steps, or why there are none; ends with the exit code.

    Raises:
        typer.Exit: with any other code than 0.
    """
    if outcome.finished.reason == "diverged":
        notes.print(text(f"{outcome.run}: diverged: {outcome.finished.message}"))
        for step in outcome.next_steps:
            notes.print(text(f"try: {step}"))
        notes.print(text(f"look: {outcome.run}/report.html"))
        raise typer.Exit(errors.DIVERGED)
    if outcome.report is None:
        how = f"checkpoint written; go on with: dlspec resume {outcome.run}"
        notes.print(text(f"{outcome.run}: {outcome.finished.message}; {how}"))
    elif as_json:
        write_json({"run": str(outcome.run), **outcome.report})
    else:
        _show(outcome, outcome.report)
    if interruption.number is not None:
        raise typer.Exit(128 + interruption.number)


def _show(outcome: Outcome, report: dict[str, Any]) -> None:
    out, diagnosis = console(), report["diagnosis"]
    out.print(results(report["splits"]))
    out.print()
    out.print(text("verdict  ", style="bold") + text(diagnosis["verdict"]))
    for step in diagnosis["next_steps"][:3]:
        out.print(text(f"try      {step}"))
    for note in diagnosis["notes"]:
        out.print(text(f"note     {note}"))
    for limit, value, met in limits(report["selection"], outcome.predict_ms):
        out.print(text(f"limit    {limit}: {value:.3g}, {'met' if met else 'not met'}"))
    out.print(text("run      ", style="bold") + text(str(outcome.run)))
