"""IDX: MNIST's format, plain or packed by gzip; the images in one file, their labels in another beside it."""

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlspec.data.beside import targets_beside
from dlspec.data.limits import Allowance
from dlspec.data.stream import Stream, rows_of_block
from dlspec.data.table import Table, damage_as_data_error, from_arrays
from dlspec.errors import DataError

NAME = re.compile(r".+[.-]idx[0-9]-[a-z]+(\.gz)?")
"""What the files are called: `train-images-idx3-ubyte.gz`."""

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_PACKED = b"\x1f\x8b"

_AT_ONCE = 2**20  # bytes that are unpacked in one call


def read(path: Path, *, y: str = "y") -> Table:
    """Read the images of one file and the labels of the other.

    Args:
        path: the images `(m, h, w)`, or inputs `(m, n)`.
        y: name of the file of the labels, relative to the images; the default is the standard name:
            `train-labels-idx1-ubyte` for `train-images-idx3-ubyte`, with or without `.gz`.

    Raises:
        DataError: no labels, not an IDX file, one that holds less or more than it declares, or arrays that
            `from_arrays` refuses.
    """
    images, labels = files(path, y=y)
    targets = array(labels)
    return _table(path, array(images), targets, start=0)


def stream(path: Path, *, y: str = "y") -> Stream:
    """The same rows, a block at a time.

    Raises:
        DataError: as `read`; what is wrong with a row, and what is wrong with the end of the file, when it is reached.
    """
    images, labels = files(path, y=y)
    targets = array(labels)
    with damage_as_data_error(images, "IDX"), _opened(images) as (_, shape, _):
        m, size = shape[0], rows_of_block(prod(shape[1:]))
    if targets.shape[:1] != (m,):
        raise DataError(f"{path}: images has {m} examples and labels has shape {targets.shape}")

    def tables() -> Iterator[Table]:
        with damage_as_data_error(images, "IDX"), _opened(images) as (file, shape, dtype):
            for start in range(0, max(1, m), size):
                values = np.empty((min(size, m - start), *shape[1:]), dtype)
                _fill(images, file, values)
                yield _table(path, values, targets[start : start + size], start=start)
            _check_end(images, file)

    return Stream(m, tables())


def _table(path: Path, inputs: NDArray[np.generic], targets: NDArray[np.generic], *, start: int) -> Table:
    if inputs.ndim == 1:
        raise DataError(f"{path}: holds one number per example, as labels do; expected the file of the images")
    return from_arrays(
        str(path),
        x=inputs.astype(inputs.dtype.newbyteorder("="), copy=False),
        y=targets.astype(targets.dtype.newbyteorder("="), copy=False),
        x_name="images",
        y_name="labels",
        place=lambda row: f"{path}: row {start + row}",
    )


def files(path: Path, *, y: str = "y") -> tuple[Path, Path]:
    """The files that `read` reads: images and labels.

    Raises:
        DataError: there are no labels.
    """
    return path, targets_beside(path, y)


def array(path: Path) -> NDArray[np.generic]:
    """The array of one file.

    Raises:
        DataError: not an IDX file, or one that holds less or more than it declares.
    """
    with damage_as_data_error(path, "IDX"), _opened(path) as (file, shape, dtype):
        values = np.empty(shape, dtype)
        _fill(path, file, values)
        _check_end(path, file)
    return values


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BufferedIOBase, tuple[int, ...], np.dtype[np.generic]]]:
    """The file behind its header, the shape and the type of the array."""
    with path.open("rb") as stored:
        packed = stored.read(2) == _PACKED
        stored.seek(0)
        file: BufferedIOBase = gzip.GzipFile(fileobj=stored) if packed else stored
        magic = file.read(4)
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or not magic[3]:
            raise DataError(f"{path}: not an IDX file; expected one such as train-images-idx3-ubyte")
        dtype = np.dtype(_TYPES[magic[2]])
        sizes = file.read(4 * magic[3])
        if len(sizes) < 4 * magic[3]:
            raise DataError(f"{path}: ends within its header; the file is cut off")
        shape = tuple(np.frombuffer(sizes, ">u4").tolist())
        declared, size = prod(shape) * dtype.itemsize, path.stat().st_size
        if packed:
            Allowance(str(path), size).take("the array", declared)
        if not packed and declared != (held := size - file.tell()):
            raise DataError(f"{path}: holds {held} bytes behind its header; expected {declared} for shape {shape}")
        yield file, shape, dtype


def _fill(path: Path, file: BufferedIOBase, values: NDArray[np.generic]) -> None:
    """Read as many bytes as the array has."""
    view = values.reshape(-1).view(np.uint8).data
    while view:
        count = file.readinto(view[:_AT_ONCE])
        if not count:
            raise DataError(f"{path}: ends {len(view)} bytes early; the file is cut off")
        view = view[count:]


def _check_end(path: Path, file: BufferedIOBase) -> None:
    """Nothing may follow; reading on is also what makes gzip compare its checksum."""
    if file.read(1):
        raise DataError(f"{path}: holds more than its header declares")
