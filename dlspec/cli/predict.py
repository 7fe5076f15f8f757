"""`dlspec predict RUN INPUT`."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlspec.cli import options
from dlspec.cli.evaluate import Parameters

if TYPE_CHECKING:
    from dlspec.prediction import Predictions


class Format(StrEnum):
    """How predictions are written."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def predict(
    run: options.Run,
    source: Annotated[
        str,
        typer.Argument(
            help="New rows: a file or folder of any format, one image, or - for CSV on standard input.",
            metavar="INPUT",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write; standard output if unset.", metavar="FILE", show_default=False)
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="By the suffix of --out, else csv, if unset.", show_default=False),
    ] = None,
    parameters: Annotated[
        Parameters | None,
        typer.Option(help="Parameters to use; the run's own result if unset.", show_default=False),
    ] = None,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Add those of every class or label.")] = False,
    key: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="COLUMN", help="Column that names the rows; numbers from 0 if unset.", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    runs_dir: options.RunsDir = Path("runs"),
) -> None:
    """Predict new rows with a trained run; its training data is not needed."""
    from dlspec import prediction
    from dlspec.cli.console import console, text
    from dlspec.run import directory

    chosen = _format(out, form, force=force)
    model = prediction.open_model(
        directory.find(run, runs_dir=runs_dir), parameters=parameters.value if parameters else None
    )
    predictions = prediction.predict(
        model, sys.stdin.buffer if source == "-" else Path(source), key=key, probabilities=probabilities
    )
    notes = console(stderr=True)
    for note in predictions.notes:
        notes.print(text(f"note: {note}"))
    _write(predictions, out, chosen)
    for name, count in predictions.unseen.items():
        cells = f"{count:,} of {predictions.rows:,} rows"
        notes.print(text(f"warning: column {name} has a category unknown in training in {cells}; it counts as none"))


def _format(out: Path | None, form: Format | None, *, force: bool) -> Format:
    """How to write, refused where it cannot be."""
    from dlspec.errors import UsageError
    from dlspec.run import storage

    if out is None:
        if form is Format.PARQUET:
            raise UsageError("Parquet is no text; name a file with --out")
        return form or Format.CSV
    suffix = out.suffix.lower().removeprefix(".")
    if form is None and suffix not in list(Format):
        raise UsageError(f"{out}: its suffix tells no format; expected .csv, .json or .parquet, or --format")
    if out.exists() and not force:
        raise UsageError(f"{out}: already there; nothing was written; choose another name, or --force")
    storage.check_writable(out.parent)
    return form or Format(suffix)


def _write(predictions: "Predictions", out: Path | None, chosen: Format) -> None:
    from dlspec.data import records
    from dlspec.run import storage

    if out is not None:
        storage.make_parents(out.parent)
        with storage.new_file(out) as file:
            records.WRITERS[chosen.value](file, predictions.records)
    elif chosen is Format.CSV:
        records.write_csv(sys.stdout.buffer, predictions.records, for_terminal=sys.stdout.isatty())
    else:
        records.WRITERS[chosen.value](sys.stdout.buffer, predictions.records)
