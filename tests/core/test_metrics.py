"""Metrics, each worked by hand."""

import numpy as np
import pytest

from dlspec.core.metrics import accuracy, confusion_matrix, precision_recall_f1, r2

#                      0  0  0  0  1  1  1  2  2  2
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 1, 0, 2, 0, 1])
CONFUSION = np.array([[3, 1, 0], [1, 2, 0], [1, 1, 1]])


def test_confusion_matrix_has_a_row_per_true_class():
    confusion = confusion_matrix(LABELS, PREDICTED, classes=3)
    np.testing.assert_array_equal(confusion, CONFUSION)
    assert np.issubdtype(confusion.dtype, np.integer)


def test_confusion_matrix_keeps_room_for_classes_that_do_not_occur():
    confusion = confusion_matrix(np.array([0, 0]), np.array([0, 1]), classes=4)
    np.testing.assert_array_equal(confusion, [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


def test_accuracy():
    assert accuracy(CONFUSION) == 0.6  # 3 + 2 + 1 of 10
    assert accuracy(np.diag([4, 1])) == 1.0
    assert accuracy(np.array([[0, 2], [3, 0]])) == 0.0


def test_precision_recall_and_f1():
    precision, recall, f1 = precision_recall_f1(CONFUSION)
    np.testing.assert_allclose(precision, [3 / 5, 2 / 4, 1 / 1], rtol=1e-15)
    np.testing.assert_allclose(recall, [3 / 4, 2 / 3, 1 / 3], rtol=1e-15)
    # 2 / (1/P + 1/R): 2 / (5/3 + 4/3) = 2/3, 2 / (2 + 3/2) = 4/7, 2 / (1 + 3) = 1/2
    np.testing.assert_allclose(f1, [2 / 3, 4 / 7, 1 / 2], rtol=1e-15)


def test_a_class_never_predicted_has_precision_and_f1_0():
    precision, recall, f1 = precision_recall_f1(np.array([[5, 0], [2, 0]]))
    np.testing.assert_allclose(precision, [5 / 7, 0])
    np.testing.assert_allclose(recall, [1, 0])
    np.testing.assert_allclose(f1, [5 / 6, 0])


def test_a_class_without_examples_has_recall_and_f1_0():
    precision, recall, f1 = precision_recall_f1(np.array([[3, 1], [0, 0]]))
    np.testing.assert_allclose(precision, [1, 0])
    np.testing.assert_allclose(recall, [3 / 4, 0])
    np.testing.assert_allclose(f1, [6 / 7, 0])


def test_a_class_neither_predicted_nor_present_counts_0():
    precision, recall, f1 = precision_recall_f1(np.array([[2, 0], [0, 0]]))
    np.testing.assert_array_equal([precision[1], recall[1], f1[1]], [0, 0, 0])


@pytest.mark.parametrize(
    ("squared_errors", "expected"),
    [(7.0, 0.5), (0.0, 1.0), (14.0, 0.0), (28.0, -1.0)],  # 14: always answering the mean
)
def test_r2(squared_errors, expected):
    assert r2(squared_errors, 14.0) == pytest.approx(expected)


def test_r2_of_constant_targets_is_0():
    assert r2(0.5, 0.0) == 0.0
