"""Measuring a network on a split: the same way for every split, during training and after it.

The weights as they are, dropout off, the penalty apart from the loss, every example counted once.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dlspec.core import metrics
from dlspec.core.arrays import Array, Labels
from dlspec.core.cost import Forward
from dlspec.core.losses import Loss, LossesAndGradient
from dlspec.data.dataset import Examples
from dlspec.data.labels import Task

# Examples per forward pass: large enough for the matrix products, small enough for the cache.
BATCH = 1024

_PER_CLASS = ("precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class Classified:
    """Result of one pass over a split of classes."""

    loss: float
    confusion: metrics.Counts  # (classes, classes), rows true, columns predicted

    def metric(self, name: str) -> float:
        """`accuracy`, or the mean over the classes (macro) of `precision`, `recall` or `f1`."""
        if name == "accuracy":
            return metrics.accuracy(self.confusion)
        return float(metrics.precision_recall_f1(self.confusion)[_PER_CLASS.index(name)].mean())


@dataclass(frozen=True, slots=True)
class Labelled:
    """Result of one pass over a split with several labels per example, some of them missing."""

    loss: float
    counts: metrics.Counts  # (k, 2, 2): per label, rows true, columns predicted

    def metric(self, name: str) -> float:
        """`accuracy`, the share of the present labels that are right, or a mean over the labels, as of classes."""
        if name == "accuracy":
            return metrics.label_accuracy(self.counts)
        return float(metrics.label_precision_recall_f1(self.counts)[_PER_CLASS.index(name)].mean())


@dataclass(frozen=True, slots=True)
class Regressed:
    """Result of one pass over a split of numbers."""

    loss: float
    errors: Array  # ŷ − y (m, k), float64
    targets: Array  # (m, k)

    def metric(self, name: str) -> float:
        """`rmse`, `mae` or `r2`."""
        if name == "rmse":
            return math.sqrt(float(np.mean(self.errors**2)))
        if name == "mae":
            return float(np.abs(self.errors).mean())
        return metrics.r2(float(np.sum(self.errors**2)), self.targets.astype(np.float64))


class Model(Protocol):
    """What can be measured.

    Attributes:
        units: columns of the logits.
        dtype: of the logits.
    """

    units: int
    dtype: np.dtype[Any]

    def forward(self, batch: int) -> Forward:
        """A function from X (batch, n_x) to logits Z (batch, units), valid until its next call."""

    def penalty(self, m: int) -> float:
        """What the cost over m examples has beyond the loss."""


class Evaluator:
    """Measures one network on named splits.

    Args:
        model: what is measured: a network's cost, or an ensemble of several.
        loss: what is reported as the loss: that of the training without label smoothing, so that numbers of
            different runs can be compared; examples are never weighted here.
        splits: examples by split.
        task: what Y holds.
        classes: names of the classes, or of the labels of a multi-task; empty for regression.
        metric: what `measure` adds to cost and loss.
        more: further metrics that it adds.
    """

    def __init__(
        self,
        *,
        model: Model,
        loss: Loss,
        splits: Mapping[str, Examples],
        task: Task,
        classes: tuple[str, ...],
        metric: str,
        more: Sequence[str] = (),
    ):
        self.model = model
        self.loss = loss
        self.splits = splits
        self.task = task
        self.classes = classes
        self.metrics = tuple(dict.fromkeys((metric, *more)))
        self._plans: dict[int, tuple[Forward, LossesAndGradient]] = {}
        # Unit of the error of a regression: the variance of the training targets, over all columns.
        regression = task == "regression"
        self._target_variance = float(splits["train"].Y.var(axis=0, dtype=np.float64).mean()) if regression else 1.0

    def measure(self, split: str) -> dict[str, float]:
        """Cost, loss and the metrics of a split, in short; called after every epoch."""
        result = self._pass(self.splits[split])
        return {**self._cost_and_loss(split, result), **{name: result.metric(name) for name in self.metrics}}

    def evaluate(self, split: str) -> dict[str, Any]:
        """Everything there is to say of a split, in plain numbers and lists (keys as in the design).

        `error` is the share of wrong examples, of a multi-task that of the wrong ones among the present
        labels, or for regression the mean squared error in units of the variance of the training targets;
        `error_std` is its standard error, which takes labels of one example for independent; infinite for a
        regression of one example.
        """
        result = self._pass(self.splits[split])
        examples = len(self.splits[split].X)
        head = {"split": split, "examples": examples, **self._cost_and_loss(split, result)}
        if isinstance(result, Classified):
            return head | self._classified(result, examples)
        if isinstance(result, Labelled):
            return head | self._labelled(result)
        return head | self._regressed(result, examples)

    def squared_errors(self, split: str) -> Array:
        """Of each example (m,) of a regression the error whose mean `evaluate` gives."""
        result = self._pass(self.splits[split])
        assert isinstance(result, Regressed)  # noqa: S101 - asked for a regression only
        return self._relative(result)

    def _relative(self, result: Regressed) -> Array:
        relative: Array = np.mean(result.errors**2, axis=1) / (self._target_variance or 1.0)
        return relative

    def _cost_and_loss(self, split: str, result: Classified | Labelled | Regressed) -> dict[str, float]:
        penalty = self.model.penalty(len(self.splits[split].X))
        return {"cost": result.loss + penalty, "loss": result.loss}

    def _classified(self, result: Classified, examples: int) -> dict[str, Any]:
        scores = metrics.precision_recall_f1(result.confusion)
        return {
            **self._rates(result, examples),
            "classes": self._per_class(result.confusion.sum(axis=1), scores),
            "confusion_matrix": result.confusion.tolist(),
        }

    def _labelled(self, result: Labelled) -> dict[str, Any]:
        present = result.counts.sum(axis=(1, 2))
        labels = int(present.sum())
        scores = metrics.label_precision_recall_f1(result.counts)
        return {"labels": labels, **self._rates(result, labels), "classes": self._per_class(present, scores)}

    def _rates(self, result: Classified | Labelled, n: int) -> dict[str, float]:
        """Accuracy, F1 and the error of `n` decisions."""
        accuracy = result.metric("accuracy")
        error = 1.0 - accuracy
        std = math.sqrt(error * (1 - error) / n)
        return {"accuracy": accuracy, "f1": result.metric("f1"), "error": error, "error_std": std}

    def _per_class(self, examples: metrics.Counts, scores: tuple[Array, Array, Array]) -> list[dict[str, Any]]:
        """Of each class or label its name, the examples that have it, precision, recall and F1."""
        return [
            {"class": name, "examples": int(n), "precision": float(p), "recall": float(r), "f1": float(f)}
            for name, n, p, r, f in zip(self.classes, examples, *scores, strict=True)
        ]

    def _regressed(self, result: Regressed, examples: int) -> dict[str, Any]:
        relative = self._relative(result)
        return {
            **{name: result.metric(name) for name in ("rmse", "mae", "r2")},
            "error": float(relative.mean()),
            "error_std": float(relative.std(ddof=1)) / math.sqrt(examples) if examples > 1 else math.inf,
        }

    def _pass(self, examples: Examples) -> Classified | Labelled | Regressed:
        m, units = len(examples.X), self.model.units
        predicted: Labels = np.empty(m, np.intp)
        held = np.empty((m, units) if self.task == "multi_task" else 0, np.bool_)  # for 1
        errors: Array = np.empty((m, units) if self.task == "regression" else 0)
        total = 0.0
        for start in range(0, m, BATCH):
            rows = slice(start, min(start + BATCH, m))
            Y = examples.Y[rows]
            forward, losses_and_gradient = self._plan(len(Y))
            Z = forward(examples.X[rows])
            losses, _ = losses_and_gradient(Z, Y)
            total += float(losses.sum())
            if self.task == "regression":
                np.subtract(Z, Y, out=errors[rows])
            elif self.task == "multi_task":
                np.greater(Z, 0.0, out=held[rows])  # σ(z) > ½
            elif units == 1:
                np.greater(Z[:, 0], 0.0, out=predicted[rows], casting="unsafe")  # σ(z) > ½
            else:
                np.argmax(Z, axis=1, out=predicted[rows])
        if self.task == "regression":
            return Regressed(total / m, errors, examples.Y)
        if self.task == "multi_task":
            return Labelled(total / m, metrics.label_counts(examples.Y, held))
        return Classified(total / m, metrics.confusion_matrix(examples.Y, predicted, classes=len(self.classes)))

    def _plan(self, batch: int) -> tuple[Forward, LossesAndGradient]:
        if batch not in self._plans:
            losses_and_gradient = self.loss.bind(batch, self.model.units, self.model.dtype)
            self._plans[batch] = (self.model.forward(batch), losses_and_gradient)
        return self._plans[batch]
