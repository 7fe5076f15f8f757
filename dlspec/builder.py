"""From an experiment to its pieces: the one place where settings turn into plain numbers and objects."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from dlspec import start_values
from dlspec.config.architecture import Activation, HiddenLayer
from dlspec.config.architecture import BatchNorm as BatchNormSection
from dlspec.config.decay import Cosine, Manual
from dlspec.config.decay import Plateau as PlateauSection
from dlspec.config.evaluation import MEASURED, recorded
from dlspec.config.experiment import Experiment
from dlspec.config.initializer import FromFile
from dlspec.config.loader import LoadedExperiment
from dlspec.config.section import Section
from dlspec.config.training import rising
from dlspec.core.activations import ACTIVATIONS
from dlspec.core.arrays import Array
from dlspec.core.constraints import AFTER_STEP, BEFORE_STEP, Constraint
from dlspec.core.cost import Cost, Penalty
from dlspec.core.decay import DECAYS, Decay, Warmup
from dlspec.core.initializers import INITIALIZERS, Initializer
from dlspec.core.layers import BatchNorm, Dense, Dropout, Elementwise, Layer
from dlspec.core.losses import LOSSES
from dlspec.core.network import Network
from dlspec.core.optimizers import OPTIMIZERS, BoundOptimizer, Optimizer
from dlspec.core.parameters import Parameters
from dlspec.core.randomness import stream
from dlspec.core.regularizers import REGULARIZERS
from dlspec.core.streams import InHalves, TwoStreamCost
from dlspec.data.batches import Batch
from dlspec.data.dataset import Dataset
from dlspec.errors import RunError, UsageError
from dlspec.run import checkpoint
from dlspec.run.checkpoint import Checkpoint
from dlspec.run.directory import RUN_FILE
from dlspec.training.evaluation import Evaluator, Model
from dlspec.training.events import TrainingState
from dlspec.training.health import HealthSampler
from dlspec.training.plateau import Plateau
from dlspec.training.stopping import Limit, Watch


def watch_of(experiment: Experiment, dataset: Dataset) -> Watch:
    """What tells the best epoch, and when to stop: what is to be optimized, early stopping's monitor, or dev loss."""
    stopping, evaluation = experiment.training.early_stopping, experiment.evaluation
    limits = tuple(
        Limit(f"dev_{limit.name}", limit.at_least, limit.bound)
        for limit in evaluation.limits
        if limit.name not in MEASURED
    )
    if stopping is None:
        monitor = f"dev_{evaluation.optimize or 'loss'}" if "dev" in dataset.splits else "train_loss"
        return Watch(monitor=monitor, rising=rising(monitor), limits=limits)
    return Watch(
        monitor=stopping.monitor,
        rising=rising(stopping.monitor) if stopping.mode == "auto" else stopping.mode == "max",
        min_delta=stopping.min_delta,
        patience=stopping.patience,
        start_epoch=stopping.start_epoch,
        limits=limits,
    )


def read_start(loaded: LoadedExperiment, experiment: Experiment, source: str, *, n_x: int) -> Mapping[str, Array]:
    """The arrays of `initializer: from_file`, checked against the network.

    Args:
        loaded: where the experiment was written.
        experiment: without any `auto`.
        source: the path that the initializer gives.
        n_x: number of features.

    Raises:
        ConfigError: the file is missing.
        DataError: it is damaged, or does not fit the network.
    """
    path = loaded.resolve(source)
    if not (path.is_file() or (path / RUN_FILE).is_file()):
        what = f"{path} is neither a file nor a run" if path.exists() else f"there is no file or run {path}"
        raise loaded.problem(("initializer", "path"), f"{what}; expected an NPZ file, a checkpoint or a run")
    arrays = start_values.read(path)
    parameters = Network(_layers(experiment), in_shape=(n_x,)).parameters(dtype=experiment.dtype)
    start_values.write_into(parameters, arrays, source=str(path))
    return arrays


def build_cost(experiment: Experiment, *, n_x: int, start: Mapping[str, Array] | None = None) -> Cost:
    """Network, parameters at their start values, loss and penalties of a resolved experiment.

    Args:
        experiment: without any `auto`.
        n_x: number of features.
        start: from `read_start`; overrides what the initializer gives.
    """
    network = Network(_layers(experiment), in_shape=(n_x,))
    parameters = network.parameters(dtype=experiment.dtype)
    network.initialize(parameters, stream(experiment.seed, "init"))
    if start is not None:
        start_values.write_into(parameters, start, source="start values")
    loss = experiment.architecture.output.loss
    kind = TwoStreamCost if experiment.streams == 2 else Cost
    return kind(
        network=network,
        loss=LOSSES[loss.name](**_settings(loss)),
        penalties=_penalties(experiment, parameters),
        parameters=parameters,
    )


