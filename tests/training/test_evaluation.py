"""Measuring a split: worked examples by hand, and that the way of measuring does not matter."""

import math

import numpy as np
import pytest
from core.builders import build_network

from dlspec.core.cost import Cost, Penalty
from dlspec.core.losses import LOSSES
from dlspec.core.moments import Moments
from dlspec.core.regularizers import REGULARIZERS
from dlspec.data.dataset import Examples
from dlspec.training import evaluation
from dlspec.training.evaluation import Evaluator, Regressed, Sample

from .builders import make_cost, make_examples


def line(W, b, *, loss, penalties=()):
    """Logits Z = X Wᵀ + b with the weights given, W (units, n_x)."""
    W = np.array(W, dtype=float)
    network = build_network((W.shape[1], W.shape[0]))
    parameters = network.parameters(dtype=np.float64)
    parameters.values["W1"][:] = W
    parameters.values["b1"][:] = b
    placed = [Penalty(REGULARIZERS[name](lambda_=strength), parameters.decayed) for name, strength in penalties]
    return Cost(network=network, loss=LOSSES[loss](), penalties=placed, parameters=parameters)


def examples_of(X, Y, *, dtype=np.intp):
    X, Y = np.array(X, dtype=float), np.array(Y, dtype=dtype)
    return Examples(X=X, Y=Y, rows=np.arange(len(X)))


def classify(cost, X, Y, *, classes=("no", "yes"), metric="accuracy"):
    splits = {"train": examples_of(X, Y)}
    return Evaluator(model=cost, loss=cost.loss, splits=splits, task="classification", classes=classes, metric=metric)


def regress(cost, **splits):
    return Evaluator(model=cost, loss=cost.loss, splits=splits, task="regression", classes=(), metric="rmse")


X_BINARY, Y_BINARY = [[-2.0], [1.0], [3.0], [-1.0], [0.0]], [0, 0, 1, 1, 1]
# z = x: predicted 0, 1, 1, 0, 0 (σ(0) = ½ is not above ½), so 2 of 5 are right.
LOSS_BINARY = (
    math.log1p(math.exp(-2)) + math.log1p(math.exp(1)) + math.log1p(math.exp(-3)) + math.log1p(math.exp(1))
    + math.log(2)
) / 5  # fmt: skip


@pytest.mark.parametrize(
    "cost",
    [
        line([[1]], [0], loss="binary_cross_entropy"),
        line([[0], [1]], [0, 0], loss="categorical_cross_entropy"),
        line([[-1], [0]], [7, 7], loss="categorical_cross_entropy"),
    ],
    ids=["sigmoid", "softmax", "softmax shifted"],
)
def test_two_classes_by_hand(cost):
    result = classify(cost, X_BINARY, Y_BINARY).evaluate("train")
    assert result["confusion_matrix"] == [[1, 1], [2, 1]]
    assert (result["split"], result["examples"]) == ("train", 5)
    assert result["accuracy"] == pytest.approx(0.4, rel=1e-15)
    assert result["error"] == pytest.approx(0.6, rel=1e-15)
    assert result["error_std"] == pytest.approx(math.sqrt(0.6 * 0.4 / 5), rel=1e-14)
    assert result["loss"] == pytest.approx(LOSS_BINARY, rel=1e-14)
    assert result["cost"] == result["loss"]
    no, yes = result["classes"]
    assert no == pytest.approx({"class": "no", "examples": 2, "precision": 1 / 3, "recall": 1 / 2, "f1": 2 / 5})
    assert yes == pytest.approx({"class": "yes", "examples": 3, "precision": 1 / 2, "recall": 1 / 3, "f1": 2 / 5})
    assert result["f1"] == pytest.approx(0.4, rel=1e-15)


def test_three_classes_by_hand():
    cost = line(np.eye(3), [0, 0, 0], loss="categorical_cross_entropy")
    X = [[9, 0, 0], [9, 0, 0], [0, 9, 0], [0, 9, 0], [9, 0, 0], [0, 9, 0]]  # the third class is never predicted
    result = classify(cost, X, [0, 0, 0, 1, 1, 2], classes=("a", "b", "c")).evaluate("train")
    assert result["confusion_matrix"] == [[2, 1, 0], [1, 1, 0], [0, 1, 0]]
    rows = [(row["precision"], row["recall"], row["f1"]) for row in result["classes"]]
    assert rows == [pytest.approx((2 / 3, 2 / 3, 2 / 3)), pytest.approx((1 / 3, 1 / 2, 2 / 5)), (0, 0, 0)]
    assert result["f1"] == pytest.approx((2 / 3 + 2 / 5) / 3)
    assert result["accuracy"] == 0.5


