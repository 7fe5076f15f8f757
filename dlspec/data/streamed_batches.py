"""Mini-batches of examples that are read from their file: shuffled by blocks, and again within a buffer.

The order of an epoch follows from (seed, epoch), the file, its split and `data.memory`:

1. The file is a sequence of blocks: whole chunks, about 1/256 of the memory each. Their order is shuffled.
2. Their training rows, block after block, fill a buffer of an eighth to a quarter of the memory; its rows are shuffled.
   When they are used up the next rows fill it, until all were used once.

So two examples can meet in a mini-batch if their blocks come near each other; over the epochs any two can. Batches go
on from one buffer to the next: all but the last of an epoch are full.
"""

from collections.abc import Generator
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.core.randomness import stream
from dlspec.data.batches import Batch, Gathered
from dlspec.data.read_ahead import read_ahead
from dlspec.data.streamed import Buffer, NormalizedRows, Piece, StreamedExamples
from dlspec.errors import DataError


class StreamedBatches:
    """Mini-batches of a training set that is read while it is trained on; the counterpart of `Batches`.

    A thread fills one buffer while the examples of the other are used.

    Args:
        train: the training set.
        class_weights: `(classes,)`, how much the examples of each class count; None where all count the same.
        batch_size: examples per batch, at least 1; the last batch of an epoch may be shorter.
        seed: the experiment's seed.

    Attributes:
        examples: their number m.
        batch_size: at most m.
    """

    def __init__(
        self, train: StreamedExamples, *, class_weights: NDArray[Any] | None = None, batch_size: int, seed: int
    ):
        self.examples = len(train)
        self.batch_size = min(batch_size, self.examples)
        self.seed = seed
        self._train, self._class_weights = train, class_weights
        self._blocks = np.flatnonzero(train.selection.counts)
        self.capacity = min(self.examples, train.capacity)
        self._buffers = [train.buffer(self.capacity, shuffled=True) for _ in range(2)]
        one = train.buffer(1)
        self._gathered = Gathered(one.X, one.Y, class_weights, batch_size=self.batch_size, most=self.steps_per_epoch)

    @property
    def steps_per_epoch(self) -> int:
        """⌈m / batch_size⌉."""
        return -(-self.examples // self.batch_size)

    def epoch(self, epoch: int, *, start: int = 0) -> Generator[Batch, None, None]:
        """Batches `(Xb, Yb, wb)` of one epoch, each valid until the next. `wb` is None without weights.

        Args:
            epoch: number of the epoch, from 0.
            start: examples to skip, for a run that resumes within the epoch; what comes before their buffer is not
                read.

        Raises:
            DataError: the file cannot be read, or has changed.
        """
        if start >= self.examples:
            return
        first, used = divmod(start, self.capacity)
        filled, room = 0, len(self._gathered)
        with closing(read_ahead(_Shuffled(self, epoch, first), self._buffers)) as buffers:
            for buffer in buffers:
                while used < buffer.size:
                    rows = buffer.order[used : min(used + room - filled, buffer.size)]
                    self._gather(buffer, rows, filled)
                    used, filled, start = used + len(rows), filled + len(rows), start + len(rows)
                    if filled == room or start == self.examples:
                        yield from self._gathered.batches(filled)
                        filled = 0
                used = 0
        if start != self.examples:
            source = self._train.selection.source.head.source
            raise DataError(f"{source}: ended after {start} of {self.examples} training examples; has it changed?")

    def _gather(self, buffer: Buffer, rows: NDArray[np.intp], filled: int) -> None:
        """Copy rows of a buffer to where the batches are cut from, behind those that are there."""
        at, to = slice(filled, filled + len(rows)), self._gathered
        # mode="clip", because the default checks the indices by way of a second copy.
        buffer.X.take(rows, 0, to.X[at], "clip")
        buffer.Y.take(rows, 0, to.Y[at], "clip")
        if self._class_weights is not None and to.w is not None:
            self._class_weights.take(to.Y[at], 0, to.w[at], "clip")

    def pieces(self, epoch: int, skip: int) -> Generator[Piece, None, None]:
        """The rows of an epoch in the order of its blocks, without the first `skip`, which are not read."""
        rows = self._train.selection
        order = self._blocks[stream(self.seed, "shuffle", epoch).permutation(len(self._blocks))]
        ends = np.cumsum(rows.counts[order])
        begin = int(np.searchsorted(ends, skip, side="right"))
        if begin == len(order):
            return
        (_, stop), *others = rows.spans(order[begin:])
        start = rows.row_at(int(order[begin]), skip - int(ends[begin] - rows.counts[order[begin]]))
        with rows.source.opened() as reader:
            yield from rows.read(reader, [(start, stop), *others])


class _Shuffled(NormalizedRows):
    """Fills buffers with the rows of an epoch, from the buffer of that number on, and shuffles them."""

    def __init__(self, batches: StreamedBatches, epoch: int, first: int):
        train = batches._train
        super().__init__(batches.pieces(epoch, first * batches.capacity), train.normalization)
        self._seed, self._epoch, self._number = batches.seed, epoch, first

    def fill(self, buffer: Buffer) -> bool:
        if not super().fill(buffer):
            return False
        order = buffer.order[: buffer.size]
        order.fill(1)
        np.cumsum(order, out=order)
        order -= 1
        stream(self._seed, "shuffle", self._epoch, self._number).shuffle(order)
        self._number += 1
        return True
