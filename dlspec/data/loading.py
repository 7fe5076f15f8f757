"""Doors to a dataset: one file that is split, files that come split, a set made on the fly."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dlspec.data import split_file
from dlspec.data.column import Column
from dlspec.data.dataset import Dataset, Part, Preparation, assemble, check_features, divide, whole
from dlspec.data.division import Cut
from dlspec.data.labels import Coding, coding_of
from dlspec.data.reading import Reading, fingerprint, like, read
from dlspec.data.synthetic import SYNTHETIC
from dlspec.data.table import Table, from_arrays
from dlspec.errors import DataError


def load_file(path: Path, *, reading: Reading, cut: Cut, preparation: Preparation) -> Dataset:
    """Read one file and split it.

    Args:
        path: a file, or directory, of any format.
        reading: how it is read.
        cut: how it is split, into train and dev, or train, dev and test.
        preparation: what is done to the examples of the splits.

    Raises:
        DataError: what the reader, the coding, the split or the normalisation refuses.
    """
    table, coding, column = _read_training(path, reading, cut)
    parts, made = divide(table, coding, cut, column=column)
    return assemble(parts, coding, made, preparation=preparation, fingerprint=fingerprint([path], reading))


def load_divided(
    path: Path, split: Path, *, reading: Reading, column_is_feature: bool, preparation: Preparation
) -> Dataset:
    """Read one file and the file that says which row is in which split.

    Args:
        path: a file, or directory, of any format.
        split: written by `dlspec split`.
        reading: how the file is read.
        column_is_feature: whether the columns that the split went by may be learnt from.
        preparation: what is done to the examples of the splits.

    Raises:
        DataError: what the reader, the coding or the normalisation refuses; a split that is damaged or of other data.
    """
    divided = split_file.read(split)
    leave_out = () if column_is_feature else divided.columns
    table = read(path, replace(reading, leave_out=leave_out))
    split_file.check_data(split, divided, data=path, m=len(table.x), y=reading.y)
    coding = coding_of(table, task=reading.task, classes=reading.classes)
    Y = coding.encode(table)
    parts = {name: Part(table, Y, rows.astype(np.int64)) for name, rows in divided.rows.items()}
    return assemble(parts, coding, None, preparation=preparation, fingerprint=fingerprint([path, split], reading))


def load_files(
    train: Path,
    dev: Path | None = None,
    test: Path | None = None,
    *,
    train_dev: Path | None = None,
    reading: Reading,
    cut: Cut | None,
    preparation: Preparation,
) -> Dataset:
    """Read files that are already split.

    Args:
        train: training file; task and classes are decided on it.
        dev: dev file.
        test: test file.
        train_dev: train-dev file.
        reading: how they are read.
        cut: what is cut from the training file: a missing dev set by ratios train/dev, a missing train-dev set by its
            share; None cuts nothing.
        preparation: what is done to the examples of the splits.

    Raises:
        DataError: as `load_file`; features that differ between files; a cut of a set that is given.
    """
    others = {name: path for name, path in (("dev", dev), ("test", test), ("train-dev", train_dev)) if path is not None}
    if cut is not None:
        check_cut(f"{train}", cut, "training file", given=others)
    table, coding, column = _read_training(train, reading, cut)
    reading = like(_without_column(reading, cut), table)
    made = None
    if cut is None:
        parts = {"train": whole(table, coding)}
    else:
        parts, made = divide(table, coding, cut, column=column)
    for name, path in others.items():
        other = read(path, reading, training=False)
        check_features(table, other)
        parts[name] = whole(other, coding)
    read_files = [train, *others.values()]
    return assemble(parts, coding, made, preparation=preparation, fingerprint=fingerprint(read_files, reading))


def _read_training(path: Path, reading: Reading, cut: Cut | None) -> tuple[Table, Coding, Column | None]:
    """A file that is cut, what its targets mean, and what the cut goes by."""
    table = read(path, _without_column(reading, cut))
    column = None
    if cut is not None and cut.column is not None:
        from dlspec.data.scan import Wanted, scan  # few cuts go by a column

        column = scan(path, reading=reading, wanted=Wanted(columns=(cut.column,))).columns[cut.column]
    return table, coding_of(table, task=reading.task, classes=reading.classes), column


def _without_column(reading: Reading, cut: Cut | None) -> Reading:
    if cut is None or cut.column is None or cut.column_is_feature:
        return reading
    return replace(reading, leave_out=(cut.column,))


def check_cut(source: str, cut: Cut, train: str, *, given: Collection[str]) -> None:
    """Refuse to cut what is there already, and a test set, which comes in a file of its own.

    Args:
        source: for messages.
        cut: ratios train/dev or nothing, and the share of train-dev.
        train: what is cut, for messages.
        given: the splits that are there.

    Raises:
        DataError: says what does not go together.
    """
    ratios = cut.ratios or ()
    if len(ratios) not in (1, 2) or (len(ratios) == 2 and "dev" in given):
        reason = "dev is given" if "dev" in given else f"{len(ratios) or 'no'} ratios"
        raise DataError(f"{source}: {reason}; ratios train/dev are for a dev set cut from the {train}")
    if cut.train_dev is not None and "train-dev" in given:
        raise DataError(f"{source}: train-dev is given; its share is for a train-dev set cut from the {train}")


@dataclass(frozen=True)
class Points:
    """What a synthetic set is made from.

    Attributes:
        examples: number of examples, at least 2.
        seed: of the points, in [0, 2³²).
        noise: standard deviation; None means the recipe's own.
    """

    examples: int
    seed: int
    noise: float | None = None


def load_synthetic(
    name: str,
    train: Points,
    dev: Points | None = None,
    test: Points | None = None,
    *,
    cut: Cut | None,
    preparation: Preparation,
) -> Dataset:
    """Make a synthetic set and split it, or make its dev and test sets apart.

    Args:
        name: a key of `SYNTHETIC`.
        train: all points, to be split; those of train where dev or test is given.
        dev: a dev set of its own.
        test: a test set of its own.
        cut: how the points are split; with dev or test, what is cut from train, as in `load_files`. None cuts nothing.
        preparation: what is done to the examples of the splits.

    Raises:
        DataError: too few examples for the split; a cut that fits no missing dev set.
    """
    coding = Coding(task="classification", classes=("0", "1"))
    made = {"train": train} | {part: points for part, points in (("dev", dev), ("test", test)) if points is not None}
    tables = {part: _made(name, points) for part, points in made.items()}
    how = None
    if cut is None:
        parts = {"train": whole(tables["train"], coding)}
    else:
        if len(tables) > 1:
            check_cut(name, cut, "training set", given=tables)
        parts, how = divide(tables["train"], coding, cut)
    parts |= {part: whole(table, coding) for part, table in tables.items() if part != "train"}
    digest = hashlib.sha256()
    for table in tables.values():
        digest.update(table.x.tobytes() + table.y.tobytes())
    return assemble(parts, coding, how, preparation=preparation, fingerprint=digest.hexdigest())


def _made(name: str, points: Points) -> Table:
    recipe = SYNTHETIC[name]
    noise = recipe.noise if points.noise is None else points.noise
    x, y = recipe.make(points.examples, noise, np.random.RandomState(points.seed))
    return from_arrays(name, x=x, y=y)
