"""From an experiment to its pieces: the one place where settings turn into plain numbers and objects."""

import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from dlspec.config.architecture import LOSSES_AFTER, Activation, OutputActivation, OutputLayer
from dlspec.config.data import OneFile, SplitFiles, Synthetic, parse_ratios
from dlspec.config.experiment import Experiment
from dlspec.config.loader import LoadedExperiment
from dlspec.config.section import Section
from dlspec.config.training import RISING
from dlspec.core.activations import ACTIVATIONS
from dlspec.core.cost import Cost
from dlspec.core.decay import DECAYS, Decay
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import Dense, Dropout, Elementwise, Layer
from dlspec.core.losses import LOSSES
from dlspec.core.network import Network
from dlspec.core.optimizers import OPTIMIZERS, Optimizer
from dlspec.core.randomness import stream
from dlspec.core.regularizers import REGULARIZERS
from dlspec.data.dataset import Dataset, load_file, load_files, load_synthetic
from dlspec.data.normalization import Normalization
from dlspec.training.evaluation import Evaluator
from dlspec.training.stopping import Watch

# Multiply-adds of one forward pass from which a second thread pays: measured over whole training
# steps on two cores, see docs/performance.md.
THREADS_PAY_FROM = 20_000_000

METRICS = {"classification": ("accuracy", "f1"), "regression": ("rmse", "mae", "r2")}


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
    dtype = np.dtype(experiment.dtype)
    split = data.split
    split_seed = experiment.seed if split is None or split.seed is None else split.seed
    ratios = None if split is None or split.ratios == "auto" else parse_ratios(split.ratios)
    strategy = "auto" if split is None else split.strategy
    if isinstance(data, Synthetic):
        return load_synthetic(
            data.synthetic,
            examples=data.examples,
            noise=data.noise,
            seed=_synthetic_seed(experiment, data),
            split_seed=split_seed,
            ratios=ratios,
            strategy=strategy,
            normalize=data.normalize,
            dtype=dtype,
            normalization=normalization,
        )
    if isinstance(data, OneFile):
        return load_file(
            _existing(loaded, "path", data.path),
            target=data.target,
            x=data.x,
            y=data.y,
            task=data.task,
            classes=classes or data.classes,
            ratios=ratios,
            strategy=strategy,
            seed=split_seed,
            normalize=data.normalize,
            dtype=dtype,
            normalization=normalization,
        )
    return load_files(
        _existing(loaded, "train", data.train),
        None if data.dev is None else _existing(loaded, "dev", data.dev),
        None if data.test is None else _existing(loaded, "test", data.test),
        target=data.target,
        x=data.x,
        y=data.y,
        task=data.task,
        classes=classes or data.classes,
        ratios=ratios,
        strategy=strategy,
        seed=split_seed,
        normalize=data.normalize,
        dtype=dtype,
        normalization=normalization,
    )


def _existing(loaded: LoadedExperiment, key: str, path: str) -> Path:
    """A data file; where it is missing, the error points at the key that names it."""
    resolved = loaded.resolve(path)
    if not resolved.exists():
        raise loaded.problem(("data", key), f"there is no file {resolved}; relative paths start at the experiment file")
    return resolved


def _synthetic_seed(experiment: Experiment, data: Synthetic) -> int:
    """Seed of a synthetic set; NumPy's legacy generator takes 32 bits."""
    return experiment.seed % 2**32 if data.seed is None else data.seed


def resolve(loaded: LoadedExperiment, dataset: Dataset, *, cores: int) -> Experiment:
    """The experiment with every `auto` replaced by what it means for this data on this machine.

    Raises:
        ConfigError: the output layer, the metric or the monitor does not fit the data.
    """
    experiment = loaded.experiment
    output = _output(loaded, dataset)
    metric = _metric(loaded, dataset)
    _check_monitor(loaded, dataset, metric)
    updates: dict[str, Any] = {
        "data": _resolved_data(experiment, dataset),
        "architecture": experiment.architecture.model_copy(update={"output": output}),
        "evaluation": experiment.evaluation.model_copy(update={"metric": metric}),
    }
    if experiment.threads == "auto":
        m, n_x = dataset.splits["train"].X.shape
        widths = [n_x, *(layer.units for layer in experiment.architecture.layers), int(output.units)]
        batch = m if experiment.batch_size == "all" else min(m, experiment.batch_size)
        work = batch * sum(n_in * n_out for n_in, n_out in pairwise(widths))
        updates["threads"] = cores if work >= THREADS_PAY_FROM else 1
    return experiment.model_copy(update=updates)


