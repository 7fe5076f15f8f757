"""Mini-batches: the examples of each epoch in a new order, out of buffers that are filled again and again."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.core.randomness import stream


class Batches:
    """Mini-batches of a training set.

    The order of an epoch follows from (seed, epoch) alone, so that a resumed run sees what an
    uninterrupted one would have seen. A batch of all examples is X and Y themselves, unshuffled: the sum
    over them does not depend on their order.

    Args:
        X: inputs `(m, n_x)`, C-contiguous.
        Y: labels `(m,)` or targets `(m, k)`, C-contiguous.
        batch_size: examples per batch, at least 1; the last batch of an epoch may be shorter.
        seed: the experiment's seed.
    """

    def __init__(self, X: NDArray[Any], Y: NDArray[Any], *, batch_size: int, seed: int):
        self.X, self.Y = X, Y
        self.batch_size = min(batch_size, len(X))
        self.seed = seed
        self._order = np.empty(0, dtype=np.intp)
        if self.batch_size < len(X):
            self._order = np.empty(len(X), dtype=np.intp)
            self._Xb = np.empty((self.batch_size, *X.shape[1:]), dtype=X.dtype)
            self._Yb = np.empty((self.batch_size, *Y.shape[1:]), dtype=Y.dtype)

    @property
    def steps_per_epoch(self) -> int:
        """⌈m / batch_size⌉."""
        return -(-len(self.X) // self.batch_size)

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Batches `(Xb, Yb)` of one epoch; each is overwritten by the next.

        Args:
            epoch: number of the epoch, from 0.
            start: batches to skip, for a run that resumes within the epoch.
        """
        if self.batch_size == len(self.X):
            if start == 0:
                yield self.X, self.Y
            return
        self._shuffle(epoch)
        for first in range(start * self.batch_size, len(self.X), self.batch_size):
            rows = self._order[first : first + self.batch_size]
            Xb, Yb = self._Xb[: len(rows)], self._Yb[: len(rows)]
            # mode="clip", because the default checks the indices by way of a second copy.
            np.take(self.X, rows, axis=0, out=Xb, mode="clip")
            np.take(self.Y, rows, axis=0, out=Yb, mode="clip")
            yield Xb, Yb

    def _shuffle(self, epoch: int) -> None:
        """Put the order of an epoch into the one index vector."""
        self._order.fill(1)
        np.cumsum(self._order, out=self._order)
        self._order -= 1
        stream(self.seed, "shuffle", epoch).shuffle(self._order)
