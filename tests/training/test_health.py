"""What a sample shows of every layer, for networks whose numbers are known; and that it touches nothing."""

import numpy as np
import pytest
from core.builders import build_network

from dlspec.core.activations import ACTIVATIONS
from dlspec.core.constraints import ClipNorm
from dlspec.core.cost import Cost
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import BatchNorm, Dense, Elementwise
from dlspec.core.losses import LOSSES
from dlspec.core.network import Network
from dlspec.core.optimizers import OPTIMIZERS
from dlspec.training.health import EXAMPLES, HealthSampler, InputHealth, sample_of

from .builders import make_cost, make_examples, make_trainer

NAMES = {member: name for name, member in ACTIVATIONS.items()}
RATE = 0.01


def sampler_of(cost, trainer, examples, *, before_step=(), rate=RATE):
    return HealthSampler(
        cost=cost,
        optimizer=trainer.optimizer,
        before_step=before_step,
        rate=lambda state: rate,  # noqa: ARG005 - the same for every state
        names=NAMES,
        batch=sample_of(examples.X, examples.Y, None),
    )


def health_of(cost, examples, *, optimizer=("adam", {}), before_step=()):
    trainer = make_trainer(cost, examples, batch_size=len(examples.X), optimizer=optimizer)
    with np.errstate(over="ignore"):  # as in a run
        return sampler_of(cost, trainer, examples, before_step=before_step)(trainer.state())


def deep(sizes, weights, *, activation):
    """A network whose weights W (n_out, n_in) are `weights(n_out, n_in)`, and whose b is 0."""
    network = build_network(sizes, activation=(activation, {}))
    parameters = network.parameters(dtype=np.float32)
    for spec in parameters.specs:
        if spec.kind == "weight":
            parameters.values[spec.name][...] = weights(*spec.shape)
    return Cost(network=network, loss=LOSSES["binary_cross_entropy"](), penalties=(), parameters=parameters)


def times_identity(factor):
    return lambda n_out, n_in: factor * np.eye(n_out, n_in)


@pytest.mark.parametrize("factor", [1.5, 0.5])
def test_a_deep_linear_network_multiplies_the_signal_in_every_layer(factor):
    examples = make_examples(m=40, n_x=4, dtype=np.float32)
    layers = health_of(deep([4] * 51 + [1], times_identity(factor), activation="linear"), examples)
    spread = float(examples.X.std())
    assert len(layers) == 51
    for number, layer in enumerate(layers[:-1], start=1):
        assert layer.layer == number
        assert layer.std == pytest.approx(spread * factor**number, rel=1e-4)


def test_an_explosion_beyond_the_squares_of_float32_has_a_size():
    examples = make_examples(m=10, n_x=4, dtype=np.float32)
    layers = health_of(deep([4] * 12 + [1], times_identity(1e3), activation="linear"), examples)
    assert layers[9].std == pytest.approx(1e30 * float(examples.X.std()), rel=1e-4)


@pytest.mark.parametrize(
    ("activation", "weight", "b", "dead", "saturated"),
    [
        ("relu", 1.0, -100.0, 1.0, None),
        ("relu", 1.0, [100.0, -100.0, 100.0, -100.0], 0.5, None),
        ("tanh", 1.0, 100.0, None, 1.0),
        ("tanh", 1e-3, 0.0, None, 0.0),
        ("sigmoid", 1.0, [100.0, 100.0, 0.0, -100.0], None, 0.75),
        ("hard_tanh", 1e-3, [0.0, 0.0, 0.0, 5.0], None, 0.25),
        ("leaky_relu", 1.0, -100.0, None, None),
        ("gelu", 1.0, -100.0, None, None),
    ],
)
def test_dead_and_saturated_units(activation, weight, b, dead, saturated):
    cost = deep((4, 4, 1), times_identity(weight / 10), activation=activation)
    cost.parameters.values["b1"][...] = b
    hidden, output = health_of(cost, make_examples(m=40, n_x=4, dtype=np.float32))
    assert (hidden.activation, hidden.dead, hidden.saturated) == (activation, dead, saturated)
    assert (output.activation, output.dead, output.saturated) == ("output", None, None)


