"""Networks: agreement with the naive network, a network worked by hand, and what plans promise."""

import numpy as np
import pytest
import reference
from families import ACTIVATION_CASES, LOSS_CASES, case_id, sample_targets

from dlspec.core.activations import ACTIVATIONS
from dlspec.core.cost import Cost, Penalty
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import Dense, Dropout, Elementwise
from dlspec.core.losses import LOSSES
from dlspec.core.network import Network
from dlspec.core.regularizers import REGULARIZERS

from .builders import build_cost, build_network, draw_masks, naive_loss_and_gradient, weights_and_biases

TOLERANCES = {np.float64: {"rtol": 1e-11, "atol": 1e-13}, np.float32: {"rtol": 1e-4, "atol": 1e-5}}

each_activation = pytest.mark.parametrize("activation", ACTIVATION_CASES, ids=lambda case: "-".join(map(case_id, case)))
each_loss = pytest.mark.parametrize(("loss", "units"), LOSS_CASES, ids=case_id)
each_dtype = pytest.mark.parametrize("dtype", TOLERANCES)


@each_activation
@each_loss
@each_dtype
def test_loss_and_gradient_are_those_of_the_naive_network(activation, loss, units, dtype, rng):
    cost = build_cost(build_network((4, 6, 5, units), activation=activation), loss, dtype=dtype)
    X, Y = rng.standard_normal((8, 4)).astype(dtype), sample_targets(loss, 8, units, rng)
    value = cost.bind(8)(X, Y)
    expected, dWs, dbs = naive_loss_and_gradient(cost.parameters, X, Y, activation=activation, loss=loss)
    np.testing.assert_allclose(value, expected, **TOLERANCES[dtype])
    assert cost.parameters.grad.dtype == dtype
    for actual, exact in zip(weights_and_biases(cost.parameters.gradients), (dWs, dbs), strict=True):
        for layer_actual, layer_exact in zip(actual, exact, strict=True):
            np.testing.assert_allclose(layer_actual, layer_exact, **TOLERANCES[dtype])


@each_dtype
def test_dropout_multiplies_the_inputs_of_the_layers(dtype, rng):
    sizes, keep = (4, 6, 5, 3), {"keep_prob": 0.6, "input_keep_prob": 0.8}
    cost = build_cost(build_network(sizes, **keep), "categorical_cross_entropy", dtype=dtype)
    X, Y = rng.standard_normal((8, 4)).astype(dtype), rng.integers(0, 3, 8)
    value = cost.bind(8, rng=np.random.default_rng(1))(X, Y)
    masks = draw_masks(np.random.default_rng(1), 8, sizes, **keep)
    expected, dWs, dbs = naive_loss_and_gradient(
        cost.parameters, X, Y, activation=("tanh", {}), loss="categorical_cross_entropy", masks=masks
    )
    np.testing.assert_allclose(value, expected, **TOLERANCES[dtype])
    for actual, exact in zip(weights_and_biases(cost.parameters.gradients), (dWs, dbs), strict=True):
        for layer_actual, layer_exact in zip(actual, exact, strict=True):
            np.testing.assert_allclose(layer_actual, layer_exact, **TOLERANCES[dtype])


@pytest.mark.parametrize(
    ("batch", "sizes"), [(1, (4, 3, 1)), (5, (1, 3, 1)), (5, (4, 1, 1)), (1, (1, 1, 1)), (5, (4, 1))], ids=str
)
@pytest.mark.parametrize("loss", LOSSES)
def test_edge_sizes(batch, sizes, loss, rng):
    units = 2 if loss == "categorical_cross_entropy" else 1
    cost = build_cost(build_network((*sizes[:-1], units)), loss)
    X, Y = rng.standard_normal((batch, sizes[0])), sample_targets(loss, batch, units, rng)
    value = cost.bind(batch)(X, Y)
    expected, dWs, dbs = naive_loss_and_gradient(cost.parameters, X, Y, activation=("tanh", {}), loss=loss)
    assert value == pytest.approx(expected, rel=1e-12)
    for actual, exact in zip(weights_and_biases(cost.parameters.gradients), (dWs, dbs), strict=True):
        for layer_actual, layer_exact in zip(actual, exact, strict=True):
            np.testing.assert_allclose(layer_actual, layer_exact, rtol=1e-11, atol=1e-14)


