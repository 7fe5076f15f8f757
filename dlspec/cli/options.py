"""Arguments and options that several commands share."""

import re
from pathlib import Path
from typing import Annotated

import typer

# `readable`: who may not read the file is told so by whoever reads it, with the place.
Config = Annotated[
    Path, typer.Argument(help="Experiment file (YAML).", metavar="CONFIG", show_default=False, readable=False)
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override one key, such as optimizer.learning_rate=3e-4; may be given several times.",
        show_default=False,
    ),
]
RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Where run directories are.", metavar="DIR")]
Run = Annotated[
    str, typer.Argument(help="A run directory, any path inside it, or latest.", metavar="RUN", show_default=False)
]
Size = Annotated[
    str | None, typer.Option(metavar="HxW", help="Folder: resize images, such as 64x64.", show_default=False)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the results.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
Sort = Annotated[
    str,
    typer.Option(
        metavar="KEY",
        help="Order by a fact (dev_error, started, seconds, …) or a setting (optimizer.learning_rate); -KEY for the "
        "largest first.",
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="CONDITION",
        help="Only these runs, such as 'optimizer.name == adam and dev_error < 0.1'.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]


def check_new(path: Path, *, force: bool) -> None:
    """Refuse to replace a file that nobody asked to, and a place that cannot be written, before any work is done.

    Raises:
        UsageError: it is already there, or a directory.
        RunBusyError: the place is not writable.
    """
    from dlspec.errors import UsageError
    from dlspec.run import storage

    storage.check_writable(path.parent)
    if path.is_dir():
        raise UsageError(f"{path}: is a directory; nothing was written; choose another name")
    if path.exists() and not force:
        raise UsageError(f"{path}: already there; nothing was written; choose another name, or --force")


def size_of(written: str | None) -> tuple[int, int] | None:
    """`64x48` → (64, 48): height and width.

    Raises:
        UsageError: anything else.
    """
    from dlspec.errors import UsageError

    if written is None:
        return None
    if not re.fullmatch("[1-9][0-9]{0,3}x[1-9][0-9]{0,3}", written):
        raise UsageError(f"--size: found {written!r}; expected height and width in pixels, such as 64x64")
    height, width = written.split("x")
    return int(height), int(width)