@pytest.mark.parametrize(
    ("weights", "alike"),
    [
        (lambda n_out, n_in: np.zeros((n_out, n_in)), 1.0),
        (lambda n_out, n_in: np.full((n_out, n_in), 0.1), 1.0),
        (lambda n_out, n_in: np.arange(n_out)[:, None] // 3 + np.ones((n_out, n_in)), 0.5),  # 2 others of 4
        (lambda n_out, n_in: np.arange(n_out * n_in).reshape(n_out, n_in), 0.0),
    ],
)
def test_units_with_the_same_weights(weights, alike):
    hidden, output = health_of(deep((3, 5, 1), weights, activation="tanh"), make_examples(dtype=np.float32))
    assert hidden.alike == alike
    assert output.alike == 0.0  # a single unit has no other


def test_without_weights_there_is_no_update_ratio():
    layers = health_of(deep((3, 5, 1), times_identity(0.0), activation="relu"), make_examples(dtype=np.float32))
    assert [(layer.std, layer.gradient_norm, layer.update_ratio) for layer in layers] == [(0, 0, None), (0, 0, None)]


@pytest.mark.parametrize("optimizer", [("sgd", {}), ("momentum", {}), ("adam", {}), ("adamw", {"weight_decay": 0.1})])
@pytest.mark.parametrize("penalties", [(), (("l2", 0.5),)])
def test_the_gradient_and_the_update_are_those_of_the_next_step_on_all_examples(optimizer, penalties):
    cost, examples = make_cost(penalties=penalties), make_examples(m=30)
    name, settings = optimizer
    trainer = make_trainer(cost, examples, batch_size=30, optimizer=(name, settings), learning_rate=RATE, epochs=3)
    sampler = sampler_of(cost, trainer, examples)
    events = trainer.run()
    state = next(events).state()
    for _ in range(3):
        layers = sampler(state)
        next(events)
        after = trainer.state()
        for layer in layers:
            where = cost.parameters.slices[f"W{layer.layer}"]
            W, step = state.vector[where], after.vector[where] - state.vector[where]
            assert layer.update_ratio == pytest.approx(np.linalg.norm(step) / np.linalg.norm(W), rel=1e-5)
            assert layer.gradient_norm == pytest.approx(np.linalg.norm(cost.parameters.grad[where]), rel=1e-5)
        state = after


def test_the_gradient_is_told_before_it_is_clipped_and_the_update_after():
    cost, examples = make_cost(), make_examples()
    free, clipped = (
        health_of(cost, examples, optimizer=("sgd", {}), before_step=limits) for limits in ([], [ClipNorm(limit=1e-3)])
    )
    assert [layer.gradient_norm for layer in clipped] == [layer.gradient_norm for layer in free]
    for limited, layer in zip(clipped, free, strict=True):
        assert limited.update_ratio < layer.update_ratio / 10


def test_batch_normalisation_keeps_its_statistics_and_dropout_its_generator():
    he = INITIALIZERS["he"]()
    relu = Elementwise(ACTIVATIONS["relu"]())
    network = Network([Dense(4, initializer=he), BatchNorm(), relu, Dense(1, initializer=he)], in_shape=(3,))
    parameters = network.parameters(dtype=np.float32)
    network.initialize(parameters, np.random.default_rng(0))
    cost = Cost(network=network, loss=LOSSES["binary_cross_entropy"](), penalties=(), parameters=parameters)
    examples = make_examples(dtype=np.float32)
    before = parameters.vector.copy()
    hidden, _ = health_of(cost, examples)
    assert hidden.mean == pytest.approx(0.4, abs=0.1)  # of relu over N(0, 1): 1/√(2π)
    np.testing.assert_array_equal(parameters.vector, before)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_a_sample_leaves_the_training_as_it_is(name):
    examples = make_examples()
    vectors = []
    for sampled in (False, True):
        cost = make_cost(keep_prob=0.7)
        trainer = make_trainer(cost, examples, optimizer=(name, {}))
        sampler = sampler_of(cost, trainer, examples)
        for event in trainer.run():
            if sampled:
                sampler(event.state())
        state = trainer.state()
        vectors.append(np.concatenate([state.vector, *state.optimizer.values()]))
    np.testing.assert_array_equal(*vectors)


def test_the_same_state_gives_the_same_sample():
    cost, examples = make_cost(keep_prob=0.5), make_examples()
    trainer = make_trainer(cost, examples)
    state = trainer.state()
    sampler = sampler_of(cost, trainer, examples)
    first = sampler(state)
    assert sampler(state) == first == sampler_of(cost, trainer, examples)(state)


@pytest.mark.parametrize(("m", "expected"), [(3, [0, 1, 2]), (EXAMPLES, [*range(EXAMPLES)])])
def test_a_small_set_is_sampled_whole(m, expected):
    X = np.arange(m, dtype=np.float32)[:, None]
    batch, Y, weights = sample_of(X, np.arange(m), np.arange(m) / 2)
    assert batch[:, 0].tolist() == Y.tolist() == expected
    assert weights.tolist() == [row / 2 for row in expected]


def test_of_a_large_set_examples_at_equal_distances_are_looked_at():
    X = np.arange(1281, dtype=np.float32)[:, None]
    batch, Y, weights = sample_of(X, np.arange(1281), None)
    assert len(Y) == EXAMPLES
    assert (Y[0], Y[-1], weights) == (0, 1280, None)
    assert set(np.diff(batch[:, 0])) == {20, 21}


def test_the_scales_of_the_inputs():
    examples = make_examples(m=4, n_x=3, dtype=np.float32)
    examples.X[...] = [[1, 0, 100], [-1, 0, 100], [1, 0, -100], [1, 0, 100]]
    cost = make_cost(dtype=np.float32)
    assert sampler_of(cost, make_trainer(cost, examples), examples).inputs() == InputHealth(57.7379, 100.0)
