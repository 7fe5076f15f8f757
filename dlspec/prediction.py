"""Predictions of a trained run for new rows, by its checkpoint alone: the training data may be gone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dlspec import builder
from dlspec.config import loader
from dlspec.config.experiment import Experiment
from dlspec.core.arrays import Array
from dlspec.core.cost import Cost
from dlspec.data.blocks import first_not_finite
from dlspec.data.features import Columns
from dlspec.data.labels import Task
from dlspec.data.new_files import open_rows
from dlspec.data.new_rows import Block, Form, NewRows
from dlspec.data.normalization import Normalization
from dlspec.data.records import Fields, Records
from dlspec.data.table import Table, plain
from dlspec.errors import DataError, RunError, UsageError
from dlspec.run import checkpoint, checkpoints
from dlspec.run.environment import numerics
from dlspec.run.record import read_record, segments_of

# Examples per forward pass, always: a last batch is filled up. Linear algebra rounds otherwise for another number of
# rows, in float32 even for another place among them. So the network computes in float64, and what it says is rounded to
# the type of the run: an example has the same prediction alone and among others.
BATCH = 256

# What a checkpoint must say about its model.
MODEL = {"task", "classes", "feature_names", "image_shape", "normalization"}


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A run's model, ready to predict.

    Attributes:
        run: the run directory.
        experiment: resolved.
        parameters: name of the checkpoint: `best`, `last`, …
        epoch: the epoch they are of.
        cost: the network with these parameters, in float64.
        task: what it has learnt.
        classes: names in order; empty for other tasks.
        form: what it takes.
        normalization: of its inputs.
    """

    run: Path
    experiment: Experiment
    parameters: str
    epoch: int
    cost: Cost
    task: Task
    classes: tuple[str, ...]
    form: Form
    normalization: Normalization


@dataclass(slots=True)
class Predictions:
    """Records to be written, and what is known once they are.

    Attributes:
        records: of each row what tells it apart, then its class, its labels or its values.
        notes: what a reader should know beforehand, a line each.
        rows: number of rows so far.
        unseen: cells so far of each column with a category that training has not seen.
    """

    records: Records
    notes: tuple[str, ...]
    rows: int = 0
    unseen: dict[str, int] = field(default_factory=dict)


def open_model(run: Path, *, parameters: str | None = None) -> TrainedModel:
    """Load the model of a run.

    Args:
        run: a run directory.
        parameters: `best`, `last`, or None for the run's own result.

    Raises:
        RunError: no checkpoint yet, or a damaged one.
    """
    name, path, saved = checkpoints.load_of_run(run, parameters)
    experiment = loader.load(run / segments_of(read_record(run))[-1].config).experiment
    model = saved.model
    if MODEL - model.keys() or "epoch" not in saved.progress:
        raise RunError(f"{path}: does not say what its parameters are for; restore it from a copy")
    columns = model.get("columns")  # absent from runs of older versions, as are the names of the targets
    in_float64 = experiment.model_copy(update={"dtype": "float64"})
    cost = builder.build_cost(in_float64, n_x=len(model["feature_names"]))
    checkpoint.restore(saved, cost.parameters, source=str(path))
    unnamed = ["y"] if cost.units == 1 or model["classes"] else [f"y{j + 1}" for j in range(cost.units)]
    form = Form(
        feature_names=tuple(model["feature_names"]),
        target_names=tuple(model.get("target_names") or unnamed),
        columns=None if columns is None else Columns.from_state(columns),
        image_shape=None if model["image_shape"] is None else tuple(model["image_shape"]),
        x=getattr(experiment.data, "x", "x"),
    )
    return TrainedModel(
        run=run,
        experiment=experiment,
        parameters=name,
        epoch=saved.progress["epoch"],
        cost=cost,
        task=model["task"],
        classes=tuple(model["classes"]),
        form=form,
        normalization=Normalization.from_state(model["normalization"], saved.normalization),
    )


