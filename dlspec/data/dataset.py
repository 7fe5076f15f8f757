"""From a source of examples to the arrays that training takes: coded, split, normalised."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dlspec.core.randomness import stream
from dlspec.data import files
from dlspec.data.blocks import first_not_finite
from dlspec.data.labels import Coding, Task, coding_of
from dlspec.data.normalization import Kind, Normalization, fit
from dlspec.data.split import auto_ratios, split
from dlspec.data.synthetic import SYNTHETIC
from dlspec.data.table import Table, from_arrays, listed, plain, shown
from dlspec.errors import DataError

Strategy = Literal["random", "stratified"]


@dataclass(frozen=True, eq=False)
class Examples:
    """One split, as training takes it.

    Attributes:
        X: inputs `(m, n_x)` of the run's dtype, normalised, C-contiguous.
        Y: labels `(m,)` intp from 0 for classification, targets `(m, k)` of the run's dtype for regression.
        rows: `(m,)` int64, where each example stands in its source, from 0.
    """

    X: NDArray[Any]
    Y: NDArray[Any]
    rows: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dataset:
    """All splits of one experiment and what is known about them.

    Attributes:
        splits: "train", then "dev" and "test" where they exist.
        task: what is to be learnt.
        classes: names in order; empty for regression.
        n_targets: columns of the target; 1 for classification.
        feature_names: `n_x` names.
        target_names: `n_targets` names.
        image_shape: `(h, w)` or `(h, w, c)` where the inputs are images.
        normalization: what was applied to every split.
        ratios: of the split that was made; None where the files came split.
        strategy: of the split that was made; None likewise.
        fingerprint: SHA-256 in hex of the bytes of the source files, or of the generated arrays.
        warnings: one line each.
    """

    splits: dict[str, Examples]
    task: Task
    classes: tuple[str, ...]
    n_targets: int
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    image_shape: tuple[int, ...] | None
    normalization: Normalization
    ratios: tuple[float, ...] | None
    strategy: Strategy | None
    fingerprint: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows of a table that make one split, and the coded targets `Y` of all rows of that table."""

    table: Table
    Y: NDArray[Any]
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class _Cut:
    """How a table was divided, nothing left to decide."""

    ratios: tuple[float, ...]
    strategy: Strategy


def load_file(
    path: Path,
    *,
    seed: int,
    target: str | None = None,
    x: str = "x",
    y: str = "y",
    task: Literal["auto"] | Task = "auto",
    classes: Sequence[str] | None = None,
    ratios: tuple[float, ...] | None = None,
    strategy: Literal["auto"] | Strategy = "auto",
    normalize: Kind = "standard",
    dtype: DTypeLike = np.float32,
    normalization: Normalization | None = None,
) -> Dataset:
    """Read one file and split it.

    Args:
        path: CSV, TSV, HDF5 or NPZ file.
        seed: of the split.
        target: CSV, TSV: column to predict; None means the last one.
        x: HDF5, NPZ: name of the array of inputs.
        y: HDF5, NPZ: name of the array of targets.
        task: auto decides by the targets, see `coding_of`.
        classes: names in order; None means what the file holds.
        ratios: two (train, dev) or three (train, dev, test) that add up to 1; None goes by size.
        strategy: auto is stratified for classes, else random.
        normalize: fitted on the training split.
        dtype: of X, and of Y for regression.
        normalization: applied in place of fitting one, to evaluate a saved model.

    Raises:
        DataError: what the reader, the coding, the split or the normalisation refuses.
    """
    table = files.read(path, target=target, x=x, y=y)
    coding = coding_of(table, task=task, classes=classes)
    parts, cut = _divide(table, coding, ratios=ratios, strategy=strategy, seed=seed)
    return _assemble(
        parts,
        coding,
        cut,
        normalize=normalize,
        dtype=dtype,
        normalization=normalization,
        fingerprint=files.fingerprint([path]),
    )


