"""`dlspec init DIR`."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    directory: Annotated[Path, typer.Argument(help="Directory of the new project.", metavar="DIR")],
) -> None:
    """Start a project from examples that train; overwrites nothing."""
    from dlspec import starter

    written = starter.write(directory)
    typer.echo(f"{directory}: {len(written)} files; try: cd {directory} && dlspec train configs/digits.yaml")
