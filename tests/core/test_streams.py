"""Two streams: the cost, gradient and steps of one, from two threads."""

import warnings

import numpy as np
import pytest
from families import LOSS_CASES, OPTIMIZER_CASES, case_id, sample_targets

from dlspec.core.arrays import BLOCK
from dlspec.core.cost import Cost, Penalty
from dlspec.core.layers import BatchNorm
from dlspec.core.network import Network
from dlspec.core.optimizers import OPTIMIZERS
from dlspec.core.regularizers import L2
from dlspec.core.streams import InHalves, Second, TwoStreamCost

from .builders import build_cost, build_network
from .test_no_allocation import peak_of


def in_two(cost, penalties=()):
    """The same cost over the same parameters, in two streams."""
    return TwoStreamCost(network=cost.network, loss=cost.loss, penalties=penalties, parameters=cost.parameters)


@pytest.mark.parametrize(("loss", "units"), LOSS_CASES, ids=case_id)
@pytest.mark.parametrize("batch", [1, 2, 3, 16, 33])
@pytest.mark.parametrize("weighted", [False, True])
def test_cost_and_gradient_are_those_of_one_stream(loss, units, batch, weighted, rng):
    one = build_cost(build_network((4, 6, 5, units)), loss)
    penalties = [Penalty(L2(lambda_=0.7), one.parameters.decayed)]
    one = Cost(network=one.network, loss=one.loss, penalties=penalties, parameters=one.parameters)
    X, Y = rng.standard_normal((batch, 4)), sample_targets(loss, batch, units, rng)
    w = rng.uniform(0.5, 2.0, batch) if weighted else None
    expected = one.bind(batch)(X, Y, w)
    gradient = one.parameters.grad.copy()
    one.parameters.grad[...] = np.nan
    step = in_two(one, penalties).bind(batch)
    found = step(X, Y, w)
    assert found == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(one.parameters.grad, gradient, rtol=1e-9, atol=1e-13)
    first = one.parameters.grad.tobytes()
    assert all((step(X, Y, w), one.parameters.grad.tobytes()) == (found, first) for _ in range(5))


@pytest.mark.parametrize(("name", "settings"), OPTIMIZER_CASES, ids=case_id)
@pytest.mark.parametrize("size", [1, 15, 40, 2 * BLOCK + 3])
@pytest.mark.parametrize("weights", [0.0, 0.3, 0.9, 1.0])
def test_steps_in_halves_are_the_same_bits(name, settings, size, weights, rng):
    theta, decayed = rng.standard_normal(size).astype(np.float32), slice(0, int(weights * size))
    gradients = rng.standard_normal((3, size)).astype(np.float32)
    results = []
    for optimizer in (OPTIMIZERS[name](**settings), InHalves(OPTIMIZERS[name](**settings))):
        own, grad = theta.copy(), np.empty_like(theta)
        bound = optimizer.bind(own, grad, decayed=decayed)
        for t, gradient in enumerate(gradients, start=1):
            grad[...] = gradient
            bound.step(0.01, t)
        results.append((own, bound.state))
    (one, averages), (two, in_halves) = results
    np.testing.assert_array_equal(one, two)
    assert list(averages) == list(in_halves)
    for key, average in averages.items():
        assert in_halves[key].shape == (size,)
        np.testing.assert_array_equal(average, in_halves[key])


def test_batch_normalisation_is_refused():
    layers = [placed.layer for placed in build_network((4, 3)).placed]
    cost = build_cost(Network([*layers, BatchNorm()], in_shape=(4,)), "squared_error")
    with pytest.raises(ValueError, match="whole mini-batch"):
        in_two(cost)


def test_dropout_is_refused(rng):
    cost = build_cost(build_network((4, 5, 3), keep_prob=0.5), "squared_error")
    with pytest.raises(ValueError, match="random generator"):
        in_two(cost).bind(8, rng=rng)


def test_what_goes_wrong_in_the_second_thread_is_raised_here():
    def fail():
        raise MemoryError("no room")

    second = Second()
    with pytest.raises(MemoryError, match="no room"):
        second.beside(lambda: 1, fail)
    assert second.beside(lambda: 1, lambda: 2) == (1, 2)


def test_numpy_does_not_warn_from_the_second_thread(rng):
    cost = build_cost(build_network((4, 5, 3)), "squared_error")
    cost.parameters.theta[...] = 1e200
    step = in_two(cost).bind(8)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        assert not np.isfinite(step(rng.standard_normal((8, 4)) * 1e200, rng.standard_normal((8, 3))))


def test_a_step_allocates_nothing(rng):
    cost = in_two(build_cost(build_network((200, 210, 220, 10)), "categorical_cross_entropy", dtype=np.float32))
    parameters = cost.parameters
    X, Y = rng.standard_normal((100, 200)).astype(np.float32), rng.integers(0, 10, 100)
    loss_and_gradient = cost.bind(100)
    optimizer = InHalves(OPTIMIZERS["adam"]())
    step = optimizer.bind(parameters.theta, parameters.grad, decayed=parameters.decayed).step

    def train(t):
        loss_and_gradient(X, Y)
        step(1e-3, t)

    # NumPy broadcasts through a buffer of 34 kB, and both threads may have one at the same time.
    assert peak_of(train) < 96 * 1024