def test_tiny_network_worked_by_hand():
    """Two inputs, two relu units, one linear output, ½ squared error, λ2 = λ1 = ½, two examples."""
    he = INITIALIZERS["he"]()
    network = Network(
        [Dense(2, initializer=he), Elementwise(ACTIVATIONS["relu"]()), Dense(1, initializer=he)], in_shape=(2,)
    )
    parameters = network.parameters(dtype=np.float64)
    parameters.values["W1"][:] = [[1, -1], [0.5, 0.5]]
    parameters.values["b1"][:] = [0, -0.5]
    parameters.values["W2"][:] = [[1, -2]]
    parameters.values["b2"][:] = [1]
    penalties = [Penalty(REGULARIZERS[name](lambda_=0.5), parameters.decayed) for name in ("l2", "l1")]
    cost = Cost(network=network, loss=LOSSES["squared_error"](), penalties=penalties, parameters=parameters)
    X, Y = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[1.0], [2.0]])

    # Z1 = X W1ᵀ + b1 = [[−1, 1], [4, ½]], A1 = [[0, 1], [4, ½]], Ŷ = A1 W2ᵀ + b2 = [[−1], [4]]
    plan = network.bind(parameters, batch=2, training=False)
    np.testing.assert_array_equal(plan.forward(X), [[-1], [4]])
    # loss = ½ ((−1 − 1)² + (4 − 2)²) / 2 = 2
    assert cost.bind(2)(X, Y) == 2.0
    # λ2/2m Σ w² = ⅛ · (1 + 1 + ¼ + ¼ + 1 + 4) = 0.9375; λ1/m Σ |w| = ¼ · (1 + 1 + ½ + ½ + 1 + 2) = 1.5
    assert cost.penalty(2) == 0.9375 + 1.5
    # dZ2 = (Ŷ − Y)/2 = [[−1], [1]]: dW2 = dZ2ᵀ A1 = [4, −½], and penalties ¼ w + ¼ sign(w) = [½, −¾]; db2 = 0
    np.testing.assert_array_equal(parameters.gradients["W2"], [[4.5, -1.25]])
    np.testing.assert_array_equal(parameters.gradients["b2"], [0])
    # dA1 = dZ2 W2 = [[−1, 2], [1, −2]], dZ1 = dA1 ⊙ [Z1 > 0] = [[0, 2], [1, −2]]
    # dW1 = dZ1ᵀ X = [[3, −1], [−4, 6]], and penalties [[½, −½], [⅜, ⅜]]; db1 = [1, 0]
    np.testing.assert_array_equal(parameters.gradients["W1"], [[3.5, -1.5], [-3.625, 6.375]])
    np.testing.assert_array_equal(parameters.gradients["b1"], [1, 0])


def test_a_deep_linear_network_is_a_linear_one(rng):
    deep = build_network((4, 6, 5, 3), activation=("linear", {}))
    deep_parameters = build_cost(deep, "squared_error").parameters
    (W1, W2, W3), (b1, b2, b3) = weights_and_biases(deep_parameters.values)
    shallow = build_network((4, 3))
    parameters = shallow.parameters(dtype=np.float64)
    parameters.values["W1"][:] = W3 @ W2 @ W1
    parameters.values["b1"][:] = W3 @ (W2 @ b1 + b2) + b3
    X = rng.standard_normal((9, 4))
    np.testing.assert_allclose(
        deep.bind(deep_parameters, batch=9, training=False).forward(X),
        shallow.bind(parameters, batch=9, training=False).forward(X),
        rtol=1e-12,
        atol=1e-13,
    )


