"""`dlspec augment CONFIG --out FILE`."""

from pathlib import Path
from typing import Annotated

import typer

from dlspec.cli import options


def augment(
    config: options.Config,
    out: Annotated[Path, typer.Option(help="The sheet, a PNG file.", metavar="FILE", show_default=False)],
    overrides: options.Set = None,
    examples: Annotated[int, typer.Option(min=1, max=100, help="Rows: training images, from the first.")] = 8,
    copies: Annotated[int, typer.Option(min=1, max=100, help="Columns beside the originals: epochs.")] = 8,
    force: options.Force = False,
) -> None:
    """Draw training images beside what augmentation makes of them."""
    from dlspec import preparation
    from dlspec.cli import pictures
    from dlspec.config import loader

    pictures.check(out, force=force)
    sheet = preparation.contact_sheet(
        preparation.prepare(loader.load(config, overrides or ())), examples=examples, copies=copies
    )
    pictures.write(out, sheet)
    typer.echo(f"{out}: the originals on the left, beside each its first {copies} epochs")
