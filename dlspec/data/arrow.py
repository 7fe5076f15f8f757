"""CSV, TSV and Parquet in the hands of pyarrow: columns by name, a block of rows at a time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from dlspec.data import delimited, delimited_cells, parquet, parquet_pages
from dlspec.data.limits import Allowance
from dlspec.data.stream import rows_of_block
from dlspec.data.table import damage_as_data_error, shown
from dlspec.errors import DataError

SUFFIXES = (".csv", ".tsv", ".parquet")

_TEXT_BLOCK = 2**23  # bytes of text that are parsed at once; no row may be longer


@dataclass(frozen=True, eq=False)
class ArrowTable:
    """A table whose columns are read by name.

    Attributes:
        source: as messages show it.
        names: of all columns, in order, all different.
        types: pyarrow's type of each column; None where all are text, and the cells tell what they hold.
        batches: gives the rows of some columns, in order, as record batches.
        place: says where a row (from 0) stands.
    """

    source: str
    names: tuple[str, ...]
    types: tuple[Any, ...] | None
    batches: Callable[[Sequence[str]], Iterator[Any]]
    place: Callable[[int], str]


def open_table(path: Path) -> ArrowTable:
    """A file, by its suffix; nothing but names and types is read.

    Raises:
        DataError: no pyarrow, another suffix, or not such a file; what is wrong with a row, when it is read.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path}: has no columns of different kinds; expected one of {', '.join(SUFFIXES)}")
    check_pyarrow(str(path))
    return _parquet(path) if path.suffix.lower() == ".parquet" else _text(path)


def check_pyarrow(source: str) -> None:
    """Refuse to go on without pyarrow.

    Raises:
        DataError: says how to install it.
    """
    try:
        import pyarrow  # noqa: F401 - only whether it is there
    except ImportError:
        raise DataError(
            f"{source}: columns that are not all numbers need pyarrow, which is not installed: "
            "pip install 'dlspec[data]'"
        ) from None


def _text(path: Path) -> ArrowTable:
    try:
        line, names = delimited.header(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error

    def batches(wanted: Sequence[str]) -> Iterator[Any]:
        with path.open("rb") as file:
            for _ in range(line - 1):  # blank lines before the header
                file.readline()
            guard = partial(_located, path, len(names))
            yield from text_batches(file, path.suffix.lower(), names, wanted, guard=guard)

    return ArrowTable(str(path), tuple(names), None, batches, partial(delimited_cells.place_of, path))


def text_batches(
    file: BinaryIO,
    suffix: str,
    names: Sequence[str],
    wanted: Sequence[str],
    *,
    header: bool = True,
    guard: Callable[[], AbstractContextManager[None]],
) -> Iterator[Any]:
    """The rows of a text.

    Args:
        file: UTF-8.
        suffix: `.csv` or `.tsv`.
        names: of all columns.
        wanted: some of them.
        header: whether the text stands at its header, else behind it.
        guard: turns what pyarrow raises into a DataError.
    """
    import pyarrow as pa
    import pyarrow.csv as pc

    def of_invalid(row: Any) -> str:
        return "skip" if row.text is not None and not row.text.strip() else "error"

    with guard():
        reader = pc.open_csv(
            file,
            read_options=pc.ReadOptions(
                block_size=_TEXT_BLOCK, column_names=list(names), skip_rows_after_names=int(header), use_threads=False
            ),
            parse_options=pc.ParseOptions(
                delimiter=delimited_cells.DELIMITERS[suffix], newlines_in_values=True, invalid_row_handler=of_invalid
            ),
            convert_options=pc.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, include_columns=list(wanted)
            ),
        )
    batches = iter(reader)
    while True:
        with guard():
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


@contextmanager
def _located(path: Path, columns: int) -> Iterator[None]:
    """Name the line that pyarrow stumbled over: the csv module finds it."""
    try:
        with damage_as_data_error(path, "CSV"):
            yield
    except DataError:
        for line, cells in islice(delimited_cells.rows(path), 1, None):
            if len(cells) != columns:
                count = f"{len(cells)} cell{'s' if len(cells) > 1 else ''}"
                raise DataError(f"{path}:{line}: {count}; expected {columns}, as many as in the header") from None
        raise


def _parquet(path: Path) -> ArrowTable:
    parquet_pages.check(path)
    with damage_as_data_error(path, "Parquet"), parquet.opened(path) as file:
        m, schema = file.metadata.num_rows, file.schema_arrow
        names, types = tuple(map(str, schema.names)), tuple(schema.types)
    for position, name in enumerate(names):
        if name in names[:position]:
            raise DataError(f"{path}: two columns are named {shown(name)}; expected different names")
    if m < 1:  # a damaged file may declare less than none
        raise DataError(f"{path}: columns and no examples")
    Allowance(str(path), path.stat().st_size).take("the table", m * len(names) * 8)

    def batches(wanted: Sequence[str]) -> Iterator[Any]:
        done = 0
        texts = [name for name in wanted if parquet.is_text(types[names.index(name)])]
        with damage_as_data_error(path, "Parquet"):
            file = parquet.opened(path, read_dictionary=texts)  # a long text that is repeated is held once
        with file:
            found = file.iter_batches(batch_size=rows_of_block(len(wanted)), columns=list(wanted), use_threads=False)
            while True:
                with damage_as_data_error(path, "Parquet"):
                    batch = next(found, None)
                    if batch is None:
                        break
                    batch.validate(full=True)
                done += batch.num_rows
                if done > m:
                    break
                yield batch
        if done != m:
            raise DataError(f"{path}: declares {m} rows and holds {'more' if done > m else done}")

    return ArrowTable(str(path), names, types, batches, lambda row: f"{path}: row {row}")
