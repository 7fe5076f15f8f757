"""Mini-batches: the examples of each epoch in a new order, out of buffers that are filled again and again."""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.core.randomness import stream

Batch = tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]

Fill = Callable[[NDArray[np.intp], NDArray[Any], int, int], None]
"""`fill(rows, Xb, epoch, first)` writes the inputs of `rows (b,)`, from example `first` of the epoch on, into Xb."""


# Several small mini-batches are gathered at once, as many as fit into so many bytes: a call costs 0.7 µs and more,
# whatever it copies, where a whole step of logistic regression takes 8 µs. They stay in the second-level cache.
GATHERED_BYTES, GATHERED_BATCHES = 262_144, 64


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
            together = 1 if fill else max(1, GATHERED_BYTES // (self.batch_size * X[:1].nbytes or 1))
            rows = min(together, GATHERED_BATCHES, self.steps_per_epoch) * self.batch_size
            self._X, self._Y = (np.empty((rows, *array.shape[1:]), array.dtype) for array in (X, Y))
            self._w = None if weights is None else np.empty(rows, weights.dtype)
            self._full = self._cut(rows)

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
        for first in range(start, self.examples, len(self._X)):
            rows = self._order[first : first + len(self._X)]
            self._gather(rows, epoch, first)
            yield from self._full if len(rows) == len(self._X) else self._cut(len(rows))

    def _gather(self, rows: NDArray[np.intp], epoch: int, first: int) -> None:
        """Copy the examples of `rows` into the buffers."""
        # mode="clip", because the default checks the indices by way of a second copy.
        if self._fill is None:
            self.X.take(rows, 0, self._X[: len(rows)], "clip")
        else:
            self._fill(rows, self._X[: len(rows)], epoch, first)
        self.Y.take(rows, 0, self._Y[: len(rows)], "clip")
        if self.weights is not None and self._w is not None:
            self.weights.take(rows, 0, self._w[: len(rows)], "clip")

    def _cut(self, rows: int) -> list[Batch]:
        """The batches of the first so many rows in the buffers."""
        parts = [slice(first, min(first + self.batch_size, rows)) for first in range(0, rows, self.batch_size)]
        return [(self._X[part], self._Y[part], None if self._w is None else self._w[part]) for part in parts]

    def _shuffle(self, epoch: int) -> None:
        """Put the order of an epoch into the one index vector."""
        self._order.fill(1)
        np.cumsum(self._order, out=self._order)
        self._order -= 1
        stream(self.seed, "shuffle", epoch).shuffle(self._order)
