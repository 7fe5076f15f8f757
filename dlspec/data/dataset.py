"""From tables of examples to the arrays that training takes: coded, split, normalised."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dlspec.core.randomness import stream
from dlspec.data.blocks import first_not_finite, in_order
from dlspec.data.column import Column
from dlspec.data.division import Cut, Rows, divide_rows
from dlspec.data.features import UNTREATED, Columns, Treatment, fit_columns
from dlspec.data.labels import Coding, Task
from dlspec.data.normalization import Kind, Normalization, fit
from dlspec.data.split import SPLITS
from dlspec.data.streamed import StreamedExamples
from dlspec.data.table import Table, listed, plain, shown
from dlspec.errors import DataError


@dataclass(frozen=True, eq=False)
class Examples:
    """One split, as training takes it.

    Attributes:
        X: inputs `(m, n_x)` of the run's dtype, normalised, C-contiguous.
        Y: labels `(m,)` intp from 0 for classification; of the run's dtype, targets `(m, k)` for regression, and
            0, 1 or NaN (missing) `(m, k)` for a multi-task.
        rows: `(m,)` int64, where each example stands in its source, from 0.
        weights: `(m,)` of the run's dtype, how much each example counts, greater than 0; None: all the same.
        raw: inputs `(m, n_x)` as they stand in the file, for augmentation; None where nobody asked for them.
    """

    X: NDArray[Any]
    Y: NDArray[Any]
    rows: NDArray[np.int64]
    weights: NDArray[Any] | None = None
    raw: NDArray[Any] | None = None

    def __len__(self) -> int:
        """Number of examples m."""
        return len(self.X)

    @property
    def n_x(self) -> int:
        """Number of features."""
        return int(self.X.shape[1])

    def blocks(self, size: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """All examples in order, X `(b, n_x)` and their Y, at most `size` at a time."""
        return in_order(self.X, self.Y, size)

    def sample(self, most: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """X and Y of so many random examples, in their order; which ones follows from the seed."""
        rows = np.sort(stream(seed, "sample").choice(len(self), min(most, len(self)), replace=False, shuffle=False))
        return self.X[rows], self.Y[rows]

    def target_variance(self) -> float:
        """Mean over the targets of a regression of their variance, over m."""
        return float(self.Y.var(axis=0, dtype=np.float64).mean())

    def source_rows(self, positions: NDArray[np.intp]) -> NDArray[np.int64]:
        """Where some of them stand in their source, from 0."""
        return self.rows[positions]

    def same_rows(self, other: "Examples") -> bool:
        """Whether these are the same rows of two files that are the same."""
        return np.array_equal(self.rows, other.rows)

    def class_counts(self, classes: int) -> NDArray[np.int64]:
        """How many examples each class has `(classes,)`."""
        return np.bincount(self.Y, minlength=classes)


@dataclass(frozen=True, eq=False)
class Dataset:
    """All splits of one experiment and what is known about them.

    Attributes:
        splits: "train", then "train-dev", "dev" and "test" where they exist; all in memory, or all read from their
            files whenever they are wanted.
        task: what is to be learnt.
        classes: names in order; empty for the other tasks.
        n_targets: columns of the target; 1 for classification.
        feature_names: `n_x` names.
        target_names: `n_targets` names.
        image_shape: `(h, w)` or `(h, w, c)` where the inputs are images.
        normalization: what was applied to every split.
        columns: how the columns of the files became features, before that; None where they were features.
        cut: the split that was made, nothing left to decide; None where the files came split.
        fingerprint: SHA-256 in hex of the bytes of the source files, or of the generated arrays.
        warnings: one line each.
    """

    splits: dict[str, Examples | StreamedExamples]
    task: Task
    classes: tuple[str, ...]
    n_targets: int
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    image_shape: tuple[int, ...] | None
    normalization: Normalization
    columns: Columns | None
    cut: Cut | None
    fingerprint: str
    warnings: tuple[str, ...]

    def in_memory(self, split: str) -> Examples:
        """The examples of a split as arrays.

        Raises:
            DataError: they are not in memory.
        """
        examples = self.splits[split]
        if not isinstance(examples, Examples):
            source = examples.selection.source.head.source
            raise DataError(f"{source}: is read in parts, but this needs all examples; leave out data.memory")
        return examples


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of a table that make one split, and the coded targets `Y` of all rows of that table."""

    table: Table
    Y: NDArray[Any]
    rows: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What is done to the examples of the splits.

    Attributes:
        normalize: fitted on the training split.
        dtype: of X, the weights, and Y but for classes.
        normalization: applied in place of fitting one, to evaluate a saved model.
        treatment: of columns that are no features yet, fitted on the training split.
        columns: applied in place of fitting them.
        raw: whether the training split keeps its inputs as they stand in the file, for augmentation.
    """

    normalize: Kind = "standard"
    dtype: DTypeLike = np.float32
    normalization: Normalization | None = None
    treatment: Treatment = UNTREATED
    columns: Columns | None = None
    raw: bool = False


def whole(table: Table, coding: Coding) -> Part:
    """A table that makes one split."""
    return Part(table, coding.encode(table), np.arange(len(table.x)))


def divide(table: Table, coding: Coding, cut: Cut, *, column: Column | None = None) -> tuple[dict[str, Part], Cut]:
    """The splits of one table, and how it was cut: nothing left to decide.

    Args:
        table: the examples.
        coding: of the targets.
        cut: how to divide them.
        column: values of the cut's column, where it has one.

    Raises:
        DataError: a label that is none, a strategy that does not fit the task, a split that would be empty.
    """
    Y = coding.encode(table)
    labels = Y if coding.task == "classification" else None
    parts, made = divide_rows(cut, Rows(source=table.source, m=len(table.x), labels=labels, column=column))
    return {name: Part(table, Y, part) for name, part in parts.items()}, made


def assemble(
    parts: Mapping[str, Part], coding: Coding, cut: Cut | None, *, preparation: Preparation, fingerprint: str
) -> Dataset:
    """Normalise the parts by the training split and put everything together.

    Args:
        parts: "train", and "train-dev", "dev" and "test" where they exist.
        coding: of the targets.
        cut: how the parts were cut; None where they came so.
        preparation: what is done to the examples.
        fingerprint: of the source.

    Raises:
        DataError: what cannot be learnt from, or does not fit the dtype or the saved model.
    """
    parts, columns, unseen = _with_features(parts, preparation)
    train, normalization, dtype = parts["train"], preparation.normalization, np.dtype(preparation.dtype)
    if normalization is not None:
        check_width(train.table, normalization)
    else:
        if coding.task == "classification":
            _check_two_classes(train, coding.classes)
        elif coding.task == "multi_task":
            _check_every_label(train)
        normalization = fit(_rows_of(train), preparation.normalize)
        check_bounded(train.table, normalization)
    if coding.task == "multi_task":
        for name, part in parts.items():
            if np.isnan(part.Y[part.rows]).all():
                raise no_labels(part.table.source, name)
    splits: dict[str, Examples | StreamedExamples] = {
        name: _examples(part, normalization, dtype, raw=preparation.raw and part is train)
        for name, part in sorted(parts.items(), key=lambda item: SPLITS.index(item[0]))
    }
    return Dataset(
        splits=splits,
        task=coding.task,
        classes=coding.classes,
        n_targets=len(train.table.target_names),
        feature_names=train.table.feature_names,
        target_names=train.table.target_names,
        image_shape=train.table.image_shape,
        normalization=normalization,
        columns=columns,
        cut=cut,
        fingerprint=fingerprint,
        warnings=(
            *(() if preparation.normalization else _of_train(train, splits["train"], coding, normalization)),
            *unseen,
        ),
    )


def check_width(table: Table, normalization: Normalization) -> None:
    """Refuse another number of features than the normalisation of a saved model has.

    Raises:
        DataError: names both.
    """
    if len(normalization.mean) != table.x.shape[1]:
        raise DataError(
            f"{table.source}: {table.x.shape[1]} features; expected {len(normalization.mean)}, "
            "as many as the model was trained on"
        )


def check_bounded(table: Table, normalization: Normalization) -> None:
    """Refuse features whose σ is infinite.

    Raises:
        DataError: names the first.
    """
    unbounded = np.flatnonzero(~np.isfinite(normalization.std))
    if len(unbounded):
        name = table.feature_names[unbounded[0]]
        raise DataError(f"{table.source}: feature {plain(name)} has values too large to square; rescale it")


def _with_features(
    parts: Mapping[str, Part], preparation: Preparation
) -> tuple[Mapping[str, Part], Columns | None, Sequence[str]]:
    """The parts with features in place of columns, how they came about, and warnings."""
    train = parts["train"]
    if train.table.columns is None:
        return parts, None, ()
    columns = preparation.columns or fit_columns(train.table, train.rows, preparation.treatment)
    tables = {id(part.table): part.table for part in parts.values()}
    made = {number: columns.with_features(table) for number, table in tables.items()}
    unseen = [
        f"{name}: column {plain(column)} has a category unknown in training in {count:,} of {len(part.rows):,} examples"
        for name, part in parts.items()
        for column, count in columns.unseen(part.table, part.rows).items()
    ]
    return {name: replace(part, table=made[id(part.table)]) for name, part in parts.items()}, columns, unseen


def _check_two_classes(train: Part, classes: tuple[str, ...]) -> None:
    labels = train.Y[train.rows]
    if (labels == labels[0]).all():
        raise one_class(train.table.source, classes[labels[0]])


def one_class(source: str, name: str) -> DataError:
    """The error about a training set with nothing to tell apart."""
    return DataError(f"{source}: every training example is of class {name!r}; expected at least two classes")


def _check_every_label(train: Part) -> None:
    absent = np.isnan(train.Y[train.rows]).all(axis=0)
    if absent.any():
        raise no_label(train.table, np.flatnonzero(absent))


def no_label(table: Table, absent: NDArray[np.intp]) -> DataError:
    """The error about labels at these positions that are missing in all of train."""
    names = [table.target_names[j] for j in absent]
    return DataError(
        f"{table.source}: no training example has a label {listed(names)}; expected at least one that is not missing"
    )


def no_labels(source: str, split: str) -> DataError:
    """The error about a split whose labels are all missing."""
    return DataError(f"{source}: every label of the {split} examples is missing; expected some")


def _rows_of(part: Part) -> NDArray[Any]:
    """Inputs of a part `(m, n_x)`, in the dtype of the file; no copy where the part is the whole table."""
    return part.table.x if len(part.rows) == len(part.table.x) else part.table.x[part.rows]


def _examples(part: Part, normalization: Normalization, dtype: np.dtype[Any], *, raw: bool) -> Examples:
    x = _rows_of(part)
    X = normalization.apply(x, dtype)
    Y = part.Y[part.rows]
    if Y.dtype.kind == "f":
        missing = np.isnan(Y)
        with np.errstate(over="ignore"):
            Y = Y.astype(dtype)
        _check_range(np.where(missing, 0, Y), part, "target", part.table.target_names)
    _check_range(X, part, "feature", part.table.feature_names)
    return Examples(X=X, Y=Y, rows=part.rows, weights=_weights(part, dtype), raw=x if raw else None)


def _weights(part: Part, dtype: np.dtype[Any]) -> NDArray[Any] | None:
    if part.table.weights is None:
        return None
    with np.errstate(over="ignore", under="ignore"):
        weights = part.table.weights[part.rows].astype(dtype)
    lost = ~np.isfinite(weights) | (weights == 0)
    if lost.any():
        row = int(part.rows[np.argmax(lost)])
        raise DataError(
            f"{part.table.place(row)}: sample weight {part.table.weights[row]:g} is out of the range of {dtype}; "
            "rescale the weights"
        )
    return weights


def _check_range(values: NDArray[Any], part: Part, kind: str, names: tuple[str, ...]) -> None:
    """Refuse what became infinite in the run's dtype."""
    spot = first_not_finite(values)
    if spot is not None:
        place = part.table.place(int(part.rows[spot[0]]))
        raise DataError(f"{place}: {kind} {plain(names[spot[1]])} is too large for {values.dtype}; rescale it")