def _resolved_data(experiment: Experiment, dataset: Dataset) -> OneFile | SplitFiles | Synthetic:
    data = experiment.data
    updates: dict[str, Any] = {}
    if not isinstance(data, Synthetic):
        updates["task"] = dataset.task
    elif data.seed is None:
        updates["seed"] = _synthetic_seed(experiment, data)
    if data.split is not None and dataset.ratios is not None:
        updates["split"] = data.split.model_copy(
            update={
                "ratios": "/".join(f"{100 * ratio:.10g}" for ratio in dataset.ratios),
                "strategy": dataset.strategy,
                "seed": experiment.seed if data.split.seed is None else data.split.seed,
            }
        )
    return data.model_copy(update=updates)


def _output(loaded: LoadedExperiment, dataset: Dataset) -> OutputLayer:
    """The output layer that follows from the task, checked against what the experiment says."""
    output, where = loaded.experiment.architecture.output, ("architecture", "output")
    count = len(dataset.classes)
    if dataset.task == "regression":
        fitting: dict[OutputActivation, int] = {"linear": dataset.n_targets}
        data_words = f"regression with {dataset.n_targets} target{'s' if dataset.n_targets > 1 else ''}"
    elif count == 2:
        fitting = {"sigmoid": 1, "softmax": 2}
        data_words = "two classes"
    else:
        fitting = {"softmax": count}
        data_words = f"{count} classes"
    activation = output.activation
    if activation == "auto":
        activation = next(
            (name for name in fitting if output.loss in ("auto", *LOSSES_AFTER[name])), next(iter(fitting))
        )
    allowed = " or ".join(fitting)
    if activation not in fitting:
        raise loaded.problem(
            (*where, "activation"), f"found {activation}, but the data has {data_words}; expected {allowed} or auto"
        )
    if output.loss not in ("auto", *LOSSES_AFTER[activation]):
        raise loaded.problem(
            (*where, "loss"),
            f"found {output.loss}, but the data has {data_words}; expected {LOSSES_AFTER[activation][0]} or auto",
        )
    if output.units not in ("auto", fitting[activation]):
        raise loaded.problem(
            (*where, "units"),
            f"found {output.units}, but the data has {data_words}; expected {fitting[activation]} or auto",
        )
    loss = LOSSES_AFTER[activation][0] if output.loss == "auto" else output.loss
    return output.model_copy(update={"units": fitting[activation], "activation": activation, "loss": loss})


def _metric(loaded: LoadedExperiment, dataset: Dataset) -> str:
    metric, fitting = loaded.experiment.evaluation.metric, METRICS[dataset.task]
    if metric == "auto":
        return fitting[0]
    if metric not in fitting:
        raise loaded.problem(
            ("evaluation", "metric"),
            f"found {metric}, but the task is {dataset.task}; expected one of: auto, {', '.join(fitting)}",
        )
    return metric


def _check_monitor(loaded: LoadedExperiment, dataset: Dataset, metric: str) -> None:
    stopping = loaded.experiment.training.early_stopping
    if stopping is None:
        return
    where = ("training", "early_stopping", "monitor")
    split, quantity = stopping.monitor.split("_", 1)
    if split not in dataset.splits:
        raise loaded.problem(
            where, f"watches {stopping.monitor}, but there is no {split} set; set data.split or data.{split}"
        )
    if quantity not in ("cost", "loss", metric):
        raise loaded.problem(
            where,
            f"watches {stopping.monitor}, which is not recorded; expected {split}_loss, {split}_cost or "
            f"{split}_{metric}, or set evaluation.metric to {quantity}",
        )


