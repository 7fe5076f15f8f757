"""Measuring a network on a split: the same way for every split, during training and after it.

The weights as they are, dropout off, the penalty apart from the loss, every example counted once.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dlspec.core import metrics
from dlspec.core.arrays import Array, Labels
from dlspec.core.cost import Cost
from dlspec.core.losses import ValueAndGradient
from dlspec.core.network import Plan
from dlspec.data.dataset import Examples

# Examples per forward pass: large enough for the matrix products, small enough for the cache.
BATCH = 1024


@dataclass(frozen=True, slots=True)
class Classified:
    """Result of one pass over a split of classes."""

    loss: float
    confusion: metrics.Counts  # (classes, classes), rows true, columns predicted

    def metric(self, name: str) -> float:
        """`accuracy` or `f1`, the mean F1 of the classes (macro)."""
        if name == "accuracy":
            return metrics.accuracy(self.confusion)
        return float(metrics.precision_recall_f1(self.confusion)[2].mean())


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


class Evaluator:
    """Measures one network on named splits.

    Args:
        cost: the network with its parameters, loss and penalties.
        splits: examples by split.
        task: what Y holds.
        classes: names of the classes; empty for regression.
        metric: what `measure` adds to cost and loss.
    """

    def __init__(
        self,
        *,
        cost: Cost,
        splits: Mapping[str, Examples],
        task: Literal["classification", "regression"],
        classes: tuple[str, ...],
        metric: str,
    ):
        self.cost = cost
        self.splits = splits
        self.task = task
        self.classes = classes
        self.metric = metric
        self._plans: dict[int, tuple[Plan, ValueAndGradient]] = {}
        # Unit of the error of a regression: the variance of the training targets, over all columns.
        self._target_variance = float(np.var(splits["train"].Y, axis=0).mean()) if task == "regression" else 1.0

    def measure(self, split: str) -> dict[str, float]:
        """Cost, loss and the metric of a split, in short; called after every epoch."""
        result = self._pass(self.splits[split])
        return {**self._cost_and_loss(split, result), self.metric: result.metric(self.metric)}

    def evaluate(self, split: str) -> dict[str, Any]:
        """Everything there is to say of a split, in plain numbers and lists (keys as in the design).

        `error` is the share of wrong examples, or for regression the mean squared error in units of the
        variance of the training targets; `error_std` is its standard error.
        """
        result = self._pass(self.splits[split])
        examples = len(self.splits[split].X)
        head = {"split": split, "examples": examples, **self._cost_and_loss(split, result)}
        if isinstance(result, Classified):
            return head | self._classified(result, examples)
        return head | self._regressed(result, examples)

    def _cost_and_loss(self, split: str, result: Classified | Regressed) -> dict[str, float]:
        penalty = self.cost.penalty(len(self.splits[split].X))
        return {"cost": result.loss + penalty, "loss": result.loss}

    def _classified(self, result: Classified, examples: int) -> dict[str, Any]:
        precision, recall, f1 = metrics.precision_recall_f1(result.confusion)
        error = 1.0 - result.metric("accuracy")
        counts = result.confusion.sum(axis=1)
        return {
            "accuracy": result.metric("accuracy"),
            "f1": result.metric("f1"),
            "error": error,
            "error_std": math.sqrt(error * (1 - error) / examples),
            "classes": [
                {
                    "class": name,
                    "examples": int(counts[c]),
                    "precision": float(precision[c]),
                    "recall": float(recall[c]),
                    "f1": float(f1[c]),
                }
                for c, name in enumerate(self.classes)
            ],
            "confusion_matrix": result.confusion.tolist(),
        }

    def _regressed(self, result: Regressed, examples: int) -> dict[str, Any]:
        relative = np.mean(result.errors**2, axis=1) / (self._target_variance or 1.0)
        return {
            **{name: result.metric(name) for name in ("rmse", "mae", "r2")},
            "error": float(relative.mean()),
            "error_std": float(relative.std()) / math.sqrt(examples),
        }

    def _pass(self, examples: Examples) -> Classified | Regressed:
        m, (units,) = len(examples.X), self.cost.network.out_shape
        predicted: Labels = np.empty(m, np.intp)
        errors: Array = np.empty((m, units) if self.task == "regression" else 0)
        total = 0.0
        for start in range(0, m, BATCH):
            rows = slice(start, min(start + BATCH, m))
            Y = examples.Y[rows]
            plan, value_and_gradient = self._plan(len(Y))
            Z = plan.forward(examples.X[rows])
            loss, _ = value_and_gradient(Z, Y)
            total += loss * len(Y)
            if self.task == "regression":
                np.subtract(Z, Y, out=errors[rows])
            elif units == 1:
                np.greater(Z[:, 0], 0.0, out=predicted[rows], casting="unsafe")  # σ(z) > ½
            else:
                np.argmax(Z, axis=1, out=predicted[rows])
        if self.task == "regression":
            return Regressed(total / m, errors, examples.Y)
        return Classified(total / m, metrics.confusion_matrix(examples.Y, predicted, classes=len(self.classes)))

    def _plan(self, batch: int) -> tuple[Plan, ValueAndGradient]:
        if batch not in self._plans:
            plan = self.cost.network.bind(self.cost.parameters, batch=batch, training=False)
            (units,) = self.cost.network.out_shape
            dtype = self.cost.parameters.theta.dtype
            self._plans[batch] = (plan, self.cost.loss.bind(batch, units, dtype))
        return self._plans[batch]
