"""Options of `dlspec split`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Strategy(StrEnum):
    """What decides where a row goes."""

    AUTO = "auto"
    RANDOM = "random"
    STRATIFIED = "stratified"
    GROUP = "group"
    TIME = "time"
    HASH = "hash"


Data = Annotated[Path, typer.Argument(help="Data file.", metavar="DATA", show_default=False, readable=False)]

# --- how the rows are divided ----------------------------------------------------------------------------

Ratios = Annotated[
    str,
    typer.Option(
        help="Percent for train/dev/test such as 98/1/1, train/dev such as 70/30, or auto: by size. With a target "
        "distribution, of its rows alone.",
        metavar="A/B/C",
    ),
]
HowToSplit = Annotated[
    Strategy,
    typer.Option(
        help="stratified: every class keeps its share; group: all rows of a value of --column in one split; time: the "
        "oldest in train, the newest in test; hash: by the value alone, so that rows stay when others are added; auto: "
        "stratified for classes, else random."
    ),
]
Column = Annotated[
    str | None, typer.Option(help="Column or array that group, time and hash go by.", show_default=False)
]
Seed = Annotated[int, typer.Option(help="Seed of the split.", min=0, max=2**64 - 1)]
NoTest = Annotated[
    bool, typer.Option("--no-test", help="No test set: nothing will give an unbiased estimate of the error.")
]
DropDuplicates = Annotated[
    bool,
    typer.Option(
        "--drop-duplicates",
        help="Keep rows with the same inputs together in one split, so that none has duplicates in another; no row is "
        "removed.",
    ),
]

# --- the target distribution -----------------------------------------------------------------------------

TargetColumn = Annotated[
    str | None,
    typer.Option(
        help="Column that tells the rows of the target distribution: dev and test are drawn from these alone; the rest "
        "of them and all others are trained on.",
        show_default=False,
    ),
]
TargetValue = Annotated[
    str | None, typer.Option(help="What rows of the target have in --target-column.", show_default=False)
]
TargetFile = Annotated[
    Path | None,
    typer.Option(
        help="In place of a column: a second file, whose rows are the target.", metavar="FILE", show_default=False
    ),
]
TrainDev = Annotated[
    str | None,
    typer.Option(
        help="Share of train to set aside as train-dev, such as 2%: of the distribution of train but not trained on, "
        "it tells variance from data mismatch.",
        metavar="PERCENT%",
        show_default=False,
    ),
]

# --- names in the file -----------------------------------------------------------------------------------

Target = Annotated[
    list[str] | None,
    typer.Option(
        help="CSV, TSV, Parquet: column to predict, the last one if unset; may be given several times.",
        metavar="COLUMN",
        show_default=False,
    ),
]
X = Annotated[str, typer.Option("--x", help="HDF5, NPZ: name of the array of inputs.", metavar="NAME")]
Y = Annotated[str, typer.Option("--y", help="HDF5, NPZ: name of the array of targets.", metavar="NAME")]

# --- what is looked at and written -----------------------------------------------------------------------

Check = Annotated[
    bool | None,
    typer.Option(
        "--check/--no-check",
        help="Look into the rows: identical ones in two splits, classes per split. If unset: up to 10,000,000 rows.",
        show_default=False,
    ),
]
Resolve = Annotated[
    str | None,
    typer.Option(
        help="Difference of error rates, such as 0.5%, that dev should be able to see, around an error of 10 %.",
        metavar="PERCENT%",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="File that says which row is where, .csv or .h5; beside DATA if unset.", metavar="FILE", show_default=False
    ),
]
Materialize = Annotated[
    Path | None,
    typer.Option(help="Write a file per split into this directory instead.", metavar="DIR", show_default=False),
]
ColumnIsFeature = Annotated[
    bool, typer.Option("--column-is-feature", help="Tables of --materialize keep the columns that the split goes by.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace existing files.")]
