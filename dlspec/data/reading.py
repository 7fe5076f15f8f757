"""How the files of a set are read: the settings that every reader gets, and the one call of the readers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dlspec.data import files
from dlspec.data.labels import Task
from dlspec.data.table import Table


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the files of a set are read, and what their targets mean.

    Attributes:
        target: CSV, TSV: column to predict, or several; None means the last one.
        sample_weight: column or array of the weights of the training examples; dev and test may have it too.
        x: HDF5, NPZ: name of the array of inputs.
        y: HDF5, NPZ: name of the array of targets.
        task: auto decides by the targets, see `coding_of`.
        classes: names in order; None means what the training file holds.
        leave_out: CSV, TSV: columns that are no features.
    """

    target: str | Sequence[str] | None = None
    sample_weight: str | None = None
    x: str = "x"
    y: str = "y"
    task: Literal["auto"] | Task = "auto"
    classes: Sequence[str] | None = None
    leave_out: Sequence[str] = ()


def read(path: Path, reading: Reading, *, training: bool = True) -> Table:
    """The examples of one file.

    Args:
        path: the file.
        reading: how it is read.
        training: whether weights and columns to leave out must be there; dev and test do without.

    Raises:
        DataError: what the reader of the format refuses.
    """
    return files.read(
        path,
        target=reading.target,
        sample_weight=reading.sample_weight,
        x=reading.x,
        y=reading.y,
        training=training,
        missing=reading.task == "multi_task",
        leave_out=reading.leave_out,
    )
