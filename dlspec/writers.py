"""Examples into files: every format that holds a table, written a block of rows at a time.

In arrays the inputs are called `x`, the targets `y` and the weights `sample_weight`; in a table the targets come last,
the weights before them. What a format has no place for is left out, see `left_out`.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data import parquet
from dlspec.data.beside import renamed
from dlspec.data.delimited_cells import DELIMITERS
from dlspec.data.labels import Coding, natural_order
from dlspec.data.stream import Stream
from dlspec.data.table import Table, is_number, shown
from dlspec.errors import DataError
from dlspec.run import storage

WEIGHTS = "sample_weight"

IMAGE_SHAPE = "the shape of the images"
FEATURE_NAMES = "the names of the features"
TARGET_NAMES = "the names of the targets"
CLASS_ORDER = "the order of the classes"


@dataclass(frozen=True)
class Format:
    """What is known about writing a format.

    Attributes:
        name: as messages write it.
        write: from the path, a block of the stream to look at, and the stream.
        lacks: what it has no place for.
    """

    name: str
    write: Callable[[Path, Table, Stream], None]
    lacks: tuple[str, ...] = ()


def format_of(path: Path) -> Format:
    """The format that the name of a new file tells.

    Raises:
        DataError: it tells none that can be written.
    """
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        expected = ", ".join(FORMATS)
        raise DataError(f"{path}: unknown suffix {path.suffix!r}; expected one of {expected}") from None


def files(path: Path, *, weights: bool) -> list[Path]:
    """All files that writing to a path makes.

    Raises:
        DataError: the name of a new file does not tell its format, or not where the targets should go.
    """
    if format_of(path) is not NPY:
        return [path]
    beside = [renamed(path, word) for word in ("y", *([WEIGHTS] if weights else []))]
    if None in beside:
        raise DataError(
            f"{path}: the targets go beside the inputs, by their name; expected one with the word x, such as x.npy"
        )
    return [path, *(other for other in beside if other is not None)]


def left_out(path: Path, head: Table) -> list[str]:
    """What of these examples the format of a new file has no place for."""
    numbered = (*(f"y{j + 1}" for j in range(len(head.target_names))),)
    there = {
        IMAGE_SHAPE: head.image_shape is not None,
        FEATURE_NAMES: _feature_names(head) is not None,
        TARGET_NAMES: head.y.ndim > 1 and head.target_names != numbered,
        CLASS_ORDER: list(head.classes or ()) != sorted(head.classes or (), key=natural_order),
    }
    return [fact for fact in format_of(path).lacks if there[fact]]


def write(path: Path, head: Table, stream: Stream) -> None:
    """Write all examples of a stream.

    Args:
        path: the new file; its suffix is one of `FORMATS`.
        head: any block of the stream, which need not be left in it: tells what is the same for all.
        stream: the examples.

    Raises:
        DataError: what a block of the stream raises, or what the format cannot hold.
        RunError: the system refused; there is no new file then, and an older one is as it was.
    """
    format_of(path).write(path, head, stream)


def _feature_names(head: Table) -> tuple[str, ...] | None:
    """Names of the features; None where they say no more than their numbers do."""
    numbered = all(name == f"x{j + 1}" for j, name in enumerate(head.feature_names))
    return None if numbered else head.feature_names


def _write_text(path: Path, head: Table, stream: Stream) -> None:
    delimiter = DELIMITERS[path.suffix.lower()]
    names = _column_names(path, head)
    for name in names:
        if not name or name != name.strip() or "\0" in name or ("." in name and is_number(name)):
            raise DataError(f"{path}: a column named {shown(name)} could not be read back; expected another name")
    labels: set[str] = set()
    with storage.new_file(path) as file:
        file.write(_lines([names], delimiter))
        for block in stream.blocks:
            named = _with_class_names(block)
            if named.y.dtype.kind == "U":
                labels.update(np.unique(named.y).tolist())
                _check_labels(path, labels)
            file.write(_lines(_rows(named), delimiter))
        if labels and all(map(is_number, labels)) and any(label != str(int(float(label))) for label in labels):
            raise DataError(
                f"{path}: labels such as {shown(min(labels))} would be read back as numbers; "
                "expected another format, as .h5"
            )


def _check_labels(path: Path, labels: set[str]) -> None:
    for label in labels:
        if not label or label != label.strip() or "\0" in label:
            raise DataError(f"{path}: a label {shown(label)} could not be read back; expected another format, as .h5")


def _column_names(path: Path, head: Table) -> list[str]:
    names = [*head.feature_names, *([] if head.weights is None else [WEIGHTS]), *head.target_names]
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{path}: two columns would be named {shown(name)}; expected different names")
        seen.add(name)
    return names


def _with_class_names(block: Table) -> Table:
    """Labels as text where the file had numbers for them, and names for the numbers."""
    if block.classes is None or block.y.dtype.kind == "U":
        return block
    codes = Coding(task="classification", classes=block.classes).encode(block)
    return replace(block, y=np.array(block.classes)[codes])


def _rows(block: Table) -> Iterator[list[Any]]:
    """The cells of every row: a target that is missing is empty."""
    targets = block.y.reshape(len(block.y), -1)
    missing = np.isnan(targets) if targets.dtype.kind == "f" else np.zeros(targets.shape, bool)
    cells = np.where(missing, "", targets.astype(object)) if missing.any() else targets
    columns = [block.x, *([] if block.weights is None else [block.weights[:, None]]), cells]
    whole = [column.astype(np.uint8) if column.dtype == np.bool_ else column for column in columns]
    for row in zip(*(column.tolist() for column in whole), strict=True):
        yield [cell for part in row for cell in part]


def _lines(rows: Any, delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _write_parquet(path: Path, head: Table, stream: Stream) -> None:
    pa, pq = parquet.load_pyarrow(path)
    names = _column_names(path, head)
    said = {"target": head.target_names, "classes": head.classes, "image_shape": head.image_shape}
    metadata = {parquet.METADATA: json.dumps({key: value for key, value in said.items() if value is not None})}

    def batch(block: Table) -> Any:
        weights = [] if block.weights is None else [block.weights]
        columns = [*block.x.T, *weights, *block.y.reshape(len(block.y), -1).T]
        arrays = [pa.array(column.tolist() if column.dtype.kind == "U" else _plain(column)) for column in columns]
        return pa.record_batch(arrays, names=names).replace_schema_metadata(metadata)

    if head.x.dtype.kind == "f" and head.x.dtype.itemsize > 8:
        raise DataError(f"{path}: Parquet has no place for {head.x.dtype}; expected another format, as .h5")
    with storage.new_file(path) as file, pq.ParquetWriter(file, batch(head).schema) as writer:
        for block in stream.blocks:
            writer.write_batch(batch(block))


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """In the byte order of this machine, one value beside the other."""
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))


def _write_hdf5(path: Path, head: Table, stream: Stream) -> None:
    with storage.new_hdf5(path) as out:
        x = out.create_dataset("x", (stream.m, *_shape(head)), head.x.dtype)
        text = head.y.dtype.kind == "U"
        y = None if text else out.create_dataset("y", (stream.m, *head.y.shape[1:]), head.y.dtype)
        weights = None if head.weights is None else out.create_dataset(WEIGHTS, (stream.m,), head.weights.dtype)
        labels, start = _Labels(), 0
        for block in stream.blocks:
            rows = slice(start, start + len(block.x))
            x[rows] = block.x.reshape(-1, *_shape(head))
            if y is None:
                labels.add(block.y)
            else:
                y[rows] = block.y
            if weights is not None:
                weights[rows] = block.weights
            start = rows.stop
        if text:
            y = out.create_dataset("y", (stream.m,), _text_type(labels.names))
            for rows, some in labels.rows():
                y[rows] = some
        for name, texts in (("feature_names", _feature_names(head)), ("classes", head.classes)):
            if texts is not None:
                out[name] = np.array([text.encode() for text in texts], dtype=_text_type(texts))


def _text_type(texts: Iterable[str]) -> np.dtype[Any]:
    """HDF5's type for text in UTF-8 that is as long as the longest of these, or shorter."""
    import h5py

    dtype: np.dtype[Any] = h5py.string_dtype("utf-8", max([1, *(len(text.encode()) for text in texts)]))
    return dtype