def _penalties(experiment: Experiment, parameters: Parameters) -> list[Penalty]:
    """Each penalty over each run of neighbouring layers of the same strength, which is one for a global strength."""
    layers = (*experiment.architecture.layers, experiment.architecture.output)
    penalties = []
    for name, regularizer in REGULARIZERS.items():
        fallback = getattr(experiment.regularization, name)
        strengths = [getattr(layer, name) if getattr(layer, name) is not None else fallback for layer in layers]
        weights = [parameters.slices[f"W{number}"] for number in range(1, len(layers) + 1)]
        for strength, group in groupby(zip(strengths, weights, strict=True), key=itemgetter(0)):
            if strength:
                places = [where for _, where in group]
                whole = slice(places[0].start, places[-1].stop)
                penalties.append(Penalty(regularizer(lambda_=strength), whole))
    return penalties


def build_constraints(experiment: Experiment) -> tuple[list[Constraint], list[Constraint]]:
    """What is done to the gradient before a step, and to the weights after it."""

    def members(table: Mapping[str, Callable[..., Constraint]]) -> list[Constraint]:
        limits = {name: getattr(experiment.regularization, name) for name in table}
        return [table[name](limit=limit) for name, limit in limits.items() if limit is not None]

    return members(BEFORE_STEP), members(AFTER_STEP)


def _layers(experiment: Experiment) -> list[Layer]:
    """The input's dropout, the hidden layers, then the logits."""
    initializer = _initializer(experiment)
    regularization = experiment.regularization
    layers: list[Layer] = []
    if regularization.input_keep_prob < 1:
        layers.append(Dropout(keep_prob=regularization.input_keep_prob))
    for hidden in experiment.architecture.layers:
        keep_prob = regularization.keep_prob if hidden.keep_prob is None else hidden.keep_prob
        layers.extend(_hidden_layer(hidden, initializer, keep_prob=keep_prob))
    layers.append(Dense(int(experiment.architecture.output.units), initializer=initializer))
    return layers


def _initializer(experiment: Experiment) -> Initializer:
    if isinstance(experiment.initializer, FromFile):  # every weight is overwritten by the file's
        return INITIALIZERS["zeros"]()
    return INITIALIZERS[experiment.initializer.name](**_settings(experiment.initializer))


def _hidden_layer(hidden: HiddenLayer, initializer: Initializer, *, keep_prob: float) -> Iterator[Layer]:
    """Dense, activation and dropout, with batch normalisation before or after the activation."""
    norm = BatchNormSection() if hidden.batch_norm is True else hidden.batch_norm or None
    before = norm is not None and norm.position == "before"
    activation = Elementwise(_activation(hidden.activation))
    yield Dense(hidden.units, initializer=initializer, bias=not before)
    if norm is None:
        yield activation
    else:
        normalization = BatchNorm(momentum=norm.momentum, epsilon=norm.epsilon)
        yield from (normalization, activation) if before else (activation, normalization)
    if keep_prob < 1:
        yield Dropout(keep_prob=keep_prob)


def _activation(activation: Activation) -> Any:
    return ACTIVATIONS[activation.name](**_settings(activation))


def build_optimizer(experiment: Experiment) -> tuple[Optimizer, float]:
    """The update rule and α0."""
    settings = _settings(experiment.optimizer)
    learning_rate = settings.pop("learning_rate")
    optimizer = OPTIMIZERS[experiment.optimizer.name](**settings)
    return InHalves(optimizer) if experiment.streams == 2 else optimizer, learning_rate


def build_decay(experiment: Experiment) -> Decay:
    """α by the epoch or step. With `plateau` it is constant, and `build_plateau` says what lowers it."""
    section = experiment.decay
    settings = _settings(section)
    del settings["per"], settings["warmup"]
    if isinstance(section, Manual):
        rates = [point.learning_rate for point in section.points]
        settings["points"] = list(zip(section.times, rates, strict=True))
    decay = DECAYS["constant"]() if isinstance(section, PlateauSection) else DECAYS[section.name](**settings)
    return Warmup(decay, length=section.warmup) if section.warmup else decay


def build_rate(experiment: Experiment, *, steps_per_epoch: int) -> Callable[[TrainingState], float]:
    """α of a state: that of its last epoch or step, with what a plateau has lowered it by since."""
    alpha0, decay, per = experiment.optimizer.learning_rate, build_decay(experiment), experiment.decay.per
    total = experiment.training.epochs * (1 if per == "epoch" else steps_per_epoch)

    def rate(state: TrainingState) -> float:
        done = state.epoch if per == "epoch" else state.step
        return decay(alpha0, max(0, done - 1), total) * state.plateau.factor

    return rate


def build_health_sampler(
    experiment: Experiment, cost: Cost, optimizer: BoundOptimizer, batch: Batch, *, steps_per_epoch: int
) -> HealthSampler:
    """Samples the health of a network in training, with its optimizer, on a batch of its training examples."""
    before_step, _ = build_constraints(experiment)
    return HealthSampler(
        cost=cost,
        optimizer=optimizer,
        before_step=before_step,
        rate=build_rate(experiment, steps_per_epoch=steps_per_epoch),
        names={member: name for name, member in ACTIVATIONS.items() if isinstance(member, type)},
        batch=batch,
    )


