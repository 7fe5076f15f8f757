"""Gradient checks: dθ against central differences of J, penalties included, in float64.

The checked number is ‖a − n‖ / (‖a‖ + ‖n‖) of the analytic and the numeric gradient, at most 1e-7.
A unit within reach of ε of relu's kink would spoil the numeric side: starts are taken whose
smallest |Z| is far above ε, and biases are random, since zero biases put dead rows exactly on it.
"""

import numpy as np
import pytest
import reference
from families import ACTIVATION_CASES, KINKS, LOSS_CASES, case_id, sample_targets

from dlspec.core.initializers import INITIALIZERS

from .builders import build_cost, build_network, draw_masks, naive_activation, weights_and_biases

EPSILON = 1e-5
MARGIN = 1e-4  # a step of ε moves Z by ε times an input: below 1e-5 with the inputs here
RIGHT = 1e-7

L2, L1 = ("l2", {"lambda_": 0.7}), ("l1", {"lambda_": 0.3})
PENALTIES = {"no penalty": (), "l2": (L2,), "l1": (L1,), "l2+l1": (L2, L1)}

# `large` as it is saturates sigmoid and tanh: g' underflows, and what is left of the gradient would be
# compared with rounding errors. The gain brings its weights to N(0, 0.2²).
SETTINGS = {"large": {"gain": 0.02}, "constant": {"value": 0.3}}
STARTS = [(name, SETTINGS.get(name, {})) for name in INITIALIZERS]

# Activation and start meet only in the numbers Z. So every activation is checked from he, and every start with
# relu, which has a kink, and with tanh, which has none: 39 pairs of 195, each with all losses and penalties.
PAIRS = [
    (activation, start)
    for activation in ACTIVATION_CASES
    for start in STARTS
    if activation[0] in ("relu", "tanh") or start[0] == "he"
]


def label(case):
    return "-".join(map(case_id, case))


def relative_error(analytic, numeric):
    scale = np.linalg.norm(analytic) + np.linalg.norm(numeric)
    assert scale > 1e-3, "the gradient vanished: the ratio would compare rounding errors"
    return np.linalg.norm(analytic - numeric) / scale


def numeric_gradient(J, theta):
    """Central differences (J(θ + ε e_i) − J(θ − ε e_i)) / 2ε for every i; θ is restored."""
    numeric = np.empty_like(theta)
    for i, value in enumerate(theta.copy()):
        theta[i] = value + EPSILON
        above = J()
        theta[i] = value - EPSILON
        numeric[i] = (above - J()) / (2 * EPSILON)
        theta[i] = value
    return numeric


def smallest_hidden_Z(cost, X, activation, masks):
    """Distance of the nearest hidden unit to a kink of its activation."""
    Ws, bs = weights_and_biases(cost.parameters.values)
    Zs, _ = reference.network_forward(X, Ws, bs, naive_activation(activation)[0], masks)
    kinks = KINKS.get(activation[0], (0.0,))
    return min((np.abs(Z - kink).min() for Z in Zs[:-1] for kink in kinks), default=np.inf)


def start_off_the_kinks(network, loss, X, activation, *, penalties=(), masks=None):
    """The cost at the first random start with every hidden unit and weight away from its kink.

    A weight that is exactly 0 is no trouble: |w| is symmetric there, so both sides give 0.
    """
    for seed in range(100):
        cost = build_cost(network, loss, penalties=penalties, seed=seed)
        depth = len(cost.parameters.values) // 2
        W = cost.parameters.theta[cost.parameters.decayed]
        nearest_weight = np.abs(W[W != 0]).min(initial=np.inf)
        nearest_unit = smallest_hidden_Z(cost, X, activation, masks or [1.0] * depth)
        if nearest_unit > MARGIN and nearest_weight > 10 * EPSILON:
            return cost
    raise AssertionError("no start off the kinks among 100 seeds")


def check_all_entries(cost, loss_and_gradient, X, Y):
    """Compare every entry of dθ."""
    m = len(X)
    loss_and_gradient(X, Y)
    analytic = cost.parameters.grad.copy()
    numeric = numeric_gradient(lambda: loss_and_gradient(X, Y) + cost.penalty(m), cost.parameters.theta)
    assert relative_error(analytic, numeric) <= RIGHT