def check_features(train: Table, other: Table) -> None:
    """Refuse a dev or test file whose features or targets are not those of the training file.

    Raises:
        DataError: says what differs.
    """
    if len(other.feature_names) != len(train.feature_names):
        raise DataError(
            f"{other.source}: {len(other.feature_names)} features; expected {len(train.feature_names)}, "
            f"as in {train.source}"
        )
    for position, (found, expected) in enumerate(zip(other.feature_names, train.feature_names, strict=True)):
        if found != expected:
            raise DataError(
                f"{other.source}: feature {position + 1} is {shown(found)}; expected {shown(expected)}, "
                f"as in {train.source}"
            )
    if other.image_shape != train.image_shape:
        raise DataError(
            f"{other.source}: images of shape {other.image_shape}; expected {train.image_shape}, as in {train.source}"
        )
    if len(other.target_names) != len(train.target_names):
        raise DataError(
            f"{other.source}: {len(other.target_names)} targets; expected {len(train.target_names)}, "
            f"as in {train.source}"
        )


def _of_train(
    train: Part, examples: Examples | StreamedExamples, coding: Coding, normalization: Normalization
) -> list[str]:
    """What is told when a model is trained, and not again when it is measured."""
    constant = constant_features(normalization, train.table.feature_names)
    if not coding.classes:
        return constant
    return [*constant, *absent_classes(examples.class_counts(len(coding.classes)), coding.classes)]


def constant_features(normalization: Normalization, names: tuple[str, ...]) -> list[str]:
    """The warning of features that told nothing in training, if there are any."""
    constant = [names[position] for position in normalization.constant]
    if not constant:
        return []
    return [f"features constant in training, so that they become 0: {listed(constant)}"]


def absent_classes(counts: NDArray[np.int64], classes: tuple[str, ...]) -> list[str]:
    """The warning of classes that have no training example, of those `counts`, if there are any."""
    absent = np.flatnonzero(counts[: len(classes)] == 0)
    return [f"classes without a training example: {listed([classes[c] for c in absent])}"] if len(absent) else []