def _shape(head: Table) -> tuple[int, ...]:
    return head.image_shape or head.x.shape[1:]


class _Labels:
    """The text of many labels, each different one kept once, until it is known how long they are."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self._codes: list[NDArray[np.int32]] = []

    def add(self, y: NDArray[np.str_]) -> None:
        """Keep the labels of further rows."""
        found, inverse = np.unique(y, return_inverse=True)
        codes = [self.names.setdefault(label, len(self.names)) for label in found.tolist()]
        self._codes.append(np.array(codes, dtype=np.int32)[inverse])

    def rows(self) -> Iterator[tuple[slice, NDArray[np.bytes_]]]:
        """All labels in order, some rows at a time."""
        labels = np.array([name.encode() for name in self.names], dtype=_text_type(self.names))
        start = 0
        for codes in self._codes:
            yield slice(start, start + len(codes)), labels[codes]
            start += len(codes)


def _write_npz(path: Path, head: Table, stream: Stream) -> None:
    with storage.new_zip(path) as member:
        with member("x.npy") as file:
            arrays = _write_inputs(file, head, stream)
        for name, texts in (("feature_names", _feature_names(head)), ("classes", head.classes)):
            if texts is not None:
                arrays[name] = np.array(texts)
        for name, values in arrays.items():
            with member(f"{name}.npy") as file:
                np.lib.format.write_array(file, values, allow_pickle=False)


def _write_npy(path: Path, head: Table, stream: Stream) -> None:
    named = Stream(stream.m, map(_with_class_names, stream.blocks))
    with storage.new_file(path) as file:  # which gets its name last
        arrays = _write_inputs(file, head, named)
        for other, values in zip(files(path, weights=head.weights is not None)[1:], arrays.values(), strict=True):
            with storage.new_file(other) as beside:
                np.lib.format.write_array(beside, values, allow_pickle=False)


def _write_inputs(file: Any, head: Table, stream: Stream) -> dict[str, NDArray[Any]]:
    """Write the inputs in the format of NPY; returns targets and weights."""
    dtype = head.x.dtype
    shape = (stream.m, *_shape(head))
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    y, weights = [], []
    for block in stream.blocks:
        file.write(np.ascontiguousarray(block.x).reshape(-1).view(np.uint8).data)
        y.append(block.y)
        if block.weights is not None:
            weights.append(block.weights)
    return {"y": np.concatenate(y)} | ({WEIGHTS: np.concatenate(weights)} if weights else {})


NPY = Format("NPY", _write_npy, (FEATURE_NAMES, TARGET_NAMES, CLASS_ORDER))
FORMATS = {
    ".csv": Format("CSV", _write_text, (IMAGE_SHAPE, CLASS_ORDER)),
    ".tsv": Format("TSV", _write_text, (IMAGE_SHAPE, CLASS_ORDER)),
    ".parquet": Format("Parquet", _write_parquet),
    ".h5": Format("HDF5", _write_hdf5, (TARGET_NAMES,)),
    ".hdf5": Format("HDF5", _write_hdf5, (TARGET_NAMES,)),
    ".npz": Format("NPZ", _write_npz, (TARGET_NAMES,)),
    ".npy": NPY,
}
"""The formats that a suffix tells."""
