"""`dlspec data describe DATA`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlspec.cli import options

if TYPE_CHECKING:
    from dlspec.data.describe import ColumnFacts, Description

_COLUMNS = 60  # features that are told one by one
_SHOWN = 12  # columns of the first rows
_CLASSES, _IMAGES = 20, 10  # rows and columns of the sheet


def describe(
    data: Annotated[
        Path,
        typer.Argument(help="A file or directory of any format.", metavar="DATA", show_default=False, readable=False),
    ],
    target: Annotated[
        str | None,
        typer.Option(help="CSV, TSV, Parquet: column to predict; the last one if unset.", show_default=False),
    ] = None,
    x: Annotated[str, typer.Option(help="HDF5, NPZ: array of the inputs.")] = "x",
    y: Annotated[str, typer.Option(help="HDF5, NPZ: array of the targets; NPY, IDX: their file.")] = "y",
    size: options.Size = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Draw images of every class there, a PNG file.", metavar="FILE", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: options.Json = False,
) -> None:
    """Tell what is in a file, and what of it would hurt a training.

    All rows are looked at. Medians, numbers of different values and outliers are those of 20,000 to 40,000 rows, evenly
    from all, where there are more.
    """
    from dataclasses import asdict

    from dlspec.cli import pictures
    from dlspec.cli.console import write_json
    from dlspec.data.contact_sheet import sheet_of_classes
    from dlspec.data.describe import describe as described
    from dlspec.data.image_folder import ImageForm
    from dlspec.data.look import look
    from dlspec.run.environment import numerics

    resized = options.size_of(size)
    if out is not None:
        pictures.check(out, force=force)
    with numerics(1):
        found = look(data, target=target, x=x, y=y, image=None if resized is None else ImageForm(size=resized))
        description = described(found)
    if out is not None:
        pictures.write(out, sheet_of_classes(found, rows=_CLASSES, each=_IMAGES))
    if as_json:
        write_json(asdict(description))
    else:
        _print(description, out)


def _print(found: "Description", sheet: Path | None) -> None:
    from dlspec.cli.console import console, table, text

    out = console()
    inputs = f"{len(found.features):,} features" if found.image_shape is None else f"images {_by(found.image_shape)}"
    kind = "" if found.dtype is None else f" of {found.dtype}"
    out.print(text(f"{found.source}: {found.format}, {found.examples:,} examples, {inputs}{kind}"))
    out.print(text(f"in memory: {found.memory / 1e6:,.1f} MB of float32"))
    if found.classes is not None:
        out.print()
        shares = [[name, f"{n:,}", f"{100 * n / max(1, found.examples):.1f} %"] for name, n in found.classes.items()]
        out.print(table(["class", "examples", "share"], shares))
    told = [*(found.features if len(found.features) <= _COLUMNS else ()), *found.targets]
    numbers = [fact for fact in told if fact.kind != "category"]
    if numbers:
        out.print()
        head = ["column", "kind", "missing", "different", "min", "median", "mean", "std", "max"]
        out.print(table(head, [_of_numbers(fact) for fact in numbers]))
    if texts := [fact for fact in told if fact.kind == "category"]:
        out.print()
        head = ["column", "missing", "categories", "most frequent"]
        out.print(table(head, [_of_texts(fact) for fact in texts]))
    if len(found.features) > _COLUMNS:
        low = min(fact.minimum for fact in found.features if fact.minimum is not None)
        high = max(fact.maximum for fact in found.features if fact.maximum is not None)
        out.print()
        out.print(text(f"all features: {low:g} to {high:g}; --json has each of them"))
    if found.image_shape is None:
        out.print()
        names = [fact.name for fact in (*found.features, *found.targets)]
        rows = [[*row[: _SHOWN - 1], row[-1]] if len(names) > _SHOWN else list(row) for row in found.first]
        out.print(table([*names[: _SHOWN - 1], names[-1]] if len(names) > _SHOWN else names, rows))
    if found.warnings:
        out.print()
        for warning in found.warnings:
            out.print(text(f"warning: {warning}"))
    if sheet is not None:
        out.print(text(f"wrote  {sheet}"))


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _of_numbers(fact: "ColumnFacts") -> list[str]:
    values = (fact.minimum, fact.median, fact.mean, fact.std, fact.maximum)
    shown = (
        "" if value is None else _number(value, fact.kind, days=position != 3) for position, value in enumerate(values)
    )
    return [fact.name, fact.kind, f"{fact.missing:,}", f"{fact.distinct:,}", *shown]


def _number(value: float, kind: str, *, days: bool) -> str:
    if kind != "date":
        return f"{value:.4g}"
    if not days:
        return f"{value:.4g} days"
    from datetime import UTC, datetime, timedelta

    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=value):%Y-%m-%d}"


def _of_texts(fact: "ColumnFacts") -> list[str]:
    most = ", ".join(f"{name} ({count:,})" for name, count in fact.categories)
    return [fact.name, f"{fact.missing:,}", f"{fact.distinct:,}", most]
