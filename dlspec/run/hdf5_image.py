"""An HDF5 file of plain arrays in groups, written by hand: its bytes in order, without holding them all.

Source: "HDF5 File Format Specification", version 3.0, in the old forms that every library reads: superblock 0, groups
of one symbol table node, object headers 1, contiguous arrays. h5py takes 0.1 ms for each array that it creates, a tenth
of a run of 20 ms, and keeps the whole file in memory: thrice the parameters of a large one.

Names are offsets and addresses are counted in bytes from the beginning; everything begins at a multiple of 8.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dlspec.core.arrays import Array

PIECE = 2**20  # bytes at a time

Piece = bytes | bytearray | memoryview

_SUPERBLOCK_BYTES = 96
_INTERNAL_K, _SMALLEST_LEAF_K, _SMALLEST_HEAP = 16, 4, 4096  # what the library takes where nothing else is said
_NOWHERE = 2**64 - 1
_DATASPACE, _DATATYPE, _FILL_VALUE, _LAYOUT, _ATTRIBUTE, _SYMBOL_TABLE = 0x01, 0x03, 0x05, 0x08, 0x0C, 0x11
_FLOATS = {  # size, then where the bits of sign, exponent and mantissa are
    "<f4": bytes.fromhex("11201f00 04000000 00002000 17080017 7f000000"),
    "<f8": bytes.fromhex("11203f00 08000000 00004000 340b0034 ff030000"),
}
_TEXT = bytes.fromhex("19010100 10000000 10000000 01000000 00000800")  # UTF-8 of any length, in the global heap
_ONE_VALUE = bytes.fromhex("01000000 00000000")  # dataspace of no dimensions
_NO_FILL_VALUE = bytes.fromhex("02020201 00000000")


class Image:
    """The bytes of a file.

    Args:
        groups: arrays of float32 or float64 by name, by group; a group without arrays is left out.
        attributes: texts of the file itself, by name.

    Attributes:
        size: bytes of all of it.
    """

    def __init__(self, groups: Mapping[str, Mapping[str, Array]], attributes: Mapping[str, str]):
        filled = {name: arrays for name, arrays in groups.items() if arrays}
        self._arrays = [array for arrays in filled.values() for array in arrays.values()]
        self._leaf_k = max(_SMALLEST_LEAF_K, *(-(-len(arrays) // 2) for arrays in (filled, *filled.values())))
        self._start = _SUPERBLOCK_BYTES + sum(_up(array.nbytes) for array in self._arrays)
        self._end = bytearray()  # all that describes the arrays follows them
        at, places = _SUPERBLOCK_BYTES, {}
        for group, arrays in filled.items():
            headers = {}
            for name, array in arrays.items():
                headers[name] = self._put(_array_header(array, at))
                at += _up(array.nbytes)
            places[group] = self._put(_header([self._symbol_table(headers)]))
        root = self._put(_header([self._symbol_table(places), *self._attributes(attributes)]))
        self.size = self._start + len(self._end)
        self._superblock = b"\x89HDF\r\n\x1a\n" + struct.pack(
            "<5B2BxHHIQQQQQQ24x", 0, 0, 0, 0, 0, 8, 8, self._leaf_k, _INTERNAL_K, 0,
            0, _NOWHERE, self.size, _NOWHERE, 0, root,
        )  # fmt: skip

    def pieces(self) -> Iterator[Piece]:
        """The bytes in order, each piece valid until the next."""
        yield self._superblock
        for array in self._arrays:
            yield from _bytes_of(array)
            yield bytes(_up(array.nbytes) - array.nbytes)
        yield self._end

    def _put(self, content: bytes) -> int:
        """Add to what follows the arrays; gives its address."""
        at = self._start + len(self._end)
        self._end += _padded(content)
        return at

    def _symbol_table(self, places: Mapping[str, int]) -> bytes:
        """The message that makes a header that of a group: names, and the headers that they stand for, in order."""
        names, entries, offset = bytes(8), b"", 0  # the empty name comes first
        for name in sorted(places, key=str.encode):
            offset = len(names)
            names += _padded(name.encode() + b"\0")
            entries += struct.pack("<QQ24x", offset, places[name])
        heap = self._put(b"HEAP" + struct.pack("<B3xQQQ", 0, len(names), 1, self._start + len(self._end) + 32) + names)
        node = b"SNOD" + struct.pack("<BxH", 1, len(places)) + entries.ljust(2 * self._leaf_k * 40, b"\0")
        keys_and_children = struct.pack("<QQQ", 0, self._put(node), offset)
        tree = b"TREE" + struct.pack("<BBHQQ", 0, 0, 1, _NOWHERE, _NOWHERE)
        tree += keys_and_children.ljust((4 * _INTERNAL_K + 1) * 8, b"\0")
        return _message(_SYMBOL_TABLE, struct.pack("<QQ", self._put(tree), heap))

    def _attributes(self, texts: Mapping[str, str]) -> Iterator[bytes]:
        """A message for each attribute; the texts lie in the global heap."""
        contents = [text.encode() for text in texts.values()]
        objects = b"".join(
            struct.pack("<HHIQ", number, 0, 0, len(content)) + _padded(content)
            for number, content in enumerate(contents, start=1)
        )
        size = max(_SMALLEST_HEAP, 16 + len(objects) + 16)
        free = struct.pack("<HHIQ", 0, 0, 0, size - 16 - len(objects))
        heap = self._put((b"GCOL" + struct.pack("<B3xQ", 1, size) + objects + free).ljust(size, b"\0"))
        for number, (name, content) in enumerate(zip(texts, contents, strict=True), start=1):
            named = name.encode() + b"\0"
            head = struct.pack("<BxHHH", 1, len(named), len(_TEXT), len(_ONE_VALUE))
            value = struct.pack("<IQI", len(content), heap, number)
            yield _message(_ATTRIBUTE, head + _padded(named) + _padded(_TEXT) + _ONE_VALUE + value)


def gathered(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same bytes, small pieces joined, so that a small file is one call of the system."""
    waiting = bytearray()
    for piece in pieces:
        if len(waiting) + len(piece) > PIECE:
            yield waiting
            waiting = bytearray()
        if len(piece) >= PIECE:
            yield piece
        else:
            waiting += piece
    yield waiting


