"""Doors to a dataset that is read in parts while it is trained on: those of `loading`, for files of any size."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dlspec.data import split_file
from dlspec.data.dataset import (
    Dataset,
    Preparation,
    absent_classes,
    check_bounded,
    check_features,
    check_width,
    constant_features,
    no_label,
    no_labels,
    one_class,
)
from dlspec.data.division import BY_COLUMN, Cut, Rows, split_numbers
from dlspec.data.labels import Coding
from dlspec.data.loading import check_cut
from dlspec.data.memory import Memory
from dlspec.data.normalization import Kind, Normalization, fit
from dlspec.data.reading import Reading, fingerprint
from dlspec.data.row_sources import open_rows
from dlspec.data.rows import RowSource
from dlspec.data.split import SPLITS, SplitOf
from dlspec.data.streamed import ChosenRows, StreamedExamples, chosen_rows
from dlspec.data.survey import Labels, Survey, find_coding, read_labels, survey
from dlspec.data.table import Table, plain
from dlspec.errors import DataError


def load_file(path: Path, *, reading: Reading, cut: Cut, preparation: Preparation, memory: Memory) -> Dataset:
    """One file that is split: the same rows in each split as `loading.load_file` gives.

    Args:
        path: HDF5, Parquet or NPY file.
        reading: how it is read.
        cut: how it is split; not by a column.
        preparation: what is done to the examples of the splits.
        memory: what they may take.

    Raises:
        DataError: as `loading.load_file`; a format or a split that needs all of a file; too little memory.
    """
    source, coding, labels = _read_training(path, reading, memory)
    parts, made = _divide(source, coding, labels, cut, memory=memory)
    return _assemble(parts, coding, made, preparation, memory, fingerprint=fingerprint([path], reading))


def load_divided(path: Path, split: Path, *, reading: Reading, preparation: Preparation, memory: Memory) -> Dataset:
    """One file and the file that says which row is in which split.

    Args:
        path: HDF5, Parquet or NPY file.
        split: written by `dlspec split`; with many rows an HDF5 file.
        reading: how the file is read.
        preparation: what is done to the examples of the splits.
        memory: what they may take.

    Raises:
        DataError: as `loading.load_divided`; a format that needs all of a file; too little memory.
    """
    source, coding, labels = _read_training(path, reading, memory)
    divided = split_file.read(split)
    split_file.check_data(split, divided, data=path, m=source.m)
    parts = _parts(source, coding, labels, split_file.split_numbers(divided), memory=memory)
    return _assemble(parts, coding, None, preparation, memory, fingerprint=fingerprint([path, split], reading))


def load_files(
    train: Path,
    dev: Path | None = None,
    test: Path | None = None,
    *,
    train_dev: Path | None = None,
    reading: Reading,
    cut: Cut | None,
    preparation: Preparation,
    memory: Memory,
) -> Dataset:
    """Files that are already split.

    Args:
        train: training file; task and classes are decided on it.
        dev: dev file.
        test: test file.
        train_dev: train-dev file.
        reading: how they are read.
        cut: what is cut from the training file, as for `loading.load_files`; not by a column.
        preparation: what is done to the examples of the splits.
        memory: what they may take.

    Raises:
        DataError: as `loading.load_files`; a format or a split that needs all of a file; too little memory.
    """
    others = {name: path for name, path in (("dev", dev), ("test", test), ("train-dev", train_dev)) if path is not None}
    if cut is not None:
        check_cut(f"{train}", cut, "training file", given=others)
    source, coding, labels = _read_training(train, reading, memory)
    made = None
    if cut is None:
        parts = {"train": chosen_rows(source, coding, labels, memory=memory)}
    else:
        parts, made = _divide(source, coding, labels, cut, memory=memory)
    for name, path in others.items():
        other = open_rows(path, reading, memory=memory)
        check_features(source.head, other.head)
        parts[name] = chosen_rows(other, coding, read_labels(other, coding), memory=memory)
    source_hash = fingerprint([train, *others.values()], reading)
    return _assemble(parts, coding, made, preparation, memory, fingerprint=source_hash)


def _read_training(path: Path, reading: Reading, memory: Memory) -> tuple[RowSource, Coding, Labels | None]:
    source = open_rows(path, reading, memory=memory)
    memory.check_rows(str(path), source.m)
    coding = find_coding(source, reading)
    return source, coding, read_labels(source, coding)


def _divide(
    source: RowSource, coding: Coding, labels: Labels | None, cut: Cut, *, memory: Memory
) -> tuple[dict[str, ChosenRows], Cut]:
    name = source.head.source
    if cut.strategy in BY_COLUMN:
        raise DataError(
            f"{name}: a split by {cut.strategy} needs a whole column; divide the file once with dlspec split, and "
            "name what it writes with data.split.file, or leave out data.memory"
        )
    split_of, made = split_numbers(cut, Rows(source=name, m=source.m, labels=labels))
    return _parts(source, coding, labels, split_of, memory=memory), made


def _parts(
    source: RowSource, coding: Coding, labels: Labels | None, split_of: SplitOf, *, memory: Memory
) -> dict[str, ChosenRows]:
    parts = {
        name: chosen_rows(source, coding, labels, memory=memory, split_of=split_of, number=number)
        for number, name in enumerate(SPLITS)
    }
    return {name: part for name, part in parts.items() if len(part)}


def _assemble(
    parts: Mapping[str, ChosenRows],
    coding: Coding,
    cut: Cut | None,
    preparation: Preparation,
    memory: Memory,
    *,
    fingerprint: str,
) -> Dataset:
    """Look at all numbers once, fit the normalisation on train, and put everything together."""
    train, head, normalization = parts["train"], parts["train"].source.head, preparation.normalization
    counts = train.class_counts(len(coding.classes))
    if normalization is not None:
        check_width(head, normalization)
    elif coding.task == "classification" and np.count_nonzero(counts) == 1:
        raise one_class(head.source, coding.classes[int(np.argmax(counts))])
    surveys = _surveys(parts)
    if coding.task == "multi_task":
        _check_labels(parts, surveys, fitting=normalization is None)
    if normalization is None:
        normalization = _fit(head, surveys["train"], preparation.normalize)
    dtype = np.dtype(preparation.dtype)
    splits: dict[str, StreamedExamples] = {}
    for name in (name for name in SPLITS if name in parts):
        _check_range(parts[name].source.head, surveys[name], normalization, dtype)
        spread = surveys[name].targets.squares / len(parts[name])
        splits[name] = StreamedExamples(
            selection=parts[name],
            normalization=normalization,
            dtype=dtype,
            memory=memory,
            variance=float(spread.mean()) if name == "train" and coding.task == "regression" else 0.0,
        )
    kept, dev = _kept(parts.values()), splits.get("dev")
    if dev is not None and len(dev) * dev.example_bytes <= memory.dev:
        kept += len(dev) * dev.example_bytes
        splits["dev"] = replace(dev, stays=True)
    splits["train"] = replace(splits["train"], kept=kept)
    return Dataset(
        splits={**splits},
        task=coding.task,
        classes=coding.classes,
        n_targets=len(head.target_names),
        feature_names=head.feature_names,
        target_names=head.target_names,
        image_shape=head.image_shape,
        normalization=normalization,
        columns=None,
        cut=cut,
        fingerprint=fingerprint,
        warnings=()
        if preparation.normalization  # told when the model was trained
        else (*constant_features(normalization, head.feature_names), *absent_classes(counts, coding.classes)),
    )


def _kept(parts: Iterable[ChosenRows]) -> int:
    """Bytes kept for all rows: of each file the labels, which row is in which split, and what it takes to read it."""
    parts = list(parts)
    arrays = {id(array): array for part in parts for array in (part.labels, part.split_of) if array is not None}
    sources = {id(part.source): part.source for part in parts}
    return sum(array.nbytes for array in arrays.values()) + sum(source.kept for source in sources.values())


def _surveys(parts: Mapping[str, ChosenRows]) -> dict[str, Survey]:
    """Of each split what its numbers are, by one pass over each file."""
    by_file: dict[int, list[str]] = {}
    for name in (name for name in SPLITS if name in parts):
        by_file.setdefault(id(parts[name].source), []).append(name)
    found: dict[str, Survey] = {}
    for names in by_file.values():
        seen = survey([parts[name] for name in names], moments="train" in names)
        found |= dict(zip(names, seen, strict=True))
    return found


def _check_labels(parts: Mapping[str, ChosenRows], surveys: Mapping[str, Survey], *, fitting: bool) -> None:
    """A label of a multi-task must not be missing everywhere."""
    absent = np.flatnonzero(surveys["train"].present == 0)
    if fitting and len(absent):
        raise no_label(parts["train"].source.head, absent)
    for name, part in parts.items():
        if not surveys[name].present.any():
            raise no_labels(part.source.head.source, name)


def _fit(head: Table, seen: Survey, kind: Kind) -> Normalization:
    """As `normalization.fit` does it with all rows at hand."""
    if kind != "standard":
        return fit(head.x, kind)
    mean = np.where(seen.constant, seen.low, seen.inputs.mean)
    std = np.where(seen.constant, 0.0, np.sqrt(seen.inputs.squares / seen.inputs.m))
    normalization = Normalization(kind=kind, mean=mean, std=std)
    check_bounded(head, normalization)
    return normalization


def _check_range(head: Table, seen: Survey, normalization: Normalization, dtype: np.dtype[Any]) -> None:
    """Refuse what would become infinite in the run's dtype."""
    largest = np.finfo(dtype).max
    divisor = np.where(normalization.std == 0, np.inf, normalization.std)
    with np.errstate(over="ignore"):
        reach = np.maximum(np.abs(seen.low - normalization.mean), np.abs(seen.high - normalization.mean)) / divisor
    for kind, names, values in (
        ("feature", head.feature_names, reach),
        ("target", head.target_names, seen.reach),
    ):
        beyond = np.flatnonzero(values > largest)
        if len(beyond):
            raise DataError(f"{head.source}: {kind} {plain(names[beyond[0]])} is too large for {dtype}; rescale it")
