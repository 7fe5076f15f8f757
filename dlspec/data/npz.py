"""NPZ: named arrays as written by `np.savez`."""

import warnings
from pathlib import Path

import numpy as np

from dlspec.data.table import Table, damage_as_data_error, from_arrays, suggestion, texts
from dlspec.errors import DataError


def read(
    path: Path,
    *,
    x: str = "x",
    y: str = "y",
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
) -> Table:
    """Read the arrays `x` and `y`, and `sample_weight` where it is given.

    Class names come from `classes` and names of features from `feature_names`, if present. A `sample_weight`
    may be absent unless `training`; a target may be NaN where `missing`. Python objects are never unpickled.

    Raises:
        DataError: not an NPZ file, a damaged one, a missing array, or arrays that `from_arrays` refuses.
    """
    # NumPy warns about unusual headers and goes on; what it cannot read, it raises.
    # The file is opened here, because np.load leaves a damaged one open.
    with damage_as_data_error(path, "NPZ"), warnings.catch_warnings(action="ignore"), path.open("rb") as file:
        if file.read(2) not in (b"PK", b"\x93N"):  # else NumPy takes it for a pickle, and says how to load one
            raise DataError(f"{path}: is no NPZ file; expected one written by numpy.savez")
        file.seek(0)
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DataError(f"{path}: one NPY array; expected an NPZ file with arrays {x!r} and {y!r}")
        with archive:
            if not training and sample_weight not in archive.files:
                sample_weight = None
            for name in (x, y, sample_weight):
                if name is not None and name not in archive.files:
                    raise DataError(f"{path}: no array {name!r}; {suggestion(name, archive.files)}")
            inputs, targets = archive[x], archive[y]
            if targets.dtype.kind == "S":
                targets = np.strings.decode(targets, "utf-8")
            weights = None if sample_weight is None else archive[sample_weight]
            classes = texts(archive["classes"]) if "classes" in archive.files else None
            feature_names = texts(archive["feature_names"]) if "feature_names" in archive.files else None
    return from_arrays(
        str(path),
        x=inputs,
        y=targets,
        x_name=x,
        y_name=y,
        feature_names=feature_names,
        classes=classes,
        weights=weights,
        weights_name=sample_weight or "",
        missing=missing,
    )
