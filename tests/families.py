"""Every member of every family in `dlspec.core` with sample settings: one place, used by all tests.

A new member needs a row here and a naive version in `reference.py`; `core/test_families.py` fails
until it has both. Then the tests of its family run for it.
"""

from dlspec.core.activations import ACTIVATIONS
from dlspec.core.decay import DECAYS
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.losses import LOSSES
from dlspec.core.optimizers import OPTIMIZERS
from dlspec.core.regularizers import REGULARIZERS

ACTIVATION_CASES = [
    ("linear", {}),
    ("sigmoid", {}),
    ("tanh", {}),
    ("relu", {}),
    ("leaky_relu", {}),
    ("leaky_relu", {"slope": 0.3}),
    ("leaky_relu", {"slope": 0.0}),
]

# Losses have no settings; the second entry is the number of units of the output layer.
LOSS_CASES = [
    ("squared_error", 1),
    ("squared_error", 3),
    ("binary_cross_entropy", 1),
    ("categorical_cross_entropy", 2),
    ("categorical_cross_entropy", 5),
]

INITIALIZER_CASES = [
    ("zeros", {}),
    ("small", {}),
    ("small", {"gain": 3.0}),
    ("large", {}),
    ("large", {"gain": 0.02}),
    ("xavier", {}),
    ("xavier", {"gain": 0.5}),
    ("he", {}),
    ("he", {"gain": 1.7}),
    ("glorot", {}),
    ("glorot", {"gain": 1.2}),
]

REGULARIZER_CASES = [
    ("l2", {"lambda_": 0.7}),
    ("l2", {"lambda_": 0.0}),
    ("l1", {"lambda_": 0.3}),
    ("l1", {"lambda_": 0.0}),
]

OPTIMIZER_CASES = [
    ("sgd", {}),
    ("momentum", {}),
    ("momentum", {"beta": 0.5}),
    ("momentum", {"beta": 0.0}),
    ("rmsprop", {}),
    ("rmsprop", {"rho": 0.99, "epsilon": 1e-3}),
    ("rmsprop", {"rho": 0.0}),
    ("adam", {}),
    ("adam", {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3}),
    ("adam", {"beta1": 0.0, "beta2": 0.0}),
]

DECAY_CASES = [
    ("constant", {}),
    ("inverse_time", {}),
    ("inverse_time", {"rate": 1.0}),
    ("exponential", {}),
    ("exponential", {"base": 0.5}),
    ("sqrt", {}),
    ("sqrt", {"k": 2.0}),
    ("staircase", {}),
    ("staircase", {"factor": 0.1, "every": 3}),
    ("manual", {"points": ((4, 0.05), (9, 0.01))}),
    ("manual", {"points": ((0, 0.3),)}),
]

# The table of a family in core, and its rows here.
FAMILIES = {
    "activation": (ACTIVATIONS, ACTIVATION_CASES),
    "loss": (LOSSES, LOSS_CASES),
    "initializer": (INITIALIZERS, INITIALIZER_CASES),
    "regularizer": (REGULARIZERS, REGULARIZER_CASES),
    "optimizer": (OPTIMIZERS, OPTIMIZER_CASES),
    "decay": (DECAYS, DECAY_CASES),
}


def case_id(value):
    """Label of one part of a case: its name, `slope=0.3`, or `default`."""
    if isinstance(value, dict):
        return ",".join(f"{key}={setting}" for key, setting in value.items()) or "default"
    return str(value)


def sample_targets(loss, batch, units, rng):
    """Random targets Y of the kind that a loss takes."""
    if loss == "squared_error":
        return rng.standard_normal((batch, units))
    classes = max(units, 2)  # one unit is the probability of class 1 of two
    return rng.integers(0, classes, batch)
