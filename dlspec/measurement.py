"""Trained runs, loaded again and measured: one by one, or averaged as an ensemble."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from dlspec import builder, experiment_data
from dlspec.config import loader
from dlspec.config.experiment import Experiment
from dlspec.core.cost import Cost
from dlspec.data.dataset import Dataset, Examples
from dlspec.data.features import Columns
from dlspec.data.normalization import Normalization
from dlspec.data.streamed import StreamedExamples
from dlspec.errors import DataError, RunError, UsageError
from dlspec.run import checkpoint, checkpoints, test_uses
from dlspec.run.environment import numerics
from dlspec.run.record import read_record, segments_of
from dlspec.training.ensemble import Ensemble
from dlspec.training.evaluation import Model

MODEL = {"classes", "feature_names", "normalization"}  # what a checkpoint must say about its model
_AT_ONCE = 16_384  # examples that are compared


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A run and its model, ready to be measured.

    Attributes:
        run: the run directory.
        experiment: resolved.
        dataset: read again, and normalised with the numbers of the training, which the checkpoint keeps.
        cost: the network with the parameters of the checkpoint.
        parameters: name of the checkpoint: `best`, `last`, `snapshot-1`, …
        epoch: the epoch they are of.
        warnings: what a reader should know, such as data that changed since.
    """

    run: Path
    experiment: Experiment
    dataset: Dataset
    cost: Cost
    parameters: str
    epoch: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Splits of a run, measured again.

    Attributes:
        run: the run directory.
        parameters: name of the checkpoint.
        epoch: the epoch it is of.
        splits: one evaluation per split, keys as in `report.json`.
        warnings: what a reader should know.
    """

    run: Path
    parameters: str
    epoch: int
    splits: list[dict[str, Any]]
    warnings: tuple[str, ...]


def open_run(run: Path, *, parameters: str | None = None) -> TrainedRun:
    """Load a trained run.

    Args:
        run: a run directory.
        parameters: name of a checkpoint, or None for the run's own result (`last` where a run was interrupted
            before its first best epoch).

    Raises:
        RunError: no checkpoint yet, or a damaged one.
        DataError: the data can no longer be read, or is no longer that of the model.
    """
    record = read_record(run)
    name, path, saved = checkpoints.load_of_run(run, parameters)
    if MODEL - saved.model.keys() or "epoch" not in saved.progress:
        raise RunError(f"{path}: does not say what its parameters are for; restore it from a copy")
    loaded = loader.load(run / segments_of(record)[-1].config)
    normalization = Normalization.from_state(saved.model["normalization"], saved.normalization)
    columns = saved.model.get("columns")  # absent from runs of older versions
    dataset = experiment_data.load_data(
        loaded,
        normalization=normalization,
        columns=None if columns is None else Columns.from_state(columns),
        classes=saved.model["classes"] or None,
    )
    _check_features(dataset, saved.model["feature_names"], run)
    cost = builder.build_cost(loaded.experiment, n_x=dataset.splits["train"].n_x)
    checkpoint.restore(saved, cost.parameters, source=str(path))
    warnings = dataset.warnings
    if dataset.fingerprint != record["data"]["sha256"]:
        warnings = (
            *warnings,
            "the data has changed since this run was trained; the numbers are of the data as it is now",
        )
    return TrainedRun(run, loaded.experiment, dataset, cost, name, saved.progress["epoch"], warnings)


def _check_features(dataset: Dataset, expected: Sequence[str], run: Path) -> None:
    """Refuse data whose columns are not those the model was trained on, in the same order."""
    for number, (found, name) in enumerate(zip_longest(dataset.feature_names, expected), start=1):
        if found != name:
            raise DataError(
                f"{run}: the data has changed: feature {number} is {found!r}; the model was trained with {name!r} there"
            )


def _utc_now() -> datetime:
    return datetime.now(UTC)


def evaluate(trained: TrainedRun, *, split: str, now: Callable[[], datetime] = _utc_now) -> Evaluated:
    """Measure a run on a split of its data, or on `all` of them; a look at test is counted.

    Raises:
        UsageError: no such split.
    """
    splits = _measured(trained, trained.cost, split)
    warnings = list(trained.warnings)
    if any(measured["split"] == "test" for measured in splits):
        try:
            uses = test_uses.count(trained.run, by="evaluate", parameters=trained.parameters, now=now())
        except RunError as error:
            warnings.append(f"this look at test could not be counted: {error}")
        else:
            if uses > 1:
                warnings.append(f"look number {uses} at test; whatever is chosen by it makes its error too low")
    return Evaluated(trained.run, trained.parameters, trained.epoch, splits, tuple(warnings))


def _measured(trained: TrainedRun, model: Model, split: str) -> list[dict[str, Any]]:
    known = trained.dataset.splits
    if split not in ("all", *known):
        raise UsageError(f"{trained.run}: has no {split} split; expected one of: {', '.join(known)}, all")
    evaluator = builder.build_evaluator(trained.experiment, model, trained.dataset)
    with numerics(trained.experiment.threads_per_product):
        return [evaluator.evaluate(name) for name in (known if split == "all" else [split])]


def snapshots(run: Path) -> list[str]:
    """Names of the snapshots of a run, in order.

    Raises:
        UsageError: it has none.
    """
    found = [path.stem for path in (run / "checkpoints").glob("snapshot-*.h5")]
    if not found:
        raise UsageError(f"{run}: has no snapshots; train with decay: {{name: cosine, cycles: 5}}")
    return sorted(found, key=lambda name: int(name.removeprefix("snapshot-")))


def evaluate_ensemble(members: Sequence[TrainedRun], *, split: str) -> list[dict[str, Any]]:
    """Measure the average of the outputs of several runs.

    Raises:
        UsageError: no such split; fewer than two members; members that differ in data, split or outputs.
    """
    if len(members) < 2:
        raise UsageError("an ensemble needs at least two members; name more runs, or --seeds, or --snapshots")
    first = members[0]
    for other in members[1:]:
        _check_alike(first, other)
    return _measured(first, Ensemble([member.cost for member in members]), split)


def _check_alike(first: TrainedRun, other: TrainedRun) -> None:
    """Refuse members that were not trained on the same examples: one's dev set could be another's train set."""
    for what, a, b in (
        ("data", first.dataset.fingerprint, other.dataset.fingerprint),
        ("dtype", first.experiment.dtype, other.experiment.dtype),
        ("task", first.dataset.task, other.dataset.task),
        ("classes", first.dataset.classes, other.dataset.classes),
        ("outputs", first.experiment.architecture.output.units, other.experiment.architecture.output.units),
        ("loss", first.experiment.architecture.output.loss.name, other.experiment.architecture.output.loss.name),
        ("splits", list(first.dataset.splits), list(other.dataset.splits)),
        ("data.memory", _memory(first), _memory(other)),
    ):
        if a != b:
            raise UsageError(f"{other.run}: has other {what} than {first.run}; an ensemble needs the same")
    for name, examples in first.dataset.splits.items():
        _check_same(examples, other.dataset.splits[name], name, first, other)


def _memory(run: TrainedRun) -> str | None:
    return getattr(run.experiment.data, "memory", None)


def _check_same(
    examples: Examples | StreamedExamples,
    theirs: Examples | StreamedExamples,
    name: str,
    first: TrainedRun,
    other: TrainedRun,
) -> None:
    """Refuse other rows, targets or inputs."""
    if not examples.same_rows(theirs):  # type: ignore[arg-type] # with the same data.memory both are of one kind
        raise UsageError(
            f"{other.run}: has other examples in {name} than {first.run}; train both with the same data.split.seed"
        )
    for (X, Y), (their_X, their_Y) in zip(examples.blocks(_AT_ONCE), theirs.blocks(_AT_ONCE), strict=True):
        if not np.array_equal(Y, their_Y, equal_nan=Y.dtype.kind == "f"):
            raise UsageError(f"{other.run}: has other targets than {first.run}; an ensemble needs the same")
        if not np.array_equal(X, their_X):
            raise UsageError(f"{other.run}: normalises its data otherwise than {first.run}; an ensemble needs the same")
