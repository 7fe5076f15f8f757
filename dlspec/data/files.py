"""One door to the readers: the suffix of a file tells its format."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from dlspec.data import delimited, hdf5, npz
from dlspec.data.table import Table
from dlspec.errors import DataError

SUFFIXES = (".csv", ".tsv", ".h5", ".hdf5", ".npz")


def read(
    path: Path,
    *,
    target: str | Sequence[str] | None = None,
    x: str = "x",
    y: str = "y",
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
    leave_out: Sequence[str] = (),
) -> Table:
    """Read a file of any supported format.

    Args:
        path: the file.
        target: CSV, TSV: column to predict, or several; None means the last one.
        x: HDF5, NPZ: name of the array of inputs.
        y: HDF5, NPZ: name of the array of targets.
        sample_weight: column or array of the weights of the examples; None means that there is none.
        training: whether the weights must be there; dev and test do without.
        missing: whether a target may be missing: an empty cell, or NaN.
        leave_out: CSV, TSV: columns that are no features and may hold anything.

    Raises:
        DataError: no such file, an unknown suffix, or what the reader of the format refuses.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"{path}: unknown suffix {path.suffix!r}; expected one of {', '.join(SUFFIXES)}")
    check_readable(path)
    if suffix in (".csv", ".tsv"):
        if (x, y) != ("x", "y"):
            raise DataError(
                f"{path}: x and y name arrays of HDF5 and NPZ files; in {suffix} files target names a column"
            )
        return delimited.read(
            path,
            target=target,
            sample_weight=sample_weight,
            training=training,
            missing=missing,
            leave_out=leave_out,
        )
    if target is not None:
        raise DataError(f"{path}: target names columns of CSV and TSV files; in {suffix} files y names the array")
    read_arrays = npz.read if suffix == ".npz" else hdf5.read
    return read_arrays(path, x=x, y=y, sample_weight=sample_weight, training=training, missing=missing)


def check_readable(path: Path) -> None:
    """Refuse what is no file that can be read.

    Raises:
        DataError: says why.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file")
    if not path.is_file():
        raise DataError(f"{path}: not a file")
    if not os.access(path, os.R_OK):
        raise DataError(f"{path}: no permission to read it")


def fingerprint(paths: Sequence[Path]) -> str:
    """SHA-256 of the bytes of the files in order, in hex: that of `cat train dev test | sha256sum`.

    Raises:
        DataError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()
