"""One door to the readers: the name of a file tells its format."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from dlspec.data import cifar, delimited, hdf5, idx, image_folder, npy, npz, parquet
from dlspec.data.image_folder import ImageForm
from dlspec.data.stream import Stream, of_table
from dlspec.data.table import Table
from dlspec.errors import DataError


@dataclass(frozen=True)
class Format:
    """What the door knows about a format.

    Attributes:
        name: as messages write it.
        read: its reader.
        stream: reads it a block at a time; None where all is read at once.
        settings: arguments of `read` below that the reader takes, beside the path.
        files: from a path and the settings y and sample_weight, all files that are read; None for that one file.
    """

    name: str
    read: Callable[..., Table]
    stream: Callable[..., Stream] | None
    settings: tuple[str, ...]
    files: Callable[[Path, str, str | None], Sequence[Path]] | None = None


_COLUMNS = ("target", "sample_weight", "training", "missing", "leave_out")
_ARRAYS = ("x", "y", "sample_weight", "training", "missing")
CIFAR = Format("CIFAR-10", cifar.read, None, ("training",), lambda path, *_: cifar.files(path))
FOLDER = Format(
    "a folder of images", image_folder.read, image_folder.stream, ("image",), lambda path, *_: image_folder.files(path)
)
IDX = Format("IDX", idx.read, idx.stream, ("y",), lambda path, y, _: idx.files(path, y=y))
NPY = Format(
    "NPY",
    npy.read,
    None,  # a map of the file is not in memory
    ("y", "sample_weight", "training", "missing"),
    lambda path, y, sample_weight: npy.files(path, y=y, sample_weight=sample_weight),
)
FORMATS = {
    ".csv": Format("CSV", delimited.read, delimited.stream, _COLUMNS),
    ".tsv": Format("TSV", delimited.read, delimited.stream, _COLUMNS),
    ".parquet": Format("Parquet", parquet.read, parquet.stream, _COLUMNS),
    ".h5": Format("HDF5", hdf5.read, hdf5.stream, _ARRAYS),
    ".hdf5": Format("HDF5", hdf5.read, hdf5.stream, _ARRAYS),
    ".npz": Format("NPZ", npz.read, None, _ARRAYS),
    ".npy": NPY,
    ".bin": CIFAR,
}
"""The formats that a suffix tells."""

SUFFIXES = tuple(FORMATS)


def read(
    path: Path,
    *,
    target: str | Sequence[str] | None = None,
    x: str = "x",
    y: str = "y",
    sample_weight: str | None = None,
    image: ImageForm | None = None,
    training: bool = True,
    missing: bool = False,
    leave_out: Sequence[str] = (),
) -> Table:
    """Read a file, or a directory, of any supported format.

    Args:
        path: the file.
        target: CSV, TSV, Parquet: column to predict, or several; None means the last one.
        x: HDF5, NPZ: name of the array of inputs.
        y: HDF5, NPZ: name of the array of targets. IDX, NPY: name of their file, beside that of the inputs.
        sample_weight: column, array or (NPY) file of the weights of the examples; None means that there is none.
        image: folder of images: what they are brought to; None for RGB of one size.
        training: whether this is the training set: its weights must be there, dev and test do without; and of a
            directory of CIFAR-10 it is the training batches.
        missing: whether a target may be missing: an empty cell, or NaN.
        leave_out: CSV, TSV, Parquet: columns that are no features and may hold anything.

    Raises:
        DataError: no such file, an unknown suffix, a setting that the format does not have, or what the reader
            of the format refuses.
    """
    given = _Given(target, x, y, sample_weight, image, missing, tuple(leave_out))
    found, settings = _checked(path, given, training=training)
    return found.read(path, **settings)


def stream(
    path: Path,
    *,
    target: str | Sequence[str] | None = None,
    x: str = "x",
    y: str = "y",
    sample_weight: str | None = None,
    image: ImageForm | None = None,
    training: bool = True,
    missing: bool = False,
    leave_out: Sequence[str] = (),
) -> Stream:
    """The same rows, a block at a time; NPZ and CIFAR-10 are read as a whole.

    Raises:
        DataError: as `read`; what is wrong with a row, when its block is taken.
    """
    given = _Given(target, x, y, sample_weight, image, missing, tuple(leave_out))
    found, settings = _checked(path, given, training=training)
    return of_table(found.read(path, **settings)) if found.stream is None else found.stream(path, **settings)


class _Given(NamedTuple):
    """The settings of `read`, each with what it is where nobody gave it."""

    target: str | Sequence[str] | None = None
    x: str = "x"
    y: str = "y"
    sample_weight: str | None = None
    image: ImageForm | None = None
    missing: bool = False
    leave_out: tuple[str, ...] = ()


# Those that a format must not be given if it has no use for them.
_NAMES = ("target", "x", "y", "sample_weight", "image")


def _checked(path: Path, given: _Given, *, training: bool) -> tuple[Format, dict[str, Any]]:
    """The format of a file that is there, and those of the settings that it has."""
    found = format_of(path)
    check_readable(path)
    if not training and "sample_weight" not in found.settings:
        given = given._replace(sample_weight=None)
    check_settings(path, {name: getattr(given, name) for name in _NAMES})
    settings = {**given._asdict(), "training": training}
    return found, {name: settings[name] for name in found.settings}


def check_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Refuse a setting that the format of the file has no use for.

    Raises:
        DataError: names it, and the formats that have it.
    """
    found = format_of(path)
    for name, value in settings.items():
        if name not in found.settings and value != _Given._field_defaults[name]:
            raise DataError(f"{path}: {name} is given, which {found.name} does not have; {_for(name)}")


