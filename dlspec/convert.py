"""Examples from one format to another, without ever being in memory as a whole where both formats allow it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from dlspec import column_tables, writers
from dlspec.data.reading import Reading, stream
from dlspec.data.stream import Stream
from dlspec.data.table import Table
from dlspec.errors import UsageError
from dlspec.run import storage

Watcher = Callable[[int, int], None]
"""Gets the number of examples that are written, and of all."""


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        files: the new files, the one that was asked for first.
        examples: number of rows.
        features: number of columns of x.
        targets: number of columns of y.
        left_out: what the new format has no place for.
    """

    files: tuple[Path, ...]
    examples: int
    features: int
    targets: int
    left_out: tuple[str, ...]


def convert(
    source: Path, new: Path, *, reading: Reading, force: bool = False, watcher: Watcher | None = None
) -> Converted:
    """Write the examples of a file to a new one; the suffixes tell the formats.

    Args:
        source: what is read: a file, or a directory, of any format.
        new: what is written: CSV, TSV, Parquet, HDF5, NPZ or NPY.
        reading: how the source is read; its task counts in that targets of a multi-task may be missing.
        force: whether an existing file is replaced.
        watcher: told after every block; what it raises ends the work, and nothing was written.

    Raises:
        UsageError: the new file exists already, or is a directory.
        DataError: a name tells no format, what the reader refuses, or what the new format cannot hold.
        RunError: the new file cannot be written.
    """
    outputs = writers.files(new, weights=reading.sample_weight is not None)
    _check_new(outputs, force=force)
    examples = stream(source, reading)
    head = next(examples.blocks)
    storage.make_parents(new.parent)
    blocks = _watched(chain([head], examples.blocks), examples.m, watcher)
    writers.write(new, head, Stream(examples.m, blocks))
    return Converted(
        files=tuple(outputs),
        examples=examples.m,
        features=head.x.shape[1],
        targets=len(head.target_names),
        left_out=tuple(writers.left_out(new, head)),
    )


def convert_columns(source: Path, new: Path, *, force: bool = False, watcher: Watcher | None = None) -> Converted:
    """Write a table of columns of any kind as another, see `column_tables.write_columns`; the last is the target.

    Args:
        source: CSV, TSV or Parquet.
        new: likewise.
        force: as for `convert`.
        watcher: likewise.

    Raises:
        UsageError: the new file exists already, or is a directory.
        DataError: a file that is no table, or what is wrong with a row.
        RunError: the new file cannot be written.
    """
    _check_new([new], force=force)
    table = column_tables.open_columns(source, new)
    m = column_tables.count_rows(table)
    storage.make_parents(new.parent)
    column_tables.write_columns(table, new, told=lambda done: None if watcher is None else watcher(done, m))
    return Converted(files=(new,), examples=m, features=len(table.names) - 1, targets=1, left_out=())


def _check_new(outputs: Sequence[Path], *, force: bool) -> None:
    for output in outputs:
        if output.is_dir():
            raise UsageError(f"{output}: is a directory; nothing was written; choose another name")
        if output.exists() and not force:
            raise UsageError(f"{output}: already there; nothing was written; choose another name, or --force")
    storage.check_writable(outputs[0].parent)


def _watched(blocks: Iterator[Table], m: int, watcher: Watcher | None) -> Iterator[Table]:
    done = 0
    for block in blocks:
        yield block
        done += len(block.x)
        if watcher is not None:
            watcher(done, m)
