"""The data of an experiment: read, split and normalised, and what is done to training examples alone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlspec.config.augmentation import Augmentation as AugmentationSection
from dlspec.config.data import Drawn, OneFile, Split, SplitFiles, Synthetic, parse_memory, parse_percent, parse_ratios
from dlspec.config.data import Image as ImageSection
from dlspec.config.experiment import Experiment
from dlspec.config.loader import LoadedExperiment
from dlspec.core.arrays import Array
from dlspec.data.augmentation import Augmentation, AugmentedInputs
from dlspec.data.dataset import Dataset, Preparation
from dlspec.data.division import Cut
from dlspec.data.features import UNTREATED, Columns, Treatment
from dlspec.data.image_folder import ImageForm
from dlspec.data.loading import Points, load_divided, load_file, load_files, load_synthetic
from dlspec.data.memory import Memory
from dlspec.data.normalization import Normalization
from dlspec.data.reading import Reading
from dlspec.data.streamed import StreamedExamples
from dlspec.errors import ConfigError


def load_data(
    loaded: LoadedExperiment,
    *,
    normalization: Normalization | None = None,
    columns: Columns | None = None,
    classes: Sequence[str] | None = None,
) -> Dataset:
    """The data of an experiment, split and normalised.

    Args:
        loaded: the experiment and where its file lies.
        normalization: that of a trained model, applied as it is; None fits it on train.
        columns: likewise.
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
        treatment=_treatment(data),
        columns=columns,
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
    reading = _reading(data, columns, classes)
    if data.memory is not None:
        return _streamed(loaded, data, reading, preparation, Memory(parse_memory(data.memory)))
    if isinstance(data, OneFile):
        path = _existing(loaded, data.path)
        if data.split.file is None:
            return load_file(path, reading=reading, cut=_cut(experiment, data.split), preparation=preparation)
        return load_divided(
            path,
            _existing(loaded, data.split.file),
            reading=reading,
            column_is_feature=data.split.column_is_feature,
            preparation=preparation,
        )
    train, dev, test, train_dev = _split_files(loaded, data)
    return load_files(train, dev, test, train_dev=train_dev, reading=reading, cut=cut, preparation=preparation)


def _split_files(loaded: LoadedExperiment, data: SplitFiles) -> tuple[Path, Path | None, Path | None, Path | None]:
    """The files of train, dev, test and train-dev, where they are named."""

    def named(key: str) -> Path | None:
        path = getattr(data, key)
        return None if path is None else _existing(loaded, path)

    return _existing(loaded, data.train), named("dev"), named("test"), named("train_dev")


def _streamed(
    loaded: LoadedExperiment, data: OneFile | SplitFiles, reading: Reading, preparation: Preparation, memory: Memory
) -> Dataset:
    """The same, to be read in parts."""
    from dlspec.data import streamed_loading  # most experiments are read as a whole

    experiment = loaded.experiment
    for key, given in (
        (("batch_size",), experiment.batch_size == "all"),
        (("augmentation",), preparation.raw),
        (("data", "columns"), data.columns is not None),
        (("data", "sample_weight"), data.sample_weight is not None),
        (("data", "split", "column_is_feature"), data.split is not None and data.split.column_is_feature),
    ):
        if given:
            name = "batch_size: all" if key == ("batch_size",) else ".".join(key)
            raise loaded.problem(key, f"{name} needs all examples in memory; leave it out, or data.memory")
    if isinstance(data, SplitFiles):
        train, dev, test, train_dev = _split_files(loaded, data)
        return streamed_loading.load_files(
            train,
            dev,
            test,
            train_dev=train_dev,
            reading=reading,
            cut=None if data.split is None else _cut(experiment, data.split),
            preparation=preparation,
            memory=memory,
        )
    path = _existing(loaded, data.path)
    if data.split.file is None:
        cut = _cut(experiment, data.split)
        return streamed_loading.load_file(path, reading=reading, cut=cut, preparation=preparation, memory=memory)
    split = _existing(loaded, data.split.file)
    return streamed_loading.load_divided(path, split, reading=reading, preparation=preparation, memory=memory)


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


def _reading(data: OneFile | SplitFiles, columns: Columns | None, classes: Sequence[str] | None) -> Reading:
    return Reading(
        target=data.target,
        sample_weight=data.sample_weight,
        x=data.x,
        y=data.y,
        image=_image_form(data.image),
        task=data.task,
        classes=classes or data.classes,
        types=None if data.columns is None else {**data.columns.types, **(columns.kinds if columns else {})},
    )


def _treatment(data: OneFile | SplitFiles | Synthetic) -> Treatment:
    if isinstance(data, Synthetic) or data.columns is None:
        return UNTREATED
    section = data.columns
    return Treatment(
        missing=section.missing, indicator=section.indicator, date_parts=tuple(dict.fromkeys(section.date_parts))
    )


def _image_form(section: ImageSection | None) -> ImageForm | None:
    if section is None:
        return None
    return ImageForm(size=None if section.size is None else (section.size[0], section.size[1]), mode=section.mode)


def _existing(loaded: LoadedExperiment, path: str) -> Path:
    """A data file; where one is missing, the error points at the key that names it, and tells of all."""
    if missing := loaded.missing_files():
        raise ConfigError(missing)
    return loaded.resolve(path)


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


def build_weights(dataset: Dataset, by_class: Array | None) -> Array | None:
    """How much each training example counts in the cost (m,); None where all count the same.

    w_i = (class weight of y_i) · (sample weight of i). Examples that are read in parts get their weights batch by
    batch.

    Args:
        dataset: the examples.
        by_class: from `class_weights`.
    """
    train = dataset.splits["train"]
    if isinstance(train, StreamedExamples):
        return None
    if by_class is None or train.weights is None:
        return train.weights if by_class is None else by_class[train.Y]
    weights: Array = by_class[train.Y] * train.weights
    return weights


def class_weights(loaded: LoadedExperiment, dataset: Dataset) -> Array | None:
    """How much the examples of each class count (classes,); None where all count the same.

    `balanced` gives class c of C in the training set m/(C · m_c), so that the weights of all examples add up to m.

    Raises:
        ConfigError: `class_weight` does not fit the data.
    """
    class_weight, train = loaded.experiment.training.class_weight, dataset.splits["train"]
    if class_weight is None:
        return None
    where = ("training", "class_weight")
    if dataset.task != "classification":
        raise loaded.problem(where, f"the task is {dataset.task}, which has no classes; leave class_weight out")
    if class_weight == "balanced":
        counts = train.class_counts(len(dataset.classes))
        by_class = len(train) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    else:
        unknown = [name for name in class_weight if name not in dataset.classes]
        if unknown:
            raise loaded.problem((*where, unknown[0]), f"no such class; expected one of: {', '.join(dataset.classes)}")
        by_class = np.array([class_weight.get(name, 1.0) for name in dataset.classes])
    weights: Array = by_class.astype(loaded.experiment.dtype)
    return weights


def build_augmentation(loaded: LoadedExperiment, dataset: Dataset) -> AugmentedInputs | None:
    """The changes of the training images; None where there are none.

    Raises:
        ConfigError: the inputs are no images, or a move would leave nothing of them.
    """
    section = loaded.experiment.augmentation
    if section is None or section == AugmentationSection():
        return None
    train = dataset.in_memory("train")
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
