"""`dlspec convert IN OUT`."""

from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlspec.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlspec.cli.signals import Interruption
    from dlspec.convert import Watcher

DRAWN_AFTER_S, DRAWN_EVERY_S = 0.5, 0.1


class Mode(StrEnum):
    """What the images of a folder become."""

    RGB = "rgb"
    GREY = "grey"


def convert(
    source: Annotated[
        Path, typer.Argument(help="Data file, or folder of images.", metavar="IN", show_default=False, readable=False)
    ],
    new: Annotated[
        Path,
        typer.Argument(help="New file: .csv, .tsv, .parquet, .h5, .npz or .npy.", metavar="OUT", show_default=False),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(help="Column to predict; may be given several times. The last one if unset.", show_default=False),
    ] = None,
    x: Annotated[str, typer.Option("--x", help="HDF5, NPZ: array of inputs.")] = "x",
    y: Annotated[str, typer.Option("--y", help="HDF5, NPZ: array of targets. NPY, IDX: their file.")] = "y",
    sample_weight: Annotated[
        str | None, typer.Option(help="Column, array or file of the weights.", show_default=False)
    ] = None,
    size: options.Size = None,
    mode: Annotated[Mode, typer.Option(help="Folder: what images become.")] = Mode.RGB,
    columns: Annotated[
        bool,
        typer.Option(
            "--columns", help="CSV, TSV, Parquet to one another: keep text, dates, truth values, empty cells."
        ),
    ] = False,
    missing: Annotated[bool, typer.Option("--missing", help="Targets may be missing: empty, or NaN.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: options.Json = False,
) -> None:
    """Write a data file in another format; large files pass through block by block."""
    from dlspec.cli import signals

    with signals.flagged() as interruption:  # before HDF5 is loaded: its callbacks swallow KeyboardInterrupt
        from dlspec.cli.console import console, text, write_json
        from dlspec.convert import convert as write
        from dlspec.convert import convert_columns
        from dlspec.data.image_folder import ImageForm
        from dlspec.data.reading import Reading
        from dlspec.errors import UsageError

        resized = options.size_of(size)
        reading = Reading(
            target=target,
            x=x,
            y=y,
            sample_weight=sample_weight,
            image=None if resized is None and mode is Mode.RGB else ImageForm(size=resized, mode=mode.value),
            task="multi_task" if missing else "auto",
        )
        if columns and reading != Reading():
            raise UsageError("found --columns, with which every column stays as it is; expected no other setting")
        with _progress(interruption) as watcher:
            if columns:
                converted = convert_columns(source, new, force=force, watcher=watcher)
            else:
                converted = write(source, new, reading=reading, force=force, watcher=watcher)
        for fact in converted.left_out:
            console(stderr=True).print(text(f"note: {new.suffix} files have no place for {fact}"))
        if as_json:
            write_json(
                {
                    "files": [str(path) for path in converted.files],
                    "examples": converted.examples,
                    "features": converted.features,
                    "targets": converted.targets,
                    "left_out": list(converted.left_out),
                }
            )
            return
        names = " and ".join(map(str, converted.files))
        counts = [(converted.examples, "example"), (converted.features, "feature"), (converted.targets, "target")]
        held = ", ".join(f"{count:,} {noun}{'s' * (count != 1)}" for count, noun in counts)
        console().print(text(f"{names}: {held}, from {source}"))


@contextmanager
def _progress(interruption: "Interruption") -> "Iterator[Watcher]":
    """A bar on a terminal, where it takes long; the first signal ends the work."""
    import time

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from dlspec.cli.console import console

    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("examples"), TimeRemainingColumn(compact=True))
    bar = Progress(*columns, console=console(stderr=True), auto_refresh=False, transient=True)
    task = bar.add_task("")
    next_drawn = time.perf_counter() + DRAWN_AFTER_S

    def watch(done: int, m: int) -> None:
        nonlocal next_drawn
        if interruption.number is not None:
            raise typer.Exit(128 + interruption.number)
        bar.update(task, completed=done, total=m)
        if bar.console.is_terminal and time.perf_counter() >= next_drawn:
            bar.start()
            bar.refresh()
            next_drawn = time.perf_counter() + DRAWN_EVERY_S

    try:
        yield watch
    finally:
        if bar.live.is_started:  # else stopping it would leave an empty line
            bar.stop()
