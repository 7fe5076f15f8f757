"""What is in a file, and what of it would hurt a training."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data.features import MAX_CATEGORIES
from dlspec.data.labels import MAX_AUTO_CLASSES
from dlspec.data.look import Look
from dlspec.data.mixed import Block
from dlspec.data.statistics import Correlations, EvenSample, Moments, robust_z
from dlspec.data.table import Kind, listed, plain
from dlspec.errors import DataError

SAMPLE = 20_000
"""Rows that medians, numbers of different values and outliers are taken from, at least, evenly from all."""

MAX_SAMPLE_VALUES = 10_000_000
MAX_CORRELATED = 300  # columns; beyond, and of images, near-duplicates are not looked for
SAME = 0.999
EXTREME = 10.0
RARE = 0.1
FEW = 10
FIRST_ROWS = 5
_TOLD = 5  # categories of a column


@dataclass(frozen=True, kw_only=True)
class ColumnFacts:
    """One column.

    Attributes:
        name: of the column.
        kind: what it holds.
        missing: cells.
        distinct: different values; of numbers, of the sampled rows.
        minimum: of numbers, truth values, and dates in days since 1970 began; None for categories, like the next four.
        median: of the sampled rows.
        mean: of all rows.
        std: likewise.
        maximum: likewise.
        outliers: sampled cells whose robust z is more than 10.
        categories: the most frequent ones, and how many cells have each.
    """

    name: str
    kind: Kind
    missing: int
    distinct: int
    minimum: float | None = None
    median: float | None = None
    mean: float | None = None
    std: float | None = None
    maximum: float | None = None
    outliers: int = 0
    categories: tuple[tuple[str, int], ...] = ()

    @property
    def constant(self) -> bool:
        """Whether all cells that are there are the same."""
        return self.distinct <= 1 if self.kind == "category" else self.minimum == self.maximum


@dataclass(frozen=True, kw_only=True)
class Description:
    """A file.

    Attributes:
        source: as messages show it.
        format: its name.
        examples: number of rows.
        image_shape: where the inputs are images.
        dtype: of the inputs in the file; None where columns have types of their own.
        memory: bytes of the inputs in float32, features as they stand.
        sampled: rows that medians, different values and outliers are of.
        features: a description of each.
        targets: likewise.
        classes: examples of each class, where the only target is one.
        duplicates: two columns that are nearly the same, and their correlation.
        first: cells of the first rows, as text.
        warnings: what would hurt a training, a line each.
    """

    source: str
    format: str
    examples: int
    image_shape: tuple[int, ...] | None
    dtype: str | None
    memory: int
    sampled: int
    features: tuple[ColumnFacts, ...]
    targets: tuple[ColumnFacts, ...]
    classes: Mapping[str, int] | None
    duplicates: tuple[tuple[str, str, float], ...]
    first: tuple[tuple[str, ...], ...]
    warnings: tuple[str, ...] = ()


class _Gathered:
    """What is gathered of all blocks."""

    def __init__(self, look: Look, head: Block):
        self.look = look
        self.kinds: list[Kind] = [column.kind for column in head.columns]
        self.numeric = [j for j, kind in enumerate(self.kinds) if kind != "category"]
        self.first = tuple(tuple(_shown(row, head)) for row in head.cells[:FIRST_ROWS])
        n = len(self.numeric)
        self.rows = 0
        self.missing = np.zeros(len(self.kinds), np.int64)
        self.moments = Moments(n)
        self.sample = EvenSample(max(1, min(SAMPLE, MAX_SAMPLE_VALUES // max(1, n))))
        self.correlations = Correlations(n) if n <= MAX_CORRELATED and look.image_shape is None else None
        self.counts: list[Counter[Any]] = [Counter() for _ in self.kinds]

    def add(self, block: Block) -> None:
        cells = block.cells
        self.rows += len(cells)
        self.missing += np.isnan(cells).sum(axis=0)
        for j, column in enumerate(block.columns):
            if column.kind == "category" or (self._is_target(j) and len(self.counts[j]) <= MAX_AUTO_CLASSES):
                values, counts = np.unique(cells[~np.isnan(cells[:, j]), j], return_counts=True)
                names = [column.categories[int(v)] for v in values] if column.categories else values.tolist()
                for name, count in zip(names, counts.tolist(), strict=True):
                    self.counts[j][name] += count
        numbers = cells[:, self.numeric]
        self.moments.add(numbers)
        self.sample.add(numbers)
        if self.correlations is not None:
            self.correlations.add(numbers)

    def _is_target(self, j: int) -> bool:
        return j >= len(self.kinds) - self.look.targets

    def facts(self) -> list[ColumnFacts]:
        """One for each column."""
        sample = self.sample.rows
        far = (np.nan_to_num(robust_z(sample)) > EXTREME).sum(axis=0)
        place = {j: i for i, j in enumerate(self.numeric)}
        return [
            self._of_numbers(j, sample[:, place[j]], place[j], int(far[place[j]])) if j in place else self._of_texts(j)
            for j in range(len(self.kinds))
        ]

    def _of_texts(self, j: int) -> ColumnFacts:
        return ColumnFacts(
            name=self.look.names[j],
            kind=self.kinds[j],
            missing=int(self.missing[j]),
            distinct=len(self.counts[j]),
            categories=tuple(self.counts[j].most_common(_TOLD)),
        )

    def _of_numbers(self, j: int, cells: NDArray[np.float64], i: int, outliers: int) -> ColumnFacts:
        cells, moments, empty = cells[~np.isnan(cells)], self.moments, not self.moments.count[i]
        return ColumnFacts(
            name=self.look.names[j],
            kind=self.kinds[j],
            missing=int(self.missing[j]),
            distinct=len(np.unique(cells)),
            minimum=None if empty else float(moments.minimum[i]),
            median=float(np.median(cells)) if len(cells) else None,
            mean=None if empty else float(moments.mean[i]),
            std=None if empty else float(moments.std[i]),
            maximum=None if empty else float(moments.maximum[i]),
            outliers=outliers,
        )

    def duplicates(self) -> list[tuple[str, str, float]]:
        """Every two columns with |r| > 0.999."""
        if self.correlations is None:
            return []
        r = np.triu(np.nan_to_num(self.correlations.matrix()), k=1)
        names = [self.look.names[j] for j in self.numeric]
        return [(names[a], names[b], float(r[a, b])) for a, b in np.argwhere(np.abs(r) > SAME)]

    def classes(self) -> dict[str, int] | None:
        """Examples of each class of the only target: texts, truth values, or a few whole numbers."""
        if self.look.targets != 1 or self.kinds[-1] == "date":
            return None
        counts, stored = self.counts[-1], self.look.classes
        if self.kinds[-1] != "category":
            if len(counts) > MAX_AUTO_CLASSES or not all(value == math.floor(value) for value in counts):
                return None
            named = stored is not None and all(0 <= value < len(stored) for value in counts)
            counts = Counter({stored[int(v)] if named and stored else f"{v:g}": n for v, n in counts.items()})
        order = list(stored) if stored and set(counts) <= set(stored) else sorted(counts)
        return {name: counts[name] for name in order}


def _shown(row: NDArray[np.float64], block: Block) -> Iterator[str]:
    """The cells of a row as text."""
    for cell, column in zip(row.tolist(), block.columns, strict=True):
        if math.isnan(cell):
            yield ""
        elif column.kind == "category":
            yield column.categories[int(cell)]
        elif column.kind == "date":
            yield str(np.datetime64(round(cell * 86_400), "s")).removesuffix("T00:00:00")
        else:
            yield f"{cell:g}"


def describe(look: Look) -> Description:
    """Look at all rows, once, some at a time.

    Raises:
        DataError: what is wrong with a row, or there is none.
    """
    gathered: _Gathered | None = None
    for block in look.blocks():
        gathered = gathered or _Gathered(look, block)
        gathered.add(block)
    if gathered is None:
        raise DataError(f"{look.source}: no examples")
    facts, n = gathered.facts(), len(look.names) - look.targets
    description = Description(
        source=look.source,
        format=look.format,
        examples=gathered.rows,
        image_shape=look.image_shape,
        dtype=look.dtype,
        memory=4 * gathered.rows * sum(f.distinct if f.kind == "category" else 1 for f in facts[:n]),
        sampled=len(gathered.sample.rows),
        features=tuple(facts[:n]),
        targets=tuple(facts[n:]),
        classes=gathered.classes(),
        duplicates=tuple(gathered.duplicates()),
        first=gathered.first,
    )
    return replace(description, warnings=tuple(_warnings(description)))


def _warnings(found: Description) -> Iterator[str]:
    """What would hurt a training, the worst first."""
    features, targets = found.features, found.targets
    names = {fact.name for fact in targets}
    for one, other, r in found.duplicates:
        if (one in names) != (other in names):
            yield f"{plain(one)} tells the target {plain(other)} (r = {r:.4f}): is it known when a prediction is made?"
    if any(fact.missing for fact in targets):
        yield f"missing targets: {_with_counts([(f.name, f.missing) for f in targets if f.missing])}"
    if found.classes is not None:
        yield from _of_classes(found.classes)
    missing = [(fact.name, fact.missing) for fact in features if fact.missing]
    if missing:
        yield f"missing cells, for data.columns.missing to fill: {_with_counts(missing)}"
    words = (
        ("category", "date") if found.format == "Parquet" else ("category", "date", "boolean")
    )  # true is text in CSV
    texts = [fact.name for fact in features if fact.kind in words]
    if texts:
        yield f"columns that are no numbers, for data.columns: {listed(texts)}"
    many = [(f.name, f.distinct) for f in features if f.kind == "category" and f.distinct > _many(found.examples)]
    if many:
        yield f"nearly a category for every row, for data.columns.types to ignore: {_with_counts(many)}"
    constant = [fact.name for fact in features if fact.constant]
    if constant:
        yield f"constant, and so useless: {listed(constant)}"
    pairs = [f"{plain(a)} and {plain(b)}" for a, b, _ in found.duplicates if not {a, b} & names]
    if pairs:
        yield f"nearly the same (|r| > {SAME}): {'; '.join(pairs[:10])}{' and more' if len(pairs) > 10 else ''}"
    extreme = [(fact.name, fact.outliers) for fact in features if fact.outliers]
    if extreme and found.image_shape is None:
        yield (
            f"far outliers (robust z above {EXTREME:g}; of {found.sampled:,} rows): {_with_counts(extreme)}; are they "
            "mistakes?"
        )
    if found.examples < len(features) and found.image_shape is None:
        yield f"{found.examples:,} examples of {len(features):,} features: expect variance"


def _of_classes(classes: Mapping[str, int]) -> Iterator[str]:
    if len(classes) < 2:
        yield "all examples are of one class"
        return
    most = max(classes.values())
    few = [(name, count) for name, count in classes.items() if count < FEW]
    if few:
        yield f"classes with fewer than {FEW} examples: {_with_counts(few)}"
    rare = [(name, count) for name, count in classes.items() if count < RARE * most]
    if rare:
        yield (
            f"classes with less than a tenth of the most frequent: {_with_counts(rare)}; accuracy will flatter, so try "
            "evaluation.metric: f1 and training.class_weight: balanced"
        )


def _many(examples: int) -> float:
    """Categories from which a column looks like names of rows."""
    return min(MAX_CATEGORIES, max(_TOLD, examples / 2))


def _with_counts(counts: Sequence[tuple[str, int]]) -> str:
    return listed([f"{name} ({count:,})" for name, count in counts])
