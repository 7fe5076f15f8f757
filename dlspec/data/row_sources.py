"""One door to the files whose rows can be read where they are wanted; HDF5 and NPY."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dlspec.data import files, hdf5, npy, parquet_rows
from dlspec.data.hdf5_in_place import in_place, unknown_places
from dlspec.data.memory import Memory
from dlspec.data.reading import Reading
from dlspec.data.rows import Reader, RowSource, Span, unchanged
from dlspec.data.table import Table, damage_as_data_error, from_arrays
from dlspec.errors import DataError


def open_rows(path: Path, reading: Reading, *, memory: Memory) -> RowSource:
    """The rows of a file; nothing but the first is read.

    Args:
        path: HDF5, NPY or Parquet.
        reading: how it is read.
        memory: what the examples may take.

    Raises:
        DataError: a format that cannot be read in parts, or what the reader of the format refuses.
    """
    found = files.format_of(path)
    files.check_readable(path)
    source = _SOURCES.get(found.name)
    if source is None:
        raise DataError(
            f"{path}: {found.name} cannot be read in parts; leave out data.memory, or make an HDF5 file of it: "
            f"dlspec convert {path.name} {path.stem}.h5"
        )
    files.check_settings(path, {name: getattr(reading, name) for name in ("target", "x", "y", "image")})
    return source(path, reading, memory)


class _Array(Protocol):
    """An array in an open file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunk: int

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Some rows, text as `np.str_`."""

    def read_into(self, out: NDArray[Any], start: int, stop: int) -> None:
        """Some rows, which are numbers."""


class _Arrays:
    """Two arrays as a reader; the inputs are read into the same memory again and again.

    Chunks of targets may be longer than those of the inputs, so the last ones that were read are kept.
    """

    def __init__(self, x: _Array, y: _Array):
        self._x, self._y = x, y
        self._room = np.empty((0, *x.shape[1:]), x.dtype)
        self._first, self._kept = 0, np.empty(0)

    def inputs(self, spans: Sequence[Span]) -> NDArray[Any]:
        rows = sum(stop - start for start, stop in spans)
        if len(self._room) < rows:
            self._room = np.empty((rows, *self._x.shape[1:]), self._x.dtype)
        end = 0
        for start, stop in spans:
            first, end = end, end + stop - start
            self._x.read_into(self._room[first:end], start, stop)
        return self._room[:rows].reshape(rows, -1)

    def targets(self, start: int, stop: int) -> NDArray[Any]:
        if not self._first <= start < stop <= self._first + len(self._kept):
            chunk = self._y.chunk
            self._first = start // chunk * chunk
            self._kept = self._y.read(self._first, min(-(-stop // chunk) * chunk, self._y.shape[0]))
        y = self._kept[start - self._first : stop - self._first]
        return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def _of_arrays(
    path: Path,
    x: _Array,
    y: _Array,
    *,
    names: tuple[str, str],
    first: Callable[..., Table],
    opened: Callable[[], AbstractContextManager[Reader]],
    reading: Reading,
    memory: Memory,
) -> RowSource:
    """A source of two arrays of these names; `first` makes a table of their first row."""
    if len(x.shape) < 2 or 0 in x.shape:
        raise DataError(f"{path}: {names[0]} has shape {x.shape}; expected (examples, features) or images")
    if x.dtype.kind not in "biuf":
        raise DataError(f"{path}: {names[0]} holds {x.dtype}; expected numbers")
    m = x.shape[0]
    if y.shape[:1] != (m,):
        found = f"{y.shape[0]} examples" if y.shape else "shape ()"
        raise DataError(f"{path}: {names[0]} has {m} examples and {names[1]} has {found}; expected the same number")
    for array in (x, y):
        size = array.chunk * int(np.prod(array.shape[1:], dtype=np.int64)) * array.dtype.itemsize
        memory.check_chunk(str(path), size, "a chunk" if array.chunk > 1 else "a row")
    missing = reading.task == "multi_task"
    head = first(str(path), x=x.read(0, 1), y=y.read(0, 1), x_name=names[0], y_name=names[1], missing=missing)
    return RowSource(head=head, m=m, chunk=x.chunk, missing=missing, opened=opened)


class _InHdf5:
    def __init__(self, path: Path, name: str, node: Any, places: NDArray[np.int64]):
        self.path, self.name, self.node = path, name, node
        self.shape: tuple[int, ...] = node.shape
        self.dtype: np.dtype[Any] = node.dtype
        self.chunk: int = 1 if node.chunks is None else node.chunks[0]
        self._in_place = in_place(node, places)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        with damage_as_data_error(self.path, "HDF5"):
            return hdf5.values(self.path, self.name, self.node, slice(start, stop))

    def read_into(self, out: NDArray[Any], start: int, stop: int) -> None:
        with damage_as_data_error(self.path, "HDF5"):
            if self._in_place is None or not self._in_place.read_into(out, start, stop):
                self.node.read_direct(out, np.s_[start:stop])


def _hdf5(path: Path, reading: Reading, memory: Memory) -> RowSource:
    check = unchanged([path])
    with hdf5.opened(path) as file:
        found = hdf5.find_all(path, file, reading.x, reading.y)
        names = (found.x_name, found.y_name)
        places = [unknown_places(node) for node in (found.x, found.y)]
        x, y = (_InHdf5(path, *each) for each in zip(names, (found.x, found.y), places, strict=True))

        @contextmanager
        def opened() -> Iterator[Reader]:
            # Not through `hdf5.opened`: the file was looked at there, and is still the same. Nor does HDF5 keep chunks:
            # none is read twice, and those it gives up leave gaps in the memory.
            import h5py

            check()
            with damage_as_data_error(path, "HDF5"):
                file = h5py.File(path, "r", rdcc_nbytes=0)
            with file:
                yield _Arrays(*(_InHdf5(path, name, file[name], at) for name, at in zip(names, places, strict=True)))

        first = partial(from_arrays, feature_names=found.feature_names, classes=found.classes)
        source = _of_arrays(path, x, y, names=names, first=first, opened=opened, reading=reading, memory=memory)
        return replace(source, kept=sum(each.nbytes for each in places))


class _InNpy:
    """Read, not mapped: the pages of a map that were looked at once would stay in memory."""

    chunk = 1

    def __init__(self, path: Path, file: BufferedReader):
        mapped = npy.mapped(path)
        if not mapped.flags.c_contiguous:
            raise DataError(f"{path}: is stored column by column; expected rows one after the other (C order)")
        self.shape, self.dtype, self._offset = mapped.shape, mapped.dtype, mapped.offset
        self._path, self._file = path, file

    def read(self, start: int, stop: int) -> NDArray[Any]:
        values = np.empty((stop - start, *self.shape[1:]), self.dtype)
        self.read_into(values, start, stop)
        with damage_as_data_error(self._path, "text"):
            return np.strings.decode(values, "utf-8") if self.dtype.kind == "S" else values

    def read_into(self, out: NDArray[Any], start: int, stop: int) -> None:
        row_bytes = int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize
        with damage_as_data_error(self._path, "NPY"):
            self._file.seek(self._offset + start * row_bytes)
            found = self._file.readinto(out.reshape(-1).view(np.uint8).data)
        if found != out.nbytes:
            raise DataError(f"{self._path}: ends before row {stop}; expected {self.shape[0]} rows by its header")


def _npy(path: Path, reading: Reading, memory: Memory) -> RowSource:
    inputs, targets, *_ = npy.files(path, y=reading.y)
    check = unchanged([inputs, targets])

    @contextmanager
    def arrays() -> Iterator[tuple[_InNpy, _InNpy]]:
        with inputs.open("rb") as x, targets.open("rb") as y:
            yield _InNpy(inputs, x), _InNpy(targets, y)

    @contextmanager
    def opened() -> Iterator[Reader]:
        check()
        with arrays() as (x, y):
            yield _Arrays(x, y)

    with arrays() as (x, y):
        names = (inputs.name, targets.stem)
        return _of_arrays(path, x, y, names=names, first=from_arrays, opened=opened, reading=reading, memory=memory)


_SOURCES: dict[str, Callable[[Path, Reading, Memory], RowSource]] = {
    "HDF5": _hdf5,
    "NPY": _npy,
    "Parquet": parquet_rows.open_rows,
}
