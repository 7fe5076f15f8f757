"""How the files of a set are read: the settings that every reader gets, and the one call of the readers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dlspec.data import files
from dlspec.data.image_folder import ImageForm
from dlspec.data.labels import Task
from dlspec.data.stream import Stream
from dlspec.data.table import ColumnType, Table


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the files of a set are read, and what their targets mean.

    Attributes:
        target: CSV, TSV, Parquet: column to predict, or several; None means the last one.
        sample_weight: column or array of the weights of the training examples; dev and test may have it too.
        x: HDF5, NPZ: name of the array of inputs.
        y: HDF5, NPZ: name of the array of targets; NPY, IDX: of their file.
        image: folder of images: what they are brought to.
        task: auto decides by the targets, see `coding_of`.
        classes: names in order; None means what the training file holds.
        leave_out: CSV, TSV, Parquet: columns that are no features.
        types: CSV, TSV, Parquet: what columns hold, by name; the rest is found out. None: nothing but numbers.
    """

    target: str | Sequence[str] | None = None
    sample_weight: str | None = None
    x: str = "x"
    y: str = "y"
    image: ImageForm | None = None
    task: Literal["auto"] | Task = "auto"
    classes: Sequence[str] | None = None
    leave_out: Sequence[str] = ()
    types: Mapping[str, ColumnType] | None = None


def like(reading: Reading, table: Table) -> Reading:
    """The same, for a file whose columns hold what those of `table` do."""
    if reading.types is None or table.columns is None:
        return reading
    kinds = {name: column.kind for name, column in zip(table.feature_names, table.columns, strict=True)}
    return replace(reading, types={**reading.types, **kinds})


def read(path: Path, reading: Reading, *, training: bool = True) -> Table:
    """The examples of one file.

    Args:
        path: the file.
        reading: how it is read.
        training: whether weights and columns to leave out must be there; dev and test do without.

    Raises:
        DataError: what the reader of the format refuses.
    """
    if reading.types is not None:
        from dlspec.data import mixed  # only for columns that are not all numbers

        files.check_readable(path)
        return mixed.read(
            path,
            types=reading.types,
            target=reading.target,
            sample_weight=reading.sample_weight,
            training=training,
            missing=reading.task == "multi_task",
            leave_out=reading.leave_out,
        )
    return files.read(path, training=training, **_settings(reading))


def stream(path: Path, reading: Reading) -> Stream:
    """The same of a training file, a block of rows at a time.

    Raises:
        DataError: as `read`; what is wrong with a row, when its block is taken.
    """
    return files.stream(path, **_settings(reading))


def fingerprint(paths: Sequence[Path], reading: Reading) -> str:
    """SHA-256 of the bytes of all files that were read, see `files.fingerprint`.

    Raises:
        DataError: a file cannot be read.
    """
    return files.fingerprint(paths, y=reading.y, sample_weight=reading.sample_weight)


def _settings(reading: Reading) -> dict[str, Any]:
    return {
        "target": reading.target,
        "sample_weight": reading.sample_weight,
        "x": reading.x,
        "y": reading.y,
        "image": reading.image,
        "missing": reading.task == "multi_task",
        "leave_out": reading.leave_out,
    }