def predict(
    model: TrainedModel, source: Path | BinaryIO, *, key: str | None = None, probabilities: bool = False
) -> Predictions:
    """What a model says of new rows; they are read while the records are taken.

    Args:
        model: from `open_model`.
        source: a file or directory of any format, or an open CSV.
        key: column that tells the rows apart; None numbers them from 0.
        probabilities: whether those of every class, or label, are told too.

    Raises:
        UsageError: probabilities of a regression, or a key that has the name of a prediction.
        DataError: the rows cannot be read, or are not what the model takes.
    """
    if probabilities and model.task == "regression":
        raise UsageError(f"{model.run}: predicts numbers, which have no probabilities; leave --probabilities out")
    rows = open_rows(source, model.form, key=key)
    names = (rows.key, *_names(model, probabilities=probabilities))
    if rows.key in names[1:]:
        raise UsageError(f"{rows.key!r} tells the rows apart and is what is predicted; expected another column")
    predictions = Predictions(Records(names, iter(())), rows.notes)
    predictions.records = Records(names, _fields(model, rows, predictions, probabilities=probabilities))
    return predictions


def _names(model: TrainedModel, *, probabilities: bool) -> tuple[str, ...]:
    """Of the fields behind the key."""
    targets = model.form.target_names
    if not probabilities:
        return targets
    return (*targets, *(f"probability of {name}" for name in model.classes or targets))


def _fields(model: TrainedModel, rows: NewRows, predictions: Predictions, *, probabilities: bool) -> Iterator[Fields]:
    forward, dtype = model.cost.forward(BATCH), np.dtype(model.experiment.dtype)
    X = np.zeros((BATCH, len(model.form.feature_names)), dtype)
    for block in rows.blocks:
        outputs = np.empty((len(block.names), model.cost.units))
        with numerics(model.experiment.threads_per_product):
            for start in range(0, len(outputs), BATCH):
                part = slice(start, min(start + BATCH, len(outputs)))
                _fill(X[: part.stop - part.start], model, block, part, predictions)
                outputs[part] = forward(X.astype(np.float64))[: part.stop - part.start]
        predictions.rows += len(outputs)
        yield [block.names, *(_rounded(told, dtype) for told in _told(model, outputs, probabilities=probabilities))]


def _fill(X: Array, model: TrainedModel, block: Block, rows: slice, predictions: Predictions) -> None:
    """Write some rows into X as the network takes them."""
    table, columns = block.table, model.form.columns
    x = table.x[rows]
    if columns is not None:
        some = replace(table, x=x, place=lambda row: table.place(rows.start + row))
        for name, count in columns.unseen(some, np.arange(len(x))).items():
            predictions.unseen[name] = predictions.unseen.get(name, 0) + count
        x = columns.apply(some)
    model.normalization.bind()(X, x)
    _check_range(X, model, table, rows)


def _check_range(X: Array, model: TrainedModel, table: Table, rows: slice) -> None:
    spot = first_not_finite(X)
    if spot is not None:
        name = model.form.feature_names[spot[1]]
        raise DataError(f"{table.place(rows.start + spot[0])}: feature {plain(name)} is too large for {X.dtype}")


def _rounded(told: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        return told.astype(dtype) if told.dtype.kind == "f" else told


def _told(model: TrainedModel, Z: Array, *, probabilities: bool) -> Sequence[NDArray[Any]]:
    """What is told of logits Z (m, units): classes by name, labels 0 or 1, or values; and probabilities, on request."""
    if model.task == "regression":
        return list(Z.T)
    if model.task == "multi_task":
        told: list[NDArray[Any]] = list((Z > 0).astype(np.int64).T)
        return [*told, *(model.cost.loss.predict(Z).T if probabilities else ())]
    numbers = (Z[:, 0] > 0).astype(np.intp) if model.cost.units == 1 else np.argmax(Z, axis=1)
    names = np.array(model.classes, dtype=object)[numbers]
    if not probabilities:
        return [names]
    P = model.cost.loss.predict(Z)
    return [names, *(np.column_stack([1 - P, P]) if model.cost.units == 1 else P).T]
