"""NPY: one array per file as written by `np.save`, mapped into memory; the targets lie in a file beside the inputs."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlspec.data.beside import absent, file_beside, targets_beside
from dlspec.data.table import Table, damage_as_data_error, from_arrays
from dlspec.errors import DataError

_MAGIC = b"\x93NUMPY"


def read(
    path: Path,
    *,
    y: str = "y",
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
) -> Table:
    """Read the inputs of one file and the targets of another.

    The inputs are not read before somebody looks at them: the table holds a map of the file. Python objects are
    never unpickled.

    Args:
        path: the inputs `(m, n_x)`, or images `(m, h, w)` or `(m, h, w, c)`.
        y: name of the file of the targets, relative to the inputs; the default is their name with `y` in place of
            `x`, or `labels` in place of `images`: `x_train.npy`, `y_train.npy`.
        sample_weight: name of the file of the weights, relative to the inputs; None means that there is none.
        training: whether that file must be there.
        missing: whether a target may be NaN.

    Raises:
        DataError: a file that is missing, that is no NPY file or not as long as it declares, or arrays that
            `from_arrays` refuses.
    """
    inputs, targets, *others = files(path, y=y, sample_weight=sample_weight)
    if sample_weight is not None and not others and training:
        raise absent(path, sample_weight)
    labels = np.asarray(mapped(targets))
    if labels.dtype.kind == "S":
        with damage_as_data_error(targets, "text"):
            labels = np.strings.decode(labels, "utf-8")
    return from_arrays(
        str(path),
        x=np.asarray(mapped(inputs)),
        y=np.array(labels),
        x_name=inputs.name,
        y_name=targets.stem,
        weights=np.asarray(mapped(others[0])) if others else None,
        weights_name=sample_weight or "",
        missing=missing,
    )


def files(path: Path, *, y: str = "y", sample_weight: str | None = None) -> Sequence[Path]:
    """The files that are read: inputs, targets, and weights where there are any.

    Raises:
        DataError: there are no targets.
    """
    weights = None if sample_weight is None else file_beside(path, sample_weight)
    return [path, targets_beside(path, y), *([] if weights is None else [weights])]


def mapped(path: Path) -> np.memmap[Any, Any]:
    """The array of a file, mapped into memory.

    Raises:
        DataError: no NPY file, or not as long as it declares.
    """
    with damage_as_data_error(path, "NPY"), warnings.catch_warnings(action="ignore"):
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:  # else NumPy takes it for a pickle, and says how to load one
                raise DataError(f"{path}: is no NPY file; expected one written by numpy.save")
        values: np.memmap[Any, Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        end, size = values.offset + values.nbytes, path.stat().st_size
        if end != size:
            raise DataError(f"{path}: holds {size} bytes; expected {end} by its header")
    return values
