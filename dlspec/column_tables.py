"""Tables of columns of any kind into one another: CSV, TSV and Parquet, some rows at a time."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from dlspec.data import arrow, parquet
from dlspec.data.arrow import ArrowTable
from dlspec.data.delimited_cells import DELIMITERS
from dlspec.data.mixed import Block, block_of, kinds_of
from dlspec.errors import DataError
from dlspec.run import storage


def open_columns(path: Path, new: Path) -> ArrowTable:
    """The table of a file that is to be written as another.

    Raises:
        DataError: no pyarrow, or one of the two is no table.
    """
    if new.suffix.lower() not in arrow.SUFFIXES:
        raise DataError(f"{new}: arrays hold numbers alone; with --columns expected {', '.join(arrow.SUFFIXES)}")
    return arrow.open_table(path)


def count_rows(table: ArrowTable) -> int:
    """How many rows there are, by one look at the first column."""
    return sum(batch.num_rows for batch in table.batches(table.names[:1]))


def write_columns(table: ArrowTable, new: Path, *, told: Callable[[int], None]) -> None:
    """Write all columns in their order.

    From one text to another cells stay as they stand. From a text to Parquet a column gets the type of what it holds,
    as `data.columns` finds it: float64, bool, microseconds in UTC, or text, as the last one unless it holds numbers; a
    cell that says nothing is null. From Parquet types are kept, and in a text null is an empty cell.

    Args:
        table: the columns.
        new: the new file.
        told: called after every block with the number of rows that are written.

    Raises:
        DataError: a type that is no column for a network, or what is wrong with a row.
        RunError: the system refused; there is no new file then.
    """
    kinds = kinds_of(table, table.names, {})
    if kinds[table.names[-1]] != "number":
        kinds[table.names[-1]] = "category"  # the target: yes and no are names of classes
    typed = table.types is None and new.suffix.lower() == ".parquet"
    done = 0
    with ExitStack() as stack:
        file = stack.enter_context(storage.new_file(new))
        writer = None
        for batch in table.batches(table.names):
            rows = _typed(block_of(table, batch, kinds, start=done), table.names) if typed else _without_codes(batch)
            if writer is None:
                writer = stack.enter_context(_writer(new, file, rows.schema))
            writer.write_batch(rows)
            done += rows.num_rows
            told(done)
        if writer is None:
            raise DataError(f"{table.source}: a header and no examples")


def _writer(new: Path, file: Any, schema: Any) -> Any:
    import pyarrow.csv as pc

    _, pq = parquet.load_pyarrow(new)
    suffix = new.suffix.lower()
    if suffix == ".parquet":
        return pq.ParquetWriter(file, schema)
    return pc.CSVWriter(file, schema, write_options=pc.WriteOptions(delimiter=DELIMITERS[suffix]))


def _typed(block: Block, names: tuple[str, ...]) -> Any:
    """A record batch of the cells of a text."""
    import pyarrow as pa

    arrays = []
    for cells, column in zip(block.cells.T, block.columns, strict=True):
        missing = np.isnan(cells)
        known = np.where(missing, 0, cells)
        values: Any = known
        if column.kind == "boolean":
            values = known.astype(np.bool_)
        elif column.kind == "date":
            values = np.rint(known * 86_400_000_000).astype("datetime64[us]")
        elif column.kind == "category":
            values = np.array([*column.categories, ""], dtype=object)[known.astype(np.intp)]
        arrays.append(pa.array(values, mask=missing))
    return pa.record_batch(arrays, names=list(names))


def _without_codes(batch: Any) -> Any:
    """A record batch whose texts stand in it themselves: a text that is written knows no dictionaries."""
    import pyarrow as pa

    columns = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in batch.columns
    ]
    return pa.record_batch(columns, names=batch.schema.names)
