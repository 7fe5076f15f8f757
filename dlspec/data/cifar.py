"""CIFAR-10's binary version: batches of a label and 32 × 32 pixels each, a plane for red, green and blue."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlspec.data.table import Table, from_arrays
from dlspec.errors import DataError

SIDE, CHANNELS = 32, 3
RECORD = 1 + CHANNELS * SIDE * SIDE  # bytes of an example
CLASSES = 10

_META = "batches.meta.txt"
_MAX_META = 4096  # bytes; ten names


def holds(directory: Path) -> bool:
    """Whether this is a directory of batches."""
    return bool(_batches(directory, training=True) or _batches(directory, training=False))


def read(path: Path, *, training: bool = True) -> Table:
    """Read one batch, or those of a directory: `data_batch_*.bin` for training, `test_batch.bin` for dev and test.

    Args:
        path: a `.bin` file, or the directory that they are unpacked to.
        training: which batches of a directory are meant.

    Returns:
        A table of images (32, 32, 3), bytes; the names of the classes come from `batches.meta.txt` beside the
        batches, if present.

    Raises:
        DataError: no batches, a file that is no whole number of examples, a label beyond 9, or names that are not ten.
    """
    batches = _batches(path, training=training) if path.is_dir() else [path]
    if not batches:
        raise DataError(f"{path}: no {'data_batch_*.bin' if training else 'test_batch.bin'} in this directory")
    counts = [_count(batch) for batch in batches]
    x = np.empty((sum(counts), SIDE, SIDE, CHANNELS), np.uint8)
    y = np.empty(sum(counts), np.uint8)
    ends = np.cumsum(counts)
    for batch, start, end in zip(batches, ends - counts, ends, strict=True):
        records = _records(batch, end - start)
        y[start:end] = records[:, 0]
        x[start:end] = records[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1)

    def place(row: int) -> str:
        which = int(np.searchsorted(ends, row, side="right"))
        return f"{batches[which]}: row {row - (ends[which] - counts[which])}"

    if y.max() >= CLASSES:
        row = int(np.argmax(y >= CLASSES))
        raise DataError(f"{place(row)}: found label {y[row]}; expected 0 to {CLASSES - 1}; is this CIFAR-10?")
    folder = path if path.is_dir() else path.parent
    return from_arrays(str(path), x=x, y=y, x_name="images", y_name="label", classes=_classes(folder), place=place)


def files(path: Path) -> Sequence[Path]:
    """All files that a path means: of a directory all batches, those of the test set too, and the names."""
    batches = [path]
    if path.is_dir():
        batches = [*_batches(path, training=True), *_batches(path, training=False)]
    meta = batches[0].parent / _META if batches else path / _META
    return [*batches, meta] if meta.is_file() else batches


def _batches(directory: Path, *, training: bool) -> list[Path]:
    found = directory.glob("data_batch_*.bin" if training else "test_batch.bin")
    return sorted(found, key=lambda batch: (len(batch.name), batch.name))  # 10 after 9


def _count(path: Path) -> int:
    """Number of examples, by the size of the file."""
    size = path.stat().st_size
    if not size or size % RECORD:
        raise DataError(
            f"{path}: holds {size} bytes; expected {RECORD} for each example of CIFAR-10 in its binary version"
        )
    return size // RECORD


def _records(path: Path, count: int) -> NDArray[np.uint8]:
    try:
        values = np.fromfile(path, np.uint8, count=count * RECORD)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(values) < count * RECORD:
        raise DataError(f"{path}: ends early; is it still being written?")
    return values.reshape(count, RECORD)


def _classes(folder: Path) -> tuple[str, ...] | None:
    path = folder / _META
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            names = file.read(_MAX_META).decode().split("\n")
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8 text; expected ten names of classes, one a line") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    names = [name.strip() for name in names if name.strip()]
    if len(names) != CLASSES:
        raise DataError(f"{path}: {len(names)} lines; expected ten names of classes, one a line")
    return tuple(names)
