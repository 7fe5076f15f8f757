"""An experiment with every `auto` replaced by what it means for its data, and checked against it."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from dlspec import workload
from dlspec.config.architecture import LOSSES_AFTER, OutputActivation, OutputLayer
from dlspec.config.data import OneFile, SplitFiles, Synthetic
from dlspec.config.decay import Cosine, Plateau
from dlspec.config.evaluation import MEASURED, recorded
from dlspec.config.experiment import Experiment
from dlspec.config.loader import LoadedExperiment
from dlspec.config.loss import BinaryCrossEntropy, CategoricalCrossEntropy, MultiTaskCrossEntropy, SquaredError
from dlspec.config.section import Section
from dlspec.config.training import EarlyStopping, rising
from dlspec.data.dataset import Dataset
from dlspec.data.split import percents
from dlspec.data.streamed import StreamedExamples
from dlspec.experiment_data import synthetic_seed

# What `loss: auto` may mean: the first loss that fits the output activation and the task.
DEFAULT_LOSSES: dict[str, Section] = {
    loss.name: loss
    for loss in (BinaryCrossEntropy(), CategoricalCrossEntropy(), SquaredError(), MultiTaskCrossEntropy())
}

METRICS = {
    "classification": ("accuracy", "f1"),
    "regression": ("rmse", "mae", "r2"),
    "multi_task": ("accuracy", "f1"),
}


def resolve(loaded: LoadedExperiment, dataset: Dataset, *, cores: int) -> Experiment:
    """The experiment with every `auto` replaced by what it means for this data on this machine.

    Raises:
        ConfigError: the output layer, the metric or a monitor does not fit the data, or one section another.
    """
    experiment = loaded.experiment
    output = _output(loaded, dataset)
    metric = _metric(loaded, dataset)
    stopping, decay = experiment.training.early_stopping, experiment.decay
    _check_optimize(loaded, dataset)
    if stopping is not None:
        stopping = _stopping(loaded, dataset, metric, stopping)
    if isinstance(decay, Plateau):
        _check_monitor(loaded, dataset, metric, decay.monitor, where=("decay", "monitor"))
    _check_min_rate(loaded)
    _check_batches(loaded, dataset)
    _check_buffer(loaded, dataset)
    _check_length(loaded, dataset)
    measuring = workload.measuring(experiment, dataset, units=int(output.units))
    _check_patience(loaded, every=int(measuring["every"]))
    updates: dict[str, Any] = {
        "data": _resolved_data(experiment, dataset),
        "architecture": experiment.architecture.model_copy(update={"output": output}),
        "evaluation": experiment.evaluation.model_copy(
            update={"metric": metric, "test": _test(experiment, dataset)} | measuring
        ),
    }
    if stopping is not None:
        updates["training"] = experiment.training.model_copy(update={"early_stopping": stopping})
    updates |= workload.division_of_work(loaded, dataset, units=int(output.units), cores=cores)
    return experiment.model_copy(update=updates)


def _resolved_data(experiment: Experiment, dataset: Dataset) -> OneFile | SplitFiles | Synthetic:
    data = experiment.data
    updates: dict[str, Any] = {}
    if not isinstance(data, Synthetic):
        updates["task"] = dataset.task
        if data.columns is not None and dataset.columns is not None:
            updates["columns"] = data.columns.model_copy(
                update={"types": {**data.columns.types, **dataset.columns.kinds}}
            )
    elif data.seed is None:
        updates["seed"] = synthetic_seed(experiment, data)
    if data.split is not None and (cut := dataset.cut) is not None:
        ratios = _ratios(data.split.ratios, cut.ratios or ())
        updates["split"] = data.split.model_copy(update={"ratios": ratios, "strategy": cut.strategy, "seed": cut.seed})
    return data.model_copy(update=updates)


def _ratios(written: str, used: Sequence[float]) -> str:
    """Ratios as they were written: in other digits they might not add up to 100 again.

    Where auto means that neither dev nor test is cut, it stays.
    """
    return percents(used) if written == "auto" and len(used) > 1 else written


def _output(loaded: LoadedExperiment, dataset: Dataset) -> OutputLayer:
    """The output layer that follows from the task, checked against what the experiment says."""
    output, where = loaded.experiment.architecture.output, ("architecture", "output")
    classes = len(dataset.classes)
    plural = "s" if dataset.n_targets > 1 else ""
    if dataset.task == "regression":
        fitting: dict[OutputActivation, int] = {"linear": dataset.n_targets}
        data_words = f"regression with {dataset.n_targets} target{plural}"
    elif dataset.task == "multi_task":
        fitting = {"sigmoid": dataset.n_targets}
        data_words = f"{dataset.n_targets} label{plural} of a multi-task"
    elif classes == 2:
        fitting = {"sigmoid": 1, "softmax": 2}
        data_words = "two classes"
    else:
        fitting = {"softmax": classes}
        data_words = f"{classes} classes"
    losses = {name: _losses(name, multi_task=dataset.task == "multi_task") for name in fitting}
    activation = output.activation
    if activation == "auto":
        activation = next(
            (name for name in fitting if output.loss.name in ("auto", *losses[name])), next(iter(fitting))
        )
    allowed = " or ".join(fitting)
    if activation not in fitting:
        raise loaded.problem(
            (*where, "activation"), f"found {activation}, but the data has {data_words}; expected {allowed} or auto"
        )
    if output.loss.name not in ("auto", *losses[activation]):
        fit = dict.fromkeys(name for names in losses.values() for name in names)
        raise loaded.problem(
            (*where, "loss"),
            f"found {output.loss.name}, but the data has {data_words}; expected one of: auto, {', '.join(fit)}",
        )
    if output.units not in ("auto", fitting[activation]):
        raise loaded.problem(
            (*where, "units"),
            f"found {output.units}, but the data has {data_words}; expected {fitting[activation]} or auto",
        )
    loss = DEFAULT_LOSSES[losses[activation][0]] if output.loss.name == "auto" else output.loss
    return output.model_copy(update={"units": fitting[activation], "activation": activation, "loss": loss})


def _losses(activation: OutputActivation, *, multi_task: bool) -> list[str]:
    """The losses that may follow an output activation; after sigmoid it depends on what the units stand for."""
    return [name for name in LOSSES_AFTER[activation] if (name == "multi_task_cross_entropy") == multi_task]


def _metric(loaded: LoadedExperiment, dataset: Dataset) -> str:
    metric, fitting = loaded.experiment.evaluation.metric, METRICS[dataset.task]
    if metric == "auto":
        optimize = loaded.experiment.evaluation.optimize
        return optimize if optimize in fitting else fitting[0]
    if metric not in fitting:
        raise loaded.problem(
            ("evaluation", "metric"),
            f"found {metric}, but the task is {dataset.task}; expected one of: auto, {', '.join(fitting)}",
        )
    return metric


def _test(experiment: Experiment, dataset: Dataset) -> bool:
    """Whether the report looks at test: a test split that is looked at after every run is a dev split."""
    wanted = experiment.evaluation.test
    return "dev" not in dataset.splits if wanted == "auto" else wanted


def _check_optimize(loaded: LoadedExperiment, dataset: Dataset) -> None:
    """What is optimized, and its limits, must be measurable on this data."""
    evaluation = loaded.experiment.evaluation
    if evaluation.optimize is None:
        return
    if "dev" not in dataset.splits:
        raise loaded.problem(
            ("evaluation", "optimize"), "there is no dev set to choose the best epoch by; set data.split or data.dev"
        )
    per_class = ("precision", "recall") if dataset.task != "regression" else ()
    fitting = (*METRICS[dataset.task], *per_class, "loss")
    for where, name in (
        (("optimize",), evaluation.optimize),
        *((("subject_to", number), limit.name) for number, limit in enumerate(evaluation.limits)),
    ):
        if name not in (*fitting, *(MEASURED if where != ("optimize",) else ())):
            raise loaded.problem(
                ("evaluation", *where),
                f"found {name}, but the task is {dataset.task}; expected one of: {', '.join(fitting)}",
            )


def _stopping(loaded: LoadedExperiment, dataset: Dataset, metric: str, stopping: EarlyStopping) -> EarlyStopping:
    """Early stopping with what it watches, and in which direction."""
    where, optimize = ("training", "early_stopping", "monitor"), loaded.experiment.evaluation.optimize
    wanted = f"dev_{optimize or 'loss'}"
    monitor = wanted if stopping.monitor == "auto" else stopping.monitor
    if optimize is not None and monitor != wanted:
        raise loaded.problem(
            where, f"watches {monitor}, but evaluation.optimize is {optimize}; leave out one of them, or watch {wanted}"
        )
    _check_monitor(loaded, dataset, metric, monitor, where=where)
    mode = ("max" if rising(monitor) else "min") if stopping.mode == "auto" else stopping.mode
    return stopping.model_copy(update={"monitor": monitor, "mode": mode})


def _check_monitor(
    loaded: LoadedExperiment, dataset: Dataset, metric: str, monitor: str, *, where: tuple[str, ...]
) -> None:
    split, quantity = monitor.split("_", 1)
    if split not in dataset.splits:
        raise loaded.problem(where, f"watches {monitor}, but there is no {split} set; set data.split or data.{split}")
    if quantity not in ("cost", "loss", metric, *recorded(loaded.experiment.evaluation)):
        raise loaded.problem(
            where,
            f"watches {monitor}, which is not recorded; expected {split}_loss, {split}_cost or "
            f"{split}_{metric}, or set evaluation.metric to {quantity}",
        )


def _check_min_rate(loaded: LoadedExperiment) -> None:
    decay, learning_rate = loaded.experiment.decay, loaded.experiment.optimizer.learning_rate
    if isinstance(decay, Cosine | Plateau) and decay.min_rate > learning_rate:
        raise loaded.problem(
            ("decay", "min_rate"),
            f"found {decay.min_rate:g}, but the rate starts at optimizer.learning_rate, {learning_rate:g}; "
            "expected at most that",
        )


def _check_length(loaded: LoadedExperiment, dataset: Dataset) -> None:
    """Warm-up and cycles must fit into the run."""
    decay, epochs = loaded.experiment.decay, loaded.experiment.training.epochs
    m, size = len(dataset.splits["train"]), loaded.experiment.batch_size
    steps_per_epoch = 1 if size == "all" else -(-m // size)
    length = epochs if decay.per == "epoch" else epochs * steps_per_epoch
    if decay.warmup >= length:
        raise loaded.problem(
            ("decay", "warmup"), f"found {decay.warmup:,}, but the run has {length:,} {decay.per}s; expected less"
        )
    if isinstance(decay, Cosine) and decay.cycles > length - decay.warmup:
        raise loaded.problem(
            ("decay", "cycles"),
            f"found {decay.cycles:,}, but only {length - decay.warmup:,} {decay.per}s are left; expected no more",
        )


def _check_patience(loaded: LoadedExperiment, *, every: int) -> None:
    """Patience that runs out before the next measurement would end with the first one that is no better."""
    stopping, decay = loaded.experiment.training.early_stopping, loaded.experiment.decay
    waiting: list[tuple[tuple[str, ...], int]] = []
    waiting += [] if stopping is None else [(("training", "early_stopping", "patience"), stopping.patience)]
    waiting += [(("decay", "patience"), decay.patience)] if isinstance(decay, Plateau) else []
    for where, patience in waiting:
        if patience < every:
            raise loaded.problem(
                where,
                f"found {patience} epochs, but train and dev are measured every {every} of them; expected at least "
                f"{every}, or a smaller evaluation.every",
            )


def _check_batches(loaded: LoadedExperiment, dataset: Dataset) -> None:
    """Batch normalisation needs two examples in every batch, the last one of an epoch included."""
    layers, m = loaded.experiment.architecture.layers, len(dataset.splits["train"])
    size = m if loaded.experiment.batch_size == "all" else min(loaded.experiment.batch_size, m)
    if not any(layer.batch_norm for layer in layers) or (size > 1 and m % size != 1):
        return
    needs = "and batch normalization needs at least 2 in every batch"
    if m == 1:
        raise loaded.problem(("data",), f"there is 1 training example, {needs}; expected more")
    other = next(number for number in count(size + 1) if m % number != 1)
    raise loaded.problem(
        ("batch_size",),
        f"{size:,} leaves a batch of 1 of {m:,} training examples, {needs}; expected another size, such as {other:,}",
    )


def _check_buffer(loaded: LoadedExperiment, dataset: Dataset) -> None:
    """Examples that are read in parts are shuffled in a buffer, which must hold more than a batch."""
    train, size = dataset.splits["train"], loaded.experiment.batch_size
    if isinstance(train, StreamedExamples) and size != "all" and train.capacity < 2 * min(size, len(train)):
        raise loaded.problem(
            ("data", "memory"),
            f"leaves a buffer of {train.capacity:,} examples to shuffle in; expected room for two batches of "
            f"{size:,}: more memory, or a smaller batch_size",
        )
