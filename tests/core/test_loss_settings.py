"""Settings of the losses, weights of examples, and penalties of single layers."""

import numpy as np
import pytest
import reference

from dlspec.core.cost import Cost, Penalty
from dlspec.core.losses import LOSSES
from dlspec.core.regularizers import REGULARIZERS

from .builders import build_cost, build_network
from .test_cost_gradients import check_all_entries

SMOOTHED = ["binary_cross_entropy", "categorical_cross_entropy", "multi_task_cross_entropy"]


def mean_and_gradient(name, Z, Y, **settings):
    losses, dZ = LOSSES[name](**settings).bind(*Z.shape, Z.dtype)(Z, Y)
    return losses.mean(), dZ


@pytest.mark.parametrize("delta", [0.1, 1.0, 2.5])
def test_huber_with_its_delta_is_the_reference(delta, rng):
    Z, Y = rng.standard_normal((20, 3)) * 3, rng.standard_normal((20, 3))
    value, dZ = mean_and_gradient("huber", Z, Y, delta=delta)
    assert value == pytest.approx(reference.huber(Z, Y, delta=delta), rel=1e-13)
    np.testing.assert_allclose(dZ, reference.huber_gradient(Z, Y, delta=delta), rtol=1e-13, atol=1e-16)


def test_huber_worked_by_hand():
    # δ = 1: h(½) = ⅛, h(−3) = 1 · (3 − ½) = 2.5; the mean over two examples is 1.3125, slopes ½/2 and −1/2
    value, dZ = mean_and_gradient("huber", np.array([[0.5], [-3.0]]), np.zeros((2, 1)))
    assert value == 1.3125
    np.testing.assert_array_equal(dZ, [[0.25], [-0.5]])


def test_absolute_error_worked_by_hand():
    value, dZ = mean_and_gradient("absolute_error", np.array([[2.0, -1.0], [0.0, 3.0]]), np.zeros((2, 2)))
    assert value == 3.0  # (3 + 3) / 2
    np.testing.assert_array_equal(dZ, [[0.5, -0.5], [0.0, 0.5]])


@pytest.mark.parametrize("smoothing", [0.1, 0.4])
def test_smoothed_softmax_is_the_cross_entropy_with_smoothed_labels(smoothing, rng):
    Z, Y = rng.standard_normal((6, 4)), rng.integers(0, 4, 6)
    targets = (1 - smoothing) * np.eye(4)[Y] + smoothing / 4
    Y_hat = reference.softmax(Z)
    value, dZ = mean_and_gradient("categorical_cross_entropy", Z, Y, label_smoothing=smoothing)
    assert value == pytest.approx(-(targets * np.log(Y_hat)).sum() / 6, rel=1e-13)
    np.testing.assert_allclose(dZ, (Y_hat - targets) / 6, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("smoothing", [0.1, 0.4])
def test_smoothed_sigmoid_is_the_cross_entropy_with_smoothed_labels(smoothing, rng):
    Z, Y = rng.standard_normal((6, 1)), rng.integers(0, 2, 6)
    y, y_hat = ((1 - smoothing) * Y + smoothing / 2)[:, np.newaxis], reference.sigmoid(Z)
    expected = -(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)).mean()
    for name, targets in (("binary_cross_entropy", Y), ("multi_task_cross_entropy", Y[:, np.newaxis].astype(float))):
        value, dZ = mean_and_gradient(name, Z, targets, label_smoothing=smoothing)
        assert value == pytest.approx(expected, rel=1e-13)
        np.testing.assert_allclose(dZ, (y_hat - y) / 6, rtol=1e-12, atol=1e-16)


def test_multi_task_leaves_missing_labels_out():
    Z = np.array([[0.0, 50.0], [0.0, 0.0]])
    Y = np.array([[1.0, np.nan], [np.nan, np.nan]])
    value, dZ = mean_and_gradient("multi_task_cross_entropy", Z, Y)
    assert value == pytest.approx(np.log(2) / 2, rel=1e-15)  # one label of two examples is there
    np.testing.assert_array_equal(dZ, [[-0.25, 0], [0, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("z", "y", "loss", "gradient"), [(1e4, 0, 1e4, 1), (-1e4, 1, 1e4, -1), (1e4, 1, 0, 0)])
def test_multi_task_at_extreme_logits(dtype, z, y, loss, gradient):
    Z, Y = np.array([[z, z]], dtype), np.array([[y, np.nan]], dtype)
    value, dZ = mean_and_gradient("multi_task_cross_entropy", Z, Y)
    assert value == loss
    np.testing.assert_array_equal(dZ, [[gradient, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_regression_losses_at_extreme_errors(dtype):
    Z, Y = np.array([[1e4]], dtype), np.array([[-1e4]], dtype)
    assert mean_and_gradient("absolute_error", Z, Y) == (2e4, 1)
    assert mean_and_gradient("huber", Z, Y) == (2e4 - 0.5, 1)


@pytest.mark.parametrize("name", SMOOTHED)
def test_weights_scale_each_example(name, rng):
    units = {"binary_cross_entropy": 1, "categorical_cross_entropy": 3, "multi_task_cross_entropy": 2}[name]
    cost = build_cost(build_network((4, 5, units)), name)
    X, w = rng.standard_normal((6, 4)), rng.uniform(0.1, 3, 6)
    Y = rng.integers(0, 2, (6, 2)).astype(float) if name == "multi_task_cross_entropy" else rng.integers(0, 2, 6)
    loss = cost.bind(6)(X, Y, w)
    gradient, one = cost.parameters.grad.copy(), cost.bind(1)
    # The mean of w_i loss_i, one example at a time.
    losses, gradients = [], []
    for i in range(6):
        losses.append(one(X[i : i + 1], Y[i : i + 1]))
        gradients.append(cost.parameters.grad.copy())
    assert loss == pytest.approx(np.dot(w, losses) / 6, rel=1e-13)
    np.testing.assert_allclose(gradient, w @ np.array(gradients) / 6, rtol=1e-10, atol=1e-15)


def test_weights_of_one_change_nothing(rng):
    cost = build_cost(build_network((4, 5, 3)), "categorical_cross_entropy")
    X, Y, step = rng.standard_normal((6, 4)), rng.integers(0, 3, 6), cost.bind(6)
    loss = step(X, Y)
    gradient = cost.parameters.grad.copy()
    assert step(X, Y, np.ones(6)) == loss
    np.testing.assert_array_equal(cost.parameters.grad, gradient)


def test_penalties_of_single_layers(rng):
    network = build_network((4, 6, 5, 3))
    parameters = build_cost(network, "squared_error").parameters
    first, last = parameters.slices["W1"], parameters.slices["W3"]
    penalties = [Penalty(REGULARIZERS["l2"](lambda_=0.7), first), Penalty(REGULARIZERS["l1"](lambda_=0.3), last)]
    cost = Cost(network=network, loss=LOSSES["squared_error"](), penalties=penalties, parameters=parameters)
    X, Y = rng.standard_normal((7, 4)), rng.standard_normal((7, 3))
    W1, W3 = parameters.values["W1"], parameters.values["W3"]
    assert cost.penalty(7) == pytest.approx(reference.l2(W1, 7, 0.7) + reference.l1(W3, 7, 0.3), rel=1e-14)
    check_all_entries(cost, cost.bind(7), X, Y)