def test_regression_by_hand():
    evaluator = regress(
        line([[2]], [1], loss="squared_error"), train=examples_of([[0], [1], [2]], [[1], [2], [7]], dtype=float)
    )
    result = evaluator.evaluate("train")  # ŷ = 1, 3, 5; errors 0, 1, −2; ȳ = 10/3; var y = 62/9
    assert result["rmse"] == pytest.approx(math.sqrt(5 / 3), rel=1e-14)
    assert result["mae"] == pytest.approx(1.0, rel=1e-14)
    assert result["r2"] == pytest.approx(1 - 15 / 62, rel=1e-14)
    assert result["error"] == pytest.approx(15 / 62, rel=1e-14)
    squares = np.array([0, 1, 4]) * 9 / 62
    assert result["error_std"] == pytest.approx(squares.std(ddof=1) / math.sqrt(3), rel=1e-14)
    assert result["loss"] == result["cost"] == pytest.approx(5 / 6, rel=1e-14)
    assert "accuracy" not in result


def test_the_error_of_a_regression_is_in_units_of_the_training_targets():
    evaluator = regress(
        line([[0]], [0], loss="squared_error"),
        train=examples_of([[0], [0]], [[2], [-2]], dtype=float),  # variance 4
        dev=examples_of([[0], [0]], [[1], [3]], dtype=float),  # mean squared error 5
    )
    assert evaluator.evaluate("dev")["error"] == pytest.approx(5 / 4)


def test_two_targets_by_hand():
    evaluator = regress(
        line([[1], [2]], [0, 0], loss="squared_error"),
        train=examples_of([[1], [3]], [[0, 2], [3, 8]], dtype=float),  # errors (1, 0), (0, −2)
    )
    result = evaluator.evaluate("train")
    assert result["rmse"] == pytest.approx(math.sqrt(5 / 4))
    assert result["mae"] == pytest.approx(3 / 4)
    assert result["r2"] == pytest.approx(1 - 5 / (4.5 + 18))
    assert result["error"] == pytest.approx(1.25 / ((2.25 + 9) / 2))


def test_one_example_tells_no_standard_error():
    one = examples_of([[2]], [[7]], dtype=float)
    evaluator = regress(line([[2]], [1], loss="squared_error"), train=examples_of([[0], [1]], [[1], [2]], dtype=float))
    evaluator.splits = {**evaluator.splits, "dev": one}
    assert evaluator.evaluate("dev")["error_std"] == math.inf


def test_constant_targets_give_no_division_by_zero():
    evaluator = regress(line([[0]], [1], loss="squared_error"), train=examples_of([[0], [1]], [[3], [3]], dtype=float))
    result = evaluator.evaluate("train")
    assert (result["r2"], result["error"], result["error_std"]) == (0.0, 4.0, 0.0)


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
def test_the_short_measurement_agrees_with_the_long_one(metric):
    evaluator = classify(line([[1]], [0], loss="binary_cross_entropy"), X_BINARY, Y_BINARY, metric=metric)
    short, long = evaluator.measure("train"), evaluator.evaluate("train")
    assert short == {name: long[name] for name in ("cost", "loss", metric)}


def test_the_cost_is_the_loss_and_the_penalty_of_that_split():
    cost = line([[2, -3]], [5], loss="squared_error", penalties=[("l2", 0.5), ("l1", 0.25)])
    train = examples_of([[0, 0], [1, 0], [0, 1]], [[1], [2], [3]], dtype=float)
    dev = examples_of([[0, 0]], [[1]], dtype=float)
    evaluator = regress(cost, train=train, dev=dev)
    for split, m in (("train", 3), ("dev", 1)):
        result = evaluator.evaluate(split)
        penalty = 0.5 / (2 * m) * (4 + 9) + 0.25 / m * (2 + 3)  # W alone, never b
        assert result["cost"] - result["loss"] == pytest.approx(penalty, rel=1e-12)


