"""HDF5: named arrays, among them the course's `train_set_x`, `train_set_y`, `list_classes`."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlspec.data.stream import Stream, rows_of_block
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
    attribute `feature_names` of x, or an array of that name, if present.

    Raises:
        DataError: a file that `opened` refuses, a missing array, or arrays that `from_arrays` refuses.
    """
    with opened(path) as file:
        found = find_all(path, file, x, y, sample_weight, training=training)
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
    with ExitStack() as stack:
        file = stack.enter_context(opened(path))
        found = find_all(path, file, x, y, sample_weight, training=training)
        m, chunk = (found.x.shape or (0,))[0], (found.x.chunks or (1,))[0]
        for name, node in ((found.y_name, found.y), (sample_weight, found.weights)):
            if node is not None and node.shape[:1] != (m,):
                raise DataError(f"{path}: {found.x_name} has {m} examples and {name} has shape {node.shape}")
        size = -(-rows_of_block(math.prod(found.x.shape[1:])) // chunk) * chunk
        still_open = stack.pop_all()

    def tables() -> Iterator[Table]:
        with still_open:
            for start in range(0, max(1, m), size):
                yield _table(path, found, slice(start, start + size), missing=missing)

    return Stream(m, tables())


class Found(NamedTuple):
    """The arrays of an open file, and what it says about them."""

    x_name: str
    y_name: str
    weights_name: str | None
    x: Any
    y: Any
    weights: Any | None
    feature_names: tuple[str, ...] | None
    classes: tuple[str, ...] | None


def find_all(
    path: Path, file: Any, x: str, y: str, sample_weight: str | None = None, *, training: bool = True
) -> Found:
    """The arrays of an open file that `read` reads; arguments as there.

    Raises:
        DataError: as `find`; names that are no text.
    """
    with damage_as_data_error(path, "HDF5"):
        x, y = names(file, x, y)
        inputs, targets = find(path, file, x), find(path, file, y)
        if not training and sample_weight is not None and sample_weight not in file:
            sample_weight = None
        weights = None if sample_weight is None else find(path, file, sample_weight)
        said = inputs.attrs.get("feature_names")
        if said is None and "feature_names" in file:  # an attribute holds no more than 64 kB
            said = values(path, "feature_names", find(path, file, "feature_names"))
        feature_names = None if said is None else texts(said)
        stored = next((name for name in CLASSES if name in file), None)
        classes = None if stored is None else texts(values(path, stored, find(path, file, stored)))
    return Found(x, y, sample_weight, inputs, targets, weights, feature_names, classes)


def _table(path: Path, found: Found, rows: Any, *, missing: bool) -> Table:
    """The table of all rows (`...`), or of a slice of them."""
    with damage_as_data_error(path, "HDF5"):
        inputs = values(path, found.x_name, found.x, rows)
        targets = values(path, found.y_name, found.y, rows)
        weights = None if found.weights is None else values(path, found.weights_name or "", found.weights, rows)
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
