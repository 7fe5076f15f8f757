"""An experiment made ready to train: its data read, every `auto` resolved, all of it checked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec import experiment_data, resolver
from dlspec.config.advice import Advice, advise
from dlspec.config.data import Synthetic
from dlspec.config.experiment import Experiment
from dlspec.config.initializer import FromFile
from dlspec.config.loader import LoadedExperiment
from dlspec.core.arrays import Array
from dlspec.data.augmentation import AugmentedInputs
from dlspec.data.dataset import Dataset
from dlspec.run.environment import physical_cores


@dataclass(frozen=True, slots=True)
class Prepared:
    """An experiment, ready to train."""

    loaded: LoadedExperiment
    dataset: Dataset
    experiment: Experiment  # resolved: no `auto` left
    class_weights: Array | None  # (classes,) how much the examples of each class count; None where all count the same
    weights: Array | None  # (m,) how much each training example counts; None likewise, and for examples read in parts
    start: Mapping[str, Array] | None  # start values of `initializer: from_file`
    augmented: AugmentedInputs | None  # the training images, changed anew in every epoch


def reseeded(loaded: LoadedExperiment, seed: int) -> LoadedExperiment:
    """The same experiment on the same data and split with another seed: a further member of an ensemble."""
    experiment, data = loaded.experiment, loaded.experiment.data
    updates: dict[str, Any] = {}
    flags = [f"seed={seed}"]
    if data.split is not None and data.split.seed is None and data.split.file is None:
        updates["split"] = data.split.model_copy(update={"seed": experiment.seed})
        flags.append(f"data.split.seed={experiment.seed}")
    if isinstance(data, Synthetic) and data.seed is None:
        updates["seed"] = experiment_data.synthetic_seed(experiment, data)
        flags.append(f"data.seed={updates['seed']}")
    changed = experiment.model_copy(update={"seed": seed, "data": data.model_copy(update=updates)})
    return replace(loaded, experiment=changed, overrides=(*loaded.overrides, *flags))


def prepare(loaded: LoadedExperiment) -> Prepared:
    """Read the data and resolve every `auto`; nothing is written.

    Raises:
        DataError: a file, a label or a split is wrong.
        ConfigError: the experiment does not fit its data.
    """
    dataset = experiment_data.load_data(loaded)
    experiment = resolver.resolve(loaded, dataset, cores=physical_cores())
    class_weights = experiment_data.class_weights(loaded, dataset)
    weights = experiment_data.build_weights(dataset, class_weights)
    augmented = experiment_data.build_augmentation(loaded, dataset)
    start = _start(loaded, experiment, n_x=dataset.splits["train"].n_x)
    return Prepared(loaded, dataset, experiment, class_weights, weights, start, augmented)


def _start(loaded: LoadedExperiment, experiment: Experiment, *, n_x: int) -> Mapping[str, Array] | None:
    if not isinstance(experiment.initializer, FromFile):
        return None
    from dlspec import builder  # here: to be told what is wrong with an experiment, nobody builds its network

    return builder.read_start(loaded, experiment, experiment.initializer.path, n_x=n_x)


def contact_sheet(prepared: Prepared, *, examples: int, copies: int) -> NDArray[np.uint8]:
    """Training images beside what augmentation makes of them: grey `(h, w)` or `(h, w, c)`.

    Args:
        prepared: from `prepare`.
        examples: rows.
        copies: changed images per row.

    Raises:
        ConfigError: no augmentation, or images of a kind that cannot be shown.
    """
    from dlspec.data.contact_sheet import contact_sheet as draw  # only `dlspec augment` draws

    problem, inputs = prepared.loaded.problem, prepared.augmented
    if inputs is None:
        raise problem(("augmentation",), "nothing is turned on; expected what to do to the images, such as {shift: 2}")
    channels = (*inputs.image_shape, 1)[2]
    if channels not in (1, 3, 4):
        raise problem(("augmentation",), f"the images have {channels} channels; only 1, 3 or 4 can be shown")
    return draw(inputs, examples=examples, copies=copies)


def advice(prepared: Prepared) -> list[Advice]:
    """The course's guidelines that the experiment does not follow."""
    examples = {name: len(split) for name, split in prepared.dataset.splits.items()}
    return advise(prepared.experiment, examples=examples)
