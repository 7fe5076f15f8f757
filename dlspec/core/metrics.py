"""Metrics of predictions against the truth.

A quotient 0/0 (no example of a class was predicted, or there is none) counts as 0.
"""

import numpy as np
import numpy.typing as npt

from dlspec.core.arrays import Array, Labels

Counts = npt.NDArray[np.int64]


def confusion_matrix(labels: Labels, predicted: Labels, *, classes: int) -> Counts:
    """Counts (classes, classes): rows are true classes, columns predicted ones."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def accuracy(confusion: Counts) -> float:
    """Share of the examples whose class was predicted, in [0, 1]."""
    return float(np.trace(confusion) / confusion.sum())


def _quotient(numerator: Array, denominator: Array) -> Array:
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0)


def precision_recall_f1(confusion: Counts) -> tuple[Array, Array, Array]:
    """Per class, each (classes,): P = TP/(TP + FP), R = TP/(TP + FN), F1 = 2/(1/P + 1/R) = 2PR/(P + R)."""
    hits = np.diag(confusion).astype(np.float64)
    precision = _quotient(hits, confusion.sum(axis=0).astype(np.float64))
    recall = _quotient(hits, confusion.sum(axis=1).astype(np.float64))
    return precision, recall, _quotient(2 * precision * recall, precision + recall)


def r2(squared_errors: float, targets: Array) -> float:
    """R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)², over all columns of `targets` (m, k); 0 where the targets are constant."""
    spread = float(((targets - targets.mean(axis=0)) ** 2).sum())
    return 1.0 - squared_errors / spread if spread > 0 else 0.0
