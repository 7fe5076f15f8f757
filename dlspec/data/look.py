"""A file of any format as cells, a block of rows at a time, to be looked at: nothing is refused that can be told."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data import arrow, files, stored_arrays
from dlspec.data.columns import position
from dlspec.data.image_folder import ImageForm
from dlspec.data.mixed import Block, block_of, kinds_of
from dlspec.data.stream import rows_of_block
from dlspec.data.table import RawColumn, Table, texts
from dlspec.errors import DataError


@dataclass(frozen=True, eq=False)
class Look:
    """What a file holds.

    Attributes:
        source: as messages show it.
        format: its name.
        dtype: of the inputs in the file; None where columns have types of their own.
        image_shape: where the inputs are images.
        names: of all columns, targets last.
        targets: how many of them are targets.
        classes: names in order, where the file stores them.
        blocks: gives all rows.
    """

    source: str
    format: str
    dtype: str | None
    image_shape: tuple[int, ...] | None
    names: tuple[str, ...]
    targets: int
    classes: tuple[str, ...] | None
    blocks: Callable[[], Iterator[Block]]


def look(path: Path, *, target: str | None, x: str, y: str, image: ImageForm | None) -> Look:
    """Open a file.

    Args:
        path: the file or directory.
        target: CSV, TSV, Parquet: column to predict; None means the last one.
        x: HDF5, NPZ: array of the inputs.
        y: HDF5, NPZ: array of the targets.
        image: folder of images: what they are brought to.

    Raises:
        DataError: no such file, no such column, or what the reader of the format refuses.
    """
    found = files.format_of(path)
    files.check_readable(path)
    suffix = path.suffix.lower()
    if suffix in arrow.SUFFIXES:
        return _table(path, found.name, target)
    if target is not None:
        raise DataError(f"{path}: target is given, which {found.name} does not have; the targets are the array y")
    if suffix in (".h5", ".hdf5", ".npz"):
        return _stored(path, found.name, x, y)
    return _whole(files.read(path, y=y, image=image, missing=True), found.name)


def _table(path: Path, name: str, target: str | None) -> Look:
    table = arrow.open_table(path)
    if target is not None:
        position(table.source, table.names, target)
    last = table.names[-1] if target is None else target
    names = (*(column for column in table.names if column != last), last)
    kinds = kinds_of(table, names, {})
    if table.types is None and kinds[last] != "number":
        kinds[last] = "category"  # as it is learnt: yes and no are labels, and so are dates

    def blocks() -> Iterator[Block]:
        start = 0
        for batch in table.batches(names):
            yield block_of(table, batch, kinds, start=start)
            start += batch.num_rows

    return Look(table.source, name, None, None, names, 1, None, blocks)


def _stored(path: Path, name: str, x: str, y: str) -> Look:
    with stored_arrays.opened(path, x=x, y=y) as file:
        inputs = file.inputs()
        targets = file.array(file.y) if file.y in file.names else None
        stored = next((name for name in ("classes", "list_classes") if name in file.names), None)
        classes = None if stored is None else texts(file.array(stored).read(slice(None)))
        named = inputs.attributes.get("feature_names")
        if named is None and "feature_names" in file.names:
            named = file.array("feature_names").read(slice(None))
    n, k = math.prod(inputs.shape[1:]), 0 if targets is None else math.prod(targets.shape[1:])
    if targets is not None and targets.shape[:1] != inputs.shape[:1]:
        raise DataError(f"{path}: {x} has {inputs.shape[0]} examples and {y} has shape {targets.shape}")
    names = texts(named) if named is not None and len(named) == n else tuple(f"x{j + 1}" for j in range(n))

    def blocks() -> Iterator[Block]:
        with stored_arrays.opened(path, x=x, y=y) as file:
            for rows, values in file.inputs().slabs():
                found = file.array(file.y).read(rows) if k else None
                yield _block(values.reshape(len(values), n), None if found is None else found.reshape(len(found), k))

    image_shape = inputs.shape[1:] if len(inputs.shape) > 2 else None
    return Look(str(path), name, str(inputs.dtype), image_shape, (*names, *_numbered(y, k)), k, classes, blocks)


def _whole(table: Table, name: str) -> Look:
    k = 1 if table.y.ndim == 1 else table.y.shape[1]

    def blocks() -> Iterator[Block]:
        size = rows_of_block(table.x.shape[1])
        for start in range(0, len(table.x), size):
            y = table.y[start : start + size]
            yield _block(table.x[start : start + size], y.reshape(len(y), k))

    names = (*table.feature_names, *table.target_names)
    return Look(table.source, name, str(table.x.dtype), table.image_shape, names, k, table.classes, blocks)


def _numbered(name: str, k: int) -> tuple[str, ...]:
    return (name,) if k == 1 else tuple(f"{name}{j + 1}" for j in range(k))


def _block(x: NDArray[Any], y: NDArray[Any] | None) -> Block:
    numbers = (RawColumn("number"),) * x.shape[1]
    if y is None:
        return Block(x.astype(np.float64), numbers)
    if y.dtype.kind != "U":
        return Block(np.column_stack([x, y]).astype(np.float64), (*numbers, *(RawColumn("number"),) * y.shape[1]))
    columns, coded = [], []
    for labels in y.T:
        names, codes = np.unique(labels, return_inverse=True)
        columns.append(RawColumn("category", tuple(names.tolist())))
        coded.append(np.where(names == "", np.nan, np.arange(len(names)))[codes])
    return Block(np.column_stack([x, *coded]).astype(np.float64), (*numbers, *columns))


def examples_of_classes(look: Look, *, each: int, rows: int) -> NDArray[np.float64]:
    """Images for a contact sheet: a row for each class, of its first images in the file.

    Args:
        look: of images.
        each: images of a class.
        rows: classes at most; more classes than that, or other targets, give the first images in order.

    Returns:
        `(rows, each, h, w, c)`, NaN where a class has fewer.

    Raises:
        DataError: the inputs are no images.
    """
    if look.image_shape is None:
        raise DataError(f"{look.source}: the inputs are no images, of which a sheet could be drawn")
    height, width, channels = (*look.image_shape, 1)[:3]
    found: dict[Any, list[NDArray[np.float64]]] = {}
    n = height * width * channels
    for block in look.blocks():
        labels = _labels(block, n) if look.targets == 1 else np.full(len(block.cells), "")
        for label in np.unique(labels).tolist():
            kept = found.setdefault(label, [])
            kept.extend(block.cells[np.flatnonzero(labels == label)[: each - len(kept)], :n])
        if len(found) > rows:
            found = {"": list(next(look.blocks()).cells[: rows * each, :n])}
            break
    flat = [image for label in sorted(found) for image in _filled(found[label], each)]
    return np.array(flat).reshape(-1, each, height, width, channels)


def _labels(block: Block, n: int) -> NDArray[Any]:
    column = block.columns[n]
    if column.kind != "category":
        return block.cells[:, n]
    return np.array([*column.categories, ""])[np.nan_to_num(block.cells[:, n], nan=-1).astype(np.intp)]


def _filled(images: list[NDArray[np.float64]], each: int) -> list[NDArray[np.float64]]:
    """Whole rows of images."""
    return images + [np.full_like(images[0], np.nan)] * (-len(images) % each)
