"""HDF5: named arrays, among them the course's `train_set_x`, `train_set_y`, `list_classes`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data.table import Table, damage_as_data_error, from_arrays, suggestion, texts
from dlspec.errors import DataError

# The course's two files hold these pairs in place of x and y.
_COURSE_NAMES = (("train_set_x", "train_set_y"), ("test_set_x", "test_set_y"))
CLASSES = ("classes", "list_classes")


def read(
    path: Path,
    *,
    x: str = "x",
    y: str = "y",
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
) -> Table:
    """Read the arrays `x` and `y`, in groups too (`images/train`), and `sample_weight` where it is given.

    A `sample_weight` may be absent unless `training`; a target may be NaN where `missing`.

    Where these are the defaults and absent, the course's `train_set_x, train_set_y` or `test_set_x,
    test_set_y` are read. Class names come from `classes` or `list_classes`, names of features from the
    attribute `feature_names` of x, if present.

    Raises:
        DataError: a file that `opened` refuses, a missing array, or arrays that `from_arrays` refuses.
    """
    with damage_as_data_error(path, "HDF5"), opened(path) as file:
        x, y = names(file, x, y)
        node = find(path, file, x)
        inputs = values(path, x, node)
        targets = values(path, y, find(path, file, y))
        if not training and sample_weight is not None and sample_weight not in file:
            sample_weight = None
        weights = None if sample_weight is None else values(path, sample_weight, find(path, file, sample_weight))
        attribute = node.attrs.get("feature_names")
        feature_names = None if attribute is None else texts(attribute)
        stored = next((name for name in CLASSES if name in file), None)
        classes = None if stored is None else texts(values(path, stored, find(path, file, stored)))
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


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The file, probed before it is opened, to read `find` and `values` from.

    Raises:
        DataError: not an HDF5 file, or one that `probe.check` refuses.
    """
    import h5py  # here, so that only experiments on HDF5 files pay for it

    from dlspec.data import probe

    if not h5py.is_hdf5(path):
        raise DataError(f"{path}: not an HDF5 file")
    probe.check(path)
    with damage_as_data_error(path, "HDF5"):
        file = h5py.File(path, "r")
    with file:
        yield file


def names(file: Any, x: str, y: str) -> tuple[str, str]:
    """The names to read: those given, or the course's where only its are there."""
    if (x, y) == ("x", "y") and "x" not in file and "y" not in file:
        present = [names for names in _COURSE_NAMES if all(name in file for name in names)]
        if len(present) == 1:
            return present[0]
    return x, y


def find(path: Path, file: Any, name: str) -> Any:
    """The array of that name.

    Raises:
        DataError: no such array, or an empty one.
    """
    import h5py

    if name not in file:
        raise DataError(f"{path}: no array {name!r}; {suggestion(name, array_names(file))}")
    node = file[name]
    if not isinstance(node, h5py.Dataset):
        raise DataError(f"{path}: {name} is a group; expected an array")
    if node.shape is None:
        raise DataError(f"{path}: {name} is empty; expected an array")
    return node


def array_names(file: Any) -> list[str]:
    """Names of all arrays, in groups too."""
    import h5py

    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def is_text(node: Any) -> bool:
    """Whether an array holds text."""
    import h5py

    return h5py.check_string_dtype(node.dtype) is not None


def values(path: Path, name: str, node: Any, rows: Any = ...) -> NDArray[Any]:
    """Numbers as they are, text as `np.str_`; all of the array from `find`, or a slice of its rows.

    Raises:
        DataError: neither numbers nor text.
    """
    if is_text(node):
        return np.asarray(node.asstr("utf-8")[rows], dtype=np.str_)
    if node.dtype.kind not in "biuf":
        raise DataError(f"{path}: {name} holds {node.dtype}; expected numbers or text")
    return np.asarray(node[rows])
