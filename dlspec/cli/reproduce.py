"""`dlspec reproduce RUN`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dlspec.cli import options

if TYPE_CHECKING:
    from dlspec.preparation import Prepared


def reproduce(
    run: options.Run,
    runs_dir: options.RunsDir = Path("runs"),
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Train a run once more from its beginning and compare, bit by bit; exit code 1 where it differs."""
    from dlspec.cli import signals

    with signals.flagged() as interruption:
        from dlspec import runner
        from dlspec.cli import errors
        from dlspec.cli.console import console, text, write_json
        from dlspec.cli.progress import display
        from dlspec.cli.training import introduce
        from dlspec.run import directory, storage

        storage.check_writable(runs_dir)
        notes = console(stderr=True)

        def introduced(prepared: "Prepared", lines: Sequence[str]) -> None:
            for line in lines:
                notes.print(text(line))
            if not quiet:
                introduce(notes, prepared)

        with display(notes, quiet=quiet) as watcher:
            again = runner.reproduce(
                directory.find(run, runs_dir=runs_dir),
                runs_dir=runs_dir,
                introduce=introduced,
                watcher=watcher,
                interrupted=interruption,
            )
        if interruption.number is not None:
            raise typer.Exit(128 + interruption.number)
        if as_json:
            write_json(
                {
                    "original": str(again.original),
                    "run": str(again.outcome.run),
                    "same": not again.differences,
                    "environment": again.environment,
                    "differences": [asdict(difference) for difference in again.differences],
                }
            )
        else:
            out = console()
            for difference in again.differences:
                out.print(text(f"{difference.what}: {difference.detail}"))
            verdict = "every bit is the same" if not again.differences else "not the same"
            out.print(text(f"{again.original} and {again.outcome.run}: {verdict}"))
        if again.differences:
            raise typer.Exit(errors.FAILED)
