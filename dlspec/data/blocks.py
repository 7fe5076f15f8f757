"""Walk over a large array a block of rows at a time, so that no second copy of it is ever held."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

# 1 MiB of float64: large enough that NumPy's overhead vanishes, small enough to stay in cache.
BLOCK_VALUES = 131_072


def blocks(m: int, n: int, *, values: int = BLOCK_VALUES) -> Iterator[slice]:
    """Slices that cover `m` rows of `n` values in order, about so many values each.

    The slices depend on the shape alone, so that sums over blocks are the same for every dtype.
    """
    rows = max(1, values // max(1, n))
    for start in range(0, m, rows):
        yield slice(start, min(start + rows, m))


def in_order(X: NDArray[Any], Y: NDArray[Any], size: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """All examples X `(m, n_x)` and their Y, at most `size` at a time."""
    for start in range(0, len(X), size):
        yield X[start : start + size], Y[start : start + size]


def spread(values: NDArray[Any], most: int) -> NDArray[Any]:
    """At most so many of the values `(n,)`, at equal distances from the first to the last."""
    places = np.linspace(0, len(values) - 1, min(len(values), most)).round().astype(np.intp)
    return values[places]


def first_not_finite(values: NDArray[Any]) -> tuple[int, int] | None:
    """Row and column of the first NaN or infinity of `values (m, n)`; None where all are finite."""
    if values.dtype.kind != "f":
        return None
    for rows in blocks(*values.shape):
        finite = np.isfinite(values[rows])
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            return rows.start + int(row), int(column)
    return None
