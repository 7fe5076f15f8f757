"""Train, dev and test: how many examples go where, and which by chance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data.blocks import blocks
from dlspec.errors import DataError

Counts = NDArray[np.int64]

SPLITS = ("train", "train-dev", "dev", "test")
"""Every split there can be, in the order in which they are shown. Train-dev is like train, but not trained on."""

SplitOf = NDArray[np.int8]
"""The number of the split of each row (m,), in the order of the ratios: 0 is train."""

# Ratios are counted in these parts of one, so that all sizes come out of exact whole-number arithmetic.
_PARTS = 10**9


def auto_ratios(m: int, *, test: bool = True) -> tuple[float, ...]:
    """60/20/20 below 1,000,000 examples, 98/1/1 up to 10,000,000, 99.5/0.25/0.25 beyond.

    Without a test set 70/30, 99/1 and 99.75/0.25. With many examples a small share is enough to tell two models apart.
    """
    if m < 1_000_000:
        return (0.6, 0.2, 0.2) if test else (0.7, 0.3)
    if m <= 10_000_000:
        return (0.98, 0.01, 0.01) if test else (0.99, 0.01)
    return (0.995, 0.0025, 0.0025) if test else (0.9975, 0.0025)


def sizes(m: int, ratios: Sequence[float]) -> tuple[int, ...]:
    """Number of examples per split: m·ratio rounded by largest remainder, so that the sum is exactly m.

    Ties go to the earlier split.

    Raises:
        DataError: a split would be empty; says how many examples are enough.
    """
    weights = weights_of(ratios)
    counts, remainders = _floors(np.array([m]), weights)
    counts[0, np.argsort(-remainders[0], kind="stable")[: m - counts.sum()]] += 1
    if (counts == 0).any():
        enough = -(-int(weights.sum()) // max(1, int(weights.min())))
        found = f"{m} example{'s' if m > 1 else ''} split {percents(ratios)}"
        raise DataError(f"{found} leave a split empty; {enough} are enough")
    return tuple(counts[0].tolist())


def percents(ratios: Sequence[float]) -> str:
    """`(0.6, 0.2, 0.2)` → `60/20/20`."""
    return "/".join(f"{100 * ratio:g}" for ratio in ratios)


def by_chance(
    m: int,
    *,
    ratios: Sequence[float],
    rng: np.random.Generator,
    labels: NDArray[np.integer[Any]] | None = None,
) -> SplitOf:
    """Divide m examples at random.

    Takes six bytes for each example beside the labels, so that sets that do not fit into memory are divided like
    those that do.

    Args:
        m: number of examples.
        ratios: positive numbers that add up to 1.
        rng: the only source of randomness.
        labels: `(m,)` class numbers from 0, to stratify: every class has its share of every split, to
            within one example. None splits without regard to classes.

    Raises:
        DataError: a split would be empty.
    """
    totals = np.array(sizes(m, ratios))
    narrow = np.uint32 if m <= 2**32 else np.int64  # the type has no influence on the shuffle
    order: NDArray[np.integer[Any]] = np.arange(m, dtype=narrow)
    rng.shuffle(order)
    if labels is not None:
        return _by_class(order, labels, stratified_sizes(class_sizes(labels), ratios))
    split_of = np.empty(m, dtype=np.int8)
    split_of[order] = np.repeat(np.arange(len(totals), dtype=np.int8), totals)
    return split_of


def _by_class(order: NDArray[np.integer[Any]], labels: NDArray[np.integer[Any]], counts: Counts) -> SplitOf:
    """Rows in that order `(m,)` fill the splits of their class, one after the other, up to `counts`."""
    split_of = np.empty(len(order), dtype=np.int8)
    borders = counts.cumsum(axis=1)[:, :-1]
    seen = np.zeros(len(counts), dtype=np.int64)  # of each class
    for block in blocks(len(order), 1):
        rows = order[block]
        rows = rows[np.argsort(labels[rows], kind="stable")]
        classes = labels[rows]
        found = np.bincount(classes, minlength=len(counts))
        # The how many-th of its class a row is.
        rank = np.arange(len(rows)) + np.repeat(seen - (np.cumsum(found) - found), found)
        split_of[rows] = (rank[:, np.newaxis] >= borders[classes]).sum(axis=1)
        seen += found
    return split_of


def class_sizes(labels: NDArray[np.integer[Any]]) -> Counts:
    """Number of rows of each class, from class numbers `(m,)`."""
    classes = int(labels.max()) + 1
    counts = np.zeros(classes, dtype=np.int64)
    for rows in blocks(len(labels), 1):
        counts += np.bincount(labels[rows], minlength=classes)
    return counts


def stratified_sizes(sizes_of: Counts, ratios: Sequence[float]) -> Counts:
    """Examples of each class in each split `(classes, splits)`, each to within one of its share.

    Rows add up to the classes, columns to `sizes`.

    Raises:
        DataError: a split would be empty.
    """
    return _stratified(sizes_of, weights_of(ratios), np.array(sizes(int(sizes_of.sum()), ratios)))


def weights_of(ratios: Sequence[float]) -> Counts:
    """Ratios as whole numbers of the same proportions, exact to a billionth."""
    return np.array([round(ratio * _PARTS) for ratio in ratios], dtype=np.int64)


def _floors(sizes_of: Counts, weights: Counts) -> tuple[Counts, Counts]:
    """⌊m_c·w_s/Σw⌋ and the remainders, both `(classes, splits)`."""
    counts, remainders = np.divmod(sizes_of[:, np.newaxis] * weights, weights.sum())
    return counts, remainders


def _stratified(sizes_of: Counts, weights: Counts, totals: Counts) -> Counts:
    """Counts `(classes, splits)`: rows add up to the classes, columns to the totals, each within 1 of its share.

    Every share is rounded down; each class then hands its one or two leftover examples to the splits
    of its largest remainders. A column's total overrules that in two cases: a split that is full takes
    no more, and a split that needs one from every class still to come gets one. Two and three splits can
    always be completed under these two rules alone. Small classes choose first, for one example is
    a larger part of them.
    """
    counts, remainders = _floors(sizes_of, weights)
    leftovers = sizes_of - counts.sum(axis=1)
    wanted = totals - counts.sum(axis=0)
    choosing = [c for c in np.argsort(sizes_of, kind="stable") if leftovers[c]]
    for done, c in enumerate(choosing):
        rank = np.where(wanted == len(choosing) - done, np.inf, np.where(wanted == 0, -np.inf, remainders[c]))
        chosen = np.argsort(-rank, kind="stable")[: leftovers[c]]
        counts[c, chosen] += 1
        wanted[chosen] -= 1
    return counts