def build_plateau(experiment: Experiment) -> Plateau | None:
    """When to lower the learning rate; None where the decay alone says."""
    section = experiment.decay
    if not isinstance(section, PlateauSection):
        return None
    watch = Watch(
        monitor=section.monitor,
        rising=rising(section.monitor),
        min_delta=section.min_delta,
        patience=section.patience,
    )
    return Plateau(watch=watch, factor=section.factor, min_rate=section.min_rate, cooldown=section.cooldown)


def snapshot_epochs(experiment: Experiment, *, steps_per_epoch: int) -> list[int]:
    """The epochs at the ends of the cycles of a cosine decay with several: the members of a snapshot ensemble.

    Source: 1704.00109. Cycle c of n ends before time ⌈c · total/n⌉ of its epochs or steps. Where a cycle of steps
    ends in the midst of an epoch there are no snapshots: by the end of that epoch the rate is high again.
    """
    decay, epochs = experiment.decay, experiment.training.epochs
    if not isinstance(decay, Cosine) or decay.cycles == 1:
        return []
    unit = 1 if decay.per == "epoch" else steps_per_epoch
    total = epochs * unit - decay.warmup
    ends = [decay.warmup - (-cycle * total // decay.cycles) for cycle in range(1, decay.cycles + 1)]
    return [end // unit for end in ends] if all(end % unit == 0 for end in ends) else []


def build_is_measured(experiment: Experiment, *, steps_per_epoch: int) -> Callable[[int], bool]:
    """Whether train and dev are measured after an epoch: the first, the last, every so manieth, and for snapshots."""
    every, last = int(experiment.evaluation.every), experiment.training.epochs
    others = {1, last, *snapshot_epochs(experiment, steps_per_epoch=steps_per_epoch)}
    return lambda epoch: epoch % every == 0 or epoch in others


def _settings(section: Section) -> dict[str, Any]:
    """A named section's settings, which are the keyword arguments of the class of that name in core."""
    settings = section.model_dump()
    del settings["name"]
    return settings


def build_evaluator(experiment: Experiment, model: Model, dataset: Dataset) -> Evaluator:
    """Measures a network or an ensemble on every split of the data."""
    settings = _settings(experiment.architecture.output.loss)
    settings.pop("label_smoothing", None)
    return Evaluator(
        model=model,
        loss=LOSSES[experiment.architecture.output.loss.name](**settings),
        splits=dataset.splits,
        task=dataset.task,
        classes=dataset.target_names if dataset.task == "multi_task" else dataset.classes,
        metric=experiment.evaluation.metric,
        more=recorded(experiment.evaluation),
    )


def state_of(saved: Checkpoint, experiment: Experiment, *, source: str) -> TrainingState:
    """The state in a checkpoint, checked against the experiment that goes on with it.

    Args:
        saved: a `last` checkpoint.
        experiment: resolved.
        source: the file, for messages.

    Raises:
        RunError: it is of another architecture.
        UsageError: the optimizer needs running averages that the run has not kept.
    """
    if "W1" not in saved.parameters:
        raise RunError(f"{source}: has no array W1; it is of another architecture, or no checkpoint of a run")
    network = Network(_layers(experiment), in_shape=(saved.parameters["W1"].shape[1],))
    parameters = network.parameters(dtype=experiment.dtype)
    optimizer, _ = build_optimizer(experiment)
    needed = set(optimizer.bind(parameters.theta, parameters.grad, decayed=parameters.decayed).state)
    if needed != set(saved.optimizer):
        raise UsageError(
            f"{source}: the run has kept {_listed(saved.optimizer)}, and this optimizer needs {_listed(needed)}; start "
            "a new run from its parameters, with initializer: {name: from_file, path: RUN}"
        )
    return checkpoint.to_state(saved, parameters, source=source)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "no running averages"


def describe_model(dataset: Dataset) -> dict[str, Any]:
    """What a reader of a checkpoint must know to use its parameters."""
    return {
        "task": dataset.task,
        "classes": list(dataset.classes),
        "feature_names": list(dataset.feature_names),
        "target_names": list(dataset.target_names),
        "columns": None if dataset.columns is None else dataset.columns.state(),
        "image_shape": dataset.image_shape,
        "normalization": dataset.normalization.kind,
    }


def relocated(experiment: Experiment, *, base: Path, to: Path) -> Experiment:
    """The experiment with its relative paths as seen from another directory; absolute ones stay."""

    def moved(section: Section) -> Section:
        paths = {key: getattr(section, key, None) for key in ("path", "train", "train_dev", "dev", "test")}
        updates: dict[str, Any] = {
            key: _seen_from(to, base, path) for key, path in paths.items() if isinstance(path, str)
        }
        split = getattr(section, "split", None)
        if split is not None and split.file is not None:
            updates["split"] = split.model_copy(update={"file": _seen_from(to, base, split.file)})
        return section.model_copy(update=updates)

    return experiment.model_copy(update={"data": moved(experiment.data), "initializer": moved(experiment.initializer)})


def _seen_from(to: Path, base: Path, path: str) -> str:
    if Path(path).is_absolute():
        return path
    # The file's own link is not followed: its target may have another suffix.
    return os.path.relpath((base / path).parent.resolve() / Path(path).name, to.resolve())