def test_a_sample_of_a_split_is_measured_with_the_penalty_of_the_whole():
    cost = line([[2]], [0], loss="squared_error", penalties=[("l2", 0.5)])
    evaluator = regress(cost, train=examples_of([[0], [1], [2], [3]], [[0], [1], [2], [3]], dtype=float))
    measured = evaluator.measure("train", Sample(np.array([[1.0], [3.0]]), np.array([[1.0], [3.0]])))
    assert measured["loss"] == pytest.approx((0.5 * 1**2 + 0.5 * 3**2) / 2)
    assert measured["cost"] == pytest.approx(measured["loss"] + 0.5 / (2 * 4) * 2**2)
    assert evaluator.measure("train")["loss"] == pytest.approx(sum(0.5 * x**2 for x in range(4)) / 4)


@pytest.mark.parametrize("batch", [1, 7, 29, 30, 31])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "squared_error"])
def test_the_size_of_the_passes_does_not_matter(batch, loss, monkeypatch):
    examples = make_examples(m=30)
    task = "classification" if loss == "binary_cross_entropy" else "regression"
    if task == "regression":
        examples = Examples(X=examples.X, Y=examples.X[:, :1] ** 2, rows=examples.rows)
    cost = make_cost((3, 5, 1), loss=loss)

    def evaluate():
        return Evaluator(
            model=cost, loss=cost.loss, splits={"train": examples}, task=task, classes=("a", "b"), metric="accuracy"
        ).evaluate("train")

    whole = evaluate()
    monkeypatch.setattr(evaluation, "BATCH", batch)
    parts = evaluate()
    assert parts.pop("loss") == pytest.approx(whole.pop("loss"), rel=1e-13)
    assert parts.pop("cost") == pytest.approx(whole.pop("cost"), rel=1e-13)
    if task == "classification":
        assert parts == whole  # counts are exact
    else:
        assert [parts[k] for k in parts if k != "split"] == pytest.approx([whole[k] for k in whole if k != "split"])


def test_a_set_larger_than_one_pass():
    m = 2 * evaluation.BATCH + 3
    X = np.linspace(-1, 1, m)[:, None]
    result = classify(line([[1]], [0], loss="binary_cross_entropy"), X, np.arange(m) < m // 2).evaluate("train")
    assert result["confusion_matrix"] == [[1, m // 2], [m // 2, 0]]  # all wrong but the middle, where z = 0
    assert result["loss"] == pytest.approx(float(np.mean(np.logaddexp(0, np.abs(X)))), rel=1e-13)


def test_the_same_rows_give_the_same_numbers_in_every_split():
    examples = make_examples(m=30)
    cost = make_cost((3, 8, 1), keep_prob=0.5, penalties=[("l2", 1.0)])  # dropout is off while measuring
    evaluator = Evaluator(
        model=cost,
        loss=cost.loss,
        splits={"train": examples, "dev": examples},
        task="classification",
        classes=("no", "yes"),
        metric="accuracy",
    )
    assert evaluator.measure("train") == evaluator.measure("dev") == evaluator.measure("train")


def test_measuring_changes_nothing():
    examples = make_examples(m=30)
    cost = make_cost((3, 5, 1), keep_prob=0.5)
    X, Y, theta = examples.X.copy(), examples.Y.copy(), cost.parameters.theta.copy()
    Evaluator(
        model=cost, loss=cost.loss, splits={"train": examples}, task="classification", classes=("a", "b"), metric="f1"
    ).evaluate("train")
    np.testing.assert_array_equal(examples.X, X)
    np.testing.assert_array_equal(examples.Y, Y)
    np.testing.assert_array_equal(cost.parameters.theta, theta)


@pytest.mark.parametrize("k", [1, 3])
def test_moments_of_blocks_are_those_of_all_rows(k):
    rows = 1e6 + np.random.default_rng(0).standard_normal((1000, k))
    moments = Moments(k)
    for block in np.split(rows, [0, 1, 10, 700]):
        moments.add(block)
    assert moments.m == 1000
    assert moments.mean == pytest.approx(rows.mean(axis=0), rel=1e-15)
    assert moments.squares == pytest.approx(rows.var(axis=0) * 1000, rel=1e-12)


@pytest.mark.parametrize(
    ("targets", "spread"),
    [([[1.0], [2.0], [3.0], [6.0]], 14), ([[0.0, 10.0], [2.0, 14.0]], 2 + 8)],  # each column has its own mean
)
def test_r2_goes_by_the_spread_of_the_targets(targets, spread):
    targets = np.array(targets)
    found = Regressed(targets.shape[1])
    found.add(targets + 1, targets)
    assert found.metric("r2") == pytest.approx(1 - targets.size / spread)
