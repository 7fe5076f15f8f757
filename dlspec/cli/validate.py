"""`dlspec validate CONFIG`."""

import typer

from dlspec.cli import options


def validate(config: options.Config, overrides: options.Set = None) -> None:
    """Check an experiment and its data; gives the course's advice."""
    from dlspec import preparation
    from dlspec.config import loader
    from dlspec.text import printable

    loaded = loader.load(config, overrides or ())
    prepared = preparation.prepare(loaded)
    for warning in prepared.dataset.warnings:
        typer.echo(printable(f"{config}: warning: {warning}"))
    for advice in preparation.advice(prepared):
        path = ".".join(map(str, advice.path))
        typer.echo(printable(f"{loaded.locate(advice.path)}: advice: {path}: {advice.text}"))
    typer.echo(printable(f"{config}: ok"))
