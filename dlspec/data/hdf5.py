"""HDF5: named arrays, among them the course's `train_set_x`, `train_set_y`, `list_classes`."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data.table import Table, damage_as_data_error, from_arrays, suggestion, texts
from dlspec.errors import DataError

# The course's two files hold these pairs in place of x and y.
_COURSE_NAMES = (("train_set_x", "train_set_y"), ("test_set_x", "test_set_y"))
_CLASSES = ("classes", "list_classes")


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
    attribute `feature_names` of x, if present. The file is probed before it is opened.

    Raises:
        DataError: not an HDF5 file, one that `probe.check` refuses, a missing array, or arrays that
            `from_arrays` refuses.
    """
    import h5py  # here, so that only experiments on HDF5 files pay for it

    from dlspec.data import probe

    if not h5py.is_hdf5(path):
        raise DataError(f"{path}: not an HDF5 file")
    probe.check(path)
    with damage_as_data_error(path, "HDF5"), h5py.File(path, "r") as file:
        x, y = _names(file, x, y)
        node = _find(path, file, x)
        inputs = _values(path, x, node)
        targets = _values(path, y, _find(path, file, y))
        if not training and sample_weight is not None and sample_weight not in file:
            sample_weight = None
        weights = None if sample_weight is None else _values(path, sample_weight, _find(path, file, sample_weight))
        attribute = node.attrs.get("feature_names")
        feature_names = None if attribute is None else texts(attribute)
        stored = next((name for name in _CLASSES if name in file), None)
        classes = None if stored is None else texts(_values(path, stored, _find(path, file, stored)))
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


def _names(file: Any, x: str, y: str) -> tuple[str, str]:
    """The names to read: those given, or the course's where only its are there."""
    if (x, y) == ("x", "y") and "x" not in file and "y" not in file:
        present = [names for names in _COURSE_NAMES if all(name in file for name in names)]
        if len(present) == 1:
            return present[0]
    return x, y


def _find(path: Path, file: Any, name: str) -> Any:
    """The array of that name."""
    import h5py

    if name not in file:
        raise DataError(f"{path}: no array {name!r}; {suggestion(name, _array_names(file))}")
    node = file[name]
    if not isinstance(node, h5py.Dataset):
        raise DataError(f"{path}: {name} is a group; expected an array")
    return node


def _array_names(file: Any) -> list[str]:
    import h5py

    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


def _values(path: Path, name: str, node: Any) -> NDArray[Any]:
    """Numbers as they are, text as `np.str_`."""
    import h5py

    if node.shape is None:
        raise DataError(f"{path}: {name} is empty; expected an array")
    if h5py.check_string_dtype(node.dtype) is not None:
        return np.asarray(node.asstr("utf-8")[...], dtype=np.str_)
    if node.dtype.kind not in "biuf":
        raise DataError(f"{path}: {name} holds {node.dtype}; expected numbers or text")
    return np.asarray(node[...])