def _bytes_of(array: Array) -> Iterator[memoryview]:
    """The values row by row, `PIECE` bytes at a time or one row."""
    rows = array.reshape(1) if array.ndim == 0 else array
    at_once = max(1, PIECE * len(rows) // max(1, array.nbytes))
    for start in range(0, len(rows) if array.size else 0, at_once):
        block = np.ascontiguousarray(rows[start : start + at_once], array.dtype.newbyteorder("<"))
        yield block.data.cast("B")


def _array_header(array: Array, at: int) -> bytes:
    shape = struct.pack(f"<BBB5x{array.ndim}Q", 1, array.ndim, 0, *array.shape)
    place = struct.pack("<BBQQ", 3, 1, at if array.size else _NOWHERE, array.nbytes)
    return _header(
        [
            _message(_DATASPACE, shape),
            _message(_DATATYPE, _FLOATS[array.dtype.newbyteorder("<").str]),
            _message(_FILL_VALUE, _NO_FILL_VALUE),
            _message(_LAYOUT, place),
        ]
    )


def _header(messages: Sequence[bytes]) -> bytes:
    content = b"".join(messages)
    return struct.pack("<BxHII4x", 1, len(messages), 1, len(content)) + content


def _message(kind: int, content: bytes) -> bytes:
    padded = _padded(content)
    return struct.pack("<HHB3x", kind, len(padded), 0) + padded


def _up(size: int) -> int:
    return -(-size // 8) * 8


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 8)
