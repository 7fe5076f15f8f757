"""Measuring a network on a split: the same way for every split, during training and after it.

The weights as they are, dropout off, the penalty apart from the loss, every example counted once.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dlspec.core import metrics
from dlspec.core.arrays import Array, Labels
from dlspec.core.cost import Forward
from dlspec.core.losses import Loss, LossesAndGradient
from dlspec.core.moments import Moments
from dlspec.data.blocks import in_order
from dlspec.data.labels import Task

# Examples per forward pass: large enough for the matrix products, small enough for the cache.
BATCH = 1024

_PER_CLASS = ("precision", "recall", "f1")
_OF_NUMBERS = ("rmse", "mae", "r2")
_ALL = ("accuracy", *_PER_CLASS, *_OF_NUMBERS)


class Hits:
    """Result of a pass over a split of classes of which only the accuracy is asked for: that costs a third."""

    def __init__(self) -> None:
        self._hits = self._m = 0

    def add(self, Z: Array, Y: Labels) -> None:
        """Count the right predictions of logits (m, units) for labels (m,)."""
        self._hits += int(np.count_nonzero(_predicted(Z) == Y))
        self._m += len(Y)

    def metric(self, name: str) -> float:  # noqa: ARG002 - there is one
        """`accuracy`."""
        return self._hits / self._m


class Classified:
    """Result of a pass over a split of classes, taken in block by block.

    Args:
        classes: number of classes.

    Attributes:
        confusion: (classes, classes), rows true, columns predicted.
    """

    def __init__(self, classes: int):
        self.confusion: metrics.Counts = np.zeros((classes, classes), np.int64)

    def add(self, Z: Array, Y: Labels) -> None:
        """Count the predictions of logits (m, units) for labels (m,)."""
        self.confusion += metrics.confusion_matrix(Y, _predicted(Z), classes=len(self.confusion))

    def metric(self, name: str) -> float:
        """`accuracy`, or the mean over the classes (macro) of `precision`, `recall` or `f1`."""
        if name == "accuracy":
            return metrics.accuracy(self.confusion)
        return float(metrics.precision_recall_f1(self.confusion)[_PER_CLASS.index(name)].mean())


def _predicted(Z: Array) -> NDArray[Any]:
    """Classes (m,) of logits (m, units); of two classes with one logit whether it is the second, σ(z) > ½."""
    return np.greater(Z[:, 0], 0.0) if Z.shape[1] == 1 else Z.argmax(axis=1)


class Labelled:
    """Result of a pass over a split with several labels per example, some of them missing.

    Args:
        labels: their number k.

    Attributes:
        counts: (k, 2, 2), per label, rows true, columns predicted.
    """

    def __init__(self, labels: int):
        self.counts: metrics.Counts = np.zeros((labels, 2, 2), np.int64)

    def add(self, Z: Array, Y: Array) -> None:
        """Count the predictions of logits (m, k) for labels (m, k)."""
        self.counts += metrics.label_counts(Y, np.greater(Z, 0.0))  # σ(z) > ½

    def metric(self, name: str) -> float:
        """`accuracy`, the share of the present labels that are right, or a mean over the labels, as of classes."""
        if name == "accuracy":
            return metrics.label_accuracy(self.counts)
        return float(metrics.label_precision_recall_f1(self.counts)[_PER_CLASS.index(name)].mean())


class Regressed:
    """Result of a pass over a split of numbers.

    Args:
        targets: their number k.
        metrics: those that will be asked for, of `rmse`, `mae` and `r2`.

    Attributes:
        errors: of each example the mean of (ŷ − y)² over its targets.
        absolute: of each example the mean of |ŷ − y|, where `mae` is asked for.
        targets: the true values, where `r2` is asked for.
    """

    def __init__(self, targets: int, metrics: Sequence[str] = _OF_NUMBERS):
        self.errors, self.absolute, self.targets = Moments(1), Moments(1), Moments(targets)
        self._has_mae, self._has_r2 = "mae" in metrics, "r2" in metrics

    def add(self, Z: Array, Y: Array) -> None:
        """Take in predictions (m, k) of targets (m, k)."""
        errors = np.subtract(Z, Y, dtype=np.float64)
        self.errors.add(_of_rows(np.square(errors)))
        if self._has_mae:
            self.absolute.add(_of_rows(np.abs(errors)))
        if self._has_r2:
            self.targets.add(Y)

    def metric(self, name: str) -> float:
        """`rmse`, `mae` or `r2`."""
        if name == "rmse":
            return math.sqrt(float(self.errors.mean[0]))
        if name == "mae":
            return float(self.absolute.mean[0])
        squared = float(self.errors.mean[0]) * self.targets.m * len(self.targets.squares)
        return metrics.r2(squared, float(self.targets.squares.sum()))


def _of_rows(values: Array) -> Array:
    """Means (m, 1) of rows (m, k)."""
    if values.shape[1] == 1:
        return values
    means: Array = np.mean(values, axis=1, keepdims=True)
    return means


Result = Hits | Classified | Labelled | Regressed


class Measured(Protocol):
    """Examples, as measuring takes them."""

    def __len__(self) -> int:
        """Their number."""

    def blocks(self, size: int) -> Iterator[tuple[Array, Any]]:
        """All examples in order, X (b, n_x) and Y (b,) or (b, k) with b at most `size`, each valid until the next."""


class Split(Measured, Protocol):
    """All examples of a split."""

    def target_variance(self) -> float:
        """Mean over the targets of a regression of their variance, over m."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some examples of a split: X (m, n_x) and Y (m,) or (m, k)."""

    X: Array
    Y: NDArray[Any]

    def __len__(self) -> int:
        """Their number."""
        return len(self.X)

    def blocks(self, size: int) -> Iterator[tuple[Array, NDArray[Any]]]:
        """All of them, in order."""
        return in_order(self.X, self.Y, size)


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
        splits: Mapping[str, Split],
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
        # Counting takes many small calls: it is done for several forward passes at once, as long as these are narrow.
        several = 16 if model.units <= 16 else 1
        self._logits: Array = np.empty((several * BATCH, model.units), model.dtype)
        # Unit of the error of a regression: the variance of the training targets, over all columns.
        regression = task == "regression"
        self._target_variance = splits["train"].target_variance() if regression else 1.0

    def measure(self, split: str, examples: Measured | None = None) -> dict[str, float]:
        """Cost, loss and the metrics of a split, in short; called in the midst of the training.

        Args:
            split: its name.
            examples: those of it to measure; None for all. The penalty of the cost is that of the whole split.
        """
        result = self._nothing_yet(self.metrics)
        quantities = self._cost_and_loss(
            split, self._pass(self.splits[split] if examples is None else examples, result)
        )
        for name in self.metrics:
            quantities[name] = result.metric(name)
        return quantities

    def evaluate(self, split: str) -> dict[str, Any]:
        """Everything there is to say of a split, in plain numbers and lists (keys as in the design).

        `error` is the share of wrong examples, of a multi-task that of the wrong ones among the present
        labels, or for regression the mean squared error in units of the variance of the training targets;
        `error_std` is its standard error, which takes labels of one example for independent; infinite for a
        regression of one example.
        """
        result = self._nothing_yet(_ALL)
        loss, examples = self._pass(self.splits[split], result), len(self.splits[split])
        head = {"split": split, "examples": examples, **self._cost_and_loss(split, loss)}
        if isinstance(result, Classified):
            return head | self._classified(result, examples)
        if isinstance(result, Labelled):
            return head | self._labelled(result)
        assert isinstance(result, Regressed)  # noqa: S101 - `Hits` is for `measure` alone
        return head | self._regressed(result, examples)

    def squared_errors(self, split: str) -> Array:
        """Of each example (m,) of a regression the error whose mean `evaluate` gives."""
        outputs = self._outputs(self.splits[split])
        errors = [np.mean(np.subtract(Z, Y, dtype=np.float64) ** 2, axis=1) for Z, Y, _ in outputs]
        relative: Array = np.concatenate(errors) / (self._target_variance or 1.0)
        return relative

    def _cost_and_loss(self, split: str, loss: float) -> dict[str, float]:
        return {"cost": loss + self.model.penalty(len(self.splits[split])), "loss": loss}

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
        variance, squares = self._target_variance or 1.0, float(result.errors.squares[0])
        std = math.sqrt(squares / (examples - 1) / examples) if examples > 1 else math.inf
        return {
            **{name: result.metric(name) for name in _OF_NUMBERS},
            "error": float(result.errors.mean[0]) / variance,
            "error_std": std / variance,
        }

    def _pass(self, examples: Measured, result: Result) -> float:
        """The loss over a split; what else is found is added to the result."""
        total = 0.0
        for Z, Y, losses in self._outputs(examples):
            result.add(Z, Y)
            total += losses
        return total / len(examples)

    def _outputs(self, examples: Measured) -> Iterator[tuple[Array, NDArray[Any], float]]:
        """Block by block the logits Z (b, units), the targets, and the sum of the losses; valid until the next."""
        for X, Y in examples.blocks(len(self._logits)):
            if len(Y) <= BATCH:
                Z, total = self._forward(X, Y)
                yield Z, Y, total
                continue
            total = 0.0
            for start in range(0, len(Y), BATCH):
                part = slice(start, min(start + BATCH, len(Y)))
                self._logits[part], losses = self._forward(X[part], Y[part])
                total += losses
            yield self._logits[: len(Y)], Y, total

    def _forward(self, X: Array, Y: NDArray[Any]) -> tuple[Array, float]:
        """Logits of at most `BATCH` examples, valid until the next, and the sum of their losses."""
        forward, losses_and_gradient = self._plan(len(Y))
        Z = forward(X)
        losses, _ = losses_and_gradient(Z, Y)
        return Z, float(np.add.reduce(losses))

    def _nothing_yet(self, metrics: Sequence[str]) -> Result:
        if self.task == "regression":
            return Regressed(self.model.units, metrics)
        if self.task == "multi_task":
            return Labelled(self.model.units)
        return Hits() if metrics == ("accuracy",) else Classified(len(self.classes))

    def _plan(self, batch: int) -> tuple[Forward, LossesAndGradient]:
        if batch not in self._plans:
            losses_and_gradient = self.loss.bind(batch, self.model.units, self.model.dtype)
            self._plans[batch] = (self.model.forward(batch), losses_and_gradient)
        return self._plans[batch]
