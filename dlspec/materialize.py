"""A division written out: a file for every split, in the format of the input."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data import delimited, hdf5
from dlspec.data.delimited_cells import DELIMITERS, examples
from dlspec.data.scan import ARRAY_SUFFIXES, TEXT_SUFFIXES
from dlspec.data.stored_arrays import ArrayFile, StoredArray, opened
from dlspec.errors import UsageError
from dlspec.run import storage
from dlspec.splitting import Division

_LINES = 20_000  # read at a time
_WHOLE = (*hdf5.CLASSES, "feature_names")  # arrays that are not of examples, whatever their length

Places = Sequence[NDArray[np.int8]]
"""For each source the position of the split of each row."""


def files_of(division: Division, directory: Path) -> dict[str, Path]:
    """The file of each split.

    Raises:
        UsageError: the input is of a format that is not written, or would be one of the files.
    """
    suffix = division.request.data.suffix
    if suffix.lower() not in (*TEXT_SUFFIXES, *ARRAY_SUFFIXES):
        expected = ", ".join((*TEXT_SUFFIXES, *ARRAY_SUFFIXES))
        raise UsageError(f"{division.request.data}: --materialize writes {expected}; expected one of these")
    files = {name: directory / f"{name}{suffix}" for name in division.rows}
    for source in division.request.sources:
        if source.resolve() in (path.resolve() for path in files.values()):
            raise UsageError(f"{source}: would be replaced by a part of itself; expected another --materialize DIR")
    return files


def materialize(division: Division, directory: Path) -> dict[str, Path]:
    """Write a file for each split, rows in the order of the source.

    CSV and TSV lose the columns that the split went by, unless the cut says that they are features. HDF5 and NPZ keep
    every array: those with a row for each example are divided, others are copied.

    Returns:
        The files, by split.

    Raises:
        UsageError: as `files_of`.
        DataError: a file that cannot be read.
        RunError: the place is not writable.
    """
    files, sources = files_of(division, directory), division.request.sources
    storage.make_parents(directory)
    borders = np.cumsum(division.sizes)[:-1]
    places = np.split(division.numbers(), borders)
    with ExitStack() as stack:
        suffix = division.request.data.suffix.lower()
        if suffix in TEXT_SUFFIXES:
            outs = [stack.enter_context(storage.new_file(path)) for path in files.values()]
            left_out = () if division.cut.column_is_feature else division.request.columns
            _copy_text(sources, places, [out.write for out in outs], left_out)
            return files
        reading = division.request.reading
        inputs = [stack.enter_context(opened(path, x=reading.x, y=reading.y)) for path in sources]
        if suffix == ".npz":
            adders = [stack.enter_context(storage.new_npz(path)) for path in files.values()]
            _copy_npz(inputs, places, adders)
        else:
            nodes = [stack.enter_context(storage.new_hdf5(path)) for path in files.values()]
            _copy_hdf5(inputs, places, nodes)
    return files


# --- tables ----------------------------------------------------------------------------------------------


def _copy_text(
    sources: Sequence[Path], places: Places, writes: Sequence[Callable[[bytes], Any]], left_out: Sequence[str]
) -> None:
    for number, (path, place) in enumerate(zip(sources, places, strict=True)):
        _, names = delimited.header(path)
        kept = [column for column, name in enumerate(names) if name not in left_out]
        delimiter = DELIMITERS[path.suffix.lower()]
        if number == 0:
            head = _lines([names], kept, delimiter)
            for write in writes:
                write(head)
        rows = examples(path)
        for start in range(0, len(place), _LINES):
            cells = [cells for _, cells in zip(place[start : start + _LINES], _cells(rows), strict=False)]
            for split, write in enumerate(writes):
                chosen = [cells[row] for row in np.flatnonzero(place[start : start + _LINES] == split)]
                write(_lines(chosen, kept, delimiter))


def _cells(rows: Iterator[tuple[int, list[str]]]) -> Iterator[list[str]]:
    return (cells for _, cells in rows)


def _lines(rows: Sequence[Sequence[str]], kept: Sequence[int], delimiter: str) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    writer.writerows([cells[column] for column in kept] for cells in rows)
    return buffer.getvalue().encode()


# --- arrays ----------------------------------------------------------------------------------------------


def _of_examples(name: str, arrays: Sequence[StoredArray], places: Places) -> bool:
    """Whether an array has a row for each example."""
    lengths = [array.shape[:1] for array in arrays]
    return name not in _WHOLE and lengths == [(len(place),) for place in places]


def _copy_npz(inputs: Sequence[ArrayFile], places: Places, adders: Sequence[Callable[[str, Any], None]]) -> None:
    for name in inputs[0].names:
        arrays = [file.array(name) for file in inputs]
        values = [array.read(slice(None)) for array in arrays]
        for split, add in enumerate(adders):
            if _of_examples(name, arrays, places):
                chosen = [part[place == split] for part, place in zip(values, places, strict=True)]
                add(name, chosen[0] if len(chosen) == 1 else np.concatenate(chosen))
            else:
                add(name, values[0])


def _copy_hdf5(inputs: Sequence[ArrayFile], places: Places, nodes: Sequence[Any]) -> None:
    for node in nodes:
        node.attrs.update(inputs[0].attributes)
    for name in inputs[0].names:
        arrays = [file.array(name) for file in inputs]
        if _of_examples(name, arrays, places):
            _divide_hdf5(name, arrays, places, nodes)
        else:
            for node in nodes:
                whole = node.create_dataset(name, data=_storable(arrays[0].read(slice(None))))
                whole.attrs.update(arrays[0].attributes)


def _divide_hdf5(name: str, arrays: Sequence[StoredArray], places: Places, nodes: Sequence[Any]) -> None:
    import h5py

    text = arrays[0].dtype == object
    dtype = h5py.string_dtype() if text else np.result_type(*(array.dtype for array in arrays))
    outs = []
    for split, node in enumerate(nodes):
        m = sum(int(np.count_nonzero(place == split)) for place in places)
        outs.append(node.create_dataset(name, shape=(m, *arrays[0].shape[1:]), dtype=dtype, **arrays[0].filters))
        outs[-1].attrs.update(arrays[0].attributes)
    filled = [0] * len(nodes)
    for array, place in zip(arrays, places, strict=True):
        for rows, values in array.slabs():
            for split, out in enumerate(outs):
                chosen = values[place[rows] == split]
                out[filled[split] : filled[split] + len(chosen)] = _storable(chosen)
                filled[split] += len(chosen)


def _storable(values: NDArray[Any]) -> NDArray[Any]:
    """Text as h5py takes it."""
    return values.astype(object) if values.dtype.kind == "U" else values
