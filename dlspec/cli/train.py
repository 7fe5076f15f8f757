"""`dlspec train CONFIG`."""

from pathlib import Path

import typer

from dlspec.cli import options


def train(
    config: options.Config,
    overrides: options.Set = None,
    runs_dir: options.RunsDir = Path("runs"),
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Train an experiment; leaves metrics, checkpoints, a report."""
    from dlspec.cli import signals

    with signals.flagged() as interruption:  # before HDF5 is loaded: its callbacks swallow KeyboardInterrupt
        from dlspec import runner
        from dlspec.cli.console import console
        from dlspec.cli.progress import display
        from dlspec.cli.training import conclude, introduce
        from dlspec.config import loader
        from dlspec.preparation import prepare
        from dlspec.run import storage

        storage.check_writable(runs_dir)
        prepared = prepare(loader.load(config, overrides or ()))
        if interruption.number is not None:
            raise typer.Exit(128 + interruption.number)
        notes = console(stderr=True)
        if not quiet:
            introduce(notes, prepared)
        with display(notes, quiet=quiet) as watcher:
            outcome = runner.train(prepared, runs_dir=runs_dir, watcher=watcher, interrupted=interruption)
        conclude(notes, outcome, interruption, as_json=as_json)
