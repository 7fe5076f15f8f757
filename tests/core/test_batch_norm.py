"""Batch normalisation: the formulas, the running averages, and networks that use it."""

import numpy as np
import pytest
import reference
from families import ACTIVATION_CASES, LOSS_CASES, case_id, sample_targets

from dlspec.core.activations import ACTIVATIONS
from dlspec.core.arrays import scratch_for
from dlspec.core.cost import Cost, Penalty
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import BatchNorm, Binding, Dense, Dropout, Elementwise
from dlspec.core.losses import LOSSES
from dlspec.core.network import Network
from dlspec.core.regularizers import REGULARIZERS

from .test_cost_gradients import check_all_entries

STATISTICS = ("mean", "variance", "t")
EPSILON = 1e-5

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
each_position = pytest.mark.parametrize("position", ["before", "after"])


def bound(rng, batch, units, *, dtype=np.float64, training=True, layer=None, values=None):
    """A bound layer with random γ and β, and the values and gradients it works on."""
    layer = layer or BatchNorm()
    if values is None:
        values = {name: np.zeros(units if name != "t" else 1, dtype) for name in ("gamma", "beta", *STATISTICS)}
        layer.initialize(values, rng)
        values["gamma"] += rng.standard_normal(units).astype(dtype)
        values["beta"] += rng.standard_normal(units).astype(dtype)
    gradients = {name: np.full(units, np.nan, dtype) for name in ("gamma", "beta")}
    to = Binding(
        values=values,
        gradients=gradients,
        in_shape=(units,),
        batch=batch,
        dtype=dtype,
        training=training,
        input_gradient=np.empty((batch, units), dtype),
        scratch=scratch_for(batch * units, dtype),
        rng=None,
    )
    return layer.bind(to), values, gradients


@each_dtype
@pytest.mark.parametrize(("batch", "units"), [(2, 1), (2, 4), (33, 1), (64, 7)])
def test_forward_and_backward_are_the_formulas(batch, units, dtype, rng):
    part, values, gradients = bound(rng, batch, units, dtype=dtype)
    Z = (3 * rng.standard_normal((batch, units)) + 1).astype(dtype)
    d_out = rng.standard_normal((batch, units)).astype(dtype)
    Z64, d64, gamma = Z.astype(np.float64), d_out.astype(np.float64), values["gamma"].astype(np.float64)
    tolerance = {"rtol": 1e-10, "atol": 1e-11} if dtype == np.float64 else {"rtol": 1e-3, "atol": 2e-4}
    out = part.forward(Z)
    np.testing.assert_allclose(out, reference.batch_norm(Z64, gamma, values["beta"], EPSILON), **tolerance)
    dZ, dgamma, dbeta = reference.batch_norm_backward(d64, Z64, gamma, EPSILON)
    np.testing.assert_allclose(part.backward(d_out), dZ, **tolerance)
    np.testing.assert_allclose(gradients["gamma"], dgamma, **tolerance)
    np.testing.assert_allclose(gradients["beta"], dbeta, **tolerance)
    assert out.dtype == gradients["gamma"].dtype == gradients["beta"].dtype == dtype


def test_output_has_mean_beta_and_standard_deviation_gamma(rng):
    part, values, _ = bound(rng, 4096, 3)
    out = part.forward(5 * rng.standard_normal((4096, 3)) - 2)
    np.testing.assert_allclose(out.mean(axis=0), values["beta"], atol=1e-12)
    np.testing.assert_allclose(out.std(axis=0), np.abs(values["gamma"]), rtol=1e-6)


def test_running_averages_are_the_corrected_ewma(rng):
    layer = BatchNorm(momentum=0.9)
    part, values, _ = bound(rng, 8, 2, layer=layer)
    batches = rng.standard_normal((3, 8, 2))
    for Z in batches:
        part.forward(Z.copy())
    # V_t = 0.9 V_{t−1} + 0.1 μ_t, corrected by 1 − 0.9³ = 0.271
    weights = np.array([0.081, 0.09, 0.1]) / 0.271
    mean = np.tensordot(weights, batches.mean(axis=1), 1)
    variance = np.tensordot(weights, batches.var(axis=1), 1)
    assert values["t"][0] == 3
    evaluation, _, _ = bound(rng, 5, 2, layer=layer, values=values, training=False)
    Z = rng.standard_normal((5, 2))
    expected = values["gamma"] * (Z - mean) / np.sqrt(variance + EPSILON) + values["beta"]
    np.testing.assert_allclose(evaluation.forward(Z.copy()), expected, rtol=1e-12)


def test_after_one_batch_evaluation_is_that_batch(rng):
    part, values, _ = bound(rng, 16, 3)
    Z = rng.standard_normal((16, 3))
    trained = part.forward(Z.copy()).copy()
    evaluation, _, _ = bound(rng, 16, 3, values=values, training=False)
    np.testing.assert_allclose(evaluation.forward(Z.copy()), trained, rtol=1e-10, atol=1e-12)


