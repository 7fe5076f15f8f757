"""The data of an experiment: read, split and normalised, and what is done to training examples alone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlspec.config.augmentation import Augmentation as AugmentationSection
from dlspec.config.data import Drawn, OneFile, Split, SplitFiles, Synthetic, parse_percent, parse_ratios
from dlspec.config.experiment import Experiment
from dlspec.config.loader import LoadedExperiment
from dlspec.core.arrays import Array
from dlspec.data.augmentation import Augmentation, AugmentedInputs
from dlspec.data.dataset import Dataset, Preparation
from dlspec.data.division import Cut
from dlspec.data.loading import Points, load_divided, load_file, load_files, load_synthetic
from dlspec.data.normalization import Normalization
from dlspec.data.reading import Reading


def load_data(
    loaded: LoadedExperiment,
    *,
    normalization: Normalization | None = None,
    classes: Sequence[str] | None = None,
) -> Dataset:
    """The data of an experiment, split and normalised.

    Args:
        loaded: the experiment and where its file lies.
        normalization: that of a trained model, applied as it is; None fits it on train.
        classes: those of a trained model; None takes what the experiment names or the data holds.

    Raises:
        ConfigError: a file is missing.
        DataError: a file, a label or a split is wrong.
    """
    experiment, data = loaded.experiment, loaded.experiment.data
    cut = None if data.split is None else _cut(experiment, data.split)
    preparation = Preparation(
        normalize=data.normalize,
        dtype=np.dtype(experiment.dtype),
        normalization=normalization,
        raw=experiment.augmentation is not None and normalization is None,  # only a training augments
    )
    if isinstance(data, Synthetic):
        return load_synthetic(
            data.synthetic,
            Points(data.examples, synthetic_seed(experiment, data), data.noise),
            _points_apart(loaded, data, "dev", data.dev),
            _points_apart(loaded, data, "test", data.test),
            cut=cut,
            preparation=preparation,
        )
    reading = Reading(
        target=data.target,
        sample_weight=data.sample_weight,
        x=data.x,
        y=data.y,
        task=data.task,
        classes=classes or data.classes,
    )
    if isinstance(data, OneFile):
        path = _existing(loaded, data.path, "path")
        if data.split.file is None:
            return load_file(path, reading=reading, cut=_cut(experiment, data.split), preparation=preparation)
        return load_divided(
            path,
            _existing(loaded, data.split.file, "split", "file"),
            reading=reading,
            column_is_feature=data.split.column_is_feature,
            preparation=preparation,
        )
    return load_files(
        _existing(loaded, data.train, "train"),
        None if data.dev is None else _existing(loaded, data.dev, "dev"),
        None if data.test is None else _existing(loaded, data.test, "test"),
        train_dev=None if data.train_dev is None else _existing(loaded, data.train_dev, "train_dev"),
        reading=reading,
        cut=cut,
        preparation=preparation,
    )


def _cut(experiment: Experiment, split: Split) -> Cut:
    data = experiment.data
    apart = isinstance(data, SplitFiles) or (isinstance(data, Synthetic) and bool(data.dev or data.test))
    everything = (1.0,) if apart else None  # of a set beside others, auto cuts nothing but train-dev
    return Cut(
        seed=experiment.seed if split.seed is None else split.seed,
        ratios=everything if split.ratios == "auto" else parse_ratios(split.ratios),
        strategy=split.strategy,
        column=split.column,
        column_is_feature=split.column_is_feature,
        train_dev=None if split.train_dev is None else parse_percent(split.train_dev),
    )


def _existing(loaded: LoadedExperiment, path: str, *key: str) -> Path:
    """A data file; where it is missing, the error points at the key that names it."""
    resolved = loaded.resolve(path)
    if not resolved.exists():
        raise loaded.problem(("data", *key), f"there is no file {resolved}; check the path")
    return resolved


def _points_apart(loaded: LoadedExperiment, data: Synthetic, name: str, drawn: Drawn | None) -> Points | None:
    """A synthetic dev or test set; the seed of another set would make it of the same points, or of kindred ones."""
    if drawn is None:
        return None
    others = {"train": synthetic_seed(loaded.experiment, data)}
    if name == "test" and data.dev is not None:
        others["dev"] = data.dev.seed
    same = next((other for other, seed in others.items() if seed == drawn.seed), None)
    if same is not None:
        raise loaded.problem(
            ("data", name, "seed"), f"found {drawn.seed}, which is the seed of {same} too; expected another"
        )
    examples = data.examples if drawn.examples is None else drawn.examples
    return Points(examples, drawn.seed, data.noise if drawn.noise is None else drawn.noise)


def synthetic_seed(experiment: Experiment, data: Synthetic) -> int:
    """Seed of a synthetic set; NumPy's legacy generator takes 32 bits."""
    return experiment.seed % 2**32 if data.seed is None else data.seed