def test_logistic_regression_gives_sigmoid_of_minus_9():
    network = build_network((2, 1))
    parameters = network.parameters(dtype=np.float64)
    parameters.values["W1"][:] = [[3, -2]]  # ŷ = σ(1 + 3x1 − 2x2) at x = (−2, 2)
    parameters.values["b1"][:] = [1]
    Z = network.bind(parameters, batch=1, training=False).forward(np.array([[-2.0, 2.0]]))
    Y_hat = LOSSES["binary_cross_entropy"]().predict(Z)
    assert Y_hat[0, 0] == pytest.approx(1.2339457598623172e-04, rel=1e-15)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("input_keep_prob", [None, 0.5])
@each_activation
def test_the_data_are_left_as_they_are(training, input_keep_prob, activation, rng):
    network = build_network((4, 5, 3), activation=activation, input_keep_prob=input_keep_prob)
    parameters = build_cost(network, "squared_error").parameters
    X = rng.standard_normal((6, 4))
    before = X.copy()
    plan = network.bind(parameters, batch=6, training=training, rng=rng)
    Z = plan.forward(X)
    if training:
        plan.backward(Z.copy())
    np.testing.assert_array_equal(X, before)
    assert not np.shares_memory(Z, X)


def test_gradients_are_written_not_added(rng):
    penalties = [("l2", {"lambda_": 0.7}), ("l1", {"lambda_": 0.3})]
    cost = build_cost(build_network((4, 5, 3)), "categorical_cross_entropy", penalties=penalties)
    X, Y = rng.standard_normal((6, 4)), rng.integers(0, 3, 6)
    step = cost.bind(6)
    cost.parameters.grad[:] = np.nan
    first = step(X, Y)
    once = cost.parameters.grad.copy()
    second = step(X, Y)
    assert np.isfinite(once).all()
    assert first == second
    np.testing.assert_array_equal(cost.parameters.grad, once)


def test_plans_of_two_batch_sizes_share_theta_but_no_buffer(rng):
    cost = build_cost(build_network((4, 5, 3), activation=("relu", {})), "categorical_cross_entropy")
    parameters = cost.parameters
    X, Y = rng.standard_normal((9, 4)), rng.integers(0, 3, 9)
    whole, first, last = cost.bind(9), cost.bind(6), cost.bind(3)
    parameters.theta[:] = rng.standard_normal(parameters.theta.size)  # after the plans were bound
    loss = whole(X, Y)
    gradient = parameters.grad.copy()
    first_loss = first(X[:6], Y[:6])
    first_gradient = parameters.grad.copy()
    last_loss = last(X[6:], Y[6:])
    assert loss == pytest.approx((6 * first_loss + 3 * last_loss) / 9, rel=1e-13)
    np.testing.assert_allclose(gradient, (6 * first_gradient + 3 * parameters.grad) / 9, rtol=1e-12, atol=1e-15)


def test_a_plan_keeps_its_activations_while_another_plan_runs(rng):
    network = build_network((4, 5, 3), activation=("sigmoid", {}))
    parameters = build_cost(network, "squared_error").parameters
    X, dZ = rng.standard_normal((6, 4)), rng.standard_normal((6, 3))
    plan = network.bind(parameters, batch=6, training=True)
    other = network.bind(parameters, batch=6, training=True)
    plan.forward(X)
    plan.backward(dZ.copy())
    expected = parameters.grad.copy()
    plan.forward(X)
    other.forward(rng.standard_normal((6, 4)))
    other.backward(rng.standard_normal((6, 3)))
    plan.backward(dZ.copy())
    np.testing.assert_array_equal(parameters.grad, expected)


@pytest.mark.parametrize("batch", [1, 5])
def test_layers_after_the_last_weights_may_be_the_widest(batch, rng):
    layers = [
        Dense(2, initializer=INITIALIZERS["he"]()),
        Dropout(keep_prob=1.0),
        Dense(7, initializer=INITIALIZERS["he"]()),
        Elementwise(ACTIVATIONS["linear"]()),
    ]
    network = Network(layers, in_shape=(3,))
    parameters = network.parameters(dtype=np.float64)
    network.initialize(parameters, rng)
    plan = network.bind(parameters, batch=batch, training=True, rng=rng)
    X, dZ = rng.standard_normal((batch, 3)), rng.standard_normal((batch, 7))
    W1, W2 = parameters.values["W1"], parameters.values["W2"]
    np.testing.assert_allclose(plan.forward(X), X @ W1.T @ W2.T, atol=1e-12)
    plan.backward(dZ.copy())
    np.testing.assert_allclose(parameters.gradients["W2"], dZ.T @ (X @ W1.T), atol=1e-12)
    np.testing.assert_allclose(parameters.gradients["W1"], (dZ @ W2).T @ X, atol=1e-12)