def test_before_the_first_step_evaluation_only_scales(rng):
    evaluation, values, _ = bound(rng, 4, 2, training=False)
    Z = rng.standard_normal((4, 2))
    np.testing.assert_array_equal(evaluation.forward(Z.copy()), Z * values["gamma"] + values["beta"])


def test_evaluation_changes_no_statistics(rng):
    evaluation, values, _ = bound(rng, 4, 2, training=False)
    before = {name: values[name].copy() for name in STATISTICS}
    evaluation.forward(rng.standard_normal((4, 2)))
    for name in STATISTICS:
        np.testing.assert_array_equal(values[name], before[name])


def test_a_batch_of_one_is_refused(rng):
    with pytest.raises(ValueError, match="at least 2 examples in every batch; found 1"):
        bound(rng, 1, 3)


def normalised_network(position, *, activation=("tanh", {}), units=3, keep_prob=None):
    """4 → 6 → 5 → units with batch normalisation in both hidden layers, dropout after it."""
    start = INITIALIZERS["he"]()
    layers = []
    for width in (6, 5):
        norm, g = BatchNorm(), Elementwise(ACTIVATIONS[activation[0]](**activation[1]))
        layers.append(Dense(width, initializer=start, bias=position == "after"))
        layers += [norm, g] if position == "before" else [g, norm]
        layers += [] if keep_prob is None else [Dropout(keep_prob=keep_prob)]
    return Network([*layers, Dense(units, initializer=start)], in_shape=(4,))


def cost_of(network, loss, seed=0):
    parameters = network.parameters(dtype=np.float64)
    rng = np.random.default_rng(seed)
    network.initialize(parameters, rng)
    parameters.theta += 0.3 * rng.standard_normal(parameters.theta.size)
    penalties = [Penalty(REGULARIZERS["l2"](lambda_=0.7), parameters.decayed)]
    return Cost(network=network, loss=LOSSES[loss](), penalties=penalties, parameters=parameters)


def test_parameters_are_named_by_their_layer_and_b_is_left_out():
    parameters = normalised_network("before").parameters(dtype=np.float32)
    names = ["W1", "W2", "W3", "gamma1", "beta1", "gamma2", "beta2", "b3"]
    statistics = ["mean1", "variance1", "t1", "mean2", "variance2", "t2"]
    assert list(parameters.gradients) == names
    assert list(parameters.values) == names + statistics
    assert len(parameters.theta) == 4 * 6 + 6 * 5 + 5 * 3 + 2 * 6 + 2 * 5 + 3
    assert len(parameters.vector) == len(parameters.theta) + 2 * 6 + 1 + 2 * 5 + 1
    assert "b1" in normalised_network("after").parameters(dtype=np.float32).values


@each_position
@pytest.mark.parametrize(("loss", "units"), LOSS_CASES, ids=case_id)
@pytest.mark.parametrize("batch", [2, 7])
def test_gradient_check(position, loss, units, batch, rng):
    cost = cost_of(normalised_network(position, units=units), loss)
    X, Y = rng.standard_normal((batch, 4)), sample_targets(loss, batch, units, rng)
    check_all_entries(cost, cost.bind(batch), X, Y)


@each_position
@pytest.mark.parametrize("activation", ACTIVATION_CASES, ids=lambda case: "-".join(map(case_id, case)))
def test_gradient_check_with_every_activation(position, activation, rng):
    X, Y = rng.standard_normal((7, 4)), rng.integers(0, 3, 7)
    cost = cost_of(normalised_network(position, activation=activation), "categorical_cross_entropy")
    check_all_entries(cost, cost.bind(7), X, Y)


@each_position
def test_gradient_check_with_dropout_behind_it(position, rng):
    cost = cost_of(normalised_network(position, keep_prob=0.7), "categorical_cross_entropy")
    X, Y = rng.standard_normal((9, 4)), rng.integers(0, 3, 9)
    masks = np.random.default_rng(5)
    state = masks.bit_generator.state
    bound_step = cost.bind(9, rng=masks)

    def step(X, Y):
        masks.bit_generator.state = state
        return bound_step(X, Y)

    check_all_entries(cost, step, X, Y)


def test_training_converges_and_evaluation_agrees_with_it(rng):
    network = normalised_network("before")
    cost = cost_of(network, "categorical_cross_entropy")
    X = rng.standard_normal((64, 4))
    Y = (X[:, 0] > 0).astype(np.intp) + (X[:, 1] > 0)
    step = cost.bind(64)
    losses = []
    for _ in range(300):
        losses.append(step(X, Y))
        cost.parameters.theta -= 0.3 * cost.parameters.grad
    logits = network.bind(cost.parameters, batch=64, training=False).forward(X)
    assert losses[-1] < 0.2 < losses[0]
    assert (logits.argmax(axis=1) == Y).mean() > 0.95
