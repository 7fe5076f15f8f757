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


def unknown_places(node: Any) -> NDArray[np.int64]:
    """Room for where each chunk of an array lies, which is not known yet; for `in_place`."""
    return np.full(-(-node.shape[0] // node.chunks[0]) if _in_large_chunks(node) else 0, -1, np.int64)


def _in_large_chunks(node: Any) -> bool:
    """Whether an array is in chunks of whole rows, not too small."""
    chunks = node.chunks
    if chunks is None or chunks[1:] != node.shape[1:]:
        return False
    return bool(math.prod(chunks) * node.dtype.itemsize >= _LEAST)


def in_place(node: Any, places: NDArray[np.int64]) -> InPlace | None:
    """An array, where its rows lie in the file as they do in memory and in large enough pieces; None otherwise.

    Args:
        node: the array in an open file.
        places: from `unknown_places`; what is found is noted there, also for the next time that the file is opened.
    """
    from h5py import h5t

    file, chunks, layout = node.file, node.chunks, node.id.get_create_plist()
    if not node.shape or file.driver != "sec2" or file.userblock_size or layout.get_nfilters():
        return None
    if not node.id.get_type().equal(h5t.py_create(node.dtype, logical=True)):  # such as numbers of 12 bits
        return None
    handle: int = file.id.get_vfd_handle()
    if chunks is None:
        offset = node.id.get_offset()
        return None if offset is None else InPlace(handle, node.shape[0], lambda first: offset)  # noqa: ARG005
    if not _in_large_chunks(node):
        return None
    columns = (0,) * (len(chunks) - 1)

    def place(first: int) -> int | None:
        number = first // chunks[0]
        if places[number] < 0:
            found = node.id.get_chunk_info_by_coord((first, *columns)).byte_offset
            if found is None:
                return None
            places[number] = found
        return int(places[number])

    return InPlace(handle, chunks[0], place)