def build_weights(loaded: LoadedExperiment, dataset: Dataset) -> Array | None:
    """How much each training example counts in the cost (m,); None where all count the same.

    w_i = (class weight of y_i) · (sample weight of i). A class weight `balanced` gives class c of C in the
    training set m/(C · m_c), so
    that these weights of all examples add up to m.

    Raises:
        ConfigError: `class_weight` does not fit the data.
    """
    class_weights, sample_weights = _class_weights(loaded, dataset), dataset.splits["train"].weights
    if class_weights is None or sample_weights is None:
        return sample_weights if class_weights is None else class_weights
    weights: Array = class_weights * sample_weights
    return weights


def _class_weights(loaded: LoadedExperiment, dataset: Dataset) -> Array | None:
    class_weight, train = loaded.experiment.training.class_weight, dataset.splits["train"]
    if class_weight is None:
        return None
    where = ("training", "class_weight")
    if dataset.task != "classification":
        raise loaded.problem(where, f"the task is {dataset.task}, which has no classes; leave class_weight out")
    if class_weight == "balanced":
        counts = np.bincount(train.Y, minlength=len(dataset.classes))
        by_class = len(train.Y) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    else:
        unknown = [name for name in class_weight if name not in dataset.classes]
        if unknown:
            raise loaded.problem((*where, unknown[0]), f"no such class; expected one of: {', '.join(dataset.classes)}")
        by_class = np.array([class_weight.get(name, 1.0) for name in dataset.classes])
    weights: Array = by_class[train.Y].astype(train.X.dtype)
    return weights


def build_augmentation(loaded: LoadedExperiment, dataset: Dataset) -> AugmentedInputs | None:
    """The changes of the training images; None where there are none.

    Raises:
        ConfigError: the inputs are no images, or a move would leave nothing of them.
    """
    section, train = loaded.experiment.augmentation, dataset.splits["train"]
    if section is None or section == AugmentationSection():
        return None
    if dataset.image_shape is None or train.raw is None:
        raise loaded.problem(
            ("augmentation",),
            "the inputs are no images; expected an array (examples, height, width) or (examples, height, width, "
            "channels) in HDF5 or NPZ, or leave augmentation out",
        )
    crop, elastic = section.crop, section.elastic
    augmentation = Augmentation(
        horizontal_flip=section.horizontal_flip,
        padding=0 if crop is None else crop.padding,
        rotation=section.rotation,
        shift=section.shift,
        elastic_alpha=0.0 if elastic is None else elastic.alpha,
        elastic_sigma=1.0 if elastic is None else elastic.sigma,
        noise=section.noise,
    )
    height, width = dataset.image_shape[:2]
    side = min(height, width)
    if (pixels := augmentation.largest_move(side)) >= side:
        raise loaded.problem(
            ("augmentation",),
            f"crop and shift move images by up to {pixels} pixels, but they are {height} x {width}; "
            f"expected less than {side}",
        )
    return AugmentedInputs(
        augmentation,
        train.raw,
        image_shape=dataset.image_shape,
        normalization=dataset.normalization,
        seed=loaded.experiment.seed,
        dtype=train.X.dtype,
    )
