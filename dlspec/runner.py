"""One experiment from its file to its run directory: the Python twin of the command line.

loaded = dlspec.config.loader.load(Path("experiment.yaml"))
outcome = dlspec.runner.train(loaded, runs_dir=Path("runs"))
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from dlspec import builder, experiment_data, resolver
from dlspec.config import yaml_tree
from dlspec.config.advice import Advice, advise
from dlspec.config.data import Synthetic
from dlspec.config.experiment import Experiment
from dlspec.config.loader import LoadedExperiment
from dlspec.core.arrays import Array
from dlspec.core.cost import Cost
from dlspec.core.randomness import stream
from dlspec.data.augmentation import AugmentedInputs
from dlspec.data.batches import Batches
from dlspec.data.contact_sheet import contact_sheet as draw
from dlspec.data.dataset import Dataset
from dlspec.diagnosis.bias_variance import Diagnosis, diagnose
from dlspec.diagnosis.intervals import ErrorRate
from dlspec.errors import DlspecError, RunError, TrainingError
from dlspec.report import markdown
from dlspec.run import checkpoint, directory, storage
from dlspec.run.environment import environment, physical_cores, process
from dlspec.run.recorder import CheckpointWriter, Log, MetricsRecorder
from dlspec.training.evaluation import Evaluator
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
    weights: Array | None  # (m,) how much each training example counts; None where all count the same
    start: Mapping[str, Array] | None  # start values of `initializer: from_file`
    augmented: AugmentedInputs | None  # the training images, changed anew in every epoch


def reseeded(loaded: LoadedExperiment, seed: int) -> LoadedExperiment:
    """The same experiment on the same data and split with another seed: a further member of an ensemble."""
    experiment, data = loaded.experiment, loaded.experiment.data
    updates: dict[str, Any] = {}
    flags = [f"seed={seed}"]
    if data.split is not None and data.split.seed is None:
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
    weights = experiment_data.build_weights(loaded, dataset)
    augmented = experiment_data.build_augmentation(loaded, dataset)
    start = builder.read_start(loaded, experiment, n_x=dataset.splits["train"].X.shape[1])
    return Prepared(loaded, dataset, experiment, weights, start, augmented)


def contact_sheet(prepared: Prepared, *, examples: int, copies: int) -> NDArray[np.uint8]:
    """Training images beside what augmentation makes of them: grey `(h, w)` or `(h, w, c)`.

    Args:
        prepared: from `prepare`.
        examples: rows.
        copies: changed images per row.

    Raises:
        ConfigError: no augmentation, or images of a kind that cannot be shown.
    """
    problem, inputs = prepared.loaded.problem, prepared.augmented
    if inputs is None:
        raise problem(("augmentation",), "nothing is turned on; expected what to do to the images, such as {shift: 2}")
    channels = (*inputs.image_shape, 1)[2]
    if channels not in (1, 3, 4):
        raise problem(("augmentation",), f"the images have {channels} channels; only 1, 3 or 4 can be shown")
    return draw(inputs, examples=examples, copies=copies)


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
    # Threads are pinned before the start values are made: those of `orthogonal` come out of linear algebra.
    with ExitStack() as stack:
        stack.enter_context(numerics(int(experiment.threads)))
        cost = builder.build_cost(experiment, n_x=dataset.splits["train"].X.shape[1], start=prepared.start)
        evaluator = builder.build_evaluator(experiment, cost, dataset)
        trainer = build_trainer(prepared, cost, evaluator, interrupted=interrupted)
        record = stack.enter_context(_watchers(run, prepared, cost, now))
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
            np.copyto(cost.parameters.vector, state.best_vector)
        report = _report(prepared, [evaluator.evaluate(split) for split in dataset.splits], event, state)
    storage.write_file(run / "report.json", directory.to_json(report))
    storage.write_file(run / "report.md", markdown.render(report).encode())
    return Outcome(run, event, report)


def build_trainer(prepared: Prepared, cost: Cost, evaluator: Evaluator, *, interrupted: Callable[[], bool]) -> Trainer:
    """The training loop of an experiment over a network.

    Args:
        prepared: from `prepare`.
        cost: from `builder.build_cost`.
        evaluator: measures train and dev after each epoch.
        interrupted: asked after every step; True ends the run.
    """
    experiment, dataset = prepared.experiment, prepared.dataset
    optimizer, learning_rate = builder.build_optimizer(experiment)
    before_step, after_step = builder.build_constraints(experiment)
    watched = [name for name in ("train", "dev") if name in dataset.splits]

    def measure() -> dict[str, float]:
        return {f"{split}_{name}": value for split in watched for name, value in evaluator.measure(split).items()}

    return Trainer(
        cost=cost,
        optimizer=optimizer,
        learning_rate=learning_rate,
        decay=builder.build_decay(experiment),
        per=experiment.decay.per,
        plateau=builder.build_plateau(experiment),
        batches=_batches(prepared),
        epochs=experiment.training.epochs,
        measure=measure,
        watch=builder.watch_of(experiment, dataset),
        dropout_rng=stream(experiment.seed, "dropout"),
        before_step=before_step,
        after_step=after_step,
        interrupted=interrupted,
    )


def _batches(prepared: Prepared) -> Batches:
    examples, size = prepared.dataset.splits["train"], prepared.experiment.batch_size
    return Batches(
        examples.X,
        examples.Y,
        prepared.weights,
        batch_size=len(examples.X) if size == "all" else size,
        seed=prepared.experiment.seed,
        fill=None if prepared.augmented is None else prepared.augmented.fill,
    )


@contextmanager
def numerics(threads: int) -> Iterator[None]:
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

    def describe(state: TrainingState, content: checkpoint.Content) -> checkpoint.Checkpoint:
        return checkpoint.of_state(state, cost.parameters, normalization=normalization, model=model, content=content)

    steps_per_epoch = _batches(prepared).steps_per_epoch
    snapshots = builder.snapshot_epochs(prepared.experiment, steps_per_epoch=steps_per_epoch)
    with ExitStack() as files:
        metrics = files.enter_context(closing(MetricsRecorder(run)))
        log = files.enter_context(closing(Log(run, now=now)))
        for warning in dataset.warnings:
            log.say(f"warning: {warning}")
        watchers = (metrics, CheckpointWriter(run, describe=describe, before=metrics.sync, snapshots=snapshots), log)

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
                # A multi-task is wrong or right label by label.
                return ErrorRate(split["error"], split.get("labels", split["examples"]), std)
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
