"""Mini-batches: the examples of each epoch in a new order, out of buffers that are filled again and again."""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.core.arrays import empty
from dlspec.core.randomness import stream

Batch = tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]

Fill = Callable[[NDArray[np.intp], NDArray[Any], int, int], None]
"""`fill(rows, Xb, epoch, first)` writes the inputs of `rows (b,)`, from example `first` of the epoch on, into Xb."""


# Several small mini-batches are gathered at once, as many as fit into so many bytes: a call costs 0.7 µs and more,
# whatever it copies, where a whole step of logistic regression takes 8 µs. They stay in the second-level cache.
GATHERED_BYTES, GATHERED_BATCHES = 262_144, 64


class Gathered:
    """Room for several mini-batches that follow one another.

    Args:
        X: inputs like those it is for `(…, n_x)`.
        Y: their labels or targets.
        weights: their weights; None without any.
        batch_size: examples per batch.
        most: batches.

    Attributes:
        X: `(rows, n_x)`.
        Y: `(rows,)` or `(rows, k)`.
        w: `(rows,)`; None without weights.
    """

    def __init__(self, X: NDArray[Any], Y: NDArray[Any], weights: NDArray[Any] | None, *, batch_size: int, most: int):
        together = max(1, GATHERED_BYTES // (batch_size * X[:1].nbytes or 1))
        rows = min(together, GATHERED_BATCHES, most) * batch_size
        self.X: NDArray[Any] = empty((rows, *X.shape[1:]), X.dtype)
        self.Y = np.empty((rows, *Y.shape[1:]), Y.dtype)
        self.w = None if weights is None else np.empty(rows, weights.dtype)
        self._batch_size = batch_size
        self._full = self._cut(0, rows)

    def __len__(self) -> int:
        """Examples that there is room for."""
        return len(self.X)

    def batches(self, rows: int) -> list[Batch]:
        """The batches of the first so many examples."""
        whole = rows // self._batch_size
        return self._full[:whole] + self._cut(whole * self._batch_size, rows)

    def _cut(self, start: int, stop: int) -> list[Batch]:
        size = self._batch_size
        parts = [slice(first, min(first + size, stop)) for first in range(start, stop, size)]
        return [(self.X[part], self.Y[part], None if self.w is None else self.w[part]) for part in parts]


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
        self._order = np.empty(0 if self._whole else self.examples, dtype=np.intp)
        if not self._whole:
            # What `fill` gives depends on where it begins, so it is asked for one batch at a time.
            most = 1 if fill else self.steps_per_epoch
            self._gathered = Gathered(X, Y, weights, batch_size=self.batch_size, most=most)

    @property
    def steps_per_epoch(self) -> int:
        """⌈m / batch_size⌉."""
        return -(-self.examples // self.batch_size)

    def epoch(self, epoch: int, *, start: int = 0) -> Generator[Batch, None, None]:
        """Batches `(Xb, Yb, wb)` of one epoch, each valid until the next. `wb` is None without weights.

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
        for first in range(start, self.examples, len(self._gathered)):
            rows = self._order[first : first + len(self._gathered)]
            self._gather(rows, epoch, first)
            yield from self._gathered.batches(len(rows))

    def _gather(self, rows: NDArray[np.intp], epoch: int, first: int) -> None:
        """Copy the examples of `rows` to where the batches are cut from."""
        to = self._gathered
        # mode="clip", because the default checks the indices by way of a second copy.
        if self._fill is None:
            self.X.take(rows, 0, to.X[: len(rows)], "clip")
        else:
            self._fill(rows, to.X[: len(rows)], epoch, first)
        self.Y.take(rows, 0, to.Y[: len(rows)], "clip")
        if self.weights is not None and to.w is not None:
            self.weights.take(rows, 0, to.w[: len(rows)], "clip")

    def _shuffle(self, epoch: int) -> None:
        """Put the order of an epoch into the one index vector."""
        self._order.fill(1)
        np.cumsum(self._order, out=self._order)
        self._order -= 1
        stream(self.seed, "shuffle", epoch).shuffle(self._order)