def load_files(
    train: Path,
    dev: Path | None = None,
    test: Path | None = None,
    *,
    seed: int,
    target: str | None = None,
    x: str = "x",
    y: str = "y",
    task: Literal["auto"] | Task = "auto",
    classes: Sequence[str] | None = None,
    ratios: tuple[float, ...] | None = None,
    strategy: Literal["auto"] | Strategy = "auto",
    normalize: Kind = "standard",
    dtype: DTypeLike = np.float32,
    normalization: Normalization | None = None,
) -> Dataset:
    """Read files that are already split; the arguments are those of `load_file` but for these.

    Args:
        train: training file; task and classes are decided on it.
        dev: dev file.
        test: test file.
        seed: of the cut.
        target: CSV, TSV: column to predict; None means the last one.
        x: HDF5, NPZ: name of the array of inputs.
        y: HDF5, NPZ: name of the array of targets.
        task: auto decides by the targets of the training file.
        classes: names in order; None means what the training file holds.
        ratios: train/dev, to cut a missing dev set from the training file; None cuts nothing.
        strategy: of that cut.
        normalize: fitted on the training split.
        dtype: of X, and of Y for regression.
        normalization: applied in place of fitting one.

    Raises:
        DataError: as `load_file`; features that differ between files; ratios that fit no missing dev set.
    """
    if ratios is not None and (dev is not None or len(ratios) != 2):
        reason = "dev is given" if dev is not None else f"{len(ratios)} ratios"
        raise DataError(f"{train}: {reason}; ratios train/dev are for a dev set cut from the training file")
    table = files.read(train, target=target, x=x, y=y)
    coding = coding_of(table, task=task, classes=classes)
    cut = None
    if ratios is None:
        parts = {"train": _whole(table, coding)}
    else:
        parts, cut = _divide(table, coding, ratios=ratios, strategy=strategy, seed=seed)
    for name, path in (("dev", dev), ("test", test)):
        if path is not None:
            other = files.read(path, target=target, x=x, y=y)
            _check_features(table, other)
            parts[name] = _whole(other, coding)
    return _assemble(
        parts,
        coding,
        cut,
        normalize=normalize,
        dtype=dtype,
        normalization=normalization,
        fingerprint=files.fingerprint([path for path in (train, dev, test) if path is not None]),
    )


def load_synthetic(
    name: str,
    *,
    examples: int,
    seed: int,
    split_seed: int,
    noise: float | None = None,
    ratios: tuple[float, ...] | None = None,
    strategy: Literal["auto"] | Strategy = "auto",
    normalize: Kind = "standard",
    dtype: DTypeLike = np.float32,
    normalization: Normalization | None = None,
) -> Dataset:
    """Make a synthetic set and split it.

    Args:
        name: a key of `SYNTHETIC`.
        examples: number of examples, at least 2.
        seed: of the points, in [0, 2³²).
        split_seed: of the split.
        noise: standard deviation; None means the set's own.
        ratios: two (train, dev) or three (train, dev, test) that add up to 1; None goes by size.
        strategy: auto is stratified.
        normalize: fitted on the training split.
        dtype: of X.
        normalization: applied in place of fitting one.

    Raises:
        DataError: too few examples for the split.
    """
    recipe = SYNTHETIC[name]
    x, y = recipe.make(examples, recipe.noise if noise is None else noise, np.random.RandomState(seed))
    table = from_arrays(name, x=x, y=y)
    coding = Coding(task="classification", classes=("0", "1"))
    parts, cut = _divide(table, coding, ratios=ratios, strategy=strategy, seed=split_seed)
    digest = hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest()
    return _assemble(
        parts, coding, cut, normalize=normalize, dtype=dtype, normalization=normalization, fingerprint=digest
    )


def _whole(table: Table, coding: Coding) -> _Part:
    return _Part(table, coding.encode(table), np.arange(len(table.x)))


def _divide(
    table: Table,
    coding: Coding,
    *,
    ratios: tuple[float, ...] | None,
    strategy: Literal["auto"] | Strategy,
    seed: int,
) -> tuple[dict[str, _Part], _Cut]:
    """The splits of one table; ratios None go by its size, strategy auto by the task."""
    by_class = coding.task == "classification"
    if strategy == "stratified" and not by_class:
        raise DataError(f"{table.source}: a stratified split needs classes; expected strategy random for regression")
    if strategy == "auto":
        strategy = "stratified" if by_class else "random"
    cut = _Cut(ratios or auto_ratios(len(table.x)), strategy)
    Y = coding.encode(table)
    labels = Y if strategy == "stratified" else None
    try:
        rows = split(len(table.x), ratios=cut.ratios, rng=stream(seed, "split"), labels=labels)
    except DataError as error:
        raise DataError(f"{table.source}: {error}") from error
    return {name: _Part(table, Y, part) for name, part in zip(("train", "dev", "test"), rows, strict=False)}, cut


