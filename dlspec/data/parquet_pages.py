"""How much memory the pages of a Parquet file ask for, before pyarrow would give it.

A page says how large it is once unpacked, and pyarrow makes room for as much: a file of 2 kB can ask for 2 GB. pyarrow
does not show what the pages say, and where it describes a damaged column it may end the process; so the end of the
file, which says where the pages are, and their headers are read here.
"""

import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from dlspec.data.thrift import Damaged, Fields, integer, read_struct, struct, structs
from dlspec.errors import DataError

# Writers make pages of 1 MB, some of a whole column; a small file has no use for a large one.
_ALWAYS_ALLOWED = 2**28  # bytes
_MAX_EXPANSION = 8  # bytes of a page per byte of the file

_MAGIC = b"PAR1"
_MAX_FOOTER = 2**25  # bytes, which describe some 150,000 columns
_HEADER_BYTES = (2**9, 2**16)  # tried in turn: a header may hold the least and the greatest value of its page

# Numbers of fields, as Parquet's own description has them.
_ROW_GROUPS, _COLUMNS, _COLUMN = 4, 1, 3
_TOTAL_PACKED, _FIRST_PAGE, _DICTIONARY_PAGE = 7, 9, 11
_UNPACKED, _PACKED, _DICTIONARY, _VALUES = 2, 3, 7, 1


def check(path: Path) -> None:
    """Look at the headers of all pages.

    Raises:
        DataError: not a Parquet file, a damaged one, or a page that asks for far more memory than the file is large.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            limit = max(_ALWAYS_ALLOWED, _MAX_EXPANSION * size)
            largest = max((unpacked for column in _columns(file, size) for unpacked in _pages(file, column)), default=0)
    except Damaged:
        raise DataError(f"{path}: not a Parquet file, or a damaged one") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if largest > limit:
        raise DataError(f"{path}: declares a page of {largest} bytes in a file of {size}; expected one of plain data")


def _columns(file: BufferedReader, size: int) -> Iterator[Fields]:
    """What the end of the file says about each column of each group of rows."""
    file.seek(max(0, size - 8))
    end = file.read()
    length = int.from_bytes(end[:4], "little")
    if end[4:] != _MAGIC or length > min(size - 12, _MAX_FOOTER):
        raise Damaged
    file.seek(size - 8 - length)
    footer, _ = read_struct(file.read(length))
    for group in structs(footer, _ROW_GROUPS):
        for chunk in structs(group, _COLUMNS):
            yield struct(chunk, _COLUMN)


def _pages(file: BufferedReader, column: Fields) -> Iterator[int]:
    """How many bytes each page of a column takes when it is unpacked."""
    offsets = [integer(column, number, default=0) for number in (_FIRST_PAGE, _DICTIONARY_PAGE)]
    at = min((offset for offset in offsets if offset > 0), default=-1)  # 0 stands for no such page
    end = at + integer(column, _TOTAL_PACKED)
    while at < end:
        header, length = _header(file, at)
        unpacked, packed = integer(header, _UNPACKED), integer(header, _PACKED)
        values = integer(struct(header, _DICTIONARY), _VALUES) if _DICTIONARY in header else 0
        if min(unpacked, packed, values) < 0 or values > unpacked:
            raise Damaged
        yield unpacked
        at += length + packed


def _header(file: BufferedReader, at: int) -> tuple[Fields, int]:
    """The header of the page at an offset, and its length."""
    if at < 0:
        raise Damaged
    for size in _HEADER_BYTES:
        file.seek(at)
        try:
            return read_struct(file.read(size))
        except Damaged:
            continue
    raise Damaged
