"""Every member of every family in `dlspec.core` with sample settings: one place, used by all tests.

A new member needs a row here and a naive version in `reference.py`; `core/test_families.py` fails
until it has both. Then the tests of its family run for it.
"""

import numpy as np

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
    ("hard_tanh", {}),
    ("elu", {}),
    ("elu", {"alpha": 0.3}),
    ("selu", {}),
    ("softplus", {}),
    ("silu", {}),
    ("gelu", {}),
    ("gelu", {"form": "tanh"}),
]

# Where g' jumps, where it is not at 0: numeric gradients keep away.
KINKS = {"hard_tanh": (-1.0, 1.0)}

# Losses at their default settings; the second entry is the number of units of the output layer.
LOSS_CASES = [
    ("squared_error", 1),
    ("squared_error", 3),
    ("absolute_error", 1),
    ("absolute_error", 3),
    ("huber", 1),
    ("huber", 3),
    ("binary_cross_entropy", 1),
    ("categorical_cross_entropy", 2),
    ("categorical_cross_entropy", 5),
    ("multi_task_cross_entropy", 1),
    ("multi_task_cross_entropy", 3),
]

INITIALIZER_CASES = [
    ("zeros", {}),
    ("constant", {"value": 0.3}),
    ("constant", {"value": -2.0}),
    ("small", {}),
    ("small", {"gain": 3.0}),
    ("large", {}),
    ("large", {"gain": 0.02}),
    ("xavier", {}),
    ("xavier", {"gain": 0.5}),
    ("lecun", {}),
    ("lecun", {"gain": 2.5}),
    ("he", {}),
    ("he", {"gain": 1.7}),
    ("glorot", {}),
    ("glorot", {"gain": 1.2}),
    ("xavier_uniform", {}),
    ("xavier_uniform", {"gain": 0.5}),
    ("lecun_uniform", {}),
    ("lecun_uniform", {"gain": 2.5}),
    ("he_uniform", {}),
    ("he_uniform", {"gain": 1.7}),
    ("glorot_uniform", {}),
    ("glorot_uniform", {"gain": 1.2}),
    ("orthogonal", {}),
    ("orthogonal", {"gain": 1.4}),
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
    ("momentum", {"nesterov": True}),
    ("momentum", {"bias_correction": True}),
    ("momentum", {"beta": 0.7, "nesterov": True, "bias_correction": True}),
    ("adagrad", {}),
    ("adagrad", {"epsilon": 0.1}),
    ("rmsprop", {}),
    ("rmsprop", {"rho": 0.99, "epsilon": 1e-3}),
    ("rmsprop", {"rho": 0.0}),
    ("adadelta", {}),
    ("adadelta", {"rho": 0.8, "epsilon": 1e-2}),
    ("adadelta", {"rho": 0.0}),
    ("adam", {}),
    ("adam", {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3}),
    ("adam", {"beta1": 0.0, "beta2": 0.0}),
    ("adam", {"amsgrad": True}),
    ("adam", {"beta1": 0.5, "beta2": 0.6, "epsilon": 1e-3, "amsgrad": True}),
    ("adamw", {}),
    ("adamw", {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "weight_decay": 0.5}),
    ("adamw", {"weight_decay": 0.0}),
    ("nadam", {}),
    ("nadam", {"beta1": 0.6, "beta2": 0.95, "epsilon": 1e-3}),
    ("nadam", {"beta1": 0.0, "beta2": 0.0}),
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
    ("cosine", {}),
    ("cosine", {"min_rate": 0.01, "cycles": 7}),
    ("one_cycle", {}),
    ("one_cycle", {"rise": 0.45, "start_factor": 0.2, "end_factor": 0.0, "shape": "linear"}),
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
    if loss in ("squared_error", "absolute_error", "huber"):
        return 2 * rng.standard_normal((batch, units))
    if loss == "multi_task_cross_entropy":  # a third of the labels is missing
        return rng.choice([0.0, 1.0, np.nan], (batch, units))
    classes = max(units, 2)  # one unit is the probability of class 1 of two
    return rng.integers(0, classes, batch)
