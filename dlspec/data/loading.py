"""Three doors to a dataset: one file that is split, files that come split, a set made on the fly."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from dlspec.data import files
from dlspec.data.dataset import Dataset, Strategy, assemble, check_features, divide, whole
from dlspec.data.image_folder import ImageForm
from dlspec.data.labels import Coding, Task, coding_of
from dlspec.data.normalization import Kind, Normalization
from dlspec.data.synthetic import SYNTHETIC
from dlspec.data.table import Table, from_arrays
from dlspec.errors import DataError


def load_file(
    path: Path,
    *,
    seed: int,
    target: str | Sequence[str] | None = None,
    sample_weight: str | None = None,
    x: str = "x",
    y: str = "y",
    image: ImageForm | None = None,
    task: Literal["auto"] | Task = "auto",
    classes: Sequence[str] | None = None,
    ratios: tuple[float, ...] | None = None,
    strategy: Literal["auto"] | Strategy = "auto",
    normalize: Kind = "standard",
    dtype: DTypeLike = np.float32,
    normalization: Normalization | None = None,
    raw: bool = False,
) -> Dataset:
    """Read one file and split it.

    Args:
        path: file of any format that `files.read` knows.
        seed: of the split.
        target: CSV, TSV, Parquet: column to predict, or several; None means the last one.
        sample_weight: column or array of the weights of the training examples; dev and test may have it too.
        x: HDF5, NPZ: name of the array of inputs.
        y: HDF5, NPZ: name of the array of targets. IDX, NPY: name of their file.
        image: folder of images: what they are brought to.
        task: auto decides by the targets, see `coding_of`.
        classes: names in order; None means what the file holds.
        ratios: two (train, dev) or three (train, dev, test) that add up to 1; None goes by size.
        strategy: auto is stratified for classes, else random.
        normalize: fitted on the training split.
        dtype: of X, the weights, and Y but for classes.
        normalization: applied in place of fitting one, to evaluate a saved model.
        raw: whether the training split keeps its inputs as they stand in the file, for augmentation.

    Raises:
        DataError: what the reader, the coding, the split or the normalisation refuses.
    """
    missing = task == "multi_task"
    table = files.read(path, target=target, sample_weight=sample_weight, x=x, y=y, image=image, missing=missing)
    coding = coding_of(table, task=task, classes=classes)
    parts, cut = divide(table, coding, ratios=ratios, strategy=strategy, seed=seed)
    return assemble(
        parts,
        coding,
        cut,
        normalize=normalize,
        dtype=dtype,
        normalization=normalization,
        fingerprint=files.fingerprint([path], y=y, sample_weight=sample_weight),
        raw=raw,
    )


def load_files(
    train: Path,
    dev: Path | None = None,
    test: Path | None = None,
    *,
    seed: int,
    target: str | Sequence[str] | None = None,
    sample_weight: str | None = None,
    x: str = "x",
    y: str = "y",
    image: ImageForm | None = None,
    task: Literal["auto"] | Task = "auto",
    classes: Sequence[str] | None = None,
    ratios: tuple[float, ...] | None = None,
    strategy: Literal["auto"] | Strategy = "auto",
    normalize: Kind = "standard",
    dtype: DTypeLike = np.float32,
    normalization: Normalization | None = None,
    raw: bool = False,
) -> Dataset:
    """Read files that are already split; the arguments are those of `load_file` but for these.

    Args:
        train: training file; task and classes are decided on it.
        dev: dev file.
        test: test file.
        seed: of the cut.
        target: CSV, TSV, Parquet: column to predict, or several; None means the last one.
        sample_weight: column or array of the weights of the training examples; dev and test may have it too.
        x: HDF5, NPZ: name of the array of inputs.
        y: HDF5, NPZ: name of the array of targets. IDX, NPY: name of their file.
        image: folder of images: what they are brought to.
        task: auto decides by the targets of the training file.
        classes: names in order; None means what the training file holds.
        ratios: train/dev, to cut a missing dev set from the training file; None cuts nothing.
        strategy: of that cut.
        normalize: fitted on the training split.
        dtype: of X, the weights, and Y but for classes.
        normalization: applied in place of fitting one.
        raw: whether the training split keeps its inputs as they stand in the file.

    Raises:
        DataError: as `load_file`; features that differ between files; ratios that fit no missing dev set.
    """
    if ratios is not None:
        _check_cut(f"{train}", ratios, "training file", dev_is_given=dev is not None)
    missing = task == "multi_task"
    read = partial(files.read, target=target, sample_weight=sample_weight, x=x, y=y, image=image, missing=missing)
    table = read(train)
    coding = coding_of(table, task=task, classes=classes)
    cut = None
    if ratios is None:
        parts = {"train": whole(table, coding)}
    else:
        parts, cut = divide(table, coding, ratios=ratios, strategy=strategy, seed=seed)
    for name, path in (("dev", dev), ("test", test)):
        if path is not None:
            other = read(path, training=False)
            check_features(table, other)
            parts[name] = whole(other, coding)
    return assemble(
        parts,
        coding,
        cut,
        normalize=normalize,
        dtype=dtype,
        normalization=normalization,
        fingerprint=files.fingerprint(
            [path for path in (train, dev, test) if path is not None], y=y, sample_weight=sample_weight
        ),
        raw=raw,
    )


def _check_cut(source: str, ratios: tuple[float, ...], train: str, *, dev_is_given: bool) -> None:
    if dev_is_given or len(ratios) != 2:
        reason = "dev is given" if dev_is_given else f"{len(ratios)} ratios"
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
    split_seed: int,
    ratios: tuple[float, ...] | None = None,
    strategy: Literal["auto"] | Strategy = "auto",
    normalize: Kind = "standard",
    dtype: DTypeLike = np.float32,
    normalization: Normalization | None = None,
) -> Dataset:
    """Make a synthetic set and split it, or make its dev and test sets apart.

    Args:
        name: a key of `SYNTHETIC`.
        train: all points, to be split; those of train where dev or test is given.
        dev: a dev set of its own.
        test: a test set of its own.
        split_seed: of the split.
        ratios: two (train, dev) or three (train, dev, test) that add up to 1; None goes by size, or cuts nothing
            where dev or test is given. With test, two ratios cut a dev set from train.
        strategy: auto is stratified.
        normalize: fitted on the training split.
        dtype: of X.
        normalization: applied in place of fitting one.

    Raises:
        DataError: too few examples for the split.
    """
    coding = Coding(task="classification", classes=("0", "1"))
    made = {"train": train} | {part: points for part, points in (("dev", dev), ("test", test)) if points is not None}
    tables = {part: _made(name, points) for part, points in made.items()}
    cut = None
    if len(tables) > 1 and ratios is None:
        parts = {"train": whole(tables["train"], coding)}
    else:
        if ratios is not None and len(tables) > 1:
            _check_cut(name, ratios, "training set", dev_is_given=dev is not None)
        parts, cut = divide(tables["train"], coding, ratios=ratios, strategy=strategy, seed=split_seed)
    parts |= {part: whole(table, coding) for part, table in tables.items() if part != "train"}
    digest = hashlib.sha256()
    for table in tables.values():
        digest.update(table.x.tobytes() + table.y.tobytes())
    return assemble(
        parts,
        coding,
        cut,
        normalize=normalize,
        dtype=dtype,
        normalization=normalization,
        fingerprint=digest.hexdigest(),
    )


def _made(name: str, points: Points) -> Table:
    recipe = SYNTHETIC[name]
    noise = recipe.noise if points.noise is None else points.noise
    x, y = recipe.make(points.examples, noise, np.random.RandomState(points.seed))
    return from_arrays(name, x=x, y=y)