def check_readable(path: Path) -> None:
    """Refuse what is no file that can be read, nor a directory where there may be one.

    Raises:
        DataError: says why.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file")
    if not path.is_file() and (path.suffix.lower() in FORMATS or not path.is_dir()):
        raise DataError(f"{path}: not a file")
    if not os.access(path, os.R_OK):
        raise DataError(f"{path}: no permission to read it")


def format_of(path: Path) -> Format:
    """The format that the name tells, or what is in a directory.

    Raises:
        DataError: nothing is known of this name.
    """
    found = _format(path)
    if found is not None:
        return found
    expected = f"{', '.join(SUFFIXES)}, a name such as train-images-idx3-ubyte.gz, or a directory of images"
    raise DataError(f"{path}: unknown suffix {path.suffix!r}; expected one of {expected}")


def _format(path: Path) -> Format | None:
    if idx.NAME.fullmatch(path.name.lower()):
        return IDX
    if path.is_dir() and path.suffix.lower() not in FORMATS:
        return CIFAR if cifar.holds(path) else FOLDER
    return FORMATS.get(path.suffix.lower())


def _for(setting: str) -> str:
    """Which formats have a setting."""
    names = dict.fromkeys(found.name for found in (*FORMATS.values(), IDX, FOLDER) if setting in found.settings)
    return f"it is for {', '.join(names)}"


def fingerprint(paths: Sequence[Path], *, y: str = "y", sample_weight: str | None = None) -> str:
    """SHA-256 of the bytes of the files in order, in hex: that of `cat train dev test | sha256sum`.

    Files that belong to one of these are taken with it: after the images of IDX their labels. Those of a directory
    come in the order of their names, each behind its name and a zero byte.

    Args:
        paths: what was read.
        y: the setting with which they were read.
        sample_weight: likewise.

    Raises:
        DataError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        found = _format(path)
        for file in [path] if found is None or found.files is None else found.files(path, y, sample_weight):
            if path.is_dir():
                digest.update(os.fsencode(file.relative_to(path)) + b"\0")
            _digest(digest, file)
    return digest.hexdigest()


def _digest(digest: Any, path: Path) -> None:
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
