"""One experiment from its file to its run directory: the Python twin of the command line.

loaded = dlspec.config.loader.load(Path("experiment.yaml"))
outcome = dlspec.runner.train(loaded, runs_dir=Path("runs"))
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import numpy as np
import threadpoolctl

from dlspec import builder
from dlspec.config import loader, yaml_tree
from dlspec.config.advice import Advice, advise
from dlspec.config.experiment import Experiment
from dlspec.config.loader import LoadedExperiment
from dlspec.core.cost import Cost
from dlspec.core.randomness import stream
from dlspec.data.batches import Batches
from dlspec.data.dataset import Dataset
from dlspec.data.normalization import Normalization
from dlspec.diagnosis.bias_variance import Diagnosis, diagnose
from dlspec.diagnosis.intervals import ErrorRate
from dlspec.errors import DataError, DlspecError, RunError, TrainingError, UsageError
from dlspec.report import markdown
from dlspec.run import checkpoint, directory, storage
from dlspec.run.environment import environment, physical_cores, process
from dlspec.run.recorder import CheckpointWriter, Log, MetricsRecorder
from dlspec.training.events import Event, Reason, RunFinished, TrainingState
from dlspec.training.trainer import Trainer

STATUS: dict[Reason, str] = {
    "completed": "finished",
    "early_stopping": "finished",
    "interrupted": "interrupted",
    "diverged": "diverged",
}
Result = Literal["best", "last"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        run: its directory.
        finished: the trainer's last event.
        report: content of `report.json`; None where the run was interrupted or diverged.
    """

    run: Path
    finished: RunFinished
    report: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """An experiment, ready to train."""

    loaded: LoadedExperiment
    dataset: Dataset
    experiment: Experiment  # resolved: no `auto` left


def prepare(loaded: LoadedExperiment) -> Prepared:
    """Read the data and resolve every `auto`; nothing is written.

    Raises:
        DataError: a file, a label or a split is wrong.
        ConfigError: the experiment does not fit its data.
    """
    dataset = builder.load_data(loaded)
    return Prepared(loaded, dataset, builder.resolve(loaded, dataset, cores=physical_cores()))


def advice(prepared: Prepared) -> list[Advice]:
    """The course's guidelines that the experiment does not follow."""
    examples = {name: len(split.X) for name, split in prepared.dataset.splits.items()}
    return advise(prepared.experiment, examples=examples)


