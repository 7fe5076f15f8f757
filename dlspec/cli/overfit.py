"""`dlspec overfit CONFIG`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dlspec.cli import options

if TYPE_CHECKING:
    from dlspec.overfit import Memorisation


def overfit(
    config: options.Config,
    overrides: options.Set = None,
    examples: Annotated[int, typer.Option(min=2, max=10_000, help="Training examples to memorise, at most.")] = 32,
    steps: Annotated[int, typer.Option(min=1, max=1_000_000, help="Steps of each attempt, at most.")] = 2000,
    as_json: options.Json = False,
) -> None:
    """Can the network memorise one batch? If not, say what is wrong; exit 1."""
    from dlspec import overfit
    from dlspec.cli import errors
    from dlspec.cli.console import write_json
    from dlspec.cli.progress import counting
    from dlspec.config import loader

    subject = overfit.prepare(loader.load(config, overrides or ()))
    with counting("steps of this attempt") as progress:
        found = overfit.run(subject, examples=examples, steps=steps, progress=progress)
    if as_json:
        write_json({"config": str(config), **asdict(found)})
    else:
        _print(found)
    if not found.memorised:
        raise typer.Exit(errors.FAILED)


def _print(found: "Memorisation") -> None:
    from dlspec.cli.console import console, table, text

    out = console()
    out.print(
        text(f"{found.examples} examples, {found.parameters:,} parameters; memorised at a loss of {found.target:.3g}")
    )
    out.print(text(f"a constant output has {found.constant:.4g}"))
    if found.unavoidable > found.constant / 100:
        out.print(text(f"equal inputs with different targets leave {found.unavoidable:.3g}"))
    if found.changes:
        out.print(text(f"turned off: {', '.join(found.changes)}"))
    out.print()
    rows = [
        ["with " + attempt.change if attempt.change else "as it is", f"{attempt.loss:.4g}", f"{attempt.steps:,}",
         "memorised" if attempt.memorised else "not memorised"]
        for attempt in found.attempts
    ]  # fmt: skip
    out.print(table(["attempt", "loss", "steps", ""], rows))
    for sign in found.attempts[0].signs:
        out.print(text(f"sign     {sign}"))
    out.print()
    out.print(text("verdict  ", style="bold") + text(found.verdict))
    if not found.memorised and found.attempts[-1].memorised:
        flags = " ".join(f"--set '{flag}'" for attempt in found.attempts for flag in attempt.sets)
        out.print(text(f"evidence memorised with {flags}"))
