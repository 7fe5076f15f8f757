"""Three doors to a dataset: one file that is split, files that come split, a set made on the fly."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from dlspec.data import files
from dlspec.data.dataset import Cut, Dataset, Preparation, assemble, check_features, divide, whole
from dlspec.data.labels import Coding, Task, coding_of
from dlspec.data.synthetic import SYNTHETIC
from dlspec.data.table import Table, from_arrays
from dlspec.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the files of a set are read, and what their targets mean.

    Attributes:
        target: CSV, TSV: column to predict, or several; None means the last one.
        sample_weight: column or array of the weights of the training examples; dev and test may have it too.
        x: HDF5, NPZ: name of the array of inputs.
        y: HDF5, NPZ: name of the array of targets.
        task: auto decides by the targets, see `coding_of`.
        classes: names in order; None means what the training file holds.
    """

    target: str | Sequence[str] | None = None
    sample_weight: str | None = None
    x: str = "x"
    y: str = "y"
    task: Literal["auto"] | Task = "auto"
    classes: Sequence[str] | None = None


def load_file(path: Path, *, reading: Reading, cut: Cut, preparation: Preparation) -> Dataset:
    """Read one file and split it.

    Args:
        path: CSV, TSV, HDF5 or NPZ file.
        reading: how it is read.
        cut: how it is split, into train and dev, or train, dev and test.
        preparation: what is done to the examples of the splits.

    Raises:
        DataError: what the reader, the coding, the split or the normalisation refuses.
    """
    table, coding = _read_training(path, reading)
    parts, made = divide(table, coding, cut)
    return assemble(parts, coding, made, preparation=preparation, fingerprint=files.fingerprint([path]))


def load_files(
    train: Path,
    dev: Path | None = None,
    test: Path | None = None,
    *,
    reading: Reading,
    cut: Cut | None,
    preparation: Preparation,
) -> Dataset:
    """Read files that are already split.

    Args:
        train: training file; task and classes are decided on it.
        dev: dev file.
        test: test file.
        reading: how they are read.
        cut: ratios train/dev, to cut a missing dev set from the training file; None cuts nothing.
        preparation: what is done to the examples of the splits.

    Raises:
        DataError: as `load_file`; features that differ between files; a cut that fits no missing dev set.
    """
    if cut is not None:
        _check_cut(f"{train}", cut, "training file", dev_is_given=dev is not None)
    table, coding = _read_training(train, reading)
    made = None
    if cut is None:
        parts = {"train": whole(table, coding)}
    else:
        parts, made = divide(table, coding, cut)
    for name, path in (("dev", dev), ("test", test)):
        if path is not None:
            other = _read(path, reading, training=False)
            check_features(table, other)
            parts[name] = whole(other, coding)
    fingerprint = files.fingerprint([path for path in (train, dev, test) if path is not None])
    return assemble(parts, coding, made, preparation=preparation, fingerprint=fingerprint)


def _read_training(path: Path, reading: Reading) -> tuple[Table, Coding]:
    table = _read(path, reading, training=True)
    return table, coding_of(table, task=reading.task, classes=reading.classes)


def _read(path: Path, reading: Reading, *, training: bool) -> Table:
    return files.read(
        path,
        target=reading.target,
        sample_weight=reading.sample_weight,
        x=reading.x,
        y=reading.y,
        training=training,
        missing=reading.task == "multi_task",
    )


def _check_cut(source: str, cut: Cut, train: str, *, dev_is_given: bool) -> None:
    if dev_is_given or cut.ratios is None or len(cut.ratios) != 2:
        found = "no ratios" if cut.ratios is None else f"{len(cut.ratios)} ratios"
        reason = "dev is given" if dev_is_given else found
        raise DataError(f"{source}: {reason}; ratios train/dev are for a dev set cut from the {train}")


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
        cut: how the points are split; with test, two ratios cut a dev set from train. None cuts nothing.
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
            _check_cut(name, cut, "training set", dev_is_given=dev is not None)
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