def test_evaluation_leaves_dropout_out(rng):
    network = build_network((4, 5, 3), activation=("relu", {}), keep_prob=0.5, input_keep_prob=0.5)
    plain = build_network((4, 5, 3), activation=("relu", {}))
    parameters = build_cost(network, "squared_error").parameters
    X = rng.standard_normal((6, 4))
    np.testing.assert_array_equal(
        network.bind(parameters, batch=6, training=False).forward(X),
        plain.bind(parameters, batch=6, training=False).forward(X),
    )


def test_parameters_are_named_by_the_layers_that_have_any():
    network = build_network((4, 5, 3, 2), keep_prob=0.5, input_keep_prob=0.9)
    parameters = network.parameters(dtype=np.float32)
    assert network.out_shape == (2,)
    assert list(parameters.values) == ["W1", "W2", "W3", "b1", "b2", "b3"]
    assert parameters.theta.dtype == np.float32
    assert [parameters.values[f"W{layer}"].shape for layer in (1, 2, 3)] == [(5, 4), (3, 5), (2, 3)]


def test_layers_start_in_order_from_one_generator():
    network = build_network((4, 5, 3), initializer=("small", {}))
    parameters = network.parameters(dtype=np.float64)
    parameters.theta[:] = 9.0
    network.initialize(parameters, np.random.default_rng(2))
    normal = np.random.default_rng(2).standard_normal(4 * 5 + 5 * 3)
    np.testing.assert_allclose(parameters.values["W1"], 0.01 * normal[:20].reshape(5, 4), rtol=1e-15)
    np.testing.assert_allclose(parameters.values["W2"], 0.01 * normal[20:].reshape(3, 5), rtol=1e-15)
    np.testing.assert_array_equal(parameters.values["b1"], np.zeros(5))
    np.testing.assert_array_equal(parameters.values["b2"], np.zeros(3))


@pytest.mark.parametrize(
    ("before", "owner"),
    [([], "the data"), ([Dropout(keep_prob=0.5)], "Dropout")],
)
def test_a_network_that_would_overwrite_what_others_read_is_refused(before, owner):
    with pytest.raises(ValueError, match=f"overwrite the output of {owner}; put it right after Dense"):
        Network([*before, Elementwise(ACTIVATIONS["relu"]())], in_shape=(4,))


def test_two_activations_in_a_row_are_refused():
    dense, relu = Dense(3, initializer=INITIALIZERS["he"]()), Elementwise(ACTIVATIONS["relu"]())
    with pytest.raises(ValueError, match="overwrite the output of Elementwise"):
        Network([dense, relu, Elementwise(ACTIVATIONS["sigmoid"]())], in_shape=(4,))


def test_penalty_is_the_sum_over_the_weights_only(rng):
    penalties = [("l2", {"lambda_": 0.7}), ("l1", {"lambda_": 0.3})]
    cost = build_cost(build_network((4, 5, 3)), "squared_error", penalties=penalties)
    Ws, _ = weights_and_biases(cost.parameters.values)
    expected = sum(reference.l2(W, 6, 0.7) + reference.l1(W, 6, 0.3) for W in Ws)
    assert cost.penalty(6) == pytest.approx(expected, rel=1e-14)
    cost.parameters.theta[cost.parameters.decayed.stop :] = rng.standard_normal(8)  # the biases
    assert cost.penalty(6) == pytest.approx(expected, rel=1e-14)
    assert build_cost(build_network((4, 5, 3)), "squared_error").penalty(6) == 0