def train(
    prepared: Prepared,
    *,
    runs_dir: Path,
    watcher: Callable[[Event], None] | None = None,
    interrupted: Callable[[], bool] = lambda: False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Outcome:
    """Train one experiment and leave a run directory.

    Args:
        prepared: from `prepare`.
        runs_dir: where run directories go; created when missing.
        watcher: called with every event of the trainer.
        interrupted: asked after every step; True checkpoints and ends the run.
        now: the time, for names and records; nothing else depends on it.

    Raises:
        RunError: the run directory cannot be written.
    """
    run = directory.create(runs_dir, name=prepared.experiment.name, now=now())
    with directory.locked(run):
        record = _start_record(prepared, run, now())
        _write_record(run, record)
        _write_configs(prepared, run)
        try:
            outcome = _train_in(run, prepared, watcher, interrupted, now)
        except MemoryError as error:
            text = "out of memory; lower batch_size, or use dtype float32"
            _write_record(run, record | {"status": "failed", "finished": _stamp(now()), "message": text})
            raise TrainingError(f"{run}: {text}") from error
        except BaseException as error:
            text = str(error) if isinstance(error, DlspecError) else type(error).__name__
            _write_record(run, record | {"status": "failed", "finished": _stamp(now()), "message": text})
            raise
        end = {
            "status": STATUS[outcome.finished.reason],
            "finished": _stamp(now()),
            "message": outcome.finished.message,
        }
        _write_record(run, record | end | {"epoch": outcome.finished.epoch, "step": outcome.finished.step})
    return outcome


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _write_record(run: Path, record: dict[str, Any]) -> None:
    storage.write_file(run / directory.RUN_FILE, directory.to_json(record))


def _start_record(prepared: Prepared, run: Path, now: datetime) -> dict[str, Any]:
    experiment = prepared.experiment
    return {
        "format": 1,
        "run": run.name,
        "name": experiment.name,
        "status": "running",
        "started": _stamp(now),
        "finished": None,
        "message": None,
        "result": _result_of(experiment),
        "overrides": list(prepared.loaded.overrides),
        "data": {"sha256": prepared.dataset.fingerprint},
        "environment": environment(threads=int(experiment.threads), source=prepared.loaded.path),
        "process": process(),
    }


def _result_of(experiment: Experiment) -> Result:
    """Which parameters are the result: early stopping ends on the best, a full run on the last."""
    return "last" if experiment.training.early_stopping is None else "best"


def _write_configs(prepared: Prepared, run: Path) -> None:
    storage.write_file(run / "config.yaml", prepared.loaded.source)
    base = prepared.loaded.path.parent
    resolved = builder.relocated(prepared.experiment, base=base, to=run)
    storage.write_file(run / "config.resolved.yaml", yaml_tree.dump(resolved.model_dump()).encode())


def _train_in(
    run: Path,
    prepared: Prepared,
    watcher: Callable[[Event], None] | None,
    interrupted: Callable[[], bool],
    now: Callable[[], datetime],
) -> Outcome:
    experiment, dataset = prepared.experiment, prepared.dataset
    cost = builder.build_cost(experiment, n_x=dataset.splits["train"].X.shape[1])
    evaluator = builder.build_evaluator(experiment, cost, dataset)
    watched = [name for name in ("train", "dev") if name in dataset.splits]
    optimizer, learning_rate = builder.build_optimizer(experiment)

    def measure() -> dict[str, float]:
        return {f"{split}_{name}": value for split in watched for name, value in evaluator.measure(split).items()}

    trainer = Trainer(
        cost=cost,
        optimizer=optimizer,
        learning_rate=learning_rate,
        decay=builder.build_decay(experiment),
        batches=_batches(experiment, dataset),
        epochs=experiment.training.epochs,
        measure=measure,
        watch=builder.watch_of(experiment, dataset),
        dropout_rng=stream(experiment.seed, "dropout"),
        interrupted=interrupted,
    )
    with _numerics(int(experiment.threads)), _watchers(run, prepared, cost, now) as record:
        for event in trainer.run():
            record(event)
            if watcher is not None:
                watcher(event)
        if not isinstance(event, RunFinished):
            raise RunError(f"{run}: the training ended without saying why")
        if STATUS[event.reason] != "finished":
            return Outcome(run, event, None)
        state = event.state()
        if _result_of(experiment) == "best":
            np.copyto(cost.parameters.theta, state.best_theta)
        report = _report(prepared, [evaluator.evaluate(split) for split in dataset.splits], event, state)
    storage.write_file(run / "report.json", directory.to_json(report))
    storage.write_file(run / "report.md", markdown.render(report).encode())
    return Outcome(run, event, report)


def _batches(experiment: Experiment, dataset: Dataset) -> Batches:
    examples = dataset.splits["train"]
    size = len(examples.X) if experiment.batch_size == "all" else experiment.batch_size
    return Batches(examples.X, examples.Y, batch_size=size, seed=experiment.seed)


@contextmanager
def _numerics(threads: int) -> Iterator[None]:
    """Threads pinned; overflow left to the checks of the trainer."""
    with threadpoolctl.threadpool_limits(threads), np.errstate(all="ignore"):
        yield


@contextmanager
def _watchers(
    run: Path, prepared: Prepared, cost: Cost, now: Callable[[], datetime]
) -> Iterator[Callable[[Event], None]]:
    """The watchers that write to the run directory, as one."""
    dataset = prepared.dataset
    normalization, model = dataset.normalization.state(), builder.describe_model(dataset)

    def describe(state: TrainingState, best_only: bool) -> checkpoint.Checkpoint:
        return checkpoint.of_state(
            state, cost.parameters, normalization=normalization, model=model, best_only=best_only
        )

    with ExitStack() as files:
        metrics = files.enter_context(closing(MetricsRecorder(run)))
        log = files.enter_context(closing(Log(run, now=now)))
        for warning in dataset.warnings:
            log.say(f"warning: {warning}")
        watchers = (metrics, CheckpointWriter(run, describe=describe, before=metrics.sync), log)

        def record(event: Event) -> None:
            for watcher in watchers:
                watcher(event)

        yield record


def _report(
    prepared: Prepared, splits: list[dict[str, Any]], finished: RunFinished, state: TrainingState
) -> dict[str, Any]:
    experiment, dataset = prepared.experiment, prepared.dataset
    result = _result_of(experiment)
    return {
        "format": 1,
        "name": experiment.name,
        "task": dataset.task,
        "message": finished.message,
        "parameters": result,
        "epoch": state.best_epoch if result == "best" else state.epoch,
        "human_level_error": experiment.evaluation.human_level_error,
        "diagnosis": asdict(_diagnosis(experiment, splits)),
        "splits": splits,
        "warnings": list(dataset.warnings),
    }


def _diagnosis(experiment: Experiment, splits: Sequence[dict[str, Any]]) -> Diagnosis:
    def rate(name: str) -> ErrorRate | None:
        for split in splits:
            if split["split"] == name:
                std = None if "accuracy" in split else split["error_std"]
                return ErrorRate(split["error"], split["examples"], std)
        return None

    train = rate("train")
    assert train is not None  # noqa: S101 - every dataset has a train split
    return diagnose(
        train=train,
        dev=rate("dev"),
        test=rate("test"),
        human_level_error=experiment.evaluation.human_level_error,
        bias_threshold=experiment.evaluation.bias_threshold,
        variance_threshold=experiment.evaluation.variance_threshold,
    )


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Splits of a run, measured again.

    Attributes:
        run: the run directory.
        parameters: `best` or `last`.
        epoch: the epoch they are of.
        splits: one evaluation per split, keys as in `report.json`.
        warnings: what a reader should know, such as data that changed since.
    """

    run: Path
    parameters: Result
    epoch: int
    splits: list[dict[str, Any]]
    warnings: list[str]


def _check_features(dataset: Dataset, expected: Sequence[str], run: Path) -> None:
    """Refuse data whose columns are not those the model was trained on, in the same order."""
    for number, (found, name) in enumerate(zip_longest(dataset.feature_names, expected), start=1):
        if found != name:
            raise DataError(
                f"{run}: the data has changed: feature {number} is {found!r}; the model was trained with {name!r} there"
            )


def _checkpoint_of(run: Path, parameters: Result) -> Path:
    return run / "checkpoints" / f"{parameters}.h5"


def evaluate(run: Path, *, split: str, parameters: Result | None = None) -> Evaluated:
    """Measure a trained run on a split of its data, or on `all` of them.

    The data is read again and normalised with the numbers of the training, which the checkpoint keeps.

    Args:
        run: a run directory.
        split: `train`, `dev`, `test` or `all`.
        parameters: `best`, `last`, or None for the run's own result (`last` where a run was interrupted before
            its first best epoch).

    Raises:
        UsageError: no such split.
        RunError: no checkpoint yet, or a damaged one.
        DataError: the data can no longer be read, or is no longer that of the model.
    """
    record = directory.read_json(run / directory.RUN_FILE)
    wanted: tuple[Result, ...] = (parameters,) if parameters else (record["result"], "last")
    chosen = next((name for name in wanted if _checkpoint_of(run, name).exists()), wanted[0])
    path = _checkpoint_of(run, chosen)
    if not path.exists():
        raise RunError(f"{path}: no checkpoint yet; the run is {record['status']}")
    saved = checkpoint.load(path)
    loaded = loader.load(run / "config.resolved.yaml")
    normalization = Normalization.from_state(saved.model["normalization"], saved.normalization)
    dataset = builder.load_data(loaded, normalization=normalization, classes=saved.model["classes"] or None)
    _check_features(dataset, saved.model["feature_names"], run)
    names = list(dataset.splits) if split == "all" else [split]
    if split not in ("all", *dataset.splits):
        raise UsageError(f"{run}: has no {split} split; expected one of: {', '.join(dataset.splits)}, all")
    experiment = loaded.experiment
    cost = builder.build_cost(experiment, n_x=dataset.splits["train"].X.shape[1])
    checkpoint.restore(saved, cost.parameters, source=str(path))
    evaluator = builder.build_evaluator(experiment, cost, dataset)
    with _numerics(int(experiment.threads)):
        splits = [evaluator.evaluate(name) for name in names]
    warnings = []
    if dataset.fingerprint != record["data"]["sha256"]:
        warnings.append("the data has changed since this run was trained; the numbers are of the data as it is now")
    return Evaluated(run, chosen, saved.progress["epoch"], splits, warnings)
