"""Rows that are the same in every input, found by hashes of 128 bits."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data.blocks import blocks

Hashes = NDArray[np.uint32]
"""Hashes (m, 4)."""

_LANES = 4
_SEPARATOR = "\x1f"


class RowHasher:
    """Hashes rows of numbers: equal rows have equal hashes, different ones differ but by a chance of 2⁻¹²⁸.

    A row, in float64, is a sequence of words w_j of 32 bits; each of four lanes is the upper half of Σ_j k_j·w_j mod
    2⁶⁴ with random keys k_j of 64 bits. Two given different rows agree in one lane with probability 2⁻³² (Lemire and
    Kaser, 2014, "Strongly universal string hashing is fast"), so that among m rows a false pair has probability below
    m²/2¹²⁹: 10⁻²³ for fifty million. The keys are the same in every run; nobody draws data by them.

    Args:
        n: values per row.
    """

    def __init__(self, n: int):
        rng = np.random.Generator(np.random.PCG64(0))
        self._keys = rng.integers(0, 2**64, size=(2 * n, _LANES), dtype=np.uint64)

    def __call__(self, x: NDArray[Any]) -> Hashes:
        """Hashes `(m, 4)` of rows `(m, n)` of any type of numbers; 3 is 3.0, and −0 is 0."""
        hashes = np.empty((len(x), _LANES), dtype=np.uint32)
        for rows in blocks(*x.shape):
            words = np.ascontiguousarray(x[rows] + np.float64(0)).view(np.uint32)
            hashes[rows] = (words.astype(np.uint64) @ self._keys) >> np.uint64(32)
        return hashes


def hash_of_texts(cells: Sequence[str]) -> bytes:
    """The hash of a row of text, 16 bytes of BLAKE2b; a,bc is not ab,c."""
    text = _SEPARATOR.join(cells)
    if text.count(_SEPARATOR) >= len(cells):  # a cell has one, which could pass for a border
        text = repr(cells)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def joined(row_hashes: bytes) -> Hashes:
    """Hashes `(m, 4)` out of the bytes of m of them."""
    return np.frombuffer(row_hashes, dtype=np.uint32).reshape(-1, _LANES)


def first_alike(hashes: Hashes) -> NDArray[np.int64]:
    """For each row `(m,)` the first row that is the same: itself, where it is the first of its kind."""
    lanes = np.ascontiguousarray(hashes).view(np.uint64)
    order = np.lexsort((lanes[:, 1], lanes[:, 0]))  # stable: equal rows stay in the order of the file
    ordered = lanes[order]
    starts = np.ones(len(order), dtype=np.bool_)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(order), dtype=np.int64)
    first[order] = order[np.flatnonzero(starts)][np.cumsum(starts) - 1]
    return first


def shared(first: NDArray[np.int64], rows: Mapping[str, NDArray[np.int64]]) -> dict[tuple[str, str], int]:
    """For each two splits that share identical rows: how many rows of the latter are also in the former.

    Args:
        first: from `first_alike`.
        rows: of each split.
    """
    found_in = np.zeros(len(first), dtype=np.uint8)  # of each first row a bit for every split with such a row
    for number, part in enumerate(rows.values()):
        found_in[first[part]] |= np.uint8(1 << number)
    names = list(rows)
    counts = {
        (one, two): int(np.count_nonzero(found_in[first[rows[two]]] & np.uint8(1 << names.index(one))))
        for number, two in enumerate(names)
        for one in names[:number]
    }
    return {pair: count for pair, count in counts.items() if count}
