"""The pieces together: networks learn."""

import itertools

import numpy as np
import pytest
from families import LOSS_CASES, case_id, sample_targets

from dlspec.core.optimizers import OPTIMIZERS

from .builders import build_cost, build_network

RATES = {
    "sgd": 0.5,
    "momentum": 0.5,
    "adagrad": 0.1,
    "rmsprop": 3e-3,
    "adadelta": 5.0,
    "adam": 1e-2,
    "adamw": 1e-2,
    "nadam": 1e-2,
}


def train(cost, X, Y, *, optimizer, rates):
    """Full-batch training, a step per learning rate; the losses before each step."""
    parameters = cost.parameters
    step = OPTIMIZERS[optimizer]().bind(parameters.theta, parameters.grad, decayed=parameters.decayed).step
    loss_and_gradient = cost.bind(len(X))
    losses = []
    for t, learning_rate in enumerate(rates, start=1):
        losses.append(loss_and_gradient(X, Y))
        step(learning_rate, t)
    return losses


@pytest.mark.parametrize(("loss", "units"), LOSS_CASES, ids=case_id)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_overfits_32_random_examples(loss, units, dtype, rng):
    X, Y = rng.standard_normal((32, 6)).astype(dtype), sample_targets(loss, 32, units, rng)
    cost = build_cost(build_network((6, 64, 32, units), activation=("relu", {})), loss, dtype=dtype)
    # The rate falls to 0: at a constant one Adam bursts now and then, by a factor of 100, whatever it had reached.
    losses = train(cost, X, Y, optimizer="adam", rates=np.linspace(RATES["adam"], 0, 400, endpoint=False))
    assert losses[0] > 0.3
    # The slope of |e| does not shrink towards 0, so that its steps settle last.
    assert losses[-1] < (0.3 if loss == "absolute_error" else 5e-3)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_overfits(optimizer, rng):
    X, Y = rng.standard_normal((32, 6)), rng.integers(0, 3, 32)
    cost = build_cost(build_network((6, 64, 3)), "categorical_cross_entropy")
    losses = train(cost, X, Y, optimizer=optimizer, rates=[RATES[optimizer]] * 1500)
    assert losses[-1] < 1e-2


def test_full_batch_descent_with_a_small_learning_rate_never_rises(rng):
    X, Y = rng.standard_normal((40, 6)), rng.integers(0, 3, 40)
    cost = build_cost(build_network((6, 10, 3)), "categorical_cross_entropy")
    losses = train(cost, X, Y, optimizer="sgd", rates=[0.05] * 200)
    assert all(later < earlier for earlier, later in itertools.pairwise(losses))


@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_a_larger_lambda_gives_smaller_weights(penalty, rng):
    X, Y = rng.standard_normal((60, 5)), rng.integers(0, 2, 60)
    norms = []
    for lambda_ in (0.0, 0.1, 1.0, 10.0):
        penalties = [(penalty, {"lambda_": lambda_})]
        cost = build_cost(build_network((5, 8, 1)), "binary_cross_entropy", penalties=penalties)
        train(cost, X, Y, optimizer="adam", rates=[1e-2] * 400)
        norms.append(np.linalg.norm(cost.parameters.theta[cost.parameters.decayed]))
    assert norms == sorted(norms, reverse=True)
    assert norms[-1] < norms[0] / 2


def test_zero_start_leaves_the_units_of_a_hidden_layer_identical(rng):
    """Why zeros are right only without hidden layers."""
    X, Y = rng.standard_normal((20, 4)), rng.integers(0, 2, 20)
    cost = build_cost(build_network((4, 3, 1), initializer=("zeros", {})), "binary_cross_entropy")
    parameters = cost.parameters
    parameters.theta[:] = 0.0
    parameters.values["b1"][:] = 0.3
    train(cost, X, Y, optimizer="sgd", rates=[0.5] * 50)
    W1 = parameters.values["W1"]
    assert (W1[0] != 0).all()
    np.testing.assert_array_equal(W1, np.tile(W1[0], (3, 1)))


def test_training_twice_from_one_seed_is_bit_identical(rng):
    X, Y = rng.standard_normal((20, 4)).astype(np.float32), rng.integers(0, 3, 20)
    thetas = []
    for _ in range(2):
        network = build_network((4, 8, 3), keep_prob=0.7)
        cost = build_cost(network, "categorical_cross_entropy", dtype=np.float32)
        parameters = cost.parameters
        step = OPTIMIZERS["adam"]().bind(parameters.theta, parameters.grad, decayed=parameters.decayed).step
        loss_and_gradient = cost.bind(20, rng=np.random.default_rng(3))
        for t in range(1, 31):
            loss_and_gradient(X, Y)
            step(1e-2, t)
        thetas.append(cost.parameters.theta)
    np.testing.assert_array_equal(thetas[0], thetas[1])
