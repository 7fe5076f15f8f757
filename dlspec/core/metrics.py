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
    return float(confusion.trace() / np.add.reduce(confusion, axis=None))


def label_counts(Y: Array, predicted: npt.NDArray[np.bool_]) -> Counts:
    """Counts (k, 2, 2) of k labels, each its own confusion matrix over the examples that have it.

    Args:
        Y: (m, k) of 0, 1, and NaN for a missing label, which counts for nothing.
        predicted: (m, k), whether the label is held for 1.
    """
    true = np.stack([Y == 0, Y == 1])  # (2, m, k); a missing label is neither
    guessed = np.stack([~predicted, predicted])
    counts: Counts = np.einsum("tmk,pmk->ktp", true, guessed, dtype=np.int64)
    return counts


def label_accuracy(counts: Counts) -> float:
    """Share of the present labels that are right, over all k labels of `counts` (k, 2, 2), in [0, 1]."""
    return float(np.trace(counts, axis1=1, axis2=2).sum() / counts.sum())


def _quotient(numerator: Array, denominator: Array) -> Array:
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0)


def precision_recall_f1(confusion: Counts) -> tuple[Array, Array, Array]:
    """Per class, each (classes,): P = TP/(TP + FP), R = TP/(TP + FN), F1 = 2/(1/P + 1/R) = 2PR/(P + R)."""
    return _precision_recall_f1(np.diag(confusion), confusion.sum(axis=0), confusion.sum(axis=1))


def label_precision_recall_f1(counts: Counts) -> tuple[Array, Array, Array]:
    """The same per label, each (k,), for the value 1 of a label; `counts` (k, 2, 2)."""
    return _precision_recall_f1(counts[:, 1, 1], counts[:, :, 1].sum(axis=1), counts[:, 1].sum(axis=1))


def _precision_recall_f1(hits: Counts, predicted: Counts, true: Counts) -> tuple[Array, Array, Array]:
    precision = _quotient(hits.astype(np.float64), predicted.astype(np.float64))
    recall = _quotient(hits.astype(np.float64), true.astype(np.float64))
    return precision, recall, _quotient(2 * precision * recall, precision + recall)


def r2(squared_errors: float, spread: float) -> float:
    """R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)², over all targets; 0 where the targets are constant, so that the spread is 0."""
    return 1.0 - squared_errors / spread if spread > 0 else 0.0
