"""Rows of a Parquet file, read where they are wanted: from the beginning of a row group on, a batch after the other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data import parquet
from dlspec.data.memory import Memory
from dlspec.data.reading import Reading
from dlspec.data.rows import Reader, RowSource, Span, unchanged
from dlspec.data.table import damage_as_data_error, from_arrays
from dlspec.errors import DataError

# Bytes that pyarrow holds of a column while it reads a row group: a page as it is stored and unpacked, a dictionary.
_COLUMN_BYTES = 2 * 2**20
_READ_AT_ONCE = 2**16  # bytes
_BLOCKS_AT_ONCE = 4  # that pyarrow unpacks; few rows of many columns take it long
# What pyarrow takes for itself, whatever the file, measured: and data.memory with which it still fits.
_READER_BYTES, LEAST_MEMORY = 18 * 2**20, 128_000_000
_EXPANSION = 10  # of what the end of a file says of its row groups, once it is parsed


def open_rows(path: Path, reading: Reading, memory: Memory) -> RowSource:
    """The rows of a Parquet file whose features are numbers; nothing but its end and its first rows are read.

    Raises:
        DataError: as `parquet.read`; row groups too large for the memory.
    """
    if memory.limit < LEAST_MEMORY:
        raise DataError(
            f"{path}: data.memory is {memory.limit // 10**6}MB; expected at least {LEAST_MEMORY // 10**6}MB for "
            "Parquet, whose reader takes some for itself: allow it more, or write the file as HDF5 with dlspec convert"
        )
    missing = reading.task == "multi_task"
    layout = parquet.layout_of(path, reading.target, None, reading.leave_out, training=True, missing=missing)
    row_bytes = len(layout.features) * layout.dtype.itemsize
    with damage_as_data_error(path, "Parquet"), parquet.opened(path) as file:
        metadata = file.metadata  # that of many row groups takes its memory, so there is one for all
        sizes = [_size_of(metadata.row_group(number)) for number in range(metadata.num_row_groups)]
        borders = np.cumsum([0, *(rows for rows, _ in sizes)])
        largest = max((size for _, size in sizes), default=0)
        parsed = _EXPANSION * metadata.serialized_size
    if borders[-1] != layout.m:
        raise DataError(f"{path}: declares {layout.m} rows, and {borders[-1]} in its row groups")
    columns = len(layout.features) + len(layout.targets)
    memory.check_chunk(str(path), min(largest, columns * _COLUMN_BYTES), f"a row group of {columns} columns")
    if parsed > memory.limit // 4:
        raise DataError(
            f"{path}: what it says of its {len(sizes):,} row groups takes {parsed:,} bytes; expected at most 1/4 of "
            "data.memory: allow it more, or write the file anew with dlspec convert"
        )
    batch = max(1, _BLOCKS_AT_ONCE * memory.block // row_bytes)
    check = unchanged([path])

    @contextmanager
    def opened() -> Iterator[Reader]:
        check()
        text = list(layout.targets) if layout.text else None
        settings = {"metadata": metadata, "buffer_size": _READ_AT_ONCE}
        with parquet.opened(path, **settings) as x, parquet.opened(path, read_dictionary=text, **settings) as y:
            yield _ParquetReader(
                _Cursor(path, x, layout.features, borders, batch, partial(parquet.inputs_of, path, layout)),
                _Cursor(path, y, layout.targets, borders, batch, partial(parquet.targets_of, path, layout)),
            )

    with opened() as reader:
        x, y = reader.inputs([(0, 1)]), reader.targets(0, 1)
    head = from_arrays(
        str(path),
        x=x.reshape(-1, *(layout.image_shape or x.shape[1:])),
        y=y,
        feature_names=layout.features,
        target_names=layout.targets,
        classes=layout.classes,
        missing=missing,
    )
    kept = _READER_BYTES + parsed
    return RowSource(head=head, m=layout.m, groups=borders, kept=kept, missing=missing, opened=opened)


def _size_of(group: Any) -> tuple[int, int]:
    """Rows and bytes of a row group."""
    return group.num_rows, group.total_byte_size


class _ParquetReader:
    def __init__(self, x: "_Cursor", y: "_Cursor"):
        self._x, self._y = x, y
        self._room: NDArray[Any] = np.empty((0, 0))

    def inputs(self, spans: Sequence[Span]) -> NDArray[Any]:
        rows, end = sum(stop - start for start, stop in spans), 0
        for span in spans:
            for part in self._x.parts(*span):
                if len(self._room) < rows:
                    self._room = np.empty((rows, part.shape[1]), part.dtype)
                first, end = end, end + len(part)
                self._room[first:end] = part
                del part  # so that never two are held
        return self._room[:rows]

    def targets(self, start: int, stop: int) -> NDArray[Any]:
        return np.concatenate(list(self._y.parts(start, stop)))


class _Cursor:
    """Some columns of a file, read on from where they were left, or from the beginning of a row group."""

    def __init__(
        self,
        path: Path,
        file: Any,
        columns: Sequence[str],
        borders: NDArray[np.int64],
        batch: int,
        arrays_of: Callable[[Any, int], NDArray[Any]],
    ):
        self._path, self._file, self._columns, self._borders = path, file, list(columns), borders
        self._batch, self._arrays_of = batch, arrays_of
        self._group = 0  # that is being read
        self._at = self._end = -1  # the rows that were read, but not asked for yet
        self._rows: NDArray[Any] = np.empty(0)
        self._batches: Iterator[Any] = iter(())

    def parts(self, start: int, stop: int) -> Iterator[NDArray[Any]]:
        """The rows start … stop as they are unpacked."""
        if start != self._at:
            self._seek(start)
        while start < stop:
            if not len(self._rows):
                self._next()
            taken = min(stop - start, len(self._rows))
            yield self._rows[:taken]
            self._rows = self._rows[taken:]
            start += taken
            self._at = start

    def _seek(self, start: int) -> None:
        group = int(np.searchsorted(self._borders, start, side="right")) - 1
        if not self._borders[group] <= self._at < start:  # else it is on the way
            self._begin(group)
        while self._end <= start:
            self._next()
        self._rows = self._rows[len(self._rows) - (self._end - start) :]
        self._at = start

    def _begin(self, group: int) -> None:
        with damage_as_data_error(self._path, "Parquet"):
            self._batches = self._file.iter_batches(
                batch_size=self._batch, row_groups=[group], columns=self._columns, use_threads=False
            )
        self._group, self._end, self._rows = group, int(self._borders[group]), np.empty(0)

    def _next(self) -> None:
        self._rows = np.empty(0)  # so that never two are held
        while self._end == self._borders[self._group + 1]:
            self._begin(self._group + 1)
        with damage_as_data_error(self._path, "Parquet"):
            batch = next(self._batches, None)
            if batch is None:
                raise DataError(f"{self._path}: ends at row {self._end}; expected {self._borders[-1]} rows")
            self._rows = self._arrays_of(batch, self._end)
        self._end += batch.num_rows
