"""HDF5 and NPZ files read in parts: shapes without values, rows a slab at a time, all arrays there are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data import hdf5, npz
from dlspec.data.table import damage_as_data_error, suggestion
from dlspec.errors import DataError

SLAB_BYTES = 16 * 2**20


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An array in a file.

    Attributes:
        shape: its shape.
        dtype: of its numbers; `object` for text.
        read: gives a slice of its rows, text as `np.str_`.
        chunk: rows that are stored, and must be read, together.
        attributes: numbers and text stored with it.
        filters: how it is stored, as arguments of `h5py.Group.create_dataset`.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[slice], NDArray[Any]]
    chunk: int = 1
    attributes: Mapping[str, Any] = field(default_factory=dict)
    filters: Mapping[str, Any] = field(default_factory=dict)

    def slabs(self) -> Iterator[tuple[slice, NDArray[Any]]]:
        """All rows in order, about 16 MiB at a time, whole chunks together."""
        row_bytes = max(1, int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize)
        rows = -(-max(1, SLAB_BYTES // row_bytes) // self.chunk) * self.chunk
        for start in range(0, self.shape[0], rows):
            where = slice(start, min(start + rows, self.shape[0]))
            yield where, self.read(where)


@dataclass(frozen=True, eq=False)
class ArrayFile:
    """An open HDF5 or NPZ file.

    Attributes:
        path: the file.
        names: of all arrays.
        x: name of the array of inputs.
        y: name of the array of targets, which need not exist.
        array: gives the array of a name.
        attributes: numbers and text stored with the file.
    """

    path: Path
    names: Sequence[str]
    x: str
    y: str
    array: Callable[[str], StoredArray]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def inputs(self) -> StoredArray:
        """The array of inputs.

        Raises:
            DataError: there is none, or none of at least one example and one feature.
        """
        inputs = self.array(self.x)
        if len(inputs.shape) < 2 or 0 in inputs.shape:
            raise DataError(f"{self.path}: {self.x} has shape {inputs.shape}; expected (examples, features) or images")
        if inputs.dtype.kind not in "biuf":
            raise DataError(f"{self.path}: {self.x} holds {inputs.dtype}; expected numbers")
        return inputs


@contextmanager
def opened(path: Path, *, x: str, y: str) -> Iterator[ArrayFile]:
    """An HDF5 or NPZ file, by its suffix.

    Args:
        path: the file.
        x: name of the array of inputs; those of the course's files are known.
        y: name of the array of targets.

    Raises:
        DataError: not such a file, or a damaged one.
    """
    if path.suffix.lower() == ".npz":
        with npz.opened(path) as archive:
            headers = {name: archive.header(name) for name in archive.files}
        yield ArrayFile(path, list(headers), x, y, partial(_of_npz, path, headers))
        return
    with hdf5.opened(path) as file:
        with damage_as_data_error(path, "HDF5"):
            x, y = hdf5.names(file, x, y)
            names, attributes = hdf5.array_names(file), _attributes(file)
        yield ArrayFile(path, names, x, y, partial(_of_hdf5, path, file), attributes)


def _of_hdf5(path: Path, file: Any, name: str) -> StoredArray:
    with damage_as_data_error(path, "HDF5"):
        node = hdf5.find(path, file, name)
        dtype = np.dtype(object) if hdf5.is_text(node) else node.dtype
        chunked = node.chunks is not None and len(node.shape) > 0
        kept = {"compression": node.compression, "compression_opts": node.compression_opts, "shuffle": node.shuffle}
        return StoredArray(
            shape=node.shape,
            dtype=dtype,
            read=partial(_read_hdf5, path, name, node),
            chunk=node.chunks[0] if chunked else 1,
            attributes=_attributes(node),
            filters=kept if node.compression in ("gzip", "lzf") else {},
        )


def _read_hdf5(path: Path, name: str, node: Any, rows: slice) -> NDArray[Any]:
    with damage_as_data_error(path, "HDF5"):
        return hdf5.values(path, name, node, rows if node.shape else ...)


def _attributes(node: Any) -> dict[str, Any]:
    """Attributes that are numbers or text; others, such as references, mean nothing outside their file."""
    return {name: value for name, value in node.attrs.items() if _means_something(np.asarray(value))}


def _means_something(value: NDArray[Any]) -> bool:
    text = value.dtype.kind == "O" and all(isinstance(item, str) for item in value.ravel().tolist())
    return text or value.dtype.kind in "biufSU"


def _of_npz(path: Path, headers: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]], name: str) -> StoredArray:
    if name not in headers:
        raise DataError(f"{path}: no array {name!r}; {suggestion(name, headers)}")

    @cache
    def whole() -> NDArray[Any]:
        with npz.opened(path) as archive:
            values = archive[name]
            return np.strings.decode(values, "utf-8") if values.dtype.kind == "S" else values

    shape, dtype = headers[name]
    return StoredArray(shape=shape, dtype=dtype, read=lambda rows: whole()[rows] if shape else whole())
