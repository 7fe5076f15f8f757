"""HDF5: named arrays, among them the course's `train_set_x`, `train_set_y`, `list_classes`."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlspec.data.stream import Stream, rows_of_block
from dlspec.data.table import Table, damage_as_data_error, from_arrays, suggestion, texts
from dlspec.errors import DataError

# The course's two files hold these pairs in place of x and y.
_COURSE_NAMES = (("train_set_x", "train_set_y"), ("test_set_x", "test_set_y"))
_CLASSES = ("classes", "list_classes")

# An array may declare more than it stores. gzip packs at most about 1,000 to 1.
_MAX_EXPANSION = 1_000
_ALWAYS_ALLOWED = 2**30  # bytes


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
    attribute `feature_names` of x, or an array of that name, if present. Only arrays stored in this very
    file are read: soft and external links, virtual arrays and external storage are refused.

    Raises:
        DataError: not an HDF5 file, a damaged one, a missing array, or arrays that `from_arrays` refuses.
    """
    with _opened(path) as file:
        found = _find_all(path, file, x, y, sample_weight, training=training)
        return _table(path, found, ..., missing=missing)


def stream(
    path: Path,
    *,
    x: str = "x",
    y: str = "y",
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
) -> Stream:
    """The same rows, a block at a time, as they are stored together.

    Raises:
        DataError: as `read`; what is wrong with a row, when its block is taken.
    """
    file = _opened(path)
    found = _find_all(path, file, x, y, sample_weight, training=training)
    m, chunk = (found.x.shape or (0,))[0], (found.x.chunks or (1,))[0]
    for name, node in ((found.y_name, found.y), (sample_weight, found.weights)):
        if node is not None and node.shape[:1] != (m,):
            raise DataError(f"{path}: {found.x_name} has {m} examples and {name} has shape {node.shape}")
    size = -(-rows_of_block(math.prod(found.x.shape[1:])) // chunk) * chunk

    def tables() -> Iterator[Table]:
        with file:
            for start in range(0, max(1, m), size):
                yield _table(path, found, slice(start, start + size), missing=missing)

    return Stream(m, tables())


class _Found(NamedTuple):
    """The arrays of an open file, and what it says about them."""

    x_name: str
    y_name: str
    weights_name: str | None
    x: Any
    y: Any
    weights: Any | None
    feature_names: tuple[str, ...] | None
    classes: tuple[str, ...] | None


def _opened(path: Path) -> Any:
    import h5py  # here, so that only experiments on HDF5 files pay for it

    if not h5py.is_hdf5(path):
        raise DataError(f"{path}: not an HDF5 file")
    with damage_as_data_error(path, "HDF5"):
        return h5py.File(path, "r")


def _find_all(path: Path, file: Any, x: str, y: str, sample_weight: str | None, *, training: bool) -> _Found:
    with damage_as_data_error(path, "HDF5"):
        x, y = _names(file, x, y)
        inputs, targets = _find(path, file, x), _find(path, file, y)
        if not training and sample_weight is not None and sample_weight not in file:
            sample_weight = None
        weights = None if sample_weight is None else _find(path, file, sample_weight)
        names = inputs.attrs.get("feature_names")
        if names is None and "feature_names" in file:  # an attribute holds no more than 64 kB
            names = _values(path, "feature_names", _find(path, file, "feature_names"))
        feature_names = None if names is None else texts(names)
        stored = next((name for name in _CLASSES if name in file), None)
        classes = None if stored is None else texts(_values(path, stored, _find(path, file, stored)))
    return _Found(x, y, sample_weight, inputs, targets, weights, feature_names, classes)


def _table(path: Path, found: _Found, rows: Any, *, missing: bool) -> Table:
    """The table of all rows (`...`), or of a slice of them."""
    with damage_as_data_error(path, "HDF5"):
        inputs = _values(path, found.x_name, found.x, rows)
        targets = _values(path, found.y_name, found.y, rows)
        weights = None if found.weights is None else _values(path, found.weights_name or "", found.weights, rows)
    start = 0 if rows is ... else rows.start
    return from_arrays(
        str(path),
        x=inputs,
        y=targets,
        x_name=found.x_name,
        y_name=found.y_name,
        feature_names=found.feature_names,
        classes=found.classes,
        weights=weights,
        weights_name=found.weights_name or "",
        missing=missing,
        place=lambda row: f"{path}: row {start + row}",
    )


def _names(file: Any, x: str, y: str) -> tuple[str, str]:
    """The names to read: those given, or the course's where only its are there."""
    if (x, y) == ("x", "y") and "x" not in file and "y" not in file:
        present = [names for names in _COURSE_NAMES if all(name in file for name in names)]
        if len(present) == 1:
            return present[0]
    return x, y


def _find(path: Path, file: Any, name: str) -> Any:
    """The array of that name, by hard links only: other links can lead out of the file."""
    import h5py

    node = file
    for part in name.strip("/").split("/"):
        link = node.get(part, getlink=True) if isinstance(node, h5py.Group) else None
        if link is None:
            raise DataError(f"{path}: no array {name!r}; {suggestion(name, _array_names(file))}")
        if not isinstance(link, h5py.HardLink):
            raise DataError(f"{path}: {name} is a link; expected an array stored under that name")
        node = node[part]
    if not isinstance(node, h5py.Dataset):
        raise DataError(f"{path}: {name} is a group; expected an array")
    return node


def _array_names(file: Any) -> list[str]:
    import h5py

    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


def _values(path: Path, name: str, node: Any, rows: Any = ...) -> NDArray[Any]:
    """Numbers as they are, text as `np.str_`; all of the array or a slice of its rows."""
    import h5py

    if node.is_virtual or node.external:
        raise DataError(f"{path}: {name} is stored in another file; expected an array in this one")
    if node.nbytes > max(_ALWAYS_ALLOWED, _MAX_EXPANSION * path.stat().st_size):
        raise DataError(
            f"{path}: {name} declares {node.nbytes} bytes, in a file of {path.stat().st_size}; "
            "expected an array that is stored whole"
        )
    if node.shape is None:
        raise DataError(f"{path}: {name} is empty; expected an array")
    if h5py.check_string_dtype(node.dtype) is not None:
        return np.asarray(node.asstr("utf-8")[rows], dtype=np.str_)
    if node.dtype.kind not in "biuf":
        raise DataError(f"{path}: {name} holds {node.dtype}; expected numbers or text")
    return np.asarray(node[rows])
