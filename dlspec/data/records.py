"""Records of named fields as CSV, JSON or Parquet, written some at a time."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dlspec.errors import DataError
from dlspec.text import finite, printable

Fields = Sequence[Sequence[Any] | NDArray[Any]]
"""Some records: for every name a column of values, all of one length."""


@dataclass(frozen=True, eq=False)
class Records:
    """Records to be written once.

    Attributes:
        names: of the fields, all different.
        blocks: the records.
    """

    names: tuple[str, ...]
    blocks: Iterator[Fields]


def write_csv(file: BinaryIO, records: Records, *, for_terminal: bool = False) -> None:
    """A header and a line for each record; a name or a text that needs it is quoted.

    Args:
        file: open for bytes.
        records: what is written.
        for_terminal: whether control characters are escaped, which could steer a terminal.
    """
    safe: Callable[[Any], Any] = _safe if for_terminal else _as_it_is
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(safe, records.names))
    file.write(text.getvalue().encode())
    for fields in records.blocks:
        text.seek(0)
        text.truncate()
        columns = (map(safe, _plain(field)) for field in fields)
        writer.writerows(zip(*columns, strict=True))
        file.write(text.getvalue().encode())


def write_json(file: BinaryIO, records: Records) -> None:
    """A list with a mapping for each record, in ASCII; null for a number that is not finite."""
    before = b"[\n"
    for fields in records.blocks:
        for values in zip(*map(_plain, fields), strict=True):
            record = finite(dict(zip(records.names, values, strict=True)))
            line = json.dumps(record, allow_nan=False).replace("\x7f", "\\u007f")
            file.write(before + line.encode())
            before = b",\n"
    file.write(b"\n]\n" if before != b"[\n" else b"[]\n")


def write_parquet(file: BinaryIO, records: Records) -> None:
    """A column for each name.

    Raises:
        DataError: no pyarrow.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise DataError("writing Parquet needs pyarrow, which is not installed: pip install 'dlspec[data]'") from None

    def batch(fields: Fields) -> Any:
        return pa.record_batch([pa.array(field) for field in fields], names=list(records.names))

    first = next(records.blocks, None)
    if first is None:
        pq.write_table(pa.table({name: pa.array([], pa.null()) for name in records.names}), file)
        return
    head = batch(first)
    with pq.ParquetWriter(file, head.schema) as writer:
        writer.write_batch(head)
        for fields in records.blocks:
            writer.write_batch(batch(fields))


WRITERS: Mapping[str, Callable[[BinaryIO, Records], None]] = {
    "csv": write_csv,
    "json": write_json,
    "parquet": write_parquet,
}


def _plain(field: Sequence[Any] | NDArray[Any]) -> Sequence[Any]:
    """Python's own values; those of float32 with as few digits as tell them from their neighbours."""
    if not isinstance(field, np.ndarray):
        return field
    if field.dtype == np.float32:
        field = field.astype(np.str_).astype(np.float64)
    values: list[Any] = field.tolist()
    return values


def _safe(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else value


def _as_it_is(value: Any) -> Any:
    return value
