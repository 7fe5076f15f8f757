"""`dlspec resume RUN`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlspec.cli import options

if TYPE_CHECKING:
    from dlspec.preparation import Prepared


def resume(
    run: options.Run,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, max=10_000_000, help="Train for so many epochs in all.", metavar="N", show_default=False),
    ] = None,
    overrides: options.Set = None,
    allow_inexact: Annotated[
        bool,
        typer.Option("--allow-inexact", help="Go on where NumPy, its linear algebra, threads or the data differ."),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse where the newest checkpoint is damaged, in place of the one before."),
    ] = False,
    runs_dir: options.RunsDir = Path("runs"),
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Go on with a run as if nothing had happened, or with other settings."""
    from dlspec.cli import signals

    with signals.flagged() as interruption:  # before HDF5 is loaded: its callbacks swallow KeyboardInterrupt
        from dlspec import runner
        from dlspec.cli.console import console, text
        from dlspec.cli.progress import display
        from dlspec.cli.training import conclude, introduce
        from dlspec.run import directory

        notes = console(stderr=True)

        def introduced(prepared: "Prepared", lines: Sequence[str]) -> None:
            for line in lines:
                notes.print(text(line))
            if not quiet:
                introduce(notes, prepared)

        with display(notes, quiet=quiet) as watcher:
            outcome = runner.resume(
                directory.find(run, runs_dir=runs_dir),
                overrides=[*(overrides or ()), *([] if epochs is None else [f"training.epochs={epochs}"])],
                allow_inexact=allow_inexact,
                strict=strict,
                introduce=introduced,
                watcher=watcher,
                interrupted=interruption,
            )
        if isinstance(outcome, runner.AlreadyFinished):
            notes.print(text(f"{outcome.run}: nothing to do: {outcome.message}"))
        else:
            conclude(notes, outcome, interruption, as_json=as_json)