def _assemble(
    parts: Mapping[str, _Part],
    coding: Coding,
    cut: _Cut | None,
    *,
    normalize: Kind,
    dtype: DTypeLike,
    normalization: Normalization | None,
    fingerprint: str,
) -> Dataset:
    """Normalise the parts by the training split and put everything together."""
    train = parts["train"]
    if normalization is None:
        if coding.task == "classification":
            _check_two_classes(train, coding.classes)
        normalization = _fit(train, normalize)
    elif len(normalization.mean) != train.table.x.shape[1]:
        raise DataError(
            f"{train.table.source}: {train.table.x.shape[1]} features; expected {len(normalization.mean)}, "
            "as many as the model was trained on"
        )
    splits = {name: _examples(part, normalization, np.dtype(dtype)) for name, part in parts.items()}
    return Dataset(
        splits=splits,
        task=coding.task,
        classes=coding.classes,
        n_targets=len(train.table.target_names),
        feature_names=train.table.feature_names,
        target_names=train.table.target_names,
        image_shape=train.table.image_shape,
        normalization=normalization,
        ratios=None if cut is None else cut.ratios,
        strategy=None if cut is None else cut.strategy,
        fingerprint=fingerprint,
        warnings=(
            *_constant_features(normalization, train.table.feature_names),
            *_absent_classes(splits["train"], coding.classes),
        ),
    )


def _check_two_classes(train: _Part, classes: tuple[str, ...]) -> None:
    labels = train.Y[train.rows]
    if (labels == labels[0]).all():
        raise DataError(
            f"{train.table.source}: every training example is of class {classes[labels[0]]!r}; "
            "expected at least two classes"
        )


def _fit(train: _Part, kind: Kind) -> Normalization:
    table = train.table
    normalization = fit(_rows_of(train), kind)
    unbounded = np.flatnonzero(~np.isfinite(normalization.std))
    if len(unbounded):
        name = table.feature_names[unbounded[0]]
        raise DataError(f"{table.source}: feature {plain(name)} has values too large to square; rescale it")
    return normalization


def _rows_of(part: _Part) -> NDArray[Any]:
    """Inputs of a part `(m, n_x)`, in the dtype of the file; no copy where the part is the whole table."""
    return part.table.x if len(part.rows) == len(part.table.x) else part.table.x[part.rows]


def _examples(part: _Part, normalization: Normalization, dtype: np.dtype[Any]) -> Examples:
    X = normalization.apply(_rows_of(part), dtype)
    Y = part.Y[part.rows]
    if Y.dtype.kind == "f":
        with np.errstate(over="ignore"):
            Y = Y.astype(dtype)
        _check_range(Y, part, "target", part.table.target_names)
    _check_range(X, part, "feature", part.table.feature_names)
    return Examples(X=X, Y=Y, rows=part.rows)


def _check_range(values: NDArray[Any], part: _Part, kind: str, names: tuple[str, ...]) -> None:
    """Refuse what became infinite in the run's dtype."""
    spot = first_not_finite(values)
    if spot is not None:
        place = part.table.place(int(part.rows[spot[0]]))
        raise DataError(f"{place}: {kind} {plain(names[spot[1]])} is too large for {values.dtype}; rescale it")


def _check_features(train: Table, other: Table) -> None:
    """Refuse a dev or test file whose features are not those of the training file."""
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


def _constant_features(normalization: Normalization, names: tuple[str, ...]) -> list[str]:
    constant = [names[position] for position in normalization.constant]
    if not constant:
        return []
    return [f"features constant in training, so that they become 0: {listed(constant)}"]


def _absent_classes(train: Examples, classes: tuple[str, ...]) -> list[str]:
    absent = np.setdiff1d(np.arange(len(classes)), train.Y if classes else ())
    return [f"classes without a training example: {listed([classes[c] for c in absent])}"] if len(absent) else []
