"""Rows of an HDF5 array that lie in the file as they lie in memory: read where they are, past HDF5.

HDF5 takes some 30 µs for a call, whatever it copies, and Python's lock several times, for which a thread that trains
has to wait. A read of the system takes neither.
"""

import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST = 2**16  # bytes of a chunk; many smaller ones HDF5 reads faster


class InPlace:
    """Some array of an open file.

    Args:
        file: descriptor of the open file.
        chunk: rows that lie together.
        place: says where the chunk with this first row lies, in bytes; None where it does not.
    """

    def __init__(self, file: int, chunk: int, place: Callable[[int], int | None]):
        self._file, self._chunk, self._place = file, chunk, place

    def read_into(self, out: NDArray[Any], start: int, stop: int) -> bool:
        """Rows start … stop, of the array's type; False where they are not all there."""
        row_bytes = out[:1].nbytes
        to = out.reshape(-1).view(np.uint8).data
        at = start
        while at < stop:
            first = at // self._chunk * self._chunk
            end, place = min(first + self._chunk, stop), self._place(first)
            if place is None:
                return False
            part = to[(at - start) * row_bytes : (end - start) * row_bytes]
            if os.preadv(self._file, [part], place + (at - first) * row_bytes) != len(part):
                return False
            at = end
        return True


def in_place(node: Any) -> InPlace | None:
    """An array of an open file, where its rows lie as they do in memory and in large enough pieces; None otherwise."""
    from h5py import h5t

    file, chunks, layout = node.file, node.chunks, node.id.get_create_plist()
    if file.driver != "sec2" or file.userblock_size or layout.get_nfilters():
        return None
    if not node.id.get_type().equal(h5t.py_create(node.dtype, logical=True)):  # such as numbers of 12 bits
        return None
    handle: int = file.id.get_vfd_handle()
    if chunks is None:
        offset = node.id.get_offset()
        return None if offset is None else InPlace(handle, node.shape[0], lambda first: offset)  # noqa: ARG005
    if chunks[1:] != node.shape[1:] or math.prod(chunks) * node.dtype.itemsize < _LEAST:
        return None
    columns = (0,) * (len(chunks) - 1)

    def place(first: int) -> int | None:
        found: int | None = node.id.get_chunk_info_by_coord((first, *columns)).byte_offset
        return found

    return InPlace(handle, chunks[0], place)