def watch_of(experiment: Experiment, dataset: Dataset) -> Watch:
    """What tells the best epoch, and when to stop: early stopping's monitor, or else the dev loss."""
    stopping = experiment.training.early_stopping
    if stopping is None:
        return Watch(monitor="dev_loss" if "dev" in dataset.splits else "train_loss", rising=False)
    return Watch(
        monitor=stopping.monitor,
        rising=RISING[stopping.monitor.split("_", 1)[1]],
        min_delta=stopping.min_delta,
        patience=stopping.patience,
    )


def build_cost(experiment: Experiment, *, n_x: int) -> Cost:
    """Network, parameters at their start values, loss and penalties of a resolved experiment."""
    network = Network(_layers(experiment), in_shape=(n_x,))
    parameters = network.parameters(dtype=experiment.dtype)
    network.initialize(parameters, stream(experiment.seed, "init"))
    strengths = {"l2": experiment.regularization.l2, "l1": experiment.regularization.l1}
    return Cost(
        network=network,
        loss=LOSSES[experiment.architecture.output.loss](),
        regularizers=[REGULARIZERS[name](lambda_=strength) for name, strength in strengths.items() if strength],
        parameters=parameters,
    )


def _layers(experiment: Experiment) -> list[Layer]:
    """Dense, activation and dropout of each hidden layer, then the logits."""
    initializer = INITIALIZERS[experiment.initializer.name](**_settings(experiment.initializer))
    regularization = experiment.regularization
    layers: list[Layer] = []
    if regularization.input_keep_prob < 1:
        layers.append(Dropout(keep_prob=regularization.input_keep_prob))
    for hidden in experiment.architecture.layers:
        layers.append(Dense(hidden.units, initializer=initializer))
        layers.append(Elementwise(_activation(hidden.activation)))
        keep_prob = regularization.keep_prob if hidden.keep_prob is None else hidden.keep_prob
        if keep_prob < 1:
            layers.append(Dropout(keep_prob=keep_prob))
    layers.append(Dense(int(experiment.architecture.output.units), initializer=initializer))
    return layers


def _activation(activation: Activation) -> Any:
    return ACTIVATIONS[activation.name](**_settings(activation))


def build_optimizer(experiment: Experiment) -> tuple[Optimizer, float]:
    """The update rule and α0."""
    settings = _settings(experiment.optimizer)
    learning_rate = settings.pop("learning_rate")
    return OPTIMIZERS[experiment.optimizer.name](**settings), learning_rate


def build_decay(experiment: Experiment) -> Decay:
    """α by epoch."""
    settings = _settings(experiment.decay)
    if "points" in settings:
        settings["points"] = [(point["epoch"], point["learning_rate"]) for point in settings["points"]]
    return DECAYS[experiment.decay.name](**settings)


def _settings(section: Section) -> dict[str, Any]:
    """A named section's settings, which are the keyword arguments of the class of that name in core."""
    settings = section.model_dump()
    del settings["name"]
    return settings


def build_evaluator(experiment: Experiment, cost: Cost, dataset: Dataset) -> Evaluator:
    """Measures the network on every split of the data."""
    return Evaluator(
        cost=cost,
        splits=dataset.splits,
        task=dataset.task,
        classes=dataset.classes,
        metric=experiment.evaluation.metric,
    )


def describe_model(dataset: Dataset) -> dict[str, Any]:
    """What a reader of a checkpoint must know to use its parameters."""
    return {
        "task": dataset.task,
        "classes": list(dataset.classes),
        "feature_names": list(dataset.feature_names),
        "image_shape": dataset.image_shape,
        "normalization": dataset.normalization.kind,
    }


def relocated(experiment: Experiment, *, base: Path, to: Path) -> Experiment:
    """The experiment with its relative data paths as seen from another directory; absolute ones stay."""
    data = experiment.data
    if isinstance(data, Synthetic):
        return experiment
    updates: Mapping[str, str] = {
        key: _seen_from(to, base, value)
        for key in ("path", "train", "dev", "test")
        if (value := getattr(data, key, None)) is not None
    }
    return experiment.model_copy(update={"data": data.model_copy(update=dict(updates))})


def _seen_from(to: Path, base: Path, path: str) -> str:
    return path if Path(path).is_absolute() else os.path.relpath((base / path).resolve(), to.resolve())