@pytest.mark.parametrize("penalties", PENALTIES.values(), ids=PENALTIES)
@pytest.mark.parametrize(("activation", "initializer"), PAIRS, ids=label)
@pytest.mark.parametrize(("loss", "units"), LOSS_CASES, ids=case_id)
def test_gradient(loss, units, activation, initializer, penalties, rng):
    network = build_network((2, 3, 2, units), activation=activation, initializer=initializer)
    X, Y = rng.standard_normal((4, 2)), sample_targets(loss, 4, units, rng)
    cost = start_off_the_kinks(network, loss, X, activation, penalties=penalties)
    check_all_entries(cost, cost.bind(4), X, Y)


@pytest.mark.parametrize("keep_probs", [(None, 0.7), (0.6, None), (0.6, 0.7)], ids=str)
@pytest.mark.parametrize("activation", ACTIVATION_CASES, ids=label)
@pytest.mark.parametrize(("loss", "units"), LOSS_CASES, ids=case_id)
def test_gradient_with_the_dropout_mask_held_fixed(loss, units, activation, keep_probs, rng):
    keep_prob, input_keep_prob = keep_probs
    sizes, m = (3, 5, 4, units), 6
    network = build_network(sizes, activation=activation, keep_prob=keep_prob, input_keep_prob=input_keep_prob)
    X, Y = rng.standard_normal((m, 3)), sample_targets(loss, m, units, rng)
    generator = np.random.default_rng(11)
    state = generator.bit_generator.state
    masks = draw_masks(np.random.default_rng(11), m, sizes, keep_prob=keep_prob, input_keep_prob=input_keep_prob)
    cost = start_off_the_kinks(network, loss, X, activation, penalties=(L2,), masks=masks)
    step = cost.bind(m, rng=generator)

    def loss_and_gradient(X, Y):
        generator.bit_generator.state = state
        return step(X, Y)

    assert any(isinstance(mask, np.ndarray) and (mask == 0).any() for mask in masks)
    check_all_entries(cost, loss_and_gradient, X, Y)


@pytest.mark.parametrize("activation", ACTIVATION_CASES, ids=label)
@pytest.mark.parametrize(("loss", "units"), LOSS_CASES, ids=case_id)
def test_gradient_of_a_bigger_network_along_random_directions(loss, units, activation, rng):
    network = build_network((20, 25, 15, 10, units), activation=activation)
    X, Y = rng.standard_normal((8, 20)), sample_targets(loss, 8, units, rng)
    cost = start_off_the_kinks(network, loss, X, activation, penalties=(L2, L1))
    theta, step = cost.parameters.theta, cost.bind(8)
    step(X, Y)
    start, gradient = theta.copy(), cost.parameters.grad.copy()
    directions = rng.standard_normal((10, theta.size))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)

    def J(point):
        theta[:] = point
        return step(X, Y) + cost.penalty(8)

    numeric = [(J(start + EPSILON * d) - J(start - EPSILON * d)) / (2 * EPSILON) for d in directions]
    assert relative_error(directions @ gradient, np.array(numeric)) <= RIGHT


def test_the_check_finds_a_wrong_gradient(rng):
    """The proof that the tests above can fail: one entry of dθ off by a thousandth."""
    network, X = build_network((2, 3, 1)), rng.standard_normal((4, 2))
    cost = build_cost(network, "squared_error")
    Y, step = rng.standard_normal((4, 1)), cost.bind(4)

    def wrong_step(X, Y):
        loss = step(X, Y)
        cost.parameters.grad[np.abs(cost.parameters.grad).argmax()] *= 1.001
        return loss

    check_all_entries(cost, step, X, Y)
    with pytest.raises(AssertionError):
        check_all_entries(cost, wrong_step, X, Y)


@pytest.mark.parametrize(("loss", "units"), LOSS_CASES, ids=case_id)
def test_gradient_without_hidden_layers_at_zeros(loss, units, rng):
    """Logistic, softmax and linear regression start at W = 0, where L1 has its kink."""
    X, Y = rng.standard_normal((6, 3)), sample_targets(loss, 6, units, rng)
    for penalties in PENALTIES.values():
        cost = build_cost(build_network((3, units), initializer=("zeros", {})), loss, penalties=penalties)
        check_all_entries(cost, cost.bind(6), X, Y)
