"""The compact protocol of Apache Thrift, in which Parquet describes itself: structures out of bytes."""

from typing import Any

Fields = dict[int, Any]
"""The fields of a structure by their number: whole numbers, bytes, structures, and lists of them."""

_MAX_DEPTH = 16
_TRUE, _FALSE, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _STRUCT = 1, 2, 3, (4, 5, 6), 7, 8, (9, 10), 12


class Damaged(Exception):  # noqa: N818 - it says what the bytes are
    """The bytes are no structure, or not the one that was expected."""


def read_struct(data: bytes) -> tuple[Fields, int]:
    """The structure that the bytes begin with, and how many of them it takes.

    Raises:
        Damaged: there is none, or the end of it is missing.
    """
    reader = _Reader(data)
    try:
        return reader.struct(0), reader.at
    except IndexError:
        raise Damaged from None


def integer(fields: Fields, number: int, *, default: int | None = None) -> int:
    """A field that is a whole number.

    Raises:
        Damaged: it is not, or it is absent and there is no default.
    """
    value = fields.get(number, default)
    if not isinstance(value, int):
        raise Damaged
    return value


def struct(fields: Fields, number: int) -> Fields:
    """A field that is a structure.

    Raises:
        Damaged: it is not, or absent.
    """
    value = fields.get(number)
    if not isinstance(value, dict):
        raise Damaged
    return value


def structs(fields: Fields, number: int) -> list[Fields]:
    """A field that is a list of structures.

    Raises:
        Damaged: it is not, or absent.
    """
    values = fields.get(number)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise Damaged
    return values


class _Reader:
    """Walks over the bytes.

    Args:
        data: the bytes.

    Attributes:
        at: how many of them are read.
    """

    def __init__(self, data: bytes):
        self._data = data
        self.at = 0

    def struct(self, depth: int) -> Fields:
        """The next structure; IndexError where the bytes end in it."""
        if depth > _MAX_DEPTH:
            raise Damaged
        fields: Fields = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._number()
            fields[number] = self._value(head & 15, depth + 1)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _INTEGERS:
            return self._number()
        if kind == _STRUCT:
            return self.struct(depth)
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind in _LISTS:
            return self._list(depth)
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind in (_BYTE, _DOUBLE):
            return self._bytes(1 if kind == _BYTE else 8)
        raise Damaged

    def _list(self, depth: int) -> list[Any]:
        if depth > _MAX_DEPTH:
            raise Damaged
        head = self._byte()
        kind, count = head & 15, head >> 4
        if count == 15:
            count = self._varint()
        if count > len(self._data):  # every element takes a byte at least
            raise Damaged
        if kind in (_TRUE, _FALSE):
            return [self._byte() == _TRUE for _ in range(count)]
        return [self._value(kind, depth + 1) for _ in range(count)]

    def _bytes(self, count: int) -> bytes:
        start, self.at = self.at, self.at + count
        if self.at > len(self._data):
            raise Damaged
        return self._data[start : self.at]

    def _byte(self) -> int:
        value = self._data[self.at]
        self.at += 1
        return value

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise Damaged
        return value | byte << shift

    def _number(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
