"""Examples that are read from their file whenever they are wanted."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dlspec.data.blocks import blocks, in_order, spread
from dlspec.data.labels import Coding
from dlspec.data.memory import Memory
from dlspec.data.normalization import Normalization
from dlspec.data.read_ahead import read_ahead
from dlspec.data.rows import Reader, RowSource, Span

_NEIGHBOURS = 8  # examples that `some` takes out of one block

Piece = tuple[NDArray[Any], NDArray[Any]]
"""Some rows: inputs `(b, n_x)` as they stand in the file, and coded targets `(b,)` or `(b, k)`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ChosenRows:
    """The rows of a file that make one split, not normalised yet.

    Attributes:
        source: the file.
        coding: of the targets.
        labels: `(source.m,)` class numbers in a narrow type; None where the targets are no classes and are read with
            the inputs.
        split_of: `(source.m,)` number of the split of each row; None where all rows are of this one.
        number: of this split.
        counts: `(b,)` chosen rows in each block of the file.
        borders: `(b + 1,)` of these blocks.
        piece: rows of a block, or of a part of one that is stored in one large piece.
        most: rows to be read at once, where a piece is smaller.
    """

    source: RowSource
    coding: Coding
    labels: NDArray[np.unsignedinteger[Any]] | None
    split_of: NDArray[np.int8] | None
    number: int
    counts: NDArray[np.int64]
    borders: NDArray[np.int64]
    piece: int
    most: int

    def __len__(self) -> int:
        """How many rows were chosen."""
        return int(self.counts.sum())

    def chosen(self, start: int, stop: int) -> NDArray[np.bool_] | None:
        """Which of the rows start … stop were chosen; None for all of them."""
        return None if self.split_of is None else self.split_of[start:stop] == self.number

    def read(self, reader: Reader, spans: Iterable[Span]) -> Iterator[Piece]:
        """The chosen ones of some rows, in order; each piece is valid until the next.

        Raises:
            DataError: they cannot be read.
        """
        room = np.empty((0, *self.source.head.x.shape[1:]), self.source.head.x.dtype)
        for piece in self._pieces(spans):
            x = reader.inputs(piece)
            Y = _joined([self.targets(reader, *span) for span in piece])
            if self.split_of is None:
                yield x, Y
                continue
            rows = np.flatnonzero(_joined([self.split_of[slice(*span)] for span in piece]) == self.number)
            if not len(rows):
                continue
            if len(room) < len(rows):
                room = np.empty((len(x), x.shape[1]), x.dtype)
            # mode="clip", because the default checks the indices by way of a second copy.
            yield x.take(rows, 0, room[: len(rows)], "clip"), Y[rows]

    def _pieces(self, spans: Iterable[Span]) -> Iterator[list[Span]]:
        """The rows of some spans, in order and as many together as may be read at once."""
        piece: list[Span] = []
        rows = 0
        for whole in spans:
            for start, stop in self.source.pieces(*whole, self.piece):
                if piece and rows + stop - start > self.most:
                    yield piece
                    piece, rows = [], 0
                piece.append((start, stop))
                rows += stop - start
        if piece:
            yield piece

    def targets(self, reader: Reader, start: int, stop: int) -> NDArray[Any]:
        """The coded targets of all rows start … stop."""
        if self.labels is not None:
            return self.labels[start:stop]
        return self.coding.encode(self.source.table(start, y=reader.targets(start, stop)))

    def spans(self, blocks: Iterable[int]) -> Iterator[Span]:
        """The rows of some blocks."""
        return ((int(self.borders[block]), int(self.borders[block + 1])) for block in blocks)

    def class_counts(self, classes: int) -> NDArray[np.int64]:
        """How many rows each class has `(classes,)`."""
        counts = np.zeros(classes, dtype=np.int64)
        if self.labels is not None:
            for part in blocks(self.source.m, 1):
                labels, chosen = self.labels[part], self.chosen(part.start, part.stop)
                counts += np.bincount(labels if chosen is None else labels[chosen], minlength=classes)
        return counts

    def row_at(self, block: int, skip: int) -> int:
        """The row of the file behind the first `skip` chosen rows of a block."""
        start, stop = self.borders[block : block + 2].tolist()
        chosen = self.chosen(start, stop)
        return int(start + (skip if chosen is None else np.flatnonzero(chosen)[skip]))


