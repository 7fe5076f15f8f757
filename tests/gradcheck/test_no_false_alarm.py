"""Correct networks of every kind are never called wrong."""

import numpy as np

from dlspec.battery import LOSS_UNITS, STRENGTHS, targets
from dlspec.core.activations import ACTIVATIONS
from dlspec.core.cost import Cost, Penalty
from dlspec.core.gradcheck import Objective, check
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import BatchNorm, Dense, Dropout, Elementwise
from dlspec.core.losses import LOSSES
from dlspec.core.network import Network
from dlspec.core.regularizers import REGULARIZERS

NETWORKS = 200


def random_objective(rng):
    """A network drawn from all that there is; `large` among the starts saturates it."""
    initializer = INITIALIZERS[rng.choice(["he", "xavier", "glorot", "small", "large"])]()
    keep_prob = float(rng.uniform(0.5, 1))
    layers = [Dropout(keep_prob=keep_prob)] if rng.random() < 0.2 else []
    for _ in range(rng.integers(0, 4)):
        norm = rng.choice(["none", "none", "before", "after"])
        activation = Elementwise(ACTIVATIONS[rng.choice(list(ACTIVATIONS))]())
        layers.append(Dense(int(rng.integers(1, 8)), initializer=initializer, bias=norm != "before"))
        layers += [BatchNorm(), activation] if norm == "before" else [activation]
        layers += [BatchNorm()] if norm == "after" else []
        layers += [Dropout(keep_prob=keep_prob)] if rng.random() < 0.3 else []
    loss = str(rng.choice(list(LOSSES)))
    units = int(rng.choice(LOSS_UNITS.get(loss, (1, 3))))
    m, n_x = int(rng.integers(2, 17)), int(rng.integers(1, 8))
    network = Network([*layers, Dense(units, initializer=initializer)], in_shape=(n_x,))
    parameters = network.parameters(dtype=np.float64)
    network.initialize(parameters, rng)
    biases = parameters.theta[parameters.decayed.stop :]
    biases += 0.5 * rng.standard_normal(len(biases))
    penalties = [
        Penalty(REGULARIZERS[name](lambda_=strength), parameters.decayed)
        for name, strength in STRENGTHS.items()
        if rng.random() < 0.5
    ]
    cost = Cost(network=network, loss=LOSSES[loss](), penalties=penalties, parameters=parameters)
    w = 2 * rng.random(m) if rng.random() < 0.3 else None
    return Objective(cost, rng.standard_normal((m, n_x)), targets(loss, m, units, rng), w, rng=np.random.default_rng(1))


def test_200_random_networks_give_no_false_alarm():
    left_out = vanishing = blocks = 0
    for seed in range(NETWORKS):
        rng = np.random.default_rng(seed)
        for block in check(random_objective(rng), rng=rng):
            assert block.verdict == "ok", (seed, block.name, block.measures)
            left_out += block.differences.left_out
            vanishing += block.differences.vanishes
            blocks += 1
    assert blocks > 1000
    assert left_out < 20
    assert vanishing < 0.2 * blocks  # the rest was compared to more than rounding


def test_nor_do_random_directions_and_other_steps():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        for epsilon in (1e-4, 1e-5, 1e-6, 1e-7):
            for block in check(random_objective(rng), rng=rng, epsilon=epsilon, coordinates=3, directions=3):
                assert block.verdict in ("ok", "unchecked"), (seed, epsilon, block.name, block.measures)
