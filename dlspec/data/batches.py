"""Mini-batches: the examples of each epoch in a new order, out of buffers that are filled again and again."""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.core.randomness import stream

Batch = tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]

Fill = Callable[[NDArray[np.intp], NDArray[Any], int, int], None]
"""`fill(rows, Xb, epoch, first)` writes the inputs of `rows (b,)`, from example `first` of the epoch on, into Xb."""


class Batches:
    """Mini-batches of a training set.

    The order of an epoch follows from (seed, epoch) alone, so that a resumed run sees what an
    uninterrupted one would have seen. A batch of all examples is X and Y themselves, unshuffled: the sum
    over them does not depend on their order.

    Args:
        X: inputs `(m, n_x)`, C-contiguous.
        Y: labels `(m,)` or targets `(m, k)`, C-contiguous.
        weights: `(m,)`, how much each example counts; None where all count the same.
        batch_size: examples per batch, at least 1; the last batch of an epoch may be shorter.
        seed: the experiment's seed.
        fill: gives the inputs of a batch, changed by augmentation; None takes those of X.

    Attributes:
        examples: their number m.
        batch_size: at most m.
    """

    def __init__(
        self,
        X: NDArray[Any],
        Y: NDArray[Any],
        weights: NDArray[Any] | None = None,
        *,
        batch_size: int,
        seed: int,
        fill: Fill | None = None,
    ):
        self.X, self.Y, self.weights = X, Y, weights
        self.examples = len(X)
        self.batch_size = min(batch_size, self.examples)
        self.seed = seed
        self._fill = fill
        self._whole = self.batch_size == self.examples and fill is None
        self._order = np.empty(0, dtype=np.intp)
        if not self._whole:
            self._order = np.empty(len(X), dtype=np.intp)
            self._Xb = np.empty((self.batch_size, *X.shape[1:]), dtype=X.dtype)
            self._Yb = np.empty((self.batch_size, *Y.shape[1:]), dtype=Y.dtype)
            self._wb = None if weights is None else np.empty(self.batch_size, dtype=weights.dtype)

    @property
    def steps_per_epoch(self) -> int:
        """⌈m / batch_size⌉."""
        return -(-self.examples // self.batch_size)

    def epoch(self, epoch: int, *, start: int = 0) -> Generator[Batch, None, None]:
        """Batches `(Xb, Yb, wb)` of one epoch; each is overwritten by the next. `wb` is None without weights.

        Args:
            epoch: number of the epoch, from 0.
            start: examples to skip, for a run that resumes within the epoch.
        """
        if self._whole:
            if start == 0:
                yield self.X, self.Y, self.weights
            elif start < self.examples:  # the epoch was begun in smaller batches
                rows = np.arange(self.examples)
                stream(self.seed, "shuffle", epoch).shuffle(rows)
                rows = rows[start:]
                yield self.X[rows], self.Y[rows], None if self.weights is None else self.weights[rows]
            return
        self._shuffle(epoch)
        for first in range(start, self.examples, self.batch_size):
            rows = self._order[first : first + self.batch_size]
            Xb, Yb = self._Xb[: len(rows)], self._Yb[: len(rows)]
            # mode="clip", because the default checks the indices by way of a second copy.
            if self._fill is None:
                np.take(self.X, rows, axis=0, out=Xb, mode="clip")
            else:
                self._fill(rows, Xb, epoch, first)
            np.take(self.Y, rows, axis=0, out=Yb, mode="clip")
            wb = None
            if self.weights is not None and self._wb is not None:
                wb = self._wb[: len(rows)]
                np.take(self.weights, rows, out=wb, mode="clip")
            yield Xb, Yb, wb

    def _shuffle(self, epoch: int) -> None:
        """Put the order of an epoch into the one index vector."""
        self._order.fill(1)
        np.cumsum(self._order, out=self._order)
        self._order -= 1
        stream(self.seed, "shuffle", epoch).shuffle(self._order)
