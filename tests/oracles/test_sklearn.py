"""dlspec against scikit-learn, from the same start. `pytest -m oracle tests/oracles` runs these; they need sklearn.

scikit-learn's MLP has an L2 penalty whose `alpha` is our λ, momentum without (1 − β), and an Adam whose ε stands beside
the uncorrected √s. Its `loss_curve_` is J, the penalty included. LogisticRegression and Ridge give an optimum, not
steps: there our gradient must vanish.
"""

import warnings

import numpy as np
import pytest

from dlspec.core.activations import ACTIVATIONS
from dlspec.core.cost import Cost, Penalty
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import Dense, Elementwise
from dlspec.core.losses import LOSSES
from dlspec.core.network import Network
from dlspec.core.optimizers import OPTIMIZERS
from dlspec.core.regularizers import REGULARIZERS

pytestmark = pytest.mark.oracle

HIDDEN, EXAMPLES, STEPS, LAMBDA, RTOL = (8, 5), 40, 20, 0.7, 1e-6

# Settings of scikit-learn, our optimiser and its settings, and our α for its 0.01.
SOLVERS = [
    ({"solver": "sgd", "momentum": 0.0}, "sgd", {}, 0.01),
    ({"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False}, "momentum", {}, 0.1),
    ({"solver": "sgd", "momentum": 0.8}, "momentum", {"beta": 0.8, "nesterov": True}, 0.05),
    # ε beside √s is ε/√(1 − β2ᵗ) beside √ŝ, another one each step: so small a one plays no part.
    ({"solver": "adam", "epsilon": 1e-20}, "adam", {"epsilon": 1e-20}, 0.01),
]


def data(loss):
    rng = np.random.RandomState(6)
    X = rng.standard_normal((EXAMPLES, 6))
    score = X[:, 0] - X[:, 1] * X[:, 2] + 0.5 * rng.standard_normal(EXAMPLES)
    if loss == "squared_error":
        return X, score
    return X, np.digitize(score, [0.0] if loss == "binary_cross_entropy" else [-0.5, 0.5])


def our_cost(loss, units, coefs, intercepts, *, activation="relu"):
    """The cost with scikit-learn's parameters: its `coefs_` are Wᵀ."""
    layers = []
    for W in coefs:
        layers += [Dense(W.shape[1], initializer=INITIALIZERS["zeros"]()), Elementwise(ACTIVATIONS[activation]())]
    network = Network(layers[:-1], in_shape=(len(coefs[0]),))
    assert network.out_shape == (units,)
    parameters = network.parameters(dtype=np.float64)
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True), start=1):
        parameters.values[f"W{layer}"][...] = W.T
        parameters.values[f"b{layer}"][...] = b
    penalties = [Penalty(REGULARIZERS["l2"](lambda_=LAMBDA), parameters.decayed)]
    return Cost(network=network, loss=LOSSES[loss](), penalties=penalties, parameters=parameters)


def as_targets(loss, y):
    return y[:, np.newaxis] if loss == "squared_error" else y


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(
    ("loss", "units"), [("squared_error", 1), ("binary_cross_entropy", 1), ("categorical_cross_entropy", 3)]
)
@pytest.mark.parametrize(("settings", "optimizer", "our_settings", "alpha"), SOLVERS, ids=str)
def test_twenty_steps_of_its_mlp(loss, units, activation, settings, optimizer, our_settings, alpha):
    neural_network = pytest.importorskip("sklearn.neural_network")
    model = neural_network.MLPRegressor if loss == "squared_error" else neural_network.MLPClassifier
    X, y = data(loss)

    def fitted(**more):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that 20 steps are few
            return model(
                **{
                    "hidden_layer_sizes": HIDDEN,
                    "activation": activation,
                    "alpha": LAMBDA,
                    "batch_size": EXAMPLES,
                    "shuffle": False,
                    "n_iter_no_change": 10 * STEPS,
                    "learning_rate_init": 0.01,
                    "max_iter": STEPS,
                    "random_state": 1,
                }
                | settings
                | more
            ).fit(X, y)

    start = fitted(learning_rate_init=1e-300, max_iter=1)  # one step of nothing: the start values
    theirs = fitted()

    cost = our_cost(loss, units, start.coefs_, start.intercepts_, activation=activation)
    parameters, step = cost.parameters, cost.bind(EXAMPLES)
    update = (
        OPTIMIZERS[optimizer](**our_settings).bind(parameters.theta, parameters.grad, decayed=parameters.decayed).step
    )
    curve = []
    for t in range(1, STEPS + 1):
        penalty = cost.penalty(EXAMPLES)
        curve.append(step(X, as_targets(loss, y), None) + penalty)
        update(alpha, t)

    np.testing.assert_allclose(curve, theirs.loss_curve_, rtol=RTOL)
    for layer, (W, b) in enumerate(zip(theirs.coefs_, theirs.intercepts_, strict=True), start=1):
        np.testing.assert_allclose(parameters.values[f"W{layer}"], W.T, rtol=RTOL, atol=1e-12)
        np.testing.assert_allclose(parameters.values[f"b{layer}"], b, rtol=RTOL, atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "units"), [("squared_error", 1), ("binary_cross_entropy", 1), ("categorical_cross_entropy", 3)]
)
def test_our_gradient_vanishes_at_its_optimum(loss, units):
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, y = data(loss)
    if loss == "squared_error":  # Σ(y − ŷ)² + alpha ‖w‖²: alpha is λ
        model = linear_model.Ridge(alpha=LAMBDA)
    else:  # C Σ loss + ½ ‖w‖²: C is 1/λ
        model = linear_model.LogisticRegression(C=1 / LAMBDA, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    model.fit(X, y)
    cost = our_cost(loss, units, [np.atleast_2d(model.coef_).T], [np.atleast_1d(model.intercept_)])
    gradient = cost.parameters.grad
    cost.bind(EXAMPLES)(X, as_targets(loss, y), None)
    at_optimum = np.linalg.norm(gradient)
    cost.parameters.theta[:] = 0.0
    cost.bind(EXAMPLES)(X, as_targets(loss, y), None)
    assert at_optimum <= RTOL * np.linalg.norm(gradient)