def chosen_rows(
    source: RowSource,
    coding: Coding,
    labels: NDArray[np.unsignedinteger[Any]] | None,
    *,
    memory: Memory,
    split_of: NDArray[np.int8] | None = None,
    number: int = 0,
) -> ChosenRows:
    """Choose the rows of a split; arguments as the attributes of `ChosenRows`."""
    piece = max(1, memory.block // source.row_bytes)
    borders = source.borders(piece)
    counts = np.diff(borders)
    if split_of is not None:
        counts = np.array([np.count_nonzero(split_of[start:stop] == number) for start, stop in pairwise(borders)])
    return ChosenRows(
        source=source,
        coding=coding,
        labels=labels,
        split_of=split_of,
        number=number,
        counts=counts,
        borders=borders,
        piece=piece,
        most=memory.piece // source.row_bytes,
    )


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


@dataclass(eq=False)
class Buffer:
    """Room for examples.

    Attributes:
        X: `(capacity, n_x)`, normalised.
        Y: `(capacity,)` intp or `(capacity, k)`.
        order: `(capacity,)`, for whoever shuffles them; empty otherwise.
        size: how many there are.
    """

    X: NDArray[Any]
    Y: NDArray[Any]
    order: NDArray[np.intp]
    size: int = 0


class NormalizedRows:
    """Fills buffers with pieces, normalised, in order.

    Args:
        pieces: generates them.
        normalization: of the inputs.
    """

    def __init__(self, pieces: Generator[Piece, None, None], normalization: Normalization):
        self._pieces, self._normalize = pieces, normalization.bind()
        self._left: Piece | None = None  # of the last piece, what the last buffer had no room for
        self._stopped = False

    def fill(self, buffer: Buffer) -> bool:
        """As many as there is room for; False where none are left."""
        buffer.size, room = 0, len(buffer.X)
        while buffer.size < room and not self._stopped:
            piece = self._left or next(self._pieces, None)
            if piece is None:
                break
            x, Y = piece
            taken = min(len(x), room - buffer.size)
            rows = slice(buffer.size, buffer.size + taken)
            self._normalize(buffer.X[rows], x[:taken])
            buffer.Y[rows] = Y[:taken]
            buffer.size += taken
            self._left = (x[taken:], Y[taken:]) if taken < len(x) else None
        return buffer.size > 0 and not self._stopped

    def stop(self) -> None:
        """Give up at the next piece."""
        self._stopped = True

    def close(self) -> None:
        """Close the file."""
        self._pieces.close()


@dataclass(frozen=True, eq=False, kw_only=True)
class StreamedExamples:
    """One split, read and normalised whenever it is wanted; the counterpart of `Examples`, which is in memory.

    Attributes:
        selection: its rows of the file.
        normalization: of the inputs.
        dtype: of the inputs, and of the targets but for classes.
        memory: what all examples may take.
        kept: bytes that are kept all the time, see `Memory.buffer`.
        variance: mean over the targets of a regression of their variance, over m; 0 for other tasks.
        stays: whether all of them are kept, once they were wanted in order.
    """

    selection: ChosenRows
    normalization: Normalization
    dtype: DTypeLike
    memory: Memory
    kept: int = 0
    variance: float = 0.0
    stays: bool = False

    def __len__(self) -> int:
        """Number of examples m."""
        return len(self.selection)

    @property
    def n_x(self) -> int:
        """Number of features."""
        return int(self.selection.source.head.x.shape[1])

    def source_rows(self, positions: NDArray[np.intp]) -> NDArray[np.int64]:
        """Where some of them stand in their file, from 0."""
        chosen = self.selection.chosen(0, self.selection.source.m)
        return (positions if chosen is None else np.flatnonzero(chosen)[positions]).astype(np.int64)

    @property
    def example_bytes(self) -> int:
        """Bytes of an example in a buffer."""
        one = self.buffer(1)
        return one.X.nbytes + one.Y.nbytes + one.order.itemsize

    @property
    def capacity(self) -> int:
        """How many of them a buffer can hold that they are shuffled in."""
        return self.memory.buffer(self.kept) // self.example_bytes

    def buffer(self, capacity: int, *, shuffled: bool = False) -> Buffer:
        """Room for so many of these examples."""
        X = np.empty((capacity, self.n_x), self.dtype)
        order = np.empty(capacity if shuffled else 0, np.intp)
        if self.selection.labels is not None:
            return Buffer(X, np.empty(capacity, np.intp), order)
        return Buffer(X, np.empty((capacity, len(self.selection.source.head.target_names)), self.dtype), order)

    def blocks(self, size: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """All examples in the order of the file, X `(b, n_x)` and their Y, at most `size` at a time.

        Each block is valid until the next.

        Raises:
            DataError: the file cannot be read any more.
        """
        if self.stays:
            yield from in_order(self._all.X, self._all.Y, size)
            return
        while size > 1 and size * self.example_bytes > self.memory.measured:
            size //= 2
        size = min(size, len(self))
        filling = NormalizedRows(self._in_order(), self.normalization)
        with closing(read_ahead(filling, [self.buffer(size), self.buffer(size)])) as filled:
            for buffer in filled:
                yield buffer.X[: buffer.size], buffer.Y[: buffer.size]

    @cached_property
    def _all(self) -> Buffer:
        buffer = self.buffer(len(self))
        with closing(NormalizedRows(self._in_order(), self.normalization)) as filling:
            filling.fill(buffer)
        return buffer

    def sample(self, most: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:  # noqa: ARG002 - as in memory
        """X and Y of so many examples, no more than fit into 1/64 of the memory; see `some`: no chance is in it."""
        return self.some(min(most, self.memory.sample // self.example_bytes))

    def some(self, most: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Up to so many examples, a few from each of many places in the file, so that an order by class does no harm.

        Raises:
            DataError: the file cannot be read any more.
        """
        selection = self.selection
        blocks = np.flatnonzero(selection.counts)
        most = max(1, min(most, len(self), self.memory.measured // self.example_bytes))
        neighbours = max(1, min(_NEIGHBOURS, len(self) // len(blocks)))
        blocks, buffer, normalize = spread(blocks, -(-most // neighbours)), self.buffer(most), self.normalization.bind()
        with selection.source.opened() as reader:
            for left, block in zip(range(len(blocks), 0, -1), blocks.tolist(), strict=True):
                start, stop = selection.borders[block : block + 2].tolist()
                end = buffer.size + -(-(most - buffer.size) // left)  # more where earlier blocks had too few
                for x, Y in selection.read(reader, [(start, stop)]):
                    rows = spread(np.arange(len(x)), end - buffer.size)
                    to = slice(buffer.size, buffer.size + len(rows))
                    normalize(buffer.X[to], x[rows])
                    buffer.Y[to] = Y[rows]
                    buffer.size = to.stop
                    if buffer.size == end:
                        break
        return buffer.X[: buffer.size], buffer.Y[: buffer.size]

    def _in_order(self) -> Generator[Piece, None, None]:
        with self.selection.source.opened() as reader:
            yield from self.selection.read(reader, self.selection.spans(np.flatnonzero(self.selection.counts)))

    def target_variance(self) -> float:
        """Mean over the targets of a regression of their variance, over m."""
        return self.variance

    def class_counts(self, classes: int) -> NDArray[np.int64]:
        """How many examples each class has `(classes,)`."""
        return self.selection.class_counts(classes)

    def same_rows(self, other: "StreamedExamples") -> bool:
        """Whether these are the same rows of two files that are the same."""
        mine, theirs = self.selection, other.selection
        if mine.source.m != theirs.source.m:
            return False
        for part in blocks(mine.source.m, 1):
            rows = np.arange(part.start, part.stop)
            first, second = (selection.chosen(part.start, part.stop) for selection in (mine, theirs))
            if not np.array_equal(rows if first is None else rows[first], rows if second is None else rows[second]):
                return False
        return True
